package reload

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/proctest"
)

// What a Prometheus is given to load.
const (
	firstYML   = "global:\n  scrape_interval: 11s\n"
	secondYML  = "global:\n  scrape_interval: 22s\n"
	refusedYML = "scrape_configs:\n- job_name: twice\n- job_name: twice\n"
)

// A method must do with these: one older than the linked library, and its own.
var prometheuses = []struct{ name, env string }{
	{"debian", "PROMFLEET_PROMETHEUS_DEBIAN"},
	{"current", "PROMFLEET_PROMETHEUS_CURRENT"},
}

// newReal starts a Prometheus and gives it with what a method needs.
func newReal(t *testing.T, env string, flags ...string) (*reloadtest.Prometheus, Config) {
	t.Helper()
	p := reloadtest.StartPrometheus(t, proctest.Part(t, env), t.TempDir(), firstYML, flags...)
	prom, err := NewPrometheus(p.URL, http.DefaultClient, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p, Config{Client: http.DefaultClient, Prometheus: prom, Timeout: 30 * time.Second}
}

func newMethod(t *testing.T, method string, cfg Config) Reloader {
	t.Helper()
	r, err := New(method, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// loadsAndRefuses is what each method must be able to do: a good configuration is
// loaded when Reload returns, a bad one is told from it, and going back works.
func loadsAndRefuses(t *testing.T, r Reloader, p *reloadtest.Prometheus, prom *Prometheus) {
	t.Helper()
	for i, step := range []struct {
		yml  string
		want error
	}{{secondYML, nil}, {refusedYML, ErrRefused}, {firstYML, nil}, {secondYML, nil}} {
		p.Write(t, step.yml)
		start := time.Now()
		if err := r.Reload(t.Context()); !errors.Is(err, step.want) {
			t.Fatalf("step %d: %v, want %v", i, err, step.want)
		}
		t.Logf("FIGURE step %d took %s", i, time.Since(start).Round(time.Millisecond))
		m, err := prom.moment(t.Context())
		if err != nil || m.failed != (step.want != nil) {
			t.Fatalf("step %d: Prometheus says %+v, %v", i, m, err)
		}
		running, err := prom.Config(t.Context())
		if err != nil || step.want == nil && !strings.Contains(string(running), strings.TrimSpace(strings.SplitN(step.yml, "\n", 2)[1])) {
			t.Fatalf("step %d: Prometheus runs %s, %v", i, running, err)
		}
	}
}

// fails has a Reload fail in one line with all of these words.
func fails(t *testing.T, r Reloader, want error, words ...string) {
	t.Helper()
	err := r.Reload(t.Context())
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error of several lines: %q", err)
	}
}
