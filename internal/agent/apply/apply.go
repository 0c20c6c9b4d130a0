package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
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

// How says what the caller has decided about prometheus.yml.
type How struct {
	// TakeOver is the hash of a prometheus.yml of somebody else's that may be
	// replaced. It was looked at; another one was not.
	TakeOver promfleet.Hash
	// HoldConfig leaves prometheus.yml as it is: Prometheus would not have this
	// one a moment ago.
	HoldConfig bool
	// LeaveConfig leaves it, too, since somebody has edited it and is to keep that.
	LeaveConfig bool
}

// Result is what Apply did.
type Result struct {
	Files, Removed int  // target files written and removed
	Config         bool // prometheus.yml was written
	Collected      bool // bodies that nothing needs were removed from the data path
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

// backFile is the prometheus.yml that Prometheus last loaded: what to go back to.
const backFile = "loaded.yml"

// Apply writes what differs, target files first, and has Prometheus reload if
// prometheus.yml is among it. What is no longer named stays until Settle. If
// Prometheus will not have the configuration, the error is ErrRefused.
func (d *Disk) Apply(ctx context.Context, set Set, how How, p Prometheus) (Result, error) {
	start := time.Now()
	none := Result{Outcome: NotNeeded}
	if err := set.Valid(); err != nil {
		return none, err
	}
	now, err := d.look(set)
	if err != nil {
		return none, err
	}
	loading := d.run(ctx, wanted{set, how, now}, p)
	res, err := d.m.res, d.m.err
	res.Reload, res.Write = loading, time.Since(start)-loading
	if errors.Is(err, errNotSeen) {
		err = fmt.Errorf("%s %w", d.config.abs(d.name), err)
	}
	return res, err
}

// InQuestion tells whether there is anything of the set that was not seen loaded.
func (d *Disk) InQuestion(set Set) bool {
	return d.m.inQuestion(set.Manifest.Revision, promfleet.HashOf(set.Config))
}

// Settle waits until the set, which Apply has written, is seen loaded, and then
// removes what is no longer named. Its error says what is missing.
func (d *Disk) Settle(ctx context.Context, set Set, p Prometheus) (removed int, err error) {
	d.run(ctx, watched{set}, p)
	return d.m.res.Removed, d.m.err
}

// run does what the machine asks for until it is at rest, and tells how long the
// calls of Prometheus took.
func (d *Disk) run(ctx context.Context, e Event, p Prometheus) (calls time.Duration) {
	var effects []Effect
	for {
		d.m, effects = d.step(d.m, e)
		if len(effects) == 0 {
			return calls
		}
		r := results{files: map[string]Record{}}
		e = nil
		for i, effect := range effects {
			start := time.Now()
			err := d.do(ctx, effect, p, &r)
			if ofPrometheus(effect) {
				calls += time.Since(start)
			}
			if err != nil {
				e = failed{i, err}
				break
			}
		}
		if e == nil {
			e = done{r}
		}
	}
}

func ofPrometheus(e Effect) bool {
	switch e.(type) {
	case askMark, askReload, verify:
		return true
	}
	return false
}

// do does one effect and adds what it brings.
func (d *Disk) do(ctx context.Context, e Effect, p Prometheus, r *results) (err error) {
	switch e := e.(type) {
	case askMark:
		r.mark = p.Mark(ctx)
	case askReload:
		r.outcome, r.why = p.Reload(ctx)
	case verify:
		return d.verify(ctx, e.look, p, r)
	case journal:
		return atData(d.data.saveState(e.state))
	case keepBack:
		return atData(d.data.Write(backFile, e.body))
	case keepCurrent:
		body, err := d.config.fs.ReadFile(d.name)
		if err != nil {
			return err
		}
		return atData(d.data.Write(backFile, body))
	case fetchBack:
		if r.back, err = d.data.Back(); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return atData(err)
	case collect:
		r.collected = true
		return d.data.collect(e.keep)
	case keepOriginal:
		return d.keepOriginal(e.body)
	case putConfig:
		return d.putConfig(e.body, r)
	case removeConfig:
		return errors.Join(d.config.remove(d.name), d.config.sync("."))
	case syncConfig:
		return d.config.sync(".")
	default:
		return d.doTargets(e, r)
	}
	return nil
}

func (d *Disk) doTargets(e Effect, r *results) error {
	switch e := e.(type) {
	case makeDir:
		return d.targets.mkdir(e.key, 0o755)
	case placeFile:
		return d.place(e.file, r)
	case removeFile:
		return d.targets.remove(e.path)
	case removeDir:
		err := d.targets.remove(e.key)
		if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
			return nil // somebody else's files are in it
		}
		return err
	case syncTargets:
		// The directory may be gone with the files, by somebody else's hand.
		if err := d.targets.sync(e.name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (d *Disk) place(f File, r *results) error {
	err := d.targets.swap(tempName(f), f.Path())
	d.mu.Lock()
	delete(d.staged, f.Path()) // gone in any case
	d.mu.Unlock()
	if err != nil {
		return err
	}
	info, err := d.targets.fs.Lstat(f.Path())
	if err != nil {
		return err
	}
	r.files[f.Path()] = *record(f.Hash, info)
	return nil
}

func (d *Disk) putConfig(body []byte, r *results) error {
	if err := d.config.write(d.name, body, 0o644); err != nil {
		return err
	}
	info, err := d.config.fs.Lstat(d.name)
	if err != nil {
		return err
	}
	r.config = record(promfleet.HashOf(body), info)
	return nil
}

// verify asks Prometheus. If it was not waited for, that is no answer.
func (d *Disk) verify(ctx context.Context, look Look, p Prometheus, r *results) error {
	look.Jobs = slices.Clone(look.Jobs)
	for i, j := range look.Jobs {
		changed := make(map[string]time.Time, len(j.Changed))
		for name, mtime := range j.Changed {
			changed[d.targets.abs(name)] = mtime
		}
		look.Jobs[i].Changed = changed
	}
	r.unseen = p.Verify(ctx, look)
	if r.unseen != nil {
		return ctx.Err()
	}
	return nil
}

// keepOriginal keeps a prometheus.yml of somebody else's beside its place, for
// its owner. The first is never overwritten.
func (d *Disk) keepOriginal(body []byte) error {
	name := d.name + ".before-promfleet"
	info, err := d.config.fs.Lstat(d.name)
	if err != nil {
		return err
	}
	switch _, err := d.config.fs.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return d.config.write(name, body, info.Mode().Perm())
	default:
		return err
	}
}

// atData says which directory an error is of.
func atData(err error) error {
	if err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	return nil
}
