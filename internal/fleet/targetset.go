package fleet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/render"
)

// JobTargets gives all live targets of a job, sorted by addr, then name, and the
// version of the set.
func (s *Service) JobTargets(ctx context.Context, job int64) (targets []promfleet.Target, version int64, err error) {
	err = s.view(ctx, func(tx Tx) error {
		if _, err := liveJob(ctx, tx, job); err != nil {
			return err
		}
		recs, err := tx.TargetsInRange(ctx, job, everything.Lo, everything.Hi())
		if err != nil {
			return err
		}
		targets = make([]promfleet.Target, len(recs))
		for i := range recs {
			if targets[i], err = showTarget(recs[i]); err != nil {
				return err
			}
		}
		slices.SortFunc(targets, func(a, b promfleet.Target) int {
			return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.Name, b.Name))
		})
		version = setVersion(recs)
		return nil
	})
	return targets, version, err
}

// setVersion tells a set of targets apart from what it becomes by any edit: it is
// a hash over their ids and versions.
func setVersion(recs []TargetRecord) int64 {
	ids := make([]string, len(recs))
	for i, r := range recs {
		ids[i] = fmt.Sprintf("%d.%d", r.ID, r.Version)
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, ",")))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// setEvent is what an event shows of a replaced set: the targets that changed, the
// first maxSetEvent of them.
type setEvent struct {
	Summary *promfleet.TargetSetChange `json:"summary,omitempty"`
	Targets []promfleet.Target         `json:"targets"`
	More    int                        `json:"more,omitempty"`
}

const maxSetEvent = 1000

func (e *setEvent) add(rec TargetRecord) error {
	if len(e.Targets) == maxSetEvent {
		e.More++
		return nil
	}
	t, err := showTarget(rec)
	e.Targets = append(e.Targets, t)
	return err
}

// ReplaceTargets makes the live targets of a job those given, told apart by addr
// and name, all or nothing.
func (s *Service) ReplaceTargets(ctx context.Context, by Principal, jobID int64, match Match, in []promfleet.TargetInput) (done promfleet.TargetSetChange, version int64, err error) {
	if err := validateSet(jobID, in); err != nil {
		return done, 0, err
	}
	err = s.update(ctx, func(tx Tx, c *change) error {
		done = promfleet.TargetSetChange{}
		before, after := setEvent{}, setEvent{Summary: &done}
		job, err := liveJob(ctx, tx, jobID)
		if err != nil {
			return err
		}
		recs, err := tx.TargetsInRange(ctx, jobID, everything.Lo, everything.Hi())
		if err != nil {
			return err
		}
		version = setVersion(recs)
		if err := match.check(version); err != nil {
			return err
		}
		now := s.now()
		var set []TargetRecord // as it becomes
		have := make(map[identity]*TargetRecord, len(recs))
		for i := range recs {
			have[identityOf(recs[i].Addr, recs[i].Name)] = &recs[i]
		}
		var moves []moved
		var create []*TargetRecord
		for _, t := range in {
			id := identityOf(t.Addr, t.Name)
			rec := have[id]
			delete(have, id)
			if rec == nil {
				rec = &TargetRecord{Target: promfleet.Target{Job: jobID, Name: t.Name, Remark: t.Remark, Addr: t.Addr, Labels: t.Labels,
					Tags: t.Tags, CreatedAt: now, UpdatedAt: now, Version: 1}, Split: render.KeyOf(t.Labels, t.Addr, t.Name)}
				create = append(create, rec)
				moves = append(moves, moved{rec.Split, 1})
				continue
			}
			from := *rec
			rec.Remark, rec.Labels, rec.Tags, rec.Split = t.Remark, t.Labels, t.Tags, render.KeyOf(t.Labels, t.Addr, t.Name)
			if !targetDiffers(&from, rec) {
				done.Kept++
				set = append(set, from)
				continue
			}
			rec.UpdatedAt = now
			if err := tx.UpdateTarget(ctx, rec); err != nil {
				return err
			}
			done.Updated++
			set = append(set, *rec)
			if err := errors.Join(before.add(from), after.add(*rec)); err != nil {
				return err
			}
			moves = append(moves, s.moves(job, &from, rec)...)
		}
		for i := range recs {
			rec := &recs[i]
			if have[identityOf(rec.Addr, rec.Name)] == nil {
				continue
			}
			if err := before.add(*rec); err != nil {
				return err
			}
			rec.DeletedAt, rec.UpdatedAt = &now, now
			if err := tx.UpdateTarget(ctx, rec); err != nil {
				return err
			}
			done.Deleted++
			moves = append(moves, moved{rec.Split, -1})
		}
		if err := tx.InsertTargets(ctx, create); err != nil {
			return err
		}
		done.Created = len(create)
		for _, rec := range create {
			set = append(set, *rec)
			if err := after.add(*rec); err != nil {
				return err
			}
		}
		if done.Created+done.Updated+done.Deleted == 0 {
			return nil
		}
		if err := s.moveTargets(ctx, tx, c, job, moves); err != nil {
			return err
		}
		version = setVersion(set)
		return s.event(ctx, tx, by, "update", jobObject(jobID)+"/targets", job.Node, before, after)
	})
	return done, version, err
}

// identity tells the targets of a job apart.
type identity struct{ addr, name string }

func identityOf(addr, name string) identity { return identity{addr, name} }

// validateSet checks targets that are to stand beside one another.
func validateSet(job int64, in []promfleet.TargetInput) error {
	var f fields
	seen := make(map[identity]int, len(in))
	byLabels := make(map[string]int, len(in))
	for i := range in {
		at := fmt.Sprintf("body[%d].", i)
		f.target(at, &in[i])
		if in[i].Job != 0 && in[i].Job != job {
			f.add(at+"job", "is not the job of this call")
		}
		id := identityOf(in[i].Addr, in[i].Name)
		if first, ok := seen[id]; ok {
			f.add(at+"addr", "the same addr and name as body[%d]", first)
		}
		seen[id] = i
		labels, err := json.Marshal(in[i].Labels)
		if err != nil {
			return err
		}
		k := in[i].Addr + "\x00" + string(labels)
		if first, ok := byLabels[k]; ok && in[first].Name != in[i].Name {
			f.add(at+"labels", "the same addr and labels as body[%d]: Prometheus would merge the two", first)
		}
		byLabels[k] = i
		if len(f) >= 100 {
			f.add("body", "and so on: only the first errors are told")
			break
		}
	}
	return f.err()
}
