package client

import (
	"context"
	"io"
	"maps"
	"net/url"

	"promfleet"
)

// dryRun makes a call that says what it would change, and changes nothing.
func (c *Client) dryRun(ctx context.Context, k call) (*promfleet.Preview, error) {
	query := url.Values{"dry_run": {"true"}}
	maps.Copy(query, k.query)
	var out promfleet.Preview
	k.query, k.out = query, &out
	if _, _, err := c.do(ctx, k); err != nil {
		return nil, err
	}
	return &out, nil
}

// ResourcePreview makes dry runs of the writes of a resource: what would change on
// which node.
type ResourcePreview[T, In any] struct{ r Resource[T, In] }

// Preview gives the dry runs. Jobs, targets and tags have all of them, nodes have
// Patch; writes of other records change no file.
func (r Resource[T, In]) Preview() ResourcePreview[T, In] { return ResourcePreview[T, In]{r} }

// Create is a dry run of Resource.Create.
func (p ResourcePreview[T, In]) Create(ctx context.Context, in In) (*promfleet.Preview, error) {
	return p.r.c.dryRun(ctx, p.r.create(in))
}

// Put is a dry run of Resource.Put.
func (p ResourcePreview[T, In]) Put(ctx context.Context, id, etag string, in In) (*promfleet.Preview, error) {
	return p.r.c.dryRun(ctx, p.r.put(id, etag, in))
}

// Patch is a dry run of Resource.Patch.
func (p ResourcePreview[T, In]) Patch(ctx context.Context, id, etag string, patch map[string]any) (*promfleet.Preview, error) {
	return p.r.c.dryRun(ctx, p.r.patch(id, etag, patch))
}

// Delete is a dry run of Resource.Delete.
func (p ResourcePreview[T, In]) Delete(ctx context.Context, id, etag string) (*promfleet.Preview, error) {
	return p.r.c.dryRun(ctx, p.r.remove(id, etag))
}

// Restore is a dry run of Resource.Restore.
func (p ResourcePreview[T, In]) Restore(ctx context.Context, id string) (*promfleet.Preview, error) {
	return p.r.c.dryRun(ctx, p.r.restore(id))
}

// Preview makes dry runs of the writes that are not about one record.
type Preview struct{ c *Client }

// Preview gives the dry runs of WriteTargets, PatchTargets and Revert.
func (c *Client) Preview() Preview { return Preview{c} }

// WriteTargets is a dry run of Client.WriteTargets.
func (p Preview) WriteTargets(ctx context.Context, job int64, how SetWrite, r io.Reader) (*promfleet.Preview, error) {
	return p.c.dryRun(ctx, writeTargets(job, how, r))
}

// PatchTargets is a dry run of Client.PatchTargets.
func (p Preview) PatchTargets(ctx context.Context, filter url.Values, patch promfleet.TargetsPatch) (*promfleet.Preview, error) {
	return p.c.dryRun(ctx, patchTargets(filter, patch))
}

// Revert is a dry run of Client.Revert.
func (p Preview) Revert(ctx context.Context, event int64) (*promfleet.Preview, error) {
	return p.c.dryRun(ctx, revert(event))
}
