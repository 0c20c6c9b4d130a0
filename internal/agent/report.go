package agent

import (
	"context"
	"sync"
	"time"

	"promfleet"
	"promfleet/internal/agent/reload"
)

func init() {
	addTask("report", 30, func(a *Agent) Task { return &reportTask{a: a} })
}

// reportTask tells the server what was applied, at once after each change and
// every sync interval, with how many targets are up.
type reportTask struct {
	a       *Agent
	health  reload.Health
	version string
	askedAt time.Time     // when health was last asked for
	took    time.Duration // how long that took
}

func (t *reportTask) Init(context.Context) error { return nil }

// Run reports until ctx is done.
func (t *reportTask) Run(ctx context.Context) error {
	tick := time.NewTicker(t.a.opts.SyncInterval)
	defer tick.Stop()
	for {
		periodic := false
		select {
		case <-ctx.Done():
			return nil
		case <-t.a.reportNow:
		case <-tick.C:
			periodic = true
		}
		if err := t.report(ctx, periodic); err != nil && ctx.Err() == nil {
			t.a.log.Warn("cannot report", "err", err)
		}
	}
}

// Once reports what the pass has brought.
func (t *reportTask) Once(ctx context.Context) error { return t.report(ctx, true) }

func (t *reportTask) report(ctx context.Context, look bool) error {
	r, ok := t.a.status.report()
	if !ok {
		return nil
	}
	c, err := t.a.session.wait(ctx)
	if err != nil {
		return err
	}
	if look || t.version == "" {
		t.look(ctx)
	}
	t.a.sights.set(t.version, t.health)
	t.a.complete(&r)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = c.Report(ctx, r)
	if promfleet.ErrorCode(err) == promfleet.Unauthorized {
		t.a.session.lose(c)
	}
	return err
}

// look asks Prometheus for its version and the health of its targets. The list of
// a million targets takes it seconds: it is asked for so rarely that it spends at
// most 2 % of a core on it.
func (t *reportTask) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	start := time.Now()
	if !t.askedAt.IsZero() && start.Sub(t.askedAt) < 50*t.took {
		return
	}
	version, err := t.a.prom.Version(ctx)
	if err != nil {
		t.health = reload.Health{}
		t.a.log.Debug("Prometheus is not seen", "err", err)
		return
	}
	t.version = version
	if interval, err := t.a.prom.AutoReload(ctx); err == nil && t.a.opts.ReloadMethod != "none" {
		t.a.noteAutoReload(interval)
	}
	health, err := t.a.prom.Health(ctx)
	if err != nil {
		t.a.log.Debug("cannot count targets", "err", err)
		return
	}
	t.health, t.askedAt, t.took = health, start, time.Since(start)
}

// reportSoon has a report sent at once.
func (a *Agent) reportSoon() {
	select {
	case a.reportNow <- struct{}{}:
	default: // one is due already, and it will say the newest
	}
}

// sights is what was last seen of Prometheus, for whoever reports.
type sights struct {
	mu      sync.Mutex
	version string
	health  reload.Health
}

func (s *sights) set(version string, health reload.Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.health = version, health
}

// complete adds to a report what the state does not say.
func (a *Agent) complete(r *promfleet.Report) {
	s := &a.sights
	s.mu.Lock()
	defer s.mu.Unlock()
	r.AgentVersion, r.PrometheusVersion = a.opts.Version, s.version
	r.TargetsUp, r.TargetsDown = s.health.Up, s.health.Down
	r.Policy = a.saidPolicy()
}
