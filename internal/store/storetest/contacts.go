package storetest

import (
	"context"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func newContact(user int64, addr string) *promfleet.Contact {
	return &promfleet.Contact{User: user, Addr: addr, Tel: "+86 10 1", CreatedAt: t0, UpdatedAt: t0, Version: 1}
}

func insertContacts(t tb, s fleet.Store, contacts ...*promfleet.Contact) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, c := range contacts {
			if err := tx.InsertContact(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func testContacts(t *testing.T, s fleet.Store) {
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertContact(ctx, newContact(999, "x")) }), fleet.ErrNotFound)
	user, other := seedUser(t, s, "开发"), seedUser(t, s, "测试")
	want, second := newContact(user, "北京 1号"), newContact(other, "b@example.com")
	insertContacts(t, s, want, second)
	want.UserName, second.UserName = "开发", "测试"
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.Contact(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, what, got, want)
			page, err := tx.ListContacts(ctx, fleet.ContactQuery{ListQuery: fleet.ListQuery{Limit: 10, Deleted: want.DeletedAt != nil}, User: want.User})
			equal(t, what+", listed", page, promfleet.Page[promfleet.Contact]{Items: []promfleet.Contact{*want}, Total: 1})
			return err
		})
	}
	check("the contact inserted")
	write := func(c *promfleet.Contact) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateContact(ctx, c) })
	}
	stale := *want
	want.Addr, want.Tel, want.UpdatedAt = "上海", "", t0.Add(time.Hour)
	mustDo(t, write(want))
	if want.Version != 2 {
		t.Errorf("after one update the version is %d", want.Version)
	}
	check("the contact updated")
	wantErr(t, write(&stale), fleet.ErrVersion)
	stale.ID = 999
	wantErr(t, write(&stale), fleet.ErrNotFound)
	want.DeletedAt = deletedAt(t0.Add(time.Hour))
	mustDo(t, write(want))
	check("the contact deleted")
	want.DeletedAt = nil
	mustDo(t, write(want))
	check("the contact restored")
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.Contact(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		for q, want := range map[string]int64{"": 2, "EXAMPLE": 1, "海": 1, "+86": 1, "开发": 0} {
			page, err := tx.ListContacts(ctx, fleet.ContactQuery{ListQuery: fleet.ListQuery{Limit: 10, Q: q}})
			if err != nil {
				return err
			}
			if page.Total != want {
				t.Errorf("%d contacts with %q, want %d", page.Total, q, want)
			}
		}
		return nil
	})
}

// testContactLinks: nodes and jobs name contacts that live, in their order, and a
// contact that is restored is named again where nothing was changed since.
func testContactLinks(t *testing.T, s fleet.Store) {
	leaver := newUser("上海")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertUser(ctx, leaver) })
	stayer := seedUser(t, s, "北京")
	a, b, c := newContact(stayer, "a"), newContact(stayer, "b"), newContact(leaver.ID, "c")
	insertContacts(t, s, a, b, c)
	node, job := newNode(1), newJob(uuidOf(1), "j")
	node.Contacts = []int64{c.ID, a.ID, c.ID} // each once is enough
	job.Contacts = []int64{a.ID, b.ID, c.ID}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, node); err != nil {
			return err
		}
		return tx.InsertJob(ctx, job)
	})
	check := func(what string, ofNode, ofJob []int64) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			q := fleet.ListQuery{Limit: 10}
			n, err := tx.Node(ctx, node.UUID)
			if err != nil {
				return err
			}
			nodes, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: q})
			if err != nil {
				return err
			}
			j, err := tx.Job(ctx, job.ID)
			if err != nil {
				return err
			}
			jobs, err := tx.JobsOfNode(ctx, node.UUID)
			if err != nil {
				return err
			}
			if n.Contacts == nil || j.Contacts == nil {
				t.Errorf("%s: contacts are nil", what)
			}
			equal(t, what+": of the node", n.Contacts, ofNode)
			equal(t, what+": of the node, listed", nodes.Items[0].Contacts, ofNode)
			equal(t, what+": of the job", j.Contacts, ofJob)
			equal(t, what+": of the node's jobs", jobs[0].Contacts, ofJob)
			for _, cq := range []fleet.ContactQuery{{ListQuery: q, Node: node.UUID}, {ListQuery: q, Job: job.ID}} {
				page, err := tx.ListContacts(ctx, cq)
				if err != nil {
					return err
				}
				var ids []int64
				for _, c := range page.Items {
					ids = append(ids, c.ID)
				}
				want := ofJob
				if cq.Node != "" {
					want = ofNode
				}
				equal(t, what+": the contacts that are named", ids, want)
			}
			return nil
		})
	}
	live := func(want ...int64) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.LiveContacts(ctx, []int64{c.ID, a.ID, 999, b.ID, a.ID})
			equal(t, "LiveContacts", got, want)
			return err
		})
	}
	mark := func(c *promfleet.Contact, at *time.Time) {
		t.Helper()
		c.DeletedAt = at
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateContact(ctx, c) })
	}
	writeNode := func(contacts ...int64) {
		t.Helper()
		node.Contacts = contacts
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, node) })
	}
	check("as inserted", []int64{a.ID, c.ID}, []int64{a.ID, b.ID, c.ID})
	live(a.ID, b.ID, c.ID)
	gone := deletedAt(t0)
	mark(a, gone)
	check("a deleted", []int64{c.ID}, []int64{b.ID, c.ID})
	live(b.ID, c.ID)
	leaver.DeletedAt = gone
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateUser(ctx, leaver) })
	check("c's user deleted too", nil, []int64{b.ID})
	live(b.ID)
	writeNode() // nothing new
	job.Contacts = []int64{}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, job) })
	check("the job's are changed", nil, nil)
	leaver.DeletedAt = nil
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateUser(ctx, leaver) })
	mark(a, nil)
	check("both restored", []int64{a.ID, c.ID}, nil)
	writeNode(b.ID, a.ID)
	check("one for another", []int64{a.ID, b.ID}, nil)
	writeNode()
	check("none", nil, nil)
	node.Contacts = []int64{999}
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, node) }), fleet.ErrNotFound)
}
