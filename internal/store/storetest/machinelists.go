package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/fleet"
)

// drawList draws what all lists take, and has every page of it compared with
// the model's rows, which are filtered and in the order of the sort's key.
func drawList(rt *rapid.T, sorts ...string) fleet.ListQuery {
	q := fleet.ListQuery{
		Limit:   rapid.IntRange(1, 4).Draw(rt, "limit"),
		Sort:    rapid.SampledFrom(sorts).Draw(rt, "sort"),
		Q:       rapid.SampledFrom([]string{"", "", "A", "%", "_", "北", "HOST"}).Draw(rt, "q"),
		Deleted: rapid.IntRange(0, 3).Draw(rt, "deleted") == 0,
	}
	if rapid.Bool().Draw(rt, "descending") {
		q.Sort = "-" + q.Sort
	}
	return q
}

// matches is q on the model.
func matches(q string, fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), strings.ToLower(q)) })
}

func comparePages[R any](rt *rapid.T, q fleet.ListQuery, want []R, compare func(a, b R) int, page func(fleet.ListQuery) (promfleet.Page[R], error)) error {
	slices.SortFunc(want, func(a, b R) int {
		if strings.HasPrefix(q.Sort, "-") {
			a, b = b, a
		}
		return compare(a, b)
	})
	var got []R
	for {
		p, err := page(q)
		if err != nil {
			return err
		}
		if p.Total != int64(len(want)) {
			rt.Errorf("total %d, want %d", p.Total, len(want))
		}
		got = append(got, p.Items...)
		if q.Cursor = p.NextCursor; q.Cursor == "" || len(got) > len(want) {
			break
		}
	}
	equal(rt, "list", got, want)
	q.Cursor, q.Offset = "", rapid.IntRange(0, 6).Draw(rt, "offset")
	p, err := page(q)
	if err != nil {
		return err
	}
	begin := min(q.Offset, len(want))
	equal(rt, "page at an offset", p.Items, append([]R{}, want[begin:min(begin+q.Limit, len(want))]...))
	if p.Total != int64(len(want)) {
		rt.Errorf("total %d at offset %d, want %d", p.Total, q.Offset, len(want))
	}
	return nil
}

func hasTags(have, want []string) bool {
	return !slices.ContainsFunc(want, func(t string) bool { return !slices.Contains(have, t) })
}

func (m *machine) listNodes(rt *rapid.T) {
	q := fleet.NodeQuery{ListQuery: drawList(rt, "uuid", "hostname", "updated_at", "last_seen_at"), Tags: drawTags(rt), Now: m.now}
	if len(m.nodes) > 0 && rapid.Bool().Draw(rt, "by uuid") {
		q.UUIDs = []string{pick(rt, m.nodes, "uuid"), pick(rt, m.nodes, "other uuid"), "none"}
	}
	q.State = rapid.SampledFrom([]promfleet.NodeState{"", "", promfleet.StateInSync, promfleet.StateApplying, promfleet.StatePending}).Draw(rt, "state")
	var want []fleet.NodeRecord
	for uuid := range m.nodes {
		n := m.node(uuid)
		if (n.DeletedAt != nil) == q.Deleted && (len(q.UUIDs) == 0 || slices.Contains(q.UUIDs, n.UUID)) && hasTags(n.Tags, q.Tags) && matches(q.Q, n.UUID, n.Hostname, n.Addr) &&
			(q.State == "" || n.State(q.Now) == q.State) {
			want = append(want, n)
		}
	}
	seen := func(n fleet.NodeRecord) int64 {
		if n.Report.LastSeenAt == nil {
			return 0
		}
		return n.Report.LastSeenAt.UnixMicro()
	}
	compare := func(a, b fleet.NodeRecord) int {
		first := map[string]int{
			"uuid": 0, "hostname": strings.Compare(a.Hostname, b.Hostname),
			"updated_at": a.UpdatedAt.Compare(b.UpdatedAt), "last_seen_at": cmp.Compare(seen(a), seen(b)),
		}
		return cmp.Or(first[strings.TrimPrefix(q.Sort, "-")], strings.Compare(a.UUID, b.UUID))
	}
	view(rt, m.s, func(ctx context.Context, tx fleet.Tx) error {
		err := comparePages(rt, q.ListQuery, want, compare, func(lq fleet.ListQuery) (promfleet.Page[fleet.NodeRecord], error) {
			q.ListQuery = lq
			return tx.ListNodes(ctx, q)
		})
		if err != nil {
			return err
		}
		points := promfleet.NodesMap{Total: int64(len(want))}
		for _, n := range want[:min(q.Limit, len(want))] { // comparePages has sorted them
			points.Nodes = append(points.Nodes, promfleet.NodePoint{UUID: n.UUID, Hostname: n.Hostname, State: n.State(q.Now), TargetsDown: n.Report.TargetsDown})
		}
		got, err := tx.MapNodes(ctx, q)
		equal(rt, "map", got, points)
		return err
	})
}

func (m *machine) listJobs(rt *rapid.T) {
	q := fleet.JobQuery{ListQuery: drawList(rt, "id", "key", "updated_at")}
	if rapid.Bool().Draw(rt, "by node") {
		q.Node = pick(rt, m.nodes, "node")
	}
	if rapid.Bool().Draw(rt, "by id") {
		q.IDs = []int64{pick(rt, m.jobs, "id"), 999_999}
	}
	var want []fleet.JobRecord
	for id := range m.jobs {
		j := m.job(id)
		shown := j.DeletedAt != nil
		if !q.Deleted {
			shown = j.DeletedAt == nil && m.nodes[j.Node].DeletedAt == nil
		}
		if shown && (q.Node == "" || j.Node == q.Node) && (len(q.IDs) == 0 || slices.Contains(q.IDs, j.ID)) && matches(q.Q, j.Key, j.JobName, j.Remark) {
			want = append(want, j)
		}
	}
	compare := func(a, b fleet.JobRecord) int {
		first := map[string]int{"id": 0, "key": strings.Compare(a.Key, b.Key), "updated_at": a.UpdatedAt.Compare(b.UpdatedAt)}
		return cmp.Or(first[strings.TrimPrefix(q.Sort, "-")], cmp.Compare(a.ID, b.ID))
	}
	view(rt, m.s, func(ctx context.Context, tx fleet.Tx) error {
		return comparePages(rt, q.ListQuery, want, compare, func(lq fleet.ListQuery) (promfleet.Page[fleet.JobRecord], error) {
			q.ListQuery = lq
			return tx.ListJobs(ctx, q)
		})
	})
}

func (m *machine) listTargets(rt *rapid.T) {
	q := fleet.TargetQuery{ListQuery: drawList(rt, "id", "name", "addr", "created_at"), Tags: drawTags(rt)}
	if rapid.Bool().Draw(rt, "by job") {
		q.Job = pick(rt, m.jobs, "job")
	}
	if rapid.Bool().Draw(rt, "by node") {
		q.Node = pick(rt, m.nodes, "node")
	}
	q.Addr = rapid.SampledFrom([]string{"", "", "a:1"}).Draw(rt, "addr")
	if rapid.Bool().Draw(rt, "by id") {
		q.IDs = []int64{pick(rt, m.targets, "id"), pick(rt, m.targets, "other id"), 999_999}
	}
	var want []fleet.TargetRecord
	for id := range m.targets {
		r := m.target(id)
		job := m.jobs[r.Job]
		shown := r.DeletedAt != nil
		if !q.Deleted {
			shown = r.DeletedAt == nil && job.DeletedAt == nil && m.nodes[job.Node].DeletedAt == nil
		}
		if shown && (q.Job == 0 || r.Job == q.Job) && (q.Node == "" || job.Node == q.Node) && (q.Addr == "" || r.Addr == q.Addr) &&
			(len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) &&
			hasTags(r.Tags, q.Tags) && matches(q.Q, r.Name, r.Addr, r.Remark) {
			want = append(want, r)
		}
	}
	compare := func(a, b fleet.TargetRecord) int {
		first := map[string]int{"id": 0, "name": strings.Compare(a.Name, b.Name), "addr": strings.Compare(a.Addr, b.Addr), "created_at": a.CreatedAt.Compare(b.CreatedAt)}
		return cmp.Or(first[strings.TrimPrefix(q.Sort, "-")], cmp.Compare(a.ID, b.ID))
	}
	view(rt, m.s, func(ctx context.Context, tx fleet.Tx) error {
		return comparePages(rt, q.ListQuery, want, compare, func(lq fleet.ListQuery) (promfleet.Page[fleet.TargetRecord], error) {
			q.ListQuery = lq
			return tx.ListTargets(ctx, q)
		})
	})
}
