package fleet

import (
	"context"
	"slices"
	"strings"
	"time"

	"promfleet"
)

// recordsOf gives the targets that have an address: live ones, or else deleted
// ones. Only those that have it in the best way count.
func (s *Service) recordsOf(ctx context.Context, tx Tx, in promfleet.ExplainRequest, uuid string) ([]addrRecord, error) {
	q := TargetQuery{ListQuery: ListQuery{Limit: maxAddrRecords}, Node: uuid, Addr: in.Addr}
	page, err := tx.ListTargets(ctx, q)
	if err != nil {
		return nil, err
	}
	r := &recordReader{ctx: ctx, tx: tx, in: in, jobs: map[int64]*JobRecord{}}
	records, err := r.read(page.Items)
	if err != nil || len(records) > 0 {
		return records, err
	}
	if records, err = r.deleted(q); err != nil || len(records) > 0 {
		return records, err
	}
	q.Addr, q.Q = "", promfleet.HostOfAddr(in.Addr)
	if q.Q == "" || len(q.Q) > MaxName {
		return nil, nil
	}
	if page, err = tx.ListTargets(ctx, q); err != nil {
		return nil, err
	}
	return r.read(page.Items)
}

// recordReader completes targets with their jobs and files.
type recordReader struct {
	ctx  context.Context
	tx   Tx
	in   promfleet.ExplainRequest
	jobs map[int64]*JobRecord
}

func (r *recordReader) job(id int64) (*JobRecord, error) {
	if r.jobs[id] == nil {
		j, err := r.tx.Job(r.ctx, id)
		if err != nil {
			return nil, err
		}
		r.jobs[id] = j
	}
	return r.jobs[id], nil
}

func (r *recordReader) read(targets []TargetRecord) (all []addrRecord, err error) {
	best := promfleet.AddrMatch("")
	for _, t := range targets {
		m := promfleet.MatchOfAddr(r.in.Addr, t.Addr)
		if m == "" || best.Better(m) {
			continue
		}
		j, err := r.job(t.Job)
		if err != nil {
			return nil, err
		}
		if r.in.Job != "" && j.Key != r.in.Job {
			continue
		}
		if m.Better(best) {
			best, all = m, nil
		}
		all = append(all, addrRecord{rec: t, job: *j, matched: m})
	}
	for i := range all {
		a := &all[i]
		piece, err := r.tx.PieceAt(r.ctx, a.rec.Job, a.rec.Split)
		if err != nil {
			return nil, err
		}
		a.file = promfleet.ExplainedFile{Path: a.job.Key + "/" + piece.Range().Name() + ".json", Revision: max(piece.Revision, a.job.Config.Revision)}
	}
	return all, nil
}

// deleted gives those that had the address, the last first: targets that were
// deleted, and targets of deleted jobs.
func (r *recordReader) deleted(q TargetQuery) (all []addrRecord, err error) {
	q.Deleted, q.Sort = true, "-updated_at"
	page, err := r.tx.ListTargets(r.ctx, q)
	if err != nil {
		return nil, err
	}
	ofNode := map[string]int{}
	add := func(t TargetRecord, j *JobRecord, at *time.Time, jobGone bool, object ...string) error {
		if r.in.Job != "" && j.Key != r.in.Job || ofNode[j.Node] == maxDeletedRecords {
			return nil
		}
		ofNode[j.Node]++
		by, err := r.deletedBy(*at, object...)
		all = append(all, addrRecord{rec: t, job: *j, matched: promfleet.MatchAddr, gone: at, goneBy: by, jobGone: jobGone})
		return err
	}
	for _, t := range page.Items {
		j, err := r.job(t.Job)
		if err != nil {
			return nil, err
		}
		if err := add(t, j, t.DeletedAt, false, targetObject(t.ID), setObject(j.ID), jobObject(j.ID)); err != nil {
			return nil, err
		}
	}
	jobs, err := r.tx.ListJobs(r.ctx, JobQuery{ListQuery: ListQuery{Limit: 200, Sort: "-updated_at", Deleted: true}, Node: q.Node, Key: r.in.Job})
	if err != nil {
		return nil, err
	}
	for i := range jobs.Items {
		j := &jobs.Items[i]
		targets, err := r.tx.TargetsByAddr(r.ctx, j.ID, q.Addr)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			if err := add(t, j, j.DeletedAt, true, jobObject(j.ID)); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// deletedBy names who did what at a time to one of the objects; "" if no event says it.
func (r *recordReader) deletedBy(at time.Time, objects ...string) (string, error) {
	const near = time.Second // the times of a record and of its event are read one after the other
	for _, object := range objects {
		page, err := r.tx.ListEvents(r.ctx, EventQuery{ListQuery: ListQuery{Limit: 20, Sort: "-id"}, Object: object})
		if err != nil {
			return "", err
		}
		for _, e := range page.Items {
			if d := e.At.Sub(at); -near < d && d < near {
				return e.ActorName, nil
			}
		}
	}
	return "", nil
}

// nearest gives addresses of targets that are like one that there is not.
func (s *Service) nearest(ctx context.Context, in promfleet.ExplainRequest) (near []string, err error) {
	host := promfleet.HostOfAddr(in.Addr)
	err = s.view(ctx, func(tx Tx) error {
		near = []string{}
		uuid, err := nodeNamed(ctx, tx, in.Node)
		if err != nil {
			return err
		}
		for _, part := range parts(host) {
			page, err := tx.ListTargets(ctx, TargetQuery{ListQuery: ListQuery{Limit: maxAddrRecords, Q: part}, Node: uuid})
			if err != nil {
				return err
			}
			if near = alike(in.Addr, page.Items); len(near) > 0 {
				return nil
			}
		}
		return nil
	})
	return near, err
}

// parts gives what an address like that of a host may have in it, the longest first.
func parts(host string) (all []string) {
	if len(host) > MaxName {
		return nil
	}
	if i := strings.LastIndexAny(host, ".:-"); i > 2 {
		all = append(all, host[:i])
	}
	if i := strings.IndexAny(host, ".:-"); i > 2 {
		all = append(all, host[i:])
	}
	if len(host) > 5 {
		all = append(all, host[:len(host)/2], host[len(host)/2:])
	}
	return slices.DeleteFunc(all, func(p string) bool { return len(p) < 3 })
}

// alike gives the addresses that few changes make of one.
func alike(addr string, targets []TargetRecord) []string {
	type near struct {
		addr string
		far  int
	}
	var all []near
	for _, t := range targets {
		if d := distance(addr, t.Addr); len(t.Addr) <= 255 && d <= max(3, len(addr)/4) {
			all = append(all, near{t.Addr, d})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.far - b.far })
	out := []string{}
	for _, n := range all {
		if len(out) < maxNearest && !slices.Contains(out, n.addr) {
			out = append(out, n.addr)
		}
	}
	return out
}

// distance counts the bytes to be put in, taken out or changed to make b of a
// (Levenshtein); of long ones it does not say more than that they are far.
func distance(a, b string) int {
	const longest = 255
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for k := range len(b) {
			cost := before
			if a[i] != b[k] {
				cost = 1 + min(before, row[k], row[k+1])
			}
			before, row[k+1] = row[k+1], cost
		}
	}
	return row[len(b)]
}
