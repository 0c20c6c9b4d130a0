package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

func (h *handlers) tags(a huma.API) {
	serve(h, a, operation{id: "list-tags", summary: "List tags", method: http.MethodGet, path: "/tags", who: viewer, tag: "tags"},
		func(ctx context.Context, in *ListParams) (*page[promfleet.Tag], error) {
			p, err := h.fleet.Tags(ctx, in.query())
			return &page[promfleet.Tag]{p}, err
		})
	records[promfleet.Tag, promfleet.TagInput]{
		noun: "tag", keeps: true, path: "/tags", deletes: "Delete a tag: nothing has it any more", timeout: bulkTimeout,
		version: func(t promfleet.Tag) int64 { return t.Version },
		get:     (*fleet.Service).Tag, create: (*fleet.Service).CreateTag, put: (*fleet.Service).PutTag,
		patch: (*fleet.Service).PatchTag, remove: (*fleet.Service).DeleteTag, restore: (*fleet.Service).RestoreTag,
	}.serve(h, a)
}
