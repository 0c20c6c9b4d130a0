package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// TargetFilter selects targets.
type TargetFilter struct {
	ID   []int64  `query:"id,explode" maxItems:"500" doc:"targets with any of these ids"`
	Job  int64    `query:"job" minimum:"1" doc:"targets of this job"`
	Node string   `query:"node" format:"uuid" doc:"targets of this node"`
	Tag  []string `query:"tag,explode" maxItems:"20" doc:"targets that have all of these tags"`
	Addr string   `query:"addr" maxLength:"2048" doc:"targets with exactly this addr"`
}

func (f TargetFilter) query(l fleet.ListQuery) fleet.TargetQuery {
	return fleet.TargetQuery{ListQuery: l, IDs: f.ID, Job: f.Job, Node: lower(f.Node), Tags: f.Tag, Addr: f.Addr}
}

// notEmpty refuses filters that are there and say nothing: an unset variable of a
// script must not widen what is written.
type notEmpty struct{}

// Resolve implements huma.Resolver.
func (*notEmpty) Resolve(ctx huma.Context) (errs []error) {
	u := ctx.URL()
	for name, values := range u.Query() {
		for _, v := range values {
			if v == "" {
				errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: "is empty; leave it out, or give it a value"})
			}
		}
	}
	return errs
}

func (h *handlers) targets(a huma.API) {
	const tag = "targets"
	type list struct {
		ListParams
		TargetFilter
	}
	serve(h, a, operation{id: "list-targets", summary: "List targets", method: http.MethodGet, path: "/targets", who: viewer, tag: tag},
		func(ctx context.Context, in *list) (*page[promfleet.Target], error) {
			p, err := h.fleet.Targets(ctx, in.TargetFilter.query(in.ListParams.query()))
			return &page[promfleet.Target]{p}, err
		})
	records[promfleet.Target, promfleet.TargetInput]{
		noun: "target", keeps: true, path: "/targets", deletes: "Delete a target",
		version: func(t promfleet.Target) int64 { return t.Version },
		get:     (*fleet.Service).Target, create: (*fleet.Service).CreateTarget, put: (*fleet.Service).PutTarget,
		patch: (*fleet.Service).PatchTarget, remove: (*fleet.Service).DeleteTarget, restore: (*fleet.Service).RestoreTarget,
	}.serve(h, a)

	type many struct {
		TargetFilter
		notEmpty
		Q string `query:"q" maxLength:"500" doc:"targets with this substring in name, addr or remark, without regard to case"`
		DryRun
		Body promfleet.TargetsPatch
	}
	serve(h, a, operation{id: "patch-targets", summary: "Change all targets that a filter selects, all or nothing", method: http.MethodPatch, path: "/targets", who: editor, tag: tag,
		errors: []int{http.StatusConflict, http.StatusRequestEntityTooLarge}, answers: writes[promfleet.TargetsPatched](a, http.StatusOK), timeout: bulkTimeout},
		func(ctx context.Context, in *many) (*outcome, error) {
			return write(ctx, h, in.DryRun, http.StatusOK, nil, func(f *fleet.Service) (promfleet.TargetsPatched, error) {
				return f.PatchTargets(ctx, principal(ctx), in.TargetFilter.query(fleet.ListQuery{Q: in.Q}), in.Body)
			})
		})
	h.targetSets(a)
}
