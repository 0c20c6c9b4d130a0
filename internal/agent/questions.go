package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"promfleet"
	"promfleet/client"
)

func init() {
	addTask("questions", 40, func(a *Agent) Task { return &questionsTask{a: a} })
}

// questionsTask answers what the server wants to know, beside the sync, which may
// take a while. The server may be somebody else's by now: it is told of what stands
// in the agent's own files and of what this host's Prometheus shows, and nothing
// else; it has no say in how much of the host's time that takes.
type questionsTask struct{ a *Agent }

// Limits of what a server may ask.
const (
	// maxQuestions is what is taken of an answer to "what do you want to know", in bytes.
	maxQuestions = 128 << 10
	maxAddress   = 2048
	// longestAnswer is how long is looked for an answer at the most.
	longestAnswer = 25 * time.Second
	// shareOfAnswers is how many times as long as an answer took the next question is
	// left: one that makes Prometheus list a million targets takes it seconds.
	shareOfAnswers = 4
	leastRest      = 50 * time.Millisecond
	longestRest    = 30 * time.Second
	// olderServer is when a server that does not know questions is asked again.
	olderServer = 10 * time.Minute
)

func (t *questionsTask) Init(context.Context) error { return nil }

// Run answers until ctx is done.
func (t *questionsTask) Run(ctx context.Context) error {
	var wait backoff
	for {
		c, err := t.a.session.wait(ctx)
		if err != nil {
			return nil
		}
		d := time.Duration(0)
		switch err := t.round(ctx, c); {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait.reset()
		case promfleet.ErrorCode(err) == promfleet.NotFound:
			d = olderServer
		case promfleet.ErrorCode(err) == promfleet.Unauthorized:
			d = slowPause // the sync task sees to that
		default:
			t.a.log.Debug("cannot ask for questions", "err", err)
			d = wait.next()
		}
		if d > 0 && pause(ctx, d) != nil {
			return nil
		}
	}
}

// round waits for questions once, and answers them.
func (t *questionsTask) round(ctx context.Context, c *client.Client) error {
	asking, cancel := context.WithTimeout(ctx, maxWait+callTimeout)
	defer cancel()
	start := time.Now()
	questions, err := c.Within(maxQuestions).Questions(asking, maxWait)
	if err != nil {
		return err
	}
	if len(questions) == 0 && time.Since(start) < time.Second {
		return pause(ctx, time.Second) // a server that does not wait is not asked all the time
	}
	for _, q := range questions {
		start := time.Now()
		err := t.answer(ctx, c, q)
		if pause(ctx, min(max(leastRest, shareOfAnswers*time.Since(start)), longestRest)) != nil {
			return ctx.Err()
		}
		switch code := promfleet.ErrorCode(err); {
		case err == nil:
		case code == promfleet.NotFound:
			t.a.log.Debug("nobody waits for the answer any more", "question", q.ID)
		case code == promfleet.Unauthorized, code == promfleet.Unavailable:
			return err
		default:
			t.a.log.Warn("the server does not take an answer", "question", q.ID, "kind", cut(string(q.Kind), 100), "err", err)
		}
	}
	return nil
}

// answer finds the answer to one question, and tells it.
func (t *questionsTask) answer(ctx context.Context, c *client.Client, q promfleet.Question) error {
	within := time.Duration(min(max(q.Within, 0), longestAnswer.Seconds()) * float64(time.Second))
	ctx, cancel := context.WithTimeout(ctx, longestAnswer+callTimeout)
	defer cancel()
	looking, stop := context.WithTimeout(ctx, within)
	defer stop()
	a := t.a.answerTo(looking, q)
	return c.Answer(ctx, q.ID, fitting(a))
}

// answerTo answers a question of a kind that this agent knows.
func (a *Agent) answerTo(ctx context.Context, q promfleet.Question) promfleet.Answer {
	switch q.Kind {
	case promfleet.QuestionExplain:
		return a.answerExplain(ctx, q.Explain)
	case promfleet.QuestionHealth:
		return a.answerHealth(ctx, q.Health)
	case promfleet.QuestionLoaded:
		return promfleet.Answer{Loaded: a.configs(ctx)}
	case promfleet.QuestionDoctor:
		return a.answerDoctor(ctx)
	}
	return promfleet.Answer{Unknown: true}
}

func (a *Agent) answerExplain(ctx context.Context, e *promfleet.ExplainQuestion) promfleet.Answer {
	switch {
	case e == nil:
		return promfleet.Answer{Error: "the question says not what of"}
	case e.Addr == "" || len(e.Addr) > maxAddress || len(e.Job) > maxAddress:
		return promfleet.Answer{Error: fmt.Sprintf("the question is about an address of %d bytes, allowed are 1 to %d", len(e.Addr), maxAddress)}
	default:
		return promfleet.Answer{Explain: a.explain(ctx, *e)}
	}
}

func (a *Agent) answerHealth(ctx context.Context, h *promfleet.HealthQuestion) promfleet.Answer {
	if h == nil {
		return promfleet.Answer{Error: "the question says not what of"}
	}
	bad := func(t promfleet.AskedTarget) bool { return t.Job < 0 || t.Job >= len(h.Jobs) }
	if len(h.Targets) > promfleet.MaxHealthTargets || h.Down < 0 || slices.ContainsFunc(h.Targets, bad) {
		return promfleet.Answer{Error: fmt.Sprintf("the question is about %d targets of %d jobs, allowed are %d of its jobs", len(h.Targets), len(h.Jobs), promfleet.MaxHealthTargets)}
	}
	return promfleet.Answer{Health: a.health(ctx, *h)}
}

// fitting leaves out what makes an answer larger than a server takes.
func fitting(a promfleet.Answer) promfleet.Answer {
	if a.Health != nil && !fitHealth(a.Health) {
		return promfleet.Answer{Error: "the answer is too large"}
	}
	for {
		body, err := json.Marshal(a)
		switch {
		case err == nil && len(body) <= promfleet.MaxAnswer:
			return a
		case err == nil && shortenConfigs(a.Loaded):
			continue
		case err != nil || a.Explain == nil || len(a.Explain.Targets) == 0:
			return promfleet.Answer{Error: "the answer is too large"}
		}
		keep := len(a.Explain.Targets) / 2
		a.Explain.More += len(a.Explain.Targets) - keep
		a.Explain.Targets = a.Explain.Targets[:keep]
	}
}
