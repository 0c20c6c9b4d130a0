package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"promfleet"
)

// RevertEvent undoes one event of a node, job, target, set of targets or tag: as
// long as what it wrote still stands as it left it. Undoing is an event of its own,
// which can be undone too.
func (s *Service) RevertEvent(ctx context.Context, by Principal, id int64) error {
	return s.update(ctx, func(tx Tx, c *change) error {
		e, err := tx.Event(ctx, id)
		if _, err = found(e, err, "event", id); err != nil {
			return err
		}
		by.reverts = id
		err = s.revert(ctx, tx, c, by, e)
		var bad *promfleet.Error
		if errors.As(err, &bad) && bad.Code == promfleet.Invalid { // about a body that the caller has not sent
			err = promfleet.Errorf(promfleet.Conflict, "event %d cannot be undone any more: what it left behind is not valid now (%s)", id, bad.Fields[0].Message)
		}
		return err
	})
}

func (s *Service) revert(ctx context.Context, tx Tx, c *change, by Principal, e *EventRecord) error {
	kind, name, _ := strings.Cut(e.Object, "/")
	number, sub, _ := strings.Cut(name, "/")
	object, _ := strconv.ParseInt(number, 10, 64)
	r := reverting{s: s, tx: tx, c: c, by: by, event: e, id: object}
	undo := map[string]func(context.Context) error{"job": r.job, "target": r.target, "tag": r.tag,
		"node": func(ctx context.Context) error { return r.node(ctx, name) }}[kind]
	if kind == "job" && sub == "targets" {
		undo = r.set
	}
	if undo == nil || e.Action == "register" || e.Action == "confirm" {
		return promfleet.Errorf(promfleet.Conflict, "event %d is %s of %s, which cannot be undone", e.ID, e.Action, e.Object)
	}
	if sub == "" { // later edits of a set may be of other targets
		later, err := tx.EventsAbove(ctx, e.Object, e.ID, 1)
		if err != nil {
			return err
		}
		if len(later) > 0 {
			return promfleet.Errorf(promfleet.Conflict, "%s was changed since, by event %d; undo that first", e.Object, later[0].ID)
		}
	}
	return undo(ctx)
}

type reverting struct {
	s     *Service
	tx    Tx
	c     *change
	by    Principal
	event *EventRecord
	id    int64 // of the object
}

// moved says that the object is not any more as the event left it: something was
// done to it that counts as an event of another one, as the edit of a whole set.
func (r *reverting) moved() error {
	return promfleet.Errorf(promfleet.Conflict, "%s is not any more as event %d left it; change it by hand", r.event.Object, r.event.ID)
}

// stands refuses if the object, as the API shows it now, is not what the event left.
// The event may be older than some of the fields.
func stands[T any](r *reverting, now T) error {
	var left T
	if err := json.Unmarshal(r.event.After, &left); err != nil {
		return err
	}
	a, err := marshal(now)
	if err != nil {
		return err
	}
	b, err := marshal(left)
	if err != nil {
		return err
	}
	if string(a) != string(b) {
		return r.moved()
	}
	return nil
}

// handed refuses to undo an event that changed who manages the object.
func (r *reverting) handed(before, after string) error {
	if before == after {
		return nil
	}
	return promfleet.Errorf(promfleet.Conflict, "event %d changed who manages %s, which cannot be undone: apply the files again, or release it", r.event.ID, r.event.Object)
}

// gone refuses if an object that the event deleted is there.
func (r *reverting) gone(deleted bool) error {
	if !deleted {
		return r.moved()
	}
	return nil
}

func (r *reverting) node(ctx context.Context, uuid string) error {
	rec, err := r.tx.Node(ctx, uuid)
	if err != nil {
		return err
	}
	if r.event.After == nil {
		if err := r.gone(rec.DeletedAt != nil); err != nil {
			return err
		}
		_, err := r.s.restoreNode(ctx, r.tx, r.by, uuid)
		return err
	}
	now, err := r.s.nodeEvent(*rec)
	if err != nil {
		return err
	}
	if rec.DeletedAt != nil {
		return r.moved()
	}
	if err := stands(r, now); err != nil {
		return err
	}
	if r.event.Before == nil {
		return r.s.deleteNode(ctx, r.tx, r.c, r.by, uuid, nil)
	}
	var before nodeEvent
	if err := json.Unmarshal(r.event.Before, &before); err != nil {
		return err
	}
	if err := rec.editable(); err != nil {
		return err
	}
	if err := r.handed(before.ManagedBy, rec.ManagedBy); err != nil {
		return err
	}
	base, err := r.s.open(r.event.SealedBefore, baseContext(uuid))
	if err != nil {
		return err
	}
	contacts, err := r.tx.LiveContacts(ctx, before.Contacts)
	if err != nil {
		return err
	}
	_, err = r.s.changeNode(ctx, r.tx, r.c, r.by, uuid, nil, func(was promfleet.NodeInput) (promfleet.NodeInput, error) {
		return promfleet.NodeInput{Tags: before.Tags, BaseConfig: base.Text, Contacts: contacts, ManagedBy: was.ManagedBy}, nil
	})
	return err
}

func (r *reverting) job(ctx context.Context) error {
	rec, err := r.tx.Job(ctx, r.id)
	if err != nil {
		return err
	}
	if r.event.After == nil {
		if err := r.gone(rec.DeletedAt != nil); err != nil {
			return err
		}
		_, err := r.s.restoreJob(ctx, r.tx, r.c, r.by, r.id)
		return err
	}
	now, err := r.s.showJob(*rec)
	if err != nil {
		return err
	}
	if err := stands(r, now); err != nil {
		return err
	}
	if r.event.Before == nil {
		return r.s.deleteJob(ctx, r.tx, r.c, r.by, r.id, nil)
	}
	var before promfleet.Job
	if err := json.Unmarshal(r.event.Before, &before); err != nil {
		return err
	}
	if err := rec.editable(); err != nil {
		return err
	}
	if err := errors.Join(r.handed(before.ManagedBy, rec.ManagedBy), r.handed(before.TargetsManagedBy, rec.TargetsManagedBy)); err != nil {
		return err
	}
	config, err := r.s.open(r.event.SealedBefore, jobContext(rec.Node))
	if err != nil {
		return err
	}
	contacts, err := r.tx.LiveContacts(ctx, before.Contacts)
	if err != nil {
		return err
	}
	_, err = r.s.changeJobIn(ctx, r.tx, r.c, r.by, r.id, nil, func(was promfleet.Job) (promfleet.JobInput, error) {
		return promfleet.JobInput{Key: before.Key, JobName: before.JobName, Remark: before.Remark,
			ScrapeConfig: json.RawMessage(config.Text), Contacts: contacts, ManagedBy: &was.ManagedBy, TargetsManagedBy: &was.TargetsManagedBy}, nil
	})
	return err
}

func (r *reverting) target(ctx context.Context) error {
	rec, err := r.tx.Target(ctx, r.id)
	if err != nil {
		return err
	}
	var before promfleet.Target
	if r.event.Before != nil {
		if err := json.Unmarshal(r.event.Before, &before); err != nil {
			return err
		}
	}
	was := TargetRecord{Target: before}
	if r.event.After == nil {
		if live(rec) || targetDiffers(rec, &was) {
			return r.moved()
		}
		_, err := r.s.restoreTarget(ctx, r.tx, r.c, r.by, r.id)
		return err
	}
	if err := stands(r, showTarget(*rec)); err != nil {
		return err
	}
	if r.event.Before == nil {
		return r.s.deleteTarget(ctx, r.tx, r.c, r.by, r.id, nil)
	}
	_, err = r.s.changeTargetIn(ctx, r.tx, r.c, r.by, r.id, nil, func(promfleet.Target) (promfleet.TargetInput, error) {
		return was.input(), nil
	})
	return err
}

// set undoes an edit of many targets of a job.
func (r *reverting) set(ctx context.Context) error {
	job, err := liveJob(ctx, r.tx, r.id)
	if err != nil {
		return err
	}
	if err := job.targetsEditable(); err != nil {
		return err
	}
	var before, after setEvent
	if err := errors.Join(json.Unmarshal(r.event.Before, &before), json.Unmarshal(r.event.After, &after)); err != nil {
		return err
	}
	if before.More+after.More > 0 {
		return promfleet.Errorf(promfleet.Conflict, "event %d changed more targets than an event keeps; it cannot be undone", r.event.ID)
	}
	was := make(map[int64]promfleet.Target, len(before.Targets))
	for _, t := range before.Targets {
		was[t.ID] = t
	}
	left := make(map[int64]promfleet.Target, len(after.Targets))
	for _, t := range after.Targets {
		left[t.ID] = t
	}
	var edits []targetEdit
	done := promfleet.TargetSetChange{}
	for _, id := range slices.Sorted(maps.Keys(merged(was, left))) {
		from, err := r.tx.Target(ctx, id)
		if err != nil {
			return err
		}
		if err := r.standsIn(from, left); err != nil {
			return err
		}
		to := *from
		to.UpdatedAt = r.s.now()
		old, had := was[id]
		if had {
			to.set(promfleet.TargetInput{Name: old.Name, Remark: old.Remark, Addr: old.Addr, Labels: old.Labels, Tags: old.Tags})
		}
		switch {
		case !had:
			to.DeletedAt = &to.UpdatedAt
			done.Deleted++
		case live(from):
			done.Updated++
		default:
			to.DeletedAt = nil
			done.Created++
		}
		edits = append(edits, targetEdit{from, &to})
	}
	recs, err := r.tx.TargetsInRange(ctx, r.id, everything.Lo, everything.Hi())
	if err != nil {
		return err
	}
	if err := distinct(recs, edits, func(*TargetRecord) string { return "body" }); err != nil {
		return err
	}
	return r.s.editSet(ctx, r.tx, r.c, r.by, job, edits, &done)
}

// standsIn refuses if a target is not any more as the event left it: deleted, or
// as left has it.
func (r *reverting) standsIn(rec *TargetRecord, left map[int64]promfleet.Target) error {
	want, there := left[rec.ID]
	if live(rec) != there {
		return r.moved()
	}
	if !there {
		return nil
	}
	a, err := marshal(showTarget(*rec))
	if err != nil {
		return err
	}
	b, err := marshal(want)
	if err != nil {
		return err
	}
	if string(a) != string(b) {
		return r.moved()
	}
	return nil
}
