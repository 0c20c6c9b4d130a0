package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/proctest"
)

// writer raises the revision of its own node again and again.
type writer struct {
	node         string
	acknowledged []int64
	uncertain    int
}

func newWriter(t testing.TB, s *Store, n int) *writer {
	t.Helper()
	w := &writer{node: fmt.Sprintf("00000000-0000-4000-8000-%012d", n)}
	err := s.Update(t.Context(), func(tx fleet.Tx) error {
		return tx.InsertNode(t.Context(), &fleet.NodeRecord{Node: promfleet.Node{UUID: w.node, CreatedAt: testTime, UpdatedAt: testTime, Version: 1}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *writer) write(ctx context.Context, s *Store) error {
	var rev int64
	err := s.Update(ctx, func(tx fleet.Tx) (err error) {
		if rev, err = tx.AddRevision(ctx, w.node, promfleet.Revision{At: testTime}); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: testTime, Node: w.node, Object: fmt.Sprint(rev)}})
	})
	switch {
	case err == nil:
		w.acknowledged = append(w.acknowledged, rev)
	case errors.Is(err, fleet.ErrUncertain):
		w.uncertain++
		return nil
	}
	return err
}

// check requires that all that was acknowledged is there, and nothing in part.
func (w *writer) check(t *testing.T, s *Store) {
	t.Helper()
	err := s.View(t.Context(), func(tx fleet.Tx) error {
		n, err := tx.Node(t.Context(), w.node)
		if err != nil {
			return err
		}
		page, err := tx.ListEvents(t.Context(), fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1}, Node: w.node})
		if err != nil {
			return err
		}
		acknowledged := int64(len(w.acknowledged))
		if n.Revision < acknowledged || n.Revision > acknowledged+int64(w.uncertain) || page.Total != n.Revision {
			t.Errorf("%d acknowledged, %d uncertain: revision %d, %d events", acknowledged, w.uncertain, n.Revision, page.Total)
		}
		for _, rev := range w.acknowledged {
			if _, err := tx.Revision(t.Context(), w.node, rev); err != nil {
				t.Errorf("acknowledged revision %d: %v", rev, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPostgresRestart: restarts under writes lose nothing that was acknowledged,
// and fail no write but those whose commit was under way.
func TestPostgresRestart(t *testing.T) {
	server := pgtest.Start(t, pgtest.Durable())
	s := openPostgres(t, server.Database(t), Options{})
	writers := make([]*writer, 8)
	for i := range writers {
		writers[i] = newWriter(t, s, i+1)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	var written atomic.Int64
	for _, w := range writers {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := w.write(t.Context(), s); err != nil {
					t.Errorf("a write: %v", err)
					return
				}
				written.Add(1)
			}
		})
	}
	const restarts = 3
	for range restarts {
		before := written.Load()
		proctest.WaitFor(t, "some writes", func() bool { return written.Load() > before+100 || t.Failed() })
		server.Restart(t)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("Ping: %v", err)
		}
	}
	close(done)
	wg.Wait()
	acknowledged, uncertain := 0, 0
	for _, w := range writers {
		w.check(t, s)
		acknowledged += len(w.acknowledged)
		uncertain += w.uncertain
	}
	t.Logf("%d restarts: %d changes acknowledged, %d uncertain", restarts, acknowledged, uncertain)
}

// TestPostgresLostConnections: what became of a change whose connection broke.
func TestPostgresLostConnections(t *testing.T) {
	server := pgtest.Start(t)
	proxy, through := newProxy(t, server.Database(t))
	s := openPostgres(t, through, Options{})
	w := newWriter(t, s, 1)

	// Before the commit: fn runs again.
	runs := 0
	err := s.Update(t.Context(), func(tx fleet.Tx) error {
		if runs++; runs == 1 {
			server.Query(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'promfleet' AND xact_start IS NOT NULL")
		}
		if _, err := tx.AddRevision(t.Context(), w.node, promfleet.Revision{At: testTime}); err != nil {
			return errors.New("in fn's own words") // whatever fn makes of it
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("killed in fn: %d runs, %v", runs, err)
	}

	revision := func() int64 {
		t.Helper()
		var n *fleet.NodeRecord
		err := s.View(t.Context(), func(tx fleet.Tx) (err error) { n, err = tx.Node(t.Context(), w.node); return err })
		if err != nil {
			t.Fatal(err)
		}
		return n.Revision
	}
	for _, tt := range []struct {
		what   string
		commit verdict
		made   int64
	}{
		{"the commit did not arrive", drop, 0},
		{"its answer did not arrive", dropAnswer, 1},
	} {
		before := revision()
		runs := 0
		commit := func() verdict { proxy.atCommit.Store(nil); return tt.commit }
		proxy.atCommit.Store(&commit)
		err := s.Update(t.Context(), func(tx fleet.Tx) error {
			runs++
			_, err := tx.AddRevision(t.Context(), w.node, promfleet.Revision{At: testTime})
			return err
		})
		if !errors.Is(err, fleet.ErrUncertain) || runs != 1 {
			t.Errorf("%s: %d runs, %v; want 1 run and ErrUncertain", tt.what, runs, err)
		}
		proctest.WaitFor(t, "it is so", func() bool { return revision() == before+tt.made })
	}

	// All connections of the pool are dead at once.
	server.Query(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'promfleet'")
	if err := errors.Join(s.Ping(t.Context()), w.write(t.Context(), s)); err != nil || w.uncertain > 0 {
		t.Errorf("after all connections were killed: %v", err)
	}

	// It is tried again as long as ctx lasts, or patience.
	server.Stop(t)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	nothing := func(fleet.Tx) error { return nil }
	for _, err := range []error{s.Update(short, nothing), s.View(short, nothing)} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopped, with little time: %v", err)
		}
	}
	s.patience = 100 * time.Millisecond
	for _, err := range []error{s.Update(t.Context(), nothing), s.View(t.Context(), nothing), s.Notify(t.Context(), []string{"1"})} {
		if !errors.Is(err, fleet.ErrUnreachable) {
			t.Errorf("stopped: %v", err)
		}
	}
	server.Restart(t)
	if err := w.write(t.Context(), s); err != nil {
		t.Errorf("started again: %v", err)
	}
}
