package reload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// AutoReload gives the interval in which Prometheus looks by itself whether its
// configuration has changed (--config.auto-reload), 0 if it does not.
func (p *Prometheus) AutoReload(ctx context.Context) (time.Duration, error) {
	flags, err := p.Flags(ctx)
	if err != nil {
		return 0, err
	}
	// The first versions that had it had it behind a feature flag.
	feature := slices.Contains(strings.Split(flags["enable-feature"], ","), "auto-reload-config")
	if flags["config.auto-reload"] != "true" && !feature {
		return 0, nil
	}
	interval, err := model.ParseDuration(flags["config.auto-reload-interval"])
	if err != nil {
		interval = model.Duration(30 * time.Second) // its default
	}
	return max(time.Duration(interval), time.Second), nil
}

// Waiting is a Reloader that leaves the reload to a Prometheus that reloads by
// itself, and waits for it: two reloaders at the same time would each see the
// other's reload for its own. Mark and Reload are not called at the same time.
type Waiting struct {
	p       *Prometheus
	method  Reloader
	timeout time.Duration
	notice  func(interval time.Duration)
	before  *moment // when Mark was called last, if since then nothing was reloaded
}

// NewWaiting gives a Waiting that reloads by a method if Prometheus does not
// reload by itself. notice is called with the interval before it waits.
func NewWaiting(p *Prometheus, method Reloader, timeout time.Duration, notice func(interval time.Duration)) *Waiting {
	return &Waiting{p: p, method: method, timeout: timeout, notice: notice}
}

// Mark gives a number that changes when Prometheus loads its configuration with
// success; 0 if it cannot be asked. What is written after it is what Reload waits
// for: Prometheus may be faster than the call of Reload.
func (w *Waiting) Mark(ctx context.Context) float64 {
	m, err := w.p.moment(ctx)
	if err != nil {
		w.before = nil
		return 0
	}
	w.before = &m
	return m.loadedAt
}

// Reload does what the method does, or waits.
func (w *Waiting) Reload(ctx context.Context) error {
	before := w.before
	w.before = nil
	if _, left := w.method.(none); left {
		return w.method.Reload(ctx)
	}
	asking, cancel := context.WithTimeout(ctx, min(w.timeout, 5*time.Second))
	interval, err := w.p.AutoReload(asking)
	cancel()
	if err != nil || interval == 0 {
		return w.method.Reload(ctx) // it does not, or is so old that it cannot
	}
	return w.wait(ctx, before, interval)
}

func (w *Waiting) wait(ctx context.Context, before *moment, interval time.Duration) error {
	// Of a long interval a part is waited for: other changes must not wait as long.
	ctx, cancel := context.WithTimeout(ctx, min(interval, w.timeout)+w.timeout)
	defer cancel()
	if before == nil {
		now, err := w.p.moment(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		before = &now
	}
	w.notice(interval)
	return w.p.awaitReload(ctx, *before, fmt.Sprintf("it reloads by itself every %s (--config.auto-reload), its words are in its log", model.Duration(interval)))
}
