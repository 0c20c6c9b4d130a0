package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"promfleet"
)

// TargetSet is what is known of the targets of a job before they are read.
type TargetSet struct {
	Version int64
	// Labels gives the names of all labels that are used, sorted.
	Labels func() ([]string, error)
}

// readBatch is how many targets are read at a time.
const readBatch = 1000

// JobTargets gives all live targets of a job, sorted by addr, then name
// (bytewise), as they are read: begin once, then each for every one.
func (s *Service) JobTargets(ctx context.Context, job int64, begin func(TargetSet) error, each func(promfleet.Target) error) error {
	return s.view(ctx, func(tx Tx) error {
		rec, err := liveJob(ctx, tx, job)
		if err != nil {
			return err
		}
		set := TargetSet{Version: rec.SetVersion, Labels: func() ([]string, error) { return tx.LabelNames(ctx, job) }}
		if err := begin(set); err != nil {
			return err
		}
		var addr, name string
		for {
			recs, err := tx.TargetsAfter(ctx, job, addr, name, readBatch)
			if err != nil {
				return err
			}
			for _, r := range recs {
				if err := each(showTarget(r)); err != nil {
					return err
				}
			}
			if len(recs) < readBatch {
				return nil
			}
			addr, name = recs[len(recs)-1].Addr, recs[len(recs)-1].Name
		}
	})
}

// setEvent is what an event shows of an edited set: the targets that changed, as
// many as fit.
type setEvent struct {
	Summary *promfleet.TargetSetChange `json:"summary,omitempty"`
	Targets []promfleet.Target         `json:"targets"`
	More    int                        `json:"more,omitempty"`

	size int
}

// The bounds of what an event keeps of an edited set. The size is in bytes.
const (
	maxSetEvent     = 1000
	maxSetEventSize = 256 << 10
)

func (e *setEvent) add(rec *TargetRecord) error {
	if !live(rec) {
		return nil
	}
	t := showTarget(*rec)
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if e.size += len(b); e.More > 0 || len(e.Targets) == maxSetEvent || e.size > maxSetEventSize {
		e.More++
		return nil
	}
	e.Targets = append(e.Targets, t)
	return nil
}

// GivenTargets are to be the whole set of a job, or a part of it.
type GivenTargets struct {
	Targets []promfleet.TargetInput
	// At says where in the input the i-th stands, as body[3] or line[4].
	At func(i int) string
}

// ReplaceTargets makes the live targets of a job those given, told apart by addr
// and name, all or nothing.
func (s *Service) ReplaceTargets(ctx context.Context, by Principal, jobID int64, match Match, in GivenTargets) (promfleet.TargetSetChange, int64, error) {
	return s.setTargets(ctx, by, jobID, match, in, true)
}

// UpsertTargets creates the targets given that a job has not, told apart by addr
// and name, and changes those that it has, all or nothing. Others stay.
func (s *Service) UpsertTargets(ctx context.Context, by Principal, jobID int64, match Match, in GivenTargets) (promfleet.TargetSetChange, int64, error) {
	return s.setTargets(ctx, by, jobID, match, in, false)
}

func (s *Service) setTargets(ctx context.Context, by Principal, jobID int64, match Match, in GivenTargets, whole bool) (done promfleet.TargetSetChange, version int64, err error) {
	if err := validateSet(jobID, in); err != nil {
		return done, 0, err
	}
	err = s.update(ctx, func(tx Tx, c *change) error {
		done = promfleet.TargetSetChange{}
		job, err := liveJob(ctx, tx, jobID)
		if err != nil {
			return err
		}
		version = job.SetVersion
		if err := match.check(version); err != nil {
			return err
		}
		if err := job.targetsEditable(); err != nil {
			return err
		}
		recs, err := s.standing(ctx, tx, jobID, in.Targets, whole)
		if err != nil {
			return err
		}
		var edits []targetEdit
		edits, done = s.setEdits(jobID, recs, in.Targets, whole)
		if !whole {
			given := make(map[identity]int, len(in.Targets))
			for i, t := range in.Targets {
				given[identity{t.Addr, t.Name}] = i
			}
			at := func(r *TargetRecord) string { return in.At(given[identityOf(r)]) }
			if err := distinct(recs, edits, at); err != nil {
				return err
			}
		}
		if len(edits) == 0 {
			return nil
		}
		if err := s.editSet(ctx, tx, c, by, job, edits, &done); err != nil {
			return err
		}
		version = job.SetVersion
		return nil
	})
	return done, version, err
}

// setEdits says what makes the targets of a job those given, told apart by addr and
// name; of the others, whole deletes all.
func (s *Service) setEdits(job int64, recs []TargetRecord, in []promfleet.TargetInput, whole bool) (edits []targetEdit, done promfleet.TargetSetChange) {
	now := s.now()
	have := make(map[identity]*TargetRecord, len(recs))
	for i := range recs {
		have[identityOf(&recs[i])] = &recs[i]
	}
	for _, t := range in {
		id := identity{t.Addr, t.Name}
		from := have[id]
		delete(have, id)
		if from == nil {
			edits = append(edits, targetEdit{to: s.newTarget(job, t)})
			done.Created++
			continue
		}
		to := *from
		to.set(t)
		if !targetDiffers(from, &to) {
			done.Kept++
			continue
		}
		to.UpdatedAt = now
		edits = append(edits, targetEdit{from, &to})
		done.Updated++
	}
	for i := range recs {
		from := &recs[i]
		if !whole || have[identityOf(from)] == nil {
			continue
		}
		to := *from
		to.DeletedAt, to.UpdatedAt = &now, now
		edits = append(edits, targetEdit{from, &to})
		done.Deleted++
	}
	return edits, done
}

// standing gives the targets of a job that an input may change: all of them, or
// those with its addresses.
func (s *Service) standing(ctx context.Context, tx Tx, job int64, in []promfleet.TargetInput, whole bool) ([]TargetRecord, error) {
	const few = 200 // reading all is faster for more
	if whole || len(in) > few {
		return tx.TargetsInRange(ctx, job, everything.Lo, everything.Hi())
	}
	addrs := map[string]bool{}
	var all []TargetRecord
	for _, t := range in {
		if addrs[t.Addr] {
			continue
		}
		addrs[t.Addr] = true
		recs, err := tx.TargetsByAddr(ctx, job, t.Addr)
		if err != nil {
			return nil, err
		}
		all = append(all, recs...)
	}
	return all, nil
}

// editSet writes edits of the targets of a job as one event.
func (s *Service) editSet(ctx context.Context, tx Tx, c *change, by Principal, job *JobRecord, edits []targetEdit, done *promfleet.TargetSetChange) error {
	if err := s.editTargets(ctx, tx, c, by, job, edits); err != nil {
		return err
	}
	return s.setEdited(ctx, tx, by, job, edits, done)
}

// setEdited records edits of the targets of a job as one event.
func (s *Service) setEdited(ctx context.Context, tx Tx, by Principal, job *JobRecord, edits []targetEdit, done *promfleet.TargetSetChange) error {
	before, after := setEvent{Targets: []promfleet.Target{}}, setEvent{Summary: done, Targets: []promfleet.Target{}}
	for _, e := range edits {
		if err := before.add(e.from); err != nil {
			return err
		}
		if err := after.add(e.to); err != nil {
			return err
		}
	}
	return s.event(ctx, tx, by, "update", setObject(job.ID), job.Node, before, after)
}

func setObject(job int64) string { return jobObject(job) + "/targets" }

// identity tells the targets of a job apart.
type identity struct{ addr, name string }

func identityOf(r *TargetRecord) identity { return identity{r.Addr, r.Name} }

// maxToldErrors bounds how many errors of a set are told at once.
const maxToldErrors = 100

// validateSet checks targets that are to stand beside one another.
func validateSet(job int64, in GivenTargets) error {
	var f fields
	seen := make(map[identity]int, len(in.Targets))
	byLabels := make(map[string]int, len(in.Targets))
	for i := range in.Targets {
		t, at := &in.Targets[i], in.At(i)
		f.target(at+".", t)
		if t.Job != 0 && t.Job != job {
			f.add(at+".job", "is not the job of this call")
		}
		id := identity{t.Addr, t.Name}
		if first, ok := seen[id]; ok {
			f.add(at+".addr", "the same addr and name as %s", in.At(first))
		}
		seen[id] = i
		k := t.Addr + "\x00" + labelsKey(t.Labels)
		if first, ok := byLabels[k]; ok && in.Targets[first].Name != t.Name {
			f.add(at+".labels", "the same addr and labels as %s: Prometheus would merge the two", in.At(first))
		}
		byLabels[k] = i
		if len(f) >= maxToldErrors {
			f.add("body", "and so on: only the first errors are told")
			break
		}
	}
	return f.err()
}

// MaxBulk is how many targets a filter may select for one patch, MaxSet how many may
// be given as one set.
const (
	MaxBulk = 100_000
	MaxSet  = 200_000
)

// PatchTargets changes all targets that a query selects, all or nothing.
func (s *Service) PatchTargets(ctx context.Context, by Principal, q TargetQuery, in promfleet.TargetsPatch) (done promfleet.TargetsPatched, err error) {
	if len(q.IDs) == 0 && q.Job == 0 && q.Node == "" && len(q.Tags) == 0 && q.Addr == "" && q.Q == "" {
		return done, promfleet.BadField("query", "selects everything; give at least one of id, job, node, tag, addr, q")
	}
	if err := validatePatch(&in); err != nil {
		return done, err
	}
	err = s.update(ctx, func(tx Tx, c *change) error {
		done = promfleet.TargetsPatched{}
		byJob := map[int64][]targetEdit{}
		var after int64
		for {
			recs, err := tx.TargetsMatching(ctx, q, after, readBatch)
			if err != nil {
				return err
			}
			for i := range recs {
				done.Matched++
				from := &recs[i]
				to, err := s.patched(*from, in)
				if err != nil {
					return err
				}
				if in.Deleted || targetDiffers(from, to) {
					byJob[from.Job] = append(byJob[from.Job], targetEdit{from, to})
					done.Updated++
				}
			}
			if done.Matched > MaxBulk {
				return promfleet.Errorf(promfleet.TooLarge, "the filter selects more than %d targets; narrow it, by job for example", MaxBulk)
			}
			if len(recs) < readBatch {
				break
			}
			after = recs[len(recs)-1].ID
		}
		for _, id := range slices.Sorted(maps.Keys(byJob)) {
			job, err := liveJob(ctx, tx, id)
			if err != nil {
				return err
			}
			if err := job.targetsEditable(); err != nil {
				return err
			}
			edits := byJob[id]
			if len(in.Labels) > 0 {
				changed := make([]promfleet.TargetInput, len(edits))
				for i, e := range edits {
					changed[i] = e.to.input()
				}
				recs, err := s.standing(ctx, tx, id, changed, false)
				if err != nil {
					return err
				}
				if err := distinct(recs, edits, func(*TargetRecord) string { return "body" }); err != nil {
					return err
				}
			}
			if err := s.editSet(ctx, tx, c, by, job, edits, summary(in, len(edits))); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

func validatePatch(in *promfleet.TargetsPatch) error {
	var f fields
	set := map[string]string{}
	for name, value := range in.Labels {
		if value != nil {
			set[name] = *value
		}
	}
	f.labels("body.labels", set)
	in.AddTags, in.RemoveTags = f.tags("body.add_tags", in.AddTags), f.tags("body.remove_tags", in.RemoveTags)
	for _, t := range in.AddTags {
		if slices.Contains(in.RemoveTags, t) {
			f.add("body.remove_tags", "%q is to be added too", t)
		}
	}
	if in.Remark != nil {
		f.text("body.remark", *in.Remark, MaxRemark, true)
	}
	changes := len(in.Labels) > 0 || len(in.AddTags) > 0 || len(in.RemoveTags) > 0 || in.Remark != nil
	switch {
	case in.Deleted && changes:
		f.add("body.deleted", "what is deleted cannot be changed too; give deleted alone")
	case !in.Deleted && !changes:
		f.add("body", "changes nothing; give labels, add_tags, remove_tags, remark or deleted")
	}
	return f.err()
}

func summary(in promfleet.TargetsPatch, n int) *promfleet.TargetSetChange {
	if in.Deleted {
		return &promfleet.TargetSetChange{Deleted: n}
	}
	return &promfleet.TargetSetChange{Updated: n}
}

// patched gives a target as a patch makes it.
func (s *Service) patched(rec TargetRecord, in promfleet.TargetsPatch) (*TargetRecord, error) {
	now := s.now()
	if in.Deleted {
		rec.DeletedAt, rec.UpdatedAt = &now, now
		return &rec, nil
	}
	t := rec.input()
	t.Labels = maps.Clone(t.Labels)
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	for name, value := range in.Labels {
		if value == nil || *value == "" { // to Prometheus an empty label is none
			delete(t.Labels, name)
		} else {
			t.Labels[name] = *value
		}
	}
	t.Tags = slices.DeleteFunc(slices.Concat(t.Tags, in.AddTags), func(tag string) bool { return slices.Contains(in.RemoveTags, tag) })
	if in.Remark != nil {
		t.Remark = *in.Remark
	}
	var f fields
	f.labels("body.labels", t.Labels)
	t.Tags = f.tags("body.add_tags", t.Tags)
	if f.err() != nil {
		return nil, &promfleet.Error{Code: promfleet.Invalid, Message: fmt.Sprintf("target %d (%s) would not be valid", rec.ID, rec.Addr), Fields: f}
	}
	rec.set(t)
	rec.UpdatedAt = now
	return &rec, nil
}
