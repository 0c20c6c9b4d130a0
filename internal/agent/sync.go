package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/apply"
)

func init() {
	addTask("sync", 20, func(a *Agent) Task { return &syncTask{a: a, ask: nothing} })
}

// syncTask watches the server and brings the disk to what it says.
type syncTask struct {
	a    *Agent
	uuid string

	ask     int64    // the revision that the next watch names as known
	content *content // received last, in whole; nil: none
	refused error    // why what came last was refused; nil: it was not
	checked promfleet.Hash
	hold    holdback
	settle  *settling
	synced  time.Time // when again was last done

	restored *content // what was applied before the start; it is there already
	held     *held    // a removal that waits; nil: none
	guarded  *guarded // of the content

	shipped   *shipment // what was written last
	verifyAll bool      // jobs of it were loaded by trials, their targets were not looked at
	heldBack  bool      // prometheus.yml was held back in the last write
}

// nothing is the revision of an agent that has none: a watch for it is answered
// at once, since that of a node that has joined is 1 or more.
const nothing = 0

// maxWait is the longest that a watch is asked to be held.
const maxWait = 30 * time.Second

func (t *syncTask) Init(ctx context.Context) (err error) {
	if t.uuid, err = t.a.identity(); err != nil {
		return err
	}
	state := t.a.disk.State()
	t.hold.restore(state, time.Now(), t.a.opts.SyncInterval)
	if t.held, err = readHeld(t.a.data.Read); err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	if t.a.quarantine, err = newQuarantine(t.a); err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	// Beside a quarantine no revision tells whether all that is there was seen loaded.
	t.verifyAll = len(t.a.quarantine.patients) > 0
	t.a.waits.Store(t.held != nil)
	t.a.status.setHeld(t.held)
	if t.held != nil {
		t.a.status.setReceived(t.held.Revision) // a confirmation on the server is of what is reported
	}
	// Before anything else looks at them.
	if _, err := t.a.drift.lookout.Look(t.a.disk); err != nil {
		t.a.log.Warn("cannot look whether the files are as they were written", "err", err)
	}
	if state.Manifest == nil || state.Manifest.Node != t.uuid {
		return nil
	}
	// What is here still: if it is whole, the server need not send it again.
	c, err := t.a.receive(ctx, nil, *state.Manifest, nil)
	if err != nil && !errors.Is(err, errNotHere) {
		t.a.log.Warn("what was applied last cannot be read again: it will be fetched", "err", err)
	}
	if err == nil {
		t.content, t.restored = c, c
		if t.held == nil && len(t.a.quarantine.patients) == 0 { // else what is wanted is something else
			t.ask = c.manifest.Revision
		}
	}
	return nil
}

// Run syncs until ctx is done.
func (t *syncTask) Run(ctx context.Context) error {
	defer t.stopSettling()
	var wait backoff
	// What was left undone, or undone by others, since the last run. It needs no
	// server, as long as no target file is damaged.
	if err := t.again(ctx, nil); err != nil && ctx.Err() == nil {
		t.a.log.Warn("cannot put the files right without the server", "err", err)
	}
	for {
		c := t.a.session.waitFor(ctx, t.a.opts.SyncInterval)
		if ctx.Err() != nil {
			return nil
		}
		if c == nil {
			t.alone(ctx)
			continue
		}
		err := t.round(ctx, c, min(t.a.opts.SyncInterval, maxWait))
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait.reset()
		case promfleet.ErrorCode(err) == promfleet.Unauthorized:
			t.a.session.lose(c)
		case promfleet.ErrorCode(err) == promfleet.Gone:
			if pause(ctx, wait.soon()) != nil {
				return nil
			}
		default:
			d := wait.next()
			t.a.log.Warn("cannot sync", "err", err, "retry_in", d.Round(time.Millisecond))
			if fromServer(err) {
				t.a.status.serverAway(err, time.Now().Add(d))
				t.alone(ctx)
			}
			if pause(ctx, d) != nil {
				return nil
			}
		}
	}
}

// Once syncs once, and waits until it is seen loaded or is known not to be.
func (t *syncTask) Once(ctx context.Context) error {
	c, err := t.a.session.wait(ctx)
	if err != nil {
		return err
	}
	if err := t.round(ctx, c, 0); err != nil {
		return err
	}
	for passes := 0; passes < maxReloads && t.a.quarantine.searching() && ctx.Err() == nil; passes++ {
		if err := t.again(ctx, c); err != nil {
			return err
		}
	}
	t.finishSettling()
	if t.a.inline.anyDead() {
		if err := t.again(ctx, c); err != nil {
			return err
		}
		t.finishSettling()
	}
	return ctx.Err()
}

// round asks once what there is, and does it. An error is worth another try soon.
func (t *syncTask) round(ctx context.Context, c *client.Client, wait time.Duration) error {
	if t.a.quarantine.searching() {
		wait = 0
	}
	watching, cancel := context.WithTimeout(ctx, wait+callTimeout)
	t.a.lookAgain.answer(cancel)
	reply, err := c.Within(maxWatchAnswer).Watch(watching, t.ask, wait)
	rung := t.a.lookAgain.answered()
	cancel()
	if rung && reply == nil && ctx.Err() == nil {
		return t.reconsider(ctx, c)
	}
	if err != nil {
		t.a.counters.syncs.WithLabelValues("failure").Inc()
		t.a.counters.failed(err)
		if t.a.quarantine.searching() {
			err = errors.Join(err, t.again(ctx, nil))
		}
		return err
	}
	t.a.counters.syncs.WithLabelValues("success").Inc()
	t.a.status.synced(time.Now())
	if t.a.status.serverHere() {
		t.a.reportSoon() // what has happened meanwhile
	}
	if reply != nil {
		return t.take(ctx, c, reply)
	}
	if now := time.Now(); wait == 0 || now.Sub(t.synced) >= t.a.opts.SyncInterval-time.Second/2 {
		t.synced = now
		return t.again(ctx, c)
	}
	return nil
}

// reconsider looks again at what was held back or refused: somebody on this host
// has confirmed something, or Prometheus shows what it did not before.
func (t *syncTask) reconsider(ctx context.Context, c *client.Client) error {
	t.stopSettling()
	t.guarded = nil
	return t.again(ctx, c)
}

// take takes what the server says now.
func (t *syncTask) take(ctx context.Context, c *client.Client, reply *promfleet.WatchReply) error {
	m := reply.Manifest
	start := time.Now()
	t.stopSettling()
	t.lookForDrift(ctx, c)
	err := t.admit(m)
	var got *content
	if err == nil {
		t.a.status.setWanted(m.Revision)
		got, err = t.a.receive(ctx, c, m, reply.Bodies)
	}
	if err == nil {
		t.content, t.ask, t.refused = got, m.Revision, nil
		t.a.status.setReceived(m.Revision)
		if err := t.dropLeftover(false); err != nil {
			t.a.log.Warn("cannot remove what is of no more use", "err", err)
		}
		return t.apply(ctx, time.Since(start))
	}
	return t.notReceived(ctx, m, err)
}

// notReceived says what becomes of a manifest that could not be received.
func (t *syncTask) notReceived(ctx context.Context, m promfleet.Manifest, err error) error {
	var no *refusal
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &no):
		// The same would come again at once: wait for another, and ask anew at the next sync.
		t.ask, t.refused = m.Revision, err
		t.fail(errors.Join(err, t.discard(), t.dropLeftover(true)), m.Revision)
		return nil
	case promfleet.ErrorCode(err) == promfleet.Gone:
		// Something has changed since, and may do so all the time. To an agent that
		// names the revision before, what has changed comes with the answer.
		t.ask = max(m.Revision-1, nothing)
		return errors.Join(err, t.dropLeftover(false))
	case fromServer(err):
		return errors.Join(err, t.dropLeftover(false)) // what has arrived is kept for the next try
	default:
		t.fail(errors.Join(err, t.discard()), m.Revision)
		return err
	}
}

// fromServer tells a failed call from a failure on this host.
func fromServer(err error) bool {
	var e *promfleet.Error
	return errors.As(err, &e)
}

// admit checks what a manifest says of itself.
func (t *syncTask) admit(m promfleet.Manifest) error {
	state := t.a.disk.State()
	// An older one than is loaded was written only if somebody said so.
	loaded := min(state.RevisionLoaded, state.RevisionWritten)
	switch {
	case m.Protocol != promfleet.ProtocolVersion:
		return refuse("it is of protocol %d, and this agent speaks %d: upgrade the older of server and agent", m.Protocol, promfleet.ProtocolVersion)
	case m.Node != t.uuid:
		return refuse("it is for node %q, and this is node %s", cut(m.Node, 100), t.uuid)
	case m.Revision < 0:
		return refuse("its revision is %d", m.Revision)
	case m.Revision < loaded && t.a.confirmedRevision(olderFile).revision == m.Revision:
		t.a.log.Warn("an older revision is taken, as was confirmed on this host", "revision", m.Revision, "loaded", loaded)
	case t.held.contradicts(m):
		return refuse("revision %d waits for a confirmation, and now the server says another thing of the same revision: was a backup restored? change the node once more, so that its revision rises", m.Revision)
	case m.Revision < loaded:
		t.a.waits.Store(true)
		return refuse("it is of revision %d, and revision %d was loaded already: the server went back in time, was a backup restored? to take it all the same, run `promfleet agent confirm --revision=%d --data.path=%s` on this host", m.Revision, loaded, m.Revision, t.a.opts.DataPath)
	}
	return nil
}

// again looks whether the disk still says what it should, and whether what was
// not seen loaded is now. Without a client it uses what is here.
func (t *syncTask) again(ctx context.Context, c *client.Client) error {
	if t.settle.running() {
		return nil
	}
	t.lookForDrift(ctx, c)
	if t.refused != nil {
		t.ask = nothing
		if t.content == nil || len(t.a.drift.now) == 0 {
			return nil
		} // else what was taken before it stays in force
	}
	if t.content == nil {
		return nil
	}
	if t.shipped != nil {
		t.a.inline.look(ctx, t.shipped.content)
	}
	start := time.Now()
	if t.content != t.restored {
		t.a.quarantine.wake(ctx)
	}
	r := &receiver{a: t.a, client: c}
	if err := r.targets(ctx, t.a.toStage(t.content).applyJobs()); err != nil {
		switch {
		case c == nil && errors.Is(err, errNotHere):
			return err
		case promfleet.ErrorCode(err) == promfleet.Gone:
			t.ask = nothing
			return nil
		}
		return t.notReceived(ctx, t.content.manifest, err)
	}
	return t.apply(ctx, time.Since(start))
}

// apply brings the disk to the content. Its failures are reported, not returned:
// the next sync tries again.
func (t *syncTask) apply(ctx context.Context, fetch time.Duration) error {
	t.stopSettling()
	before := t.a.disk.State().RevisionWritten
	set, res, err := t.write(ctx)
	t.publishWanted()
	state := t.a.disk.State()
	t.a.status.setApplied(t.content.manifest.Revision, state.RevisionWritten, state.RevisionLoaded, res.Reload, res.Outcome == apply.Reloaded)
	t.count(res, err)
	next := t.a.quarantine.next()
	if t.heldBack || errors.Is(err, apply.ErrRefused) {
		next = t.hold.next(time.Now())
	}
	t.a.status.setNextReload(next)
	t.afterApply(res)
	if err == nil {
		err = errors.Join(t.written(), t.forgetOlder(state))
	}
	t.a.status.setHeld(t.held)
	var whole *wholeHold
	if errors.As(err, &whole) {
		state, why := t.goal()
		if why == nil {
			t.fail(whole, t.content.manifest.Revision)
			return nil
		}
		t.setState(state, fmt.Errorf("%w; %w", why, whole))
		return nil
	}
	if err != nil {
		t.giveUp("") // or the search would go on at once, into the same
		if errors.Is(err, apply.ErrRefused) {
			t.a.drift.lookout.Refused()
		}
		if res.Changed() || !errors.Is(err, apply.ErrRefused) {
			err = errors.Join(err, t.discard())
		}
		t.fail(err, t.content.manifest.Revision)
		return nil
	}
	if res.Collected {
		t.a.leftover.collected()
	}
	if !t.heldBack {
		t.a.status.applied(time.Now())
	}
	if res.Changed() || state.RevisionWritten != before {
		t.tidy(t.a.drift.lookout.Tidy)
	}
	if res.Changed() || state.RevisionWritten != before {
		t.a.log.Info("applied", "revision", set.Manifest.Revision, "target_files", res.Files, "removed", res.Removed,
			"config", res.Config, "reload", res.Outcome,
			"fetch_ms", ms(fetch), "write_ms", ms(res.Write), "reload_ms", ms(res.Reload))
	}
	t.publish()
	if t.a.quarantine.searching() {
		t.setState(promfleet.StateApplying, t.a.quarantine.looking())
		return nil
	}
	if t.a.disk.InQuestion(set) || t.verifyAll || len(t.a.quarantine.poolless) > 0 {
		t.startSettling(ctx, set, res)
		return nil
	}
	if res.Changed() || state.RevisionWritten != before {
		t.tidy(t.a.drift.lookout.Settled)
	}
	if err := t.a.quarantine.taken(t.shipped); err != nil {
		t.fail(err, set.Manifest.Revision)
		return nil
	}
	t.setState(t.goal())
	return nil
}

// write does what apply says, and tells what was done.
func (t *syncTask) write(ctx context.Context) (apply.Set, apply.Result, error) {
	content, err := t.guard(ctx, t.content)
	if err != nil {
		return apply.Set{}, apply.Result{Outcome: apply.NotNeeded}, err
	}
	if err := t.a.inline.plan(content); err != nil {
		return apply.Set{}, apply.Result{Outcome: apply.NotNeeded}, err
	}
	return t.ship(ctx, content)
}

// checkedSet makes the set of a content, if it may be written.
func (t *syncTask) checkedSet(c *content, f *foreign) (apply.Set, error) {
	set, err := t.a.build(c, f)
	if err != nil {
		return set, err
	}
	hash := promfleet.HashOf(set.Config)
	if hash == t.checked {
		return set, nil
	}
	if err := t.a.check(set, c.base == nil || c.localBase); err != nil {
		return set, err
	}
	t.checked = hash
	return set, nil
}

func (t *syncTask) count(res apply.Result, err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	if res.Changed() || err != nil {
		t.a.counters.applies.WithLabelValues(result).Inc()
	}
	t.a.counters.writes.WithLabelValues("targets").Add(float64(res.Files))
	if res.Config {
		t.a.counters.writes.WithLabelValues("config").Inc()
	}
}

// fail says why what is wanted is not there.
func (t *syncTask) fail(err error, revision int64) {
	err = t.a.atDisk(err)
	t.a.counters.failed(err)
	if t.setState(promfleet.StateFailed, err) {
		t.a.log.Error("not applied", "revision", revision, "err", oneLine(err.Error()))
	}
}

// setState says how it stands, and has it reported if that is news.
func (t *syncTask) setState(state promfleet.NodeState, problem error) (news bool) {
	return t.a.setState(state, problem)
}

func (a *Agent) setState(state promfleet.NodeState, problem error) (news bool) {
	news = a.status.setState(state, problem)
	if news {
		a.reportSoon()
	}
	return news
}

// setNotice says something to whoever runs the node: see status.notice.
func (a *Agent) setNotice(source, text string) {
	if a.status.notice(source, text) {
		a.reportSoon()
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
