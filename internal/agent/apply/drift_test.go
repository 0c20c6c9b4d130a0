package apply

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// bytesRead gives how much this process has read so far.
func bytesRead(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "rchar: ")
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// manyFiles is a disk with so many jobs of so many files, of 1 KiB, each with a
// record as if it had been written.
func manyFiles(t testing.TB, jobs, files int) (*Disk, *Copies) {
	t.Helper()
	dir := t.TempDir()
	data, err := OpenData(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(Options{ConfigFile: filepath.Join(dir, "prometheus.yml"), Data: data})
	if err != nil {
		t.Fatal(err)
	}
	copies, err := OpenCopies(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = copies.Close(), d.Close(), data.Close() })
	body := []byte("[" + strings.Repeat(" ", 1022) + "]")
	hash := promfleet.HashOf(body)
	for i := range jobs {
		key := fmt.Sprintf("job_%d", i)
		if err := os.MkdirAll(filepath.Join(dir, "targets.d", key), 0o755); err != nil {
			t.Fatal(err)
		}
		d.m.Dirs[key] = true
		for j := range files {
			f := File{Key: key, Piece: strconv.Itoa(j)}
			if err := os.WriteFile(filepath.Join(dir, "targets.d", f.Path()), body, 0o644); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(filepath.Join(dir, "targets.d", f.Path()))
			if err != nil {
				t.Fatal(err)
			}
			d.m.Files[f.Path()] = Record{Hash: hash, Size: info.Size(), MTime: info.ModTime().UnixNano()}
		}
	}
	if err := d.data.saveState(d.m.State); err != nil {
		t.Fatal(err)
	}
	return d, copies
}

// TestLookReadsNothing: where nothing was touched no file is read, not even at the
// first look; where one was, that one.
func TestLookReadsNothing(t *testing.T) {
	d, copies := manyFiles(t, 100, 10)
	l := NewLookout(d, copies)
	for range 2 {
		before := bytesRead(t)
		found, err := l.Look(d)
		if err != nil || len(found) > 0 {
			t.Fatalf("%v, %v", found, err)
		}
		if n := bytesRead(t) - before; n > 100_000 {
			t.Errorf("%d bytes are read where nothing was touched", n)
		}
	}
	now := time.Now().Add(time.Minute)
	if err := os.Chtimes(filepath.Join(d.TargetsDir(), "job_7/3.json"), now, now); err != nil {
		t.Fatal(err)
	}
	if found, err := l.Look(d); err != nil || len(found) > 0 {
		t.Errorf("a file that was touched and says the same: %v, %v", found, err)
	}
	if err := os.WriteFile(filepath.Join(d.TargetsDir(), "job_7/4.json"), []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := bytesRead(t)
	found, err := l.Look(d)
	if err != nil || len(found) != 1 || found[0].File != "job_7/4.json" || found[0].Kind != DriftChanged {
		t.Errorf("%+v, %v", found, err)
	}
	if n := bytesRead(t) - before; n > 100_000 {
		t.Errorf("%d bytes are read for one file", n)
	}
}

// BenchmarkLook is the look of each sync at 1,000 jobs with 10,000 files.
func BenchmarkLook(b *testing.B) {
	d, copies := manyFiles(b, 1000, 10)
	l := NewLookout(d, copies)
	for b.Loop() {
		if found, err := l.Look(d); err != nil || len(found) > 0 {
			b.Fatal(found, err)
		}
	}
}

func TestCopies(t *testing.T) {
	dir := t.TempDir()
	open := func() *Copies {
		c, err := OpenCopies(dir)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	one, two := []byte("[1]"), []byte("[2]")
	for _, body := range [][]byte{one, two, one} {
		if err := c.Keep("node/all.json", promfleet.HashOf(body), body); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Keep(ConfigName, promfleet.HashOf(one), one); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, copiesDir, tempCopy+"x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	c = open()
	for _, body := range [][]byte{one, two} {
		if got, ok := c.Body("node/all.json", promfleet.HashOf(body)); !ok || string(got) != string(body) {
			t.Errorf("%q, %v", got, ok)
		}
	}
	if err := c.Only(map[string][]promfleet.Hash{"node/all.json": {promfleet.HashOf(two)}}); err != nil {
		t.Fatal(err)
	}
	if c.Has("node/all.json", promfleet.HashOf(one)) || c.Has(ConfigName, promfleet.HashOf(one)) || !c.Has("node/all.json", promfleet.HashOf(two)) {
		t.Errorf("kept are %v", c.have)
	}
	if err := os.WriteFile(filepath.Join(dir, copiesDir, copyName("node/all.json", promfleet.HashOf(two))), one, 0o600); err != nil {
		t.Fatal(err)
	}
	if body, ok := c.Body("node/all.json", promfleet.HashOf(two)); ok {
		t.Errorf("a damaged copy is given: %q", body)
	}
	if c.Has("node/all.json", promfleet.HashOf(two)) {
		t.Error("a damaged copy counts")
	}
	files, err := os.ReadDir(filepath.Join(dir, copiesDir))
	if err != nil || len(files) != 1 {
		t.Errorf("left are %v, %v", files, err)
	}
	_ = c.Close()
}

// BenchmarkMissing is what each sync looks at beside that.
func BenchmarkMissing(b *testing.B) {
	d, _ := manyFiles(b, 1000, 10)
	var jobs []Job
	for i := range 1000 {
		j := Job{Key: fmt.Sprintf("job_%d", i)}
		for p := range 10 {
			f := File{Key: j.Key, Piece: strconv.Itoa(p)}
			f.Hash = d.m.Files[f.Path()].Hash
			j.Files = append(j.Files, f)
		}
		jobs = append(jobs, j)
	}
	for b.Loop() {
		if missing, err := d.Missing(jobs); err != nil || len(missing) > 0 {
			b.Fatal(missing, err)
		}
	}
}
