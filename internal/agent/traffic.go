package agent

import (
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

func newFetched() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "promfleet", Subsystem: "agent", Name: "fetched_bytes_total",
		Help: "Bytes of the server's answers, after decompression."})
}

// counting counts the bytes of the answers that come through it.
type counting struct {
	next    http.RoundTripper
	fetched prometheus.Counter
}

func (c counting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err == nil {
		resp.Body = countedBody{resp.Body, c.fetched}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	fetched prometheus.Counter
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.fetched.Add(float64(n))
	return n, err
}
