package server_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// watching reads the events of a watch.
type watching struct {
	t      *testing.T
	lines  *bufio.Scanner
	echoes bool
}

func (s *started) watch() *watching {
	s.t.Helper()
	req := must(http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/api/v1/watch?wait=60", nil))
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Accept-Encoding", "gzip") // must be sent at once all the same
	resp, err := http.DefaultClient.Do(req)
	mustDo(s.t, err)
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Content-Encoding") != "" {
		s.t.Fatalf("watch: %d %v", resp.StatusCode, resp.Header)
	}
	w := &watching{s.t, bufio.NewScanner(resp.Body), s.data.StorageURL != ""}
	if first := w.next(); !first.More {
		s.t.Errorf("the first event: %+v", first)
	}
	return w
}

func (w *watching) next() (c promfleet.NodesChanged) {
	w.t.Helper()
	for w.lines.Scan() {
		if data, ok := strings.CutPrefix(w.lines.Text(), "data: "); ok {
			mustDo(w.t, json.Unmarshal([]byte(data), &c))
			return c
		}
	}
	w.t.Fatalf("the watch ended: %v", w.lines.Err())
	return c
}

// wants fails unless the next event is of nodeA. A server on PostgreSQL hears its own
// announcements too, and says that it may have missed some when it begins to hear.
func (w *watching) wants(what string) {
	w.t.Helper()
	c := w.next()
	for w.echoes && (c.More || !slices.Contains(c.Nodes, nodeA)) {
		c = w.next()
	}
	if !slices.Contains(c.Nodes, nodeA) || len(c.Nodes) != 1 && !w.echoes || c.More {
		w.t.Errorf("after %s: %+v", what, c)
	}
}

// A watch says which node there is something new of: a change of what it should
// have, of its record, and a report that says anything else than the last one.
func TestWatchNodes(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		w := s.watch()
		agent := s.join(nodeA)
		w.wants("the node joined")
		must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"tags": []string{"线上"}}))
		w.wants("tags")
		report := promfleet.Report{Protocol: 1, RevisionReceived: 1, State: promfleet.StateApplying}
		mustDo(t, agent.Report(ctx, report))
		w.wants("the first report")
		mustDo(t, agent.Report(ctx, report)) // nothing new
		must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		w.wants("a job")
		report.TargetsDown = 3
		mustDo(t, agent.Report(ctx, report))
		w.wants("targets down")
		asked := later(func() (*promfleet.NodeHealth, error) { return s.NodeHealth(ctx, nodeA, "", 30*time.Second) })
		tells(t, agent, func(*promfleet.HealthQuestion) *promfleet.AgentHealth { return agentHealth() })
		if h, err := (<-asked)(); err != nil || h.Agent != promfleet.AgentAnswered {
			t.Errorf("%+v, error %v", h, err)
		}
		s.join(nodeB) // a question and its answer are no change
		if c := w.next(); len(c.Nodes) != 1 || c.Nodes[0] != nodeB {
			t.Errorf("after a question: %+v", c)
		}
		mustDo(t, s.Nodes().Delete(ctx, nodeA, ""))
		w.wants("the node was deleted")
	})
}

// The summary counts, and steps say when the agent got so far by the server's clock.
func TestSummaryAndSteps(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		if sum := must(s.NodesSummary(ctx)); sum.Total != 0 || len(sum.States) != 0 {
			t.Errorf("of an empty fleet: %+v", sum)
		}
		agent := s.join(nodeA)
		minute := int64(60_000)
		report := promfleet.Report{Protocol: 1, RevisionReceived: 1, RevisionWritten: 1, RevisionLoaded: 1, State: promfleet.StateInSync, TargetsUp: 5, TargetsDown: 2,
			Ages: &promfleet.StepAges{Received: &minute, Written: &minute}}
		before := time.Now()
		mustDo(t, agent.Report(ctx, report))
		sum := must(s.NodesSummary(ctx))
		if sum.Total != 1 || sum.States[promfleet.StateInSync] != 1 || sum.TargetsUp != 5 || sum.TargetsDown != 2 {
			t.Errorf("%+v", sum)
		}
		n, _, err := s.Nodes().Get(ctx, nodeA)
		mustDo(t, err)
		steps := n.Status.Steps
		if steps.ReceivedAt == nil || before.Sub(*steps.ReceivedAt) < 50*time.Second || steps.WrittenAt == nil || steps.ReloadedAt != nil || steps.LoadedAt == nil || before.Sub(*steps.LoadedAt) > 10*time.Second {
			t.Errorf("steps %+v", steps)
		}
		mustDo(t, agent.Report(ctx, report)) // the same again, later
		if n, _, err := s.Nodes().Get(ctx, nodeA); err != nil || !n.Status.Steps.WrittenAt.Equal(*steps.WrittenAt) || !n.Status.Steps.LoadedAt.Equal(*steps.LoadedAt) {
			t.Errorf("steps %+v, want %+v (%v)", n.Status.Steps, steps, err)
		}
	})
}
