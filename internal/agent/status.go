package agent

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"promfleet"
)

// status is how far the agent is: what reports and metrics say.
type status struct {
	mu                                sync.Mutex
	wanted, received, written, loaded int64
	state                             promfleet.NodeState
	problem                           string
	heldTargets                       int64
	drifted, quarantined              int
	server                            reach
	nextReload                        time.Time
	lastSync, lastApply               time.Time         // with success
	autoReload                        time.Duration     // Prometheus's own interval; 0: none, or not asked yet
	notices                           map[string]string // by source
	inotify                           inotifyStatus
	told                              told
	steps                             stepTimes
}

// stepTimes say when it got so far; zero: not since it started.
type stepTimes struct{ received, written, reloaded, loaded time.Time }

// begin forgets what was wrong before the disk could be opened.
func (s *status) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.problem = "", ""
}

func (s *status) setWanted(revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = revision
}

func (s *status) setReceived(revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach(revision, s.written, s.loaded, time.Now())
}

// reach takes revisions over, and notes the time of those that are others.
func (s *status) reach(received, written, loaded int64, at time.Time) {
	if received != s.received {
		s.steps.received = at
	}
	if written != s.written {
		s.steps.written = at
	}
	if loaded != s.loaded {
		s.steps.loaded = at
	}
	s.received, s.written, s.loaded = received, written, loaded
}

// setApplied is setRevisions after an apply that has ended just now: what took it so
// long, after the files were written, was the reload, if it came to one.
func (s *status) setApplied(received, written, loaded int64, reload time.Duration, reloaded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.reach(max(s.received, received), written, s.loaded, now.Add(-reload))
	s.reach(s.received, written, loaded, now)
	if reloaded {
		s.steps.reloaded = now
	}
}

func (s *status) setRevisions(received, written, loaded int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach(max(s.received, received), written, loaded, time.Now())
}

// setState says how it stands, and why if that is not well. It tells whether
// there is anything new to report.
func (s *status) setState(state promfleet.NodeState, problem error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := ""
	if problem != nil {
		said = oneLine(problem.Error())
	}
	now := told{state, said, s.received, s.written, s.loaded}
	s.state, s.problem = state, said
	news := now != s.told
	s.told = now
	return news
}

// notice keeps what a source has to say to whoever runs the node, beside the state
// and whatever it is; "": nothing any more. It tells whether that is news.
func (s *status) notice(source, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notices[source] == text {
		return false
	}
	if s.notices == nil {
		s.notices = map[string]string{}
	}
	s.notices[source] = text
	if text == "" {
		delete(s.notices, source)
	}
	return true
}

func (s *status) is(states ...promfleet.NodeState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(states, s.state)
}

// told is what was last handed over to be reported.
type told struct {
	state                     promfleet.NodeState
	problem                   string
	received, written, loaded int64
}

func (s *status) setHeld(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heldTargets = 0
	if h != nil {
		s.heldTargets = h.Gone
	}
}

func (s *status) setDrifted(files int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drifted = files
}

func (s *status) setQuarantined(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quarantined = n
}

func (s *status) setInotify(i inotifyStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inotify = i
}

// autoReloads keeps in which interval Prometheus reloads by itself, and gives what
// was kept before.
func (s *status) autoReloads(interval time.Duration) (before time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.autoReload = s.autoReload, interval
	return before
}

func (s *status) synced(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastSync = at
}

func (s *status) applied(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastApply = at
}

// report gives what there is to report; false if nothing was synced yet.
func (s *status) report() (promfleet.Report, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var notices []string
	for _, source := range slices.Sorted(maps.Keys(s.notices)) {
		notices = append(notices, cut(s.notices[source], promfleet.MaxNotice-len("…")))
	}
	return promfleet.Report{
		Protocol:         promfleet.ProtocolVersion,
		RevisionReceived: s.received,
		RevisionWritten:  s.written,
		RevisionLoaded:   s.loaded,
		State:            s.state,
		Error:            cut(withoutTokens(s.problem), 4000),
		Notices:          notices,
		Ages:             s.steps.ages(time.Now()),
	}, s.state != ""
}

// ages give the steps as reports have them.
func (t stepTimes) ages(now time.Time) *promfleet.StepAges {
	age := func(at time.Time) *int64 {
		if at.IsZero() {
			return nil
		}
		return new(max(0, now.Sub(at).Milliseconds()))
	}
	return &promfleet.StepAges{Received: age(t.received), Written: age(t.written), Reloaded: age(t.reloaded), Loaded: age(t.loaded)}
}

// verdict says whether the node has what it should have, on disk at least.
func (s *status) verdict() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case promfleet.StateInSync, promfleet.StateWritten:
		return nil
	case "":
		return errors.New("nothing was synced")
	default:
		return errors.New(s.problem)
	}
}
