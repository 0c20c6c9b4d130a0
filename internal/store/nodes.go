package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var nodeList = listing[node, fleet.NodeRecord]{
	table: "node", byDef: "hostname", deleted: true, narrow: true, load: whole,
	id: column{expr: "node.uuid"},
	sorts: map[string]column{
		"uuid":         {expr: "node.uuid"},
		"hostname":     {expr: "node.hostname"},
		"addr":         {expr: "node.addr"},
		"created_at":   {expr: "node.created_at", typ: typTime},
		"updated_at":   {expr: "node.updated_at", typ: typTime},
		"last_seen_at": {expr: "node.last_seen_at", typ: typTime, nullable: true},
	},
	size:   func(m *node) int { return len(m.SealedBase) },
	record: (*node).record,
	idOf:   func(m *node) any { return m.UUID },
	values: func(m *node) map[string]any {
		return map[string]any{"uuid": m.UUID, "hostname": m.Hostname, "addr": m.Addr,
			"created_at": m.CreatedAt, "updated_at": m.UpdatedAt, "last_seen_at": m.LastSeenAt}
	},
}

// stateExpr is NodeRecord.State in SQL.
func stateExpr(now time.Time) (string, []any) {
	stale := now.Add(-fleet.StaleAfter)
	// Times are kept to the microsecond: seen < stale is seen < stale rounded up.
	if cut := stored(stale); cut.Before(stale) {
		stale = cut.Add(time.Microsecond)
	}
	return `CASE
		WHEN node.last_seen_at IS NULL OR node.report_state = '' THEN ?
		WHEN node.last_seen_at < ? THEN ?
		WHEN node.received < node.revision OR node.report_state = ? AND node.loaded <> node.revision THEN ?
		ELSE node.report_state END`,
		[]any{string(promfleet.StatePending), stale, string(promfleet.StateStale), string(promfleet.StateInSync), string(promfleet.StateApplying)}
}

// whole loads what belongs to a node's record beside its row.
func whole(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.Apply(withTags, withContacts).ColumnExpr("?TableColumns").
		ColumnExpr("(SELECT count(*) FROM jobs AS j WHERE j.node_id = node.uuid AND j.deleted_at IS NULL) AS job_count")
}

func (t *tx) node(ctx context.Context, sel func(*bun.SelectQuery) *bun.SelectQuery, what string) (*fleet.NodeRecord, error) {
	m := new(node)
	if err := t.db.NewSelect().Model(m).Apply(sel, whole).Scan(ctx); err != nil {
		return nil, t.fail(err, "%s", what)
	}
	n, err := m.record()
	return &n, err
}

func (t *tx) Node(ctx context.Context, uuid string) (*fleet.NodeRecord, error) {
	return t.node(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("node.uuid = ?", uuid).WhereAllWithDeleted()
	}, "node "+uuid)
}

func (t *tx) NodeByCredential(ctx context.Context, hash []byte) (*fleet.NodeRecord, error) {
	return t.node(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("node.credential_hash = ?", hash)
	}, "node by credential")
}

func (t *tx) LockNodes(ctx context.Context, uuids []string) error {
	if t.store.rowLock == "" {
		return nil
	}
	uuids = distinct(uuids) // in one order, so that two who lock do not wait for each other
	for chunk := range slices.Chunk(uuids, insertRows) {
		var locked []string
		err := t.db.NewSelect().TableExpr("nodes").Column("uuid").Where("uuid IN (?)", bun.List(chunk)).
			Order("uuid").For(t.store.rowLock).Scan(ctx, &locked)
		if err != nil {
			return t.fail(err, "lock %d nodes", len(chunk))
		}
	}
	return nil
}

func (t *tx) NodesByHostname(ctx context.Context, hostname string) ([]fleet.NodeRecord, error) {
	var rows []*node
	err := t.db.NewSelect().Model(&rows).Where("node.hostname = ?", hostname).Order("node.uuid").Apply(whole).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "nodes with hostname %q", hostname)
	}
	return records(rows, (*node).record)
}

func (t *tx) NodesWithTag(ctx context.Context, tag int64) ([]fleet.NodeRecord, error) {
	var rows []*node
	err := t.db.NewSelect().Model(&rows).Apply(whole).
		Where("node.uuid IN (SELECT l.node_id FROM node_tags AS l WHERE l.tag_id = ?)", tag).Order("node.uuid").Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "nodes with tag %d", tag)
	}
	return records(rows, (*node).record)
}

func (t *tx) ListNodes(ctx context.Context, q fleet.NodeQuery) (promfleet.Page[fleet.NodeRecord], error) {
	return nodeList.page(ctx, t, q.ListQuery, nodeFilter(q))
}

func nodeFilter(q fleet.NodeQuery) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(sel *bun.SelectQuery) *bun.SelectQuery {
		if q.State != "" {
			expr, args := stateExpr(q.Now)
			sel = sel.Where(expr+" = ?", append(args, string(q.State))...)
		}
		if q.ManagedBy != "" {
			sel = sel.Where("node.managed_by = ?", q.ManagedBy)
		}
		if len(q.UUIDs) > 0 {
			sel = sel.Where("node.uuid IN (?)", bun.List(q.UUIDs))
		}
		return inTags(sel, "node_tags", "node_id", "node.uuid", q.Tags)
	}
}

func (t *tx) MapNodes(ctx context.Context, q fleet.NodeQuery) (promfleet.NodesMap, error) {
	none := promfleet.NodesMap{Nodes: []promfleet.NodePoint{}}
	if err := checkQ(q.Q); err != nil {
		return none, err
	}
	_, _, col, desc, err := nodeList.sorting(q.ListQuery)
	if err != nil {
		return none, err
	}
	selected := nodeList.selected(q.ListQuery, nodeFilter(q))
	state, args := stateExpr(q.Now)
	var rows []struct {
		UUID        string `bun:"uuid"`
		Hostname    string `bun:"hostname"`
		State       string `bun:"state"`
		TargetsDown int64  `bun:"targets_down"`
	}
	err = order(t.db.NewSelect().Model((*node)(nil)).Apply(selected), col, nodeList.id, desc).
		Column("node.uuid", "node.hostname", "node.targets_down").ColumnExpr(state+" AS state", args...).
		Limit(int64(q.Limit)).Scan(ctx, &rows)
	if err != nil {
		return none, t.fail(err, "map of nodes")
	}
	m := promfleet.NodesMap{Nodes: make([]promfleet.NodePoint, len(rows)), Total: int64(len(rows))}
	for i, r := range rows {
		m.Nodes[i] = promfleet.NodePoint{UUID: r.UUID, Hostname: r.Hostname, State: promfleet.NodeState(r.State), TargetsDown: r.TargetsDown}
	}
	if len(rows) == q.Limit {
		m.Total, err = t.db.NewSelect().Model((*node)(nil)).Apply(selected).Count(ctx)
	}
	return m, t.fail(err, "count nodes")
}

func (t *tx) InsertNode(ctx context.Context, n *fleet.NodeRecord) error {
	if _, err := t.db.NewInsert().Model(nodeModel(n)).Exec(ctx); err != nil {
		return t.fail(err, "insert node %s", n.UUID)
	}
	if err := nodeTags.add(ctx, t, map[string][]string{n.UUID: n.Tags}, n.UpdatedAt); err != nil {
		return err
	}
	return nodeContacts.add(ctx, t, map[string][]int64{n.UUID: n.Contacts}, n.UpdatedAt)
}

// UpdateNode does not write the revision either: it rises by AddRevision alone.
func (t *tx) UpdateNode(ctx context.Context, n *fleet.NodeRecord) error {
	m := nodeModel(n)
	m.Version++
	q := t.db.NewUpdate().Model(m).ExcludeColumn(append([]string{"uuid", "revision"}, reportColumns...)...)
	if err := t.updateVersioned(ctx, q, m, n.Version, "update node %s", n.UUID); err != nil {
		return err
	}
	if err := nodeTags.set(ctx, t, map[string][]string{n.UUID: n.Tags}, n.UpdatedAt); err != nil {
		return err
	}
	if err := nodeContacts.set(ctx, t, map[string][]int64{n.UUID: n.Contacts}, n.UpdatedAt); err != nil {
		return err
	}
	n.Version = m.Version
	return nil
}

func (t *tx) UpdateReport(ctx context.Context, uuid string, r fleet.NodeReport) error {
	m := &node{UUID: uuid}
	m.setReport(r)
	res, err := t.db.NewUpdate().Model(m).Column(reportColumns...).WherePK().WhereAllWithDeleted().Exec(ctx)
	return t.touched(res, err, "report of node %s", uuid)
}

func (t *tx) CountNodesByState(ctx context.Context, now time.Time) (map[promfleet.NodeState]int64, error) {
	expr, args := stateExpr(now)
	var rows []struct {
		State string `bun:"state"`
		N     int64  `bun:"n"`
	}
	err := t.db.NewSelect().Model((*node)(nil)).ColumnExpr(expr+" AS state", args...).ColumnExpr("COUNT(*) AS n").
		GroupExpr("state").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count nodes by state: %w", t.fail(err, "nodes"))
	}
	counts := make(map[promfleet.NodeState]int64, len(rows))
	for _, r := range rows {
		counts[promfleet.NodeState(r.State)] = r.N
	}
	return counts, nil
}

func (t *tx) SumTargets(ctx context.Context) (up, down int64, err error) {
	// PostgreSQL sums to a wider type.
	err = t.db.NewSelect().Model((*node)(nil)).
		ColumnExpr("CAST(COALESCE(SUM(node.targets_up), 0) AS BIGINT)").ColumnExpr("CAST(COALESCE(SUM(node.targets_down), 0) AS BIGINT)").
		Scan(ctx, &up, &down)
	return up, down, t.fail(err, "sum of targets")
}
