package fleet

import (
	"encoding/json"
	"fmt"

	"promfleet"
)

// change says what the documents do, and for a dry run how.
func (a *applying) change() (promfleet.FleetChange, error) {
	out := promfleet.FleetChange{Changes: []promfleet.FleetObjectChange{}, Notes: []string{}}
	taken, secrets := 0, 0
	for _, p := range a.nodes {
		if err := a.nodeChange(p, &out, &taken, &secrets); err != nil {
			return out, err
		}
		if err := a.jobChanges(p, &out, &taken, &secrets); err != nil {
			return out, err
		}
	}
	out.Unchanged = len(a.given)
	for _, c := range out.Changes {
		if c.Action != "delete" {
			out.Unchanged--
		}
	}
	if taken > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d that were there are managed by %q from now on", taken, a.how.Manager))
	}
	if secrets > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("of %d only secrets change, which are not shown", secrets))
	}
	return out, nil
}

func (a *applying) nodeChange(p *nodePlan, out *promfleet.FleetChange, taken, secrets *int) error {
	if !p.differs() {
		return nil
	}
	c := promfleet.FleetObjectChange{Action: "update", Kind: promfleet.FleetNode, Node: p.rec.UUID, Hostname: p.rec.Hostname}
	if p.manager != p.rec.ManagedBy {
		*taken++
	}
	before, err := maskYAML(p.old)
	if err != nil {
		return err
	}
	after, err := maskYAML(p.base)
	if err != nil {
		return err
	}
	if p.base.Text != p.old.Text && before == after {
		*secrets++
	}
	if a.s.preview != nil {
		document := func(tags []string, base string) *promfleet.FleetDocument {
			return &promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: p.rec.UUID, Tags: &tags, BaseConfig: &base}
		}
		c.Before, c.After = document(p.rec.Tags, before), document(p.tags, after)
	}
	out.Changes = append(out.Changes, c)
	return nil
}

// jobChanges gives what becomes of the jobs of a node, by key.
func (a *applying) jobChanges(p *nodePlan, out *promfleet.FleetChange, taken, secrets *int) error {
	prune := p.prune
	for i := 0; i < len(p.jobs) || len(prune) > 0; {
		if len(prune) > 0 && (i == len(p.jobs) || prune[0].Key < p.jobs[i].in.Key) {
			c := promfleet.FleetObjectChange{Action: "delete", Kind: promfleet.FleetJob, Node: p.rec.UUID, Hostname: p.rec.Hostname, Key: prune[0].Key}
			c.Targets.Deleted = int(prune[0].Targets)
			if a.s.preview != nil {
				shown, err := a.s.showJob(prune[0])
				if err != nil {
					return err
				}
				c.Before = jobDocument(shown)
			}
			out.Changes, prune = append(out.Changes, c), prune[1:]
			continue
		}
		j := p.jobs[i]
		i++
		if !j.differs() && len(j.edits) == 0 {
			continue
		}
		c, err := a.jobChange(p, j, taken, secrets)
		if err != nil {
			return err
		}
		out.Changes = append(out.Changes, c)
	}
	return nil
}

func (a *applying) jobChange(p *nodePlan, j *jobPlan, taken, secrets *int) (promfleet.FleetObjectChange, error) {
	c := promfleet.FleetObjectChange{Action: "create", Kind: promfleet.FleetJob, Node: p.rec.UUID, Hostname: p.rec.Hostname, Key: j.in.Key, Targets: j.done}
	before, err := maskJSON(j.old)
	if err != nil {
		return c, err
	}
	after, err := maskJSON(j.next)
	if err != nil {
		return c, err
	}
	if j.rec != nil {
		c.Action = "update"
		if j.manager != j.rec.ManagedBy {
			*taken++
		}
		if j.next.Text != j.old.Text && string(before) == string(after) {
			*secrets++
		}
	}
	if a.s.preview == nil {
		return c, nil
	}
	was, is := editedTargets(j)
	if j.rec != nil {
		c.Before = jobDocument(promfleet.Job{Node: j.rec.Node, Key: j.rec.Key, JobName: j.rec.JobName, Remark: j.rec.Remark, ScrapeConfig: before})
		c.Before.Targets = was
	}
	c.After = jobDocument(promfleet.Job{Node: j.in.Node, Key: j.in.Key, JobName: j.in.JobName, Remark: j.in.Remark, ScrapeConfig: after})
	c.After.Targets = is
	return c, nil
}

// jobDocument gives a job as a document, without its targets.
func jobDocument(j promfleet.Job) *promfleet.FleetDocument {
	config := j.ScrapeConfig
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	return &promfleet.FleetDocument{Kind: promfleet.FleetJob, Node: j.Node, Key: j.Key, JobName: j.JobName, Remark: j.Remark, ScrapeConfig: config}
}

// editedTargets gives the targets that change, before and after; nil if the
// document names none.
func editedTargets(j *jobPlan) (before, after *[]promfleet.FleetTarget) {
	if j.doc.Targets == nil {
		return nil, nil
	}
	was, is := []promfleet.FleetTarget{}, []promfleet.FleetTarget{}
	for _, e := range j.edits {
		if live(e.from) {
			was = append(was, fleetTarget(e.from))
		}
		if live(e.to) {
			is = append(is, fleetTarget(e.to))
		}
	}
	return &was, &is
}

func fleetTarget(r *TargetRecord) promfleet.FleetTarget {
	return promfleet.FleetTarget{Name: r.Name, Remark: r.Remark, Addr: r.Addr, Labels: r.Labels, Tags: r.Tags}
}
