package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

func (h *handlers) events(a huma.API) {
	type list struct {
		Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at the most"`
		Cursor string    `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before; with the same sort and filters"`
		Offset int       `query:"offset" minimum:"0" maximum:"1000000" doc:"how many come before the page, to begin anywhere; not together with cursor. What is written meanwhile moves rows over its edges"`
		Q      string    `query:"q" maxLength:"500" doc:"substring of actor, actor_name, action or object, without regard to case"`
		Sort   string    `query:"sort" enum:"id,-id" doc:"default: -id, newest first"`
		Node   string    `query:"node" format:"uuid" doc:"events of this node"`
		Actor  string    `query:"actor" maxLength:"600" doc:"events of this actor" example:"token/12"`
		Object string    `query:"object" maxLength:"600" doc:"events of this object" example:"job/12"`
		Since  time.Time `query:"since" doc:"events at or after this time (RFC 3339)"`
	}
	serve(h, a, operation{id: "list-events", summary: "List events, newest first; those of users and tokens are for admins", method: http.MethodGet, path: "/events", who: viewer, tag: "events"},
		func(ctx context.Context, in *list) (*page[promfleet.Event], error) {
			if y := in.Since.UTC().Year(); !in.Since.IsZero() && (y < 1 || y > 9999) {
				return nil, promfleet.BadField("query.since", "is not in the years 1 to 9999")
			}
			p, err := h.fleet.Events(ctx, fleet.EventQuery{Without: unreadable(ctx), ListQuery: fleet.ListQuery{Limit: in.Limit, Cursor: in.Cursor, Offset: in.Offset, Q: in.Q, Sort: in.Sort},
				Node: lower(in.Node), Actor: in.Actor, Object: in.Object, Since: in.Since})
			return &page[promfleet.Event]{p}, err
		})
	type get struct {
		IDPath
		IfNoneMatch
	}
	serve(h, a, operation{id: "get-event", summary: "Get an event, which never changes", method: http.MethodGet, path: "/events/{id}", who: viewer, tag: "events",
		errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *get) (*one[promfleet.Event], error) {
			e, err := h.fleet.Event(ctx, in.ID, unreadable(ctx))
			return answer(in.IfNoneMatch, e.ID, e, err)
		})
	type revert struct {
		IDPath
		DryRun
	}
	serve(h, a, operation{id: "revert-event", summary: "Undo what an event did, as long as it stands: that is an event of its own", method: http.MethodPost, path: "/events/{id}/revert", who: editor, tag: "events",
		status: http.StatusNoContent, errors: []int{http.StatusNotFound, http.StatusConflict}, answers: removes(a), timeout: bulkTimeout},
		func(ctx context.Context, in *revert) (*removed, error) {
			return remove(ctx, h, in.DryRun, func(f *fleet.Service) error { return f.RevertEvent(ctx, principal(ctx), in.ID) })
		})
}

// unreadable are the kinds of objects whose events are not for who asks: they cannot
// read these records either.
func unreadable(ctx context.Context) []string {
	if principal(ctx).Role == promfleet.RoleAdmin {
		return nil
	}
	return []string{"user", "token", "join-token"}
}
