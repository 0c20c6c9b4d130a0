package server

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
)

// What is flushed reaches the caller while the answer goes on, compressed or not.
func TestFlush(t *testing.T) {
	for _, encoding := range []string{"identity", "gzip"} {
		read := make(chan struct{})
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "first\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			select {
			case <-read:
			case <-time.After(10 * time.Second):
				t.Errorf("%s: the first line has not arrived", encoding)
			}
		})
		s := httptest.NewServer(instrument(prometheus.NewRegistry(), gzhttp.GzipHandler(h)))
		client := http.Client{Transport: &http.Transport{DisableCompression: encoding == "identity"}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || line != "first\n" {
			t.Errorf("%s: %q, %v", encoding, line, err)
		}
		close(read)
		resp.Body.Close()
		s.Close()
	}
}
