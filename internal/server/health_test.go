package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
)

// later gives what a call that waits answers.
func later[T any](call func() (T, error)) <-chan func() (T, error) {
	done := make(chan func() (T, error), 1)
	go func() {
		v, err := call()
		done <- func() (T, error) { return v, err }
	}()
	return done
}

// tells answers the next question about health.
func tells(t *testing.T, agent *client.Client, a func(*promfleet.HealthQuestion) *promfleet.AgentHealth) {
	t.Helper()
	q, err := answers(t, agent, func(q promfleet.Question) promfleet.Answer {
		if q.Health == nil {
			return promfleet.Answer{Error: "not asked for health"}
		}
		return promfleet.Answer{Health: a(q.Health)}
	})
	if err != nil || q.Kind != promfleet.QuestionHealth {
		t.Fatalf("question %+v, error %v", q, err)
	}
}

func agentHealth(jobs ...promfleet.JobHealth) *promfleet.AgentHealth {
	for i := range jobs {
		jobs[i].Errors = append([]promfleet.ScrapeErrors{}, jobs[i].Errors...)
	}
	return &promfleet.AgentHealth{RevisionLoaded: 3, Jobs: append([]promfleet.JobHealth{}, jobs...), Down: []promfleet.AgentTarget{}, Targets: []promfleet.AgentTarget{}}
}

// What an agent says of the targets of its node, with the records that they are.
func TestNodeHealth(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		a := s.join(nodeA)
		s.reported(a)
		web := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		one := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: web.ID, Addr: "a:1"}))
		must(s.Targets().Create(ctx, promfleet.TargetInput{Job: web.ID, Addr: "b:1", Name: "x", Labels: map[string]string{"n": "x"}}))
		two := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: web.ID, Addr: "b:1", Name: "y", Labels: map[string]string{"n": "y"}}))
		at := time.Now().UTC().Truncate(time.Second)
		there := at.In(time.FixedZone("", 8*3600))

		asked := later(func() (*promfleet.NodeHealth, error) {
			return s.NodeHealth(ctx, strings.ToUpper(nodeA), "", 30*time.Second)
		})
		tells(t, a, func(q *promfleet.HealthQuestion) *promfleet.AgentHealth {
			if len(q.Jobs) != 0 || len(q.Targets) != 0 || q.Down != promfleet.MaxHealthDown {
				t.Errorf("asked %+v", q)
			}
			h := agentHealth(promfleet.JobHealth{JobName: "own", Active: 1, Up: 1}, promfleet.JobHealth{Job: "web", JobName: "web", Active: 3, Down: 3, Errors: []promfleet.ScrapeErrors{{Message: "evil \x1b[31m\u202e", Count: 3, Addr: "a:1\n"}}})
			h.Age = 5
			for _, d := range []promfleet.AgentTarget{{Addr: "a:1", Sum: promfleet.TargetSum("a:1", nil)}, {Addr: "b:1", Sum: promfleet.TargetSum("b:1", map[string]string{"n": "y"})}, {Addr: "b:1"}, {Addr: "c:1", State: promfleet.HealthMissing}, {Addr: "a:1", Sum: "AAAA"}} {
				d.Job, d.Error, d.At, d.Seconds = "web", "connection \x07refused", &there, 0.25
				if d.State == "" {
					d.State = promfleet.HealthDown
				}
				h.Down = append(h.Down, d)
			}
			h.MoreDown = 7
			return h
		})
		h, err := (<-asked)()
		if err != nil || h.Agent != promfleet.AgentAnswered || h.AgentSays != "" || h.RevisionLoaded != 3 || h.Hostname == "" || h.MoreDown != 7 {
			t.Fatalf("%+v, error %v", h, err)
		}
		if age := time.Since(*h.At); age < 4*time.Second || age > time.Minute {
			t.Errorf("looked at %s ago", age)
		}
		if len(h.Jobs) != 2 || h.Jobs[0].Job != "web" || h.Jobs[1].JobName != "own" || strings.ContainsAny(h.Jobs[0].Errors[0].Message+h.Jobs[0].Errors[0].Addr, "\x1b\n") {
			t.Errorf("jobs %+v", h.Jobs)
		}
		var ids []int64
		for _, d := range h.Down {
			ids = append(ids, d.ID)
			if d.Error != "connection  refused" || d.At == nil || !d.At.Equal(at) || d.At.Location() != time.UTC || d.Seconds != 0.25 || d.Job != "web" {
				t.Errorf("down: %+v", d)
			}
		}
		if want := []int64{one.ID, two.ID, 0, 0, 0}; !slices.Equal(ids, want) || h.Down[3].State != promfleet.HealthMissing {
			t.Errorf("ids %v, want %v", ids, want)
		}

		// Of one job; of one that there is not; without asking.
		asked = later(func() (*promfleet.NodeHealth, error) { return s.NodeHealth(ctx, nodeA, "web", 30*time.Second) })
		tells(t, a, func(q *promfleet.HealthQuestion) *promfleet.AgentHealth {
			if !slices.Equal(q.Jobs, []string{"web"}) {
				t.Errorf("asked %+v", q)
			}
			h := agentHealth()
			h.Jobs = nil
			h.Trouble = "Prometheus does not answer"
			return h
		})
		if h, err := (<-asked)(); err != nil || h.Agent != promfleet.AgentAnswered || h.AgentSays != "Prometheus does not answer" || h.At != nil || h.Jobs == nil {
			t.Errorf("without Prometheus: %+v, error %v", h, err)
		}
		_, err = s.NodeHealth(ctx, nodeA, "none", 0)
		wantCode(t, err, promfleet.NotFound, "")
		_, err = s.NodeHealth(ctx, nodeB, "", 0)
		wantCode(t, err, promfleet.NotFound, "")
		if h, err := s.NodeHealth(ctx, nodeA, "", 0); err != nil || h.Agent != promfleet.AgentNotAsked || h.AgentSays == "" {
			t.Errorf("not asked: %+v, error %v", h, err)
		}
	})
}

// Targets of several nodes, at once: each agent is asked for its own.
func TestTargetsHealth(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		var ids []int64
		agents := map[string]*client.Client{}
		for _, node := range []string{nodeA, nodeB} {
			agents[node] = s.join(node)
			s.reported(agents[node])
			job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: node, Key: "web"}))
			for i := range 2 {
				ids = append(ids, must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: fmt.Sprintf("a:%d", i), Labels: map[string]string{"n": node}})).ID)
			}
		}
		must(0, s.Targets().Delete(ctx, fmt.Sprint(ids[3]), ""))
		asked := later(func() (*promfleet.TargetsHealth, error) {
			return s.TargetsHealth(ctx, []int64{ids[2], ids[1], ids[0], ids[0], ids[3], 99999}, 30*time.Second)
		})
		tells(t, agents[nodeA], func(q *promfleet.HealthQuestion) *promfleet.AgentHealth {
			want := []promfleet.AskedTarget{{Sum: promfleet.TargetSum("a:0", map[string]string{"n": nodeA})}, {Sum: promfleet.TargetSum("a:1", map[string]string{"n": nodeA})}}
			if !slices.Equal(q.Targets, want) || !slices.Equal(q.Jobs, []string{"web"}) || q.Down != 0 {
				t.Errorf("asked %+v", q)
			}
			h := agentHealth()
			at := time.Now()
			h.Targets = []promfleet.AgentTarget{{State: promfleet.HealthUp, At: &at, Seconds: 0.5}, {State: promfleet.HealthDown, At: &at, Error: "connection\trefused"}}
			return h
		})
		tells(t, agents[nodeB], func(q *promfleet.HealthQuestion) *promfleet.AgentHealth { return agentHealth() }) // of as many as it likes
		h, err := (<-asked)()
		if err != nil || len(h.Items) != 3 || len(h.Notes) != 2 {
			t.Fatalf("%+v, error %v", h, err)
		}
		for i, want := range []promfleet.HealthState{promfleet.HealthUp, promfleet.HealthDown, promfleet.HealthNotKnown} {
			if h.Items[i].ID != ids[i] || h.Items[i].State != want {
				t.Errorf("item %d: %+v, want %s", i, h.Items[i], want)
			}
		}
		if h.Items[1].Error != "connection refused" || h.Items[0].Seconds != 0.5 || !strings.Contains(h.Items[2].Error, "asked for 1 targets and answers for 0") {
			t.Errorf("items %+v", h.Items)
		}
		if want := fmt.Sprintf("there are no live targets %d, 99999", ids[3]); h.Notes[0] != want || !strings.HasPrefix(h.Notes[1], "1 targets of ") {
			t.Errorf("notes %q, want %q first", h.Notes, want)
		}
		if h, err := s.TargetsHealth(ctx, ids[:1], 0); err != nil || h.Items[0].State != promfleet.HealthNotKnown || h.Items[0].Error == "" {
			t.Errorf("not asked: %+v, error %v", h, err)
		}
		for _, body := range []string{`{"ids":[]}`, `{}`, `{"ids":null}`, `{"ids":["a"]}`, `{"ids":[` + strings.TrimSuffix(strings.Repeat("1,", promfleet.MaxHealthTargets+1), ",") + `]}`} {
			if st, _, answer := s.call("POST", "/api/v1/targets/health?wait=0", body); st != http.StatusUnprocessableEntity {
				t.Errorf("%.40s: %d %s", body, st, answer)
			}
		}
	})
}

// The largest questions are handed over in turn: an agent takes no more at once.
func TestLargeQuestionsTakeTurns(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	a := s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: strings.Repeat("k", 128)}))
	var rows []string
	for i := range promfleet.MaxHealthTargets {
		rows = append(rows, fmt.Sprintf(`{"addr":"10.0.%d.%d:9100"}`, i/250, i%250))
	}
	if st, _, body := s.call("PUT", fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID), "["+strings.Join(rows, ",")+"]"); st != http.StatusOK {
		t.Fatalf("%d %s", st, body)
	}
	page := must(s.Targets().List(ctx, map[string][]string{"limit": {"500"}}))
	var ids []int64
	for _, x := range page.Items {
		ids = append(ids, x.ID)
	}
	var all []<-chan func() (*promfleet.TargetsHealth, error)
	for range 5 {
		all = append(all, later(func() (*promfleet.TargetsHealth, error) { return s.TargetsHealth(ctx, ids, 30*time.Second) }))
	}
	for answered := 0; answered < len(all); {
		open := must(a.Within(64<<10).Questions(ctx, 20*time.Second))
		for _, q := range open {
			h := agentHealth()
			for range q.Health.Targets {
				h.Targets = append(h.Targets, promfleet.AgentTarget{State: promfleet.HealthDown, Error: strings.Repeat("x", 1000)})
			}
			must(0, a.Answer(ctx, q.ID, promfleet.Answer{Health: h}))
			answered++
		}
	}
	for _, c := range all {
		if h, err := (<-c)(); err != nil || len(h.Items) != promfleet.MaxHealthTargets || h.Items[0].State != promfleet.HealthDown {
			t.Errorf("%d items, error %v", len(h.Items), err)
		}
	}
}

// Answers about health that are none are refused.
func TestHostileHealth(t *testing.T) {
	s := start(t)
	jt := must(s.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{}))
	credential := must(s.as(jt.Secret).Register(t.Context(), registration(nodeA))).Credential
	a := s.as(credential)
	asked := later(func() (*promfleet.NodeHealth, error) { return s.NodeHealth(t.Context(), nodeA, "", 30*time.Second) })
	q, err := a.Questions(t.Context(), 20*time.Second)
	if err != nil || len(q) != 1 {
		t.Fatalf("%+v, error %v", q, err)
	}
	health := func(more string) string {
		return `{"health":{"revision_loaded":1,"age":0,"jobs":[],"more_jobs":0,"down":[],"more_down":0,"targets":[]` + more + `}}`
	}
	for _, body := range []string{
		`{"health":{}}`,
		strings.Replace(health(""), `"age":0`, `"age":1e300`, 1),
		strings.Replace(health(""), `"more_down":0`, `"more_down":-1`, 1),
		strings.Replace(health(""), `"down":[]`, `"down":[{"state":"perfect"}]`, 1),
		strings.Replace(health(""), `"down":[]`, `"down":[`+strings.TrimSuffix(strings.Repeat(`{"state":"down"},`, promfleet.MaxHealthDown+1), ",")+`]`, 1),
		strings.Replace(health(""), `"targets":[]`, `"targets":[{"state":"down","at":"10000-01-01T00:00:00Z"}]`, 1),
		health(`,"more":1`),
	} {
		st, _, answer := s.call("POST", fmt.Sprintf("/api/v1/agent/questions/%d/answer", q[0].ID), body, "Authorization", "Bearer "+credential)
		if st != http.StatusUnprocessableEntity && st != http.StatusBadRequest {
			t.Errorf("%.100s: %d %.200s", body, st, answer)
		}
	}
	if err := a.Answer(t.Context(), q[0].ID, promfleet.Answer{Explain: &promfleet.AgentExplanation{State: promfleet.StateInSync, Targets: []promfleet.SeenTarget{}}}); err != nil {
		t.Error(err)
	}
	if h, err := (<-asked)(); err != nil || h.Agent != promfleet.AgentFailed || h.AgentSays != "its answer says nothing" {
		t.Errorf("%+v, error %v", h, err)
	}
}
