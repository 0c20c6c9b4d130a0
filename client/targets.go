package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"promfleet"
)

func jobTargets(job int64) string { return "/jobs/" + strconv.FormatInt(job, 10) + "/targets" }

// JobTargets gives all targets of a job, sorted by addr, then name.
func (c *Client) JobTargets(ctx context.Context, job int64) (out []promfleet.Target, err error) {
	_, _, err = c.do(ctx, call{method: http.MethodGet, path: jobTargets(job), out: &out})
	return out, err
}

// ReadTargets writes all targets of a job to w as they arrive, in a media type
// ("": JSON), and gives the ETag of the set. After an error w has a part of them,
// which may read as a whole: CSV and NDJSON have no end mark.
func (c *Client) ReadTargets(ctx context.Context, job int64, mediaType string, w io.Writer) (etag string, err error) {
	_, etag, err = c.do(ctx, call{method: http.MethodGet, path: jobTargets(job), accept: mediaType, to: w})
	return etag, err
}

// SetWrite says how targets of a job are written.
type SetWrite struct {
	Replace   bool   // delete the targets that are not given; else they stay
	MediaType string // of the body; "": JSON
	ETag      string // that the set must have; "": any
}

// WriteTargets creates the targets that r has, and changes those that the job has
// already, told apart by addr and name, all or nothing. r is read as it is sent,
// maybe not to its end if it is refused.
func (c *Client) WriteTargets(ctx context.Context, job int64, how SetWrite, r io.Reader) (promfleet.TargetSetChange, error) {
	return c.writeTargets(ctx, writeTargets(job, how, r))
}

// ReplaceTargets makes the targets of a job those given, all or nothing. A nil list
// is refused: no targets at all is an empty one.
func (c *Client) ReplaceTargets(ctx context.Context, job int64, targets []promfleet.TargetInput) (promfleet.TargetSetChange, error) {
	return c.writeTargets(ctx, call{method: http.MethodPut, path: jobTargets(job), body: targets})
}

// UpsertTargets creates and changes targets of a job as WriteTargets does; others stay.
func (c *Client) UpsertTargets(ctx context.Context, job int64, targets []promfleet.TargetInput) (promfleet.TargetSetChange, error) {
	return c.writeTargets(ctx, call{method: http.MethodPost, path: jobTargets(job), body: targets})
}

func (c *Client) writeTargets(ctx context.Context, k call) (out promfleet.TargetSetChange, err error) {
	k.out = &out
	_, _, err = c.do(ctx, k)
	return out, err
}

func writeTargets(job int64, how SetWrite, r io.Reader) call {
	k := call{method: http.MethodPost, path: jobTargets(job), etag: how.ETag, media: how.MediaType, from: r}
	if how.Replace {
		k.method = http.MethodPut
	}
	return k
}

// PatchTargets changes all targets that a filter selects, all or nothing. filter
// has at least one of id (several: any of them), job, node, tag (several: all of them), addr and q.
func (c *Client) PatchTargets(ctx context.Context, filter url.Values, patch promfleet.TargetsPatch) (out promfleet.TargetsPatched, err error) {
	k := patchTargets(filter, patch)
	k.out = &out
	_, _, err = c.do(ctx, k)
	return out, err
}

func patchTargets(filter url.Values, patch promfleet.TargetsPatch) call {
	return call{method: http.MethodPatch, path: "/targets", query: filter, body: patch}
}
