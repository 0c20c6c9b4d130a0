// Package simfs is a disk in memory that can fail: any operation with any error, a
// write cut short unseen, and a loss of power, after which nothing is sure to be
// there that was not synced. It is for tests, which thereby reach every state that
// a real disk can be in after a crash, in any order and in no time.
//
// What it makes of fsync is the worst that POSIX allows. The content of a file that
// was not synced is there, cut, or gone. An entry of a directory that was not
// synced (a create, a rename, a remove, each end of a rename for itself) is there
// or not, independent of all others. A failed sync of a file loses for good what it
// was about, and another sync of that file says that all is well. A failed sync of
// a directory loses nothing: where the metadata of a filesystem cannot be written
// it says so until it is mounted anew.
package simfs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Op is an operation on a disk.
type Op struct {
	Kind string // lstat, read, readdir, mkdir, create, write, sync, chtimes, rename, remove, syncdir
	Name string // below the disk's root
}

// Changes tells whether the operation changes what a reader sees, or may.
func (o Op) Changes() bool {
	return !slices.Contains([]string{"lstat", "read", "readdir"}, o.Kind)
}

// ErrShort of Before has a write stop half-way and report success.
var ErrShort = errors.New("a short write")

// Disk is a disk. It is empty at first.
type Disk struct {
	// Before is called before each operation of an FS, without locks held: an error
	// is what becomes of it. It may panic, as a process does that is killed.
	Before func(Op) error

	mu   sync.Mutex
	root *node
	now  time.Time
}

// node is a file or a directory, as an inode is: names are elsewhere.
type node struct {
	mode  fs.FileMode
	mtime time.Time

	body    []byte // of a file
	durable []byte // what of it is on the platter
	synced  bool   // body is
	lost    bool   // a sync of it has failed

	entries map[string]*node // of a directory
	platter map[string]*node // as it is there
	pending []change         // since then
}

// change is a change of one entry of a directory; nil: it was removed.
type change struct {
	name string
	to   *node
}

func newDir(mode fs.FileMode) *node {
	return &node{mode: fs.ModeDir | mode, entries: map[string]*node{}, platter: map[string]*node{}}
}

func (n *node) isDir() bool { return n.entries != nil }

func (n *node) set(name string, to *node) {
	if to == nil {
		delete(n.entries, name)
	} else {
		n.entries[name] = to
	}
	n.pending = append(n.pending, change{name, to})
}

// syncEntries brings the entries to the platter.
func (n *node) syncEntries() {
	n.platter, n.pending = maps.Clone(n.entries), nil
}

// New gives an empty disk.
func New() *Disk {
	return &Disk{root: newDir(0o755), now: time.Unix(1e9, 0)}
}

// tick has a little time pass: less than the second in which Prometheus tells
// versions of a file.
func (d *Disk) tick() time.Time {
	d.now = d.now.Add(time.Millisecond)
	return d.now
}

// find gives a node, and its directory with the name in it; nil where there is none.
func (d *Disk) find(name string) (n, dir *node, base string) {
	n = d.root
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if part == "." {
			continue
		}
		if n == nil || !n.isDir() {
			return nil, nil, ""
		}
		dir, base = n, part
		n = dir.entries[part]
	}
	return n, dir, base
}

// Crash takes the power away and brings the disk back, with what it then has.
func (d *Disk) Crash(luck *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[*node]bool{}
	d.root.crash(luck, seen)
}

func (n *node) crash(luck *rand.Rand, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if !n.isDir() {
		if !n.synced {
			n.body = torn(n.body, n.durable, luck)
		}
		n.durable, n.synced, n.lost = n.body, true, false
		return
	}
	now := maps.Clone(n.platter)
	for _, c := range n.pending {
		switch {
		case luck.IntN(2) == 0:
		case c.to == nil:
			delete(now, c.name)
		default:
			now[c.name] = c.to
		}
	}
	n.entries = now
	n.syncEntries()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		now[name].crash(luck, seen)
	}
}

// torn is what may be left of a body that was not synced.
func torn(body, durable []byte, luck *rand.Rand) []byte {
	switch luck.IntN(4) {
	case 0:
		return body
	case 1:
		return durable
	case 2:
		return []byte{}
	default:
		return append(bytes.Clone(body[:luck.IntN(len(body)+1)]), 0)
	}
}

// Put puts a file there for good, with the directories above it.
func (d *Disk) Put(name, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir := d.root
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		next := dir.entries[part]
		if next == nil {
			next = newDir(0o755)
			dir.set(part, next)
			dir.syncEntries()
		}
		dir = next
	}
	dir.set(parts[len(parts)-1], &node{mode: 0o644, mtime: d.tick(), body: []byte(body), durable: []byte(body), synced: true})
	dir.syncEntries()
}

// Delete removes a file or a directory with all in it, for good.
func (d *Disk) Delete(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n, dir, base := d.find(name); n != nil {
		dir.set(base, nil)
		dir.syncEntries()
	}
}

// Read gives the content of a file, and whether it is there.
func (d *Disk) Read(name string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, _, _ := d.find(name)
	if n == nil || n.isDir() {
		return "", false
	}
	return string(n.body), true
}

// List gives the names in a directory, sorted.
func (d *Disk) List(name string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, _, _ := d.find(name)
	if n == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(n.entries))
}
