package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/fleet"
)

// machine is a store and what it should hold. Every step is one transaction; it
// commits or, at random, fails at its end. Tags and contacts of the records are
// kept apart, as the store keeps them.
type machine struct {
	s        fleet.Store
	nodes    map[string]fleet.NodeRecord
	jobs     map[int64]fleet.JobRecord
	targets  map[int64]fleet.TargetRecord
	tags     map[int64]promfleet.Tag
	contacts map[int64]promfleet.Contact
	tagged   map[string]map[int64]bool // by who has the tags: node/UUID, target/ID
	named    map[string]map[int64]bool // by who names the contacts: node/UUID, job/ID
	events   int64
	now      time.Time
}

var errAbort = errors.New("abort")

func testMachine(t *testing.T, open func(t *testing.T) fleet.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{s: open(t), now: t0,
			nodes: map[string]fleet.NodeRecord{}, jobs: map[int64]fleet.JobRecord{}, targets: map[int64]fleet.TargetRecord{},
			tags: map[int64]promfleet.Tag{}, contacts: map[int64]promfleet.Contact{},
			tagged: map[string]map[int64]bool{}, named: map[string]map[int64]bool{}}
		defer closeStore(t, m.s)
		m.addContacts(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"insert node":    m.insertNode,
			"update node":    m.updateNode,
			"report":         m.report,
			"insert job":     m.insertJob,
			"update job":     m.updateJob,
			"insert targets": m.insertTargets,
			"update targets": m.updateTargets,
			"update tag":     m.updateTag,
			"update contact": m.updateContact,
			"list nodes":     m.listNodes,
			"list jobs":      m.listJobs,
			"list targets":   m.listTargets,
			"":               m.check,
		})
	})
}

// change runs a write with its event and revision. wrong is the error that the
// write should meet; apply changes the model if it is committed.
func (m *machine) change(rt *rapid.T, node string, wrong error, write func(context.Context, fleet.Tx) error, apply func()) {
	abort := rapid.IntRange(0, 5).Draw(rt, "abort") == 0
	var rev int64
	var event fleet.EventRecord
	err := tryUpdate(m.s, func(ctx context.Context, tx fleet.Tx) error {
		if err := write(ctx, tx); err != nil {
			return err
		}
		event = fleet.EventRecord{Event: promfleet.Event{At: m.now, Actor: "machine", Action: "update", Object: node, Node: node}}
		if err := tx.InsertEvent(ctx, &event); err != nil {
			return err
		}
		var err error
		if rev, err = tx.AddRevision(ctx, node, promfleet.Revision{At: m.now}); err != nil {
			return err
		}
		if abort {
			return errAbort
		}
		return nil
	})
	switch {
	case wrong != nil:
		wantErr(rt, err, wrong)
	case abort:
		wantErr(rt, err, errAbort)
	case err != nil:
		rt.Fatalf("%v", err)
	default:
		apply()
		n := m.nodes[node]
		if n.Revision++; rev != n.Revision {
			rt.Fatalf("revision %d, want %d", rev, n.Revision)
		}
		m.nodes[node] = n
		m.events++
		m.now = m.now.Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "µs")) * time.Microsecond)
	}
}

func drawTags(rt *rapid.T) []string {
	tags := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"开发", "测试", "线上", "北京", "上海"}), 0, 3, rapid.ID).Draw(rt, "tags")
	slices.Sort(tags)
	return tags
}

// mark deletes or revives.
func (m *machine) mark(rt *rapid.T, at *time.Time) *time.Time {
	if rapid.IntRange(0, 2).Draw(rt, "mark") > 0 {
		return at
	}
	if at != nil {
		return nil
	}
	now := m.now
	return &now
}

func (m *machine) version(rt *rapid.T, right int64) int64 {
	if rapid.IntRange(0, 5).Draw(rt, "stale") == 0 {
		return right - 1
	}
	return right
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// pick draws a key of the model, or stops the step if there is none.
func pick[K cmp.Ordered, V any](rt *rapid.T, m map[K]V, what string) K {
	if len(m) == 0 {
		rt.Skip()
	}
	return rapid.SampledFrom(sortedKeys(m)).Draw(rt, what)
}

func (m *machine) insertNode(rt *rapid.T) {
	n := newNode(rapid.IntRange(1, 5).Draw(rt, "node"))
	n.Hostname = rapid.SampledFrom([]string{"a", "b", "B", "é"}).Draw(rt, "hostname")
	n.Tags, n.Contacts, n.CreatedAt, n.UpdatedAt = drawTags(rt), m.drawContacts(rt), m.now, m.now
	var wrong error
	if _, taken := m.nodes[n.UUID]; taken {
		wrong = fleet.ErrExists
	}
	m.change(rt, n.UUID, wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.InsertNode(ctx, n) },
		func() {
			m.nodes[n.UUID] = *n
			m.setTags(rt, "node/"+n.UUID, n.Tags)
			m.setContacts("node/"+n.UUID, n.Contacts)
		})
}

func (m *machine) updateNode(rt *rapid.T) {
	n := m.nodes[pick(rt, m.nodes, "node")]
	before := n
	n.Version = m.version(rt, n.Version)
	n.Hostname = rapid.SampledFrom([]string{"a", "b", "B", "é"}).Draw(rt, "hostname")
	n.Tags, n.Contacts, n.UpdatedAt, n.DeletedAt = drawTags(rt), m.drawContacts(rt), m.now, m.mark(rt, n.DeletedAt)
	var wrong error
	if n.Version != before.Version {
		wrong = fleet.ErrVersion
	}
	m.change(rt, n.UUID, wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateNode(ctx, &n) },
		func() {
			m.nodes[n.UUID] = n
			m.setTags(rt, "node/"+n.UUID, n.Tags)
			m.setContacts("node/"+n.UUID, n.Contacts)
		})
}

func (m *machine) report(rt *rapid.T) {
	n := m.nodes[pick(rt, m.nodes, "node")]
	seen := m.now
	n.Report = fleet.NodeReport{
		Received: max(0, n.Revision+rapid.Int64Range(-1, 1).Draw(rt, "received")),
		State:    rapid.SampledFrom([]promfleet.NodeState{promfleet.StateInSync, promfleet.StateFailed}).Draw(rt, "state"), LastSeenAt: &seen,
	}
	update(rt, m.s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateReport(ctx, n.UUID, n.Report) })
	m.nodes[n.UUID] = n
}

// jobTaken says whether another not-deleted job of the node has the key or name.
func (m *machine) jobTaken(j fleet.JobRecord) bool {
	for id, o := range m.jobs {
		if id != j.ID && o.Node == j.Node && o.DeletedAt == nil && (o.Key == j.Key || o.JobName == j.JobName) {
			return true
		}
	}
	return false
}

func (m *machine) drawJob(rt *rapid.T, j *fleet.JobRecord) {
	j.Key = rapid.SampledFrom([]string{"a", "b", "B", "c"}).Draw(rt, "key")
	j.JobName = rapid.SampledFrom([]string{"a", "b", "n/1"}).Draw(rt, "job_name")
	j.Remark = rapid.SampledFrom([]string{"", "100%", "北京"}).Draw(rt, "remark")
	j.Targets, j.Contacts, j.UpdatedAt = rapid.Int64Range(0, 9).Draw(rt, "targets"), m.drawContacts(rt), m.now
}

func (m *machine) insertJob(rt *rapid.T) {
	j := newJob(pick(rt, m.nodes, "node"), "")
	m.drawJob(rt, j)
	j.CreatedAt = m.now
	var wrong error
	if m.jobTaken(*j) {
		wrong = fleet.ErrExists
	}
	m.change(rt, j.Node, wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJob(ctx, j) },
		func() {
			m.jobs[j.ID] = *j
			m.setContacts(jobOf(j.ID), j.Contacts)
		})
}

func (m *machine) updateJob(rt *rapid.T) {
	j := m.jobs[pick(rt, m.jobs, "job")]
	right := j.Version
	j.Version = m.version(rt, right)
	m.drawJob(rt, &j)
	j.DeletedAt = m.mark(rt, j.DeletedAt)
	var wrong error
	if j.Version != right {
		wrong = fleet.ErrVersion
	} else if j.DeletedAt == nil && m.jobTaken(j) {
		wrong = fleet.ErrExists
	}
	m.change(rt, j.Node, wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJob(ctx, &j) },
		func() {
			m.jobs[j.ID] = j
			m.setContacts(jobOf(j.ID), j.Contacts)
		})
}

func (m *machine) targetTaken(r fleet.TargetRecord) bool {
	for id, o := range m.targets {
		if id != r.ID && o.Job == r.Job && o.DeletedAt == nil && o.Addr == r.Addr && o.Name == r.Name {
			return true
		}
	}
	return false
}

func (m *machine) drawTarget(rt *rapid.T, r *fleet.TargetRecord) {
	r.Addr = rapid.SampledFrom([]string{"a:1", "b:1", "A:1"}).Draw(rt, "addr")
	r.Name = rapid.SampledFrom([]string{"", "n", "北京"}).Draw(rt, "name")
	r.Remark = rapid.SampledFrom([]string{"", "100%", "a_b"}).Draw(rt, "remark")
	r.Labels = rapid.MapOfN(rapid.SampledFrom([]string{"env", "区"}), rapid.String(), 0, 2).Draw(rt, "labels")
	r.Split = fleet.SplitKey{rapid.Byte().Draw(rt, "split")}
	r.Tags, r.UpdatedAt = drawTags(rt), m.now
}

func (m *machine) insertTargets(rt *rapid.T) {
	job := pick(rt, m.jobs, "job")
	var rows []*fleet.TargetRecord
	var wrong error
	for range rapid.IntRange(1, 3).Draw(rt, "n") {
		r := newTarget(job, "")
		m.drawTarget(rt, r)
		r.CreatedAt = m.now
		same := slices.ContainsFunc(rows, func(o *fleet.TargetRecord) bool { return o.Addr == r.Addr && o.Name == r.Name })
		if same || m.targetTaken(*r) {
			wrong = fleet.ErrExists
		}
		rows = append(rows, r)
	}
	m.change(rt, m.jobs[job].Node, wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.InsertTargets(ctx, rows) },
		func() {
			for _, r := range rows {
				m.targets[r.ID] = *r
				m.setTags(rt, targetOf(r.ID), r.Tags)
			}
		})
}

// check compares what is found by key with the model, after every step.
func (m *machine) check(rt *rapid.T) {
	view(rt, m.s, func(ctx context.Context, tx fleet.Tx) error {
		states := map[promfleet.NodeState]int64{}
		for uuid := range m.nodes {
			want := m.node(uuid)
			got, err := tx.Node(ctx, uuid)
			if err != nil {
				return err
			}
			equal(rt, "node", *got, want)
			if want.DeletedAt == nil {
				states[want.State(m.now)]++
			}
			var keys []string
			for _, j := range m.jobs {
				if j.Node == uuid && j.DeletedAt == nil {
					keys = append(keys, j.Key)
				}
			}
			slices.Sort(keys)
			jobs, err := tx.JobsOfNode(ctx, uuid)
			if err != nil {
				return err
			}
			var gotKeys []string
			for _, j := range jobs {
				gotKeys = append(gotKeys, j.Key)
				equal(rt, "job of node", j, m.job(j.ID))
			}
			equal(rt, "jobs of node", gotKeys, keys)
		}
		counts, err := tx.CountNodesByState(ctx, m.now)
		if err != nil {
			return err
		}
		equal(rt, "states", counts, states)
		for id := range m.jobs {
			want := m.job(id)
			got, err := tx.Job(ctx, id)
			if err != nil {
				return err
			}
			equal(rt, "job", *got, want)
			if err := m.checkTargets(ctx, rt, tx, id); err != nil {
				return err
			}
		}
		events, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1}})
		if err == nil && events.Total != m.events {
			rt.Errorf("%d events for %d changes", events.Total, m.events)
		}
		return err
	})
}

func (m *machine) checkTargets(ctx context.Context, rt *rapid.T, tx fleet.Tx, job int64) error {
	lo, hi := fleet.SplitKey{0x20}, fleet.SplitKey{0xd0}
	var want []fleet.TargetRecord
	for id := range m.targets {
		r := m.target(id)
		if r.Job == job && r.DeletedAt == nil && bytes.Compare(lo[:], r.Split[:]) <= 0 && bytes.Compare(r.Split[:], hi[:]) <= 0 {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, func(a, b fleet.TargetRecord) int {
		return cmp.Or(bytes.Compare(a.Split[:], b.Split[:]), cmp.Compare(a.ID, b.ID))
	})
	got, err := tx.TargetsInRange(ctx, job, lo, hi)
	equal(rt, "targets in range", got, want)
	return err
}
