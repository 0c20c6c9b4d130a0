package store

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"promfleet/internal/fleet"
)

func (t *tx) Session(ctx context.Context, hash string, now time.Time) ([]byte, error) {
	m := new(session)
	err := t.db.NewSelect().Model(m).Where("hash = ?", hash).Where("expires_at > ?", stored(now)).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "session")
	}
	return m.Data, nil
}

func (t *tx) PutSession(ctx context.Context, hash string, data []byte, expires time.Time) error {
	m := &session{Hash: hash, Data: data, ExpiresAt: stored(expires)}
	_, err := t.db.NewInsert().Model(m).On("CONFLICT (hash) DO UPDATE").
		Set("data = EXCLUDED.data, expires_at = EXCLUDED.expires_at").Exec(ctx)
	return t.fail(err, "write a session")
}

func (t *tx) DeleteSession(ctx context.Context, hash string) error {
	_, err := t.db.NewDelete().Model((*session)(nil)).Where("hash = ?", hash).Exec(ctx)
	return t.fail(err, "delete a session")
}

func (t *tx) LoginFailures(ctx context.Context, key string) (fleet.LoginFailures, error) {
	m := &loginFailure{Key: key}
	err := t.fail(t.db.NewSelect().Model(m).WherePK().Scan(ctx), "login failures of %q", key)
	if errors.Is(err, fleet.ErrNotFound) {
		return fleet.LoginFailures{}, nil
	}
	if err != nil {
		return fleet.LoginFailures{}, err
	}
	return fleet.LoginFailures{Count: m.Count, Last: m.Last.UTC()}, nil
}

func (t *tx) PutLoginFailures(ctx context.Context, key string, f fleet.LoginFailures) error {
	if f.Count == 0 {
		_, err := t.db.NewDelete().Model((*loginFailure)(nil)).Where("key = ?", key).Exec(ctx)
		return t.fail(err, "forget the login failures of %q", key)
	}
	m := &loginFailure{Key: key, Count: f.Count, Last: stored(f.Last)}
	_, err := t.db.NewInsert().Model(m).On("CONFLICT (key) DO UPDATE").
		Set("count = EXCLUDED.count, last = EXCLUDED.last").Exec(ctx)
	return t.fail(err, "write the login failures of %q", key)
}

func (t *tx) DeleteExpired(ctx context.Context, now, failures time.Time, limit int) (int64, error) {
	sessions, err := t.deleteBefore(ctx, (*session)(nil), "sessions", "hash", "expires_at", now, limit)
	if err != nil {
		return 0, err
	}
	failed, err := t.deleteBefore(ctx, (*loginFailure)(nil), "login_failures", "key", "last", failures, limit)
	if err != nil {
		return 0, err
	}
	questions, err := t.deleteBefore(ctx, (*question)(nil), "questions", "id", "expires_at", now, limit)
	return sessions + failed + questions, err
}

// deleteBefore deletes the rows of a table with a time before another, the oldest
// first, at most limit, and says how many.
func (t *tx) deleteBefore(ctx context.Context, model any, table, pk, at string, before time.Time, limit int) (int64, error) {
	old := t.db.NewSelect().TableExpr("?", bun.Ident(table)).Column(pk).
		Where("? < ?", bun.Ident(at), stored(before)).Order(at).Limit(int64(limit))
	res, err := t.db.NewDelete().Model(model).Where("? IN (?)", bun.Ident(pk), old).Exec(ctx)
	if err != nil {
		return 0, t.fail(err, "delete old %s", table)
	}
	n, err := res.RowsAffected()
	return n, t.fail(err, "delete old %s", table)
}
