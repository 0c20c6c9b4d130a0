package store

import "context"

func (t *tx) Setting(ctx context.Context, name string) ([]byte, error) {
	m := &setting{Name: name}
	if err := t.db.NewSelect().Model(m).WherePK().Scan(ctx); err != nil {
		return nil, t.fail(err, "setting %s", name)
	}
	return m.Value, nil
}

func (t *tx) InsertSetting(ctx context.Context, name string, value []byte) error {
	_, err := t.db.NewInsert().Model(&setting{Name: name, Value: value}).Exec(ctx)
	return t.fail(err, "insert setting %s", name)
}
