package store

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
		if err := tx.UpdateTargets(ctx, []*fleet.TargetRecord{r}); err != nil {
			return err
		}
		rows, err := tx.TargetsInRange(ctx, job, lo, hi)
		if err != nil {
			return err
		}
		if len(rows) != inPiece {
			t.Errorf("%d targets in the piece, want %d", len(rows), inPiece)
		}
		rev, err := tx.AddRevision(ctx, testNode, promfleet.Revision{At: testTime})
		if err != nil {
			return err
		}
		return errors.Join(
			tx.ReplacePieces(ctx, job, lo, lo, []fleet.Piece{{Lo: lo, Bits: bits, Count: int64(len(rows)), PartState: fleet.PartState{Revision: rev}}}),
			tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: testTime}}))
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
