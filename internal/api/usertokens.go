package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// userTokens serves the tokens that are a user's.
func (h *handlers) userTokens(a huma.API) {
	const tag, path = "tokens", "/users/{id}/tokens"
	type tokens struct{ Body []promfleet.Token }
	serve(h, a, operation{id: "list-user-tokens", summary: "List the tokens of a user", method: http.MethodGet, path: path, who: self, tag: tag, errors: readErrors},
		func(ctx context.Context, in *IDPath) (*tokens, error) {
			t, err := h.fleet.UserTokens(ctx, in.ID)
			return &tokens{t}, err
		})
	type create struct {
		IDPath
		Body promfleet.UserTokenInput
	}
	type created struct{ Body promfleet.NewToken }
	serve(h, a, operation{id: "create-user-token", summary: "Create a token that is a user's; its secret is shown once. It ends with the user's sessions, or when the user gets a lower role",
		method: http.MethodPost, path: path, who: self, tag: tag, status: http.StatusCreated, errors: []int{http.StatusNotFound, http.StatusConflict}},
		func(ctx context.Context, in *create) (*created, error) {
			t, err := h.fleet.CreateUserToken(ctx, principal(ctx), in.ID, in.Body)
			return &created{t}, err
		})
	type one struct {
		IDPath
		Token int64 `path:"token" minimum:"1"`
	}
	serve(h, a, operation{id: "revoke-user-token", summary: "Revoke a token of a user", method: http.MethodDelete, path: path + "/{token}", who: self, tag: tag, status: http.StatusNoContent, errors: readErrors},
		func(ctx context.Context, in *one) (*empty, error) {
			return nil, h.fleet.RevokeUserToken(ctx, principal(ctx), in.ID, in.Token)
		})
}
