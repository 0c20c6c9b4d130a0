package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// NodeFilter selects nodes.
type NodeFilter struct {
	UUID      []string            `query:"uuid,explode" maxItems:"500" format:"uuid" doc:"nodes with any of these uuids"`
	Tag       []string            `query:"tag,explode" maxItems:"20" doc:"nodes that have all of these tags"`
	State     promfleet.NodeState `query:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,stale,pending"`
	ManagedBy string              `query:"managed_by" maxLength:"100" doc:"nodes that this manager manages"`
}

func (f NodeFilter) query(q fleet.ListQuery) fleet.NodeQuery {
	uuids := make([]string, len(f.UUID))
	for i, uuid := range f.UUID {
		uuids[i] = lower(uuid)
	}
	return fleet.NodeQuery{ListQuery: q, UUIDs: uuids, Tags: f.Tag, State: f.State, ManagedBy: f.ManagedBy}
}

// mapTag is the ETag of a map: its states change with time alone, so it is made of
// what the map says.
func mapTag(m promfleet.NodesMap) string {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, m.Total)
	for _, n := range m.Nodes {
		_, _ = fmt.Fprintf(sum, "%s %q %s %d\n", n.UUID, n.Hostname, n.State, n.TargetsDown)
	}
	return fmt.Sprintf(`"%x"`, sum.Sum(nil)[:16])
}

func (h *handlers) nodes(a huma.API) {
	const tag = "nodes"
	type list struct {
		ListParams
		NodeFilter
	}
	serve(h, a, operation{id: "list-nodes", summary: "List nodes", method: http.MethodGet, path: "/nodes", who: viewer, tag: tag},
		func(ctx context.Context, in *list) (*page[promfleet.Node], error) {
			p, err := h.fleet.Nodes(ctx, in.NodeFilter.query(in.ListParams.query()))
			return &page[promfleet.Node]{p}, err
		})
	type points struct {
		Q       string `query:"q" maxLength:"500" doc:"substring, without regard to case"`
		Sort    string `query:"sort" maxLength:"50" doc:"field to sort by, - before it for descending"`
		Deleted bool   `query:"deleted" doc:"the deleted ones instead of the live ones"`
		NodeFilter
		IfNoneMatch
	}
	serve(h, a, operation{id: "get-nodes-map", summary: "Get all nodes that a filter selects, each with its name and state alone", method: http.MethodGet, path: "/nodes/map", who: viewer, tag: tag, errors: queryErrors},
		func(ctx context.Context, in *points) (*one[promfleet.NodesMap], error) {
			m, err := h.fleet.NodesMap(ctx, in.NodeFilter.query(fleet.ListQuery{Q: in.Q, Sort: in.Sort, Deleted: in.Deleted}))
			return answerTagged(in.IfNoneMatch, mapTag(m), m, err)
		})
	type summary struct{ Body promfleet.NodesSummary }
	serve(h, a, operation{id: "get-nodes-summary", summary: "Count nodes by state, and their targets", method: http.MethodGet, path: "/nodes/summary", who: viewer, tag: tag, errors: queryErrors},
		func(ctx context.Context, _ *struct{}) (*summary, error) {
			s, err := h.fleet.Summary(ctx)
			return &summary{s}, err
		})
	type get struct {
		UUIDPath
		IfNoneMatch
	}
	serve(h, a, operation{id: "get-node", summary: "Get a node", method: http.MethodGet, path: "/nodes/{uuid}", who: viewer, tag: tag, errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *get) (*one[promfleet.Node], error) {
			n, err := h.fleet.Node(ctx, lower(in.UUID))
			// The status is not what an ETag speaks of, so a node is never "not modified".
			return written(n.Version, n, err)
		})
	type change struct {
		UUIDPath
		IfMatch
		DryRun
		Body patch[promfleet.NodeInput] `contentType:"application/merge-patch+json"`
	}
	version := func(n promfleet.Node) int64 { return n.Version }
	serve(h, a, operation{id: "patch-node", summary: "Change tags, base_config and contacts of a node", method: http.MethodPatch, path: "/nodes/{uuid}", who: editor, tag: tag,
		maxBody: 4 << 20, errors: writeErrors, answers: writes[promfleet.Node](a, http.StatusOK)},
		func(ctx context.Context, in *change) (*outcome, error) {
			return write(ctx, h, in.DryRun, http.StatusOK, version, func(f *fleet.Service) (promfleet.Node, error) {
				return f.PatchNode(ctx, principal(ctx), lower(in.UUID), in.match(), json.RawMessage(in.Body))
			})
		})
	type remove struct {
		UUIDPath
		IfMatch
	}
	serve(h, a, operation{id: "delete-node", summary: "Delete a node and revoke its agent's credential", method: http.MethodDelete, path: "/nodes/{uuid}", who: editor, tag: tag,
		status: http.StatusNoContent, errors: []int{http.StatusNotFound, http.StatusPreconditionFailed}},
		func(ctx context.Context, in *remove) (*empty, error) {
			return nil, h.fleet.DeleteNode(ctx, principal(ctx), lower(in.UUID), in.match())
		})
	serve(h, a, operation{id: "restore-node", summary: "Undo the deletion of a node; its agent must join again", method: http.MethodPost, path: "/nodes/{uuid}/restore", who: editor, tag: tag,
		errors: []int{http.StatusNotFound, http.StatusConflict}},
		func(ctx context.Context, in *UUIDPath) (*one[promfleet.Node], error) {
			n, err := h.fleet.RestoreNode(ctx, principal(ctx), lower(in.UUID))
			return written(n.Version, n, err)
		})
	type confirm struct {
		UUIDPath
		Revision int64 `query:"revision" minimum:"1" doc:"only if it is the removal of this revision that waits; default: whichever waits"`
	}
	serve(h, a, operation{id: "confirm-removal", summary: "Let the agent take away the targets that it holds back (state held)", method: http.MethodPost, path: "/nodes/{uuid}/confirm", who: editor, tag: tag,
		errors: []int{http.StatusNotFound, http.StatusConflict}},
		func(ctx context.Context, in *confirm) (*one[promfleet.Node], error) {
			n, err := h.fleet.ConfirmRemoval(ctx, principal(ctx), lower(in.UUID), in.Revision)
			return written(n.Version, n, err)
		})
	type at struct {
		UUIDPath
		Revision int64 `query:"revision" minimum:"1" doc:"the files of this revision; default: of now"`
	}
	type config struct{ Body promfleet.RenderedConfig }
	serve(h, a, operation{id: "get-node-config", summary: "Get the files that a node should have now, or at one of its last revisions", method: http.MethodGet, path: "/nodes/{uuid}/config", who: viewer, tag: tag,
		errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *at) (*config, error) {
			c, err := h.fleet.NodeConfig(ctx, lower(in.UUID), in.Revision)
			return &config{c}, err
		})
	type revisions struct {
		UUIDPath
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at the most"`
		Cursor string `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before; with the same sort"`
		Offset int    `query:"offset" minimum:"0" maximum:"1000000" doc:"how many come before the page, to begin anywhere; not together with cursor. What is written meanwhile moves rows over its edges"`
		Sort   string `query:"sort" enum:"number,-number" doc:"default: -number, newest first"`
	}
	serve(h, a, operation{id: "list-node-revisions", summary: "List the revisions of a node that are kept, newest first", method: http.MethodGet, path: "/nodes/{uuid}/revisions", who: viewer, tag: tag,
		errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *revisions) (*page[promfleet.Revision], error) {
			p, err := h.fleet.Revisions(ctx, lower(in.UUID), fleet.ListQuery{Limit: in.Limit, Cursor: in.Cursor, Offset: in.Offset, Sort: in.Sort})
			return &page[promfleet.Revision]{p}, err
		})
}

// lower gives a UUID as it is kept (RFC 9562, 4: input is case-insensitive).
func lower(uuid string) string { return strings.ToLower(uuid) }
