package simfs_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"promfleet/internal/agent/apply/simfs"
)

// after gives what a crash can leave of a file d/f, by what is done to it: each
// content that there is after one of many crashes, "-" where there is no file.
func after(t *testing.T, act func(d *simfs.Disk, f *simfs.FS) error) []string {
	t.Helper()
	var all []string
	for seed := range uint64(100) {
		d := simfs.New()
		if err := act(d, d.FS("d")); err != nil {
			t.Fatal(err)
		}
		d.Crash(rand.New(rand.NewPCG(seed, 0)))
		body, there := d.Read("d/f")
		if !there {
			body = "-"
		}
		all = append(all, body)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func write(f *simfs.FS, name, body string, sync bool) error {
	h, err := f.Create(name, 0o644, nil)
	if err != nil {
		return err
	}
	_, err = h.Write([]byte(body))
	if sync {
		err = errors.Join(err, h.Sync())
	}
	return errors.Join(err, h.Close())
}

func TestCrash(t *testing.T) {
	for name, tt := range map[string]struct {
		act  func(d *simfs.Disk, f *simfs.FS) error
		want []string // all that can be
	}{
		"synced": {func(_ *simfs.Disk, f *simfs.FS) error {
			return errors.Join(write(f, "f", "ab", true), f.SyncDir("."))
		}, []string{"ab"}},
		"file not synced": {func(_ *simfs.Disk, f *simfs.FS) error {
			return errors.Join(write(f, "f", "ab", false), f.SyncDir("."))
		}, []string{"", "\x00", "a\x00", "ab", "ab\x00"}},
		"directory not synced": {func(_ *simfs.Disk, f *simfs.FS) error {
			return write(f, "f", "ab", true)
		}, []string{"-", "ab"}},
		"replaced, directory not synced": {func(d *simfs.Disk, f *simfs.FS) error {
			d.Put("d/f", "old")
			return errors.Join(write(f, "temp", "ab", true), f.Rename("temp", "f"))
		}, []string{"ab", "old"}},
		"removed, directory not synced": {func(d *simfs.Disk, f *simfs.FS) error {
			d.Put("d/f", "old")
			return f.Remove("f")
		}, []string{"-", "old"}},
		"a failed sync, done again": {func(d *simfs.Disk, f *simfs.FS) error {
			h, err := f.Create("f", 0o644, nil)
			if err != nil {
				return err
			}
			_, err = h.Write([]byte("ab"))
			d.Before = func(simfs.Op) error { return syscall.EIO }
			if h.Sync() == nil {
				err = errors.New("no error")
			}
			d.Before = nil
			return errors.Join(err, h.Sync(), f.SyncDir("."))
		}, []string{"", "\x00", "a\x00", "ab", "ab\x00"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := after(t, tt.act); !slices.Equal(got, tt.want) {
				t.Errorf("can be %q, wanted is %q", got, tt.want)
			}
		})
	}
}

func TestShortWrite(t *testing.T) {
	d := simfs.New()
	f := d.FS("d")
	d.Before = func(op simfs.Op) error {
		if op.Kind == "write" {
			return simfs.ErrShort
		}
		return nil
	}
	if err := write(f, "f", "abcd", true); err != nil {
		t.Fatal(err)
	}
	if body, _ := d.Read("d/f"); body != "ab" {
		t.Errorf("%q", body)
	}
}
