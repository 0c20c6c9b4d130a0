package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
)

// ship brings the disk to what is wanted, as far as the running Prometheus will
// have it. While it is searched what it will not have, each call makes one trial:
// what comes meanwhile, as target edits, does not wait for the end.
func (t *syncTask) ship(ctx context.Context, want *content) (apply.Set, apply.Result, error) {
	q := t.a.quarantine
	none := apply.Result{Outcome: apply.NotNeeded}
	t.resume(ctx)
	for {
		f, err := t.a.foreign()
		if err != nil {
			return apply.Set{}, none, err
		}
		base, err := t.a.base(want, f)
		if err != nil {
			return apply.Set{}, none, err
		}
		if want != t.restored { // which has other jobs in the place of those in quarantine
			if err := q.review(want, promfleet.HashOf(base)); err != nil {
				return apply.Set{}, none, err
			}
		}
		if err := t.conclude(ctx, want); err != nil {
			return apply.Set{}, none, err
		}
		s, set, err := t.loadable(ctx, want, f)
		var no *untriable
		if errors.As(err, &no) && !q.search.next().ground {
			q.words = oneLine(no.Error())
			q.search.refused()
			continue
		}
		if err != nil {
			t.giveUp("")
			return set, none, err
		}
		set, res, err := t.applySet(ctx, s, set, f)
		again, err := t.judge(ctx, want, s, set, res, err, f)
		if !again {
			return set, res, err
		}
		t.count(res, err)
	}
}

// applySet applies one set, and gives what was applied of it.
func (t *syncTask) applySet(ctx context.Context, s *shipment, set apply.Set, f *foreign) (apply.Set, apply.Result, error) {
	how, err := t.a.takeOver(s.content, f, set)
	if err != nil {
		return set, apply.Result{Outcome: apply.NotNeeded}, err
	}
	how.HoldConfig = t.a.quarantine.search == nil && t.holds(ctx, promfleet.HashOf(set.Config))
	if err := t.a.drift.lookout.Expect(t.a.disk, set); err != nil {
		t.a.log.Debug("cannot keep a copy of prometheus.yml", "err", err)
	}
	set, how = t.leaveDrift(set, how)
	t.heldBack = how.HoldConfig || how.LeaveConfig
	res, err := t.a.disk.Apply(ctx, set, how, running{a: t.a, within: verifyFor})
	return set, res, err
}

// holds tells whether a prometheus.yml that was refused is still to be held back:
// it must not be what a Prometheus that is down would start with.
func (t *syncTask) holds(ctx context.Context, hash promfleet.Hash) bool {
	if t.hold.hash != hash || t.hold.holds(hash, time.Now()) {
		return t.hold.hash == hash
	}
	return t.a.quarantine.identity(ctx) == reload.Identity{}
}

// loadable makes the set that is to be written, if it may be.
func (t *syncTask) loadable(ctx context.Context, want *content, f *foreign) (*shipment, apply.Set, error) {
	q := t.a.quarantine
	q.aside = ""
	s, err := t.shed(ctx, want, f)
	if err != nil {
		return s, apply.Set{}, err
	}
	set, err := t.checkedSet(s.content, f)
	if err == nil || s.content == t.content {
		return s, t.keepParts(set, want), err
	}
	if _, plain := t.checkedSet(t.content, f); plain != nil {
		return s, set, plain
	}
	if q.searching() {
		return s, set, &untriable{err}
	}
	if s.content != want && q.good.goesBack(suspect{Config: s.baseHash}) {
		// A job's last good configuration does not go with the new base.
		q.aside = "the base config is held back too, since without what is in quarantine it is not valid: " + oneLine(err.Error())
		if s, again := t.shed(ctx, want, f); again == nil {
			if set, again := t.checkedSet(s.content, f); again == nil {
				return s, t.keepParts(set, want), nil
			}
		}
		q.aside = ""
	}
	return s, set, &wholeHold{"and nothing of the revision is applied, since they cannot stay beside the rest of it: " + err.Error()}
}

// untriable is that a trial is not valid: some of it goes with the rest of what is
// wanted only.
type untriable struct{ error }

// keepParts has all bodies kept that are wanted, or to go back to.
func (t *syncTask) keepParts(set apply.Set, want *content) apply.Set {
	set.Parts = slices.Concat(set.Parts, want.parts, t.a.quarantine.good.parts())
	return set
}

// judge says what an Apply means, and whether there is to be another at once.
func (t *syncTask) judge(ctx context.Context, want *content, s *shipment, set apply.Set, res apply.Result, err error, f *foreign) (again bool, _ error) {
	q := t.a.quarantine
	if q.search != nil && res.Config {
		q.search.spent++
	}
	switch {
	case ctx.Err() != nil:
		return false, err
	case err == nil:
		return t.taken(ctx, want, s, set, res)
	case !errors.Is(err, apply.ErrRefused) || res.Outcome != apply.Refused || t.heldBack:
		if q.search != nil || q.onTrial() {
			t.giveUp(promfleet.HashOf(set.Config))
		} else if errors.Is(err, apply.ErrRefused) && !t.heldBack {
			t.hold.refused(promfleet.HashOf(set.Config), time.Now(), t.a.opts.SyncInterval)
		}
		return false, err
	}
	return t.refusedBy(ctx, want, s, set, f, err)
}

// taken is what follows if a set was not refused.
func (t *syncTask) taken(ctx context.Context, want *content, s *shipment, set apply.Set, res apply.Result) (again bool, _ error) {
	q := t.a.quarantine
	t.shipped = s
	state, hash := t.a.disk.State(), promfleet.HashOf(set.Config)
	sure := (res.Outcome == apply.Reloaded || res.Outcome == apply.NotNeeded) && !state.ReloadPending &&
		(state.Accepted == hash || state.LoadedConfig == hash)
	switch {
	case t.heldBack: // somebody has edited prometheus.yml and is to keep that: nothing was tried
		t.giveUp("")
		return false, nil
	case sure:
		if err := q.taken(s); err != nil {
			return false, err
		}
	case q.searching():
		// Prometheus may start with what is on the disk now: it must be what it had.
		q.suspended = true
		return true, nil
	case q.onTrial():
		q.sleep()
		return true, nil
	}
	if !q.searching() {
		return false, nil
	}
	q.search.accepted()
	if q.search.next().over {
		q.endSearch()
		return false, nil
	}
	t.settleTrial(ctx, want, set)
	return false, nil
}

// refusedBy is what follows if Prometheus refused a set, and has the one before
// again.
func (t *syncTask) refusedBy(ctx context.Context, want *content, s *shipment, set apply.Set, f *foreign, err error) (again bool, _ error) {
	q := t.a.quarantine
	state := t.a.disk.State()
	adopting := f != nil && f.jobs && t.a.opts.TakeOver != TakeOverDiscard // all or nothing
	forgotten := q.search == nil && !q.good.known() && state.Manifest != nil
	if state.ReloadPending || adopting || forgotten {
		t.giveUp(promfleet.HashOf(set.Config))
		return false, err
	}
	if state.Refused != nil {
		q.words = strings.TrimPrefix(oneLine(state.Refused.Error), reload.ErrRefused.Error()+": ")
	}
	if q.search == nil {
		q.whole = promfleet.HashOf(set.Config)
		q.search = &search{rest: q.suspects(want, s.baseHash), ground: q.good.known(), spent: 1}
	}
	next := q.search.next()
	if next.ground || next.over {
		t.giveUp(q.whole) // it is none of those
		return false, err
	}
	q.search.spent++ // the one back
	q.search.refused()
	if err := t.believe(ctx, set, q.words); err != nil {
		return false, err
	}
	if err := t.askPromtool(ctx, want, f); err != nil {
		return false, err
	}
	if err := t.conclude(ctx, want); err != nil {
		return false, err
	}
	// What is left of the search is a trial of its own, after a look for news.
	return q.search == nil || len(q.search.bad) == 0, nil
}

// believe quarantines those of the suspects that words name.
func (t *syncTask) believe(ctx context.Context, set apply.Set, words string) error {
	q := t.a.quarantine
	named := accuse(set.Config, words)
	said := map[suspect]string{}
	for _, x := range q.search.bad {
		if why := named[nameOf(x, set.Jobs)]; why != "" {
			said[x] = why
		}
	}
	if len(said) == 0 {
		return nil
	}
	seen := q.identity(ctx)
	for x, why := range said {
		q.admit(x, nameOf(x, set.Jobs), why, false, seen)
		q.search.found(x)
	}
	return q.save()
}

func nameOf(x suspect, jobs []apply.Job) string {
	for _, j := range jobs {
		if j.Key == x.Key {
			return j.Name
		}
	}
	return ""
}

// identity is that of the Prometheus that refuses.
func (q *quarantine) identity(ctx context.Context) reload.Identity {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	seen, err := q.a.prom.Identity(ctx)
	if err != nil {
		q.a.log.Debug("Prometheus is not seen", "err", err)
	}
	return seen
}

// conclude quarantines what the search has come to, and ends it if it is at its
// end, or has cost too much.
func (t *syncTask) conclude(ctx context.Context, want *content) error {
	q := t.a.quarantine
	if q.search == nil {
		return nil
	}
	jobs := want.applyJobs()
	changed := false
	for {
		next := q.search.next()
		if next.over {
			q.endSearch()
			break
		}
		if next.culprit != nil {
			x := *next.culprit
			q.admit(x, nameOf(x, jobs), q.words, false, q.identity(ctx))
			q.search.found(x)
			changed = true
			continue
		}
		if q.search.spent+2 <= maxReloads {
			break
		}
		open := slices.Clone(q.search.open())
		seen := q.identity(ctx)
		why := fmt.Sprintf("among these is what Prometheus refuses, and %d reloads did not tell which: %s", q.search.spent, q.words)
		for _, x := range open {
			q.admit(x, nameOf(x, jobs), why, true, seen)
		}
		q.search.found(open...)
		changed = true
	}
	if !changed {
		return nil
	}
	return q.save()
}

// giveUp ends a search without a finding: what was refused is held back as a whole.
func (t *syncTask) giveUp(whole promfleet.Hash) {
	q := t.a.quarantine
	if whole != "" {
		if q.search != nil && q.whole != "" {
			whole = q.whole
		}
		t.hold.refused(whole, time.Now(), t.a.opts.SyncInterval)
	}
	q.endSearch()
	q.sleep()
}

// resume goes on with a search once Prometheus answers again.
func (t *syncTask) resume(ctx context.Context) {
	q := t.a.quarantine
	if !q.suspended || t.a.disk.State().ReloadPending {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := q.a.prom.Identity(ctx); err == nil {
		q.suspended = false
	}
}

// onlyConfig shows the applier the running Prometheus's configuration: the scrape
// pools of a trial come later, and are looked at when the search is over.
type onlyConfig struct{ running }

func (o onlyConfig) Verify(ctx context.Context, look apply.Look) error {
	return o.running.Verify(ctx, apply.Look{Config: look.Config})
}

// settleTrial makes a trial that was taken what a refusal goes back to, so that
// its jobs are not stopped by the next trial.
func (t *syncTask) settleTrial(ctx context.Context, want *content, set apply.Set) {
	set.Manifest.Revision = t.a.disk.State().RevisionLoaded
	// The files of those that are withheld are needed for the next trials.
	for _, j := range want.applyJobs() {
		if !slices.ContainsFunc(set.Jobs, func(k apply.Job) bool { return k.Key == j.Key }) {
			set.Jobs = append(slices.Clip(set.Jobs), j)
		}
	}
	_, err := t.a.disk.Settle(ctx, set, onlyConfig{running{a: t.a, within: verifyFor}})
	t.verifyAll = true
	if err != nil && ctx.Err() == nil {
		t.a.log.Warn("a trial was taken and is not seen loaded", "err", err)
	}
}
