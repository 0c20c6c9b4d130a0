package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"promfleet"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What the agent says of the three texts gets to whoever has asked, unpacked.
func TestNodeLoaded(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		a := s.join(nodeA)
		s.reported(a)
		wanted := "global:\n  x: \"a\x1b[31m\u0007b\"\n"
		configs := &promfleet.AgentConfigs{RevisionWanted: 1, RevisionReceived: 1, RevisionWritten: 1, RevisionLoaded: 1, State: promfleet.StateInSync, PrometheusVersion: "2.42.0", Same: true,
			Wanted: promfleet.AgentConfig{Gzip: packed(t, wanted)}, Written: promfleet.AgentConfig{SameAs: "wanted"}, Loaded: promfleet.AgentConfig{SameAs: "written"}}
		ask := func() <-chan func() (*promfleet.NodeLoaded, error) {
			return later(func() (*promfleet.NodeLoaded, error) {
				return s.NodeLoaded(t.Context(), strings.ToUpper(nodeA), 30*time.Second)
			})
		}
		asked := ask()
		q, err := answers(t, a, func(promfleet.Question) promfleet.Answer { return promfleet.Answer{Loaded: configs} })
		if err != nil || q.Kind != promfleet.QuestionLoaded || q.Explain != nil {
			t.Fatalf("question %+v, error %v", q, err)
		}
		l, err := (<-asked)()
		if err != nil || l.Agent != promfleet.AgentAnswered || !l.Same || l.Wanted.Text != "global:\n  x: \"a [31m b\"\n" || l.Written != l.Wanted || l.Loaded != l.Wanted || l.RevisionNow != 1 || l.RevisionLoaded != 1 || l.Notes == nil {
			t.Errorf("%+v, error %v", l, err)
		}
		if d := time.Since(l.At); d < 0 || d > time.Minute {
			t.Errorf("at %s", l.At)
		}

		configs.Loaded, configs.Notes = promfleet.AgentConfig{Missing: "Prometheus is\x07 down"}, []string{"a \x1bnote"}
		asked = ask()
		if _, err := answers(t, a, func(promfleet.Question) promfleet.Answer { return promfleet.Answer{Loaded: configs} }); err != nil {
			t.Fatal(err)
		}
		if l, err := (<-asked)(); err != nil || l.Same || l.Loaded.Missing != "Prometheus is  down" || l.Loaded.Text != "" || l.Notes[0] != "a  note" {
			t.Errorf("%+v, error %v", l, err)
		}

		configs.Loaded = promfleet.AgentConfig{Gzip: packed(t, wanted+"x: 1\n")}
		asked = ask()
		if _, err := answers(t, a, func(promfleet.Question) promfleet.Answer { return promfleet.Answer{Loaded: configs} }); err != nil {
			t.Fatal(err)
		}
		if l, err := (<-asked)(); err != nil || l.Same { // whatever the agent says
			t.Errorf("%+v, error %v", l, err)
		}
	})
}

func TestNodeDoctor(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		a := s.join(nodeA)
		s.reported(a)
		asked := later(func() (*promfleet.NodeDoctor, error) { return s.NodeDoctor(t.Context(), nodeA, 30*time.Second) })
		q, err := answers(t, a, func(promfleet.Question) promfleet.Answer {
			return promfleet.Answer{Doctor: &promfleet.AgentDoctor{Of: 3, Findings: []promfleet.Finding{
				{Level: promfleet.FindingOK, Check: "clock", Found: "fine"}, {Level: promfleet.FindingFailure, Check: "disk \x1bspace", Found: "full\u0000", Hint: "make\nroom"}}}}
		})
		if err != nil || q.Kind != promfleet.QuestionDoctor {
			t.Fatalf("question %+v, error %v", q, err)
		}
		d, err := (<-asked)()
		if err != nil || d.Agent != promfleet.AgentAnswered || d.Failures != 1 || d.Warnings != 0 || len(d.Findings) != 2 || d.Findings[1] != (promfleet.Finding{Level: promfleet.FindingFailure, Check: "disk  space", Found: "full ", Hint: "make room"}) {
			t.Errorf("%+v, error %v", d, err)
		}
		if !strings.Contains(d.AgentSays, "only 2 of 3 checks") {
			t.Errorf("of what is missing it says %q", d.AgentSays)
		}
	})
}

// Agents that do not answer, or that cannot.
func TestHostsThatDoNotAnswer(t *testing.T) {
	s := start(t)
	a := s.join(nodeA)
	_, err := s.NodeLoaded(t.Context(), nodeB, 0)
	wantCode(t, err, promfleet.NotFound, "")
	if l, err := s.NodeLoaded(t.Context(), nodeA, 0); err != nil || l.Agent != promfleet.AgentNotAsked || l.Same || l.Wanted.Missing == "" || l.Wanted.Text != "" || l.State != promfleet.StatePending {
		t.Errorf("%+v, error %v", l, err)
	}
	if d, err := s.NodeDoctor(t.Context(), nodeA, time.Second); err != nil || d.Agent != promfleet.AgentSilent || !strings.Contains(d.AgentSays, "did not answer within 1s") || d.Findings == nil {
		t.Errorf("%+v, error %v", d, err)
	}
	for _, tt := range []struct {
		answer promfleet.Answer
		part   promfleet.AgentPart
		words  string
	}{
		{promfleet.Answer{Unknown: true}, promfleet.AgentTooOld, "does not know this question: upgrade it"},
		{promfleet.Answer{Error: "this agent has no \x07doctor"}, promfleet.AgentFailed, "no  doctor"},
		{promfleet.Answer{}, promfleet.AgentFailed, "its answer says nothing"},
		{promfleet.Answer{Loaded: &promfleet.AgentConfigs{State: promfleet.StateInSync}}, promfleet.AgentFailed, "its answer says nothing"},
	} {
		asked := later(func() (*promfleet.NodeDoctor, error) { return s.NodeDoctor(t.Context(), nodeA, 30*time.Second) })
		if _, err := answers(t, a, func(promfleet.Question) promfleet.Answer { return tt.answer }); err != nil {
			t.Fatal(err)
		}
		if d, err := (<-asked)(); err != nil || d.Agent != tt.part || !strings.Contains(d.AgentSays, tt.words) || d.Failures+d.Warnings+len(d.Findings) != 0 {
			t.Errorf("%+v: %+v, error %v", tt.answer, d, err)
		}
	}
}

// An agent that is somebody else's by now sends what is none, or what would fill the
// server's memory.
func TestHostileHosts(t *testing.T) {
	s := start(t)
	jt := must(s.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{}))
	credential := must(s.as(jt.Secret).Register(t.Context(), registration(nodeA))).Credential
	a := s.as(credential)
	bomb := packed(t, strings.Repeat("a: b\n", promfleet.MaxConfigText)) // five times what is taken
	if len(bomb) > promfleet.MaxAnswer/2 {
		t.Fatalf("%d bytes", len(bomb))
	}
	asked := later(func() (*promfleet.NodeLoaded, error) { return s.NodeLoaded(t.Context(), nodeA, 30*time.Second) })
	q, err := a.Questions(t.Context(), 20*time.Second)
	if err != nil || len(q) != 1 {
		t.Fatalf("%+v, error %v", q, err)
	}
	configs := func(wanted string) string {
		return `{"loaded":{"revision_wanted":1,"revision_received":1,"revision_written":1,"revision_loaded":1,"state":"in_sync","same":true,"written":{"same_as":"wanted"},"loaded":{"same_as":"wanted"},"wanted":` + wanted + `}}`
	}
	finding := `{"level":"ok","check":"x","found":"x"},`
	for body, want := range map[string]int{
		`{"loaded":{}}`:                             http.StatusUnprocessableEntity,
		`{"doctor":{"findings":[],"of":-1}}`:        http.StatusUnprocessableEntity,
		configs(`{"gzip":"%%%"}`):                   http.StatusUnprocessableEntity,
		configs(`{"same_as":"mine"}`):               http.StatusUnprocessableEntity,
		configs(`"` + strings.Repeat("x", 9) + `"`): http.StatusUnprocessableEntity,
		`{"doctor":{"of":1,"findings":[{"level":"awful","check":"x","found":"x"}]}}`:                                         http.StatusUnprocessableEntity,
		`{"doctor":{"of":1,"findings":[` + strings.TrimSuffix(strings.Repeat(finding, promfleet.MaxFindings+1), ",") + `]}}`: http.StatusUnprocessableEntity,
		configs(`{"missing":"` + strings.Repeat("x", promfleet.MaxAnswer) + `"}`):                                            http.StatusRequestEntityTooLarge,
	} {
		st, _, answer := s.call("POST", fmt.Sprintf("/api/v1/agent/questions/%d/answer", q[0].ID), body, "Authorization", "Bearer "+credential)
		if st != want {
			t.Errorf("%.100s: %d %.200s, want %d", body, st, answer, want)
		}
	}
	if err := a.Answer(t.Context(), q[0].ID, promfleet.Answer{Loaded: &promfleet.AgentConfigs{State: promfleet.StateInSync, Same: true,
		Wanted: promfleet.AgentConfig{Gzip: bomb}, Written: promfleet.AgentConfig{Gzip: []byte("none")}, Loaded: promfleet.AgentConfig{SameAs: "written"}}}); err != nil {
		t.Fatal(err)
	}
	if l, err := (<-asked)(); err != nil || l.Same || !strings.Contains(l.Wanted.Missing, "more than") || !strings.Contains(l.Written.Missing, "cannot be read") || l.Loaded != l.Written {
		t.Errorf("%+.300v, error %v", l, err)
	}
}
