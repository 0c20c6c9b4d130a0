package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var revisionList = listing[revision, promfleet.Revision]{
	table: "revision", byDef: "-number",
	id:     column{expr: "revision.number", typ: typInt},
	sorts:  map[string]column{"number": {expr: "revision.number", typ: typInt}},
	record: (*revision).record,
	idOf:   func(m *revision) any { return m.Number },
	values: func(m *revision) map[string]any { return map[string]any{"number": m.Number} },
}

func (t *tx) AddRevision(ctx context.Context, uuid string, r promfleet.Revision) (int64, error) {
	m := &node{UUID: uuid}
	res, err := t.db.NewUpdate().Model(m).Set("revision = node.revision + 1").
		WherePK().WhereAllWithDeleted().Returning("revision").Exec(ctx)
	if err := t.touched(res, err, "raise the revision of node %s", uuid); err != nil {
		return 0, err
	}
	row := &revision{NodeID: uuid, Number: m.Revision, At: stored(r.At), Actor: r.Actor, ActorName: r.ActorName}
	if _, err = t.db.NewInsert().Model(row).Exec(ctx); err != nil {
		return 0, t.fail(err, "record revision %d of node %s", m.Revision, uuid)
	}
	return m.Revision, nil
}

func (t *tx) RevisionsOf(ctx context.Context, uuids []string) (map[string]int64, error) {
	revisions := make(map[string]int64, len(uuids))
	for chunk := range slices.Chunk(uuids, insertRows) {
		var rows []*node
		err := t.db.NewSelect().Model(&rows).Column("uuid", "revision").Where("uuid IN (?)", bun.List(chunk)).Scan(ctx)
		if err != nil {
			return nil, t.fail(err, "revisions of nodes")
		}
		for _, n := range rows {
			revisions[n.UUID] = n.Revision
		}
	}
	return revisions, nil
}

func (t *tx) Revision(ctx context.Context, uuid string, number int64) (*promfleet.Revision, error) {
	m := &revision{NodeID: uuid, Number: number}
	if err := t.db.NewSelect().Model(m).WherePK().Scan(ctx); err != nil {
		return nil, t.fail(err, "revision %d of node %s", number, uuid)
	}
	r, err := m.record()
	return &r, err
}

func (t *tx) ListRevisions(ctx context.Context, uuid string, q fleet.ListQuery) (promfleet.Page[promfleet.Revision], error) {
	q.Q, q.Deleted = "", false
	return revisionList.page(ctx, t, q, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return sel.Where("revision.node_id = ?", uuid)
	})
}

func (m *revision) record() (promfleet.Revision, error) {
	return promfleet.Revision{Number: m.Number, At: m.At.UTC(), Actor: m.Actor, ActorName: m.ActorName}, nil
}

func (t *tx) SetHistory(ctx context.Context, p fleet.PartHistory) error {
	_, err := t.db.NewUpdate().Model((*partHistory)(nil)).Set("to_revision = ?", p.From).
		Where("node_id = ? AND name = ? AND from_revision < ? AND to_revision IS NULL", p.Node, p.Name, p.From).Exec(ctx)
	if err != nil {
		return t.fail(err, "end what %s of node %s was", p.Name, p.Node)
	}
	m := &partHistory{NodeID: p.Node, Name: p.Name, FromRevision: p.From, JobName: p.JobName, Sealed: p.Sealed, IndexBody: p.Index}
	_, err = t.db.NewInsert().Model(m).On("CONFLICT (node_id, name, from_revision) DO UPDATE").
		Set("to_revision = EXCLUDED.to_revision, job_name = EXCLUDED.job_name, sealed = EXCLUDED.sealed, index_body = EXCLUDED.index_body").
		Exec(ctx)
	return t.fail(err, "write what %s of node %s is", p.Name, p.Node)
}

func (t *tx) EndHistory(ctx context.Context, node, name string, at int64) error {
	_, err := t.db.NewUpdate().Model((*partHistory)(nil)).Set("to_revision = ?", at).
		Where("node_id = ? AND name = ? AND to_revision IS NULL", node, name).Exec(ctx)
	return t.fail(err, "end what %s of node %s was", name, node)
}

func (t *tx) HistoryAt(ctx context.Context, node string, revision int64) ([]fleet.PartHistory, error) {
	var rows []*partHistory
	err := t.db.NewSelect().Model(&rows).Where("part.node_id = ? AND part.from_revision <= ?", node, revision).
		Where("(part.to_revision IS NULL OR part.to_revision > ?)", revision).Order("part.name").Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "parts of node %s at revision %d", node, revision)
	}
	return records(rows, (*partHistory).record)
}

func (m *partHistory) record() (fleet.PartHistory, error) {
	return fleet.PartHistory{Node: m.NodeID, Name: m.Name, From: m.FromRevision, JobName: m.JobName, Sealed: m.Sealed, Index: m.IndexBody}, nil
}

func (t *tx) HasHistory(ctx context.Context, node string) (bool, error) {
	has, err := t.db.NewSelect().Model((*partHistory)(nil)).Where("part.node_id = ?", node).Exists(ctx)
	return has, t.fail(err, "history of node %s", node)
}

func (t *tx) PruneHistory(ctx context.Context, node string, below int64) error {
	_, err := t.db.NewDelete().Model((*revision)(nil)).Where("node_id = ? AND number < ?", node, below).Exec(ctx)
	if err != nil {
		return t.fail(err, "forget revisions of node %s", node)
	}
	_, err = t.db.NewDelete().Model((*partHistory)(nil)).Where("node_id = ? AND to_revision <= ?", node, below).Exec(ctx)
	return t.fail(err, "forget parts of node %s", node)
}
