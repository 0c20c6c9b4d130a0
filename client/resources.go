package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"promfleet"
)

// Resource is one kind of record: T as it is read, In as it is written.
type Resource[T, In any] struct {
	c    *Client
	path string
}

// Nodes are read, patched, deleted and restored; agents create them.
func (c *Client) Nodes() Resource[promfleet.Node, promfleet.NodeInput] {
	return Resource[promfleet.Node, promfleet.NodeInput]{c, "/nodes"}
}

// NodesSummary counts the live nodes.
func (c *Client) NodesSummary(ctx context.Context) (*promfleet.NodesSummary, error) {
	var out promfleet.NodesSummary
	if _, _, err := c.do(ctx, call{method: http.MethodGet, path: "/nodes/summary", out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// Jobs are the scrape jobs.
func (c *Client) Jobs() Resource[promfleet.Job, promfleet.JobInput] {
	return Resource[promfleet.Job, promfleet.JobInput]{c, "/jobs"}
}

// Targets are the endpoints that jobs scrape.
func (c *Client) Targets() Resource[promfleet.Target, promfleet.TargetInput] {
	return Resource[promfleet.Target, promfleet.TargetInput]{c, "/targets"}
}

// Tags are the names that nodes and targets may have.
func (c *Client) Tags() Resource[promfleet.Tag, promfleet.TagInput] {
	return Resource[promfleet.Tag, promfleet.TagInput]{c, "/tags"}
}

// Users are those who log in.
func (c *Client) Users() Resource[promfleet.User, promfleet.UserInput] {
	return Resource[promfleet.User, promfleet.UserInput]{c, "/users"}
}

// Contacts are the ways to reach one user.
func (c *Client) Contacts(user int64) Resource[promfleet.Contact, promfleet.ContactInput] {
	return Resource[promfleet.Contact, promfleet.ContactInput]{c, userPath(user) + "/contacts"}
}

// AllContacts are those of all users. They are only listed.
func (c *Client) AllContacts() Resource[promfleet.Contact, struct{}] {
	return Resource[promfleet.Contact, struct{}]{c, "/contacts"}
}

// Tokens are the API tokens. Delete revokes.
func (c *Client) Tokens() Resource[promfleet.NewToken, promfleet.TokenInput] {
	return Resource[promfleet.NewToken, promfleet.TokenInput]{c, "/tokens"}
}

// JoinTokens are what agents register with. Delete revokes.
func (c *Client) JoinTokens() Resource[promfleet.NewJoinToken, promfleet.JoinTokenInput] {
	return Resource[promfleet.NewJoinToken, promfleet.JoinTokenInput]{c, "/join-tokens"}
}

// Events are the writes, newest first. They are only listed.
func (c *Client) Events() Resource[promfleet.Event, struct{}] {
	return Resource[promfleet.Event, struct{}]{c, "/events"}
}

// Revisions are those of a node that are kept, newest first. They are only listed.
func (c *Client) Revisions(uuid string) Resource[promfleet.Revision, struct{}] {
	return Resource[promfleet.Revision, struct{}]{c, nodePath(uuid) + "/revisions"}
}

func nodePath(uuid string) string { return "/nodes/" + url.PathEscape(uuid) }
func userPath(id int64) string    { return "/users/" + strconv.FormatInt(id, 10) }

func (r Resource[T, In]) one(id string) string { return r.path + "/" + url.PathEscape(id) }

// List gives one page. query has limit, cursor, q, sort, deleted and the
// filters of the resource.
func (r Resource[T, In]) List(ctx context.Context, query url.Values) (*promfleet.Page[T], error) {
	var out promfleet.Page[T]
	if _, _, err := r.c.do(ctx, call{method: http.MethodGet, path: r.path, query: query, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// Get gives one record and its ETag.
func (r Resource[T, In]) Get(ctx context.Context, id string) (out T, etag string, err error) {
	_, etag, err = r.c.do(ctx, call{method: http.MethodGet, path: r.one(id), out: &out})
	return out, etag, err
}

// Create makes a record.
func (r Resource[T, In]) Create(ctx context.Context, in In) (T, error) {
	return r.write(ctx, r.create(in))
}

// Put replaces what a user sets of a record; etag may be "".
func (r Resource[T, In]) Put(ctx context.Context, id, etag string, in In) (T, error) {
	return r.write(ctx, r.put(id, etag, in))
}

// Patch changes a record by a JSON merge patch (RFC 7396); etag may be "".
func (r Resource[T, In]) Patch(ctx context.Context, id, etag string, patch map[string]any) (T, error) {
	return r.write(ctx, r.patch(id, etag, patch))
}

// Delete deletes a record, softly; etag may be "".
func (r Resource[T, In]) Delete(ctx context.Context, id, etag string) error {
	_, _, err := r.c.do(ctx, r.remove(id, etag))
	return err
}

// Restore undoes a deletion.
func (r Resource[T, In]) Restore(ctx context.Context, id string) (T, error) {
	return r.write(ctx, r.restore(id))
}

func (r Resource[T, In]) write(ctx context.Context, k call) (out T, err error) {
	k.out = &out
	_, _, err = r.c.do(ctx, k)
	return out, err
}

func (r Resource[T, In]) create(in In) call {
	return call{method: http.MethodPost, path: r.path, body: in}
}

func (r Resource[T, In]) put(id, etag string, in In) call {
	return call{method: http.MethodPut, path: r.one(id), etag: etag, body: in}
}

func (r Resource[T, In]) patch(id, etag string, patch map[string]any) call {
	return call{method: http.MethodPatch, path: r.one(id), etag: etag, media: mergePatch, body: patch}
}

func (r Resource[T, In]) remove(id, etag string) call {
	return call{method: http.MethodDelete, path: r.one(id), etag: etag}
}

func (r Resource[T, In]) restore(id string) call {
	return call{method: http.MethodPost, path: r.one(id) + "/restore"}
}

// NodeConfig gives the files that a node should have at a revision; 0: now.
func (c *Client) NodeConfig(ctx context.Context, uuid string, revision int64) (*promfleet.RenderedConfig, error) {
	k := call{method: http.MethodGet, path: nodePath(uuid) + "/config"}
	if revision != 0 {
		k.query = url.Values{"revision": {strconv.FormatInt(revision, 10)}}
	}
	var out promfleet.RenderedConfig
	k.out = &out
	if _, _, err := c.do(ctx, k); err != nil {
		return nil, err
	}
	return &out, nil
}

// ConfirmRemoval lets the agent of a node take away the targets that it holds back:
// those of a revision, or with 0 whichever wait. promfleet.Conflict: they do not wait.
func (c *Client) ConfirmRemoval(ctx context.Context, uuid string, revision int64) (out promfleet.Node, err error) {
	k := call{method: http.MethodPost, path: c.Nodes().one(uuid) + "/confirm", out: &out}
	if revision != 0 {
		k.query = url.Values{"revision": {strconv.FormatInt(revision, 10)}}
	}
	_, _, err = c.do(ctx, k)
	return out, err
}

// Revert undoes what an event did, as long as it stands.
func (c *Client) Revert(ctx context.Context, event int64) error {
	_, _, err := c.do(ctx, revert(event))
	return err
}

func revert(event int64) call {
	return call{method: http.MethodPost, path: "/events/" + strconv.FormatInt(event, 10) + "/revert"}
}

// SetPassword sets the password of a user and ends the user's sessions.
func (c *Client) SetPassword(ctx context.Context, user int64, in promfleet.PasswordInput) error {
	_, _, err := c.do(ctx, call{method: http.MethodPut, path: userPath(user) + "/password", body: in})
	return err
}

// UserTokens are the tokens that are a user's.
func (c *Client) UserTokens(ctx context.Context, user int64) (out []promfleet.Token, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodGet, path: userPath(user) + "/tokens", out: &out})
	return out, err
}

// CreateUserToken makes a token that is a user's.
func (c *Client) CreateUserToken(ctx context.Context, user int64, in promfleet.UserTokenInput) (out promfleet.NewToken, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodPost, path: userPath(user) + "/tokens", body: in, out: &out})
	return out, err
}

// RevokeUserToken revokes a token that is a user's.
func (c *Client) RevokeUserToken(ctx context.Context, user, id int64) error {
	_, _, err := c.do(ctx, call{method: http.MethodDelete, path: userPath(user) + "/tokens/" + strconv.FormatInt(id, 10)})
	return err
}

// Login begins a session for who has a name and password. It is kept by the cookies
// of the HTTP client, which must keep some.
func (c *Client) Login(ctx context.Context, in promfleet.Login) (out promfleet.Session, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodPost, path: "/session", body: in, out: &out})
	return out, err
}

// Logout ends the session, or revokes the client's token if it is a user's.
func (c *Client) Logout(ctx context.Context) error {
	_, _, err := c.do(ctx, call{method: http.MethodDelete, path: "/session"})
	return err
}

// Session tells who the caller is.
func (c *Client) Session(ctx context.Context) (out promfleet.Session, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodGet, path: "/session", out: &out})
	return out, err
}
