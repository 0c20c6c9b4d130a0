package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

func (h *handlers) users(a huma.API) {
	const tag = "users"
	serve(h, a, operation{id: "list-users", summary: "List users", method: http.MethodGet, path: "/users", who: admin, tag: tag},
		func(ctx context.Context, in *ListParams) (*page[promfleet.User], error) {
			p, err := h.fleet.Users(ctx, in.query())
			return &page[promfleet.User]{p}, err
		})
	records[promfleet.User, promfleet.UserInput]{
		noun: "user", keeps: true, path: "/users", deletes: "Delete a user and end its sessions", read: self, write: admin,
		version: func(u promfleet.User) int64 { return u.Version },
		get:     (*fleet.Service).User, create: (*fleet.Service).CreateUser, put: (*fleet.Service).PutUser,
		patch: (*fleet.Service).PatchUser, remove: (*fleet.Service).DeleteUser, restore: (*fleet.Service).RestoreUser,
	}.serve(h, a)

	type password struct {
		IDPath
		Body promfleet.PasswordInput
	}
	serve(h, a, operation{id: "put-user-password", summary: "Set the password of a user and end the user's sessions", method: http.MethodPut, path: "/users/{id}/password", who: self, tag: tag,
		status: http.StatusNoContent, maxBody: 8 << 10, errors: []int{http.StatusNotFound, http.StatusTooManyRequests}},
		func(ctx context.Context, in *password) (*empty, error) {
			return nil, h.fleet.SetUserPassword(ctx, principal(ctx), in.ID, in.Body, requestOf(ctx).address)
		})
}
