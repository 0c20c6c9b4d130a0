package fleet

import (
	"context"
	"errors"
	"fmt"

	"promfleet"
)

// judge asks Prometheus about what changes: about a new base config with all jobs
// that the node will have, else about the jobs that change.
func (a *applying) judge(p *nodePlan) error {
	newBase := p.base.Text != p.old.Text
	if p.refused {
		return nil // all jobs would be with it
	}
	var ask []*judged
	plans := map[*judged]*jobPlan{}
	for _, j := range p.jobs {
		if newBase || j.rec == nil || j.next.Text != j.old.Text || j.in.JobName != j.rec.JobName {
			q := &judged{in: j.in}
			ask, plans[q] = append(ask, q), j
		}
	}
	if newBase {
		for _, rec := range p.staying() {
			plain, err := a.s.plainJob(*rec)
			if err != nil {
				return err
			}
			ask = append(ask, &judged{in: promfleet.JobInput{Key: rec.Key, JobName: rec.JobName, ScrapeConfig: plain.ScrapeConfig}})
		}
	}
	a.verdicts.jobs(p.base.Text, ask)
	for _, q := range ask {
		j := plans[q]
		if j == nil {
			if err := a.staysValid(p, q); err != nil {
				return err
			}
			continue
		}
		if q.err == nil {
			j.next = sealed{Text: string(j.in.ScrapeConfig), Secrets: q.secrets}
			q.err = givenSecrets(j.in.ScrapeConfig, q.secrets)
		}
		if err := a.refused(j.doc, q.err); err != nil {
			return err
		}
	}
	return nil
}

// staysValid refuses a base config beside which a job that stays is not valid.
func (a *applying) staysValid(p *nodePlan, q *judged) error {
	var bad *promfleet.Error
	if !errors.As(q.err, &bad) {
		return q.err
	}
	a.bad.add(p.doc.at+"base_config", "job %s of the node is not valid with it: %s", q.in.Key, bad.Fields[0].Message)
	return nil
}

// readAtOnce is how many targets are read at a time, of several jobs.
const readAtOnce = 5000

// planTargets says what is to become of the targets of a node's jobs.
func (a *applying) planTargets(ctx context.Context, tx Tx, p *nodePlan) error {
	var have []*jobPlan
	for _, j := range p.jobs {
		switch {
		case j.doc.Targets == nil:
		case j.rec == nil:
			j.edits, j.done = a.s.setEdits(0, nil, j.doc.targets, true)
		default:
			have = append(have, j)
		}
	}
	for len(have) > 0 {
		var ids []int64
		var n int
		for count := int64(0); n < len(have) && (n == 0 || count+have[n].rec.Targets <= readAtOnce); n++ {
			ids, count = append(ids, have[n].rec.ID), count+have[n].rec.Targets
		}
		recs, err := tx.TargetsOfJobs(ctx, ids)
		if err != nil {
			return err
		}
		byJob := map[int64][]TargetRecord{}
		for _, r := range recs {
			byJob[r.Job] = append(byJob[r.Job], r)
		}
		for _, j := range have[:n] {
			in := j.doc.targets
			if a.how.importing {
				in = keepNames(in, byJob[j.rec.ID])
			}
			j.edits, j.done = a.s.setEdits(j.rec.ID, byJob[j.rec.ID], in, true)
		}
		have = have[n:]
	}
	return nil
}

// The guard: so many targets must a node have, and so many of a hundred must go, for
// documents to be refused. The agent has a guard of its own.
const (
	guardedTargets  = 100
	guardedFraction = 50
)

// guard notes a node that would lose too many targets. As to the agent, a target
// goes if its job no longer has its address; a job is known by its key, and by its
// name where the key is gone.
func (a *applying) guard(ctx context.Context, tx Tx, p *nodePlan) error {
	var before, gone int64
	for i := range p.have {
		before += p.have[i].Targets
	}
	if a.how.AllowRemoval || before < guardedTargets {
		return nil
	}
	created := map[string]*jobPlan{}
	for _, j := range p.jobs {
		if j.rec == nil {
			created[j.in.JobName] = j
			continue
		}
		kept := addresses(j.doc.targets)
		for _, e := range j.edits {
			if e.from != nil && !live(e.to) && !kept[e.from.Addr] {
				gone++
			}
		}
	}
	for i := range p.prune {
		rec := &p.prune[i]
		j := created[rec.JobName]
		if j == nil {
			gone += rec.Targets
			continue
		}
		recs, err := tx.TargetsInRange(ctx, rec.ID, everything.Lo, everything.Hi())
		if err != nil {
			return err
		}
		kept := addresses(j.doc.targets)
		for _, t := range recs {
			if !kept[t.Addr] {
				gone++
			}
		}
	}
	if gone*100 > before*guardedFraction {
		a.losing = append(a.losing, fmt.Sprintf("node %s (%s) %d of %d", p.rec.UUID, p.rec.Hostname, gone, before))
	}
	return nil
}

func addresses(targets []promfleet.TargetInput) map[string]bool {
	m := make(map[string]bool, len(targets))
	for _, t := range targets {
		m[t.Addr] = true
	}
	return m
}

// stands tells whether everything that was planned by is still so.
func (a *applying) stands(ctx context.Context, tx Tx) (bool, error) {
	uuids := make([]string, len(a.nodes))
	for i, p := range a.nodes {
		uuids[i] = p.rec.UUID
	}
	if err := tx.LockNodes(ctx, uuids); err != nil {
		return false, err
	}
	for _, p := range a.nodes {
		rec, err := tx.Node(ctx, p.rec.UUID)
		if err != nil {
			return false, err
		}
		have, err := tx.JobsOfNode(ctx, p.rec.UUID)
		if err != nil {
			return false, err
		}
		if rec.Version != p.rec.Version || rec.Revision != p.rec.Revision || rec.DeletedAt != nil || len(have) != len(p.have) {
			return false, nil
		}
		for i, j := range have {
			if was := &p.have[i]; j.ID != was.ID || j.Version != was.Version || j.SetVersion != was.SetVersion {
				return false, nil
			}
		}
	}
	return true, nil
}

// write does what is planned.
func (a *applying) write(ctx context.Context, tx Tx, c *change) error {
	written := 0
	for _, p := range a.nodes {
		if err := a.writeNode(ctx, tx, c, p); err != nil {
			return err
		}
		for i := range p.prune {
			rec := p.prune[i]
			if err := a.s.endJob(ctx, tx, c, a.by, &rec); err != nil {
				return err
			}
		}
		renamed, err := p.freeNames(ctx, tx)
		if err != nil {
			return err
		}
		for _, j := range p.jobs {
			if err := a.writeJob(ctx, tx, c, j, renamed[j]); err != nil {
				return err
			}
		}
		written += len(p.docs)
		a.progress(len(a.given), written)
	}
	return nil
}

func (a *applying) writeNode(ctx context.Context, tx Tx, c *change, p *nodePlan) error {
	if !p.differs() {
		return nil
	}
	before, err := a.s.nodeEvent(*p.rec)
	if err != nil {
		return err
	}
	rec := *p.rec
	rec.Tags, rec.ManagedBy = p.tags, p.manager
	return a.s.writeNode(ctx, tx, c, a.by, &rec, before, p.base)
}

// freeNames gives a name that nobody can have to each job whose name another of the
// node's gets: two may exchange theirs. It gives the records as they are then.
func (p *nodePlan) freeNames(ctx context.Context, tx Tx) (map[*jobPlan]*JobRecord, error) {
	wanted := map[string]bool{}
	for _, j := range p.jobs {
		if j.rec == nil || j.in.JobName != j.rec.JobName {
			wanted[j.in.JobName] = true
		}
	}
	renamed := map[*jobPlan]*JobRecord{}
	for _, j := range p.jobs {
		if j.rec == nil || j.in.JobName == j.rec.JobName || !wanted[j.rec.JobName] {
			continue
		}
		rec := *j.rec
		rec.JobName = fmt.Sprintf("\x01%d", rec.ID)
		if err := tx.UpdateJob(ctx, &rec); err != nil {
			return nil, err
		}
		renamed[j] = &rec
	}
	return renamed, nil
}

// writeJob writes a job and its targets. as is its record if it is not any more the
// planned one.
func (a *applying) writeJob(ctx context.Context, tx Tx, c *change, j *jobPlan, as *JobRecord) (err error) {
	edits := copied(j.edits)
	done := j.done
	if j.rec == nil {
		return a.createJob(ctx, tx, c, j, edits, done)
	}
	rec := *j.rec
	if as != nil {
		rec = *as
	}
	if j.differs() {
		before, err := a.s.showJob(*j.rec)
		if err != nil {
			return err
		}
		if err := a.fill(&rec, j); err != nil {
			return err
		}
		if _, err := a.s.writeJob(ctx, tx, c, a.by, &rec, *j.rec, before, j.old); err != nil {
			return err
		}
	}
	if len(edits) == 0 {
		return nil
	}
	return a.s.editSet(ctx, tx, c, a.by, &rec, edits, &done)
}

func (a *applying) createJob(ctx context.Context, tx Tx, c *change, j *jobPlan, edits []targetEdit, done promfleet.TargetSetChange) error {
	rec := JobRecord{Job: promfleet.Job{Node: j.in.Node, CreatedAt: a.s.now(), Version: 1}}
	rec.UpdatedAt = rec.CreatedAt
	if err := a.fill(&rec, j); err != nil {
		return err
	}
	targets := make([]*TargetRecord, len(edits))
	for i, e := range edits {
		targets[i] = e.to
	}
	if _, err := a.s.insertJob(ctx, tx, c, a.by, &rec, targets); err != nil || len(edits) == 0 {
		return err
	}
	return a.s.setEdited(ctx, tx, a.by, &rec, edits, &done)
}

// fill puts what is planned into a record.
func (a *applying) fill(rec *JobRecord, j *jobPlan) (err error) {
	rec.Key, rec.JobName, rec.Remark = j.in.Key, j.in.JobName, j.in.Remark
	rec.ManagedBy, rec.TargetsManagedBy = j.manager, j.targetsManager
	if j.rec != nil && j.next.Text == j.old.Text {
		return nil
	}
	rec.SealedScrapeConfig, err = a.s.seal(j.next, jobContext(rec.Node))
	return err
}

// copied gives edits whose records can be written.
func copied(edits []targetEdit) []targetEdit {
	out := make([]targetEdit, len(edits))
	for i, e := range edits {
		to := *e.to
		out[i] = targetEdit{e.from, &to}
	}
	return out
}
