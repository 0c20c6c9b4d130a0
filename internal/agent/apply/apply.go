package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"promfleet"
)

// Prometheus is the running one.
type Prometheus interface {
	// Mark gives a number that changes when Prometheus loads its configuration
	// with success; 0 if it cannot be asked.
	Mark(ctx context.Context) float64
	// Reload makes it read its configuration. The error is nil if the outcome is
	// Reloaded, and says why otherwise.
	Reload(ctx context.Context) (Outcome, error)
	// Verify waits until all is seen loaded, for a time of its own choice.
	Verify(ctx context.Context, look Look) error
}

// Outcome is what became of a reload.
type Outcome string

// The outcomes of a reload.
const (
	NotNeeded   Outcome = "not needed"
	Reloaded    Outcome = "reloaded"
	NotReloaded Outcome = "left to others" // the method does not reload
	Unreachable Outcome = "unreachable"    // surely not reloaded; it may start with the new file
	Unknown     Outcome = "unknown"        // perhaps reloaded, perhaps still at it
	Denied      Outcome = "denied"         // Prometheus has not read the file
	Refused     Outcome = "refused"        // Prometheus has read the file and said no
)

// Look is what is to be seen loaded.
type Look struct {
	Config []byte // nil: it was seen loaded before
	Jobs   []JobLook
}

// JobLook is a job whose targets are to be seen; Changed are the files just
// written, by absolute path, with their mtime.
type JobLook struct {
	Job
	Changed map[string]time.Time
}

type written map[string]time.Time

// How says what the caller has decided about prometheus.yml.
type How struct {
	// TakeOver is the hash of a prometheus.yml of somebody else's that may be
	// replaced. It was looked at; another one was not.
	TakeOver promfleet.Hash
	// HoldConfig leaves prometheus.yml as it is: Prometheus would not have this
	// one a moment ago.
	HoldConfig bool
}

// Result is what Apply did.
type Result struct {
	Files, Removed int  // target files written and removed
	Config         bool // prometheus.yml was written
	Outcome        Outcome
	// Trouble says why a reload has not taken place yet, where that is no failure
	// of the set: Unreachable, Unknown, NotReloaded.
	Trouble error
	// Write and Reload are how long the two took.
	Write, Reload time.Duration
}

// Changed tells whether anything was done.
func (r Result) Changed() bool { return r.Files+r.Removed > 0 || r.Config || r.Outcome != NotNeeded }

// ErrRefused is that the configuration could not be loaded, and the one before is back
// in its place.
var ErrRefused = errors.New("the configuration could not be loaded")

// loadedFile is the prometheus.yml last seen loaded: what to go back to.
const loadedFile = "loaded.yml"

// Apply writes what differs, target files first, and has Prometheus reload if
// prometheus.yml is among it. What is no longer named stays until Settle. If
// Prometheus will not have the configuration, the error is ErrRefused.
func (d *Disk) Apply(ctx context.Context, set Set, how How, p Prometheus) (Result, error) {
	res := Result{Outcome: NotNeeded}
	if err := set.Valid(); err != nil {
		return res, err
	}
	start := time.Now()
	ch, err := d.changes(set, how)
	if err != nil {
		return res, err
	}
	if ch.none && d.state.Manifest != nil && d.state.RevisionWritten == set.Manifest.Revision {
		return res, d.holding(how)
	}
	if err := d.prepare(ctx, set, ch, p); err != nil {
		return res, err
	}
	if err := d.writeTargets(ch, &res); err != nil {
		return res, err
	}
	if ch.config {
		if err := d.writeConfig(set.Config); err != nil {
			return res, err
		}
		res.Config = true
	}
	res.Write = time.Since(start)
	err = d.load(ctx, set, how, ch, p, &res)
	return res, err
}

// changes is what differs between the disk and a set.
type changes struct {
	plan    plan
	dirs    []string // directories to make
	config  bool     // prometheus.yml
	adopt   bool     // prometheus.yml is as wanted, and nobody knows who wrote it
	none    bool
	current []byte // a prometheus.yml to be taken over
}

func (d *Disk) changes(set Set, how How) (changes, error) {
	var ch changes
	differ := map[string]bool{}
	for _, j := range set.Jobs {
		for _, f := range j.Files {
			ok, err := d.good(f)
			if err != nil {
				return ch, err
			}
			if _, staged := d.stagedAs(f); !ok && !staged {
				return ch, fmt.Errorf("target file %s is not as it should be, and its body is not there", f.Path())
			}
			differ[f.Path()] = !ok
		}
		// Also the directory of a job without targets: Prometheus can watch only
		// what is there, and the first target must not wait for a refresh.
		if len(j.Files) > 0 || !j.Shared {
			info, err := d.targets.root.Lstat(j.Key)
			if err != nil || !info.IsDir() {
				ch.dirs = append(ch.dirs, j.Key)
			}
		}
	}
	ch.plan = makePlan(d.state.Files, set.Jobs, func(f File) bool { return !differ[f.Path()] })
	if err := d.configChanges(set, how, &ch); err != nil {
		return ch, err
	}
	ch.none = len(ch.plan.jobs)+len(ch.dirs) == 0 && !ch.config && !ch.adopt && !d.state.ReloadPending
	return ch, nil
}

func (d *Disk) configChanges(set Set, how How, ch *changes) error {
	if how.HoldConfig {
		return nil
	}
	hash := promfleet.HashOf(set.Config)
	same, err := d.configIs(hash)
	if err != nil {
		return err
	}
	ch.config = !same
	foreign, there, err := d.Foreign()
	switch {
	case err != nil || !there:
		return err
	case same:
		ch.adopt = true
	case how.TakeOver != promfleet.HashOf(foreign):
		return fmt.Errorf("%s was not written by this agent and has changed since it was looked at: it is not replaced", d.config.abs(d.name))
	default:
		ch.current = foreign
	}
	return nil
}

// holding repeats why the configuration is held back.
func (d *Disk) holding(how How) error {
	if !how.HoldConfig || d.state.Refused == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrRefused, d.state.Refused.Error)
}

// prepare notes what is about to be written, so that an agent killed in between
// knows its own files again and that a reload is due.
func (d *Disk) prepare(ctx context.Context, set Set, ch changes, p Prometheus) error {
	note := ch.config || ch.adopt || len(ch.dirs) > 0
	for _, j := range ch.plan.jobs {
		for _, f := range j.write {
			if _, owned := d.state.Files[f.Path()]; !owned {
				d.state.Files[f.Path()] = Record{Hash: f.Hash, Size: f.Size}
				note = true
			}
		}
	}
	for _, key := range ch.dirs {
		d.state.Dirs[key] = true
	}
	if ch.current != nil {
		if err := d.keepOriginal(ch.current); err != nil {
			return err
		}
	}
	if ch.config || ch.adopt {
		if d.state.Config == nil {
			d.state.Config = &Record{Hash: promfleet.HashOf(set.Config), Size: int64(len(set.Config))}
		}
		d.state.ReloadPending, d.state.ReloadMark = true, 0
		if ch.config {
			d.state.ReloadMark = p.Mark(ctx)
		}
	}
	if !note {
		return nil
	}
	return d.save()
}

// keepOriginal keeps a prometheus.yml of somebody else's beside its place, for
// its owner, and as what to go back to.
func (d *Disk) keepOriginal(body []byte) error {
	const suffix = ".before-promfleet"
	info, err := d.config.root.Lstat(d.name + suffix)
	if err == nil && info != nil {
		return d.data.Write(loadedFile, body)
	}
	mode, err := d.config.root.Stat(d.name)
	if err != nil {
		return err
	}
	if err := d.config.write(d.name+suffix, body, mode.Mode().Perm()); err != nil {
		return err
	}
	return d.data.Write(loadedFile, body)
}

func (d *Disk) writeTargets(ch changes, res *Result) error {
	for _, key := range ch.dirs {
		if err := d.targets.mkdir(key, 0o755); err != nil {
			return err
		}
	}
	if len(ch.dirs) > 0 {
		if err := d.targets.sync("."); err != nil {
			return err
		}
	}
	for _, j := range ch.plan.jobs {
		if err := d.writeJob(j); err != nil {
			return err
		}
		res.Files += len(j.write)
		res.Removed += len(j.remove)
	}
	if res.Files > 0 {
		return d.targets.sync(d.targets.stage)
	}
	return nil
}

// writeJob puts the new files of a job in place and then removes those that they
// replace: a target that moves from one to the other is there throughout.
func (d *Disk) writeJob(j jobPlan) error {
	seen := d.unseen[j.key]
	if seen == nil {
		seen = written{}
		d.unseen[j.key] = seen
	}
	for _, f := range j.write {
		if err := d.targets.swap(tempName(f), f.Path()); err != nil {
			return err
		}
		d.mu.Lock()
		delete(d.staged, f.Path())
		d.mu.Unlock()
		info, err := d.targets.root.Lstat(f.Path())
		if err != nil {
			return err
		}
		d.state.Files[f.Path()] = Record{Hash: f.Hash, Size: info.Size(), MTime: info.ModTime().UnixNano()}
		seen[d.targets.abs(f.Path())] = info.ModTime()
	}
	if len(j.write) > 0 {
		if err := d.targets.sync(j.key); err != nil {
			return err
		}
	}
	return d.removeFiles(j.key, j.remove)
}

func (d *Disk) removeFiles(key string, paths []string) error {
	for _, name := range paths {
		if err := d.targets.remove(name); err != nil {
			return err
		}
		delete(d.state.Files, name)
		delete(d.unseen[key], d.targets.abs(name))
	}
	if len(paths) == 0 {
		return nil
	}
	// The directory may be gone with the files, by somebody else's hand.
	if _, err := d.targets.root.Lstat(key); err != nil {
		return nil
	}
	return d.targets.sync(key)
}

func (d *Disk) writeConfig(body []byte) error {
	if err := d.config.write(d.name, body, 0o644); err != nil {
		return err
	}
	return d.noteConfig(promfleet.HashOf(body))
}

func (d *Disk) noteConfig(hash promfleet.Hash) error {
	info, err := d.config.root.Lstat(d.name)
	if err != nil {
		return err
	}
	d.state.Config = &Record{Hash: hash, Size: info.Size(), MTime: info.ModTime().UnixNano()}
	return nil
}

// save writes the state, so that a restart finds what this agent has done.
func (d *Disk) save() error {
	if err := d.data.saveState(d.state); err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	return nil
}

// removeUnnamed removes the files and directories of jobs that nothing loaded
// names any more. A directory goes only if the agent made it and it is empty.
func (d *Disk) removeUnnamed(set Set) (int, error) {
	later := makePlan(d.state.Files, set.Jobs, func(File) bool { return true }).later
	byKey := map[string][]string{}
	for _, name := range later {
		byKey[path.Dir(name)] = append(byKey[path.Dir(name)], name)
	}
	for key, paths := range byKey {
		if err := d.removeFiles(key, paths); err != nil {
			return 0, err
		}
	}
	named := map[string]bool{}
	for _, j := range set.Jobs {
		named[j.Key] = true
	}
	gone := 0
	for _, key := range slices.Sorted(maps.Keys(d.state.Dirs)) {
		if named[key] {
			continue
		}
		_ = d.targets.root.Remove(key) // fails if somebody else's files are in it: it stays
		delete(d.state.Dirs, key)
		gone++
	}
	if gone > 0 {
		return len(later), d.targets.sync(".")
	}
	return len(later), nil
}
