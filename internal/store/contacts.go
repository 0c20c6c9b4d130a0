package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var contactList = listing[contact, promfleet.Contact]{
	table: "contact", byDef: "id", deleted: true, load: withUserName,
	id: column{expr: "contact.id", typ: typInt},
	sorts: map[string]column{
		"id":         {expr: "contact.id", typ: typInt},
		"addr":       {expr: "contact.addr"},
		"tel":        {expr: "contact.tel"},
		"created_at": {expr: "contact.created_at", typ: typTime},
		"updated_at": {expr: "contact.updated_at", typ: typTime},
	},
	record: (*contact).record,
	idOf:   func(m *contact) any { return m.ID },
	values: func(m *contact) map[string]any {
		return map[string]any{"id": m.ID, "addr": m.Addr, "tel": m.Tel, "created_at": m.CreatedAt, "updated_at": m.UpdatedAt}
	},
}

var (
	nodeContacts = joinTable[string, int64]{"node_contacts", "node_id", "contact_id", contactsOfLinks, sameIDs}
	jobContacts  = joinTable[int64, int64]{"job_contacts", "job_id", "contact_id", contactsOfLinks, sameIDs}
)

func contactsOfLinks(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Join("JOIN contacts AS contact ON contact.id = l.contact_id").Apply(withUser).
		ColumnExpr(`contact.id AS key, contact.deleted_at IS NULL AND "user".deleted_at IS NULL AS live`)
}

// sameIDs: records name contacts by their ids.
func sameIDs(_ context.Context, _ *tx, ids []int64, _ time.Time) (map[int64]int64, error) {
	same := make(map[int64]int64, len(ids))
	for _, id := range ids {
		same[id] = id
	}
	return same, nil
}

// withContacts loads the live contacts of all rows of a query with one query more.
func withContacts(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Relation("Contacts", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Column("contact.id").Apply(withUser).Where(`"user".deleted_at IS NULL`)
	})
}

// withUser joins the users, live or deleted, to a query of contacts.
func withUser(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Join(`JOIN users AS "user" ON "user".id = contact.user_id`)
}

// withUserName loads contacts with the names of their users, which are joined.
func withUserName(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.ColumnExpr(`contact.*, "user".name AS user_name`)
}

func (t *tx) Contact(ctx context.Context, id int64) (*promfleet.Contact, error) {
	m := new(contact)
	err := t.db.NewSelect().Model(m).Apply(withUser, withUserName).Where("contact.id = ?", id).WhereAllWithDeleted().Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "contact %d", id)
	}
	c, err := m.record()
	return &c, err
}

func (t *tx) ListContacts(ctx context.Context, q fleet.ContactQuery) (promfleet.Page[promfleet.Contact], error) {
	return contactList.page(ctx, t, q.ListQuery, func(sel *bun.SelectQuery) *bun.SelectQuery {
		sel = sel.Apply(withUser)
		if !q.Deleted {
			sel = sel.Where(`"user".deleted_at IS NULL`)
		}
		if q.User != 0 {
			sel = sel.Where("contact.user_id = ?", q.User)
		}
		if q.Node != "" {
			sel = sel.Where("contact.id IN (SELECT contact_id FROM node_contacts WHERE node_id = ?)", q.Node)
		}
		if q.Job != 0 {
			sel = sel.Where("contact.id IN (SELECT contact_id FROM job_contacts WHERE job_id = ?)", q.Job)
		}
		return sel
	})
}

func (t *tx) InsertContact(ctx context.Context, c *promfleet.Contact) error {
	m := contactModel(c)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert a contact of user %d", c.User)
	}
	c.ID = m.ID
	return nil
}

func (t *tx) UpdateContact(ctx context.Context, c *promfleet.Contact) error {
	m := contactModel(c)
	m.Version++
	q := t.db.NewUpdate().Model(m).ExcludeColumn("id")
	if err := t.updateVersioned(ctx, q, m, c.Version, "update contact %d", c.ID); err != nil {
		return err
	}
	c.Version = m.Version
	return nil
}

func (t *tx) LiveContacts(ctx context.Context, ids []int64) ([]int64, error) {
	var live []int64
	for chunk := range slices.Chunk(distinct(ids), insertRows) {
		var found []int64
		err := t.db.NewSelect().Model((*contact)(nil)).Column("contact.id").Apply(withUser).
			Where("contact.id IN (?)", bun.List(chunk)).Where(`"user".deleted_at IS NULL`).Order("contact.id").Scan(ctx, &found)
		if err != nil {
			return nil, t.fail(err, "find contacts")
		}
		live = append(live, found...)
	}
	return live, nil
}

func contactModel(c *promfleet.Contact) *contact {
	return &contact{
		ID: c.ID, UserID: c.User, Addr: c.Addr, Tel: c.Tel, Search: searchText(c.Addr, c.Tel), Version: c.Version,
		CreatedAt: stored(c.CreatedAt), UpdatedAt: stored(c.UpdatedAt), DeletedAt: storedPtr(c.DeletedAt),
	}
}

func (m *contact) record() (promfleet.Contact, error) {
	return promfleet.Contact{
		ID: m.ID, User: m.UserID, UserName: m.UserName, Addr: m.Addr, Tel: m.Tel, Version: m.Version,
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: loadedPtr(m.DeletedAt),
	}, nil
}
