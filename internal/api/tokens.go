package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

func (h *handlers) tokens(a huma.API) {
	const tag = "tokens"
	type created[T any] struct{ Body T }
	serve(h, a, operation{id: "list-tokens", summary: "List API tokens", method: http.MethodGet, path: "/tokens", who: admin, tag: tag},
		func(ctx context.Context, in *ListParams) (*page[promfleet.Token], error) {
			p, err := h.fleet.Tokens(ctx, in.query())
			return &page[promfleet.Token]{p}, err
		})
	type create struct{ Body promfleet.TokenInput }
	serve(h, a, operation{id: "create-token", summary: "Create an API token; its secret is shown once", method: http.MethodPost, path: "/tokens", who: admin, tag: tag, status: http.StatusCreated},
		func(ctx context.Context, in *create) (*created[promfleet.NewToken], error) {
			t, err := h.fleet.CreateToken(ctx, principal(ctx), in.Body)
			return &created[promfleet.NewToken]{t}, err
		})
	serve(h, a, operation{id: "revoke-token", summary: "Revoke an API token", method: http.MethodDelete, path: "/tokens/{id}", who: admin, tag: tag, status: http.StatusNoContent, errors: readErrors},
		func(ctx context.Context, in *IDPath) (*empty, error) {
			return nil, h.fleet.RevokeToken(ctx, principal(ctx), in.ID)
		})

	serve(h, a, operation{id: "list-join-tokens", summary: "List join tokens", method: http.MethodGet, path: "/join-tokens", who: admin, tag: tag},
		func(ctx context.Context, in *ListParams) (*page[promfleet.JoinToken], error) {
			p, err := h.fleet.JoinTokens(ctx, in.query())
			return &page[promfleet.JoinToken]{p}, err
		})
	type createJoin struct{ Body promfleet.JoinTokenInput }
	serve(h, a, operation{id: "create-join-token", summary: "Create a join token; its secret is shown once", method: http.MethodPost, path: "/join-tokens", who: admin, tag: tag, status: http.StatusCreated},
		func(ctx context.Context, in *createJoin) (*created[promfleet.NewJoinToken], error) {
			t, err := h.fleet.CreateJoinToken(ctx, principal(ctx), in.Body)
			return &created[promfleet.NewJoinToken]{t}, err
		})
	serve(h, a, operation{id: "revoke-join-token", summary: "Revoke a join token; nodes that joined with it stay", method: http.MethodDelete, path: "/join-tokens/{id}", who: admin, tag: tag, status: http.StatusNoContent, errors: readErrors},
		func(ctx context.Context, in *IDPath) (*empty, error) {
			return nil, h.fleet.RevokeJoinToken(ctx, principal(ctx), in.ID)
		})
}

func (h *handlers) events(a huma.API) {
	type list struct {
		Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at the most"`
		Cursor string    `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before; with the same sort and filters"`
		Q      string    `query:"q" maxLength:"500" doc:"substring of actor, action or object, without regard to case"`
		Sort   string    `query:"sort" enum:"id,-id" doc:"default: -id, newest first"`
		Node   string    `query:"node" format:"uuid" doc:"events of this node"`
		Actor  string    `query:"actor" maxLength:"600" doc:"events of this actor" example:"token:ci"`
		Object string    `query:"object" maxLength:"600" doc:"events of this object" example:"job/12"`
		Since  time.Time `query:"since" doc:"events at or after this time (RFC 3339)"`
	}
	serve(h, a, operation{id: "list-events", summary: "List events, newest first", method: http.MethodGet, path: "/events", who: viewer, tag: "events"},
		func(ctx context.Context, in *list) (*page[promfleet.Event], error) {
			p, err := h.fleet.Events(ctx, fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: in.Limit, Cursor: in.Cursor, Q: in.Q, Sort: in.Sort},
				Node: lower(in.Node), Actor: in.Actor, Object: in.Object, Since: in.Since})
			return &page[promfleet.Event]{p}, err
		})
}
