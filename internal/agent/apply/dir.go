package apply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"
)

// dir is a directory that the agent writes in. All access goes through its Root,
// so that no path leads out of it.
type dir struct {
	root  *os.Root
	path  string
	stage string // directory for temporaries, on the same filesystem, watched by nobody
}

// openDir opens a directory, creates its stage and empties it of what a killed
// agent left there.
func openDir(name, stage string) (*dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	d := &dir{root: root, path: name, stage: stage}
	if err := d.mkdir(stage, 0o700); err != nil {
		_ = root.Close()
		return nil, err
	}
	return d, nil
}

func (d *dir) close() error { return d.root.Close() }

// abs gives the path of a file for messages and for Prometheus.
func (d *dir) abs(name string) string { return filepath.Join(d.path, name) }

// lock takes the lock of the directory, or says that another agent has it. It is
// held until the file is closed or the process ends.
func (d *dir) lock(hint string) (*os.File, error) {
	f, err := d.root.OpenFile(path.Join(d.stage, lockName), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another agent works on %s: stop it, or give this one another %s", d.path, hint)
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

const lockName = "lock"

// clean removes all temporaries.
func (d *dir) clean() error {
	entries, err := fs.ReadDir(d.root.FS(), d.stage)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := d.root.RemoveAll(path.Join(d.stage, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mkdir creates a directory with a mode, whatever the umask. One that is there
// stays as it is; a symlink in its place is refused.
func (d *dir) mkdir(name string, mode fs.FileMode) error {
	info, err := d.root.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is not a directory (%s)", d.abs(name), info.Mode().Type())
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := d.root.Mkdir(name, mode); err != nil {
		return err
	}
	return d.root.Chmod(name, mode)
}

// stat tells of a regular file; nil if there is none. Anything else in its place,
// a symlink above all, is refused: what it leads to is not the agent's.
func (d *dir) stat(name string) (fs.FileInfo, error) {
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s is a symlink: the agent writes no file through one; put a regular file there", d.abs(name))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file (%s)", d.abs(name), info.Mode().Type())
	}
	return info, nil
}

// write replaces a file atomically and durably.
func (d *dir) write(name string, body []byte, mode fs.FileMode) error {
	temp := path.Base(name)
	if err := d.put(temp, name, body, mode); err != nil {
		return err
	}
	if err := d.swap(temp, name); err != nil {
		return err
	}
	return d.sync(path.Dir(name), d.stage)
}

// put writes a temporary for a file and brings it to the disk. If the file is
// there already, the temporary gets its mode and owner, and an mtime of a later
// second: Prometheus tells in whole seconds which version of a file it has read.
// The temporary is gone if put fails: after a failed fsync nobody knows what of
// it is on the disk, and a second fsync would not tell.
func (d *dir) put(temp, name string, body []byte, mode fs.FileMode) (err error) {
	before, err := d.stat(name)
	if err != nil {
		return err
	}
	temp = path.Join(d.stage, temp)
	if err := d.root.RemoveAll(temp); err != nil {
		return err
	}
	f, err := d.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = d.root.Remove(temp)
			err = fmt.Errorf("write %s: %w", d.abs(name), err)
		}
	}()
	if _, err := f.Write(body); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != int64(len(body)) {
		return fmt.Errorf("%d of %d bytes arrived: %w", info.Size(), len(body), io.ErrShortWrite)
	}
	if before != nil {
		mode = before.Mode().Perm()
		if err := keepOwner(f, info, before); err != nil {
			return err
		}
		if info.ModTime().Unix() <= before.ModTime().Unix() {
			next := time.Unix(before.ModTime().Unix()+1, 0)
			if err := d.root.Chtimes(temp, next, next); err != nil {
				return err
			}
		}
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// keepOwner gives a new file the owner of the one that it replaces. Not being
// allowed to matters only where others may not read it.
func keepOwner(f *os.File, now, before fs.FileInfo) error {
	is, ok1 := now.Sys().(*syscall.Stat_t)
	was, ok2 := before.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || (is.Uid == was.Uid && is.Gid == was.Gid) {
		return nil
	}
	err := f.Chown(int(was.Uid), int(was.Gid))
	if err == nil || before.Mode().Perm()&0o004 != 0 {
		return nil
	}
	return fmt.Errorf("cannot keep its owner %d:%d, and Prometheus might not be able to read it: %w", was.Uid, was.Gid, err)
}

// swap puts a temporary in the place of a file. The directories are not synced:
// see sync.
func (d *dir) swap(temp, name string) error {
	temp = path.Join(d.stage, temp)
	if err := d.root.Rename(temp, name); err != nil {
		_ = d.root.Remove(temp)
		return fmt.Errorf("replace %s: %w", d.abs(name), err)
	}
	return nil
}

// sync brings directories to the disk.
func (d *dir) sync(names ...string) error {
	for _, name := range names {
		f, err := d.root.Open(name)
		if err != nil {
			return err
		}
		err = errors.Join(f.Sync(), f.Close())
		if err != nil {
			return fmt.Errorf("sync %s: %w", d.abs(name), err)
		}
	}
	return nil
}

// remove removes a file; one that is gone already is fine.
func (d *dir) remove(name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
