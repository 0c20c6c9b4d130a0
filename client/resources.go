package client

import (
	"context"
	"fmt"
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

// Jobs are the scrape jobs.
func (c *Client) Jobs() Resource[promfleet.Job, promfleet.JobInput] {
	return Resource[promfleet.Job, promfleet.JobInput]{c, "/jobs"}
}

// Targets are the endpoints that jobs scrape.
func (c *Client) Targets() Resource[promfleet.Target, promfleet.TargetInput] {
	return Resource[promfleet.Target, promfleet.TargetInput]{c, "/targets"}
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
func (r Resource[T, In]) Create(ctx context.Context, in In) (out T, err error) {
	_, _, err = r.c.do(ctx, call{method: http.MethodPost, path: r.path, body: in, out: &out})
	return out, err
}

// Put replaces what a user sets of a record; etag may be "".
func (r Resource[T, In]) Put(ctx context.Context, id, etag string, in In) (out T, err error) {
	_, _, err = r.c.do(ctx, call{method: http.MethodPut, path: r.one(id), etag: etag, body: in, out: &out})
	return out, err
}

// Patch changes a record by a JSON merge patch (RFC 7396); etag may be "".
func (r Resource[T, In]) Patch(ctx context.Context, id, etag string, patch map[string]any) (out T, err error) {
	_, _, err = r.c.do(ctx, call{method: http.MethodPatch, path: r.one(id), etag: etag, body: patch, out: &out})
	return out, err
}

// Delete deletes a record, softly; etag may be "".
func (r Resource[T, In]) Delete(ctx context.Context, id, etag string) error {
	_, _, err := r.c.do(ctx, call{method: http.MethodDelete, path: r.one(id), etag: etag})
	return err
}

// Restore undoes a deletion.
func (r Resource[T, In]) Restore(ctx context.Context, id string) (out T, err error) {
	_, _, err = r.c.do(ctx, call{method: http.MethodPost, path: r.one(id) + "/restore", out: &out})
	return out, err
}

// NodeConfig gives the files that a node should have now.
func (c *Client) NodeConfig(ctx context.Context, uuid string) (*promfleet.RenderedConfig, error) {
	var out promfleet.RenderedConfig
	if _, _, err := c.do(ctx, call{method: http.MethodGet, path: "/nodes/" + url.PathEscape(uuid) + "/config", out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// JobTargets gives all targets of a job.
func (c *Client) JobTargets(ctx context.Context, job int64) (out []promfleet.Target, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodGet, path: jobTargets(job), out: &out})
	return out, err
}

// ReplaceTargets makes the targets of a job those given, all or nothing. A nil list
// is refused: no targets at all is an empty one.
func (c *Client) ReplaceTargets(ctx context.Context, job int64, targets []promfleet.TargetInput) (out promfleet.TargetSetChange, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodPut, path: jobTargets(job), body: targets, out: &out})
	return out, err
}

func jobTargets(job int64) string { return fmt.Sprintf("/jobs/%s/targets", strconv.FormatInt(job, 10)) }
