package store

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var jobList = listing[job, fleet.JobRecord]{
	table: "job", byDef: "id", deleted: true, narrow: true, load: withContacts,
	id: column{expr: "job.id", typ: typInt},
	sorts: map[string]column{
		"id":         {expr: "job.id", typ: typInt},
		"key":        {expr: "job.key"},
		"job_name":   {expr: "job.job_name"},
		"created_at": {expr: "job.created_at", typ: typTime},
		"updated_at": {expr: "job.updated_at", typ: typTime},
	},
	size:   func(m *job) int { return len(m.SealedScrapeConfig) },
	record: (*job).record,
	idOf:   func(m *job) any { return m.ID },
	values: func(m *job) map[string]any {
		return map[string]any{"id": m.ID, "key": m.Key, "job_name": m.JobName,
			"created_at": m.CreatedAt, "updated_at": m.UpdatedAt}
	},
}

func (t *tx) job(ctx context.Context, sel func(*bun.SelectQuery) *bun.SelectQuery, format string, args ...any) (*fleet.JobRecord, error) {
	m := new(job)
	if err := t.db.NewSelect().Model(m).Apply(sel, withContacts).Scan(ctx); err != nil {
		return nil, t.fail(err, format, args...)
	}
	j, err := m.record()
	return &j, err
}

func (t *tx) Job(ctx context.Context, id int64) (*fleet.JobRecord, error) {
	return t.job(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("job.id = ?", id).WhereAllWithDeleted()
	}, "job %d", id)
}

func (t *tx) JobByKey(ctx context.Context, node, key string) (*fleet.JobRecord, error) {
	return t.job(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("job.node_id = ?", node).Where("job.key = ?", key)
	}, "job %q of node %s", key, node)
}

func (t *tx) JobByName(ctx context.Context, node, jobName string) (*fleet.JobRecord, error) {
	return t.job(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("job.node_id = ?", node).Where("job.job_name = ?", jobName)
	}, "job named %q of node %s", jobName, node)
}

func (t *tx) JobsOfNode(ctx context.Context, node string) ([]fleet.JobRecord, error) {
	var rows []*job
	if err := t.db.NewSelect().Model(&rows).Where("job.node_id = ?", node).Apply(withContacts).Scan(ctx); err != nil {
		return nil, t.fail(err, "jobs of node %s", node)
	}
	slices.SortFunc(rows, func(a, b *job) int { return strings.Compare(a.Key, b.Key) })
	return records(rows, (*job).record)
}

// records converts rows.
func records[M, R any](rows []*M, record func(*M) (R, error)) ([]R, error) {
	out := make([]R, len(rows))
	for i, row := range rows {
		var err error
		if out[i], err = record(row); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// onLiveNode keeps the jobs whose node is not deleted.
func onLiveNode(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Join("JOIN nodes AS node ON node.uuid = job.node_id AND node.deleted_at IS NULL")
}

func (t *tx) ListJobs(ctx context.Context, q fleet.JobQuery) (promfleet.Page[fleet.JobRecord], error) {
	return jobList.page(ctx, t, q.ListQuery, func(sel *bun.SelectQuery) *bun.SelectQuery {
		if !q.Deleted {
			sel = sel.Apply(onLiveNode)
		}
		if len(q.IDs) > 0 {
			sel = sel.Where("job.id IN (?)", bun.List(q.IDs))
		}
		if q.Node != "" {
			sel = sel.Where("job.node_id = ?", q.Node)
		}
		if q.Key != "" {
			sel = sel.Where("job.key = ?", q.Key)
		}
		if q.ManagedBy != "" {
			sel = sel.Where("job.managed_by = ?", q.ManagedBy)
		}
		return sel
	})
}

func (t *tx) InsertJob(ctx context.Context, j *fleet.JobRecord) error {
	m := jobModel(j)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert job %q of node %s", j.Key, j.Node)
	}
	j.ID = m.ID
	return jobContacts.add(ctx, t, map[int64][]int64{j.ID: j.Contacts}, j.UpdatedAt)
}

func (t *tx) UpdateJob(ctx context.Context, j *fleet.JobRecord) error {
	m := jobModel(j)
	m.Version++
	q := t.db.NewUpdate().Model(m).ExcludeColumn("id")
	if err := t.updateVersioned(ctx, q, m, j.Version, "update job %d", j.ID); err != nil {
		return err
	}
	if err := jobContacts.set(ctx, t, map[int64][]int64{j.ID: j.Contacts}, j.UpdatedAt); err != nil {
		return err
	}
	j.Version = m.Version
	return nil
}

func (t *tx) UpdateJobParts(ctx context.Context, id int64, p fleet.JobParts) error {
	m := &job{ID: id}
	m.setParts(p)
	res, err := t.db.NewUpdate().Model(m).Column(partColumns...).WherePK().WhereAllWithDeleted().Exec(ctx)
	return t.touched(res, err, "parts of job %d", id)
}
