package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// How long agents are given to answer, in seconds.
const (
	maxExplain     = 30
	defaultExplain = 10
)

type explainBounds struct{}

func (explainBounds) bounds() (standard, most int) { return defaultExplain, maxExplain }

// explainWait is how long agents are given to answer.
type explainWait = wait[explainBounds]

func (h *handlers) explain(a huma.API) {
	type explain struct {
		Wait explainWait `query:"wait" doc:"how long agents are given to answer, in seconds; 0: they are not asked"`
		Body promfleet.ExplainRequest
	}
	type explained struct{ Body promfleet.Explained }
	serve(h, a, operation{id: "explain", summary: "Tell why an address is, or is not, scraped", method: http.MethodPost, path: "/explain", who: viewer, tag: "explain",
		timeout: maxExplain*time.Second + defaultTimeout},
		func(ctx context.Context, in *explain) (*explained, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			e, err := h.fleet.Explain(ctx, in.Body, in.Wait.duration())
			return &explained{e}, err
		})
}

// whileServing ends with the request, and when requests are not to be held any longer.
func (h *handlers) whileServing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(h.serving, cancel)
	return ctx, func() { stop(); cancel() }
}

type questionBounds struct{}

func (questionBounds) bounds() (standard, most int) { return 0, maxWait }

// questions are how a server asks agents, which hold a call for that.
func (h *handlers) questions(a huma.API) {
	const tag = "agent"
	type questions struct {
		Wait wait[questionBounds] `query:"wait" doc:"how long to wait for one, in seconds; default: not at all"`
	}
	type asked struct{ Body promfleet.QuestionsReply }
	serve(h, a, operation{id: "agent-questions", summary: "Wait until the server wants to know something", method: http.MethodGet, path: "/agent/questions", who: agent, tag: tag, errors: readErrors,
		timeout: maxWait*time.Second + defaultTimeout},
		func(ctx context.Context, in *questions) (*asked, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			q, err := h.fleet.Questions(ctx, principal(ctx).Node, in.Wait.duration())
			return &asked{promfleet.QuestionsReply{Questions: q}}, err
		})
	type answer struct {
		IDPath
		Body promfleet.Answer
	}
	serve(h, a, operation{id: "agent-answer", summary: "Answer a question, once", method: http.MethodPost, path: "/agent/questions/{id}/answer", who: agent, tag: tag, status: http.StatusNoContent,
		errors: readErrors, maxBody: promfleet.MaxAnswer + 1},
		func(ctx context.Context, in *answer) (*empty, error) {
			return nil, h.fleet.Answer(ctx, principal(ctx).Node, in.ID, in.Body)
		})
}
