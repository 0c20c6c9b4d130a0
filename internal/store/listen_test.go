package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"promfleet/internal/pgtest"
	"promfleet/internal/proctest"
)

// bound is far beyond what a test expects to wait.
const bound = 60 * time.Second

// ears listens and keeps what it hears.
type ears struct {
	t      testing.TB
	heard  chan []string
	cancel context.CancelFunc
	ended  chan error
}

func listen(t testing.TB, s *Store) *ears {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := &ears{t: t, heard: make(chan []string, 10_000), cancel: cancel, ended: make(chan error, 1)}
	go func() { e.ended <- s.Listen(ctx, func(nodes []string) { e.heard <- nodes }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-e.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen ended with %v", err)
		}
	})
	return e
}

// wait waits until it has heard of nodes; nil: of any.
func (e *ears) wait(what string, nodes []string) {
	e.t.Helper()
	timeout := time.After(bound)
	for {
		select {
		case got := <-e.heard:
			if reflect.DeepEqual(got, nodes) {
				return
			}
		case <-timeout:
			e.t.Fatalf("not heard within %s: %s", bound, what)
		}
	}
}

func notify(t testing.TB, s *Store, nodes ...string) {
	t.Helper()
	if err := s.Notify(t.Context(), nodes); err != nil {
		t.Fatalf("Notify: %v", err)
	}
}

func TestPostgresListen(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	const killListeners = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'promfleet listener'"

	t.Run("hears itself and others", func(t *testing.T) {
		a, b := openPostgres(t, url, Options{}), openPostgres(t, url, Options{})
		hearA, hearB := listen(t, a), listen(t, b)
		hearA.wait("that any may have changed", nil)
		hearB.wait("that any may have changed", nil)
		notify(t, a)
		notify(t, a, "2", "1", "2")
		hearA.wait("the notification", []string{"1", "2"})
		hearB.wait("the notification", []string{"1", "2"})

		// More than a payload takes.
		var many []string
		for i := range 1000 {
			many = append(many, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
		}
		notify(t, a, many...)
		all := payloads(many)
		if len(all) != 5 {
			t.Errorf("1000 nodes in %d payloads, want 5", len(all))
		}
		for _, p := range all {
			hearB.wait("a part of the nodes", strings.Split(p, ","))
		}
	})

	t.Run("killed", func(t *testing.T) {
		var log proctest.Buffer
		a := openPostgres(t, url, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		b := openPostgres(t, url, Options{})
		hear := listen(t, a)
		hear.wait("that any may have changed", nil)
		const kills = 20
		for i := range kills {
			if killed := server.Query(t, killListeners); len(killed) != 1 {
				t.Fatalf("%d listeners, want 1", len(killed))
			}
			notify(t, b, "lost, perhaps")
			hear.wait("that any may have changed", nil)
			node := fmt.Sprint(i)
			notify(t, b, node)
			hear.wait("the next change", []string{node})
		}
		if n := strings.Count(log.String(), "level=WARN"); n != kills {
			t.Errorf("%d warnings for %d losses:\n%s", n, kills, log.String())
		}
	})

	t.Run("restarted", func(t *testing.T) {
		a := openPostgres(t, url, Options{})
		hear := listen(t, a)
		hear.wait("that any may have changed", nil)
		server.Restart(t)
		hear.wait("that any may have changed", nil)
		// The pool's connections are dead, and notifying does not try again.
		if err := a.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		notify(t, a, "1")
		hear.wait("the next change", []string{"1"})
	})

	t.Run("mute", func(t *testing.T) {
		proxy, through := newProxy(t, url)
		var log proctest.Buffer
		a := openPostgres(t, through, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		b := openPostgres(t, url, Options{})
		a.listener.silence, a.listener.cfg.ConnectTimeout = time.Second, time.Second
		hear := listen(t, a)
		hear.wait("that any may have changed", nil)

		// While nothing is said it is tried, and not replaced.
		seen := map[string]bool{}
		proctest.WaitFor(t, "some trials of the connection", func() bool {
			for _, at := range server.Query(t, "SELECT pid::text || ' at ' || state_change FROM pg_stat_activity WHERE application_name = 'promfleet listener'") {
				seen[at] = true
			}
			return len(seen) > 2
		})
		if log.String() != "" {
			t.Errorf("a connection that is quiet counts as lost:\n%s", log.String())
		}
		notify(t, b, "1")
		hear.wait("a change", []string{"1"})

		proxy.mute.Store(true)
		proctest.WaitFor(t, "the loss is noticed", func() bool { return log.String() != "" })
		notify(t, b, "lost")
		proxy.mute.Store(false)
		hear.wait("that any may have changed", nil)
		notify(t, b, "2")
		hear.wait("the next change", []string{"2"})
	})
}

func TestSQLiteListen(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	hear := listen(t, s)
	notify(t, s, "1")
	hear.cancel()
	err := <-hear.ended
	hear.ended <- err // for the end of the test
	if len(hear.heard) > 0 {
		t.Error("it heard something")
	}
}

func TestPayloads(t *testing.T) {
	long := strings.Repeat("x", maxPayload-2)
	for _, tt := range []struct{ nodes, want []string }{
		{[]string{"b", "a", "b"}, []string{"a,b"}},
		{[]string{"a", long}, []string{"a," + long}},
		{[]string{"aa", long}, []string{"aa", long}},
	} {
		got := payloads(tt.nodes)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("payloads of %.20q: %.20q, want %.20q", tt.nodes, got, tt.want)
		}
		for _, p := range got {
			if len(p) > maxPayload {
				t.Errorf("a payload of %d bytes", len(p))
			}
		}
	}
	if got := nodesOf(""); got != nil {
		t.Errorf("an empty payload names %q", got)
	}
}
