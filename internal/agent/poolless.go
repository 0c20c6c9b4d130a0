package agent

import (
	"context"
	"errors"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
)

// A reload may go well, and a job be absent: Prometheus has made no scrape pool
// for it, since a file that it names is bad. It tries again by itself when its
// discovery has news, so such a job stays in prometheus.yml. It is in quarantine in
// that the rest counts as loaded without it.

// except shows the applier the running Prometheus without some jobs.
type except struct {
	running
	but map[string]promfleet.Hash // by key
}

func (e except) Verify(ctx context.Context, look apply.Look) error {
	rest := apply.Look{Config: look.Config}
	for _, j := range look.Jobs {
		if _, ok := e.but[j.Key]; !ok {
			rest.Jobs = append(rest.Jobs, j)
		}
	}
	return e.running.Verify(ctx, rest)
}

// settleAll waits until a set is seen loaded, without the jobs for which there is
// no scrape pool.
func (t *syncTask) settleAll(ctx context.Context, set apply.Set, p running) (removed int, err error) {
	t.lookAtPoolless(ctx, set)
	q := t.a.quarantine
	for {
		removed, err = t.settleBut(ctx, set, except{p, q.poolless})
		var no *reload.NoPoolError
		if !errors.As(err, &no) || p.within == 0 || !t.notePoolless(set, no) {
			break
		}
	}
	if err != nil {
		return removed, err
	}
	return removed, q.taken(t.shipped)
}

func (t *syncTask) settleBut(ctx context.Context, set apply.Set, p except) (int, error) {
	if t.verifyAll {
		look := apply.Look{Config: set.Config}
		for _, j := range set.Jobs {
			look.Jobs = append(look.Jobs, apply.JobLook{Job: j})
		}
		if err := p.Verify(ctx, look); err != nil {
			return 0, err
		}
		t.verifyAll = false
	}
	if len(p.but) > 0 { // the revision is not loaded as a whole
		set.Manifest.Revision = t.a.disk.State().RevisionLoaded
	}
	return t.a.disk.Settle(ctx, set, p)
}

// lookAtPoolless looks once whether those that had no scrape pool have one now.
func (t *syncTask) lookAtPoolless(ctx context.Context, set apply.Set) {
	q := t.a.quarantine
	if len(q.poolless) == 0 {
		return
	}
	for _, j := range set.Jobs {
		if _, ok := q.poolless[j.Key]; !ok {
			continue
		}
		err := running{a: t.a}.Verify(ctx, apply.Look{Jobs: []apply.JobLook{{Job: j}}})
		var no *reload.NoPoolError
		switch {
		case err == nil:
			delete(q.poolless, j.Key)
			t.verifyAll = true
		case errors.As(err, &no):
			q.poolWords = oneLine(no.Why)
		}
	}
}

// notePoolless takes more jobs in. It tells whether there are any.
func (t *syncTask) notePoolless(set apply.Set, no *reload.NoPoolError) (more bool) {
	q := t.a.quarantine
	named := map[string]bool{}
	for _, name := range no.Jobs {
		named[name] = true
	}
	all := map[string]promfleet.Hash{}
	for key, config := range q.poolless {
		all[key] = config
	}
	for _, j := range t.shipped.content.jobs {
		if _, known := all[j.Key]; named[j.Name] && !known {
			all[j.Key], more = j.part.Hash, true
		}
	}
	q.poolless, q.poolWords = all, oneLine(no.Why)
	if more {
		t.a.log.Warn("jobs have no scrape pool", "revision", set.Manifest.Revision, "err", no)
	}
	return more
}
