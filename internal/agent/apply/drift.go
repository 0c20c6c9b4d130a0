package apply

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"promfleet"
)

// Drift is a file that is not as the agent has written it.
type Drift struct {
	File string // below the targets directory, or ConfigName
	Path string // absolute
	Kind DriftKind

	// Was is the hash of what the agent has written, Is of what is there; "" where
	// there is nothing, or nothing that can be read.
	Was, Is promfleet.Hash
	Size    int64
	// ModeWas and ModeIs differ if somebody has changed the mode.
	ModeWas, ModeIs fs.FileMode

	stamp stamp
}

// DriftKind says what has become of a file.
type DriftKind string

// What may become of a file.
const (
	DriftChanged DriftKind = "changed"
	DriftRemoved DriftKind = "removed"
	DriftMode    DriftKind = "mode"       // its content is as it should be
	DriftNoFile  DriftKind = "not a file" // a symlink, a directory or the like is in its place
	DriftForeign DriftKind = "foreign"    // not the agent's, and Prometheus would read it
)

// Same tells whether nothing has changed since another look.
func (d Drift) Same(o Drift) bool { return d == o }

// maxRead is the size up to which a file that has changed is read.
const maxRead = 64 << 20

// stamp is what tells that a file was not touched.
type stamp struct {
	size, mtime, ctime int64
	inode              uint64
	mode               fs.FileMode
}

func stampOf(info fs.FileInfo) stamp {
	p := stamp{size: info.Size(), mtime: info.ModTime().UnixNano(), mode: info.Mode()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.ctime, p.inode = st.Ctim.Nano(), st.Ino
	}
	return p
}

// Lookout watches over the files that the agent has written. It is used by one
// goroutine, the one that uses the Disk.
type Lookout struct {
	copies *Copies
	seen   map[string]sight
	asked  map[string]promfleet.Hash // what was expected last; nil: nothing yet
	// askedBefore is what was expected before that.
	askedBefore map[string]promfleet.Hash
	// before is when the state was last saved before this start: a file touched
	// after that is read once.
	before int64
	// lenient: an apply was cut short, and perhaps it has removed files.
	lenient bool
}

// sight is how a file was at the last look.
type sight struct {
	stamp stamp
	mode  fs.FileMode // that it should have
	drift Drift       // Kind "": as it should be
}

// NewLookout makes one; copies tell what the agent wrote before.
func NewLookout(d *Disk, copies *Copies) *Lookout {
	l := &Lookout{copies: copies, lenient: copies.begun, seen: map[string]sight{}}
	if info, err := d.data.dir.fs.Lstat(stateFile); err == nil {
		l.before = info.ModTime().UnixNano()
	}
	return l
}

// Expect notes what is about to be written, and keeps the prometheus.yml of it.
// Target files are kept as they come: see Copies.Keep. The error is that of the
// copy, without which an agent that is killed at this moment takes its own
// prometheus.yml for an edited one.
func (l *Lookout) Expect(d *Disk, set Set) error {
	hash := promfleet.HashOf(set.Config)
	asked := map[string]promfleet.Hash{ConfigName: hash}
	for _, j := range set.Jobs {
		for _, f := range j.Files {
			asked[f.Path()] = f.Hash
		}
	}
	if maps.Equal(asked, l.asked) {
		return nil
	}
	if l.asked != nil || set.Manifest.Revision != d.m.RevisionWritten {
		l.copies.begin()
	}
	l.asked, l.askedBefore = asked, l.asked
	return l.copies.Keep(ConfigName, hash, set.Config)
}

// Refused notes that Prometheus has not taken what was expected: the files that were
// there before it are still loaded.
func (l *Lookout) Refused() {
	for file, hash := range l.askedBefore {
		if l.asked[file] == "" {
			l.asked[file] = hash
		}
	}
}

// Settled notes that what was expected was seen loaded, and the rest removed.
func (l *Lookout) Settled(d *Disk) error {
	l.copies.end()
	return l.Tidy(d)
}

// Tidy forgets the copies of what is neither on the disk nor on its way there.
func (l *Lookout) Tidy(d *Disk) error {
	keep := map[string][]promfleet.Hash{ConfigName: {d.m.LoadedConfig, d.m.Back}}
	for file, hash := range l.asked {
		keep[file] = append(keep[file], hash)
	}
	d.mu.Lock()
	for file, hash := range d.staged {
		keep[file] = append(keep[file], hash)
	}
	d.mu.Unlock()
	for file, s := range l.seen {
		if s.drift.Was != "" {
			keep[file] = append(keep[file], s.drift.Was)
		}
	}
	return l.copies.Only(keep)
}

// Look finds the files that are not as the agent has written them. It reads only
// those that were touched.
func (l *Lookout) Look(d *Disk) ([]Drift, error) {
	var found []Drift
	files := d.m.Files
	byKey := map[string][]string{}
	for key := range d.m.Dirs {
		byKey[key] = nil
	}
	for file := range files {
		key := path.Dir(file)
		byKey[key] = append(byKey[key], path.Base(file))
	}
	for file := range l.seen {
		if _, owned := files[file]; !owned && file != ConfigName {
			delete(l.seen, file)
		}
	}
	if d.m.Config != nil {
		root, err := os.OpenRoot(d.ConfigDir())
		if err != nil {
			return nil, err
		}
		defer root.Close()
		found = append(found, l.file(place{root, d.name, ConfigName, filepath.Join(d.ConfigDir(), d.name)}, *d.m.Config, d.m.Back)...)
	}
	root, err := os.OpenRoot(d.TargetsDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		defer root.Close()
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		slices.Sort(byKey[key])
		found = append(found, l.dir(d, root, key, byKey[key])...)
	}
	for _, f := range found {
		if f.Kind == DriftChanged {
			d.distrust(f.File)
		}
	}
	return found, nil
}

// distrust has Apply read a file again, though its size and mtime may be as they
// were.
func (d *Disk) distrust(file string) {
	const never = 1
	if file == ConfigName {
		rec := *d.m.Config
		rec.MTime = never
		d.m.Config = &rec
		return
	}
	rec := d.m.Files[file]
	rec.MTime = never
	d.m.Files[file] = rec
}

// place is where a file is.
type place struct {
	root      *os.Root // nil: its directory is not there
	name      string   // in root
	file, abs string   // as in Drift
}

// dir looks at a job's directory.
func (l *Lookout) dir(d *Disk, targets *os.Root, key string, names []string) (found []Drift) {
	var root *os.Root
	if targets != nil {
		if opened, err := targets.OpenRoot(key); err == nil {
			root = opened
			defer root.Close()
		}
	}
	for _, name := range names {
		p := place{root, name, key + "/" + name, filepath.Join(d.TargetsDir(), key, name)}
		found = append(found, l.file(p, d.m.Files[p.file], "")...)
	}
	if root == nil {
		return found
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return found
	}
	for _, e := range entries {
		name := e.Name()
		if _, owned := slices.BinarySearch(names, name); owned || !strings.HasSuffix(name, ".json") {
			continue
		}
		drift := Drift{File: key + "/" + name, Path: filepath.Join(d.TargetsDir(), key, name), Kind: DriftForeign}
		if info, err := root.Lstat(name); err == nil {
			drift.stamp, drift.Size = stampOf(info), info.Size()
		}
		found = append(found, drift)
	}
	return found
}

// file looks at a file that the agent has written. also is a hash of what else it
// has written there.
func (l *Lookout) file(p place, rec Record, also promfleet.Hash) []Drift {
	was, looked := l.seen[p.file]
	if rec.MTime == 0 && !looked { // it was about to be written when the agent was killed
		return nil
	}
	if l.asked != nil && l.asked[p.file] == "" { // it goes, as soon as that is loaded
		return nil
	}
	now := l.sight(p, rec, also, was, looked)
	l.seen[p.file] = now
	if now.drift.Kind == "" {
		return nil
	}
	return []Drift{now.drift}
}

func (l *Lookout) sight(p place, rec Record, also promfleet.Hash, was sight, looked bool) sight {
	var info fs.FileInfo
	err := fs.ErrNotExist
	if p.root != nil {
		info, err = p.root.Lstat(p.name)
	}
	now := sight{mode: was.mode}
	drift := Drift{File: p.file, Path: p.abs, Was: l.written(p.file, rec, also, was), ModeWas: was.mode, ModeIs: was.mode}
	if err != nil {
		if l.lenient && l.asked == nil {
			return now
		}
		drift.Kind = DriftRemoved
		now.drift = drift
		return now
	}
	now.stamp = stampOf(info)
	own := func(h promfleet.Hash) bool {
		return h != "" && (short(h) == short(drift.Was) || l.own(p.file, h, also))
	}
	switch {
	case was.mode == 0:
		now.mode = info.Mode().Perm()
	case now.stamp == was.stamp:
		if now.drift = was.drift; now.drift.Kind == DriftChanged && own(now.drift.Is) {
			now.drift = Drift{} // somebody wanted the same of the server
		}
		return now
	}
	drift.stamp, drift.Size = now.stamp, info.Size()
	drift.ModeWas, drift.ModeIs = now.mode, info.Mode().Perm()
	switch {
	case !info.Mode().IsRegular():
		drift.Kind, drift.ModeIs = DriftNoFile, drift.ModeWas
	case own(rec.Hash) && rec.MTime == now.stamp.mtime && rec.Size == now.stamp.size &&
		(!looked && (now.stamp.ctime <= l.before || l.asked[p.file] == rec.Hash) || looked && was.stamp.mtime != now.stamp.mtime):
		drift.Is = rec.Hash // as the agent has left it
	default:
		if drift.Is = hashFile(p.root, p.name, info.Size()); !own(drift.Is) {
			drift.Kind = DriftChanged
		}
	}
	if drift.Kind == "" && drift.ModeWas != drift.ModeIs {
		drift.Kind = DriftMode
	}
	if drift.Kind != "" {
		now.drift = drift
	}
	return now
}

// own tells whether the agent has written, or was about to write, a body.
func (l *Lookout) own(file string, hash, also promfleet.Hash) bool {
	return l.copies.Has(file, hash) || l.asked[file] == hash || hash == also
}

// written gives what the agent has written. The record says what was found there,
// if another part of the agent has come upon an edited file.
func (l *Lookout) written(file string, rec Record, also promfleet.Hash, was sight) promfleet.Hash {
	newest := l.copies.newest(file)
	switch {
	case was.drift.Was != "":
		return was.drift.Was
	case newest != "" && !l.own(file, rec.Hash, also):
		return newest
	}
	return rec.Hash
}

// hashFile gives the hash of a file; "" if it cannot be read, or is too large to be
// one of the agent's.
func hashFile(root *os.Root, name string, size int64) promfleet.Hash {
	body, err := readSome(root, name, size)
	if err != nil {
		return ""
	}
	return promfleet.HashOf(body)
}

var errTooLarge = errors.New("it is too large to be shown")

func readSome(root *os.Root, name string, size int64) ([]byte, error) {
	if size > maxRead {
		return nil, errTooLarge
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxRead))
}
