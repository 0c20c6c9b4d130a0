package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// The failures that a call about one record may end in.
var (
	queryErrors  = []int{http.StatusUnprocessableEntity}
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
	read, write         access        // "": viewer, editor
	keeps               bool          // some records are not deleted, or not by everyone: 409
	timeout             time.Duration // of writes that may render many files; 0: the usual one
	version             func(T) int64
	get                 func(f *fleet.Service, ctx context.Context, id int64) (T, error)
	create              func(f *fleet.Service, ctx context.Context, by fleet.Principal, in In) (T, error)
	put                 func(f *fleet.Service, ctx context.Context, by fleet.Principal, id int64, match fleet.Match, in In) (T, error)
	patch               func(f *fleet.Service, ctx context.Context, by fleet.Principal, id int64, match fleet.Match, patch json.RawMessage) (T, error)
	remove              func(f *fleet.Service, ctx context.Context, by fleet.Principal, id int64, match fleet.Match) error
	restore             func(f *fleet.Service, ctx context.Context, by fleet.Principal, id int64) (T, error)
}

// DryRun is what writes take that may change the files of nodes.
type DryRun struct {
	DryRun bool `query:"dry_run" doc:"write nothing: answer with what would change on which node"`
}

// outcome is the answer of a write: a record, or the preview of it.
type outcome struct {
	Status int
	ETag   string `header:"ETag" doc:"to be given as If-Match"`
	Body   any
}

// write does a write, or tells what it would do.
func write[T any](ctx context.Context, h *handlers, dry DryRun, status int, version func(T) int64, do func(f *fleet.Service) (T, error)) (*outcome, error) {
	if dry.DryRun {
		p, err := h.fleet.Preview(func(f *fleet.Service) error {
			_, err := do(f)
			return err
		})
		return &outcome{Status: http.StatusOK, Body: p}, err
	}
	v, err := do(h.fleet)
	if err != nil {
		return nil, err
	}
	o := &outcome{Status: status, Body: v}
	if version != nil {
		o.ETag = etag(version(v))
	}
	return o, nil
}

// removed is the answer of a write that leaves nothing to show.
type removed struct {
	Status int
	Body   *promfleet.Preview
}

// remove does such a write, or tells what it would do.
func remove(ctx context.Context, h *handlers, dry DryRun, do func(f *fleet.Service) error) (*removed, error) {
	if dry.DryRun {
		p, err := h.fleet.Preview(do)
		return &removed{Status: http.StatusOK, Body: &p}, err
	}
	return &removed{Status: http.StatusNoContent}, do(h.fleet)
}

// writes says what a write answers: a T with a status, or a preview with 200.
func writes[T any](a huma.API, status int) map[int]*huma.Response {
	preview := schemaOf[promfleet.Preview](a)
	if status == http.StatusOK {
		return map[int]*huma.Response{status: answerOf(&huma.Schema{AnyOf: []*huma.Schema{schemaOf[T](a), preview}})}
	}
	return map[int]*huma.Response{status: answerOf(schemaOf[T](a)), http.StatusOK: previewed(preview)}
}

// removes says what a write answers that leaves nothing to show.
func removes(a huma.API) map[int]*huma.Response {
	return map[int]*huma.Response{http.StatusOK: previewed(schemaOf[promfleet.Preview](a)), http.StatusNoContent: {Description: "Done"}}
}

func schemaOf[T any](a huma.API) *huma.Schema {
	t := reflect.TypeFor[T]()
	return a.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

func answerOf(s *huma.Schema) *huma.Response {
	return &huma.Response{Content: map[string]*huma.MediaType{mediaJSON: {Schema: s}}}
}

func previewed(s *huma.Schema) *huma.Response {
	r := answerOf(s)
	r.Description = "What would change, for dry_run"
	return r
}

func (r records[T, In]) serve(h *handlers, a huma.API) {
	tag, byID := r.noun+"s", r.path+"/{id}"
	readers, writers := cmp.Or(r.read, viewer), cmp.Or(r.write, editor)
	restoreErrors, deleteErrors := []int{http.StatusNotFound, http.StatusConflict}, deleteErrors
	if r.keeps {
		deleteErrors = writeErrors
	}

	type create struct {
		DryRun
		Body In
	}
	serve(h, a, operation{id: "create-" + r.noun, summary: "Create a " + r.noun, method: http.MethodPost, path: r.path, who: writers, tag: tag, status: http.StatusCreated,
		errors: createErrors, answers: writes[T](a, http.StatusCreated), timeout: r.timeout},
		func(ctx context.Context, in *create) (*outcome, error) {
			return write(ctx, h, in.DryRun, http.StatusCreated, r.version, func(f *fleet.Service) (T, error) {
				return r.create(f, ctx, principal(ctx), in.Body)
			})
		})
	serve(h, a, operation{id: "get-" + r.noun, summary: "Get a " + r.noun, method: http.MethodGet, path: byID, who: readers, tag: tag, errors: readErrors},
		func(ctx context.Context, in *getByID) (*one[T], error) {
			v, err := r.get(h.fleet, ctx, in.ID)
			return answer(in.IfNoneMatch, r.version(v), v, err)
		})
	type put struct {
		IDPath
		IfMatch
		DryRun
		Body In
	}
	serve(h, a, operation{id: "put-" + r.noun, summary: "Replace a " + r.noun, method: http.MethodPut, path: byID, who: writers, tag: tag,
		errors: writeErrors, answers: writes[T](a, http.StatusOK), timeout: r.timeout},
		func(ctx context.Context, in *put) (*outcome, error) {
			return write(ctx, h, in.DryRun, http.StatusOK, r.version, func(f *fleet.Service) (T, error) {
				return r.put(f, ctx, principal(ctx), in.ID, in.match(), in.Body)
			})
		})
	type change struct {
		IDPath
		IfMatch
		DryRun
		Body patch[In] `contentType:"application/merge-patch+json"`
	}
	serve(h, a, operation{id: "patch-" + r.noun, summary: "Change a " + r.noun, method: http.MethodPatch, path: byID, who: writers, tag: tag,
		errors: writeErrors, answers: writes[T](a, http.StatusOK), timeout: r.timeout},
		func(ctx context.Context, in *change) (*outcome, error) {
			return write(ctx, h, in.DryRun, http.StatusOK, r.version, func(f *fleet.Service) (T, error) {
				return r.patch(f, ctx, principal(ctx), in.ID, in.match(), json.RawMessage(in.Body))
			})
		})
	type del struct {
		IDPath
		IfMatch
		DryRun
	}
	serve(h, a, operation{id: "delete-" + r.noun, summary: r.deletes, method: http.MethodDelete, path: byID, who: writers, tag: tag, status: http.StatusNoContent,
		errors: deleteErrors, answers: removes(a), timeout: r.timeout},
		func(ctx context.Context, in *del) (*removed, error) {
			return remove(ctx, h, in.DryRun, func(f *fleet.Service) error {
				return r.remove(f, ctx, principal(ctx), in.ID, in.match())
			})
		})
	type restore struct {
		IDPath
		DryRun
	}
	serve(h, a, operation{id: "restore-" + r.noun, summary: "Undo the deletion of a " + r.noun, method: http.MethodPost, path: byID + "/restore", who: writers, tag: tag,
		errors: restoreErrors, answers: writes[T](a, http.StatusOK), timeout: r.timeout},
		func(ctx context.Context, in *restore) (*outcome, error) {
			return write(ctx, h, in.DryRun, http.StatusOK, r.version, func(f *fleet.Service) (T, error) {
				return r.restore(f, ctx, principal(ctx), in.ID)
			})
		})
}
