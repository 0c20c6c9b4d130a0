package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// maxWait is how long a watch may be held: less than the idle time of common
// reverse proxies (60 s).
const maxWait = 55

type agentBounds struct{}

func (agentBounds) bounds() (standard, most int) { return 30, maxWait }

func (h *handlers) agents(a huma.API) {
	const tag = "agent"
	type register struct {
		Authorization string `header:"Authorization" maxLength:"500" doc:"Bearer, with a join token the first time and the node's own credential afterwards"`
		Body          promfleet.Registration
	}
	type registered struct{ Body promfleet.Registered }
	serve(h, a, operation{id: "agent-register", summary: "Register a node: create it, or update it", method: http.MethodPost, path: "/agent/register", who: joining, tag: tag, errors: createErrors},
		func(ctx context.Context, in *register) (*registered, error) {
			r, err := h.fleet.Register(ctx, bearer(in.Authorization), in.Body)
			return &registered{r}, err
		})
	type watch struct {
		Revision int64             `query:"revision" minimum:"0" doc:"the revision that the agent has; 0: none"`
		Wait     wait[agentBounds] `query:"wait" doc:"how long to wait for another one, in seconds"`
	}
	type changed struct {
		Status int `doc:"200, or 204 if nothing changed"`
		Body   *promfleet.WatchReply
	}
	serve(h, a, operation{id: "agent-watch", summary: "Wait until what the node should have is another revision", method: http.MethodGet, path: "/agent/watch", who: agent, tag: tag, errors: readErrors,
		answers: map[int]*huma.Response{http.StatusOK: answerOf(schemaOf[promfleet.WatchReply](a)), http.StatusNoContent: {Description: "Nothing changed"}}, timeout: maxWait*time.Second + defaultTimeout},
		func(ctx context.Context, in *watch) (*changed, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(h.serving, cancel)()
			r, err := h.fleet.Watch(ctx, principal(ctx).Node, in.Revision, in.Wait.duration())
			if err != nil {
				return nil, err
			}
			if r == nil {
				return &changed{Status: http.StatusNoContent}, nil
			}
			return &changed{Status: http.StatusOK, Body: r}, nil
		})
	type fetch struct{ Body promfleet.FetchRequest }
	type fetched struct{ Body promfleet.FetchReply }
	serve(h, a, operation{id: "agent-fetch", summary: "Get bodies of parts", method: http.MethodPost, path: "/agent/fetch", who: agent, tag: tag, errors: []int{http.StatusNotFound, http.StatusGone}},
		func(ctx context.Context, in *fetch) (*fetched, error) {
			b, err := h.fleet.Fetch(ctx, principal(ctx).Node, in.Body.Parts)
			return &fetched{promfleet.FetchReply{Bodies: b}}, err
		})
	type report struct{ Body promfleet.Report }
	serve(h, a, operation{id: "agent-report", summary: "Report what the agent has done", method: http.MethodPost, path: "/agent/report", who: agent, tag: tag, status: http.StatusNoContent, errors: readErrors},
		func(ctx context.Context, in *report) (*empty, error) {
			return nil, h.fleet.Report(ctx, principal(ctx).Node, in.Body)
		})
}
