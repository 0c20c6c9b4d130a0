package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/render"
)

func targetObject(id int64) string { return fmt.Sprintf("target/%d", id) }

func showTarget(rec TargetRecord) promfleet.Target {
	t := rec.Target
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	if t.Tags == nil {
		t.Tags = []string{}
	}
	return t
}

// liveTarget gives a target that is live, and its job.
func liveTarget(ctx context.Context, tx Tx, id int64) (*TargetRecord, *JobRecord, error) {
	t, err := tx.Target(ctx, id)
	if err == nil && t.DeletedAt != nil {
		err = ErrNotFound
	}
	if _, err = found(t, err, "target", id); err != nil {
		return nil, nil, err
	}
	j, err := liveJob(ctx, tx, t.Job)
	if promfleet.ErrorCode(err) == promfleet.NotFound {
		err = promfleet.Errorf(promfleet.NotFound, "the job of target %d is deleted", id)
	}
	return t, j, err
}

// Targets lists targets.
func (s *Service) Targets(ctx context.Context, q TargetQuery) (page promfleet.Page[promfleet.Target], err error) {
	err = s.view(ctx, func(tx Tx) error {
		p, err := tx.ListTargets(ctx, q)
		if err != nil {
			return err
		}
		page, err = convert(p, func(r TargetRecord) (promfleet.Target, error) { return showTarget(r), nil })
		return err
	})
	return page, err
}

// Target gives one target.
func (s *Service) Target(ctx context.Context, id int64) (target promfleet.Target, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, _, err := liveTarget(ctx, tx, id)
		if err != nil {
			return err
		}
		target = showTarget(*rec)
		return nil
	})
	return target, err
}

// CreateTarget adds a target to a job.
func (s *Service) CreateTarget(ctx context.Context, by Principal, in promfleet.TargetInput) (promfleet.Target, error) {
	var f fields
	if f.target("body.", &in); f.err() != nil {
		return promfleet.Target{}, f.err()
	}
	var out promfleet.Target
	err := s.update(ctx, func(tx Tx, c *change) error {
		job, err := liveJob(ctx, tx, in.Job)
		if promfleet.ErrorCode(err) == promfleet.NotFound {
			return promfleet.BadField("body.job", "there is no job %d", in.Job)
		}
		if err != nil {
			return err
		}
		if err := job.targetsEditable(); err != nil {
			return err
		}
		rec := s.newTarget(in.Job, in)
		if err := targetCollision(ctx, tx, rec); err != nil {
			return err
		}
		if err := s.editTargets(ctx, tx, c, by, job, []targetEdit{{to: rec}}); err != nil {
			return err
		}
		out = showTarget(*rec)
		return s.event(ctx, tx, by, "create", targetObject(rec.ID), job.Node, nil, out)
	})
	return out, err
}

func (s *Service) newTarget(job int64, in promfleet.TargetInput) *TargetRecord {
	now := s.now()
	rec := &TargetRecord{Target: promfleet.Target{Job: job, CreatedAt: now, UpdatedAt: now, Version: 1}}
	rec.set(in)
	return rec
}

func (r *TargetRecord) set(in promfleet.TargetInput) {
	r.Name, r.Remark, r.Addr, r.Labels, r.Tags = in.Name, in.Remark, in.Addr, in.Labels, in.Tags
	r.Split = render.KeyOf(in.Labels, in.Addr, in.Name)
}

func (r *TargetRecord) input() promfleet.TargetInput {
	return promfleet.TargetInput{Job: r.Job, Name: r.Name, Remark: r.Remark, Addr: r.Addr, Labels: r.Labels, Tags: r.Tags}
}

// targetCollision checks a target against the others of its job with the same
// address.
func targetCollision(ctx context.Context, tx Tx, rec *TargetRecord) error {
	others, err := tx.TargetsByAddr(ctx, rec.Job, rec.Addr)
	if err != nil {
		return err
	}
	return distinct(others, []targetEdit{{to: rec}}, func(*TargetRecord) string { return "body" })
}

// distinct refuses edits of the targets of a job after which two live ones have the
// same addr and name, or the same addr and labels: Prometheus would merge those.
// standing are the targets as they are, at least those with the addresses of the
// edits; at says where in the input an edited one stands.
func distinct(standing []TargetRecord, edits []targetEdit, at func(*TargetRecord) string) error {
	edited := make(map[int64]bool, len(edits))
	for _, e := range edits {
		if e.to.ID != 0 {
			edited[e.to.ID] = true
		}
	}
	type key struct{ addr, what string }
	byName, byLabels := make(map[key]*TargetRecord, len(standing)), make(map[key]*TargetRecord, len(standing))
	labels := func(r *TargetRecord) key { return key{r.Addr, labelsKey(r.Labels)} }
	for i := range standing {
		if r := &standing[i]; !edited[r.ID] {
			byName[key{r.Addr, r.Name}], byLabels[labels(r)] = r, r
		}
	}
	for _, e := range edits {
		r := e.to
		if !live(r) {
			continue
		}
		if o := byName[key{r.Addr, r.Name}]; o != nil {
			return &promfleet.Error{Code: promfleet.Conflict,
				Message: fmt.Sprintf("%s of the job has addr %q and name %q already; give this one another name", o.called(), r.Addr, r.Name),
				Fields:  []promfleet.FieldError{{Location: at(r) + ".addr", Message: "taken, with this name"}}}
		}
		if o := byLabels[labels(r)]; o != nil {
			return &promfleet.Error{Code: promfleet.Conflict,
				Message: fmt.Sprintf("%s has the addr %q and the same labels, and Prometheus would merge the two; give one of them another label", o.called(), r.Addr),
				Fields:  []promfleet.FieldError{{Location: at(r) + ".labels", Message: "the same as those of another target with this addr"}}}
		}
		byName[key{r.Addr, r.Name}], byLabels[labels(r)] = r, r
	}
	return nil
}

func (r *TargetRecord) called() string {
	if r.ID == 0 {
		return "another target of the input"
	}
	return fmt.Sprintf("target %d", r.ID)
}

// labelsKey is equal for equal labels, and only then.
func labelsKey(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%q=%q,", name, labels[name])
	}
	return b.String()
}

// A targetEdit is one target before and after: from is nil for a new one, and
// either may be deleted.
type targetEdit struct{ from, to *TargetRecord }

func live(r *TargetRecord) bool { return r != nil && r.DeletedAt == nil }

// editTargets writes edits of the targets of one job, and renders the pieces that
// they touch.
func (s *Service) editTargets(ctx context.Context, tx Tx, c *change, by Principal, job *JobRecord, edits []targetEdit) error {
	if len(edits) == 0 {
		return nil
	}
	j, err := s.editJob(ctx, tx, c, by, job)
	if err != nil {
		return err
	}
	meta := render.MetaSeen(j.config)
	var insert, update []*TargetRecord
	var moves []moved
	for _, e := range edits {
		if e.from == nil {
			insert = append(insert, e.to)
		} else {
			update = append(update, e.to)
		}
		switch was, is := live(e.from), live(e.to); {
		case was && is && e.from.Split != e.to.Split:
			moves = append(moves, moved{e.from.Split, -1}, moved{e.to.Split, 1})
		case was && is && shows(e.from, e.to, meta):
			moves = append(moves, moved{e.to.Split, 0})
		case was && !is:
			moves = append(moves, moved{e.from.Split, -1})
		case is && !was:
			moves = append(moves, moved{e.to.Split, 1})
		}
	}
	if err := tx.UpdateTargets(ctx, update); err != nil {
		return err
	}
	if err := tx.InsertTargets(ctx, insert); err != nil {
		return err
	}
	if len(moves) == 0 { // only what no file shows
		job.SetVersion++
		return tx.UpdateJobParts(ctx, job.ID, job.JobParts)
	}
	if err := s.rerender(ctx, tx, j, moves); err != nil {
		return err
	}
	j.targets = true
	return s.finish(ctx, tx, c, j)
}

// shows tells whether a file shows a change of a target.
func shows(from, to *TargetRecord, meta render.Meta) bool {
	return from.Addr != to.Addr || !maps.Equal(from.Labels, to.Labels) || meta.Name && from.Name != to.Name ||
		meta.Tags && !slices.Equal(from.Tags, to.Tags)
}

// tagChanged makes a tag's new name, or its going or coming, known to what has it:
// ETags change, and so do the files of jobs whose relabelling can see the tags of
// their targets.
func (s *Service) tagChanged(ctx context.Context, tx Tx, c *change, by Principal, tag int64) error {
	if err := tx.TouchTagged(ctx, tag); err != nil {
		return err
	}
	jobs, err := tx.JobsWithTag(ctx, tag)
	if err != nil {
		return err
	}
	for i := range jobs {
		j, err := s.editJob(ctx, tx, c, by, &jobs[i])
		if err != nil {
			return err
		}
		if render.MetaSeen(j.config).Tags {
			if err := s.rerenderRange(ctx, tx, j, everything); err != nil {
				return err
			}
		}
		j.targets = true
		if err := s.finish(ctx, tx, c, j); err != nil {
			return err
		}
	}
	return nil
}

// PutTarget replaces what a user sets of a target.
func (s *Service) PutTarget(ctx context.Context, by Principal, id int64, match Match, in promfleet.TargetInput) (promfleet.Target, error) {
	return s.changeTarget(ctx, by, id, match, func(promfleet.Target) (promfleet.TargetInput, error) { return in, nil })
}

// PatchTarget changes a target by a JSON merge patch (RFC 7396).
func (s *Service) PatchTarget(ctx context.Context, by Principal, id int64, match Match, patch json.RawMessage) (promfleet.Target, error) {
	return s.changeTarget(ctx, by, id, match, func(was promfleet.Target) (promfleet.TargetInput, error) {
		return mergePatch(promfleet.TargetInput{Job: was.Job, Name: was.Name, Remark: was.Remark, Addr: was.Addr,
			Labels: was.Labels, Tags: was.Tags}, patch)
	})
}

func (s *Service) changeTarget(ctx context.Context, by Principal, id int64, match Match, input func(was promfleet.Target) (promfleet.TargetInput, error)) (out promfleet.Target, err error) {
	err = s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.changeTargetIn(ctx, tx, c, by, id, match, input)
		return err
	})
	return out, err
}

func (s *Service) changeTargetIn(ctx context.Context, tx Tx, c *change, by Principal, id int64, match Match, input func(was promfleet.Target) (promfleet.TargetInput, error)) (out promfleet.Target, err error) {
	rec, job, err := liveTarget(ctx, tx, id)
	if err != nil {
		return out, err
	}
	if err := match.check(rec.Version); err != nil {
		return out, err
	}
	if err := job.targetsEditable(); err != nil {
		return out, err
	}
	before := showTarget(*rec)
	in, err := input(before)
	if err != nil {
		return out, err
	}
	if in.Job != 0 && in.Job != rec.Job {
		return out, promfleet.BadField("body.job", "a target stays in its job; create it in the other one")
	}
	var f fields
	if f.target("body.", &in); f.err() != nil {
		return out, f.err()
	}
	from := *rec
	rec.set(in)
	if !targetDiffers(&from, rec) {
		return before, nil
	}
	if err := targetCollision(ctx, tx, rec); err != nil {
		return out, err
	}
	rec.UpdatedAt = s.now()
	if err := s.editTargets(ctx, tx, c, by, job, []targetEdit{{&from, rec}}); err != nil {
		return out, err
	}
	out = showTarget(*rec)
	return out, s.event(ctx, tx, by, "update", targetObject(id), job.Node, before, out)
}

func targetDiffers(a, b *TargetRecord) bool {
	return a.Name != b.Name || a.Remark != b.Remark || a.Addr != b.Addr ||
		!maps.Equal(a.Labels, b.Labels) || !slices.Equal(a.Tags, b.Tags)
}

// DeleteTarget deletes a target.
func (s *Service) DeleteTarget(ctx context.Context, by Principal, id int64, match Match) error {
	return s.update(ctx, func(tx Tx, c *change) error { return s.deleteTarget(ctx, tx, c, by, id, match) })
}

func (s *Service) deleteTarget(ctx context.Context, tx Tx, c *change, by Principal, id int64, match Match) error {
	rec, job, err := liveTarget(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := match.check(rec.Version); err != nil {
		return err
	}
	if err := job.targetsEditable(); err != nil {
		return err
	}
	before := showTarget(*rec)
	from, now := *rec, s.now()
	rec.DeletedAt, rec.UpdatedAt = &now, now
	if err := s.editTargets(ctx, tx, c, by, job, []targetEdit{{&from, rec}}); err != nil {
		return err
	}
	return s.event(ctx, tx, by, "delete", targetObject(id), job.Node, before, nil)
}

// RestoreTarget undoes the deletion of a target.
func (s *Service) RestoreTarget(ctx context.Context, by Principal, id int64) (out promfleet.Target, err error) {
	err = s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.restoreTarget(ctx, tx, c, by, id)
		return err
	})
	return out, err
}

func (s *Service) restoreTarget(ctx context.Context, tx Tx, c *change, by Principal, id int64) (out promfleet.Target, err error) {
	rec, err := tx.Target(ctx, id)
	if _, err = found(rec, err, "target", id); err != nil {
		return out, err
	}
	if rec.DeletedAt == nil {
		return out, promfleet.Errorf(promfleet.Conflict, "target %d is not deleted", id)
	}
	job, err := liveJob(ctx, tx, rec.Job)
	if promfleet.ErrorCode(err) == promfleet.NotFound {
		return out, promfleet.Errorf(promfleet.Conflict, "the job of target %d is deleted; restore that first", id)
	}
	if err != nil {
		return out, err
	}
	if err := job.targetsEditable(); err != nil {
		return out, err
	}
	from := *rec
	rec.DeletedAt, rec.UpdatedAt = nil, s.now()
	if err := targetCollision(ctx, tx, rec); err != nil {
		return out, err
	}
	if err := s.editTargets(ctx, tx, c, by, job, []targetEdit{{&from, rec}}); err != nil {
		return out, err
	}
	out = showTarget(*rec)
	return out, s.event(ctx, tx, by, "restore", targetObject(id), job.Node, nil, out)
}
