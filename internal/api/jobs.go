package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// The failures that a write of a record may end in.
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

type deleteByID struct {
	IDPath
	IfMatch
}

func (h *handlers) jobs(a huma.API) {
	const tag = "jobs"
	type list struct {
		ListParams
		Node string `query:"node" format:"uuid" doc:"jobs of this node"`
		Key  string `query:"key" maxLength:"128" doc:"jobs with exactly this key"`
	}
	serve(h, a, operation{id: "list-jobs", summary: "List jobs", method: http.MethodGet, path: "/jobs", who: viewer, tag: tag},
		func(ctx context.Context, in *list) (*page[promfleet.Job], error) {
			p, err := h.fleet.Jobs(ctx, fleet.JobQuery{ListQuery: in.query(), Node: lower(in.Node), Key: in.Key})
			return &page[promfleet.Job]{p}, err
		})
	type create struct{ Body promfleet.JobInput }
	serve(h, a, operation{id: "create-job", summary: "Create a job", method: http.MethodPost, path: "/jobs", who: editor, tag: tag, status: http.StatusCreated, errors: createErrors},
		func(ctx context.Context, in *create) (*one[promfleet.Job], error) {
			in.Body.Node = lower(in.Body.Node)
			j, err := h.fleet.CreateJob(ctx, principal(ctx), in.Body)
			return written(j.Version, j, err)
		})
	serve(h, a, operation{id: "get-job", summary: "Get a job", method: http.MethodGet, path: "/jobs/{id}", who: viewer, tag: tag, errors: readErrors},
		func(ctx context.Context, in *getByID) (*one[promfleet.Job], error) {
			j, err := h.fleet.Job(ctx, in.ID)
			return answer(in.IfNoneMatch, j.Version, j, err)
		})
	type put struct {
		IDPath
		IfMatch
		Body promfleet.JobInput
	}
	serve(h, a, operation{id: "put-job", summary: "Replace a job", method: http.MethodPut, path: "/jobs/{id}", who: editor, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *put) (*one[promfleet.Job], error) {
			in.Body.Node = lower(in.Body.Node)
			j, err := h.fleet.PutJob(ctx, principal(ctx), in.ID, in.match(), in.Body)
			return written(j.Version, j, err)
		})
	type change struct {
		IDPath
		IfMatch
		Body patch[promfleet.JobInput] `contentType:"application/merge-patch+json"`
	}
	serve(h, a, operation{id: "patch-job", summary: "Change a job", method: http.MethodPatch, path: "/jobs/{id}", who: editor, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *change) (*one[promfleet.Job], error) {
			j, err := h.fleet.PatchJob(ctx, principal(ctx), in.ID, in.match(), json.RawMessage(in.Body))
			return written(j.Version, j, err)
		})
	serve(h, a, operation{id: "delete-job", summary: "Delete a job; its targets are scraped no more", method: http.MethodDelete, path: "/jobs/{id}", who: editor, tag: tag,
		status: http.StatusNoContent, errors: deleteErrors},
		func(ctx context.Context, in *deleteByID) (*empty, error) {
			return nil, h.fleet.DeleteJob(ctx, principal(ctx), in.ID, in.match())
		})
	serve(h, a, operation{id: "restore-job", summary: "Undo the deletion of a job", method: http.MethodPost, path: "/jobs/{id}/restore", who: editor, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *IDPath) (*one[promfleet.Job], error) {
			j, err := h.fleet.RestoreJob(ctx, principal(ctx), in.ID)
			return written(j.Version, j, err)
		})
}
