package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

// "user" is a word of PostgreSQL's own, hence the quotes.
var userList = listing[user, fleet.UserRecord]{
	table: "user", byDef: "name", deleted: true,
	id: column{expr: `"user".id`, typ: typInt},
	sorts: map[string]column{
		"id":         {expr: `"user".id`, typ: typInt},
		"name":       {expr: `"user".name`},
		"created_at": {expr: `"user".created_at`, typ: typTime},
		"updated_at": {expr: `"user".updated_at`, typ: typTime},
	},
	load:   withHasPassword,
	record: (*user).record,
	idOf:   func(m *user) any { return m.ID },
	values: func(m *user) map[string]any {
		return map[string]any{"id": m.ID, "name": m.Name, "created_at": m.CreatedAt, "updated_at": m.UpdatedAt}
	},
}

// hasPassword tells whether a user has a password, and no more of it.
const hasPassword = `EXISTS (SELECT 1 FROM passwords WHERE passwords.user_id = "user".id) AS has_password`

func withHasPassword(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.ColumnExpr(`"user".*, ` + hasPassword)
}

func (t *tx) User(ctx context.Context, id int64) (*fleet.UserRecord, error) {
	m := &user{ID: id}
	if err := t.db.NewSelect().Model(m).Apply(withHasPassword).WherePK().WhereAllWithDeleted().Scan(ctx); err != nil {
		return nil, t.fail(err, "user %d", id)
	}
	u, err := m.record()
	return &u, err
}

func (t *tx) UserByName(ctx context.Context, name string) (*fleet.UserRecord, error) {
	m := new(user)
	if err := t.db.NewSelect().Model(m).Apply(withHasPassword).Where("name = ?", name).Scan(ctx); err != nil {
		return nil, t.fail(err, "user %q", name)
	}
	u, err := m.record()
	return &u, err
}

func (t *tx) ListUsers(ctx context.Context, q fleet.ListQuery) (promfleet.Page[fleet.UserRecord], error) {
	return userList.page(ctx, t, q, all)
}

func (t *tx) AnyUser(ctx context.Context) (bool, error) {
	some, err := t.db.NewSelect().Model((*user)(nil)).WhereAllWithDeleted().Exists(ctx)
	return some, t.fail(err, "any user")
}

func (t *tx) InsertUser(ctx context.Context, u *fleet.UserRecord) error {
	m := userModel(u)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert user %q", u.Name)
	}
	u.ID = m.ID
	return nil
}

func (t *tx) UpdateUser(ctx context.Context, u *fleet.UserRecord) error {
	m := userModel(u)
	m.Version++
	q := t.db.NewUpdate().Model(m).ExcludeColumn("id")
	if err := t.updateVersioned(ctx, q, m, u.Version, "update user %d", u.ID); err != nil {
		return err
	}
	u.Version = m.Version
	return nil
}

func (t *tx) Password(ctx context.Context, user int64) (string, error) {
	m := &password{UserID: user}
	if err := t.db.NewSelect().Model(m).WherePK().Scan(ctx); err != nil {
		return "", t.fail(err, "password of user %d", user)
	}
	return m.Hash, nil
}

func (t *tx) SetPassword(ctx context.Context, user int64, hash string, at time.Time) error {
	m := &password{UserID: user, Hash: hash, UpdatedAt: stored(at)}
	_, err := t.db.NewInsert().Model(m).On("CONFLICT (user_id) DO UPDATE").
		Set("hash = EXCLUDED.hash, updated_at = EXCLUDED.updated_at").Exec(ctx)
	return t.fail(err, "set the password of user %d", user)
}

func userModel(u *fleet.UserRecord) *user {
	return &user{
		ID: u.ID, Name: u.Name, Role: string(u.Role), Disabled: u.Disabled, SessionsFrom: stored(u.SessionsFrom),
		Search: searchText(u.Name), Version: u.Version,
		CreatedAt: stored(u.CreatedAt), UpdatedAt: stored(u.UpdatedAt), DeletedAt: storedPtr(u.DeletedAt),
	}
}

func (m *user) record() (fleet.UserRecord, error) {
	return fleet.UserRecord{
		User: promfleet.User{
			ID: m.ID, Name: m.Name, Role: promfleet.Role(m.Role), Disabled: m.Disabled, HasPassword: m.HasPassword, Version: m.Version,
			CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: loadedPtr(m.DeletedAt),
		},
		SessionsFrom: m.SessionsFrom.UTC(),
	}, nil
}
