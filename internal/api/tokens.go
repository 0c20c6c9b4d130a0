package api

import (
	"context"
	"net/http"

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

	type listJoin struct {
		ListParams
		State string `query:"state" enum:"usable,over" doc:"usable: live ones that let a node join; over: live ones that do not any more, as they are used up or expired"`
	}
	serve(h, a, operation{id: "list-join-tokens", summary: "List join tokens", method: http.MethodGet, path: "/join-tokens", who: admin, tag: tag},
		func(ctx context.Context, in *listJoin) (*page[promfleet.JoinToken], error) {
			if in.Deleted && in.State != "" {
				return nil, promfleet.BadField("query.state", "is of live join tokens; leave it out, or deleted")
			}
			p, err := h.fleet.JoinTokens(ctx, fleet.JoinTokenQuery{ListQuery: in.query(), State: fleet.JoinTokenState(in.State)})
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
