package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"promfleet"
	"promfleet/internal/render"
)

func targetObject(id int64) string { return fmt.Sprintf("target/%d", id) }

func showTarget(rec TargetRecord) (promfleet.Target, error) {
	t := rec.Target
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	if t.Tags == nil {
		t.Tags = []string{}
	}
	return t, nil
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
		page, err = convert(p, showTarget)
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
		target, err = showTarget(*rec)
		return err
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
		rec := &TargetRecord{Target: promfleet.Target{Job: in.Job, CreatedAt: s.now(), Version: 1}}
		if err := setTarget(ctx, tx, rec, in); err != nil {
			return err
		}
		rec.UpdatedAt = rec.CreatedAt
		if err := tx.InsertTargets(ctx, []*TargetRecord{rec}); err != nil {
			return targetCollision(err, in)
		}
		if err := s.moveTargets(ctx, tx, c, job, []moved{{rec.Split, 1}}); err != nil {
			return err
		}
		if out, err = showTarget(*rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "create", targetObject(rec.ID), job.Node, nil, out)
	})
	return out, err
}

// setTarget puts in into rec and checks it against the others of its job with
// the same address: Prometheus would merge two that have the same labels too.
func setTarget(ctx context.Context, tx Tx, rec *TargetRecord, in promfleet.TargetInput) error {
	rec.Name, rec.Remark, rec.Addr, rec.Labels, rec.Tags = in.Name, in.Remark, in.Addr, in.Labels, in.Tags
	rec.Split = render.KeyOf(in.Labels, in.Addr, in.Name)
	others, err := tx.TargetsByAddr(ctx, rec.Job, in.Addr)
	if err != nil {
		return err
	}
	for _, o := range others {
		switch {
		case o.ID == rec.ID:
		case o.Name == in.Name:
			return targetCollision(ErrExists, in)
		case maps.Equal(o.Labels, in.Labels):
			return &promfleet.Error{Code: promfleet.Conflict,
				Message: fmt.Sprintf("target %d has the same addr and labels, and Prometheus would merge the two; give one of them another label", o.ID),
				Fields:  []promfleet.FieldError{{Location: "body.labels", Message: "the same as those of another target with this addr"}}}
		}
	}
	return nil
}

func targetCollision(err error, in promfleet.TargetInput) error {
	if !errors.Is(err, ErrExists) {
		return err
	}
	return &promfleet.Error{Code: promfleet.Conflict, Err: err,
		Message: fmt.Sprintf("the job has a target with addr %q and name %q already; give this one another name", in.Addr, in.Name),
		Fields:  []promfleet.FieldError{{Location: "body.addr", Message: "taken, with this name"}}}
}

// moveTargets renders the pieces in which targets moved.
func (s *Service) moveTargets(ctx context.Context, tx Tx, c *change, job *JobRecord, moves []moved) error {
	if len(moves) == 0 {
		return nil
	}
	j, err := s.editJob(ctx, tx, job)
	if err != nil {
		return err
	}
	if err := s.rerender(ctx, tx, j, moves); err != nil {
		return err
	}
	return s.finish(ctx, tx, c, j)
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

func (s *Service) changeTarget(ctx context.Context, by Principal, id int64, match Match, input func(promfleet.Target) (promfleet.TargetInput, error)) (promfleet.Target, error) {
	var out promfleet.Target
	err := s.update(ctx, func(tx Tx, c *change) error {
		rec, job, err := liveTarget(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := match.check(rec.Version); err != nil {
			return err
		}
		before, err := showTarget(*rec)
		if err != nil {
			return err
		}
		in, err := input(before)
		if err != nil {
			return err
		}
		if in.Job != 0 && in.Job != rec.Job {
			return promfleet.BadField("body.job", "a target stays in its job; create it in the other one")
		}
		var f fields
		if f.target("body.", &in); f.err() != nil {
			return f.err()
		}
		from := *rec
		if err := setTarget(ctx, tx, rec, in); err != nil {
			return err
		}
		if !targetDiffers(&from, rec) {
			out = before
			return nil
		}
		rec.UpdatedAt = s.now()
		if err := tx.UpdateTarget(ctx, rec); err != nil {
			return targetCollision(err, in)
		}
		if err := s.moveTargets(ctx, tx, c, job, s.moves(job, &from, rec)); err != nil {
			return err
		}
		if out, err = showTarget(*rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "update", targetObject(id), job.Node, before, out)
	})
	return out, err
}

func targetDiffers(a, b *TargetRecord) bool {
	return a.Name != b.Name || a.Remark != b.Remark || a.Addr != b.Addr ||
		!maps.Equal(a.Labels, b.Labels) || !slices.Equal(a.Tags, b.Tags)
}

// moves says what a change of one target means for its job's pieces: nothing, if
// only what no file shows has changed.
func (s *Service) moves(job *JobRecord, from, to *TargetRecord) []moved {
	if from.Split != to.Split {
		return []moved{{from.Split, -1}, {to.Split, 1}}
	}
	v, err := s.open(job.SealedScrapeConfig, jobContext(job.Node))
	if meta := render.MetaSeen(json.RawMessage(v.Text)); err == nil && (!meta.Tags || slices.Equal(from.Tags, to.Tags)) {
		return nil
	}
	return []moved{{to.Split, 0}}
}

// DeleteTarget deletes a target.
func (s *Service) DeleteTarget(ctx context.Context, by Principal, id int64, match Match) error {
	return s.update(ctx, func(tx Tx, c *change) error {
		rec, job, err := liveTarget(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := match.check(rec.Version); err != nil {
			return err
		}
		before, err := showTarget(*rec)
		if err != nil {
			return err
		}
		now := s.now()
		rec.DeletedAt, rec.UpdatedAt = &now, now
		if err := tx.UpdateTarget(ctx, rec); err != nil {
			return err
		}
		if err := s.moveTargets(ctx, tx, c, job, []moved{{rec.Split, -1}}); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "delete", targetObject(id), job.Node, before, nil)
	})
}

// RestoreTarget undoes the deletion of a target.
func (s *Service) RestoreTarget(ctx context.Context, by Principal, id int64) (promfleet.Target, error) {
	var out promfleet.Target
	err := s.update(ctx, func(tx Tx, c *change) error {
		rec, err := tx.Target(ctx, id)
		if _, err = found(rec, err, "target", id); err != nil {
			return err
		}
		if rec.DeletedAt == nil {
			return promfleet.Errorf(promfleet.Conflict, "target %d is not deleted", id)
		}
		job, err := liveJob(ctx, tx, rec.Job)
		if promfleet.ErrorCode(err) == promfleet.NotFound {
			return promfleet.Errorf(promfleet.Conflict, "the job of target %d is deleted; restore that first", id)
		}
		if err != nil {
			return err
		}
		in := promfleet.TargetInput{Name: rec.Name, Remark: rec.Remark, Addr: rec.Addr, Labels: rec.Labels, Tags: rec.Tags}
		if err := setTarget(ctx, tx, rec, in); err != nil {
			return err
		}
		rec.DeletedAt, rec.UpdatedAt = nil, s.now()
		if err := tx.UpdateTarget(ctx, rec); err != nil {
			return targetCollision(err, in)
		}
		if err := s.moveTargets(ctx, tx, c, job, []moved{{rec.Split, 1}}); err != nil {
			return err
		}
		if out, err = showTarget(*rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "restore", targetObject(id), job.Node, nil, out)
	})
	return out, err
}
