package agent

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestLargeHeader: a header larger than any real one is not read to its end.
func TestLargeHeader(t *testing.T) {
	size := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("x", size))
		w.Header().Set("Content-Length", strconv.Itoa(2))
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(s.Close)
	a, err := New(Options{ServerURL: s.URL, DataPath: t.TempDir(), ConfigFile: filepath.Join(t.TempDir(), "prometheus.yml")}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		size int
		ok   bool
	}{{maxHeader / 2, true}, {2 * maxHeader, false}} {
		size = c.size
		if _, err := a.server.Watch(t.Context(), 0, 0); c.ok != (err == nil) {
			t.Errorf("a header of %d bytes: %v", c.size, err)
		}
	}
}
