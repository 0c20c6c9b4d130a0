package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

// testTimes: UTC to the microsecond, whatever zone they came in.
func testTimes(t *testing.T, s fleet.Store) {
	zone := time.FixedZone("", 8*3600)
	n := newNode(1)
	n.CreatedAt = time.Date(2026, 3, 1, 7, 0, 0, 123456789, zone)
	n.UpdatedAt = time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, n) })
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, n.UUID)
		if err != nil {
			return err
		}
		want := time.Date(2026, 2, 28, 23, 0, 0, 123456000, time.UTC)
		if got.CreatedAt != want || got.UpdatedAt != n.UpdatedAt {
			t.Errorf("got %v and %v, want %v and %v", got.CreatedAt, got.UpdatedAt, want, n.UpdatedAt)
		}
		return nil
	})
}

// testFailedFn: a fn that fails or panics leaves nothing, and its error comes back as it is.
func testFailedFn(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	writeAll := func(ctx context.Context, tx fleet.Tx) error {
		if _, err := tx.AddRevision(ctx, uuidOf(1), promfleet.Revision{At: t0}); err != nil {
			return err
		}
		r := newTarget(job, "a:1")
		r.Tags = []string{"new"}
		return errors.Join(
			tx.InsertTargets(ctx, []*fleet.TargetRecord{r}),
			tx.InsertNode(ctx, newNode(2)),
			tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: t0}}),
			tx.ReplacePieces(ctx, job, fleet.SplitKey{}, fleet.SplitKey{0xff}, []fleet.Piece{{}}),
		)
	}
	own := promfleet.Errorf(promfleet.Conflict, "no")
	err := tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		if err := writeAll(ctx, tx); err != nil {
			t.Errorf("the writes: %v", err)
		}
		return own
	})
	if err != error(own) { //nolint:errorlint // as it is, not wrapped
		t.Errorf("got %v, want fn's own error", err)
	}
	func() {
		defer func() {
			if recover() != "fn" {
				t.Error("fn's panic did not come through")
			}
		}()
		_ = tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
			if err := writeAll(ctx, tx); err != nil {
				t.Errorf("the writes: %v", err)
			}
			panic("fn")
		})
	}()
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		n, err := tx.Node(ctx, uuidOf(1))
		if err != nil {
			return err
		}
		targets, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 1}})
		if err != nil {
			return err
		}
		events, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1}})
		if err != nil {
			return err
		}
		_, nodeErr := tx.Node(ctx, uuidOf(2))
		wantErr(t, nodeErr, fleet.ErrNotFound)
		_, pieceErr := tx.PieceAt(ctx, job, fleet.SplitKey{})
		wantErr(t, pieceErr, fleet.ErrNotFound)
		if n.Revision != 0 || targets.Total != 0 || events.Total != 0 {
			t.Errorf("revision %d, %d targets, %d events were left", n.Revision, targets.Total, events.Total)
		}
		return nil
	})
	// The store goes on.
	update(t, s, writeAll)
	if err := s.View(context.Background(), func(fleet.Tx) error { return own }); err != error(own) { //nolint:errorlint // as it is, not wrapped
		t.Errorf("View gave %v, want fn's own error", err)
	}
}

// testFailedStatement: after what a key refused nothing is committed, whatever fn
// returns. What was not found, or of another version, dooms nothing.
func testFailedStatement(t *testing.T, s fleet.Store) {
	seedJob(t, s)
	err := tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, newNode(2)); err != nil {
			return err
		}
		wantErr(t, tx.InsertNode(ctx, newNode(1)), fleet.ErrExists)
		return nil
	})
	wantErr(t, err, fleet.ErrExists)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		stale := newNode(1)
		stale.Version = 9
		wantErr(t, tx.UpdateNode(ctx, stale), fleet.ErrVersion)
		_, err := tx.Node(ctx, uuidOf(2))
		wantErr(t, err, fleet.ErrNotFound)
		return tx.InsertNode(ctx, newNode(3))
	})
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.Node(ctx, uuidOf(3))
		return err
	})
}

func testReadOnlyView(t *testing.T, s fleet.Store) {
	err := s.View(context.Background(), func(tx fleet.Tx) error { return tx.InsertNode(context.Background(), newNode(1)) })
	if err == nil {
		t.Error("a View could write")
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.Node(ctx, uuidOf(1))
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})
}

// testSnapshot: readers see one state throughout, while a writer works and after
// it has committed.
func testSnapshot(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	count := func(ctx context.Context, tx fleet.Tx) int64 {
		page, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 1}})
		if err != nil {
			t.Errorf("ListTargets: %v", err)
		}
		return page.Total
	}
	view(t, s, func(ctx context.Context, old fleet.Tx) error {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			if err := tx.InsertTargets(ctx, []*fleet.TargetRecord{newTarget(job, "a:1")}); err != nil {
				return err
			}
			if got := count(ctx, tx); got != 1 {
				t.Errorf("the writer sees %d of its targets", got)
			}
			view(t, s, func(ctx context.Context, other fleet.Tx) error {
				if got := count(ctx, other); got != 0 {
					t.Errorf("a reader sees %d targets that were not committed", got)
				}
				return nil
			})
			return nil
		})
		if got := count(ctx, old); got != 0 {
			t.Errorf("a reader that began before the commit sees %d targets of it", got)
		}
		return nil
	})
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if got := count(ctx, tx); got != 1 {
			t.Errorf("a reader after the commit sees %d targets", got)
		}
		return nil
	})

	// Two nodes always have the same revision, so a reader that sees two
	// different ones has seen two states.
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, newNode(2)) })
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				view(t, s, func(ctx context.Context, tx fleet.Tx) error {
					a, err := tx.Node(ctx, uuidOf(1))
					if err != nil {
						return err
					}
					b, err := tx.Node(ctx, uuidOf(2))
					if err == nil && a.Revision != b.Revision {
						t.Errorf("a reader saw revisions %d and %d", a.Revision, b.Revision)
					}
					return err
				})
			}
		})
	}
	for range 100 {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.AddRevision(ctx, uuidOf(1), promfleet.Revision{At: t0})
			if err != nil {
				return err
			}
			_, err = tx.AddRevision(ctx, uuidOf(2), promfleet.Revision{At: t0})
			return err
		})
	}
	close(done)
	wg.Wait()
}

// testWriters: writers that read and then write what they read plus one never
// lose an update, and events come in the order of commit.
func testWriters(t *testing.T, s fleet.Store, writers int) {
	const each = 25
	job := seedJob(t, s)
	insertTargets(t, s, newTarget(job, "a:1"))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				err := tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
					n, err := tx.Node(ctx, uuidOf(1))
					if err != nil {
						return err
					}
					targets, err := tx.TargetsByAddr(ctx, job, "a:1")
					if err != nil {
						return err
					}
					n.Hostname += "x"
					targets[0].Remark += "x"
					rev, err := tx.AddRevision(ctx, n.UUID, promfleet.Revision{At: t0})
					if err != nil {
						return err
					}
					return errors.Join(tx.UpdateNode(ctx, n), tx.UpdateTargets(ctx, []*fleet.TargetRecord{&targets[0]}),
						tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: t0, Actor: fmt.Sprint(w), Object: fmt.Sprint(rev)}}))
				})
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		n, err := tx.Node(ctx, uuidOf(1))
		if err != nil {
			return err
		}
		targets, err := tx.TargetsByAddr(ctx, job, "a:1")
		if err != nil {
			return err
		}
		want := writers * each
		if got := len(n.Hostname) - len("host-1"); got != want || len(targets[0].Remark) != want || n.Revision != int64(want) || n.Version != int64(want+1) {
			t.Errorf("of %d updates the node has %d, the target %d, the revision %d, the version %d", want, got, len(targets[0].Remark), n.Revision, n.Version-1)
		}
		events, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1000, Sort: "id"}})
		for i, e := range events.Items {
			if e.Object != fmt.Sprint(i+1) {
				t.Errorf("event %d is of revision %s", i+1, e.Object)
				break
			}
		}
		if events.Total != int64(want) {
			t.Errorf("%d events, want %d", events.Total, want)
		}
		return err
	})
}

func testCancel(t *testing.T, s fleet.Store) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	nothing := func(fleet.Tx) error { t.Error("fn ran though ctx was done"); return nil }
	wantErr(t, s.Update(gone, nothing), context.Canceled)
	wantErr(t, s.View(gone, nothing), context.Canceled)
	wantErr(t, s.Ping(gone), context.Canceled)

	// Canceled in the middle: nothing is committed, even if fn does not care.
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, newNode(1)); err != nil {
			return err
		}
		cancel()
		return nil
	})
	wantErr(t, err, context.Canceled)
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.Node(ctx, uuidOf(1))
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})

	// A writer that waits for another gives up with its ctx.
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, newNode(2)); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		err := s.Update(short, func(tx fleet.Tx) error { return tx.InsertNode(short, newNode(2)) })
		wantErr(t, err, context.DeadlineExceeded)
		return nil
	})
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, newNode(1)) })
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

func testClose(t *testing.T, s fleet.Store) {
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := s.Ping(context.Background()); err == nil {
		t.Error("a closed store answers")
	}
	if err := tryUpdate(s, func(context.Context, fleet.Tx) error { return nil }); err == nil {
		t.Error("a closed store can be written")
	}
}
