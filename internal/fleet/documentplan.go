package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"promfleet"
)

// nodePlan is what is to become of one node and its jobs.
type nodePlan struct {
	rec  *NodeRecord // as it is
	have []JobRecord // its jobs as they are, sorted by key

	doc  *givenDocument // of the node; nil: none
	docs []*givenDocument
	// old and base are its base config as it is and as it is to be; tags and manager
	// as they are to be.
	old, base sealed
	refused   bool // its new base config is not valid
	tags      []string
	manager   string
	jobs      []*jobPlan  // that documents name, sorted by key
	prune     []JobRecord // that go
}

// jobPlan is what is to become of one job.
type jobPlan struct {
	doc  *givenDocument
	rec  *JobRecord // as it is; nil: it is new
	in   promfleet.JobInput
	old  sealed // its scrape_config as it is, and as it is to be
	next sealed

	manager, targetsManager string

	edits []targetEdit // never written themselves: a transaction may be run twice
	done  promfleet.TargetSetChange
}

// differs tells whether the node itself is to be written.
func (p *nodePlan) differs() bool {
	return p.doc != nil && (p.base.Text != p.old.Text || p.manager != p.rec.ManagedBy || !slices.Equal(p.tags, p.rec.Tags))
}

// differs tells whether the job itself is to be written, its targets aside.
func (j *jobPlan) differs() bool {
	return j.rec == nil || j.in.Key != j.rec.Key || j.in.JobName != j.rec.JobName || j.in.Remark != j.rec.Remark || j.next.Text != j.old.Text ||
		j.manager != j.rec.ManagedBy || j.targetsManager != j.rec.TargetsManagedBy
}

func (a *applying) differs() bool {
	return slices.ContainsFunc(a.nodes, func(p *nodePlan) bool {
		return p.differs() || len(p.prune) > 0 || slices.ContainsFunc(p.jobs, func(j *jobPlan) bool { return j.differs() || len(j.edits) > 0 })
	})
}

// plan compares the documents with what is there, and refuses them whole where one
// cannot be.
func (a *applying) plan(ctx context.Context, tx Tx) error {
	a.nodes, a.bad, a.managed, a.losing = nil, nil, nil, nil
	if err := a.findNodes(ctx, tx); err != nil {
		return err
	}
	planned := 0
	for _, p := range a.nodes {
		if err := a.planNode(ctx, tx, p); err != nil {
			return err
		}
		if planned += len(p.docs); len(a.bad) >= maxToldErrors {
			break
		}
		a.progress(planned, 0)
	}
	return a.refusal()
}

// refusal is why the documents are not applied.
func (a *applying) refusal() error {
	if err := a.bad.told(); err != nil {
		return err
	}
	if len(a.managed) > 0 {
		e := a.managed.told().(*promfleet.Error) //nolint:errorlint // it is one
		e.Code = promfleet.Conflict
		e.Message = "others manage what the documents name: change it in their files, or take it over (take_over)"
		if a.how.importing {
			e.Message = "what the file has is managed by fleet files: change it in those and apply them, or release it first (PATCH with \"managed_by\": \"\")"
		}
		return e
	}
	if len(a.losing) > 0 {
		return promfleet.Errorf(promfleet.Conflict, "more than half of the targets would go: %s; if that is meant, allow it (allow_removal)", shortList(a.losing))
	}
	return nil
}

const maxShownLosing = 10

// findNodes sorts the documents by node.
func (a *applying) findNodes(ctx context.Context, tx Tx) error {
	byUUID := map[string]*nodePlan{}
	type answer struct {
		rec *NodeRecord
		why string
	}
	answers := map[string]answer{}
	for i := range a.given {
		d := &a.given[i]
		found, ok := answers[d.Node]
		if !ok {
			var err error
			if found.rec, found.why, err = findNode(ctx, tx, d.Node); err != nil {
				return err
			}
			answers[d.Node] = found
		}
		if found.rec == nil {
			a.bad.add(d.at+"node", "%s", found.why)
			continue
		}
		p := byUUID[found.rec.UUID]
		if p == nil {
			p = &nodePlan{rec: found.rec, tags: found.rec.Tags, manager: found.rec.ManagedBy}
			byUUID[found.rec.UUID] = p
			a.nodes = append(a.nodes, p)
		}
		p.docs = append(p.docs, d)
	}
	slices.SortFunc(a.nodes, func(x, y *nodePlan) int {
		return cmp.Or(cmp.Compare(x.rec.Hostname, y.rec.Hostname), cmp.Compare(x.rec.UUID, y.rec.UUID))
	})
	return nil
}

// findNode finds a node by uuid or hostname, or says why it does not.
func findNode(ctx context.Context, tx Tx, name string) (*NodeRecord, string, error) {
	if _, err := uuid.Parse(name); err == nil {
		rec, err := tx.Node(ctx, strings.ToLower(name))
		if err == nil && rec.DeletedAt == nil {
			return rec, "", nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, "", err
		}
	}
	recs, err := tx.NodesByHostname(ctx, name)
	switch {
	case err != nil:
		return nil, "", err
	case len(recs) == 0:
		return nil, fmt.Sprintf("there is no node %q, neither by uuid nor by hostname", name), nil
	case len(recs) > 1:
		uuids := make([]string, 0, maxShownLosing)
		for _, r := range recs[:min(len(recs), maxShownLosing)] {
			uuids = append(uuids, r.UUID)
		}
		return nil, fmt.Sprintf("%d nodes have the hostname %q: give the uuid of one, %s", len(recs), name, strings.Join(uuids, ", ")), nil
	}
	return &recs[0], "", nil
}

func (a *applying) planNode(ctx context.Context, tx Tx, p *nodePlan) (err error) {
	if p.have, err = tx.JobsOfNode(ctx, p.rec.UUID); err != nil {
		return err
	}
	if p.old, err = a.s.open(p.rec.SealedBase, baseContext(p.rec.UUID)); err != nil {
		return err
	}
	p.base = p.old
	a.pair(p)
	if p.doc != nil {
		if err := a.planBase(p); err != nil {
			return err
		}
	}
	for _, j := range p.jobs {
		if err := a.planJob(p, j); err != nil {
			return err
		}
	}
	a.prune(p)
	a.names(p)
	if err := a.judge(p); err != nil {
		return err
	}
	if err := a.planTargets(ctx, tx, p); err != nil {
		return err
	}
	return a.guard(ctx, tx, p)
}

// pair finds the job that each document is about.
func (a *applying) pair(p *nodePlan) {
	byKey := map[string]*jobPlan{}
	byName := map[string]*givenDocument{}
	for _, d := range p.docs {
		switch first := byKey[d.Key]; {
		case d.Kind == promfleet.FleetNode && p.doc != nil:
			a.bad.add(d.at+"node", "%s is about the same node", p.doc.where())
		case d.Kind == promfleet.FleetNode:
			p.doc = d
		case first != nil:
			a.bad.add(d.at+"key", "%s is about the same job", first.doc.where())
		case byName[d.job.JobName] != nil:
			a.bad.add(d.at+"job_name", "%s has the same job_name", byName[d.job.JobName].where())
		default:
			j := &jobPlan{doc: d, in: d.job}
			byKey[d.Key], byName[d.job.JobName] = j, d
			p.jobs = append(p.jobs, j)
		}
	}
	if a.how.importing {
		p.pairByName()
	}
	taken := map[int64]bool{}
	for _, j := range p.jobs {
		if j.rec != nil {
			taken[j.rec.ID] = true
		}
	}
	for i := range p.have {
		rec := &p.have[i]
		if j := byKey[rec.Key]; j != nil && j.rec == nil && !taken[rec.ID] {
			j.rec = rec
		}
	}
	if a.how.importing {
		p.freshKeys()
	}
	slices.SortFunc(p.jobs, func(a, b *jobPlan) int { return cmp.Compare(a.in.Key, b.in.Key) })
}

// planBase says what is to become of a node's own fields.
func (a *applying) planBase(p *nodePlan) error {
	d := p.doc
	a.mayManage(d, p.rec.called()+" is", p.rec.ManagedBy)
	if !a.how.importing {
		p.manager = a.how.Manager
	}
	if d.Tags != nil {
		p.tags = d.tags
	}
	if d.BaseConfig == nil {
		return nil
	}
	shown, err := maskYAML(p.old)
	if err != nil || *d.BaseConfig == shown {
		return err
	}
	text, err := plainBase(*d.BaseConfig, p.old)
	if err == nil && text != p.old.Text && (!a.how.importing || !sameBase(text, p.old.Text)) {
		p.base, err = a.verdicts.base(text)
	}
	// One that only lacks secrets has a verdict all the same.
	p.refused = err != nil && p.base.Text == ""
	return a.refused(d, err)
}

// refused notes what is wrong with a document, and gives other errors back.
func (a *applying) refused(d *givenDocument, err error) error {
	if promfleet.ErrorCode(err) != promfleet.Invalid {
		return err
	}
	a.bad = append(a.bad, d.located(err)...)
	return nil
}

// mayManage notes that somebody else manages what a document is about.
func (a *applying) mayManage(d *givenDocument, what, manager string) {
	if manager != "" && manager != a.how.Manager && !a.how.TakeOver {
		a.managed.add(d.where(), "%s managed by %q", what, manager)
	}
}

// planJob says what is to become of a job, its targets aside.
func (a *applying) planJob(p *nodePlan, j *jobPlan) (err error) {
	j.in.Node = p.rec.UUID
	if !a.how.importing {
		j.manager = a.how.Manager
	}
	if j.rec != nil {
		if a.how.importing && j.in.Remark == "" {
			j.in.Remark = j.rec.Remark
		}
		j.in.Contacts = j.rec.Contacts
		j.targetsManager = j.rec.TargetsManagedBy
		a.mayManage(j.doc, j.rec.called()+" is", j.rec.ManagedBy)
		if j.old, err = a.s.open(j.rec.SealedScrapeConfig, jobContext(p.rec.UUID)); err != nil {
			return err
		}
	}
	switch {
	case j.doc.Targets != nil:
		if j.rec != nil {
			a.mayManage(j.doc, "the targets of "+j.rec.called()+" are", j.rec.TargetsManagedBy)
		}
		j.targetsManager = j.manager
	case j.targetsManager == a.how.Manager: // the document names them no more
		j.targetsManager = ""
	}
	if j.in.ScrapeConfig, err = plainConfig(j.in.ScrapeConfig, j.old); err != nil {
		return a.refused(j.doc, err)
	}
	j.next = sealed{Text: string(j.in.ScrapeConfig)}
	if j.next.Text == j.old.Text {
		j.next = j.old
	}
	return nil
}

// prune finds the jobs that go.
func (a *applying) prune(p *nodePlan) {
	if !a.how.Prune {
		return
	}
	for i := range p.have {
		rec := p.have[i]
		if rec.ManagedBy != a.how.Manager || p.names(&rec) {
			continue
		}
		if rec.TargetsManagedBy != "" && rec.TargetsManagedBy != a.how.Manager && !a.how.TakeOver {
			a.managed.add(p.docs[0].where(), "the targets of %s, which is to go, are managed by %q", rec.called(), rec.TargetsManagedBy)
		}
		p.prune = append(p.prune, rec)
	}
}

// names tells whether a document is about a job.
func (p *nodePlan) names(rec *JobRecord) bool {
	return slices.ContainsFunc(p.jobs, func(j *jobPlan) bool { return j.rec != nil && j.rec.ID == rec.ID })
}

// staying gives the jobs that no document is about and that do not go.
func (p *nodePlan) staying() (out []*JobRecord) {
	for i := range p.have {
		rec := &p.have[i]
		if !p.names(rec) && !slices.ContainsFunc(p.prune, func(o JobRecord) bool { return o.ID == rec.ID }) {
			out = append(out, rec)
		}
	}
	return out
}

// names refuses a job_name that another job of the node keeps.
func (a *applying) names(p *nodePlan) {
	byName := map[string]*JobRecord{}
	for _, rec := range p.staying() {
		byName[rec.JobName] = rec
	}
	for _, j := range p.jobs {
		if rec := byName[j.in.JobName]; rec != nil {
			a.bad.add(j.doc.at+"job_name", "%s of this node has the job_name %q already", rec.called(), j.in.JobName)
		}
	}
}
