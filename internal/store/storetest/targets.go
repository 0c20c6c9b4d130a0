package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"promfleet/internal/fleet"
)

func testTargets(t *testing.T, s fleet.Store) {
	want := newTarget(0, "10.0.0.1:9100")
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.InsertTargets(ctx, []*fleet.TargetRecord{newTarget(999, "a")})
	}), fleet.ErrNotFound)
	want.Job = seedJob(t, s)
	want.Name, want.Remark = "一号", "it's <ours> & \\ \"quoted\""
	want.Labels = map[string]string{"env": "prod", "区": "北京", "quote": `'"\u0000`}
	want.Tags = []string{"a", "b"}
	insertTargets(t, s, want)
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.Target(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, what, got, want)
			return nil
		})
	}
	check("the target inserted")
	stale := *want
	want.Name, want.Remark, want.Addr, want.Labels, want.Tags = "", "", "[::1]:80", nil, nil
	want.Split = fleet.SplitKey{1, 11: 2}
	want.UpdatedAt = t0.Add(time.Hour)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{want})
	})
	if want.Version != 2 {
		t.Errorf("after one update the version is %d", want.Version)
	}
	check("the target updated")
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{&stale})
	}), fleet.ErrVersion)
	check("the target, not changed by a stale update")
	stale.ID = 999
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{&stale})
	}), fleet.ErrNotFound)
	want.DeletedAt = deletedAt(t0.Add(2 * time.Hour))
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{want})
	})
	check("the target deleted")
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.Target(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})
}

// testTargetsOfJobs: the live ones of several jobs, with their tags.
func testTargetsOfJobs(t *testing.T, s fleet.Store) {
	one := seedJob(t, s)
	two, other := newJob(uuidOf(1), "two"), newJob(uuidOf(1), "other")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return errors.Join(tx.InsertJob(ctx, two), tx.InsertJob(ctx, other))
	})
	a, b, gone, c, d := newTarget(one, "a:1"), newTarget(one, "b:1"), newTarget(one, "c:1"), newTarget(two.ID, "a:1"), newTarget(other.ID, "a:1")
	a.Tags, c.Tags = []string{"x", "y"}, []string{"x"}
	gone.DeletedAt = deletedAt(t0)
	for _, r := range []*fleet.TargetRecord{c, d, b, gone, a} {
		insertTargets(t, s, r)
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, tc := range []struct {
			jobs []int64
			want []int64
		}{{[]int64{two.ID, one}, []int64{b.ID, a.ID, c.ID}}, {[]int64{one, one}, []int64{b.ID, a.ID}}, {[]int64{999}, nil}, {nil, nil}} {
			got, err := tx.TargetsOfJobs(ctx, tc.jobs)
			if err != nil {
				return err
			}
			var ids []int64
			for _, r := range got {
				ids = append(ids, r.ID)
				if r.ID == a.ID {
					equal(t, "its tags", r.Tags, a.Tags)
				}
			}
			equal(t, fmt.Sprint("targets of jobs ", tc.jobs), ids, tc.want)
		}
		return nil
	})
}

// testTargetKeys: addr and name together are unique among the live targets of a job.
func testTargetKeys(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	first := newTarget(job, "a:1")
	named := newTarget(job, "a:1")
	named.Name = "second"
	insertTargets(t, s, first, named)
	insert := func(targets ...*fleet.TargetRecord) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertTargets(ctx, targets) })
	}
	wantErr(t, insert(newTarget(job, "a:1")), fleet.ErrExists)
	wantErr(t, insert(newTarget(job, "b:1"), newTarget(job, "b:1")), fleet.ErrExists)

	byAddr := func(addr string) (ids []int64) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.TargetsByAddr(ctx, job, addr)
			for _, g := range got {
				ids = append(ids, g.ID)
			}
			return err
		})
		return ids
	}
	equal(t, "TargetsByAddr", byAddr("a:1"), []int64{first.ID, named.ID})
	equal(t, "TargetsByAddr of none", byAddr("b:1"), []int64(nil))

	first.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{first})
	})
	equal(t, "TargetsByAddr without the deleted", byAddr("a:1"), []int64{named.ID})
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.TargetsByID(ctx, []int64{named.ID + 100, named.ID, first.ID})
		equal(t, "TargetsByID", got, []fleet.TargetRecord{*named})
		return err
	})
	again := newTarget(job, "a:1")
	insertTargets(t, s, again)
	first.DeletedAt = nil
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{first})
	}), fleet.ErrExists)
	again.Name = "second"
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{again})
	}), fleet.ErrExists)
	again.Name = "third"
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{again})
	})
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{first})
	})
	equal(t, "TargetsByAddr with the revived", byAddr("a:1"), []int64{first.ID, named.ID, again.ID})
}

func testTargetRange(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	keys := []fleet.SplitKey{{0}, {1}, {1}, {1, 11: 1}, {2}, {0x7f}, {0x80}, {0xff, 11: 0xff}}
	var targets []*fleet.TargetRecord
	for i, key := range keys {
		r := newTarget(job, fmt.Sprintf("a:%d", i))
		r.Split = key
		r.Tags = []string{fmt.Sprint(i % 2)}
		targets = append(targets, r)
	}
	slices.Reverse(targets) // so that the ids are not in the order of the keys
	insertTargets(t, s, targets...)
	deleted := targets[0]
	deleted.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{deleted})
	})

	inRange := func(lo, hi fleet.SplitKey) (got []string) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			rows, err := tx.TargetsInRange(ctx, job, lo, hi)
			for _, r := range rows {
				got = append(got, fmt.Sprintf("%s %v", r.Addr, r.Tags))
			}
			return err
		})
		return got
	}
	equal(t, "all", inRange(fleet.SplitKey{}, fleet.SplitKey{0xff, 11: 0xff}),
		[]string{"a:0 [0]", "a:2 [0]", "a:1 [1]", "a:3 [1]", "a:4 [0]", "a:5 [1]", "a:6 [0]"})
	equal(t, "from and to, both in it", inRange(fleet.SplitKey{1}, fleet.SplitKey{1, 11: 1}), []string{"a:2 [0]", "a:1 [1]", "a:3 [1]"})
	equal(t, "none", inRange(fleet.SplitKey{3}, fleet.SplitKey{4}), []string(nil))
}

func testTargetsInBulk(t *testing.T, s fleet.Store) {
	const n = 2503 // some statements and a rest
	job := seedJob(t, s)
	targets := make([]*fleet.TargetRecord, n)
	for i := range targets {
		targets[i] = newTarget(job, fmt.Sprintf("10.%d.%d.1:9100", i/250, i%250))
		targets[i].Tags = []string{"all", fmt.Sprintf("t%d", i%7)}
	}
	insertTargets(t, s, targets...)
	insertTargets(t, s) // none is no error
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		q := fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 1000}, Job: job}
		for i := 0; ; {
			page, err := tx.ListTargets(ctx, q)
			if err != nil {
				return err
			}
			for _, got := range page.Items {
				if got.ID != targets[i].ID || got.Addr != targets[i].Addr || !slices.Equal(got.Tags, targets[i].Tags) {
					t.Fatalf("target %d: got %+v, want %+v", i, got, targets[i])
				}
				i++
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				if i != n {
					t.Errorf("%d targets, want %d", i, n)
				}
				break
			}
		}
		q.Cursor, q.Tags, q.Limit = "", []string{"t3", "all"}, 1
		page, err := tx.ListTargets(ctx, q)
		if err == nil && page.Total != 358 {
			t.Errorf("%d targets have both tags, want 358", page.Total)
		}
		return err
	})
}

// testLiveness: live lists leave out what belongs to something deleted, though
// its own row was not touched; lists of the deleted have it not either.
func testLiveness(t *testing.T, s fleet.Store) {
	node, job := newNode(1), newJob(uuidOf(1), "j")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, node); err != nil {
			return err
		}
		return tx.InsertJob(ctx, job)
	})
	target := newTarget(job.ID, "a:1")
	insertTargets(t, s, target)
	counts := func(what string, want ...int64) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			var got []int64
			for _, deleted := range []bool{false, true} {
				lq := fleet.ListQuery{Limit: 10, Deleted: deleted}
				nodes, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: lq})
				if err != nil {
					return err
				}
				jobs, err := tx.ListJobs(ctx, fleet.JobQuery{ListQuery: lq, Node: node.UUID})
				if err != nil {
					return err
				}
				targets, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: lq, Node: node.UUID})
				if err != nil {
					return err
				}
				got = append(got, nodes.Total, jobs.Total, targets.Total)
			}
			equal(t, what+": live nodes, jobs, targets, then deleted ones", got, want)
			// By id and by job they are there, whatever their parents are.
			if _, err := tx.Job(ctx, job.ID); err != nil {
				return err
			}
			if _, err := tx.Target(ctx, target.ID); err != nil {
				return err
			}
			return nil
		})
	}
	mark := func(at *time.Time, nodeToo, jobToo, targetToo bool) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			if nodeToo {
				node.DeletedAt = at
				if err := tx.UpdateNode(ctx, node); err != nil {
					return err
				}
			}
			if jobToo {
				job.DeletedAt = at
				if err := tx.UpdateJob(ctx, job); err != nil {
					return err
				}
			}
			if targetToo {
				target.DeletedAt = at
				return tx.UpdateTargets(ctx, []*fleet.TargetRecord{target})
			}
			return nil
		})
	}
	gone := deletedAt(t0)
	counts("all live", 1, 1, 1, 0, 0, 0)
	mark(gone, true, false, false)
	counts("node deleted", 0, 0, 0, 1, 0, 0)
	mark(gone, false, true, false)
	counts("node and job deleted", 0, 0, 0, 1, 1, 0)
	mark(nil, true, false, false)
	counts("job deleted", 1, 0, 0, 0, 1, 0)
	mark(gone, false, false, true)
	counts("job and target deleted", 1, 0, 0, 0, 1, 1)
	mark(nil, false, true, false)
	counts("target deleted", 1, 1, 0, 0, 0, 1)
	mark(nil, false, false, true)
	counts("all live again", 1, 1, 1, 0, 0, 0)
}
