package storetest

import (
	"context"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func testJobs(t *testing.T, s fleet.Store) {
	want := newJob(uuidOf(1), "node")
	want.JobName, want.Remark = "a job 'of' ours", "备注"
	want.SealedScrapeConfig = []byte{0, 0xff}
	want.ManagedBy, want.TargetsManagedBy = "team-a/files", "other"
	want.JobParts = fleet.JobParts{
		Config:  fleet.PartState{Hash: promfleet.HashOf([]byte("c")), Size: 2, Revision: 3},
		Index:   fleet.PartState{Hash: promfleet.HashOf([]byte("i")), Size: 4, Revision: 5},
		Targets: 6, SetVersion: 7,
	}
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJob(ctx, want) }), fleet.ErrNotFound)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, newNode(1)); err != nil {
			return err
		}
		for _, key := range []string{"zeta", "Beta", "alpha"} {
			if err := tx.InsertJob(ctx, newJob(uuidOf(1), key)); err != nil {
				return err
			}
		}
		return tx.InsertJob(ctx, want)
	})
	if want.ID == 0 {
		t.Error("InsertJob did not set the ID")
	}
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.Job(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, what, got, want)
			got, err = tx.JobByKey(ctx, want.Node, want.Key)
			if want.DeletedAt != nil {
				wantErr(t, err, fleet.ErrNotFound)
				_, err = tx.JobByName(ctx, want.Node, want.JobName)
				wantErr(t, err, fleet.ErrNotFound)
				return nil
			}
			if err != nil {
				return err
			}
			equal(t, what+", by key", got, want)
			if got, err = tx.JobByName(ctx, want.Node, want.JobName); err != nil {
				return err
			}
			equal(t, what+", by name", got, want)
			return nil
		})
	}
	check("the job inserted")
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		jobs, err := tx.JobsOfNode(ctx, uuidOf(1))
		if err != nil {
			return err
		}
		var keys []string
		for _, j := range jobs {
			keys = append(keys, j.Key)
		}
		equal(t, "JobsOfNode, bytewise by key", keys, []string{"Beta", "alpha", "node", "zeta"})
		if jobs, err = tx.JobsOfNode(ctx, uuidOf(2)); err != nil || len(jobs) != 0 {
			t.Errorf("jobs of no node: %v, %v", jobs, err)
		}
		_, err = tx.Job(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		_, err = tx.JobByName(ctx, uuidOf(2), want.JobName)
		wantErr(t, err, fleet.ErrNotFound)
		managed, err := tx.ListJobs(ctx, fleet.JobQuery{ListQuery: fleet.ListQuery{Limit: 10}, ManagedBy: want.ManagedBy})
		if err != nil || managed.Total != 1 || managed.Items[0].ID != want.ID {
			t.Errorf("jobs by manager: %+v, %v", managed, err)
		}
		_, err = tx.JobByKey(ctx, uuidOf(1), "NODE")
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})

	stale := *want
	want.Key, want.JobName, want.Remark, want.SealedScrapeConfig = "node2", "n", "", nil
	want.JobParts, want.ManagedBy, want.TargetsManagedBy = fleet.JobParts{}, "", "x"
	want.UpdatedAt = t0.Add(time.Hour)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, want) })
	if want.Version != 2 {
		t.Errorf("after one update the version is %d", want.Version)
	}
	check("the job updated")
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, &stale) }), fleet.ErrVersion)
	stale.ID = 999
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, &stale) }), fleet.ErrNotFound)

	want.DeletedAt = deletedAt(t0.Add(2 * time.Hour))
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, want) })
	check("the job deleted")
	want.DeletedAt = nil
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, want) })
	check("the job revived")
}

// testJobKeys: key and job_name are unique among the live jobs of a node.
func testJobKeys(t *testing.T, s fleet.Store) {
	first := newJob(uuidOf(1), "k")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for n := 1; n <= 2; n++ {
			if err := tx.InsertNode(ctx, newNode(n)); err != nil {
				return err
			}
		}
		if err := tx.InsertJob(ctx, first); err != nil {
			return err
		}
		// The same key on another node is another's.
		return tx.InsertJob(ctx, newJob(uuidOf(2), "k"))
	})
	insert := func(key, name string) error {
		j := newJob(uuidOf(1), key)
		j.JobName = name
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJob(ctx, j) })
	}
	wantErr(t, insert("k", "other"), fleet.ErrExists)
	wantErr(t, insert("other", "k"), fleet.ErrExists)

	// Freed by a delete, taken again, and then the first cannot come back.
	first.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, first) })
	second := newJob(uuidOf(1), "k")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJob(ctx, second) })
	if second.ID == first.ID {
		t.Error("an ID was used again")
	}
	first.DeletedAt = nil
	revive := func() error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, first) })
	}
	wantErr(t, revive(), fleet.ErrExists)
	second.Key = "k2"
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, second) })
	wantErr(t, revive(), fleet.ErrExists) // by its job_name
	second.JobName = "k2"
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, second) })
	if err := revive(); err != nil {
		t.Errorf("revive with free keys: %v", err)
	}
	second.Key = "k"
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, second) }), fleet.ErrExists)
}

func testJobParts(t *testing.T, s fleet.Store) {
	id := seedJob(t, s)
	parts := fleet.JobParts{
		Config:  fleet.PartState{Hash: promfleet.HashOf([]byte("c")), Size: 2, Revision: 3},
		Index:   fleet.PartState{Hash: promfleet.HashOf([]byte("i")), Size: 4, Revision: 5},
		Targets: 6, SetVersion: 7,
	}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		wantErr(t, tx.UpdateJobParts(ctx, 999, parts), fleet.ErrNotFound)
		return tx.UpdateJobParts(ctx, id, parts)
	})
	want := newJob(uuidOf(1), "node")
	want.ID, want.JobParts = id, parts
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		equal(t, "only the parts changed", got, want)
		return nil
	})
}

func testPieces(t *testing.T, s fleet.Store) {
	id := seedJob(t, s)
	lowest, highest := fleet.SplitKey{}, fleet.SplitKey{}
	for i := range highest {
		highest[i] = 0xff
	}
	state := func(name string) fleet.PartState {
		return fleet.PartState{Hash: promfleet.HashOf([]byte(name)), Size: int64(len(name)), Revision: 9}
	}
	// 0…, 10…, 11…: three pieces that cover all keys.
	pieces := []fleet.Piece{
		{Lo: fleet.SplitKey{}, Bits: 1, Count: 3, PartState: state("a")},
		{Lo: fleet.SplitKey{0x80}, Bits: 2, Count: 4, PartState: state("bb")},
		{Lo: fleet.SplitKey{0xc0}, Bits: 2, Count: 5, PartState: state("ccc")},
	}
	inRange := func(lo, hi fleet.SplitKey) (got []fleet.Piece) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
			got, err = tx.PiecesInRange(ctx, id, lo, hi)
			return err
		})
		return got
	}
	at := func(key fleet.SplitKey) (p *fleet.Piece, err error) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			p, err = tx.PieceAt(ctx, id, key)
			return nil
		})
		return p, err
	}
	_, err := at(lowest)
	wantErr(t, err, fleet.ErrNotFound)
	equal(t, "no pieces", inRange(lowest, highest), []fleet.Piece(nil))
	replace := func(lo, hi fleet.SplitKey, with ...fleet.Piece) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.ReplacePieces(ctx, id, lo, hi, with) })
	}
	replace(lowest, highest, pieces[2], pieces[0], pieces[1])
	equal(t, "all pieces, by Lo", inRange(lowest, highest), pieces)
	equal(t, "some pieces", inRange(fleet.SplitKey{0x80}, fleet.SplitKey{0xbf}), pieces[1:2])
	for key, want := range map[fleet.SplitKey]int{
		lowest: 0, {0x7f, 0xff}: 0, {0x80}: 1, {0xbf, 11: 0xff}: 1, {0xc0}: 2, highest: 2,
	} {
		if p, err := at(key); err != nil || p.Lo != pieces[want].Lo {
			t.Errorf("the piece at %x: %v, %v; want %x", key, p, err, pieces[want].Lo)
		}
	}
	// The upper two grow together.
	merged := fleet.Piece{Lo: fleet.SplitKey{0x80}, Bits: 1, Count: 9, PartState: state("d")}
	replace(fleet.SplitKey{0x80}, highest, merged)
	equal(t, "after a merge", inRange(lowest, highest), []fleet.Piece{pieces[0], merged})
	// A key that no piece holds.
	replace(fleet.SplitKey{0x80}, highest)
	_, err = at(fleet.SplitKey{0x80})
	wantErr(t, err, fleet.ErrNotFound)
	// One piece for all; another job has its own.
	replace(lowest, highest, fleet.Piece{Bits: 0, PartState: state("")})
	if p, err := at(highest); err != nil || p.Bits != 0 {
		t.Errorf("the only piece: %v, %v", p, err)
	}
	err = tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.ReplacePieces(ctx, 999, lowest, highest, pieces)
	})
	wantErr(t, err, fleet.ErrNotFound)
}
