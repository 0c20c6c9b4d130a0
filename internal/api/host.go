package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// host is what the host of a node shows of itself when its agent is asked.
func (h *handlers) host(a huma.API) {
	const tag = "nodes"
	type ask struct {
		UUIDPath
		Wait explainWait `query:"wait" doc:"how long the agent is given to answer, in seconds; 0: it is not asked"`
	}
	type loaded struct{ Body promfleet.NodeLoaded }
	serve(h, a, operation{id: "get-node-loaded", summary: "Compare what a node should have with its file and with what its Prometheus has loaded", method: http.MethodGet, path: "/nodes/{uuid}/loaded", who: viewer, tag: tag,
		errors: []int{http.StatusNotFound}, timeout: maxExplain*time.Second + defaultTimeout},
		func(ctx context.Context, in *ask) (*loaded, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			l, err := h.fleet.NodeLoaded(ctx, lower(in.UUID), in.Wait.duration())
			return &loaded{l}, err
		})
	type examined struct{ Body promfleet.NodeDoctor }
	serve(h, a, operation{id: "get-node-doctor", summary: "Have the agent of a node look at all that it needs on its host, as promfleet doctor does", method: http.MethodGet, path: "/nodes/{uuid}/doctor", who: viewer, tag: tag,
		errors: []int{http.StatusNotFound}, timeout: maxExplain*time.Second + defaultTimeout},
		func(ctx context.Context, in *ask) (*examined, error) {
			ctx, cancel := h.whileServing(ctx)
			defer cancel()
			d, err := h.fleet.NodeDoctor(ctx, lower(in.UUID), in.Wait.duration())
			return &examined{d}, err
		})
}
