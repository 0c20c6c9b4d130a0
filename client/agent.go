package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"promfleet"
)

// Register registers a node: with a join token the first time, afterwards with
// its own credential.
func (c *Client) Register(ctx context.Context, r promfleet.Registration) (*promfleet.Registered, error) {
	var out promfleet.Registered
	_, _, err := c.do(ctx, call{method: http.MethodPost, path: "/agent/register", body: r, out: &out})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// Watch waits until the node's revision is another than the one given. It gives
// nil if that has not happened after wait, which counts in whole seconds.
func (c *Client) Watch(ctx context.Context, revision int64, wait time.Duration) (*promfleet.WatchReply, error) {
	var out promfleet.WatchReply
	read := func(r io.Reader) error { return readWatch(r, &out) }
	status, _, err := c.do(ctx, call{method: http.MethodGet, path: "/agent/watch", decode: read, query: url.Values{
		"revision": {strconv.FormatInt(revision, 10)},
		"wait":     {strconv.Itoa(int(wait / time.Second))},
	}})
	if err != nil || status == http.StatusNoContent {
		return nil, err
	}
	return &out, nil
}

// Fetch gets bodies of parts, the last ones maybe missing. promfleet.Gone: a part
// has changed since; ask for the manifest again.
func (c *Client) Fetch(ctx context.Context, parts []promfleet.PartRef) ([]promfleet.PartBody, error) {
	var out []promfleet.PartBody
	read := func(r io.Reader) (err error) { out, err = readFetch(r, len(parts)); return err }
	_, _, err := c.do(ctx, call{method: http.MethodPost, path: "/agent/fetch", body: promfleet.FetchRequest{Parts: parts}, decode: read})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Report tells what the agent has done.
func (c *Client) Report(ctx context.Context, r promfleet.Report) error {
	_, _, err := c.do(ctx, call{method: http.MethodPost, path: "/agent/report", body: r})
	return err
}
