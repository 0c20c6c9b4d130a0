package agent

import (
	"maps"
	"slices"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// outline is what the sync task has written, for those that ask while it is busy.
// Nothing in it is changed afterwards.
type outline struct {
	jobs       []outlinedJob
	withheld   []promfleet.WithheldJob
	targetsDir string
}

type outlinedJob struct {
	key, name      string
	inline, shared bool
	files          []apply.File
}

// publish gives what is written to those that ask. It is called by whoever has the
// quarantine: the sync task, or the settling that it waits for.
func (t *syncTask) publish() {
	c := t.content
	if t.shipped != nil {
		c = t.shipped.content
	}
	if c == nil {
		return
	}
	o := &outline{targetsDir: t.a.disk.TargetsDir()}
	for _, j := range c.jobs {
		o.jobs = append(o.jobs, outlinedJob{key: j.Key, name: j.Name, inline: j.Inline, shared: j.Shared, files: j.Files})
	}
	q := t.a.quarantine
	for _, p := range q.inOrder() {
		if !p.isBase() {
			o.withheld = append(o.withheld, promfleet.WithheldJob{Key: p.Key, Why: p.Why, Before: q.good.goesBack(p.suspect)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(q.poolless)) {
		o.withheld = append(o.withheld, promfleet.WithheldJob{Key: key, Why: q.poolWords})
	}
	t.a.outline.Store(o)
}

// job gives the job with a key, or with a name; nil: there is none.
func (o *outline) job(is func(outlinedJob) bool) *outlinedJob {
	if i := slices.IndexFunc(o.jobs, is); i >= 0 {
		return &o.jobs[i]
	}
	return nil
}
