package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// health serves what agents say of the health of targets.
func (h *handlers) health(a huma.API) {
	const timeout = maxExplain*time.Second + defaultTimeout
	type of struct {
		UUIDPath
		Job  string      `query:"job" maxLength:"128" doc:"key of a job; default: all jobs"`
		Wait explainWait `query:"wait" doc:"how long the agent is given to answer, in seconds; 0: it is not asked"`
	}
	type node struct{ Body promfleet.NodeHealth }
	serve(h, a, operation{id: "get-node-health", summary: "Tell how the targets of a node are scraped", method: http.MethodGet, path: "/nodes/{uuid}/health", who: viewer, tag: "nodes",
		errors: []int{http.StatusNotFound}, timeout: timeout},
		func(ctx context.Context, in *of) (*node, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			n, err := h.fleet.NodeHealth(ctx, lower(in.UUID), in.Job, in.Wait.duration())
			return &node{n}, err
		})
	type ask struct {
		Wait explainWait `query:"wait" doc:"how long agents are given to answer, in seconds; 0: they are not asked"`
		Body promfleet.TargetsHealthRequest
	}
	type targets struct{ Body promfleet.TargetsHealth }
	serve(h, a, operation{id: "get-targets-health", summary: "Tell how targets are scraped", method: http.MethodPost, path: "/targets/health", who: viewer, tag: "targets", timeout: timeout},
		func(ctx context.Context, in *ask) (*targets, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			t, err := h.fleet.TargetsHealth(ctx, in.Body, in.Wait.duration())
			return &targets{t}, err
		})
}
