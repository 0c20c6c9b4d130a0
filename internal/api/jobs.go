package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

func (h *handlers) jobs(a huma.API) {
	const tag = "jobs"
	type list struct {
		ListParams
		ID   []int64 `query:"id,explode" maxItems:"500" doc:"jobs with any of these ids"`
		Node string  `query:"node" format:"uuid" doc:"jobs of this node"`
		Key  string  `query:"key" maxLength:"128" doc:"jobs with exactly this key"`
		// ManagedBy is that of the job, not of its targets.
		ManagedBy string `query:"managed_by" maxLength:"100" doc:"jobs that this manager manages"`
	}
	serve(h, a, operation{id: "list-jobs", summary: "List jobs", method: http.MethodGet, path: "/jobs", who: viewer, tag: tag},
		func(ctx context.Context, in *list) (*page[promfleet.Job], error) {
			p, err := h.fleet.Jobs(ctx, fleet.JobQuery{ListQuery: in.query(), IDs: in.ID, Node: lower(in.Node), Key: in.Key, ManagedBy: in.ManagedBy})
			return &page[promfleet.Job]{p}, err
		})
	node := func(in promfleet.JobInput) promfleet.JobInput {
		in.Node = lower(in.Node)
		return in
	}
	records[promfleet.Job, promfleet.JobInput]{
		noun: "job", keeps: true, path: "/jobs", deletes: "Delete a job; its targets are scraped no more", timeout: bulkTimeout,
		version: func(j promfleet.Job) int64 { return j.Version },
		get:     (*fleet.Service).Job,
		create: func(f *fleet.Service, ctx context.Context, by fleet.Principal, in promfleet.JobInput) (promfleet.Job, error) {
			return f.CreateJob(ctx, by, node(in))
		},
		put: func(f *fleet.Service, ctx context.Context, by fleet.Principal, id int64, match fleet.Match, in promfleet.JobInput) (promfleet.Job, error) {
			return f.PutJob(ctx, by, id, match, node(in))
		},
		patch: (*fleet.Service).PatchJob, remove: (*fleet.Service).DeleteJob, restore: (*fleet.Service).RestoreJob,
	}.serve(h, a)
}
