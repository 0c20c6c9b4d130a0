package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"promfleet/client"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/policy"
	"promfleet/internal/agent/reload"
)

// Options are the flags of `promfleet agent`; see there for what they mean.
// Empty ones are given their defaults by New.
type Options struct {
	ServerURL            string        // --server.url, required
	JoinTokenFile        string        // --join.token-file
	DataPath             string        // --data.path
	NodeAddr             string        // --node.addr
	PrometheusURL        string        // --prometheus.url
	ConfigFile           string        // --prometheus.config-file
	BaseConfig           string        // --prometheus.base-config
	TargetsDir           string        // --prometheus.targets-dir
	TakeOver             string        // --prometheus.take-over: same, discard
	ReloadMethod         string        // --reload.method
	ReloadURL            string        // --reload.url
	ReloadUnit           string        // --reload.unit
	ReloadPIDFile        string        // --reload.pid-file
	ReloadTimeout        time.Duration // --reload.timeout
	ReloadHTTPConfigFile string        // --reload.http-config-file
	SyncInterval         time.Duration // --sync.interval
	PolicyFile           string        // --policy.file
	ListenAddress        string        // --web.listen-address
	Version              string        // of this program, as it is reported
	Examine              Examiner      `json:"-"` // what doctor finds here, for a server that asks; nil: nobody looks
}

// What to do with somebody else's prometheus.yml that has scrape jobs.
const (
	TakeOverSame    = "same"
	TakeOverDiscard = "discard"
)

func (o Options) withDefaults() Options {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&o.DataPath, "./agent-data")
	set(&o.PrometheusURL, "http://127.0.0.1:9090")
	set(&o.NodeAddr, o.PrometheusURL)
	set(&o.ConfigFile, "/etc/prometheus/prometheus.yml")
	set(&o.TakeOver, TakeOverSame)
	set(&o.ReloadMethod, "http")
	set(&o.ReloadUnit, reload.DefaultUnit)
	set(&o.ReloadURL, strings.TrimRight(o.PrometheusURL, "/")+"/-/reload")
	set(&o.ListenAddress, "127.0.0.1:7091")
	if o.ReloadTimeout == 0 {
		o.ReloadTimeout = 90 * time.Second
	}
	if o.SyncInterval == 0 {
		o.SyncInterval = 30 * time.Second
	}
	return o
}

// Agent is one agent. It is run once, with Run or Once.
type Agent struct {
	opts      Options
	log       *slog.Logger
	policy    *policy.Policy
	gatherer  prometheus.Gatherer
	server    *client.Client // without a token
	reloader  *reload.Waiting
	prom      *reload.Prometheus
	status    *status
	session   *session
	counters  *counters
	reportNow chan struct{} // a report is due at once
	waits     atomic.Bool   // something waits for a confirmation on this host
	lookAgain doorbell      // something has changed that the server does not know of
	inline    *inlining

	sights     sights
	quarantine *quarantine // read by the sync task

	leftover leftover
	outline  atomic.Pointer[outline] // nil: nothing was synced yet
	wanted   atomic.Pointer[wantedConfig]

	healthSeen healthSeen

	// Open while it runs.
	data  *apply.Data
	disk  *apply.Disk
	drift *drift
}

// New makes an agent. It touches no file and calls nobody yet.
func New(opts Options, log *slog.Logger, reg prometheus.Registerer) (*Agent, error) {
	opts, err := opts.Complete()
	if err != nil {
		return nil, err
	}
	allowed, err := policy.Load(opts.PolicyFile)
	if err != nil {
		return nil, err
	}
	fetched := newFetched()
	if err := reg.Register(fetched); err != nil {
		return nil, err
	}
	server, err := client.New(client.Config{URL: opts.ServerURL, HTTPClient: &http.Client{Transport: counting{toServer(), fetched}}, UserAgent: "promfleet-agent/" + opts.Version})
	if err != nil {
		return nil, fmt.Errorf("--server.url: %w", err)
	}
	server = server.Within(maxSmallAnswer)
	hc, err := reload.NewHTTPClient(opts.ReloadHTTPConfigFile, log)
	if err != nil {
		return nil, err
	}
	prom, err := reload.NewPrometheus(opts.PrometheusURL, hc, log)
	if err != nil {
		return nil, err
	}
	method, err := reload.New(opts.ReloadMethod, reload.Config{
		URL: opts.ReloadURL, Client: hc, Unit: opts.ReloadUnit, PIDFile: opts.ReloadPIDFile,
		Prometheus: prom, Timeout: opts.ReloadTimeout,
	})
	if err != nil {
		return nil, err
	}
	a := &Agent{
		opts: opts, log: log, policy: allowed, server: server, prom: prom,
		status: &status{}, session: newSession(), reportNow: make(chan struct{}, 1),
	}
	a.inline = &inlining{a: a, read: func() (inotify.Usage, error) { return inotify.Read("/proc", opts.PrometheusURL) }}
	a.reloader = reload.NewWaiting(prom, method, opts.ReloadTimeout, a.awaitsReload)
	if a.counters, err = newCounters(reg, a.status, opts.Version); err != nil {
		return nil, err
	}
	a.gatherer = prometheus.DefaultGatherer
	if g, ok := reg.(prometheus.Gatherer); ok {
		a.gatherer = g
	}
	return a, nil
}

// Run does all tasks until ctx is done.
func (a *Agent) Run(ctx context.Context) error {
	if err := forgetStartup(); err != nil {
		a.log.Debug("cannot give back the memory of the start", "err", err)
	}
	return a.run(ctx, taskEntries)
}

func (a *Agent) run(ctx context.Context, entries []taskEntry) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	err := a.begin(ctx, g, entries)
	if err != nil {
		stop()
	}
	if ended := g.Wait(); err == nil {
		err = ended
	}
	if a.drift != nil {
		a.close()
	}
	return err
}

// begin starts the tasks: those that need no disk at once, the others when it is
// open and all of them are initialised.
func (a *Agent) begin(ctx context.Context, g *errgroup.Group, entries []taskEntry) error {
	type named struct {
		Task
		name string
	}
	start := func(t named) {
		g.Go(func() error {
			if err := t.Run(ctx); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			return nil
		})
	}
	var rest []named
	for _, e := range entries {
		t := named{e.build(a), e.name}
		if _, ok := t.Task.(disklessTask); !ok {
			rest = append(rest, t)
			continue
		}
		if err := t.Init(ctx); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		start(t)
	}
	err := a.patiently(ctx, func() error {
		if err := a.open(); err != nil {
			return err
		}
		for _, t := range rest {
			if err := t.Init(ctx); err != nil {
				a.close()
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		return nil
	})
	if err != nil || a.drift == nil {
		return err
	}
	for _, t := range rest {
		start(t)
	}
	return nil
}

// Once registers, syncs, applies, reports, and returns. It is an error if the
// node then has not what it should have, on disk at least.
func (a *Agent) Once(ctx context.Context) error {
	if err := a.open(); err != nil {
		return err
	}
	defer a.close()
	for _, e := range taskEntries {
		t, ok := e.build(a).(onceTask)
		if !ok {
			continue
		}
		if err := t.Init(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if err := t.Once(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return a.status.verdict()
}

func (a *Agent) open() (err error) {
	if a.data, err = apply.OpenData(a.opts.DataPath); err != nil {
		return err
	}
	a.disk, err = apply.Open(apply.Options{ConfigFile: a.opts.ConfigFile, TargetsDir: a.opts.TargetsDir, Data: a.data})
	if err != nil {
		_ = a.data.Close()
		return err
	}
	if err := a.openDrift(); err != nil {
		_ = errors.Join(a.disk.Close(), a.data.Close())
		return err
	}
	a.log.Info("the local policy", "from", a.policy, "max_removal_percent", a.policy.MaxRemovalPercent, "removal_confirm", a.policy.RemovalConfirm,
		"allow_paths", a.paths().Allowed(), "drift", a.policy.Drift)
	a.status.begin()
	state := a.disk.State()
	a.status.setRevisions(state.RevisionReceived, state.RevisionWritten, state.RevisionLoaded)
	return nil
}

func (a *Agent) close() {
	defer func() { a.drift = nil }()
	if err := errors.Join(a.drift.copies.Close(), a.disk.Close(), a.data.Close()); err != nil {
		a.log.Warn("cannot close", "err", err)
	}
}
