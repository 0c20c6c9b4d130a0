package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var tagList = listing[tag, promfleet.Tag]{
	table: "tag", byDef: "name", deleted: true,
	id: column{expr: "tag.id", typ: typInt},
	sorts: map[string]column{
		"id":         {expr: "tag.id", typ: typInt},
		"name":       {expr: "tag.name"},
		"created_at": {expr: "tag.created_at", typ: typTime},
		"updated_at": {expr: "tag.updated_at", typ: typTime},
	},
	record: (*tag).record,
	idOf:   func(m *tag) any { return m.ID },
	values: func(m *tag) map[string]any {
		return map[string]any{"id": m.ID, "name": m.Name, "created_at": m.CreatedAt, "updated_at": m.UpdatedAt}
	},
}

var (
	nodeTags   = joinTable[string, string]{"node_tags", "node_id", "tag_id", tagsOfLinks, tagIDs}
	targetTags = joinTable[int64, string]{"target_tags", "target_id", "tag_id", tagsOfLinks, tagIDs}
)

func tagsOfLinks(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Join("JOIN tags AS tag ON tag.id = l.tag_id").
		ColumnExpr("tag.name AS key, tag.deleted_at IS NULL AS live")
}

// tagIDs gives the ids of live tags by name. Those that are missing are created.
func tagIDs(ctx context.Context, t *tx, names []string, at time.Time) (map[string]int64, error) {
	var have []*tag
	if err := t.db.NewSelect().Model(&have).Column("id", "name").Where("name IN (?)", bun.List(names)).Scan(ctx); err != nil {
		return nil, t.fail(err, "find tags")
	}
	ids := make(map[string]int64, len(names))
	for _, g := range have {
		ids[g.Name] = g.ID
	}
	for _, name := range names {
		if _, ok := ids[name]; ok {
			continue
		}
		g := promfleet.Tag{Name: name, CreatedAt: at, UpdatedAt: at, Version: 1}
		if err := t.InsertTag(ctx, &g); err != nil {
			return nil, err
		}
		ids[name] = g.ID
	}
	return ids, nil
}

// withTags loads the tags of all rows of a query with one query more.
func withTags(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Relation("Tags", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Column("tag.id", "tag.name") })
}

// A tagFilter keeps the rows that have all of the tags. owner is the column of
// the link table that says whose the tag is, and id the one it points at.
type tagFilter func(sel *bun.SelectQuery, link, owner, id string, names []string) *bun.SelectQuery

// inTags begins with the tags: the less a tag is used, the faster.
func inTags(sel *bun.SelectQuery, link, owner, id string, names []string) *bun.SelectQuery {
	for _, name := range names {
		sel = sel.Where("? IN (SELECT l.? FROM ? AS l WHERE l.tag_id = (SELECT id FROM tags WHERE name = ? AND deleted_at IS NULL))",
			bun.Safe(id), bun.Ident(owner), bun.Ident(link), name)
	}
	return sel
}

// hasTags looks at the tags of each row: for queries that have few of them.
func hasTags(sel *bun.SelectQuery, link, owner, id string, names []string) *bun.SelectQuery {
	for _, name := range names {
		sel = sel.Where("EXISTS (SELECT 1 FROM ? AS l WHERE l.? = ? AND l.tag_id = (SELECT id FROM tags WHERE name = ? AND deleted_at IS NULL))",
			bun.Ident(link), bun.Ident(owner), bun.Safe(id), name)
	}
	return sel
}

func (t *tx) Tag(ctx context.Context, id int64) (*promfleet.Tag, error) {
	m := &tag{ID: id}
	if err := t.db.NewSelect().Model(m).WherePK().WhereAllWithDeleted().Scan(ctx); err != nil {
		return nil, t.fail(err, "tag %d", id)
	}
	g, err := m.record()
	return &g, err
}

func (t *tx) TagByName(ctx context.Context, name string) (*promfleet.Tag, error) {
	m := new(tag)
	if err := t.db.NewSelect().Model(m).Where("tag.name = ?", name).Scan(ctx); err != nil {
		return nil, t.fail(err, "tag %q", name)
	}
	g, err := m.record()
	return &g, err
}

func (t *tx) ListTags(ctx context.Context, q fleet.ListQuery) (promfleet.Page[promfleet.Tag], error) {
	return tagList.page(ctx, t, q, all)
}

func (t *tx) InsertTag(ctx context.Context, g *promfleet.Tag) error {
	m := tagModel(g)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert tag %q", g.Name)
	}
	g.ID = m.ID
	return nil
}

// UpdateTag leaves the links of the tag alone: no query follows one to a tag that
// is deleted, so that restoring it is one row too.
func (t *tx) UpdateTag(ctx context.Context, g *promfleet.Tag) error {
	m := tagModel(g)
	m.Version++
	q := t.db.NewUpdate().Model(m).ExcludeColumn("id")
	if err := t.updateVersioned(ctx, q, m, g.Version, "update tag %d", g.ID); err != nil {
		return err
	}
	g.Version = m.Version
	return nil
}

func (t *tx) JobsWithTag(ctx context.Context, tag int64) ([]fleet.JobRecord, error) {
	tagged := t.db.NewSelect().Model((*target)(nil)).Column("target.job_id").
		Join("JOIN target_tags AS l ON l.target_id = target.id").Where("l.tag_id = ?", tag)
	var rows []*job
	err := t.db.NewSelect().Model(&rows).Apply(withContacts).
		Where("job.id IN (?)", tagged).Order("job.id").Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "jobs with tag %d", tag)
	}
	return records(rows, (*job).record)
}

func tagModel(g *promfleet.Tag) *tag {
	return &tag{
		ID: g.ID, Name: g.Name, Remark: g.Remark, Search: searchText(g.Name, g.Remark), Version: g.Version,
		CreatedAt: stored(g.CreatedAt), UpdatedAt: stored(g.UpdatedAt), DeletedAt: storedPtr(g.DeletedAt),
	}
}

func (m *tag) record() (promfleet.Tag, error) {
	return promfleet.Tag{
		ID: m.ID, Name: m.Name, Remark: m.Remark, Version: m.Version,
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: loadedPtr(m.DeletedAt),
	}, nil
}
