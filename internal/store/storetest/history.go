package storetest

import (
	"context"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func testRevisions(t *testing.T, s fleet.Store) {
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.AddRevision(ctx, uuidOf(1), promfleet.Revision{At: t0})
		wantErr(t, err, fleet.ErrNotFound)
		if err := tx.InsertNode(ctx, newNode(1)); err != nil {
			return err
		}
		return tx.InsertNode(ctx, newNode(2))
	})
	var want []promfleet.Revision
	for number := int64(1); number <= 3; number++ {
		r := promfleet.Revision{Number: 99, At: t0.Add(time.Duration(number) * time.Second), Actor: "user/1", ActorName: "北京"}
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.AddRevision(ctx, uuidOf(1), r)
			if err == nil && got != number {
				t.Errorf("revision %d, want %d", got, number)
			}
			return err
		})
		r.Number = number
		want = append(want, r)
	}
	gone := newNode(3)
	gone.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, gone) })
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for uuid, want := range map[string]int64{uuidOf(1): 3, uuidOf(2): 0} {
			n, err := tx.Node(ctx, uuid)
			if err != nil {
				return err
			}
			if n.Revision != want || n.Version != 1 {
				t.Errorf("node %s: revision %d, version %d; want %d, 1", uuid, n.Revision, n.Version, want)
			}
		}
		uuids := []string{uuidOf(3), uuidOf(2), uuidOf(1), uuidOf(9), uuidOf(1)}
		for n := range 1200 { // more than a statement takes
			uuids = append(uuids, uuidOf(1000+n))
		}
		of, err := tx.RevisionsOf(ctx, uuids)
		if err != nil {
			return err
		}
		equal(t, "RevisionsOf", of, map[string]int64{uuidOf(1): 3, uuidOf(2): 0})
		if of, err = tx.RevisionsOf(ctx, nil); err != nil || len(of) != 0 {
			t.Errorf("RevisionsOf none: %v, %v", of, err)
		}

		got, err := tx.Revision(ctx, uuidOf(1), 2)
		if err != nil {
			return err
		}
		equal(t, "the second revision", got, &want[1])
		_, err = tx.Revision(ctx, uuidOf(1), 4)
		wantErr(t, err, fleet.ErrNotFound)
		_, err = tx.Revision(ctx, uuidOf(2), 1)
		wantErr(t, err, fleet.ErrNotFound)

		page, err := tx.ListRevisions(ctx, uuidOf(1), fleet.ListQuery{Limit: 10, Q: "nothing", Deleted: true})
		if err != nil {
			return err
		}
		equal(t, "the revisions, newest first", page, promfleet.Page[promfleet.Revision]{Items: []promfleet.Revision{want[2], want[1], want[0]}, Total: 3})
		page, err = tx.ListRevisions(ctx, uuidOf(2), fleet.ListQuery{Limit: 10})
		equal(t, "the revisions of a node without", page, promfleet.Page[promfleet.Revision]{})
		return err
	})
}

// history is a node's parts at a revision, as "name=content".
func history(t *testing.T, s fleet.Store, revision int64) (parts []string) {
	t.Helper()
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.HistoryAt(ctx, uuidOf(1), revision)
		for _, p := range got {
			parts = append(parts, p.Name+"="+string(p.Sealed))
		}
		return err
	})
	return parts
}

func setHistory(t *testing.T, s fleet.Store, from int64, name, content string) {
	t.Helper()
	p := fleet.PartHistory{Node: uuidOf(1), Name: name, From: from, JobName: "j", Sealed: []byte(content), Index: []byte("[]")}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.SetHistory(ctx, p) })
}

func endHistory(t *testing.T, s fleet.Store, at int64, name string) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.EndHistory(ctx, uuidOf(1), name, at) })
}

func testHistory(t *testing.T, s fleet.Store) {
	has := func(want bool) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.HasHistory(ctx, uuidOf(1))
			if got != want {
				t.Errorf("HasHistory is %v", got)
			}
			return err
		})
	}
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.SetHistory(ctx, fleet.PartHistory{Node: uuidOf(1), Name: "base", From: 1})
	}), fleet.ErrNotFound)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for n := 1; n <= 2; n++ {
			if err := tx.InsertNode(ctx, newNode(n)); err != nil {
				return err
			}
		}
		return tx.SetHistory(ctx, fleet.PartHistory{Node: uuidOf(2), Name: "base", From: 1, Sealed: []byte("another node's")})
	})
	has(false)
	endHistory(t, s, 1, "base") // of one that it has not

	setHistory(t, s, 2, "base", "b2")
	setHistory(t, s, 2, "jobs/a", "a2")
	setHistory(t, s, 3, "jobs/B", "B3")
	setHistory(t, s, 4, "jobs/a", "not yet")
	setHistory(t, s, 4, "jobs/a", "a4") // set twice in a revision: the last counts
	endHistory(t, s, 5, "jobs/B")
	endHistory(t, s, 5, "jobs/B")
	setHistory(t, s, 6, "jobs/a", "for a moment")
	endHistory(t, s, 6, "jobs/a")
	setHistory(t, s, 7, "jobs/B", "B7") // it comes back
	endHistory(t, s, 8, "base")
	setHistory(t, s, 8, "base", "b8") // ended and set in one revision
	has(true)
	for revision, want := range map[int64][]string{
		0: nil, 1: nil,
		2: {"base=b2", "jobs/a=a2"},
		3: {"base=b2", "jobs/B=B3", "jobs/a=a2"},
		4: {"base=b2", "jobs/B=B3", "jobs/a=a4"},
		5: {"base=b2", "jobs/a=a4"},
		6: {"base=b2"},
		7: {"base=b2", "jobs/B=B7"},
		8: {"base=b8", "jobs/B=B7"},
		9: {"base=b8", "jobs/B=B7"},
	} {
		equal(t, "the parts, bytewise by name", history(t, s, revision), want)
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.HistoryAt(ctx, uuidOf(1), 3)
		if err != nil {
			return err
		}
		equal(t, "a part", got[1], fleet.PartHistory{Node: uuidOf(1), Name: "jobs/B", From: 3, JobName: "j", Sealed: []byte("B3"), Index: []byte("[]")})
		return nil
	})
}

func testPruneHistory(t *testing.T, s fleet.Store) {
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for n := 1; n <= 2; n++ {
			if err := tx.InsertNode(ctx, newNode(n)); err != nil {
				return err
			}
			for range 6 {
				if _, err := tx.AddRevision(ctx, uuidOf(n), promfleet.Revision{At: t0}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	setHistory(t, s, 1, "a", "a1")
	setHistory(t, s, 3, "a", "a3")
	setHistory(t, s, 1, "b", "b1")
	setHistory(t, s, 1, "c", "c1")
	endHistory(t, s, 4, "c")
	prune := func(below int64) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.PruneHistory(ctx, uuidOf(1), below) })
	}
	numbers := func(node int) (numbers []int64) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			page, err := tx.ListRevisions(ctx, uuidOf(node), fleet.ListQuery{Limit: 10, Sort: "number"})
			for _, r := range page.Items {
				numbers = append(numbers, r.Number)
			}
			return err
		})
		return numbers
	}
	prune(1)
	equal(t, "nothing was to go", numbers(1), []int64{1, 2, 3, 4, 5, 6})
	for _, tt := range []struct {
		below   int64
		numbers []int64
		at      map[int64][]string
	}{
		{3, []int64{3, 4, 5, 6}, map[int64][]string{2: {"b=b1", "c=c1"}, 3: {"a=a3", "b=b1", "c=c1"}}},
		{4, []int64{4, 5, 6}, map[int64][]string{3: {"a=a3", "b=b1"}, 4: {"a=a3", "b=b1"}}},
		{9, nil, map[int64][]string{9: {"a=a3", "b=b1"}}},
	} {
		prune(tt.below)
		equal(t, "revisions", numbers(1), tt.numbers)
		for revision, want := range tt.at {
			equal(t, "parts", history(t, s, revision), want)
		}
	}
	equal(t, "another node keeps its own", numbers(2), []int64{1, 2, 3, 4, 5, 6})
}
