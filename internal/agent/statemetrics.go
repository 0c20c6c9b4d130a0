package agent

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet"
)

// agentStates are the states that an agent can be in.
var agentStates = []promfleet.NodeState{
	promfleet.StatePending, promfleet.StateApplying, promfleet.StateInSync, promfleet.StateWritten, promfleet.StateQuarantined,
	promfleet.StateHeld, promfleet.StateFailed, promfleet.StateDrifted,
}

// stateMetrics are the metrics with labels that are made from the status.
type stateMetrics struct {
	s                     *status
	state, revision, next *prometheus.Desc
}

func newStateMetrics(s *status) *stateMetrics {
	desc := func(name, help, label string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("promfleet", "agent", name), help, []string{label}, nil)
	}
	return &stateMetrics{
		s:        s,
		state:    desc("state", "1 for the state that the node is in, 0 for the others.", "state"),
		revision: desc("revision", "The newest revision that the server has told (wanted), whose parts have all arrived (received), that the files say (written), that Prometheus was seen to have (loaded).", "stage"),
		next:     desc("next_try_timestamp_seconds", "When a server that is away is asked again, and when a configuration that Prometheus would not have is tried again; 0: nothing is waited for.", "what"),
	}
}

// Describe implements prometheus.Collector.
func (m *stateMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.state
	ch <- m.revision
	ch <- m.next
}

// Collect implements prometheus.Collector.
func (m *stateMetrics) Collect(ch chan<- prometheus.Metric) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	gauge := func(d *prometheus.Desc, value float64, label string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, label)
	}
	for _, state := range agentStates {
		is := 0.0
		if m.s.stateNow() == state {
			is = 1
		}
		gauge(m.state, is, string(state))
	}
	for stage, revision := range map[string]int64{"wanted": max(m.s.wanted, m.s.received), "received": m.s.received, "written": m.s.written, "loaded": m.s.loaded} {
		gauge(m.revision, float64(revision), stage)
	}
	for what, at := range map[string]time.Time{"server": m.s.server.next, "reload": m.s.nextReload} {
		gauge(m.next, unix(at), what)
	}
}
