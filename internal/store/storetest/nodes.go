package storetest

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/fleet"
)

func testNodes(t *testing.T, s fleet.Store) {
	seen := t0.Add(time.Minute)
	want := newNode(1)
	want.Tags = []string{"a", "b"}
	want.CredentialHash = hashOf("c")
	want.SealedBase = []byte{0, 1, 0xff, '\''}
	want.Base = fleet.PartState{Hash: promfleet.HashOf([]byte("b")), Size: 1, Revision: 3}
	want.Revision, want.ManagedBy = 7, "team-a/files"
	want.Report = fleet.NodeReport{
		Received: 6, Written: 5, Loaded: 4, State: promfleet.StateFailed, Error: "it's \"bad\"\n%_",
		Notices:      []string{"a\n\"b\"", "%_'"},
		AgentVersion: "1", PrometheusVersion: "3.0", TargetsUp: 2, TargetsDown: 1, LastSeenAt: &seen,
		Policy: &promfleet.Policy{File: "/p", AllowPaths: []string{"/a", "/\"b\""}, AllowWritePaths: []string{}, MaxRemovalPercent: 50, RemovalConfirm: "local", Drift: "repair"},
	}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.Node(ctx, want.UUID)
		wantErr(t, err, fleet.ErrNotFound)
		return tx.InsertNode(ctx, want)
	})
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, want.UUID)
		if err != nil {
			return err
		}
		equal(t, "the node inserted", got, want)
		return nil
	})

	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, newNode(1)) }), fleet.ErrExists)

	// An update writes all but the report and the revision.
	edited := *want
	edited.Hostname, edited.Addr, edited.Tags = "other", "http://other/", []string{"b", "c"}
	edited.CredentialHash, edited.SealedBase, edited.ManagedBy = nil, nil, ""
	edited.Base = fleet.PartState{}
	edited.UpdatedAt, edited.DeletedAt = t0.Add(time.Hour), deletedAt(t0.Add(time.Hour))
	edited.Revision, edited.Report = 1, fleet.NodeReport{}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, &edited) })
	edited.Revision, edited.Report = want.Revision, want.Report
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, want.UUID)
		if err != nil {
			return err
		}
		equal(t, "the node updated", got, &edited)
		return nil
	})
	// Its uuid stays taken while it is deleted: registering revives it.
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, newNode(1)) }), fleet.ErrExists)
}

// testNodesFound: by what fleet documents and tags name them by.
func testNodesFound(t *testing.T, s fleet.Store) {
	one, two, other, gone := newNode(1), newNode(2), newNode(3), newNode(4)
	for _, n := range []*fleet.NodeRecord{one, two, gone} {
		n.Hostname, n.Tags = "twin", []string{"t"}
	}
	two.ManagedBy, other.ManagedBy = "files", "files"
	gone.DeletedAt = deletedAt(t0)
	tag := promfleet.Tag{Name: "t", CreatedAt: t0, UpdatedAt: t0, Version: 1}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertTag(ctx, &tag); err != nil {
			return err
		}
		for _, n := range []*fleet.NodeRecord{two, one, other, gone} {
			if err := tx.InsertNode(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	uuids := func(ns []fleet.NodeRecord, err error) (out []string) {
		if err != nil {
			t.Error(err)
		}
		for _, n := range ns {
			out = append(out, n.UUID)
		}
		return out
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		equal(t, "by hostname", uuids(tx.NodesByHostname(ctx, "twin")), []string{one.UUID, two.UUID})
		equal(t, "by a part of a hostname", uuids(tx.NodesByHostname(ctx, "twi")), []string(nil))
		equal(t, "by tag", uuids(tx.NodesWithTag(ctx, tag.ID)), []string{one.UUID, two.UUID})
		equal(t, "by no tag", uuids(tx.NodesWithTag(ctx, 999)), []string(nil))
		p, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 10}, ManagedBy: "files"})
		equal(t, "by manager", uuids(p.Items, err), []string{other.UUID, two.UUID})
		return nil
	})
	tag.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, &tag) })
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		equal(t, "by a deleted tag", uuids(tx.NodesWithTag(ctx, tag.ID)), []string{one.UUID, two.UUID})
		return nil
	})
}

func testNodeVersions(t *testing.T, s fleet.Store) {
	n := newNode(1)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, n) })
	stale := *n
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, n) })
	if n.Version != 2 {
		t.Errorf("after one update the version is %d", n.Version)
	}
	stale.Hostname = "lost"
	err := tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, &stale) })
	wantErr(t, err, fleet.ErrVersion)
	if stale.Version != 1 {
		t.Errorf("a refused update changed the version to %d", stale.Version)
	}
	err = tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, newNode(2)) })
	wantErr(t, err, fleet.ErrNotFound)
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, n.UUID)
		if err != nil {
			return err
		}
		equal(t, "the node", got, n)
		return nil
	})
}

func testNodeCredential(t *testing.T, s fleet.Store) {
	a, b, none := newNode(1), newNode(2), newNode(3)
	a.CredentialHash, b.CredentialHash = hashOf("a"), hashOf("b")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, n := range []*fleet.NodeRecord{a, b, none, newNode(4)} {
			if err := tx.InsertNode(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	byCredential := func(hash []byte) (n *fleet.NodeRecord, err error) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			n, err = tx.NodeByCredential(ctx, hash)
			return nil
		})
		return n, err
	}
	if n, err := byCredential(hashOf("b")); err != nil || n.UUID != b.UUID {
		t.Errorf("by b's credential: %v, %v", n, err)
	}
	for _, hash := range [][]byte{hashOf("x"), nil, {}} {
		_, err := byCredential(hash)
		wantErr(t, err, fleet.ErrNotFound)
	}
	// Taken by a live node; free when that is deleted.
	none.CredentialHash = hashOf("a")
	err := tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, none) })
	wantErr(t, err, fleet.ErrExists)
	a.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, a) })
	_, err = byCredential(hashOf("a"))
	wantErr(t, err, fleet.ErrNotFound)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, none) })
	if n, err := byCredential(hashOf("a")); err != nil || n.UUID != none.UUID {
		t.Errorf("by the credential that moved: %v, %v", n, err)
	}
}

func testNodeReport(t *testing.T, s fleet.Store) {
	n := newNode(1)
	seen := t0.Add(time.Second)
	r := fleet.NodeReport{Received: 3, Written: 2, Loaded: 1, State: promfleet.StateWritten, Error: "e", Notices: []string{"n"},
		AgentVersion: "a", PrometheusVersion: "p", TargetsUp: 1, TargetsDown: 2, LastSeenAt: &seen,
		Steps: promfleet.Steps{ReceivedAt: &seen, WrittenAt: &seen, LoadedAt: &seen}, Policy: &promfleet.Policy{AllowPaths: []string{"/a"}}}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		wantErr(t, tx.UpdateReport(ctx, n.UUID, r), fleet.ErrNotFound)
		if err := tx.InsertNode(ctx, n); err != nil {
			return err
		}
		return tx.UpdateReport(ctx, n.UUID, r)
	})
	n.Report = r
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, n.UUID)
		if err != nil {
			return err
		}
		equal(t, "the node with its report", got, n)
		return nil
	})
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateReport(ctx, n.UUID, fleet.NodeReport{}) })
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, n.UUID)
		if err != nil {
			return err
		}
		equal(t, "an empty report", got.Report, fleet.NodeReport{})
		return nil
	})
}

// testNodeStates holds the store's SQL to NodeRecord.State, at the edges too.
func testNodeStates(t *testing.T, s fleet.Store) {
	states := []promfleet.NodeState{"", promfleet.StateInSync, promfleet.StateApplying, promfleet.StateWritten,
		promfleet.StateQuarantined, promfleet.StateHeld, promfleet.StateFailed, promfleet.StateDrifted}
	next := 0
	rapid.Check(t, func(rt *rapid.T) {
		update(rt, s, func(ctx context.Context, tx fleet.Tx) error {
			n := newNode(next)
			next++
			if rapid.IntRange(0, 4).Draw(rt, "deleted") == 0 {
				n.DeletedAt = deletedAt(t0)
			}
			n.Revision = rapid.Int64Range(0, 2).Draw(rt, "revision")
			n.Report.Received = rapid.Int64Range(0, 2).Draw(rt, "received")
			n.Report.State = rapid.SampledFrom(states).Draw(rt, "state")
			n.Report.TargetsUp = rapid.SampledFrom([]int64{0, 1, 1e9}).Draw(rt, "up")
			n.Report.TargetsDown = rapid.Int64Range(0, 2).Draw(rt, "down")
			if rapid.IntRange(0, 4).Draw(rt, "seen") > 0 {
				at := t0.Add(time.Duration(rapid.IntRange(-2, 2).Draw(rt, "µs")) * time.Microsecond)
				n.Report.LastSeenAt = &at
			}
			return tx.InsertNode(ctx, n)
		})
		now := t0.Add(fleet.StaleAfter + time.Duration(rapid.IntRange(-3000, 3000).Draw(rt, "ns")))
		view(rt, s, func(ctx context.Context, tx fleet.Tx) error {
			all, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 1000}})
			if err != nil {
				return err
			}
			want := map[promfleet.NodeState]int64{}
			var wantUp, wantDown int64
			for _, n := range all.Items {
				want[n.State(now)]++
				wantUp += n.Report.TargetsUp
				wantDown += n.Report.TargetsDown
			}
			up, down, err := tx.SumTargets(ctx)
			if err != nil {
				return err
			}
			equal(rt, "SumTargets", []int64{up, down}, []int64{wantUp, wantDown})
			got, err := tx.CountNodesByState(ctx, now)
			if err != nil {
				return err
			}
			equal(rt, "CountNodesByState", got, want)
			for _, state := range append(states[1:], promfleet.StateStale, promfleet.StatePending) {
				page, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 1000}, State: state, Now: now})
				if err != nil {
					return err
				}
				for _, n := range page.Items {
					if n.State(now) != state {
						rt.Errorf("the list of %s has a node that is %s", state, n.State(now))
					}
				}
				if page.Total != want[state] {
					rt.Errorf("the list of %s has %d, want %d", state, page.Total, want[state])
				}
			}
			return nil
		})
	})
}
