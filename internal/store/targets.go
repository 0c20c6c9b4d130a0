package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var targetList = listing[target, fleet.TargetRecord]{
	table: "target", byDef: "id", deleted: true, narrow: true, load: withTags,
	id: column{expr: "target.id", typ: typInt},
	sorts: map[string]column{
		"id":         {expr: "target.id", typ: typInt},
		"name":       {expr: "target.name"},
		"addr":       {expr: "target.addr"},
		"created_at": {expr: "target.created_at", typ: typTime},
		"updated_at": {expr: "target.updated_at", typ: typTime},
	},
	record: (*target).record,
	idOf:   func(m *target) any { return m.ID },
	values: func(m *target) map[string]any {
		return map[string]any{"id": m.ID, "name": m.Name, "addr": m.Addr,
			"created_at": m.CreatedAt, "updated_at": m.UpdatedAt}
	},
}

func (t *tx) Target(ctx context.Context, id int64) (*fleet.TargetRecord, error) {
	m := new(target)
	err := t.db.NewSelect().Model(m).Where("target.id = ?", id).WhereAllWithDeleted().Apply(withTags).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "target %d", id)
	}
	r, err := m.record()
	return &r, err
}

func (t *tx) ListTargets(ctx context.Context, q fleet.TargetQuery) (promfleet.Page[fleet.TargetRecord], error) {
	return targetList.page(ctx, t, q.ListQuery, targetFilter(q, inTags))
}

func targetFilter(q fleet.TargetQuery, tagged tagFilter) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(sel *bun.SelectQuery) *bun.SelectQuery {
		if !q.Deleted {
			sel = sel.Join("JOIN jobs AS job ON job.id = target.job_id AND job.deleted_at IS NULL").Apply(onLiveNode)
		} else if q.Node != "" {
			sel = sel.Join("JOIN jobs AS job ON job.id = target.job_id")
		}
		if len(q.IDs) > 0 {
			sel = sel.Where("target.id IN (?)", bun.List(q.IDs))
		}
		if q.Node != "" {
			sel = sel.Where("job.node_id = ?", q.Node)
		}
		if q.Job != 0 {
			sel = sel.Where("target.job_id = ?", q.Job)
		}
		if q.Addr != "" {
			sel = sel.Where("target.addr = ?", q.Addr)
		}
		return tagged(sel, "target_tags", "target_id", "target.id", q.Tags)
	}
}

func (t *tx) TargetsByID(ctx context.Context, ids []int64) ([]fleet.TargetRecord, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []*target
	err := t.db.NewSelect().Model(&rows).Where("target.id IN (?)", bun.List(ids)).Order("target.id").Apply(withTags).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "%d targets", len(ids))
	}
	return records(rows, (*target).record)
}

func (t *tx) TargetsByAddr(ctx context.Context, job int64, addr string) ([]fleet.TargetRecord, error) {
	var rows []*target
	err := t.db.NewSelect().Model(&rows).Where("target.job_id = ?", job).Where("target.addr = ?", addr).
		Order("target.id").Apply(withTags).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "targets %q of job %d", addr, job)
	}
	return records(rows, (*target).record)
}

func (t *tx) TargetsInRange(ctx context.Context, job int64, lo, hi fleet.SplitKey) ([]fleet.TargetRecord, error) {
	var rows []*target
	err := t.db.NewSelect().Model(&rows).Where("target.job_id = ?", job).Where("target.split BETWEEN ? AND ?", lo[:], hi[:]).
		Order("target.split", "target.id").Apply(withTags).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "targets of job %d from %x to %x", job, lo, hi)
	}
	return records(rows, (*target).record)
}

func (t *tx) TargetsOfJobs(ctx context.Context, jobs []int64) ([]fleet.TargetRecord, error) {
	var out []fleet.TargetRecord
	for chunk := range slices.Chunk(distinct(jobs), insertRows) {
		var rows []*target
		err := t.db.NewSelect().Model(&rows).Where("target.job_id IN (?)", bun.List(chunk)).
			Order("target.job_id", "target.id").Apply(withTags).Scan(ctx)
		if err != nil {
			return nil, t.fail(err, "targets of %d jobs", len(chunk))
		}
		recs, err := records(rows, (*target).record)
		if err != nil {
			return nil, err
		}
		out = append(out, recs...)
	}
	return out, nil
}

// insertRows is how many rows go into one statement: beyond some hundreds a
// longer one is no faster.
const insertRows = 500

func (t *tx) InsertTargets(ctx context.Context, targets []*fleet.TargetRecord) error {
	for chunk := range slices.Chunk(targets, insertRows) {
		if err := t.insertTargets(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertTargets(ctx context.Context, targets []*fleet.TargetRecord) error {
	rows := make([]*target, len(targets))
	for i, r := range targets {
		m, err := targetModel(r)
		if err != nil {
			return err
		}
		m.ID = 0
		rows[i] = m
	}
	var ids []int64
	if err := t.db.NewInsert().Model(&rows).Returning("id").Scan(ctx, &ids); err != nil {
		return t.fail(err, "insert %d targets, the first %q of job %d", len(rows), targets[0].Addr, targets[0].Job)
	}
	// Rows get rising ids in their order, but need not be returned in it.
	slices.Sort(ids)

	tags := make(map[int64][]string, len(targets))
	for i, r := range targets {
		r.ID = ids[i]
		tags[r.ID] = r.Tags
	}
	return targetTags.add(ctx, t, tags, targets[0].UpdatedAt)
}
