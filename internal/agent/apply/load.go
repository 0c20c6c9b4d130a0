package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"promfleet"
)

// load has Prometheus read a new prometheus.yml and notes what was written.
func (d *Disk) load(ctx context.Context, set Set, how How, ch changes, p Prometheus, res *Result) error {
	start := time.Now()
	var why error
	switch {
	case ch.config:
		res.Outcome, why = p.Reload(ctx)
	case d.state.ReloadPending && d.loadedSince(ctx, p):
		// It has read some configuration since, at its start perhaps: Settle tells
		// which. If that is not it, the mark stays as it is now and the next try reloads.
	case d.state.ReloadPending:
		res.Outcome, why = p.Reload(ctx)
	}
	res.Reload = time.Since(start)
	d.state.RevisionReceived = set.Manifest.Revision
	switch res.Outcome {
	case Denied, Refused:
		if !ch.config && how.HoldConfig {
			return errors.Join(fmt.Errorf("the previous configuration could not be loaded again: %w", why), d.save())
		}
		return errors.Join(d.goBack(ctx, set, res.Outcome, why, p), d.save())
	case Reloaded, NotReloaded:
		d.state.ReloadPending = false
	}
	res.Trouble = why
	if how.HoldConfig {
		return errors.Join(d.holding(how), d.save())
	}
	if !ch.config && ch.adopt {
		if err := d.noteConfig(promfleet.HashOf(set.Config)); err != nil {
			return err
		}
	}
	d.state.Refused = nil
	d.state.RevisionWritten = set.Manifest.Revision
	d.state.Manifest = &set.Manifest
	if err := d.save(); err != nil {
		return err
	}
	return d.data.collect(set.Parts)
}

// loadedSince tells whether Prometheus has loaded a configuration since
// prometheus.yml was replaced, and keeps the new mark.
func (d *Disk) loadedSince(ctx context.Context, p Prometheus) bool {
	mark := p.Mark(ctx)
	if mark == 0 || mark == d.state.ReloadMark {
		return false
	}
	d.state.ReloadMark = mark
	return true
}

// goBack puts the prometheus.yml last loaded back. A reload that Prometheus
// refused may have taken half effect, so the old one must be loaded again; one
// that was denied has had none.
func (d *Disk) goBack(ctx context.Context, set Set, outcome Outcome, why error, p Prometheus) error {
	refused := fmt.Errorf("%w: %w", ErrRefused, why)
	d.state.Refused = &Refusal{Hash: promfleet.HashOf(set.Config), Error: why.Error()}
	d.state.ReloadPending = outcome == Refused
	before, err := d.data.Read(loadedFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// There was no prometheus.yml before this one.
		d.state.ReloadPending, d.state.Config = false, nil
		return errors.Join(refused, d.config.remove(d.name), d.config.sync("."))
	case err != nil:
		return errors.Join(refused, fmt.Errorf("the previous configuration cannot be put back: %w", err))
	}
	if err := d.writeConfig(before); err != nil {
		return errors.Join(refused, fmt.Errorf("the previous configuration cannot be put back: %w", err))
	}
	if d.state.LoadedConfig == "" {
		d.state.Config = nil // somebody else's again, to be looked at before the next try
	}
	if outcome == Denied {
		return refused
	}
	if _, err := p.Reload(ctx); err != nil {
		return fmt.Errorf("%w; and the previous configuration, which is back in its place, could not be loaded again: %w", refused, err)
	}
	d.state.ReloadPending = false
	if err := p.Verify(ctx, Look{Config: before}); err != nil {
		return fmt.Errorf("%w; and the previous configuration, which is back in its place, is not seen loaded: %w", refused, err)
	}
	return refused
}

// InQuestion tells whether there is anything of the set that was not seen loaded.
func (d *Disk) InQuestion(set Set) bool {
	return d.state.RevisionLoaded != set.Manifest.Revision || d.state.ReloadPending ||
		len(d.unseen) > 0 || d.unseenAll || d.state.LoadedConfig != promfleet.HashOf(set.Config)
}

// Settle waits until the set, which Apply has written, is seen loaded, and then
// removes what is no longer named. Its error says what is missing.
func (d *Disk) Settle(ctx context.Context, set Set, p Prometheus) (removed int, err error) {
	hash := promfleet.HashOf(set.Config)
	look := Look{}
	if d.state.LoadedConfig != hash || d.state.ReloadPending || d.unseenAll {
		look.Config = set.Config
	}
	for _, j := range set.Jobs {
		changed, unseen := d.unseen[j.Key]
		if unseen || look.Config != nil {
			look.Jobs = append(look.Jobs, JobLook{Job: j, Changed: changed})
		}
	}
	if look.Config != nil || len(look.Jobs) > 0 {
		if err := p.Verify(ctx, look); err != nil {
			return 0, err
		}
	}
	if removed, err = d.removeUnnamed(set); err != nil {
		return removed, err
	}
	if d.state.LoadedConfig != hash {
		if err := d.data.Write(loadedFile, set.Config); err != nil {
			return removed, fmt.Errorf("--data.path: %w", err)
		}
	}
	clear(d.unseen)
	d.unseenAll = false
	d.state.LoadedConfig, d.state.ReloadPending, d.state.ReloadMark = hash, false, 0
	d.state.RevisionLoaded = set.Manifest.Revision
	return removed, d.save()
}
