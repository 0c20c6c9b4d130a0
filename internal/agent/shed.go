package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"promfleet"
	"promfleet/internal/render"
)

// shipment is what is to be written: what is wanted, without what Prometheus will
// not have.
type shipment struct {
	content  *content
	base     []byte // with which its prometheus.yml is made
	baseHash promfleet.Hash
}

// shed makes it. A job in quarantine stays with its last good configuration and
// with the targets that are wanted; one that has none is left out. Where anything
// is withheld the revision is that of what was applied last.
func (t *syncTask) shed(ctx context.Context, want *content, f *foreign) (*shipment, error) {
	q := t.a.quarantine
	base, err := t.a.base(want, f)
	if err != nil {
		return nil, err
	}
	s := &shipment{content: want, base: base, baseHash: promfleet.HashOf(base)}
	out := q.outOf(want, s.baseHash)
	if len(out) == 0 {
		return s, nil
	}
	w := *want
	s.content = &w
	w.manifest.Revision = t.appliedRevision()
	w.manifest.Parts = slices.Clone(want.manifest.Parts)
	w.parts, w.jobs = slices.Clone(want.parts), nil
	for _, j := range want.jobs {
		if !out[suspect{j.Key, j.part.Hash}] {
			w.jobs = append(w.jobs, j)
			continue
		}
		if err := t.withhold(ctx, &w, want, j); err != nil {
			return nil, err
		}
	}
	if out[suspect{Config: s.baseHash}] {
		if err := t.withholdBase(&w, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (t *syncTask) appliedRevision() int64 {
	if m := t.a.disk.State().Manifest; m != nil {
		return m.Revision
	}
	return 0
}

// outOf gives what of a content is not to be written as it is.
func (q *quarantine) outOf(c *content, base promfleet.Hash) map[suspect]bool {
	out := map[suspect]bool{}
	if q.search != nil {
		for _, s := range q.search.withheld() {
			out[s] = true
		}
		if q.suspended {
			for _, s := range slices.Concat(q.search.open(), q.search.passed) {
				out[s] = !q.good.has(s)
			}
		}
	}
	if s := (suspect{Config: base}); q.isOut(s) || q.aside != "" {
		out[s] = q.good.goesBack(s)
	}
	for _, j := range c.jobs {
		if s := (suspect{j.Key, j.part.Hash}); q.isOut(s) {
			out[s] = true
		}
	}
	for s, is := range out {
		if !is {
			delete(out, s)
		}
	}
	return out
}

// withhold puts the last good configuration of a job in the place of the one that
// is wanted, or that of the job whose name it takes over; if there is none it
// leaves the job out.
func (t *syncTask) withhold(ctx context.Context, w, want *content, j jobContent) error {
	index := func(p promfleet.Part) bool { return p.Name == render.IndexName(j.Key) }
	good := t.a.quarantine.good
	before, ok := good.Jobs[j.Key]
	if ok {
		return t.goBack(w, j, before)
	}
	w.manifest.Parts = slices.DeleteFunc(w.manifest.Parts, index)
	key, ok := good.named(j.Name)
	if !ok || slices.ContainsFunc(want.jobs, func(j jobContent) bool { return j.Key == key }) {
		return nil
	}
	state := t.a.disk.State()
	if state.Manifest == nil {
		return nil
	}
	applied, err := (&receiver{a: t.a, names: map[string]bool{}}).content(ctx, *state.Manifest)
	if err != nil {
		return &wholeHold{fmt.Sprintf("and what was applied last cannot be read again, so nothing of the revision is applied: %s", err)}
	}
	if !slices.ContainsFunc(applied.jobs, func(j jobContent) bool { return j.Key == key }) {
		return nil
	}
	return t.keepJob(w, applied, key)
}

// goBack gives a job its last good configuration.
func (t *syncTask) goBack(w *content, j jobContent, before goodJob) error {
	body, ok := t.a.data.Part(before.Config)
	if !ok {
		return &wholeHold{fmt.Sprintf("and the last good configuration of job %s is not known any more, so nothing of the revision is applied", j.Key)}
	}
	j.part.Hash, j.part.Size = before.Config, before.Size
	j.config, j.Shared = promfleet.JobConfig{}, false
	if err := j.configure(body); err != nil {
		return err
	}
	w.jobs = append(w.jobs, j)
	at := slices.IndexFunc(w.manifest.Parts, func(p promfleet.Part) bool { return p.Name == render.IndexName(j.Key) })
	old, ok := t.a.data.Part(w.manifest.Parts[at].Hash)
	if !ok {
		return fmt.Errorf("--data.path: the index of job %s is gone", j.Key)
	}
	var parts []promfleet.Part
	if err := json.Unmarshal(old, &parts); err != nil {
		return err
	}
	for i := range parts {
		if parts[i].Name == render.ConfigName(j.Key) {
			parts[i].Hash, parts[i].Size = before.Config, before.Size
		}
	}
	index, err := render.IndexBody(parts)
	if err != nil {
		return err
	}
	hash, err := t.keepPart(w, index)
	if err != nil {
		return err
	}
	w.manifest.Parts[at].Hash, w.manifest.Parts[at].Size = hash, int64(len(index))
	return nil
}

// withholdBase puts the last good base in the place of the one that is wanted.
func (t *syncTask) withholdBase(w *content, s *shipment) error {
	good := t.a.quarantine.good
	body, ok := t.a.data.Part(good.Base)
	if !ok {
		return &wholeHold{"and the last good base config is not known any more, so nothing of the revision is applied"}
	}
	w.base, w.localBase = append([]byte{}, body...), good.Local
	s.base, s.baseHash = w.base, good.Base
	w.manifest.Parts = slices.DeleteFunc(w.manifest.Parts, func(p promfleet.Part) bool { return p.Name == render.BasePart })
	if !good.Local {
		w.manifest.Parts = append([]promfleet.Part{{Name: render.BasePart, Hash: good.Base, Size: int64(len(body))}}, w.manifest.Parts...)
	}
	return nil
}
