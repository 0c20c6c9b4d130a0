package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"promfleet"
)

// maxHealthNodes is of how many nodes the agents are asked about targets at once.
const maxHealthNodes = 100

// nothingSaid is why an answer counts as none.
const nothingSaid = "its answer says nothing"

// NodeHealth tells what the agent of a node says of its targets, of one job if it is
// given. The agent is given wait to say it; with 0 it is not asked.
func (s *Service) NodeHealth(ctx context.Context, uuid, job string, wait time.Duration) (promfleet.NodeHealth, error) {
	out := promfleet.NodeHealth{Node: uuid, Jobs: []promfleet.JobHealth{}, Down: []promfleet.DownTarget{}}
	var rec NodeRecord
	err := s.view(ctx, func(tx Tx) error {
		n, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		rec = *n
		if job != "" {
			j, err := tx.JobByKey(ctx, uuid, job)
			_, err = found(j, err, "job", job)
			return err
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Hostname = rec.Hostname
	said := s.notToAsk(rec, wait)
	if said.part == "" {
		q := &promfleet.HealthQuestion{Down: promfleet.MaxHealthDown}
		if job != "" {
			q.Jobs = []string{job}
		}
		answers, err := s.ask(ctx, map[string]promfleet.Question{uuid: {Kind: promfleet.QuestionHealth, Health: q}}, wait)
		if err != nil {
			return out, err
		}
		said = healthOf(answers[uuid].of(rec, wait), 0)
	}
	out.Agent, out.AgentSays = said.part, said.why
	h := said.answer.Health
	if h == nil {
		return out, nil
	}
	at := s.now().Add(-time.Duration(h.Age * float64(time.Second))).UTC()
	out.At, out.RevisionLoaded, out.AgentSays = &at, h.RevisionLoaded, h.Trouble
	out.Jobs, out.MoreJobs, out.MoreDown = h.Jobs, h.MoreJobs, h.MoreDown
	if h.Trouble != "" {
		out.At = nil
	}
	slices.SortStableFunc(out.Jobs, func(a, b promfleet.JobHealth) int {
		return cmp.Or(cmp.Compare(btoi(a.Job == ""), btoi(b.Job == "")), strings.Compare(a.Job, b.Job), strings.Compare(a.JobName, b.JobName))
	})
	out.Down, err = s.downTargets(ctx, uuid, h.Down)
	return out, err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// healthOf takes an answer for none that has no health, or not that of as many
// targets as were asked for.
func healthOf(a asked, targets int) asked {
	h := a.answer.Health
	switch {
	case a.part != promfleet.AgentAnswered:
	case h == nil:
		a.part, a.why = promfleet.AgentFailed, nothingSaid
	case h.Trouble == "" && len(h.Targets) != targets:
		a.part, a.why = promfleet.AgentFailed, fmt.Sprintf("it was asked for %d targets and answers for %d", targets, len(h.Targets))
		a.answer.Health = nil
	}
	return a
}

// downTargets finds the records of those that an agent tells of.
func (s *Service) downTargets(ctx context.Context, node string, told []promfleet.AgentTarget) (down []promfleet.DownTarget, err error) {
	err = s.view(ctx, func(tx Tx) error {
		down = make([]promfleet.DownTarget, 0, len(told))
		look := downLook{tx: tx, node: node, jobs: map[string]*JobRecord{}, targets: map[jobAddr][]TargetRecord{}}
		for _, t := range told {
			d := promfleet.DownTarget{Job: t.Job, Addr: t.Addr, State: t.State, Error: t.Error, At: t.At, Seconds: t.Seconds}
			if d.State != promfleet.HealthMissing {
				d.State = promfleet.HealthDown
			}
			if d.ID, err = look.idOf(ctx, t); err != nil {
				return err
			}
			down = append(down, d)
		}
		return nil
	})
	return down, err
}

// downLook finds records, each once: many of those that are told may have one address.
type downLook struct {
	tx      Tx
	node    string
	jobs    map[string]*JobRecord // by key; nil: there is none
	targets map[jobAddr][]TargetRecord
}

type jobAddr struct {
	job  int64
	addr string
}

// idOf gives the id of the target that an agent tells of; 0: not known.
func (l *downLook) idOf(ctx context.Context, t promfleet.AgentTarget) (int64, error) {
	if t.Job == "" {
		return 0, nil
	}
	job, known := l.jobs[t.Job]
	if !known {
		j, err := l.tx.JobByKey(ctx, l.node, t.Job)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return 0, err
		}
		if err == nil {
			job = j
		}
		l.jobs[t.Job] = job
	}
	if job == nil {
		return 0, nil
	}
	at := jobAddr{job.ID, t.Addr}
	records, known := l.targets[at]
	if !known {
		var err error
		if records, err = l.tx.TargetsByAddr(ctx, job.ID, t.Addr); err != nil {
			return 0, err
		}
		l.targets[at] = records
	}
	i := 0
	if len(records) > 1 || t.Sum != "" {
		i = slices.IndexFunc(records, func(r TargetRecord) bool { return promfleet.TargetSum(r.Addr, r.Labels) == t.Sum })
	}
	if i < 0 || i >= len(records) {
		return 0, nil
	}
	return records[i].ID, nil
}

// healthNode is a node with targets whose health is asked for.
type healthNode struct {
	rec     NodeRecord
	targets []int64
	asked   promfleet.HealthQuestion // its targets are those
}

// TargetsHealth tells what the agents of their nodes say of targets. Agents are given
// wait to say it; with 0 they are not asked.
func (s *Service) TargetsHealth(ctx context.Context, in promfleet.TargetsHealthRequest, wait time.Duration) (promfleet.TargetsHealth, error) {
	out := promfleet.TargetsHealth{Items: []promfleet.TargetHealth{}, Notes: []string{}}
	nodes, err := s.healthNodes(ctx, in.IDs, &out)
	if err != nil {
		return out, err
	}
	questions, said := map[string]promfleet.Question{}, map[string]asked{}
	for i, n := range nodes {
		switch a := s.notToAsk(n.rec, wait); {
		case a.part != "":
			said[n.rec.UUID] = a
		case i >= maxHealthNodes:
			said[n.rec.UUID] = asked{part: promfleet.AgentNotAsked, why: fmt.Sprintf("the targets are of %d nodes, and %d are asked at once", len(nodes), maxHealthNodes)}
		default:
			questions[n.rec.UUID] = promfleet.Question{Kind: promfleet.QuestionHealth, Health: &n.asked}
		}
	}
	if len(questions) > 0 {
		answers, err := s.ask(ctx, questions, wait)
		if err != nil {
			return out, err
		}
		for _, n := range nodes {
			if a, ok := answers[n.rec.UUID]; ok {
				said[n.rec.UUID] = healthOf(a.of(n.rec, wait), len(n.targets))
			}
		}
	}
	for _, n := range nodes {
		n.tell(said[n.rec.UUID], &out)
	}
	slices.SortFunc(out.Items, func(a, b promfleet.TargetHealth) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// healthNodes finds the nodes of targets, by hostname.
func (s *Service) healthNodes(ctx context.Context, ids []int64, out *promfleet.TargetsHealth) (nodes []*healthNode, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	err = s.view(ctx, func(tx Tx) error {
		nodes, out.Notes = nil, []string{}
		records, err := tx.TargetsByID(ctx, ids)
		if err != nil {
			return err
		}
		gone := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
			return slices.ContainsFunc(records, func(r TargetRecord) bool { return r.ID == id })
		})
		jobs, byNode := map[int64]*JobRecord{}, map[string]*healthNode{}
		for _, r := range records {
			job, known := jobs[r.Job]
			if !known {
				j, err := liveJob(ctx, tx, r.Job)
				if err != nil && promfleet.ErrorCode(err) != promfleet.NotFound {
					return err
				}
				if err == nil {
					job = j
				}
				jobs[r.Job] = job
			}
			if job == nil {
				gone = append(gone, r.ID)
				continue
			}
			n := byNode[job.Node]
			if n == nil {
				rec, err := tx.Node(ctx, job.Node)
				if err != nil {
					return err
				}
				n = &healthNode{rec: *rec}
				byNode[job.Node], nodes = n, append(nodes, n)
			}
			n.targets = append(n.targets, r.ID)
			at := slices.Index(n.asked.Jobs, job.Key)
			if at < 0 {
				at, n.asked.Jobs = len(n.asked.Jobs), append(n.asked.Jobs, job.Key)
			}
			n.asked.Targets = append(n.asked.Targets, promfleet.AskedTarget{Job: at, Sum: promfleet.TargetSum(r.Addr, r.Labels)})
		}
		if len(gone) > 0 {
			out.Notes = append(out.Notes, "there are no live targets "+someIDs(gone))
		}
		slices.SortFunc(nodes, func(a, b *healthNode) int {
			return cmp.Or(strings.Compare(a.rec.Hostname, b.rec.Hostname), strings.Compare(a.rec.UUID, b.rec.UUID))
		})
		return nil
	})
	return nodes, err
}

// someIDs names the first of some ids.
func someIDs(ids []int64) string {
	const shown = 10
	slices.Sort(ids)
	var all []string
	for _, id := range ids[:min(len(ids), shown)] {
		all = append(all, strconv.FormatInt(id, 10))
	}
	text := strings.Join(all, ", ")
	if len(ids) > shown {
		text += fmt.Sprintf(" and %d more", len(ids)-shown)
	}
	return text
}

// tell adds what the agent of the node said of its targets.
func (n *healthNode) tell(said asked, out *promfleet.TargetsHealth) {
	h, why := said.answer.Health, said.why
	if h != nil {
		why = h.Trouble
	}
	if why != "" || h == nil {
		h = nil
		out.Notes = append(out.Notes, fmt.Sprintf("%d targets of %s: %s", len(n.targets), n.rec.Hostname, why))
	}
	for i, id := range n.targets {
		item := promfleet.TargetHealth{ID: id, State: promfleet.HealthNotKnown, Error: why}
		if h != nil {
			t := h.Targets[i]
			item.State, item.Error, item.At, item.Seconds = t.State, t.Error, t.At, t.Seconds
		}
		out.Items = append(out.Items, item)
	}
}

// cleanHealth takes from what an agent says what a terminal or a page must not get.
func cleanHealth(h *promfleet.AgentHealth) {
	h.Trouble = clean(h.Trouble)
	if h.Jobs == nil {
		h.Jobs = []promfleet.JobHealth{}
	}
	for i := range h.Jobs {
		j := &h.Jobs[i]
		j.Job, j.JobName, j.Withheld = clean(j.Job), clean(j.JobName), clean(j.Withheld)
		for k := range j.Errors {
			e := &j.Errors[k]
			e.Message, e.Addr = clean(e.Message), clean(e.Addr)
		}
		if j.Slowest != nil {
			j.Slowest.Addr = clean(j.Slowest.Addr)
		}
		if j.Errors == nil {
			j.Errors = []promfleet.ScrapeErrors{}
		}
	}
	for _, list := range [][]promfleet.AgentTarget{h.Down, h.Targets} {
		for i := range list {
			t := &list[i]
			t.Job, t.Addr, t.Sum, t.Error = clean(t.Job), clean(t.Addr), clean(t.Sum), clean(t.Error)
			if t.At != nil {
				at := t.At.UTC()
				t.At = &at
			}
		}
	}
}
