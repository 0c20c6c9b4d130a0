package reload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// moment is what Prometheus says of its last reload.
type moment struct {
	loadedAt float64 // of the last success, by its own clock; 0: it is starting
	failed   bool    // the last one failed
}

func (p *Prometheus) moment(ctx context.Context) (moment, error) {
	v, err := p.metrics(ctx)
	if err != nil {
		return moment{}, err
	}
	return moment{loadedAt: v.lastReloadAt, failed: !v.lastReloadSuccessful}, nil
}

// A nudge has Prometheus reload by a way that brings no answer. Its error is that
// this was not done; doubt is that it was done and did not end well.
type nudge func(ctx context.Context) (doubt, err error)

// doubtFor is how long a reload is waited for that a nudge is in doubt about.
const doubtFor = 5 * time.Second

// nudged reloads by a nudge, and sees by Prometheus's metrics what came of it.
// words says where Prometheus's own are to be found.
func (p *Prometheus) nudged(ctx context.Context, timeout time.Duration, words string, do nudge) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	before, err := p.moment(ctx)
	if err != nil {
		// SIGHUP ends a Prometheus that has just been started: it catches signals
		// from when it listens.
		return fmt.Errorf("%w: %w; it was not signalled, since one that does not answer may still be starting and would end", ErrUnreachable, err)
	}
	doubt, err := do(ctx)
	if err != nil {
		return err
	}
	if doubt == nil {
		return p.awaitReload(ctx, before, words)
	}
	ctx, cancel = context.WithTimeout(ctx, doubtFor)
	defer cancel()
	err = p.awaitReload(ctx, before, words)
	if errors.Is(err, ErrUnknown) {
		return fmt.Errorf("%w: %w", ErrUnknown, doubt)
	}
	return err
}

// awaitReload waits until Prometheus has read its configuration since a moment,
// or ctx ends.
func (p *Prometheus) awaitReload(ctx context.Context, before moment, words string) error {
	start, now := time.Now(), before
	var silent error
	for pause := 20 * time.Millisecond; ; pause = min(pause*8/5, time.Second) {
		m, err := p.moment(ctx)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				silent = err // it is busy, or restarting
			}
		case m.loadedAt != 0 && m.loadedAt != before.loadedAt:
			return nil
		case m.failed && !before.failed && m.loadedAt == before.loadedAt:
			// The same process: one that is starting has not loaded anything, and
			// says 0 of both.
			return fmt.Errorf("%w: prometheus_config_last_reload_successful is 0; this way of reloading brings no answer: %s", ErrRefused, words)
		default:
			silent, now = nil, m
		}
		select {
		case <-ctx.Done():
			return notSeen(before, now, silent, time.Since(start), words)
		case <-time.After(pause):
		}
	}
}

// notSeen says what a reload is that was not seen in time.
func notSeen(before, now moment, silent error, waited time.Duration, words string) error {
	waited = waited.Round(time.Millisecond)
	switch {
	case silent != nil:
		return fmt.Errorf("%w: waited %s: %w", ErrUnknown, waited, silent)
	case now.loadedAt == 0:
		return fmt.Errorf("%w: it is starting since %s or longer, and reads the file when it has read its data", ErrUnknown, waited)
	case now.failed && before.failed:
		// Nothing tells one failure from the next. What is sure is that it has not
		// loaded the file, in a time in which it would have.
		return fmt.Errorf("%w, it seems: its reload before this one failed too, and it has loaded nothing for %s; %s", ErrRefused, waited, words)
	default:
		return fmt.Errorf("%w: prometheus_config_last_reload_success_timestamp_seconds has not changed for %s; %s", ErrUnknown, waited, words)
	}
}
