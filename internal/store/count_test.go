package store

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

// rowsRead gives the counter by table.
func rowsRead(t *testing.T, reg *prometheus.Registry) map[string]int {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, f := range families {
		if f.GetName() != "promfleet_store_rows_read_total" {
			t.Errorf("an unexpected metric %s", f.GetName())
		}
		for _, m := range f.GetMetric() {
			rows[m.GetLabel()[0].GetValue()] = int(m.GetCounter().GetValue())
		}
	}
	return rows
}

// keyRange is the range of keys whose first bits are those of key.
func keyRange(key fleet.SplitKey, bits int) (lo, hi fleet.SplitKey) {
	lo = key
	for i := range lo {
		switch free := (i+1)*8 - bits; {
		case free >= 8:
			lo[i] = 0
		case free > 0:
			lo[i] &^= 1<<free - 1
		}
	}
	return lo, lastKey(lo, bits)
}

// TestRowsRead: one edit in a job of 100,000 targets reads the rows of its piece.
func TestRowsRead(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := openSQLite(t, tempDB(t), Options{Registerer: reg})
	job := seedNode(t, s)
	start := time.Now()
	targets := insertMany(t, s, job, 100_000)
	t.Logf("100,000 targets inserted in %v", time.Since(start).Round(time.Millisecond))
	if got := rowsRead(t, reg); len(got) != 0 {
		t.Errorf("inserting read %v", got)
	}

	const bits = 7
	ctx := t.Context()
	edited := targets[4711]
	lo, hi := keyRange(edited.Split, bits)
	inPiece := 0
	for _, r := range targets {
		if l, _ := keyRange(r.Split, bits); l == lo {
			inPiece++
		}
	}
	start = time.Now()
	err := s.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Target(ctx, edited.ID)
		if err != nil {
			return err
		}
		r.Remark = "edited"
		if err := tx.UpdateTarget(ctx, r); err != nil {
			return err
		}
		rows, err := tx.TargetsInRange(ctx, job, lo, hi)
		if err != nil {
			return err
		}
		if len(rows) != inPiece {
			t.Errorf("%d targets in the piece, want %d", len(rows), inPiece)
		}
		rev, err := tx.AddRevision(ctx, testNode, testTime)
		if err != nil {
			return err
		}
		return errors.Join(
			tx.ReplacePieces(ctx, job, lo, lo, []fleet.Piece{{Lo: lo, Bits: bits, Count: int64(len(rows)), PartState: fleet.PartState{Revision: rev}}}),
			tx.InsertEvent(ctx, &promfleet.Event{At: testTime}))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("one edit, with the %d rows of its piece: %v", inPiece, time.Since(start).Round(time.Microsecond))
	if got, want := rowsRead(t, reg), map[string]int{"targets": 1 + inPiece}; !maps.Equal(got, want) {
		t.Errorf("one edit read %v, want %v", got, want)
	}

	if _, err := OpenSQLite(ctx, tempDB(t), Options{Registerer: reg}); err == nil {
		t.Error("two stores on one registry")
	}
}

// recorder keeps the text of queries.
type recorder struct{ queries []string }

func (r *recorder) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	r.queries = append(r.queries, e.Query)
	return ctx
}
func (r *recorder) AfterQuery(context.Context, *bun.QueryEvent) {}

// TestSQLitePlans: what is asked at every edit and by every page goes by an index,
// and no row is sorted for it.
func TestSQLitePlans(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	job := seedNode(t, s)
	insertMany(t, s, job, 1000)
	rec := &recorder{}
	s.reader = s.reader.WithQueryHook(rec)
	var first string
	q := fleet.ListQuery{Limit: 10}
	for name, ask := range map[string]func(context.Context, fleet.Tx) error{
		"Node": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.Node(ctx, testNode); return err },
		"NodeByCredential": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.NodeByCredential(ctx, []byte("x"))
			return err
		},
		"JobByKey":      func(ctx context.Context, tx fleet.Tx) error { _, err := tx.JobByKey(ctx, testNode, "k"); return err },
		"JobsOfNode":    func(ctx context.Context, tx fleet.Tx) error { _, err := tx.JobsOfNode(ctx, testNode); return err },
		"Target":        func(ctx context.Context, tx fleet.Tx) error { _, err := tx.Target(ctx, 1); return err },
		"TargetsByAddr": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.TargetsByAddr(ctx, job, "a"); return err },
		"TargetsInRange": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.TargetsInRange(ctx, job, fleet.SplitKey{}, fleet.SplitKey{9})
			return err
		},
		"PieceAt": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.PieceAt(ctx, job, fleet.SplitKey{})
			return err
		},
		"TokenByHash": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.TokenByHash(ctx, []byte("x")); return err },
		"ListTargets": func(ctx context.Context, tx fleet.Tx) error {
			return list(ctx, tx, fleet.TargetQuery{ListQuery: q, Job: job}, &first)
		},
		"ListTargets 2": func(ctx context.Context, tx fleet.Tx) error {
			var cursor string
			if err := list(ctx, tx, fleet.TargetQuery{ListQuery: q, Job: job}, &cursor); err != nil {
				return err
			}
			next := q
			next.Cursor = cursor
			return list(ctx, tx, fleet.TargetQuery{ListQuery: next, Job: job}, &first)
		},
		"ListEvents": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: q, Node: testNode})
			return err
		},
	} {
		rec.queries = nil
		err := s.View(t.Context(), func(tx fleet.Tx) error { return ask(t.Context(), tx) })
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			t.Fatal(err)
		}
		for _, query := range rec.queries {
			if !strings.HasPrefix(query, "SELECT \"") || strings.Contains(query, "sqlite_schema") {
				continue
			}
			rows, err := s.reader.DB.Query("EXPLAIN QUERY PLAN " + query)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE") && !strings.Contains(detail, "LAST TERM") {
					t.Errorf("%s: %s: %.300s", name, detail, query)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil { //nolint:sqlclosecheck // in a loop
				t.Fatal(err)
			}
		}
	}
}

func list(ctx context.Context, tx fleet.Tx, q fleet.TargetQuery, cursor *string) error {
	page, err := tx.ListTargets(ctx, q)
	*cursor = page.NextCursor
	return err
}
