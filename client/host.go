package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"promfleet"
)

// NodeLoaded compares what a node should have with its file and with what its
// Prometheus has loaded. Its agent is given wait to answer, at most 30 seconds; 0: it
// is not asked.
func (c *Client) NodeLoaded(ctx context.Context, uuid string, wait time.Duration) (*promfleet.NodeLoaded, error) {
	return askHost[promfleet.NodeLoaded](ctx, c, uuid, "/loaded", wait)
}

// NodeDoctor tells what doctor finds on the host of a node. Its agent is given wait to
// look, at most 30 seconds; 0: it is not asked.
func (c *Client) NodeDoctor(ctx context.Context, uuid string, wait time.Duration) (*promfleet.NodeDoctor, error) {
	return askHost[promfleet.NodeDoctor](ctx, c, uuid, "/doctor", wait)
}

func askHost[T any](ctx context.Context, c *Client, uuid, what string, wait time.Duration) (*T, error) {
	var out T
	_, _, err := c.do(ctx, call{method: http.MethodGet, path: nodePath(uuid) + what, out: &out,
		query: url.Values{"wait": {strconv.Itoa(int(wait / time.Second))}}})
	if err != nil {
		return nil, err
	}
	return &out, nil
}
