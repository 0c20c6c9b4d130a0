package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"promfleet/internal/fleet"
)

// UpdateTargets looks at all versions before it writes anything.
func (t *tx) UpdateTargets(ctx context.Context, targets []*fleet.TargetRecord) error {
	if len(targets) == 1 {
		return t.updateTarget(ctx, targets[0])
	}
	if err := t.checkVersions(ctx, targets); err != nil {
		return err
	}
	// Those that are deleted first, so that others may have their addr and name.
	var live, deleted []*fleet.TargetRecord
	for _, r := range targets {
		if r.DeletedAt != nil {
			deleted = append(deleted, r)
		} else {
			live = append(live, r)
		}
	}
	for _, part := range [][]*fleet.TargetRecord{deleted, live} {
		for chunk := range slices.Chunk(part, insertRows) {
			if err := t.updateTargets(ctx, chunk); err != nil {
				return err
			}
		}
	}
	for _, r := range targets {
		r.Version++
	}
	return nil
}

func (t *tx) updateTarget(ctx context.Context, r *fleet.TargetRecord) error {
	m, err := targetModel(r)
	if err != nil {
		return err
	}
	m.Version++
	q := t.db.NewUpdate().Model(m).ExcludeColumn("id")
	if err := t.updateVersioned(ctx, q, m, r.Version, "update target %d", r.ID); err != nil {
		return err
	}
	if err := targetTags.set(ctx, t, map[int64][]string{r.ID: r.Tags}, r.UpdatedAt); err != nil {
		return err
	}
	r.Version = m.Version
	return nil
}

// checkVersions says which target is missing or of another version.
func (t *tx) checkVersions(ctx context.Context, targets []*fleet.TargetRecord) error {
	for chunk := range slices.Chunk(targets, insertRows) {
		ids := make([]int64, len(chunk))
		for i, r := range chunk {
			ids[i] = r.ID
		}
		var rows []*target
		err := t.db.NewSelect().Model(&rows).Column("id", "version").Where("id IN (?)", bun.List(ids)).WhereAllWithDeleted().Scan(ctx)
		if err != nil {
			return t.fail(err, "versions of %d targets", len(ids))
		}
		versions := make(map[int64]int64, len(rows))
		for _, m := range rows {
			versions[m.ID] = m.Version
		}
		for _, r := range chunk {
			switch version, ok := versions[r.ID]; {
			case !ok:
				return fmt.Errorf("update target %d: %w", r.ID, fleet.ErrNotFound)
			case version != r.Version:
				return fmt.Errorf("update target %d: %w", r.ID, fleet.ErrVersion)
			}
		}
	}
	return nil
}

func (t *tx) updateTargets(ctx context.Context, targets []*fleet.TargetRecord) error {
	rows := make([]*target, len(targets))
	tags := make(map[int64][]string, len(targets))
	for i, r := range targets {
		m, err := targetModel(r)
		if err != nil {
			return err
		}
		m.Version++
		rows[i], tags[r.ID] = m, r.Tags
	}
	res, err := t.db.NewUpdate().Model(&rows).Bulk().Where("target.version = _data.version - 1").WhereAllWithDeleted().Exec(ctx)
	var n int64
	if err == nil {
		n, err = res.RowsAffected()
	}
	if err == nil && n != int64(len(rows)) {
		err = fmt.Errorf("%d of %d rows were written: one is given twice", n, len(rows))
	}
	if err != nil {
		return t.fail(err, "update targets, the first %d of job %d", targets[0].ID, targets[0].Job)
	}
	return targetTags.set(ctx, t, tags, targets[0].UpdatedAt)
}

// targetsAfter selects the not-deleted targets of a job behind one, in the order
// of addr and name, which an index has.
func (t *tx) targetsAfter(rows *[]*target, job int64, addr, name string, limit int) *bun.SelectQuery {
	return t.db.NewSelect().Model(rows).Where("target.job_id = ?", job).Where("(target.addr, target.name) > (?, ?)", addr, name).
		Order("target.addr", "target.name").Limit(int64(limit))
}

func (t *tx) TargetsAfter(ctx context.Context, job int64, addr, name string, limit int) ([]fleet.TargetRecord, error) {
	var rows []*target
	if err := t.targetsAfter(&rows, job, addr, name, limit).Apply(withTags).Scan(ctx); err != nil {
		return nil, t.fail(err, "targets of job %d after %q", job, addr)
	}
	return records(rows, (*target).record)
}

func (t *tx) LabelNames(ctx context.Context, job int64) ([]string, error) {
	const batch = 5000
	names := map[string]struct{}{}
	last := &target{}
	for {
		var rows []*target
		err := t.targetsAfter(&rows, job, last.Addr, last.Name, batch).Column("addr", "name", "labels").Scan(ctx)
		if err != nil {
			return nil, t.fail(err, "labels of job %d", job)
		}
		for _, m := range rows {
			if m.Labels == last.Labels {
				continue
			}
			var labels map[string]json.RawMessage
			if err := json.Unmarshal([]byte(m.Labels), &labels); err != nil {
				return nil, fmt.Errorf("labels of target %q of job %d: %w", m.Addr, job, err)
			}
			for name := range labels {
				names[name] = struct{}{}
			}
			last = m
		}
		if len(rows) < batch {
			return slices.Sorted(maps.Keys(names)), nil
		}
		last = rows[len(rows)-1]
	}
}

func (t *tx) TargetsMatching(ctx context.Context, q fleet.TargetQuery, after int64, limit int) ([]fleet.TargetRecord, error) {
	if err := checkQ(q.Q); err != nil {
		return nil, err
	}
	var matching []*target
	for window := limit; ; window = min(2*window, 8*insertRows) {
		ids, err := t.candidates(ctx, q, after, window)
		if err != nil {
			return nil, err
		}
		if ids != nil && len(ids) == 0 {
			return records(matching, (*target).record)
		}
		var rows []*target
		sel := t.db.NewSelect().Model(&rows).Apply(targetList.selected(q.ListQuery, targetFilter(q, hasTags))).
			Order("target.id").Limit(int64(limit - len(matching))).Apply(withTags)
		if ids == nil {
			sel = sel.Where("target.id > ?", after)
		} else {
			sel = sel.Where("target.id IN (?)", bun.List(ids))
		}
		if err := sel.Scan(ctx); err != nil {
			return nil, t.fail(err, "targets after %d", after)
		}
		matching = append(matching, rows...)
		if len(ids) < window || len(matching) == limit {
			return records(matching, (*target).record)
		}
		after = ids[len(ids)-1]
	}
}

// candidates gives the ids behind one, a window of them, that a query names, or that
// an index has for its job or tag; nil: it has none of these. So a walk over many targets costs what
// they are, whatever the planner thinks of the query.
func (t *tx) candidates(ctx context.Context, q fleet.TargetQuery, after int64, window int) ([]int64, error) {
	var sel *bun.SelectQuery
	switch {
	case len(q.IDs) > 0:
		named := slices.DeleteFunc(distinct(q.IDs), func(id int64) bool { return id <= after })
		return named[:min(len(named), window)], nil
	case q.Job != 0:
		sel = t.db.NewSelect().TableExpr("targets").Column("id").Where("job_id = ?", q.Job).Where("id > ?", after).Order("id")
	case len(q.Tags) > 0:
		sel = t.db.NewSelect().TableExpr("target_tags").Column("target_id").
			Where("tag_id = (SELECT id FROM tags WHERE name = ? AND deleted_at IS NULL)", q.Tags[0]).Where("target_id > ?", after).Order("target_id")
	default:
		return nil, nil
	}
	ids := []int64{}
	if err := sel.Limit(int64(window)).Scan(ctx, &ids); err != nil {
		return nil, t.fail(err, "targets after %d", after)
	}
	return ids, nil
}
