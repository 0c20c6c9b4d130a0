package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// maxTargetSet bounds the targets of a job as one body, in bytes: 200,000 and more.
const maxTargetSet = 64 << 20

func (h *handlers) targets(a huma.API) {
	const tag = "targets"
	type list struct {
		ListParams
		Job  int64    `query:"job" minimum:"1" doc:"targets of this job"`
		Node string   `query:"node" format:"uuid" doc:"targets of this node"`
		Tag  []string `query:"tag,explode" maxItems:"20" doc:"targets that have all of these tags"`
		Addr string   `query:"addr" maxLength:"2048" doc:"targets with exactly this addr"`
	}
	serve(h, a, operation{id: "list-targets", summary: "List targets", method: http.MethodGet, path: "/targets", who: viewer, tag: tag},
		func(ctx context.Context, in *list) (*page[promfleet.Target], error) {
			p, err := h.fleet.Targets(ctx, fleet.TargetQuery{ListQuery: in.query(), Job: in.Job, Node: lower(in.Node), Tags: in.Tag, Addr: in.Addr})
			return &page[promfleet.Target]{p}, err
		})
	records[promfleet.Target, promfleet.TargetInput]{
		noun: "target", path: "/targets", deletes: "Delete a target",
		version: func(t promfleet.Target) int64 { return t.Version },
		get:     h.fleet.Target, create: h.fleet.CreateTarget, put: h.fleet.PutTarget,
		patch: h.fleet.PatchTarget, remove: h.fleet.DeleteTarget, restore: h.fleet.RestoreTarget,
	}.serve(h, a)

	serve(h, a, operation{id: "get-job-targets", summary: "Get all targets of a job, sorted by addr", method: http.MethodGet, path: "/jobs/{id}/targets", who: viewer, tag: tag, errors: readErrors},
		func(ctx context.Context, in *getByID) (*one[[]promfleet.Target], error) {
			t, version, err := h.fleet.JobTargets(ctx, in.ID)
			return answer(in.IfNoneMatch, version, t, err)
		})
	type replace struct {
		IDPath
		IfMatch
		Body []promfleet.TargetInput `nullable:"false"`
	}
	serve(h, a, operation{id: "put-job-targets", summary: "Make the targets of a job those given, all or nothing", method: http.MethodPut, path: "/jobs/{id}/targets", who: editor, tag: tag,
		maxBody: maxTargetSet, errors: writeErrors},
		func(ctx context.Context, in *replace) (*one[promfleet.TargetSetChange], error) {
			if in.Body == nil {
				return nil, promfleet.BadField("body", "is no list; [] is the empty one")
			}
			d, version, err := h.fleet.ReplaceTargets(ctx, principal(ctx), in.ID, in.match(), in.Body)
			return written(version, d, err)
		})
}
