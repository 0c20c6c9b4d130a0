package apply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// FS is a directory and what is below it: all that the package does to a disk.
// Names are slash-separated and relative to it; none leads out of it. It may be
// used from several goroutines.
type FS interface {
	// Lstat tells of what is there itself, a symlink included. fs.ErrNotExist.
	Lstat(name string) (fs.FileInfo, error)
	// ReadFile gives the content of a file. fs.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// ReadDir lists a directory. fs.ErrNotExist.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Mkdir makes a directory with this very mode, whatever the umask. fs.ErrExist.
	Mkdir(name string, mode fs.FileMode) error
	// Create makes a file that is not there yet, with this very mode and, unless
	// like is nil, the owner of that file. fs.ErrExist.
	Create(name string, mode fs.FileMode, like fs.FileInfo) (Handle, error)
	// Chtimes sets the mtime of a file.
	Chtimes(name string, mtime time.Time) error
	// Rename puts a file in the place of another, or where nothing is.
	Rename(from, to string) error
	// Remove removes a file or an empty directory. fs.ErrNotExist.
	Remove(name string) error
	// SyncDir brings the entries of a directory to the disk: what was created,
	// renamed and removed in it. What is in the files is not its matter.
	SyncDir(name string) error
	// Close ends the use of it.
	Close() error
}

// Handle is a file being written. After a failed Sync nobody knows what of it is
// on the disk, and another Sync would not tell: the file must be made anew.
type Handle = interface {
	io.WriteCloser
	Sync() error
}

// rootFS is a real directory, by its Root: no path leads out of it, through a
// symlink neither.
type rootFS struct{ *os.Root }

func openFS(name string) (rootFS, error) {
	root, err := os.OpenRoot(name)
	return rootFS{root}, err
}

func (r rootFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(r.FS(), name) }

func (r rootFS) Chtimes(name string, mtime time.Time) error {
	return r.Root.Chtimes(name, mtime, mtime)
}

func (r rootFS) Mkdir(name string, mode fs.FileMode) error {
	if err := r.Root.Mkdir(name, mode); err != nil {
		return err
	}
	return r.Chmod(name, mode)
}

func (r rootFS) Create(name string, mode fs.FileMode, like fs.FileInfo) (Handle, error) {
	f, err := r.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if like != nil {
		err = keepOwner(f, like)
	}
	if err == nil {
		err = f.Chmod(mode) // after the owner: to change that takes set-id bits away
	}
	if err != nil {
		_ = f.Close()
		_ = r.Root.Remove(name)
		return nil, err
	}
	return f, nil
}

// keepOwner gives a new file the owner of the one that it replaces. Not being
// allowed to matters only where others may not read it.
func keepOwner(f *os.File, before fs.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	is, ok1 := now.Sys().(*syscall.Stat_t)
	was, ok2 := before.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || (is.Uid == was.Uid && is.Gid == was.Gid) {
		return nil
	}
	err = f.Chown(int(was.Uid), int(was.Gid))
	if err == nil || before.Mode().Perm()&0o004 != 0 {
		return nil
	}
	return fmt.Errorf("cannot keep its owner %d:%d, and Prometheus might not be able to read it: %w", was.Uid, was.Gid, err)
}

func (r rootFS) SyncDir(name string) error {
	f, err := r.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

const lockName = "lock"

// lock takes the lock of a directory, in its stage, or says that another agent has
// it. It is held until the file is closed or the process ends.
func (r rootFS) lock(stage, hint string) (*os.File, error) {
	if err := (&dir{fs: r, path: r.Name(), stage: stage}).mkdir(stage, 0o700); err != nil {
		return nil, err
	}
	f, err := r.OpenFile(path.Join(stage, lockName), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another agent works on %s: stop it, or give this one another %s", r.Name(), hint)
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}
