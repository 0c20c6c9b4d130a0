package apply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"time"
)

// dir is a directory that the agent writes in.
type dir struct {
	fs    FS
	path  string
	stage string // directory for temporaries, on the same filesystem, watched by nobody
}

// prepare makes the stage, or empties it of what a killed agent left there.
func (d *dir) prepare() error {
	if err := d.mkdir(d.stage, 0o700); err != nil {
		return err
	}
	return d.clean()
}

// abs gives the path of a file for messages and for Prometheus.
func (d *dir) abs(name string) string { return filepath.Join(d.path, name) }

// clean removes all temporaries.
func (d *dir) clean() error {
	entries, err := d.fs.ReadDir(d.stage)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := d.remove(path.Join(d.stage, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mkdir creates a directory. One that is there stays as it is; a symlink in its
// place is refused.
func (d *dir) mkdir(name string, mode fs.FileMode) error {
	info, err := d.fs.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is not a directory (%s)", d.abs(name), info.Mode().Type())
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return d.fs.Mkdir(name, mode)
}

// stat tells of a regular file; nil if there is none. Anything else in its place,
// a symlink above all, is refused: what it leads to is not the agent's.
func (d *dir) stat(name string) (fs.FileInfo, error) {
	info, err := d.fs.Lstat(name)
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
// The temporary is gone if put fails.
func (d *dir) put(temp, name string, body []byte, mode fs.FileMode) error {
	before, err := d.stat(name)
	if err != nil {
		return err
	}
	temp = path.Join(d.stage, temp)
	if err := d.remove(temp); err != nil {
		return err
	}
	if before != nil {
		mode = before.Mode().Perm()
	}
	f, err := d.fs.Create(temp, mode, before)
	if err == nil {
		err = errors.Join(d.fill(f, temp, body, before), f.Close())
	}
	if err != nil {
		_ = d.fs.Remove(temp)
		return fmt.Errorf("write %s: %w", d.abs(name), err)
	}
	return nil
}

func (d *dir) fill(f Handle, temp string, body []byte, before fs.FileInfo) error {
	if _, err := f.Write(body); err != nil {
		return err
	}
	info, err := d.fs.Lstat(temp)
	if err != nil {
		return err
	}
	if info.Size() != int64(len(body)) {
		return fmt.Errorf("%d of %d bytes arrived: %w", info.Size(), len(body), io.ErrShortWrite)
	}
	if before != nil && info.ModTime().Unix() <= before.ModTime().Unix() {
		if err := d.fs.Chtimes(temp, time.Unix(before.ModTime().Unix()+1, 0)); err != nil {
			return err
		}
	}
	return f.Sync()
}

// swap puts a temporary in the place of a file. The directories are not synced:
// see sync.
func (d *dir) swap(temp, name string) error {
	temp = path.Join(d.stage, temp)
	if err := d.fs.Rename(temp, name); err != nil {
		_ = d.fs.Remove(temp)
		return fmt.Errorf("replace %s: %w", d.abs(name), err)
	}
	return nil
}

// sync brings the entries of directories to the disk.
func (d *dir) sync(names ...string) error {
	for _, name := range names {
		if err := d.fs.SyncDir(name); err != nil {
			return fmt.Errorf("sync %s: %w", d.abs(name), err)
		}
	}
	return nil
}

// remove removes a file; one that is gone already is fine.
func (d *dir) remove(name string) error {
	if err := d.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
