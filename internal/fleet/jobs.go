package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/render"
)

func jobContext(node string) string { return "scrape_config of " + node }

// showJob gives a job as the API shows it, its secrets masked.
func (s *Service) showJob(rec JobRecord) (promfleet.Job, error) {
	v, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return promfleet.Job{}, fmt.Errorf("job %d: %w", rec.ID, err)
	}
	j := rec.Job
	j.ScrapeConfig, err = maskJSON(v)
	if j.Contacts == nil {
		j.Contacts = []int64{}
	}
	return j, err
}

// counted is a job with how many targets it has.
func counted(j promfleet.Job, rec *JobRecord) promfleet.Job {
	j.TargetCount = new(rec.Targets)
	return j
}

// liveNode gives a node that is not deleted.
func liveNode(ctx context.Context, tx Tx, uuid string) (*NodeRecord, error) {
	n, err := tx.Node(ctx, uuid)
	if err == nil && n.DeletedAt != nil {
		err = ErrNotFound
	}
	return found(n, err, "node", uuid)
}

// liveJob gives a job that is live.
func liveJob(ctx context.Context, tx Tx, id int64) (*JobRecord, error) {
	j, err := tx.Job(ctx, id)
	if err == nil && j.DeletedAt != nil {
		err = ErrNotFound
	}
	if err == nil {
		var n *NodeRecord
		if n, err = tx.Node(ctx, j.Node); err == nil && n.DeletedAt != nil {
			err = promfleet.Errorf(promfleet.NotFound, "the node of job %d is deleted", id)
		}
	}
	return found(j, err, "job", id)
}

// Jobs lists jobs.
func (s *Service) Jobs(ctx context.Context, q JobQuery) (page promfleet.Page[promfleet.Job], err error) {
	err = s.view(ctx, func(tx Tx) error {
		p, err := tx.ListJobs(ctx, q)
		if err != nil {
			return err
		}
		page, err = convert(p, func(rec JobRecord) (promfleet.Job, error) {
			j, err := s.showJob(rec)
			return counted(j, &rec), err
		})
		return err
	})
	return page, err
}

// Job gives one job.
func (s *Service) Job(ctx context.Context, id int64) (job promfleet.Job, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err := liveJob(ctx, tx, id)
		if err != nil {
			return err
		}
		job, err = s.showJob(*rec)
		job = counted(job, rec)
		return err
	})
	return job, err
}

// CreateJob adds a job to a node.
func (s *Service) CreateJob(ctx context.Context, by Principal, in promfleet.JobInput) (promfleet.Job, error) {
	if err := validateJob(&in); err != nil {
		return promfleet.Job{}, err
	}
	var out promfleet.Job
	err := s.update(ctx, func(tx Tx, c *change) error {
		_, err := liveNode(ctx, tx, in.Node)
		if err != nil {
			if promfleet.ErrorCode(err) == promfleet.NotFound {
				return promfleet.BadField("body.node", "there is no node %q", in.Node)
			}
			return err
		}
		rec := &JobRecord{Job: promfleet.Job{Node: in.Node, CreatedAt: s.now(), Version: 1}}
		rec.UpdatedAt = rec.CreatedAt
		if err := s.setJob(ctx, tx, rec, in, sealed{}); err != nil {
			return err
		}
		out, err = s.insertJob(ctx, tx, c, by, rec, nil)
		return err
	})
	return out, err
}

// PutJob replaces what a user sets of a job.
func (s *Service) PutJob(ctx context.Context, by Principal, id int64, match Match, in promfleet.JobInput) (promfleet.Job, error) {
	return s.changeJob(ctx, by, id, match, func(was promfleet.Job) (promfleet.JobInput, error) {
		in.ManagedBy, in.TargetsManagedBy = &was.ManagedBy, &was.TargetsManagedBy
		return in, nil
	})
}

// PatchJob changes a job by a JSON merge patch (RFC 7396).
func (s *Service) PatchJob(ctx context.Context, by Principal, id int64, match Match, patch json.RawMessage) (promfleet.Job, error) {
	return s.changeJob(ctx, by, id, match, func(was promfleet.Job) (promfleet.JobInput, error) {
		return mergePatch(promfleet.JobInput{Node: was.Node, Key: was.Key, JobName: was.JobName,
			Remark: was.Remark, ScrapeConfig: was.ScrapeConfig, Contacts: was.Contacts,
			ManagedBy: &was.ManagedBy, TargetsManagedBy: &was.TargetsManagedBy}, patch)
	})
}

func (s *Service) changeJob(ctx context.Context, by Principal, id int64, match Match, input func(was promfleet.Job) (promfleet.JobInput, error)) (out promfleet.Job, err error) {
	err = s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.changeJobIn(ctx, tx, c, by, id, match, input)
		return err
	})
	return out, err
}

func (s *Service) changeJobIn(ctx context.Context, tx Tx, c *change, by Principal, id int64, match Match, input func(was promfleet.Job) (promfleet.JobInput, error)) (out promfleet.Job, err error) {
	rec, err := liveJob(ctx, tx, id)
	if err != nil {
		return out, err
	}
	if err := match.check(rec.Version); err != nil {
		return out, err
	}
	before, err := s.showJob(*rec)
	if err != nil {
		return out, err
	}
	in, err := input(before)
	if err != nil {
		return out, err
	}
	if in.Node != "" && !strings.EqualFold(in.Node, rec.Node) {
		return out, promfleet.BadField("body.node", "a job stays on its node; create it on the other one")
	}
	manager, targetsManager, err := releasedJob(rec, in)
	if err != nil {
		return out, err
	}
	if err := validateJob(&in); err != nil {
		return out, err
	}
	old, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return out, err
	}
	was := *rec
	if err := s.setJob(ctx, tx, rec, in, old); err != nil {
		return out, err
	}
	after, err := s.showJob(*rec)
	if err != nil {
		return out, err
	}
	unchanged := same(before, after) && string(plainOf(s, rec)) == old.Text
	if !unchanged && manager != "" {
		return out, was.editable()
	}
	if unchanged && slices.Equal(before.Contacts, after.Contacts) && manager == was.ManagedBy && targetsManager == was.TargetsManagedBy {
		return counted(before, rec), nil
	}
	rec.ManagedBy, rec.TargetsManagedBy = manager, targetsManager
	return s.writeJob(ctx, tx, c, by, rec, was, before, old)
}

func plainOf(s *Service, rec *JobRecord) json.RawMessage {
	v, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return nil // it was sealed a moment ago
	}
	return json.RawMessage(v.Text)
}

// same tells whether two records show the same but for their times and contacts,
// which are no matter of files.
func same(a, b promfleet.Job) bool {
	return a.Key == b.Key && a.JobName == b.JobName && a.Remark == b.Remark && string(a.ScrapeConfig) == string(b.ScrapeConfig)
}

// setJob checks in against the node's base and other jobs and puts it into rec,
// sealed. old is what Masked stands for.
func (s *Service) setJob(ctx context.Context, tx Tx, rec *JobRecord, in promfleet.JobInput, old sealed) error {
	node, err := tx.Node(ctx, rec.Node)
	if err != nil {
		return err
	}
	base, err := s.open(node.SealedBase, baseContext(node.UUID))
	if err != nil {
		return err
	}
	if in.ScrapeConfig, err = plainConfig(in.ScrapeConfig, old); err != nil {
		return err
	}
	secrets, err := checkJob(base.Text, &in)
	if err != nil {
		return err
	}
	if err := givenSecrets(in.ScrapeConfig, secrets); err != nil {
		return err
	}
	if err := liveContacts(ctx, tx, in.Contacts); err != nil {
		return err
	}
	rec.Key, rec.JobName, rec.Remark, rec.Contacts = in.Key, in.JobName, in.Remark, in.Contacts
	if err := jobCollision(ctx, tx, rec); err != nil {
		return err
	}
	rec.SealedScrapeConfig, err = s.seal(sealed{Text: string(in.ScrapeConfig), Secrets: secrets}, jobContext(rec.Node))
	return err
}

func jobObject(id int64) string { return fmt.Sprintf("job/%d", id) }

// jobCollision says which job has the key or the name already.
func jobCollision(ctx context.Context, tx Tx, rec *JobRecord) error {
	taken := func(o *JobRecord, field, value string) error {
		return &promfleet.Error{Code: promfleet.Conflict, Message: fmt.Sprintf("job %d (%s) of this node has the %s %q already", o.ID, o.Key, field, value),
			Fields: []promfleet.FieldError{{Location: "body." + field, Message: "taken"}}}
	}
	switch o, err := tx.JobByKey(ctx, rec.Node, rec.Key); {
	case err == nil && o.ID != rec.ID:
		return taken(o, "key", rec.Key)
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	}
	switch o, err := tx.JobByName(ctx, rec.Node, rec.JobName); {
	case err == nil && o.ID != rec.ID:
		return taken(o, "job_name", rec.JobName)
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	}
	return nil
}

// DeleteJob deletes a job; its targets are scraped no more.
func (s *Service) DeleteJob(ctx context.Context, by Principal, id int64, match Match) error {
	return s.update(ctx, func(tx Tx, c *change) error { return s.deleteJob(ctx, tx, c, by, id, match) })
}

func (s *Service) deleteJob(ctx context.Context, tx Tx, c *change, by Principal, id int64, match Match) error {
	rec, err := liveJob(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := match.check(rec.Version); err != nil {
		return err
	}
	if err := rec.deletable(); err != nil {
		return err
	}
	return s.endJob(ctx, tx, c, by, rec)
}

// endJob deletes a job that is live, whoever manages it.
func (s *Service) endJob(ctx context.Context, tx Tx, c *change, by Principal, rec *JobRecord) error {
	before, err := s.showJob(*rec)
	if err != nil {
		return err
	}
	now := s.now()
	rec.DeletedAt, rec.UpdatedAt = &now, now
	if err := tx.UpdateJob(ctx, rec); err != nil {
		return err
	}
	revision, err := s.raise(ctx, tx, c, by, rec.Node)
	if err != nil {
		return err
	}
	if err := tx.EndHistory(ctx, rec.Node, render.IndexName(rec.Key), revision); err != nil {
		return err
	}
	return s.event(ctx, tx, by, "delete", jobObject(rec.ID), rec.Node, before, nil)
}

// RestoreJob undoes the deletion of a job.
func (s *Service) RestoreJob(ctx context.Context, by Principal, id int64) (out promfleet.Job, err error) {
	err = s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.restoreJob(ctx, tx, c, by, id)
		return err
	})
	return out, err
}

func (s *Service) restoreJob(ctx context.Context, tx Tx, c *change, by Principal, id int64) (out promfleet.Job, err error) {
	rec, err := tx.Job(ctx, id)
	if _, err = found(rec, err, "job", id); err != nil {
		return out, err
	}
	if rec.DeletedAt == nil {
		return out, promfleet.Errorf(promfleet.Conflict, "job %d is not deleted", id)
	}
	if err := rec.restorable(); err != nil {
		return out, err
	}
	if _, err := liveNode(ctx, tx, rec.Node); err != nil {
		return out, promfleet.Errorf(promfleet.Conflict, "the node of job %d is deleted; restore that first", id)
	}
	old, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return out, err
	}
	// The base may have changed since.
	in := promfleet.JobInput{Key: rec.Key, JobName: rec.JobName, Remark: rec.Remark, ScrapeConfig: json.RawMessage(old.Text), Contacts: rec.Contacts}
	if err := s.setJob(ctx, tx, rec, in, old); err != nil {
		return out, err
	}
	rec.DeletedAt, rec.UpdatedAt = nil, s.now()
	// Its parts are new to an agent that has been without them, and tags may have
	// other names by now.
	rec.JobParts = JobParts{SetVersion: rec.SetVersion + 1}
	if err := tx.UpdateJob(ctx, rec); err != nil {
		return out, err
	}
	err = s.jobChanged(ctx, tx, c, by, "restore", rec, nil, nil, true, &out)
	return out, err
}
