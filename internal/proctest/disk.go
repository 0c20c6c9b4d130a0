package proctest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// InOwnMounts runs a test again in a process that may mount what it likes and whose
// mounts nobody else sees: as root, or in a user namespace of its own.
func InOwnMounts(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	const inside = "PROMFLEET_TEST_OWN_MOUNTS"
	if os.Getenv(inside) != "" {
		test(t)
		return
	}
	args := []string{"--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	cmd := exec.Command("unshare", append(args, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("it did not run:\n%s", out)
	}
}

// Disk is a small filesystem of its own. Only a test in its own mounts can have one.
type Disk struct {
	t    *testing.T
	path string
}

// NewDisk mounts one of so many bytes.
func NewDisk(t *testing.T, path string, size int) *Disk {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
	return &Disk{t, path}
}

func (d *Disk) filler() string { return filepath.Join(d.path, "filler") }

// Fill leaves no room on it.
func (d *Disk) Fill() {
	d.t.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

// Empty undoes Fill.
func (d *Disk) Empty() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

// ReadOnly remounts it. The kernel refuses that while a file on it is open for writing.
func (d *Disk) ReadOnly(on bool) {
	d.t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if on {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("", d.path, "", flags, ""); err != nil {
		d.t.Fatal(err)
	}
}
