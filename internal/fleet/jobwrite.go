package fleet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"promfleet"
	"promfleet/internal/render"
)

// insertJob writes a new job with its first targets.
func (s *Service) insertJob(ctx context.Context, tx Tx, c *change, by Principal, rec *JobRecord, targets []*TargetRecord) (out promfleet.Job, err error) {
	if err := tx.InsertJob(ctx, rec); err != nil {
		return out, err
	}
	j, err := s.editJob(ctx, tx, c, by, rec)
	if err != nil {
		return out, err
	}
	j.isNew = true
	if len(targets) > 0 {
		for _, t := range targets {
			t.Job = rec.ID
		}
		if err := tx.InsertTargets(ctx, targets); err != nil {
			return out, err
		}
		rec.SetVersion++
		for _, t := range targets {
			j.fresh = append(j.fresh, *t)
		}
		slices.SortFunc(j.fresh, func(a, b TargetRecord) int {
			return cmp.Or(bytes.Compare(a.Split[:], b.Split[:]), cmp.Compare(a.ID, b.ID))
		})
	}
	if err := s.rerenderRange(ctx, tx, j, everything); err != nil {
		return out, err
	}
	err = s.jobWritten(ctx, tx, c, j, "create", nil, nil, &out)
	return out, err
}

// releasedJob says who manages a job and its targets after a write. Who writes a
// job that stays managed may only release its targets.
func releasedJob(rec *JobRecord, in promfleet.JobInput) (manager, targets string, err error) {
	if manager, err = released("body.managed_by", rec.ManagedBy, in.ManagedBy); err != nil {
		return "", "", err
	}
	if targets, err = released("body.targets_managed_by", rec.TargetsManagedBy, in.TargetsManagedBy); err != nil {
		return "", "", err
	}
	return manager, targets, nil
}

// writeJob writes a job that has changed, and what that changes of its parts, and
// records it. was is its record before, before what was shown of it, old its
// configuration then.
func (s *Service) writeJob(ctx context.Context, tx Tx, c *change, by Principal, rec *JobRecord, was JobRecord, before promfleet.Job, old sealed) (out promfleet.Job, err error) {
	rec.UpdatedAt = s.now()
	if err := tx.UpdateJob(ctx, rec); err != nil {
		return out, err
	}
	metaChanged := render.MetaSeen(json.RawMessage(old.Text)) != render.MetaSeen(plainOf(s, rec))
	if err := s.jobChanged(ctx, tx, c, by, "update", rec, &before, was.SealedScrapeConfig, metaChanged, &out); err != nil {
		return out, err
	}
	if was.Key != rec.Key {
		return out, tx.EndHistory(ctx, rec.Node, render.IndexName(was.Key), c.raised[rec.Node])
	}
	return out, nil
}

// plainConfig gives the one spelling of a scrape_config, with the secrets of old
// where it says Masked.
func plainConfig(config json.RawMessage, old sealed) (json.RawMessage, error) {
	config, err := unmaskJSON(config, old)
	if err != nil {
		return nil, err
	}
	return render.Canonical(config)
}

// givenSecrets refuses a scrape_config with secrets that stand for none.
func givenSecrets(config json.RawMessage, secrets []string) error {
	doc, err := decodeJSON(string(config))
	if err != nil {
		return err
	}
	return stillMasked(func(p string) (value string) {
		replaceJSON(doc, p, func(v any) any { value, _ = v.(string); return v })
		return value
	}, secrets, "body.scrape_config")
}

// jobChanged renders what a written job changes, records the event, and shows the job.
func (s *Service) jobChanged(ctx context.Context, tx Tx, c *change, by Principal, action string, rec *JobRecord, before *promfleet.Job, sealedBefore []byte, pieces bool, out *promfleet.Job) error {
	j, err := s.editJob(ctx, tx, c, by, rec)
	if err != nil {
		return err
	}
	if pieces {
		if err := s.rerenderRange(ctx, tx, j, everything); err != nil {
			return err
		}
	}
	return s.jobWritten(ctx, tx, c, j, action, before, sealedBefore, out)
}

// jobWritten gives a job whose pieces are rendered its index, records the event, and
// shows the job.
func (s *Service) jobWritten(ctx context.Context, tx Tx, c *change, j *editedJob, action string, before *promfleet.Job, sealedBefore []byte, out *promfleet.Job) (err error) {
	rec := j.rec
	if err := s.finish(ctx, tx, c, j); err != nil {
		return err
	}
	if *out, err = s.showJob(*rec); err != nil {
		return err
	}
	var was any
	if before != nil {
		was = before
	}
	e := EventRecord{Event: promfleet.Event{Action: action, Object: jobObject(rec.ID), Node: rec.Node}, SealedBefore: sealedBefore}
	err = s.insertEvent(ctx, tx, j.by, e, was, out)
	*out = counted(*out, rec)
	return err
}
