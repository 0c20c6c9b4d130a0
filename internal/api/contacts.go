package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// ContactPath names a contact of a user.
type ContactPath struct {
	User    int64 `path:"id" minimum:"1" doc:"of the user"`
	Contact int64 `path:"contact" minimum:"1" doc:"of the contact"`
}

// mayListDeleted keeps deleted contacts from all but admins and the user whose they
// are: somebody wanted them gone.
func mayListDeleted(ctx context.Context, p ListParams, user int64) error {
	by := principal(ctx)
	if !p.Deleted || by.Role == promfleet.RoleAdmin || by.User != 0 && by.User == user {
		return nil
	}
	return promfleet.Errorf(promfleet.Forbidden, "deleted contacts are shown to admins, and to the user whose they are")
}

// contacts serves the contacts of users: all read them, since they are the people
// to reach; users write their own.
func (h *handlers) contacts(a huma.API) {
	const tag, path = "contacts", "/users/{id}/contacts"
	const byID = path + "/{contact}"
	contact := func(c promfleet.Contact, err error) (*one[promfleet.Contact], error) {
		return written(c.Version, c, err)
	}

	type list struct {
		ListParams
		User int64  `query:"user" minimum:"1" doc:"contacts of this user"`
		Node string `query:"node" format:"uuid" doc:"contacts that this node names"`
		Job  int64  `query:"job" minimum:"1" doc:"contacts that this job names"`
	}
	serve(h, a, operation{id: "list-contacts", summary: "List the contacts of all users", method: http.MethodGet, path: "/contacts", who: viewer, tag: tag},
		func(ctx context.Context, in *list) (*page[promfleet.Contact], error) {
			if err := mayListDeleted(ctx, in.ListParams, 0); err != nil {
				return nil, err
			}
			p, err := h.fleet.Contacts(ctx, fleet.ContactQuery{ListQuery: in.query(), User: in.User, Node: lower(in.Node), Job: in.Job})
			return &page[promfleet.Contact]{p}, err
		})
	type listOf struct {
		IDPath
		ListParams
	}
	serve(h, a, operation{id: "list-user-contacts", summary: "List the contacts of a user", method: http.MethodGet, path: path, who: viewer, tag: tag, errors: readErrors},
		func(ctx context.Context, in *listOf) (*page[promfleet.Contact], error) {
			if err := mayListDeleted(ctx, in.ListParams, in.ID); err != nil {
				return nil, err
			}
			if _, err := h.fleet.User(ctx, in.ID); err != nil {
				return nil, err
			}
			p, err := h.fleet.Contacts(ctx, fleet.ContactQuery{ListQuery: in.query(), User: in.ID})
			return &page[promfleet.Contact]{p}, err
		})
	type create struct {
		IDPath
		Body promfleet.ContactInput
	}
	serve(h, a, operation{id: "create-contact", summary: "Add a contact to a user", method: http.MethodPost, path: path, who: self, tag: tag, status: http.StatusCreated, errors: readErrors},
		func(ctx context.Context, in *create) (*one[promfleet.Contact], error) {
			return contact(h.fleet.CreateContact(ctx, principal(ctx), in.ID, in.Body))
		})
	type get struct {
		ContactPath
		IfNoneMatch
	}
	serve(h, a, operation{id: "get-contact", summary: "Get a contact", method: http.MethodGet, path: byID, who: viewer, tag: tag, errors: readErrors},
		func(ctx context.Context, in *get) (*one[promfleet.Contact], error) {
			c, err := h.fleet.Contact(ctx, in.User, in.Contact)
			return answer(in.IfNoneMatch, c.Version, c, err)
		})
	type put struct {
		ContactPath
		IfMatch
		Body promfleet.ContactInput
	}
	serve(h, a, operation{id: "put-contact", summary: "Replace a contact", method: http.MethodPut, path: byID, who: self, tag: tag, errors: deleteErrors},
		func(ctx context.Context, in *put) (*one[promfleet.Contact], error) {
			return contact(h.fleet.PutContact(ctx, principal(ctx), in.User, in.Contact, in.match(), in.Body))
		})
	type change struct {
		ContactPath
		IfMatch
		Body patch[promfleet.ContactInput] `contentType:"application/merge-patch+json"`
	}
	serve(h, a, operation{id: "patch-contact", summary: "Change a contact", method: http.MethodPatch, path: byID, who: self, tag: tag, errors: deleteErrors},
		func(ctx context.Context, in *change) (*one[promfleet.Contact], error) {
			return contact(h.fleet.PatchContact(ctx, principal(ctx), in.User, in.Contact, in.match(), json.RawMessage(in.Body)))
		})
	type del struct {
		ContactPath
		IfMatch
	}
	serve(h, a, operation{id: "delete-contact", summary: "Delete a contact", method: http.MethodDelete, path: byID, who: self, tag: tag, status: http.StatusNoContent, errors: deleteErrors},
		func(ctx context.Context, in *del) (*empty, error) {
			return nil, h.fleet.DeleteContact(ctx, principal(ctx), in.User, in.Contact, in.match())
		})
	serve(h, a, operation{id: "restore-contact", summary: "Undo the deletion of a contact", method: http.MethodPost, path: byID + "/restore", who: self, tag: tag, errors: writeErrors},
		func(ctx context.Context, in *ContactPath) (*one[promfleet.Contact], error) {
			return contact(h.fleet.RestoreContact(ctx, principal(ctx), in.User, in.Contact))
		})
}
