package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
	"promfleet/internal/check"
)

// healthKept is how long what was seen of pools answers questions about them.
const healthKept = 10 * time.Second

// health answers a question of that kind.
func (a *Agent) health(ctx context.Context, q promfleet.HealthQuestion) *promfleet.AgentHealth {
	a.healthSeen.Lock() // they are mutable, and there is one look at a time
	defer a.healthSeen.Unlock()
	h := &healthLook{explainer: explainer{a: a, outline: a.outline.Load(), hidden: map[string]int64{}}, q: q}
	if h.outline == nil {
		h.outline = &outline{}
	}
	state := a.status.explained()
	out := &promfleet.AgentHealth{RevisionLoaded: state.RevisionLoaded, Jobs: []promfleet.JobHealth{}, Down: []promfleet.AgentTarget{}, Targets: []promfleet.AgentTarget{}}
	h.settled, h.problem = state.RevisionLoaded >= state.RevisionWritten, state.Problem
	if err := h.see(ctx, [2]int64{state.RevisionWritten, state.RevisionLoaded}); err != nil {
		out.Trouble = shownOwn(err.Error())
		return out
	}
	out.Age = min(max(0, time.Since(h.seenPools.at).Seconds()), 3600)
	for i := range h.q.Targets {
		out.Targets = append(out.Targets, h.target(i))
	}
	h.tellJobs(ctx, out)
	return out
}

// healthLook finds out how targets are scraped.
type healthLook struct {
	explainer
	q         promfleet.HealthQuestion
	seenPools *seenPools
	asked     []*askedTarget // by the question's
	tried     bool           // whether the running configuration can be read is known
	hurried   bool           // there was no time to look through the files
	settled   bool           // what is written is seen loaded
	problem   string         // why not
}

// see looks at the pools, or at what was seen of them a moment ago.
func (h *healthLook) see(ctx context.Context, revisions [2]int64) error {
	names := h.poolNames()
	if s := h.a.healthSeen.find(revisions, names, len(h.q.Targets) > 0); s != nil {
		h.seenPools, h.config = s, s.config
		h.predictAsked(ctx)
		s.config = h.config
		return nil
	}
	asked := h.predictAsked(ctx)
	s, err := h.a.seePools(ctx, names, asked, h.poolKey, len(h.q.Targets) > 0)
	if err != nil {
		return err
	}
	s.revisions, s.config = revisions, h.config
	h.seenPools = s
	h.a.healthSeen.keep(s)
	return nil
}

// poolNames gives the pools that are asked for; "" for all.
func (h *healthLook) poolNames() []string {
	if len(h.q.Jobs) == 0 {
		return []string{""}
	}
	var names []string
	for _, key := range h.q.Jobs {
		if j := h.outline.job(func(j outlinedJob) bool { return j.key == key }); j != nil && !slices.Contains(names, j.name) {
			names = append(names, j.name)
		}
	}
	if len(names) > maxPools {
		return []string{""}
	}
	return names
}

// poolKey gives the pool of a target; older versions do not say that of dropped ones.
func (h *healthLook) poolKey(pool, file, job string) string {
	if pool != "" {
		return pool
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(file, h.outline.targetsDir+string(filepath.Separator)), string(filepath.Separator))
	if file != "" && key != "" {
		if j := h.outline.job(func(j outlinedJob) bool { return j.key == key }); j != nil {
			return j.name
		}
	}
	return job
}

// askedTarget is a target that is asked for, as the files have it; nil: they do not.
type askedTarget struct {
	file   *fileTarget
	before uint64 // its sum
	after  uint64 // its Identity
	shown  uint64 // the sum that older versions show of it
}

// predictAsked finds those that are asked for in the files, and what the running
// configuration is to make of them. It gives the sums that are of interest.
func (h *healthLook) predictAsked(ctx context.Context) map[uint64]bool {
	if len(h.q.Targets) == 0 {
		return nil
	}
	bySum := map[promfleet.AskedTarget][]int{}
	for i, t := range h.q.Targets {
		bySum[t] = append(bySum[t], i)
	}
	h.asked = make([]*askedTarget, len(h.q.Targets))
	jobs := map[string]int{}
	for i, key := range h.q.Jobs {
		jobs[key] = i
	}
	h.running(ctx)
	interest := map[uint64]bool{}
	// A file that cannot be read has none of them.
	_ = h.eachFile(ctx, func(j *outlinedJob) bool { _, ok := jobs[j.key]; return ok }, func(j *outlinedJob, f apply.File, body []byte) {
		at := jobs[j.key]
		groups, err := check.TargetGroups(body)
		if err != nil {
			return
		}
		for _, g := range groups {
			labels := promfleet.SumLabels(g.Labels)
			for _, addr := range g.Targets {
				if ctx.Err() != nil {
					return
				}
				those := bySum[promfleet.AskedTarget{Job: at, Sum: labels.Target(addr)}]
				if len(those) == 0 || h.asked[those[0]] != nil {
					continue
				}
				t := h.predicted(&fileTarget{job: j, path: f.Path(), addr: addr, labels: g.Labels})
				for _, i := range those {
					h.asked[i] = t
				}
				interest[t.before], interest[t.after], interest[t.shown] = true, true, true
				if t.file.dropped {
					interest[addrSum(addr)] = true
				}
			}
		}
	})
	delete(interest, 0) // of what could not be predicted, or is dropped
	h.hurried = ctx.Err() != nil
	return interest
}

// running reads the running configuration, if that was not tried.
func (h *healthLook) running(ctx context.Context) {
	if h.config == nil && !h.tried {
		h.tried = true
		h.loadConfig(ctx)
	}
}

// predicted says what the running configuration is to make of a target.
func (h *healthLook) predicted(f *fileTarget) *askedTarget {
	t := &askedTarget{file: f}
	if h.predict(f); f.discovered != nil {
		t.before = reload.SumLabels(f.discovered).Sum
	}
	if f.after != nil {
		t.after, t.shown = reload.IdentityOf(f.after), reload.SumLabels(f.after).Sum
	}
	return t
}

// target tells of one that was asked for.
func (h *healthLook) target(i int) promfleet.AgentTarget {
	key := h.q.Jobs[h.q.Targets[i].Job]
	t := h.asked[i]
	switch {
	case t == nil && h.hurried:
		return promfleet.AgentTarget{State: promfleet.HealthNotKnown, Error: "there was no time to look through the files of the targets"}
	case t == nil:
		return promfleet.AgentTarget{State: promfleet.HealthNotLoaded, Error: shownOwn(cmp.Or(h.whyWithheld(key), h.problem))}
	case h.config == nil:
		return promfleet.AgentTarget{State: promfleet.HealthNotKnown, Error: shownOwn(strings.Join(h.trouble, "; "))}
	}
	told := h.find(t, h.seenPools.pools[t.file.job.name])
	if told.State == promfleet.HealthMissing && !h.settled {
		told.State, told.Error = promfleet.HealthNotLoaded, shownOwn(cmp.Or(h.whyWithheld(key), h.problem))
	}
	return told
}

// find finds a target of the files in its pool.
func (h *healthLook) find(t *askedTarget, p *poolHealth) promfleet.AgentTarget {
	if p == nil {
		return promfleet.AgentTarget{State: promfleet.HealthMissing}
	}
	if s, ok := p.scrapes[t.before]; ok {
		return s.told()
	}
	if before, ok := p.identities[t.after]; ok && t.file.after != nil {
		// Older versions show as discovered what relabelling has made of it: then
		// this is the target itself, or one that becomes the same.
		if before == t.shown {
			return p.scrapes[before].told()
		}
		return promfleet.AgentTarget{State: promfleet.HealthMerged}
	}
	switch {
	case p.gone[t.before], t.file.dropped && p.gone[addrSum(t.file.addr)]:
		return promfleet.AgentTarget{State: promfleet.HealthDropped}
	case t.file.dropped && p.unlisted:
		return promfleet.AgentTarget{State: promfleet.HealthHidden}
	}
	return promfleet.AgentTarget{State: promfleet.HealthMissing}
}

// whyWithheld says why Prometheus has not a job as it is wanted; "": it has.
func (h *healthLook) whyWithheld(key string) string {
	for _, w := range h.outline.withheld {
		if w.Key == key {
			return w.Why
		}
	}
	return ""
}

// tellJobs tells of the jobs that were asked for, and of what is down in them.
func (h *healthLook) tellJobs(ctx context.Context, out *promfleet.AgentHealth) {
	told := map[string]bool{}
	for i := range h.outline.jobs {
		j := &h.outline.jobs[i]
		told[j.name] = true
		if len(h.q.Jobs) > 0 && !slices.Contains(h.q.Jobs, j.key) {
			continue
		}
		h.tellJob(ctx, out, j, h.seenPools.pools[j.name])
	}
	for _, w := range h.outline.withheld {
		known := slices.ContainsFunc(h.outline.jobs, func(j outlinedJob) bool { return j.key == w.Key })
		if !known && (len(h.q.Jobs) == 0 || slices.Contains(h.q.Jobs, w.Key)) {
			out.Jobs = append(out.Jobs, promfleet.JobHealth{Job: cut(w.Key, 120), JobName: cut(w.Key, 120), Withheld: shownOwn(w.Why), Errors: []promfleet.ScrapeErrors{}})
		}
	}
	if len(h.q.Jobs) == 0 {
		for name, p := range h.seenPools.pools {
			if !told[name] {
				h.tellPool(out, promfleet.JobHealth{JobName: shown(name)}, p)
			}
		}
	}
	bad := func(j promfleet.JobHealth) bool {
		return j.Down > 0 || j.Withheld != "" || j.Missing != nil && *j.Missing > 0
	}
	slices.SortStableFunc(out.Jobs, func(a, b promfleet.JobHealth) int {
		switch { // what is cut off is what is well
		case bad(a) && !bad(b):
			return -1
		case bad(b) && !bad(a):
			return 1
		}
		return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.JobName, b.JobName))
	})
	out.MoreJobs = max(0, len(out.Jobs)-promfleet.MaxHealthJobs)
	out.Jobs = out.Jobs[:len(out.Jobs)-out.MoreJobs]
	most := min(h.q.Down, promfleet.MaxHealthDown)
	if over := len(out.Down) - most; over > 0 {
		out.MoreDown += int64(over)
		out.Down = out.Down[:most]
	}
}

func (h *healthLook) tellJob(ctx context.Context, out *promfleet.AgentHealth, j *outlinedJob, p *poolHealth) {
	job := promfleet.JobHealth{Job: j.key, JobName: shown(j.name), Withheld: shownOwn(h.whyWithheld(j.key))}
	inFiles := int64(0)
	for _, f := range j.files {
		inFiles += f.Targets
	}
	if p == nil {
		p = &poolHealth{}
		h.seenPools.pools[j.name] = p
	}
	h.reconcile(ctx, j, p, inFiles)
	job.Missing = p.missing
	h.tellPool(out, job, p)
}

func (h *healthLook) tellPool(out *promfleet.AgentHealth, job promfleet.JobHealth, p *poolHealth) {
	job.Active, job.Up, job.Down, job.Unknown, job.Dropped = p.active(), p.up, p.down, p.unknown, p.dropped
	job.Errors, job.Others = p.errors()
	job.Slowest = p.slowest
	out.Jobs = append(out.Jobs, job)
	for _, f := range p.failed {
		f.Job = job.Job
		out.Down = append(out.Down, f.AgentTarget)
	}
	for _, t := range p.lost {
		t.Job = job.Job
		out.Down = append(out.Down, t)
	}
	out.MoreDown += p.down - int64(len(p.failed))
	if p.missing != nil {
		out.MoreDown += *p.missing - int64(len(p.lost))
	}
}

// reconcile brings together the files of a job and what Prometheus has of it: which
// targets of the files those are that fail, and which Prometheus does not have. Where
// nothing fails and the numbers agree, or the job is large, it looks no closer.
func (h *healthLook) reconcile(ctx context.Context, j *outlinedJob, p *poolHealth, inFiles int64) {
	if p.reconciled {
		return
	}
	p.reconciled = true
	missing := inFiles - p.active() - p.dropped
	if !j.shared && missing <= 0 {
		p.missing = new(int64)
	}
	if inFiles > maxTwins || inFiles == 0 || len(p.failed) == 0 && p.missing != nil {
		return
	}
	if h.running(ctx); h.config == nil {
		p.reconciled = ctx.Err() == nil
		return
	}
	h.seenPools.config = h.config
	failed := map[uint64][]int{}
	for i, f := range p.failed {
		failed[f.before], failed[f.identity] = append(failed[f.before], i), append(failed[f.identity], i)
	}
	lost := int64(0)
	err := h.eachFile(ctx, func(other *outlinedJob) bool { return other == j }, func(j *outlinedJob, f apply.File, body []byte) {
		eachTarget(ctx, body, func(addr string, labels map[string]string) {
			t := h.predicted(&fileTarget{job: j, path: f.Path(), addr: addr, labels: labels})
			for _, sum := range []uint64{t.before, t.after} {
				for _, i := range failed[sum] {
					if p.failed[i].Sum == "" && (sum == t.before || p.failed[i].before == t.shown) {
						p.failed[i].Sum, p.failed[i].Addr = promfleet.TargetSum(addr, labels), shown(addr)
					}
				}
			}
			if h.find(t, p).State != promfleet.HealthMissing {
				return
			}
			if lost++; len(p.lost) < promfleet.MaxHealthDown {
				p.lost = append(p.lost, promfleet.AgentTarget{Addr: shown(addr), Sum: promfleet.TargetSum(addr, labels), State: promfleet.HealthMissing})
			}
		})
	})
	if err != nil || !h.settled || p.partial {
		p.lost = nil                    // it may be on its way
		p.reconciled = ctx.Err() == nil // else whoever asks next may have the time
		return
	}
	p.missing = &lost
}

// fitHealth leaves out of an answer more and more, until it is no larger than a server
// takes.
func fitHealth(h *promfleet.AgentHealth) (fits bool) {
	for text, few := maxText, promfleet.MaxHealthErrors; ; text, few = text/3, few/2 {
		if body, err := json.Marshal(promfleet.Answer{Health: h}); err == nil && len(body) <= promfleet.MaxAnswer {
			return true
		}
		if few == 0 && text < 10 {
			return false
		}
		for i := range h.Jobs {
			j := &h.Jobs[i]
			j.Withheld = cut(j.Withheld, text)
			for _, e := range j.Errors[min(len(j.Errors), few):] {
				j.Others += e.Count
			}
			j.Errors = j.Errors[:min(len(j.Errors), few)]
			for k := range j.Errors {
				j.Errors[k].Message, j.Errors[k].Addr = cut(j.Errors[k].Message, text), cut(j.Errors[k].Addr, text)
			}
			if j.Slowest != nil {
				j.Slowest = &promfleet.SlowestScrape{Addr: cut(j.Slowest.Addr, text), Seconds: j.Slowest.Seconds}
			}
		}
		for _, list := range [][]promfleet.AgentTarget{h.Down, h.Targets} {
			for i := range list {
				list[i].Error = cut(list[i].Error, text)
			}
		}
		if keep := len(h.Down) / 2; few < promfleet.MaxHealthErrors/2 {
			h.MoreDown += int64(len(h.Down) - keep)
			h.Down = h.Down[:keep]
		}
	}
}
