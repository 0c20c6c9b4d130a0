package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// withTags loads the tags of all rows of a query with one query more.
func withTags(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Relation("Tags", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Column("tag.id", "tag.name") })
}

// taggedWith keeps the rows that have all of the tags. owner is the column of
// the link table that says whose the tag is, and id the one it points at.
func taggedWith(sel *bun.SelectQuery, link, owner, id string, names []string) *bun.SelectQuery {
	for _, name := range names {
		sel = sel.Where("EXISTS (SELECT 1 FROM ? AS l JOIN tags AS lt ON lt.id = l.tag_id WHERE l.? = ? AND lt.name = ? AND lt.deleted_at IS NULL)",
			bun.Ident(link), bun.Ident(owner), bun.Safe(id), name)
	}
	return sel
}

// distinct gives names sorted, each once.
func distinct(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// tagIDs gives the ids of tags by name. Those that are missing are created.
func (t *tx) tagIDs(ctx context.Context, names []string, at time.Time) (map[string]int64, error) {
	ids := make(map[string]int64, len(names))
	if len(names) == 0 {
		return ids, nil
	}
	var have []*tag
	if err := t.db.NewSelect().Model(&have).Column("id", "name").Where("name IN (?)", bun.List(names)).Scan(ctx); err != nil {
		return nil, t.fail(err, "find tags")
	}
	for _, g := range have {
		ids[g.Name] = g.ID
	}
	for _, name := range names {
		if _, ok := ids[name]; ok {
			continue
		}
		g := &tag{Name: name, CreatedAt: stored(at), UpdatedAt: stored(at)}
		if _, err := t.db.NewInsert().Model(g).Exec(ctx); err != nil {
			return nil, t.fail(err, "create tag %q", name)
		}
		ids[name] = g.ID
	}
	return ids, nil
}

// setNodeTags makes names the tags of a node.
func (t *tx) setNodeTags(ctx context.Context, uuid string, names []string, at time.Time) error {
	var have []*tag
	err := t.db.NewSelect().Model(&have).Column("tag.id", "tag.name").
		Join("JOIN node_tags AS l ON l.tag_id = tag.id").Where("l.node_id = ?", uuid).Scan(ctx)
	if err != nil {
		return t.fail(err, "read tags of node %s", uuid)
	}
	remove, add := difference(have, distinct(names))
	if len(remove) > 0 {
		_, err := t.db.NewDelete().Model((*nodeTag)(nil)).Where("node_id = ?", uuid).Where("tag_id IN (?)", bun.List(remove)).Exec(ctx)
		if err != nil {
			return t.fail(err, "remove tags of node %s", uuid)
		}
	}
	if len(add) == 0 {
		return nil
	}
	ids, err := t.tagIDs(ctx, add, at)
	if err != nil {
		return err
	}
	links := make([]*nodeTag, len(add))
	for i, name := range add {
		links[i] = &nodeTag{NodeID: uuid, TagID: ids[name]}
	}
	_, err = t.db.NewInsert().Model(&links).Exec(ctx)
	return t.fail(err, "add tags to node %s", uuid)
}

// setTargetTags makes names the tags of a target.
func (t *tx) setTargetTags(ctx context.Context, id int64, names []string, at time.Time) error {
	var have []*tag
	err := t.db.NewSelect().Model(&have).Column("tag.id", "tag.name").
		Join("JOIN target_tags AS l ON l.tag_id = tag.id").Where("l.target_id = ?", id).Scan(ctx)
	if err != nil {
		return t.fail(err, "read tags of target %d", id)
	}
	remove, add := difference(have, distinct(names))
	if len(remove) > 0 {
		_, err := t.db.NewDelete().Model((*targetTag)(nil)).Where("target_id = ?", id).Where("tag_id IN (?)", bun.List(remove)).Exec(ctx)
		if err != nil {
			return t.fail(err, "remove tags of target %d", id)
		}
	}
	if len(add) == 0 {
		return nil
	}
	ids, err := t.tagIDs(ctx, add, at)
	if err != nil {
		return err
	}
	links := make([]*targetTag, len(add))
	for i, name := range add {
		links[i] = &targetTag{TargetID: id, TagID: ids[name]}
	}
	_, err = t.db.NewInsert().Model(&links).Exec(ctx)
	return t.fail(err, "add tags to target %d", id)
}

// difference says which tags to remove, by id, and which to add, by name.
func difference(have []*tag, want []string) (remove []int64, add []string) {
	add = slices.Clone(want)
	for _, g := range have {
		if i, ok := slices.BinarySearch(add, g.Name); ok {
			add = slices.Delete(add, i, i+1)
		} else {
			remove = append(remove, g.ID)
		}
	}
	return remove, add
}
