package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet/internal/fleet"
)

// The failures that a call about one record may end in.
var (
	readErrors   = []int{http.StatusNotFound}
	createErrors = []int{http.StatusConflict}
	writeErrors  = []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	deleteErrors = []int{http.StatusNotFound, http.StatusPreconditionFailed}
)

type getByID struct {
	IDPath
	IfNoneMatch
}

// records are the calls that a resource has whose records users create: T as it is
// read, In as it is written. Viewers read, editors write.
type records[T, In any] struct {
	noun, path, deletes string
	version             func(T) int64
	get                 func(ctx context.Context, id int64) (T, error)
	create              func(ctx context.Context, by fleet.Principal, in In) (T, error)
	put                 func(ctx context.Context, by fleet.Principal, id int64, match fleet.Match, in In) (T, error)
	patch               func(ctx context.Context, by fleet.Principal, id int64, match fleet.Match, patch json.RawMessage) (T, error)
	remove              func(ctx context.Context, by fleet.Principal, id int64, match fleet.Match) error
	restore             func(ctx context.Context, by fleet.Principal, id int64) (T, error)
}

func (r records[T, In]) serve(h *handlers, a huma.API) {
	tag, byID := r.noun+"s", r.path+"/{id}"
	written := func(v T, err error) (*one[T], error) { return written(r.version(v), v, err) }

	type create struct{ Body In }
	serve(h, a, operation{id: "create-" + r.noun, summary: "Create a " + r.noun, method: http.MethodPost, path: r.path, who: editor, tag: tag, status: http.StatusCreated, errors: createErrors},
		func(ctx context.Context, in *create) (*one[T], error) {
			return written(r.create(ctx, principal(ctx), in.Body))
		})
	serve(h, a, operation{id: "get-" + r.noun, summary: "Get a " + r.noun, method: http.MethodGet, path: byID, who: viewer, tag: tag, errors: readErrors},
		func(ctx context.Context, in *getByID) (*one[T], error) {
			v, err := r.get(ctx, in.ID)
			return answer(in.IfNoneMatch, r.version(v), v, err)
		})
	type put struct {
		IDPath
		IfMatch
		Body In
	}
	serve(h, a, operation{id: "put-" + r.noun, summary: "Replace a " + r.noun, method: http.MethodPut, path: byID, who: editor, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *put) (*one[T], error) {
			return written(r.put(ctx, principal(ctx), in.ID, in.match(), in.Body))
		})
	type change struct {
		IDPath
		IfMatch
		Body patch[In] `contentType:"application/merge-patch+json"`
	}
	serve(h, a, operation{id: "patch-" + r.noun, summary: "Change a " + r.noun, method: http.MethodPatch, path: byID, who: editor, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *change) (*one[T], error) {
			return written(r.patch(ctx, principal(ctx), in.ID, in.match(), json.RawMessage(in.Body)))
		})
	type remove struct {
		IDPath
		IfMatch
	}
	serve(h, a, operation{id: "delete-" + r.noun, summary: r.deletes, method: http.MethodDelete, path: byID, who: editor, tag: tag, status: http.StatusNoContent, errors: deleteErrors},
		func(ctx context.Context, in *remove) (*empty, error) {
			return nil, r.remove(ctx, principal(ctx), in.ID, in.match())
		})
	serve(h, a, operation{id: "restore-" + r.noun, summary: "Undo the deletion of a " + r.noun, method: http.MethodPost, path: byID + "/restore", who: editor, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *IDPath) (*one[T], error) {
			return written(r.restore(ctx, principal(ctx), in.ID))
		})
}
