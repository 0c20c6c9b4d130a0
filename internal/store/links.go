package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// A joinTable links owners, by O, to items, which records name by K.
type joinTable[O, K cmp.Ordered] struct {
	table, owner, item string // the table and its columns
	// items joins the items to a query of the links, which are l, and adds the
	// columns key and live.
	items func(*bun.SelectQuery) *bun.SelectQuery
	// ids finds items by key.
	ids func(ctx context.Context, t *tx, keys []K, at time.Time) (map[K]int64, error)
}

// A link is a row of a join table.
type link[O, K cmp.Ordered] struct {
	Owner O     `bun:"owner"`
	Item  int64 `bun:"item"`
	Key   K     `bun:"key"`
	Live  bool  `bun:"live"` // the item is, and so the link is shown
}

// add gives items to owners that have none yet.
func (j *joinTable[O, K]) add(ctx context.Context, t *tx, want map[O][]K, at time.Time) error {
	var add []link[O, K]
	for _, owner := range slices.Sorted(maps.Keys(want)) {
		for _, key := range distinct(want[owner]) {
			add = append(add, link[O, K]{Owner: owner, Key: key})
		}
	}
	return j.insert(ctx, t, add, at)
}

// set makes items those of their owners. Links to items that are not live are no
// part of what an owner has; they go when that changes.
func (j *joinTable[O, K]) set(ctx context.Context, t *tx, want map[O][]K, at time.Time) error {
	owners := slices.Sorted(maps.Keys(want))
	var rows []link[O, K]
	err := t.db.NewSelect().TableExpr("? AS l", bun.Ident(j.table)).
		ColumnExpr("l.? AS owner, l.? AS item", bun.Ident(j.owner), bun.Ident(j.item)).
		Apply(j.items).Where("l.? IN (?)", bun.Ident(j.owner), bun.List(owners)).Scan(ctx, &rows)
	if err != nil {
		return t.fail(err, "read %s", j.table)
	}
	have := make(map[O][]link[O, K], len(owners))
	for _, l := range rows {
		have[l.Owner] = append(have[l.Owner], l)
	}
	var remove, add []link[O, K]
	for _, owner := range owners {
		r, a := difference(owner, have[owner], distinct(want[owner]))
		remove, add = append(remove, r...), append(add, a...)
	}
	for chunk := range slices.Chunk(remove, insertRows) {
		_, err := t.db.NewRaw("DELETE FROM ? WHERE (?, ?) IN (VALUES ?)",
			bun.Ident(j.table), bun.Ident(j.owner), bun.Ident(j.item), pairs(chunk)).Exec(ctx)
		if err != nil {
			return t.fail(err, "remove %s", j.table)
		}
	}
	return j.insert(ctx, t, add, at)
}

// difference says which links of an owner to remove, and which to add by their
// key, so that it has those that are wanted, which are sorted.
func difference[O, K cmp.Ordered](owner O, have []link[O, K], want []K) (remove, add []link[O, K]) {
	missing := slices.Clone(want)
	changed := false
	for _, l := range have {
		if !l.Live {
			remove = append(remove, l)
		} else if i, ok := slices.BinarySearch(missing, l.Key); ok {
			missing = slices.Delete(missing, i, i+1)
		} else {
			remove = append(remove, l)
			changed = true
		}
	}
	if !changed && len(missing) == 0 {
		return nil, nil
	}
	for _, key := range missing {
		add = append(add, link[O, K]{Owner: owner, Key: key})
	}
	return remove, add
}

// insert writes links whose item is not known yet.
func (j *joinTable[O, K]) insert(ctx context.Context, t *tx, add []link[O, K], at time.Time) error {
	if len(add) == 0 {
		return nil
	}
	keys := make([]K, len(add))
	for i, l := range add {
		keys[i] = l.Key
	}
	ids, err := j.ids(ctx, t, distinct(keys), at)
	if err != nil {
		return err
	}
	for i, l := range add {
		add[i].Item = ids[l.Key]
	}
	for chunk := range slices.Chunk(add, insertRows) {
		_, err := t.db.NewRaw("INSERT INTO ? (?, ?) VALUES ?",
			bun.Ident(j.table), bun.Ident(j.owner), bun.Ident(j.item), pairs(chunk)).Exec(ctx)
		if err != nil {
			return t.fail(err, "add %s", j.table)
		}
	}
	return nil
}

// pairs are the rows of links, as VALUES takes them.
func pairs[O, K cmp.Ordered](links []link[O, K]) bun.ListValues {
	rows := make([]bun.TupleValues, len(links))
	for i, l := range links {
		rows[i] = bun.Tuple([]any{l.Owner, l.Item})
	}
	return bun.List(rows)
}

// distinct gives values sorted, each once.
func distinct[T cmp.Ordered](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
