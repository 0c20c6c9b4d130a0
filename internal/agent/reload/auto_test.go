package reload

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// silent gives the URL of somebody who takes calls and does not answer.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

// forbidden is a method that must not be used.
type forbidden struct{ t *testing.T }

func (f forbidden) Reload(context.Context) error {
	f.t.Error("reloaded, though Prometheus reloads by itself")
	return nil
}

// TestAutoReload: a Prometheus that reloads by itself is left to it, and what
// comes of it is seen as that of any method.
func TestAutoReload(t *testing.T) {
	for _, flags := range [][]string{
		{"--config.auto-reload", "--config.auto-reload-interval=1s"},
		{"--enable-feature=exemplar-storage,auto-reload-config", "--config.auto-reload-interval=1s"},
	} {
		p, cfg := newReal(t, "PROMFLEET_PROMETHEUS_CURRENT", flags...)
		noticed := 0
		w := NewWaiting(cfg.Prometheus, forbidden{t}, cfg.Timeout, func(interval time.Duration) {
			if noticed++; interval != time.Second {
				t.Errorf("interval %s", interval)
			}
		})
		loadsAndRefuses(t, w, p, cfg.Prometheus)
		if noticed != 4 {
			t.Errorf("noticed %d times", noticed)
		}

		// It may have reloaded before Reload is called.
		mark := w.Mark(t.Context())
		p.Write(t, firstYML)
		for m := mark; m == mark; {
			now, err := cfg.Prometheus.moment(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m = now.loadedAt
		}
		start := time.Now()
		if err := w.Reload(t.Context()); err != nil || time.Since(start) > 500*time.Millisecond {
			t.Errorf("took %s: %v", time.Since(start), err)
		}

		// Nothing has changed: nothing is reloaded, and that is not called a success.
		w.timeout = time.Second
		fails(t, w, ErrUnknown, "every 1s (--config.auto-reload)")
		if err := NewWaiting(cfg.Prometheus, none{}, cfg.Timeout, func(time.Duration) { t.Error("noticed") }).Reload(t.Context()); !errors.Is(err, ErrNotReloaded) {
			t.Errorf("none: %v", err)
		}
	}
}

// TestNoAutoReload: where it is off, not known or cannot be asked for, the method
// reloads.
func TestNoAutoReload(t *testing.T) {
	own := errors.New("the method was used")
	uses := func(prom *Prometheus) {
		t.Helper()
		w := NewWaiting(prom, methodFunc(func() error { return own }), time.Second, func(time.Duration) { t.Error("noticed") })
		if err := w.Reload(t.Context()); !errors.Is(err, own) {
			t.Errorf("error %v", err)
		}
	}
	for _, version := range prometheuses {
		_, cfg := newReal(t, version.env)
		uses(cfg.Prometheus)
	}
	for _, answer := range []http.HandlerFunc{
		http.NotFound,
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>log in</html>")) },
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	} {
		srv := httptest.NewServer(answer)
		prom, err := NewPrometheus(srv.URL, http.DefaultClient, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		uses(prom)
		srv.Close()
	}
}

type methodFunc func() error

func (f methodFunc) Reload(context.Context) error { return f() }
