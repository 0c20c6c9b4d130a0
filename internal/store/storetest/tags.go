package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

// testTags uses the seed's: 开发 (dev), 测试 (test), 线上 (live), 北京, 上海.
func testTags(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	hosts := map[string][]string{
		"1.1.1.1": {"开发", "北京"}, "1.1.1.2": {"开发", "上海"}, "1.1.1.3": {"测试", "北京"},
		"1.1.1.4": {"线上", "上海", "北京"}, "1.1.1.5": nil,
	}
	n := 10
	for _, addr := range slices.Sorted(maps.Keys(hosts)) {
		r := newTarget(job, addr)
		r.Tags = append(slices.Clone(hosts[addr]), hosts[addr]...) // each once is enough
		insertTargets(t, s, r)
		node := newNode(n)
		n++
		node.Addr, node.Tags = addr, hosts[addr]
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, node) })
	}
	tagged := func(want []string, tags ...string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			lq := fleet.ListQuery{Limit: 10, Sort: "addr"}
			var got []string
			targets, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: lq, Tags: tags})
			if err != nil {
				return err
			}
			for _, r := range targets.Items {
				got = append(got, r.Addr)
				wantTags := slices.Sorted(slices.Values(hosts[r.Addr]))
				equal(t, "tags of "+r.Addr, r.Tags, wantTags)
			}
			equal(t, fmt.Sprintf("targets with %v", tags), got, want)
			got = nil
			nodes, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: lq, Tags: tags})
			if err != nil {
				return err
			}
			for _, r := range nodes.Items {
				if r.UUID != uuidOf(1) {
					got = append(got, r.Addr)
				}
			}
			equal(t, fmt.Sprintf("nodes with %v", tags), got, want)
			return nil
		})
	}
	tagged([]string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"})
	tagged([]string{"1.1.1.1", "1.1.1.2"}, "开发")
	tagged([]string{"1.1.1.1", "1.1.1.3", "1.1.1.4"}, "北京")
	tagged([]string{"1.1.1.1"}, "开发", "北京")
	tagged([]string{"1.1.1.4"}, "北京", "上海", "线上", "北京")
	tagged(nil, "测试", "上海")
	tagged(nil, "no such tag")
	tagged(nil, "开") // whole names only

	// The set is written whole: some go, some stay, some come.
	var first *fleet.TargetRecord
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.TargetsByAddr(ctx, job, "1.1.1.1")
		if err == nil {
			first = &got[0]
		}
		return err
	})
	for _, tags := range [][]string{{"北京", "线上", "it's"}, {"北京", "线上", "it's"}, nil, {"A", "a"}} {
		first.Tags = tags
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			return tx.UpdateTargets(ctx, []*fleet.TargetRecord{first})
		})
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.Target(ctx, first.ID)
			if err != nil {
				return err
			}
			equal(t, "tags after an update", got.Tags, slices.Sorted(slices.Values(tags)))
			return nil
		})
	}
	var page promfleet.Page[fleet.TargetRecord]
	view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
		page, err = tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 10}, Tags: []string{"a"}})
		return err
	})
	if page.Total != 1 {
		t.Errorf("%d targets are tagged a, want 1: tags have case", page.Total)
	}
}

func newTag(name string) *promfleet.Tag {
	return &promfleet.Tag{Name: name, CreatedAt: t0, UpdatedAt: t0, Version: 1}
}

// testTagRecords: a tag is a record like others, and those that came by being
// named are no different.
func testTagRecords(t *testing.T, s fleet.Store) {
	want := newTag("开发")
	want.Remark = "Größe"
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertTag(ctx, want) })
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.Tag(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, what, got, want)
			got, err = tx.TagByName(ctx, want.Name)
			if want.DeletedAt != nil {
				wantErr(t, err, fleet.ErrNotFound)
			} else if err != nil {
				return err
			} else {
				equal(t, what+", by name", got, want)
			}
			page, err := tx.ListTags(ctx, fleet.ListQuery{Limit: 10, Deleted: want.DeletedAt != nil, Q: "GRÖ"})
			equal(t, what+", listed", page, promfleet.Page[promfleet.Tag]{Items: []promfleet.Tag{*want}, Total: 1})
			return err
		})
	}
	check("the tag inserted")
	write := func(g *promfleet.Tag) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, g) })
	}
	stale := *want
	want.Name, want.UpdatedAt = "测试", t0.Add(time.Hour)
	mustDo(t, write(want))
	if want.Version != 2 {
		t.Errorf("after one update the version is %d", want.Version)
	}
	check("the tag updated")
	wantErr(t, write(&stale), fleet.ErrVersion)
	stale.ID = 999
	wantErr(t, write(&stale), fleet.ErrNotFound)

	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertTag(ctx, newTag("测试")) }), fleet.ErrExists)
	node := newNode(1)
	node.Tags, node.UpdatedAt = []string{"线上"}, t0.Add(time.Minute)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, node) })
	var made *promfleet.Tag
	view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
		made, err = tx.TagByName(ctx, "线上")
		return err
	})
	equal(t, "the tag that came by being named", made,
		&promfleet.Tag{ID: made.ID, Name: "线上", CreatedAt: node.UpdatedAt, UpdatedAt: node.UpdatedAt, Version: 1})
	made.Name = "测试"
	wantErr(t, write(made), fleet.ErrExists)

	want.DeletedAt = deletedAt(t0.Add(time.Hour))
	mustDo(t, write(want))
	check("the tag deleted")
	mustDo(t, write(made)) // the name is free
	want.DeletedAt = nil
	wantErr(t, write(want), fleet.ErrExists)
	made.Name = "上海"
	mustDo(t, write(made))
	mustDo(t, write(want))
	check("the tag restored")
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Node(ctx, node.UUID)
		if err != nil {
			return err
		}
		equal(t, "the tags of the node after one was renamed", got.Tags, []string{"上海"})
		_, err = tx.Tag(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		_, err = tx.TagByName(ctx, "线上")
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})
}

// testDeletedTags: a deleted tag is on nothing. Restored, it is on what it was on
// before and what has not been given other tags in between.
func testDeletedTags(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	node := newNode(2)
	node.Tags = []string{"开发", "北京"}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, node) })
	kept, changed, renewed := newTarget(job, "kept:1"), newTarget(job, "changed:1"), newTarget(job, "renewed:1")
	for _, r := range []*fleet.TargetRecord{kept, changed, renewed} {
		r.Tags = []string{"开发", "北京"}
	}
	insertTargets(t, s, kept, changed, renewed)
	check := func(what string, nodeTags, keptTags, changedTags, renewedTags []string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			n, err := tx.Node(ctx, node.UUID)
			if err != nil {
				return err
			}
			equal(t, what+": node", n.Tags, nodeTags)
			tagged := 0
			for r, want := range map[*fleet.TargetRecord][]string{kept: keptTags, changed: changedTags, renewed: renewedTags} {
				got, err := tx.Target(ctx, r.ID)
				if err != nil {
					return err
				}
				equal(t, what+": "+r.Addr, got.Tags, want)
				if slices.Contains(want, "开发") {
					tagged++
				}
			}
			page, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 10}, Tags: []string{"开发"}})
			if page.Total != int64(tagged) {
				t.Errorf("%s: %d targets are listed by the tag, want %d", what, page.Total, tagged)
			}
			return err
		})
	}
	both, rest := []string{"北京", "开发"}, []string{"北京"}
	slices.Sort(both)
	check("before", both, both, both, both)
	var dev *promfleet.Tag
	view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
		dev, err = tx.TagByName(ctx, "开发")
		return err
	})
	mark := func(g *promfleet.Tag, at *time.Time) {
		t.Helper()
		g.DeletedAt = at
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, g) })
	}
	mark(dev, deletedAt(t0))
	check("deleted", rest, rest, rest, rest)

	// The node and kept are written with what they have; changed is given others,
	// and renewed a new tag of the same name.
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		node.Tags, kept.Tags, changed.Tags, renewed.Tags = rest, rest, []string{"上海"}, both
		if err := tx.UpdateNode(ctx, node); err != nil {
			return err
		}
		return tx.UpdateTargets(ctx, []*fleet.TargetRecord{kept, changed, renewed})
	})
	check("written since", rest, rest, []string{"上海"}, both)
	var again *promfleet.Tag
	view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
		again, err = tx.TagByName(ctx, "开发")
		return err
	})
	if again.ID == dev.ID {
		t.Error("the deleted tag came back by being named")
	}
	dev.DeletedAt = nil
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, dev) }), fleet.ErrExists)
	mark(again, deletedAt(t0))
	check("both deleted", rest, rest, []string{"上海"}, rest)
	mark(dev, nil)
	check("restored", both, both, []string{"上海"}, rest)
}

func testJobsWithTag(t *testing.T, s fleet.Store) {
	nodes := []*fleet.NodeRecord{newNode(1), newNode(2)}
	var jobs []*fleet.JobRecord
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for i, n := range nodes {
			if err := tx.InsertNode(ctx, n); err != nil {
				return err
			}
			for _, key := range []string{"z", "a"} {
				j := newJob(uuidOf(i+1), key)
				if err := tx.InsertJob(ctx, j); err != nil {
					return err
				}
				for _, addr := range []string{"a:1", "b:1"} {
					r := newTarget(j.ID, addr)
					r.Tags = []string{"线上"}
					if i == 0 && key == "a" {
						r.Tags = []string{"测试"}
					}
					if err := tx.InsertTargets(ctx, []*fleet.TargetRecord{r}); err != nil {
						return err
					}
				}
				jobs = append(jobs, j)
			}
		}
		return nil
	})
	var live *promfleet.Tag
	view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
		live, err = tx.TagByName(ctx, "线上")
		return err
	})
	check := func(what string, want ...*fleet.JobRecord) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.JobsWithTag(ctx, live.ID)
			var records []fleet.JobRecord
			for _, j := range want {
				records = append(records, *j)
			}
			equal(t, what, got, records)
			return err
		})
	}
	check("all", jobs[0], jobs[2], jobs[3])
	live.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, live) })
	check("though the tag is deleted", jobs[0], jobs[2], jobs[3])
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		targets, err := tx.TargetsAfter(ctx, jobs[2].ID, "", "", 10)
		if err != nil {
			return err
		}
		var deleted []*fleet.TargetRecord
		for i := range targets {
			targets[i].DeletedAt = deletedAt(t0)
			deleted = append(deleted, &targets[i])
		}
		jobs[0].DeletedAt = deletedAt(t0)
		if err := tx.UpdateJob(ctx, jobs[0]); err != nil {
			return err
		}
		return tx.UpdateTargets(ctx, deleted)
	})
	check("without a deleted job and one whose targets are deleted", jobs[3])
	nodes[1].DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, nodes[1]) })
	check("though its node is deleted", jobs[3])
}
