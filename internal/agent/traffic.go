package agent

import (
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// What is taken of an answer at the most, in bytes: of its header, of a call that
// answers little, and of a watch, which is a list of the node's jobs (some 20,000)
// and small bodies.
const (
	maxHeader      = 64 << 10
	maxSmallAnswer = 64 << 10
	maxWatchAnswer = 4 << 20
)

// toServer is how the server is reached. Its header lines become a map, which takes
// far more memory than they do.
func toServer() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	t.MaxResponseHeaderBytes = maxHeader
	return t
}

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
