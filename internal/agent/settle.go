package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// settling is a Settle under way, beside the next watch: what comes meanwhile
// must not wait for Prometheus's tickers.
type settling struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (s *settling) running() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// answerFor is how long a reload is waited for that an agent asked for which was
// killed. Prometheus does one after the other, so one too many costs time only.
const answerFor = 3 * time.Second

func (t *syncTask) startSettling(ctx context.Context, set apply.Set, res apply.Result) {
	p := running{a: t.a, within: verifyFor}
	waited := !res.Changed() && t.a.status.is(promfleet.StateWritten, promfleet.StateHeld, promfleet.StateDrifted, promfleet.StateQuarantined, promfleet.StateFailed)
	switch {
	case waited || res.Outcome == apply.NotReloaded || res.Outcome == apply.Unreachable:
		p.within = 0 // nothing is about to happen: one look at each sync
	case errors.Is(res.Trouble, apply.ErrUnanswered):
		p.within = answerFor
		t.setState(promfleet.StateApplying, res.Trouble)
	default:
		t.setState(promfleet.StateApplying, res.Trouble)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &settling{cancel: cancel, done: make(chan struct{})}
	t.settle = s
	go func() {
		defer close(s.done)
		defer cancel()
		t.settled(ctx, set, res, p)
	}()
}

func (t *syncTask) settled(ctx context.Context, set apply.Set, res apply.Result, p running) {
	start := time.Now()
	removed, err := t.settleAll(ctx, set, p)
	goal, why := t.goal()
	state := t.a.disk.State()
	t.a.status.setRevisions(state.RevisionReceived, state.RevisionWritten, state.RevisionLoaded)
	switch {
	case ctx.Err() != nil:
		return // something newer has come, or this is the end
	case err != nil:
		t.a.inline.verified(err, set.Jobs)
		if res.Trouble != nil {
			err = fmt.Errorf("%w; %w", res.Trouble, err)
		}
		unseen := promfleet.StateWritten
		if why != nil { // and that needs somebody to act
			unseen, err = goal, fmt.Errorf("%w; and %w", why, err)
		}
		if t.setState(unseen, err) {
			t.a.log.Warn("written, not seen loaded", "revision", set.Manifest.Revision, "err", err, "verify_ms", ms(time.Since(start)))
		}
		if res.Outcome == apply.Unknown && p.within > 0 {
			t.a.lookAgain.ring() // it was looked: now another may be asked for
		}
	default:
		t.tidy(t.a.drift.lookout.Settled)
		t.a.log.Info("loaded", "revision", set.Manifest.Revision, "removed", removed, "verify_ms", ms(time.Since(start)))
		t.setState(goal, why)
	}
}

// stopSettling ends a Settle, which the next one does over.
func (t *syncTask) stopSettling() {
	if t.settle != nil {
		t.settle.cancel()
	}
	t.finishSettling()
}

// finishSettling waits for a Settle to come to its end.
func (t *syncTask) finishSettling() {
	if t.settle != nil {
		<-t.settle.done
		t.settle = nil
	}
}
