package simfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"syscall"
	"time"
)

// FS is a directory of a disk as a program sees it. It has the methods of
// apply.FS, which says what they do.
type FS struct {
	disk *Disk
	dir  string
}

// FS gives a directory, which is made for good if need be.
func (d *Disk) FS(dir string) *FS {
	d.Put(path.Join(dir, "x"), "")
	d.Delete(path.Join(dir, "x"))
	return &FS{disk: d, dir: dir}
}

// do does an operation on a name unless it is to fail.
func (f *FS) do(kind, name string, op func(n, dir *node, base string) error) error {
	full := path.Join(f.dir, name)
	if f.disk.Before != nil {
		if err := f.disk.Before(Op{kind, full}); err != nil {
			return &fs.PathError{Op: kind, Path: name, Err: err}
		}
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n, dir, base := f.disk.find(full)
	var err error
	switch {
	case n == nil && (dir == nil || kind != "create" && kind != "mkdir"):
		err = fs.ErrNotExist
	default:
		err = op(n, dir, base)
	}
	if err != nil {
		return &fs.PathError{Op: kind, Path: name, Err: err}
	}
	return nil
}

// Lstat is that of apply.FS.
func (f *FS) Lstat(name string) (info fs.FileInfo, err error) {
	err = f.do("lstat", name, func(n, _ *node, base string) error {
		info = newStat(n, base)
		return nil
	})
	return info, err
}

// ReadFile is that of apply.FS.
func (f *FS) ReadFile(name string) (body []byte, err error) {
	err = f.do("read", name, func(n, _ *node, _ string) error {
		if n.isDir() {
			return syscall.EISDIR
		}
		body = append([]byte{}, n.body...)
		return nil
	})
	return body, err
}

// ReadDir is that of apply.FS.
func (f *FS) ReadDir(name string) (all []fs.DirEntry, err error) {
	err = f.do("readdir", name, func(n, _ *node, _ string) error {
		for _, name := range slices.Sorted(maps.Keys(n.entries)) {
			all = append(all, fs.FileInfoToDirEntry(newStat(n.entries[name], name)))
		}
		return nil
	})
	return all, err
}

// Mkdir is that of apply.FS.
func (f *FS) Mkdir(name string, mode fs.FileMode) error {
	return f.do("mkdir", name, func(n, dir *node, base string) error {
		if n != nil {
			return fs.ErrExist
		}
		made := newDir(mode)
		made.mtime = f.disk.tick()
		dir.set(base, made)
		return nil
	})
}

// Create is that of apply.FS. There are no owners here.
func (f *FS) Create(name string, mode fs.FileMode, _ fs.FileInfo) (h interface {
	io.WriteCloser
	Sync() error
}, err error) {
	err = f.do("create", name, func(n, dir *node, base string) error {
		if n != nil {
			return fs.ErrExist
		}
		made := &node{mode: mode, mtime: f.disk.tick(), body: []byte{}, durable: []byte{}}
		dir.set(base, made)
		h = &handle{f, name, made}
		return nil
	})
	return h, err
}

// Chtimes is that of apply.FS.
func (f *FS) Chtimes(name string, mtime time.Time) error {
	return f.do("chtimes", name, func(n, _ *node, _ string) error {
		n.mtime = mtime
		return nil
	})
}

// Rename is that of apply.FS.
func (f *FS) Rename(from, to string) error {
	return f.do("rename", from, func(n, dir *node, base string) error {
		old, into, name := f.disk.find(path.Join(f.dir, to))
		switch {
		case into == nil:
			return fs.ErrNotExist
		case old != nil && old.isDir():
			return syscall.EISDIR
		}
		into.set(name, n)
		dir.set(base, nil)
		return nil
	})
}

// Remove is that of apply.FS.
func (f *FS) Remove(name string) error {
	return f.do("remove", name, func(n, dir *node, base string) error {
		if len(n.entries) > 0 {
			return syscall.ENOTEMPTY
		}
		dir.set(base, nil)
		return nil
	})
}

// SyncDir is that of apply.FS.
func (f *FS) SyncDir(name string) error {
	return f.do("syncdir", name, func(n, _ *node, _ string) error {
		n.syncEntries()
		return nil
	})
}

// Close is that of apply.FS.
func (f *FS) Close() error { return nil }

// handle is a file being written.
type handle struct {
	fs   *FS
	name string
	node *node
}

// Write adds to the file. If it fails, half of it has arrived.
func (h *handle) Write(p []byte) (int, error) {
	err := h.fs.do("write", h.name, func(*node, *node, string) error {
		h.add(p)
		return nil
	})
	if err == nil {
		return len(p), nil
	}
	h.fs.disk.mu.Lock()
	defer h.fs.disk.mu.Unlock()
	h.add(p[:len(p)/2])
	if errors.Is(err, ErrShort) {
		return len(p), nil
	}
	return len(p) / 2, err
}

func (h *handle) add(p []byte) {
	h.node.body = append(bytes.Clone(h.node.body), p...)
	h.node.synced = false
	h.node.mtime = h.fs.disk.tick()
}

// Sync brings the content to the platter, once.
func (h *handle) Sync() error {
	err := h.fs.do("sync", h.name, func(*node, *node, string) error {
		if !h.node.lost {
			h.node.durable, h.node.synced = h.node.body, true
		}
		return nil
	})
	if err != nil {
		h.node.lost = true
	}
	return err
}

// Close closes the file.
func (h *handle) Close() error { return nil }

// stat tells of a node at one moment.
type stat struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
}

func newStat(n *node, name string) stat {
	return stat{name, int64(len(n.body)), n.mode, n.mtime}
}

func (s stat) Name() string       { return s.name }
func (s stat) Size() int64        { return s.size }
func (s stat) Mode() fs.FileMode  { return s.mode }
func (s stat) ModTime() time.Time { return s.mtime }
func (s stat) IsDir() bool        { return s.mode.IsDir() }
func (s stat) Sys() any           { return nil }
