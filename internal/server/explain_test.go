package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
)

// nodeB is another node than nodeA.
var nodeB = strings.Replace(nodeA, "7b", "8b", 1)

// reported says of a node that it is heard of and has applied nothing.
func (s *started) reported(agent *client.Client) {
	s.t.Helper()
	if err := agent.Report(s.t.Context(), promfleet.Report{Protocol: promfleet.ProtocolVersion, State: promfleet.StateApplying}); err != nil {
		s.t.Fatal(err)
	}
}

// answers answers the next question to an agent's node.
func answers(t *testing.T, agent *client.Client, a func(q promfleet.Question) promfleet.Answer) (promfleet.Question, error) {
	t.Helper()
	questions, err := agent.Questions(t.Context(), 20*time.Second)
	if err != nil || len(questions) != 1 {
		return promfleet.Question{}, fmt.Errorf("questions %+v, error %w", questions, err)
	}
	return questions[0], agent.Answer(t.Context(), questions[0].ID, a(questions[0]))
}

type explanation struct {
	*promfleet.Explained
	err error
}

func (s *started) explain(in promfleet.ExplainRequest, wait time.Duration) <-chan explanation {
	done := make(chan explanation, 1)
	go func() {
		e, err := s.Explain(s.t.Context(), in, wait)
		done <- explanation{e, err}
	}()
	return done
}

// A question goes to the agent of its node and to no other, which answers it once;
// whoever has asked gets the answer at once.
func TestQuestions(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		a, b := s.join(nodeA), s.join(nodeB)
		s.reported(a)
		s.reported(b)
		job := must(s.Jobs().Create(t.Context(), promfleet.JobInput{Node: nodeA, Key: "web"}))
		must(s.Targets().Create(t.Context(), promfleet.TargetInput{Job: job.ID, Addr: "a:1", Labels: map[string]string{"env": "prod"}}))

		start := time.Now()
		asked := s.explain(promfleet.ExplainRequest{Addr: "a:1"}, 30*time.Second)
		q, err := answers(t, a, func(q promfleet.Question) promfleet.Answer {
			if others, err := b.Questions(t.Context(), 0); err != nil || len(others) != 0 {
				t.Errorf("the other node's agent is asked %+v, error %v", others, err)
			}
			wantCode(t, b.Answer(t.Context(), q.ID, promfleet.Answer{Error: "not mine"}), promfleet.NotFound, "")
			return promfleet.Answer{Explain: &promfleet.AgentExplanation{State: promfleet.StateApplying, RevisionReceived: 99, RevisionWritten: 99, RevisionLoaded: 99, Targets: []promfleet.SeenTarget{{
				Job: "web", JobName: "web", Addr: "a:1", Matched: promfleet.MatchAddr, InFile: "web/all.json", FileLabels: map[string]string{"env": "prod"}, State: promfleet.SeenActive,
				Scrape: &promfleet.LastScrape{URL: "http://a:1/metrics", Health: "down", Error: "evil \x1b[31m\u202e\nwords"}}}}}
		})
		if err != nil || q.Kind != promfleet.QuestionExplain || q.Explain.Addr != "a:1" || q.Within <= 0 || q.Within > 30 {
			t.Fatalf("question %+v, error %v", q, err)
		}
		e := <-asked
		if e.err != nil || e.Scraped != promfleet.ScrapedNo || len(e.Items) != 1 || len(e.Items[0].Chains) != 1 || e.Items[0].Chains[0].Record == nil {
			t.Fatalf("%+v", e)
		}
		if v := e.Verdict; !strings.HasPrefix(v, "scrape fails: evil ") || strings.ContainsAny(v, "\x1b\n") {
			t.Errorf("verdict %q", v)
		}
		t.Logf("answered after %s", time.Since(start).Round(time.Millisecond))
		if time.Since(start) > 15*time.Second {
			t.Error("the answer was not waited for, but the end of the time")
		}
		wantCode(t, a.Answer(t.Context(), q.ID, promfleet.Answer{Error: "again"}), promfleet.NotFound, "")
	})
}

// What agents say that they cannot, and agents that say nothing.
func TestAgentsThatDoNotExplain(t *testing.T) {
	s := start(t)
	a := s.join(nodeA)
	in := promfleet.ExplainRequest{Addr: "a:1", Node: nodeA}
	if e := <-s.explain(in, 0); e.err != nil || e.Scraped != promfleet.ScrapedUnknown || e.Items[0].Agent != promfleet.AgentNotAsked {
		t.Errorf("not asked: %+v", e)
	}
	if e := <-s.explain(in, time.Second); e.err != nil || e.Items[0].Agent != promfleet.AgentSilent || !strings.Contains(e.Verdict, "did not answer within 1s") {
		t.Errorf("silent: %+v", e)
	}
	for _, tt := range []struct {
		answer promfleet.Answer
		part   promfleet.AgentPart
		words  string
	}{
		{promfleet.Answer{Unknown: true}, promfleet.AgentTooOld, "does not know this question"},
		{promfleet.Answer{Error: "no \x07disk"}, promfleet.AgentFailed, "no  disk"},
		{promfleet.Answer{}, promfleet.AgentFailed, "its answer says nothing"},
	} {
		asked := s.explain(in, 30*time.Second)
		if _, err := answers(t, a, func(promfleet.Question) promfleet.Answer { return tt.answer }); err != nil {
			t.Fatal(err)
		}
		if e := <-asked; e.err != nil || e.Scraped != promfleet.ScrapedUnknown || e.Items[0].Agent != tt.part || !strings.Contains(e.Items[0].AgentSays, tt.words) {
			t.Errorf("%+v: %+v", tt.answer, e)
		}
	}
}

// An answer that is none is refused, and one that is follows.
func TestHostileAnswers(t *testing.T) {
	s := start(t)
	jt := must(s.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{}))
	credential := must(s.as(jt.Secret).Register(t.Context(), registration(nodeA))).Credential
	a := s.as(credential)
	asked := s.explain(promfleet.ExplainRequest{Addr: "a:1", Node: nodeA}, 30*time.Second)
	q, err := a.Questions(t.Context(), 20*time.Second)
	if err != nil || len(q) != 1 {
		t.Fatalf("%+v, error %v", q, err)
	}
	many := strings.Repeat(`{"job_name":"x","addr":"a:1","matched":"addr","state":"missing"},`, promfleet.MaxSeen+1)
	for body, want := range map[string]int{
		`{"explain":{}}`:         http.StatusUnprocessableEntity,
		`{"explain":"yes"}`:      http.StatusUnprocessableEntity,
		`{"verdict":"all well"}`: http.StatusUnprocessableEntity,
		`{"explain":{"revision_received":-1,"revision_written":0,"revision_loaded":0,"state":"in_sync","targets":[],"more":0}}`:                                                                http.StatusUnprocessableEntity,
		`{"explain":{"revision_received":1,"revision_written":1,"revision_loaded":1,"state":"stale","targets":[],"more":0}}`:                                                                   http.StatusUnprocessableEntity,
		`{"explain":{"revision_received":1,"revision_written":1,"revision_loaded":1,"state":"in_sync","targets":[` + strings.TrimSuffix(many, ",") + `],"more":0}}`:                            http.StatusUnprocessableEntity,
		`{"explain":{"revision_received":1,"revision_written":1,"revision_loaded":1,"state":"in_sync","targets":[{"job_name":"x","addr":"a:1","matched":"addr","state":"perfect"}],"more":0}}`: http.StatusUnprocessableEntity,
		`{"error":"` + strings.Repeat("x", 5000) + `"}`:                http.StatusUnprocessableEntity,
		`{"error":"` + strings.Repeat("x", promfleet.MaxAnswer) + `"}`: http.StatusRequestEntityTooLarge,
		`{`: http.StatusBadRequest,
	} {
		st, _, answer := s.call("POST", fmt.Sprintf("/api/v1/agent/questions/%d/answer", q[0].ID), body, "Authorization", "Bearer "+credential)
		if st != want {
			t.Errorf("%.100s: %d %.200s, want %d", body, st, answer, want)
		}
	}
	if err := a.Answer(t.Context(), q[0].ID, promfleet.Answer{Error: "at last"}); err != nil {
		t.Error(err)
	}
	if e := <-asked; e.err != nil || e.Items[0].AgentSays != "at last" {
		t.Errorf("%+v", e)
	}
}

// A node is not asked more than it may be, and what nobody waits for is gone.
func TestQuestionsAreBounded(t *testing.T) {
	s := start(t)
	a := s.join(nodeA)
	var all []<-chan explanation
	for range promfleet.MaxQuestions {
		all = append(all, s.explain(promfleet.ExplainRequest{Addr: "a:1", Node: nodeA}, 30*time.Second))
	}
	var open []promfleet.Question
	await(t, "as many questions as there may be", func() bool { open = must(a.Questions(t.Context(), 0)); return len(open) == promfleet.MaxQuestions })
	if e := <-s.explain(promfleet.ExplainRequest{Addr: "a:1", Node: nodeA}, 30*time.Second); e.err != nil || e.Items[0].Agent != promfleet.AgentNotAsked || !strings.Contains(e.Verdict, "more questions to answer than it may have") {
		t.Errorf("one more: %+v", e)
	}
	for _, q := range open {
		if err := a.Answer(t.Context(), q.ID, promfleet.Answer{Error: "x"}); err != nil {
			t.Error(err)
		}
	}
	for _, c := range all {
		<-c
	}
	if left := must(a.Questions(t.Context(), 0)); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
}

// What only the server knows: deleted targets and jobs, other spellings, what is near.
func TestExplainRecords(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		s.join(nodeA)
		s.join(nodeB)
		web := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		old := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeB, Key: "old"}))
		gone := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: web.ID, Addr: "gone.example:1"}))
		must(s.Targets().Create(ctx, promfleet.TargetInput{Job: web.ID, Addr: "10.0.0.1:9100"}))
		must(s.Targets().Create(ctx, promfleet.TargetInput{Job: old.ID, Addr: "old.example:1"}))
		must(0, s.Targets().Delete(ctx, id(map[string]any{"id": float64(gone.ID)}), ""))
		must(0, s.Jobs().Delete(ctx, fmt.Sprint(old.ID), ""))
		for _, tt := range []struct {
			in      promfleet.ExplainRequest
			scraped promfleet.Scraped
			matched promfleet.AddrMatch
			verdict string
		}{
			{promfleet.ExplainRequest{Addr: "10.0.0.1:9100"}, promfleet.ScrapedNo, promfleet.MatchAddr, "the record is there, but revision 5 is not received yet: pending"},
			{promfleet.ExplainRequest{Addr: "10.0.0.1", Job: "web"}, promfleet.ScrapedNo, promfleet.MatchHost, "the record is there"},
			{promfleet.ExplainRequest{Addr: "http://10.0.0.1:9100/metrics", Node: nodeA}, promfleet.ScrapedNo, promfleet.MatchURL, "the record is there"},
			{promfleet.ExplainRequest{Addr: "gone.example:1"}, promfleet.ScrapedNo, promfleet.MatchAddr, "the target was deleted at "},
			{promfleet.ExplainRequest{Addr: "old.example:1"}, promfleet.ScrapedNo, promfleet.MatchAddr, "the target was deleted at "},
			{promfleet.ExplainRequest{Addr: "10.0.0.1:9100", Node: nodeB}, promfleet.ScrapedUnknown, "", "no target of the node has this address"},
			{promfleet.ExplainRequest{Addr: "10.0.0.7:9100"}, promfleet.ScrapedNo, "", "nothing has this address; nearest: 10.0.0.1:9100"},
		} {
			e, err := s.Explain(ctx, tt.in, 0)
			if err != nil {
				t.Fatal(err)
			}
			matched := promfleet.AddrMatch("")
			if len(e.Items) > 0 && len(e.Items[0].Chains) > 0 {
				matched = e.Items[0].Chains[0].Matched
			}
			if e.Scraped != tt.scraped || matched != tt.matched || !strings.Contains(e.Verdict, tt.verdict) {
				t.Errorf("%+v: %s, matched %q, %s", tt.in, e.Scraped, matched, e.Verdict)
			}
			if soon := strings.HasPrefix(tt.verdict, "the record is there"); e.UnderWay != soon {
				t.Errorf("%+v: under way %t, want %t", tt.in, e.UnderWay, soon)
			}
			if r := strings.Contains(tt.verdict, "deleted"); r && !strings.HasSuffix(e.Verdict, " by admin") {
				t.Errorf("%+v: %s", tt.in, e.Verdict)
			}
		}
		for _, in := range []promfleet.ExplainRequest{{Addr: " "}, {Addr: "a\x00"}, {Addr: "a:1", Node: "nobody"}, {Addr: "a:1", Job: "\x1b"}} {
			_, err := s.Explain(ctx, in, 0)
			wantCode(t, err, promfleet.Invalid, "")
		}
	})
}
