package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"promfleet/internal/fleet"
)

// instrument counts requests by method and status. Long ones are agents that
// wait, so there is no histogram of durations over all.
func instrument(reg prometheus.Registerer, next http.Handler) http.Handler {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "promfleet_http_requests_total", Help: "HTTP requests answered, by method and status code.",
	}, []string{"method", "code"})
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "promfleet_http_requests_in_flight", Help: "HTTP requests under way, those that agents hold included.",
	})
	sent := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "promfleet_http_response_bytes_total", Help: "Bytes of response bodies sent, after compression.",
	})
	reg.MustRegister(requests, inFlight, sent)
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&countingWriter{w, sent}, r)
	})
	return promhttp.InstrumentHandlerInFlight(inFlight, promhttp.InstrumentHandlerCounter(requests, counted))
}

type countingWriter struct {
	http.ResponseWriter
	sent prometheus.Counter
}

func (w *countingWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.sent.Add(float64(n))
	return n, err
}

// Flush implements http.Flusher: compression asks for that.
func (w *countingWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// scrapeTimeout bounds the question to the store at a scrape.
const scrapeTimeout = 5 * time.Second

// stateCollector counts nodes by state when it is scraped.
type stateCollector struct {
	fleet  *fleet.Service
	logger *slog.Logger
	nodes  *prometheus.Desc
}

func newStateCollector(f *fleet.Service, logger *slog.Logger) *stateCollector {
	return &stateCollector{fleet: f, logger: logger,
		nodes: prometheus.NewDesc("promfleet_nodes", "Live nodes, by state.", []string{"state"}, nil)}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(to chan<- *prometheus.Desc) { to <- c.nodes }

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	states, err := c.fleet.NodeStates(ctx)
	if err != nil {
		c.logger.Error("count nodes", "err", err)
		to <- prometheus.NewInvalidMetric(c.nodes, err)
		return
	}
	for state, n := range states {
		to <- prometheus.MustNewConstMetric(c.nodes, prometheus.GaugeValue, float64(n), string(state))
	}
}
