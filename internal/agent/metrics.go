package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func init() {
	addTask("metrics", 5, func(a *Agent) Task { return &metricsTask{a: a} })
}

// metricsTask serves the agent's own /metrics, /-/healthy and /-/ready.
type metricsTask struct {
	a        *Agent
	listener net.Listener
}

func (t *metricsTask) Init(ctx context.Context) (err error) {
	t.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", t.a.opts.ListenAddress)
	if err != nil {
		return fmt.Errorf("--web.listen-address: %w", err)
	}
	t.a.log.Info("listening", "address", t.listener.Addr())
	return nil
}

// needsNoDisk: the pages are there before the disk is, to say what is wrong with it.
func (t *metricsTask) needsNoDisk() {}

// Run serves until ctx is done.
func (t *metricsTask) Run(ctx context.Context) error {
	srv := &http.Server{Handler: t.a.pages(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	defer stop()
	if err := srv.Serve(t.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pages are the agent's own.
func (a *Agent) pages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "promfleet agent is healthy.")
	})
	mux.HandleFunc("GET /-/ready", a.ready)
	return mux
}

// counters are the agent's own metrics. None has an id or a hash as a label.
type counters struct {
	syncs   *prometheus.CounterVec
	applies *prometheus.CounterVec
	reloads *prometheus.CounterVec
	writes  *prometheus.CounterVec
	repairs prometheus.Counter
	fails   *prometheus.CounterVec
}

// failed counts a failure by its reason.
func (c *counters) failed(err error) { c.fails.WithLabelValues(failureReason(err)).Inc() }

func newCounters(reg prometheus.Registerer, s *status, version string) (*counters, error) {
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "promfleet", Subsystem: "agent", Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string, value func(*status) float64) prometheus.Collector {
		opts := prometheus.GaugeOpts{Namespace: "promfleet", Subsystem: "agent", Name: name, Help: help}
		return prometheus.NewGaugeFunc(opts, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return value(s)
		})
	}
	c := &counters{
		syncs:   vec("syncs_total", "Answers of the server to a watch, by result.", "result"),
		applies: vec("applies_total", "Times that the files were brought to a revision, by result.", "result"),
		reloads: vec("reloads_total", "Reloads of Prometheus, by outcome.", "outcome"),
		writes:  vec("writes_total", "Files written, by kind.", "kind"),
		fails:   vec("sync_failures_total", "Times that what is wanted was not had or not applied, by reason.", "reason"),
	}
	c.repairs = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "promfleet", Subsystem: "agent", Name: "drift_repairs_total",
		Help: "Files that somebody had edited and that were put right."})
	for _, result := range []string{"success", "failure"} {
		c.syncs.WithLabelValues(result)
		c.applies.WithLabelValues(result)
	}
	for _, reason := range failureReasons {
		c.fails.WithLabelValues(reason)
	}
	for _, kind := range []string{"config", "targets"} {
		c.writes.WithLabelValues(kind)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "promfleet", Subsystem: "agent", Name: "build_info",
		Help:        "1, labelled with the version of the agent.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	for _, m := range []prometheus.Collector{
		c.syncs, c.applies, c.reloads, c.writes, c.repairs, c.fails, build, newStateMetrics(s),
		gauge("held_targets", "Targets that stay until their removal is confirmed.", func(s *status) float64 { return float64(s.heldTargets) }),
		gauge("drifted_files", "Files that are not as the agent has written them.", func(s *status) float64 { return float64(s.drifted) }),
		gauge("quarantined_jobs", "Jobs, and the base config, that wait since the running Prometheus refuses them.", func(s *status) float64 { return float64(s.quarantined) }),
		gauge("inline_jobs", "Jobs whose targets are in prometheus.yml itself, for want of inotify instances.", func(s *status) float64 { return float64(s.inotify.inline) }),
		gauge("inotify_instances_limit", "How many inotify instances the user of Prometheus may have; 128 is assumed where the host does not say.", func(s *status) float64 { return float64(s.inotify.limit) }),
		gauge("inotify_instances_in_use", "How many of them the processes of that user have that the agent can read, and one for each that it cannot.", func(s *status) float64 { return float64(s.inotify.inUse) }),
		gauge("prometheus_auto_reload_interval_seconds", "In which interval Prometheus reloads by itself (--config.auto-reload); 0 if it does not, and the agent does.", func(s *status) float64 { return s.autoReload.Seconds() }),
		gauge("last_sync_success_timestamp_seconds", "When the server last answered a watch.", func(s *status) float64 { return unix(s.lastSync) }),
		gauge("last_apply_success_timestamp_seconds", "When what is wanted was last brought to the disk.", func(s *status) float64 { return unix(s.lastApply) }),
	} {
		if err := reg.Register(m); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
