package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// How long agents are given to answer, in seconds.
const (
	maxExplain     = 30
	defaultExplain = 10
)

// explainWait is a number of seconds. A default by tag would take 0 for absent.
type explainWait struct {
	Seconds int
	given   bool
}

// Schema implements huma.SchemaProvider.
func (explainWait) Schema(huma.Registry) *huma.Schema {
	least, most := 0.0, float64(maxExplain)
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Default: defaultExplain}
}

// Receiver implements huma.ParamWrapper.
func (w *explainWait) Receiver() reflect.Value { return reflect.ValueOf(w).Elem().Field(0) }

// OnParamSet implements huma.ParamReactor.
func (w *explainWait) OnParamSet(given bool, _ any) { w.given = given }

func (w explainWait) duration() time.Duration {
	if !w.given {
		return defaultExplain * time.Second
	}
	return time.Duration(w.Seconds) * time.Second
}

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

// questions are how a server asks agents, which hold a call for that.
func (h *handlers) questions(a huma.API) {
	const tag = "agent"
	type questions struct {
		Wait int `query:"wait" minimum:"0" maximum:"55" doc:"how long to wait for one, in seconds; default: not at all"`
	}
	type asked struct{ Body promfleet.QuestionsReply }
	serve(h, a, operation{id: "agent-questions", summary: "Wait until the server wants to know something", method: http.MethodGet, path: "/agent/questions", who: agent, tag: tag, errors: readErrors,
		timeout: maxWait*time.Second + defaultTimeout},
		func(ctx context.Context, in *questions) (*asked, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			q, err := h.fleet.Questions(ctx, principal(ctx).Node, time.Duration(min(in.Wait, maxWait))*time.Second)
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
