package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
	"promfleet/internal/check"
)

// verifyFor is how long what was loaded is waited for: two of Prometheus's
// tickers and the making of a large pool.
const verifyFor = 30 * time.Second

// running shows the applier the running Prometheus.
type running struct {
	a      *Agent
	within time.Duration // for Verify
}

func (r running) Mark(ctx context.Context) float64 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return r.a.reloader.Mark(ctx)
}

// outcomes translates what the reloader says.
var outcomes = []struct {
	err     error
	outcome apply.Outcome
}{
	{reload.ErrNotReloaded, apply.NotReloaded},
	{reload.ErrUnreachable, apply.Unreachable},
	{reload.ErrDenied, apply.Denied},
	{reload.ErrRefused, apply.Refused},
}

func (r running) Reload(ctx context.Context) (apply.Outcome, error) {
	err := r.a.reloader.Reload(ctx)
	outcome := apply.Unknown
	if err == nil {
		outcome = apply.Reloaded
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			outcome = o.outcome
		}
	}
	r.a.counters.reloads.WithLabelValues(string(outcome)).Inc()
	return outcome, err
}

// awaitsReload says that a reload is left to Prometheus itself, which may take a while.
func (a *Agent) awaitsReload(interval time.Duration) {
	a.noteAutoReload(interval)
	a.setState(promfleet.StateApplying, fmt.Errorf("waiting for Prometheus, which reloads by itself every %s (--config.auto-reload)", interval))
}

// noteAutoReload keeps in which interval Prometheus reloads by itself, 0: not at
// all, and says so when that is new.
func (a *Agent) noteAutoReload(interval time.Duration) {
	before := a.status.autoReloads(interval)
	switch {
	case interval != 0 && interval != before:
		a.log.Info("Prometheus reloads by itself (--config.auto-reload): the agent waits for that and does not reload", "interval", interval, "method", a.opts.ReloadMethod)
	case interval == 0 && before != 0:
		a.log.Info("Prometheus no longer reloads by itself: the agent does", "method", a.opts.ReloadMethod)
	}
}

func (r running) Verify(ctx context.Context, look apply.Look) error {
	want := reload.Want{}
	if look.Config != nil {
		want.SameConfig = func(running []byte) error {
			return check.SameConfig(look.Config, running, r.a.disk.ConfigDir())
		}
	}
	for _, j := range look.Jobs {
		want.Jobs = append(want.Jobs, reload.Job{
			Name:    j.Name,
			Dir:     filepath.Join(r.a.disk.TargetsDir(), j.Key),
			Targets: j.Targets(),
			Shared:  j.Shared,
			Inline:  j.Inline,
			Load:    func() ([]reload.Target, error) { return r.a.wantedTargets(j.Job) },
			Changed: j.Changed,
			Files:   r.a.writtenAt(j.Job),
		})
	}
	return r.a.prom.Verify(ctx, want, r.within)
}

// writtenAt gives when the files of a job were written, by path.
func (a *Agent) writtenAt(j apply.Job) map[string]time.Time {
	files := map[string]time.Time{}
	for _, f := range j.Files {
		file := filepath.Join(a.disk.TargetsDir(), f.Path())
		if info, err := os.Lstat(file); err == nil { // else the targets in it are missed anyway
			files[file] = info.ModTime()
		}
	}
	return files
}

// wantedTargets reads the targets of a job from its files.
func (a *Agent) wantedTargets(j apply.Job) ([]reload.Target, error) {
	targets := make([]reload.Target, 0, j.Targets())
	for _, f := range j.Files {
		body, err := a.disk.ReadTargets(f)
		if err != nil {
			return nil, err
		}
		groups, err := check.TargetGroups(body)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			for _, addr := range g.Targets {
				targets = append(targets, reload.Target{Addr: addr, Labels: g.Labels})
			}
		}
	}
	return targets, nil
}
