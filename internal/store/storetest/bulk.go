package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet/internal/fleet"
)

func testUpdateTargets(t *testing.T, s fleet.Store) {
	const n = 1203 // some statements and a rest
	job := seedJob(t, s)
	targets := make([]*fleet.TargetRecord, n)
	for i := range targets {
		targets[i] = newTarget(job, fmt.Sprintf("10.%d.%d.1:9100", i/250, i%250))
		targets[i].Tags = []string{"开发", fmt.Sprintf("t%d", i%3)}
	}
	insertTargets(t, s, targets...)
	write := func(targets ...*fleet.TargetRecord) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTargets(ctx, targets) })
	}
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			for _, want := range targets {
				got, err := tx.Target(ctx, want.ID)
				if err != nil {
					return err
				}
				equal(t, what, got, want)
			}
			return nil
		})
	}
	mustDo(t, write()) // none is no error
	for i, r := range targets {
		if i%5 == 0 {
			r.Name, r.Addr, r.Split = "北京", r.Addr+"0", fleet.SplitKey{byte(i)}
		}
		r.Remark, r.Labels, r.UpdatedAt = fmt.Sprintf("it's %d", i), map[string]string{"区": fmt.Sprint(i)}, t0.Add(time.Hour)
		switch i % 4 {
		case 0:
			r.Tags = nil
		case 1:
			r.Tags = []string{"上海", "开发"} // 上海 is new
			slices.Sort(r.Tags)
		case 2:
			r.DeletedAt = deletedAt(t0)
		}
		slices.Sort(r.Tags)
	}
	mustDo(t, write(targets...))
	for i, r := range targets {
		if r.Version != 2 {
			t.Fatalf("after one update the version of target %d is %d", i, r.Version)
		}
	}
	check("updated")

	// One that is stale or missing: it is named, and nothing is written.
	for _, at := range []int{0, 700, n - 1} {
		for _, want := range []error{fleet.ErrVersion, fleet.ErrNotFound} {
			bad := *targets[at]
			if want == fleet.ErrVersion { //nolint:errorlint // not wrapped
				bad.Version--
			} else {
				bad.ID = 99999
			}
			some := slices.Clone(targets)
			some[at] = &bad
			err := write(some...)
			wantErr(t, err, want)
			if !strings.Contains(err.Error(), fmt.Sprintf("target %d:", bad.ID)) {
				t.Errorf("%v does not say which: %d", err, bad.ID)
			}
		}
	}
	if err := write(targets[1], targets[1]); err == nil {
		t.Error("a target could be given twice")
	}
	if targets[0].Version != 2 || targets[1].Version != 2 {
		t.Errorf("a refused update changed a version to %d", targets[0].Version)
	}
	check("as before the refused updates")

	// One that is deleted makes room for another in the same call.
	live, gone := targets[1], *targets[2]
	heir := targets[3]
	gone.DeletedAt = nil
	mustDo(t, write(&gone, live))
	heir.Addr, heir.Name = gone.Addr, gone.Name
	wantErr(t, write(heir, live), fleet.ErrExists)
	gone.DeletedAt = deletedAt(t0)
	mustDo(t, write(heir, &gone))
	*targets[2] = gone
	check("after one took another's place")
}

// testTargetsAfter: the order is bytewise, and none is left out or comes twice
// whatever the size of a step.
func testTargetsAfter(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	var want []string
	for _, addr := range []string{"b:1", "a:1", "B:1", "北京:1", "é:1", "~:1"} {
		for _, name := range []string{"", "上海", "a", "A"} {
			r := newTarget(job, addr)
			r.Name, r.Tags = name, []string{"线上"}
			insertTargets(t, s, r)
			want = append(want, addr+" "+name)
		}
	}
	deleted := newTarget(job, "c:1")
	deleted.DeletedAt = deletedAt(t0)
	insertTargets(t, s, deleted)
	other := newJob(uuidOf(1), "other")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJob(ctx, other) })
	insertTargets(t, s, newTarget(other.ID, "b:2"))
	slices.Sort(want)
	for _, limit := range []int{1, 5, len(want), 100} {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			var got []string
			addr, name := "", ""
			for {
				rows, err := tx.TargetsAfter(ctx, job, addr, name, limit)
				if err != nil {
					return err
				}
				for _, r := range rows {
					got = append(got, r.Addr+" "+r.Name)
					equal(t, "tags", r.Tags, []string{"线上"})
					addr, name = r.Addr, r.Name
				}
				if len(rows) < limit {
					break
				}
			}
			equal(t, fmt.Sprintf("%d at a time", limit), got, want)
			return nil
		})
	}
}

func testLabelNames(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	names := func() (names []string) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
			names, err = tx.LabelNames(ctx, job)
			return err
		})
		return names
	}
	equal(t, "no targets", names(), []string(nil))
	for i, labels := range []map[string]string{nil, {"env": "prod", "区": "北京"}, {"env": "prod", "区": "北京"}, {"Env": `"`}, {"zone": "a"}} {
		r := newTarget(job, fmt.Sprintf("a:%d", i))
		r.Labels = labels
		if i == 4 {
			r.DeletedAt = deletedAt(t0)
		}
		insertTargets(t, s, r)
	}
	equal(t, "the names", names(), []string{"Env", "env", "区"})
	// More than are read at once, and the last has one of its own.
	var many []*fleet.TargetRecord
	for i := range 5100 {
		r := newTarget(job, fmt.Sprintf("b:%05d", i))
		r.Labels = map[string]string{"env": fmt.Sprint(i % 2)}
		many = append(many, r)
	}
	many[5099].Labels["last"] = ""
	insertTargets(t, s, many...)
	equal(t, "the names of many", names(), []string{"Env", "env", "last", "区"})
}

// testTargetsMatching: it selects what ListTargets does.
func testTargetsMatching(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	other := newJob(uuidOf(2), "other")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, newNode(2)); err != nil {
			return err
		}
		return tx.InsertJob(ctx, other)
	})
	for i := range 12 {
		r := newTarget([]int64{job, other.ID}[i%2], fmt.Sprintf("h:%d", i/3))
		r.Name, r.Tags = fmt.Sprint(i), [][]string{{"线上"}, {"线上", "上海"}, nil}[i%3]
		if i == 7 {
			r.DeletedAt = deletedAt(t0)
		}
		insertTargets(t, s, r)
	}
	for _, q := range []fleet.TargetQuery{
		{}, {Job: job}, {Node: uuidOf(2)}, {Addr: "h:1"}, {Tags: []string{"线上"}}, {Tags: []string{"线上", "上海"}, Job: other.ID},
		{ListQuery: fleet.ListQuery{Q: "1"}}, {ListQuery: fleet.ListQuery{Q: "H:2"}, Node: uuidOf(1)}, {ListQuery: fleet.ListQuery{Deleted: true}},
		{ListQuery: fleet.ListQuery{Deleted: true}, Node: uuidOf(2)}, {Job: 999}, {IDs: []int64{9, 2, 5, 5, 3, 999}}, {IDs: []int64{1, 2, 3, 4, 5}, Job: other.ID},
	} {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			q.Limit = 1000
			page, err := tx.ListTargets(ctx, q)
			if err != nil {
				return err
			}
			q.Limit, q.Sort, q.Cursor = 0, "name", "nothing"
			for _, limit := range []int{1, 4, 100} {
				var got []fleet.TargetRecord
				for after := int64(0); ; {
					rows, err := tx.TargetsMatching(ctx, q, after, limit)
					if err != nil {
						return err
					}
					got = append(got, rows...)
					if len(rows) < limit {
						break
					}
					after = rows[len(rows)-1].ID
				}
				equal(t, fmt.Sprintf("%+v, %d at a time", q, limit), got, page.Items)
			}
			return nil
		})
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.TargetsMatching(ctx, fleet.TargetQuery{ListQuery: fleet.ListQuery{Q: "\x00"}}, 0, 1)
		if err == nil || errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("a bad q: %v", err)
		}
		return nil
	})
}
