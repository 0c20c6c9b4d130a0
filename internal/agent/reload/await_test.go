package reload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// says is a Prometheus that tells of its reloads as a test says; nil: no answer.
type says func(since time.Duration) *moment

// TestAwaitReload: what Prometheus tells of itself in the course of a reload, of
// a restart in its place, and of neither.
func TestAwaitReload(t *testing.T) {
	before := moment{loadedAt: 100}
	failed := moment{loadedAt: 100, failed: true}
	starting := moment{failed: true}
	// then gives one answer after the other, each for a second, the last for good.
	then := func(answers ...*moment) says {
		return func(since time.Duration) *moment { return answers[min(int(since/time.Second), len(answers)-1)] }
	}
	for _, c := range []struct {
		name   string
		before moment
		says   says
		want   error
		within time.Duration
	}{
		{"loaded", before, then(&before, &moment{loadedAt: 101}), nil, 3 * time.Second},
		{"loaded, its clock set back", before, then(&before, &moment{loadedAt: 40}), nil, 3 * time.Second},
		{"refused", before, then(&before, &failed), ErrRefused, 3 * time.Second},
		{"restarted with success", before, then(&before, nil, &starting, &starting, &moment{loadedAt: 104}), nil, 6 * time.Second},
		{"restarts for long", before, then(&before, nil, &starting), ErrUnknown, 30 * time.Second},
		{"gone", before, then(&before, nil), ErrUnknown, 30 * time.Second},
		{"nothing happens", before, then(&before), ErrUnknown, 30 * time.Second},
		{"mended", failed, then(&failed, &moment{loadedAt: 101}), nil, 3 * time.Second},
		{"refused again", failed, then(&failed), ErrRefused, 30 * time.Second},
		{"was starting", starting, then(&starting, &starting, &moment{loadedAt: 101}), nil, 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				prom, err := NewPrometheus("http://prometheus", &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					m := c.says(time.Since(start))
					if m == nil {
						return nil, errors.New("connection refused")
					}
					w := httptest.NewRecorder()
					ok := 1
					if m.failed {
						ok = 0
					}
					fmt.Fprintf(w, "%s %d\n%s %g\n", metricLastReload, ok, metricLastReloadAt, m.loadedAt)
					return w.Result(), r.Context().Err()
				})}, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				err = prom.awaitReload(ctx, c.before, "look at its log")
				if took := time.Since(start); !errors.Is(err, c.want) || took > c.within {
					t.Errorf("after %s: %v, want %v within %s", took, err, c.want, c.within)
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
