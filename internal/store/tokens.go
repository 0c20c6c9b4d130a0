package store

import (
	"context"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var tokenList = listing[token, fleet.TokenRecord]{
	table: "token", byDef: "id", deleted: true,
	id: column{expr: "token.id", typ: typInt},
	sorts: map[string]column{
		"id":           {expr: "token.id", typ: typInt},
		"name":         {expr: "token.name"},
		"created_at":   {expr: "token.created_at", typ: typTime},
		"expires_at":   {expr: "token.expires_at", typ: typTime, nullable: true},
		"last_used_at": {expr: "token.last_used_at", typ: typTime, nullable: true},
	},
	record: (*token).record,
	idOf:   func(m *token) any { return m.ID },
	values: func(m *token) map[string]any {
		return map[string]any{"id": m.ID, "name": m.Name, "created_at": m.CreatedAt,
			"expires_at": m.ExpiresAt, "last_used_at": m.LastUsedAt}
	},
}

var joinTokenList = listing[joinToken, fleet.JoinTokenRecord]{
	table: "join_token", byDef: "id", deleted: true,
	id: column{expr: "join_token.id", typ: typInt},
	sorts: map[string]column{
		"id":           {expr: "join_token.id", typ: typInt},
		"name":         {expr: "join_token.name"},
		"created_at":   {expr: "join_token.created_at", typ: typTime},
		"expires_at":   {expr: "join_token.expires_at", typ: typTime},
		"last_used_at": {expr: "join_token.last_used_at", typ: typTime, nullable: true},
	},
	record: (*joinToken).record,
	idOf:   func(m *joinToken) any { return m.ID },
	values: func(m *joinToken) map[string]any {
		return map[string]any{"id": m.ID, "name": m.Name, "created_at": m.CreatedAt,
			"expires_at": m.ExpiresAt, "last_used_at": m.LastUsedAt}
	},
}

// all is the filter of a list that has none of its own.
func all(sel *bun.SelectQuery) *bun.SelectQuery { return sel }

func (t *tx) Token(ctx context.Context, id int64) (*fleet.TokenRecord, error) {
	m := &token{ID: id}
	if err := t.db.NewSelect().Model(m).WherePK().WhereAllWithDeleted().Scan(ctx); err != nil {
		return nil, t.fail(err, "token %d", id)
	}
	r, err := m.record()
	return &r, err
}

func (t *tx) TokenByHash(ctx context.Context, hash []byte) (*fleet.TokenRecord, error) {
	m := new(token)
	if err := t.db.NewSelect().Model(m).Where("hash = ?", hash).Scan(ctx); err != nil {
		return nil, t.fail(err, "token by hash")
	}
	r, err := m.record()
	return &r, err
}

func (t *tx) ListTokens(ctx context.Context, q fleet.ListQuery) (promfleet.Page[fleet.TokenRecord], error) {
	return tokenList.page(ctx, t, q, all)
}

func (t *tx) TokensOf(ctx context.Context, user int64) ([]fleet.TokenRecord, error) {
	var ms []token
	if err := t.db.NewSelect().Model(&ms).Where("user_id = ?", user).Order("id").Scan(ctx); err != nil {
		return nil, t.fail(err, "tokens of user %d", user)
	}
	recs := make([]fleet.TokenRecord, len(ms))
	for i := range ms {
		var err error
		if recs[i], err = ms[i].record(); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

func (t *tx) InsertToken(ctx context.Context, r *fleet.TokenRecord) error {
	m := tokenModel(r)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert token %q", r.Name)
	}
	r.ID = m.ID
	return nil
}

func (t *tx) UpdateToken(ctx context.Context, r *fleet.TokenRecord) error {
	res, err := t.db.NewUpdate().Model(tokenModel(r)).Column("last_used_at", "deleted_at").WherePK().WhereAllWithDeleted().Exec(ctx)
	return t.touched(res, err, "update token %d", r.ID)
}

func (t *tx) JoinToken(ctx context.Context, id int64) (*fleet.JoinTokenRecord, error) {
	m := &joinToken{ID: id}
	if err := t.db.NewSelect().Model(m).WherePK().WhereAllWithDeleted().Scan(ctx); err != nil {
		return nil, t.fail(err, "join token %d", id)
	}
	r, err := m.record()
	return &r, err
}

func (t *tx) JoinTokenByHash(ctx context.Context, hash []byte) (*fleet.JoinTokenRecord, error) {
	m := new(joinToken)
	if err := t.db.NewSelect().Model(m).Where("hash = ?", hash).Scan(ctx); err != nil {
		return nil, t.fail(err, "join token by hash")
	}
	r, err := m.record()
	return &r, err
}

func (t *tx) ListJoinTokens(ctx context.Context, q fleet.JoinTokenQuery) (promfleet.Page[fleet.JoinTokenRecord], error) {
	return joinTokenList.page(ctx, t, q.ListQuery, func(sel *bun.SelectQuery) *bun.SelectQuery {
		switch now := stored(q.Now); q.State {
		case fleet.JoinTokenUsable:
			return sel.Where("join_token.uses < join_token.max_uses AND join_token.expires_at > ?", now)
		case fleet.JoinTokenOver:
			return sel.Where("(join_token.uses >= join_token.max_uses OR join_token.expires_at <= ?)", now)
		}
		return sel
	})
}

func (t *tx) InsertJoinToken(ctx context.Context, r *fleet.JoinTokenRecord) error {
	m := joinTokenModel(r)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert join token %q", r.Name)
	}
	r.ID = m.ID
	return nil
}

func (t *tx) UpdateJoinToken(ctx context.Context, r *fleet.JoinTokenRecord) error {
	res, err := t.db.NewUpdate().Model(joinTokenModel(r)).Column("uses", "last_used_at", "deleted_at").WherePK().WhereAllWithDeleted().Exec(ctx)
	return t.touched(res, err, "update join token %d", r.ID)
}
