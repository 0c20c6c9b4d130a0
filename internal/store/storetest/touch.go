package storetest

import (
	"context"
	"maps"
	"testing"

	"promfleet"
	"promfleet/internal/fleet"
)

// testTouch: what a change elsewhere changes the look of gets a new version, and
// nothing else does.
func testTouch(t *testing.T, s fleet.Store) {
	user, other := seedUser(t, s, "北京"), seedUser(t, s, "上海")
	a, b, c := newContact(user, "a"), newContact(user, "b"), newContact(other, "c")
	insertContacts(t, s, a, b, c)
	tagged, plain := newNode(1), newNode(2)
	tagged.Tags, tagged.Contacts = []string{"线上"}, []int64{a.ID}
	plain.Tags, plain.Contacts = []string{"开发"}, []int64{c.ID}
	named, unnamed := newJob(uuidOf(1), "named"), newJob(uuidOf(2), "unnamed")
	named.Contacts = []int64{a.ID, b.ID}
	var targets []*fleet.TargetRecord
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, n := range []*fleet.NodeRecord{tagged, plain} {
			if err := tx.InsertNode(ctx, n); err != nil {
				return err
			}
		}
		for _, j := range []*fleet.JobRecord{named, unnamed} {
			if err := tx.InsertJob(ctx, j); err != nil {
				return err
			}
			for _, tag := range []string{"线上", "测试"} {
				r := newTarget(j.ID, tag)
				r.Tags = []string{tag}
				targets = append(targets, r)
			}
		}
		return tx.InsertTargets(ctx, targets)
	})
	var live *promfleet.Tag
	view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
		live, err = tx.TagByName(ctx, "线上")
		return err
	})
	want := map[string]int64{
		"tagged node": 1, "plain node": 1, "named job": 1, "unnamed job": 1,
		"target 0": 1, "target 1": 1, "target 2": 1, "target 3": 1, "contact a": 1, "contact b": 1, "contact c": 1,
	}
	check := func(what string, touched ...string) {
		t.Helper()
		for _, name := range touched {
			want[name]++
		}
		got := map[string]int64{}
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			for name, n := range map[string]*fleet.NodeRecord{"tagged node": tagged, "plain node": plain} {
				r, err := tx.Node(ctx, n.UUID)
				if err != nil {
					return err
				}
				got[name] = r.Version
			}
			for name, j := range map[string]*fleet.JobRecord{"named job": named, "unnamed job": unnamed} {
				r, err := tx.Job(ctx, j.ID)
				if err != nil {
					return err
				}
				got[name] = r.Version
			}
			for i, name := range []string{"target 0", "target 1", "target 2", "target 3"} {
				r, err := tx.Target(ctx, targets[i].ID)
				if err != nil {
					return err
				}
				got[name] = r.Version
			}
			for name, c := range map[string]*promfleet.Contact{"contact a": a, "contact b": b, "contact c": c} {
				r, err := tx.Contact(ctx, c.ID)
				if err != nil {
					return err
				}
				got[name] = r.Version
			}
			return nil
		})
		equal(t, what, got, maps.Clone(want))
	}
	check("at first")
	touchTag := func(ctx context.Context, tx fleet.Tx) error { return tx.TouchTagged(ctx, live.ID) }
	update(t, s, touchTag)
	check("TouchTagged", "tagged node", "target 0", "target 2")
	live.DeletedAt = deletedAt(t0)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, live) })
	update(t, s, touchTag)
	check("TouchTagged, the tag deleted", "tagged node", "target 0", "target 2")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.TouchContact(ctx, a.ID) })
	check("TouchContact", "tagged node", "named job")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.TouchContact(ctx, b.ID) })
	check("TouchContact of another", "named job")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.TouchUser(ctx, user) })
	check("TouchUser, each once", "tagged node", "named job", "contact a", "contact b")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, err := range []error{tx.TouchTagged(ctx, 999), tx.TouchContact(ctx, 999), tx.TouchUser(ctx, 999)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	check("nothing to touch")
}
