package agent

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"promfleet"
)

// What the agent says of itself on its own pages, which work without a server.

// reach is whether the server answers.
type reach struct {
	away   string    // why it does not; "": it does, or was not asked yet
	denied bool      // it does, and does not let this node in
	since  time.Time // since when not
	next   time.Time // when it is asked again
}

// serverAway notes that the server does not answer, or does not let this node in,
// and when it is asked again.
func (s *status) serverAway(why error, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server.away == "" {
		s.server.since = time.Now()
	}
	s.server.away, s.server.denied, s.server.next = oneLine(why.Error()), saysNo(why), next
}

// serverHere notes that it answers, and tells whether it did not before.
func (s *status) serverHere() (back bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	back = s.server.away != ""
	s.server = reach{}
	return back
}

// setNextReload notes until when a configuration that Prometheus would not have is
// held back; zero: none is.
func (s *status) setNextReload(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextReload = at
}

// ready serves /-/ready: 200 once the files say what was wanted at some time, so that
// Prometheus may start with them. What has come since, and whether the server is
// there, is told and makes no difference.
func (a *Agent) ready(w http.ResponseWriter, _ *http.Request) {
	text, ready := a.status.readiness(a.opts.ServerURL)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprint(w, text)
}

func (s *status) readiness(server string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	ready := s.written > 0 && s.state != ""
	if ready {
		line("promfleet agent is ready.")
	} else {
		line("promfleet agent is not ready: nothing has been applied yet.")
	}
	if s.problem == "" {
		line("state: %s", s.stateNow())
	} else {
		line("state: %s: %s", s.stateNow(), s.problem)
	}
	line("revision: %d wanted, %d received, %d written, %d loaded", max(s.wanted, s.received), s.received, s.written, s.loaded)
	if !s.nextReload.IsZero() {
		line("reload: held back, next try at %s", clock(s.nextReload))
	}
	last := ""
	if !s.lastSync.IsZero() {
		last = ", last answer at " + clock(s.lastSync)
	}
	switch {
	case s.server.away != "":
		what := "is not reachable"
		if s.server.denied {
			what = "does not let this node in"
		}
		line("server: %s %s since %s%s, next try at %s: %s", server, what, clock(s.server.since), last, clock(s.server.next), s.server.away)
	case last == "":
		line("server: %s has not answered yet", server)
	default:
		line("server: %s is reachable%s", server, last)
	}
	return out.String(), ready
}

// stateNow is the state, also before there is one.
func (s *status) stateNow() promfleet.NodeState {
	if s.state == "" {
		return promfleet.StatePending
	}
	return s.state
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
