package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// ListParams are what all lists take.
type ListParams struct {
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at the most"`
	Cursor  string `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before; with the same sort and filters"`
	Offset  int    `query:"offset" minimum:"0" maximum:"1000000" doc:"how many come before the page, to begin anywhere; not together with cursor. What is written meanwhile moves rows over its edges"`
	Q       string `query:"q" maxLength:"500" doc:"substring, without regard to case"`
	Sort    string `query:"sort" maxLength:"50" doc:"field to sort by, - before it for descending"`
	Deleted bool   `query:"deleted" doc:"the deleted ones instead of the live ones"`
}

func (p ListParams) query() fleet.ListQuery {
	return fleet.ListQuery{Limit: p.Limit, Cursor: p.Cursor, Offset: p.Offset, Q: p.Q, Sort: p.Sort, Deleted: p.Deleted}
}

type page[T any] struct{ Body promfleet.Page[T] }

// one is the answer of a single resource.
type one[T any] struct {
	ETag string `header:"ETag" doc:"to be given as If-Match"`
	Body T
}

func etag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// IfMatch is the precondition of a write (RFC 9110, 13.1.1).
type IfMatch struct {
	Tags string `header:"If-Match" maxLength:"1000" doc:"ETag that the resource must have; else 412"`
}

// match gives the versions that an If-Match header names; none for an absent
// header and for *. An entity tag that is not one of ours matches nothing.
func (p IfMatch) match() fleet.Match {
	if v := strings.TrimSpace(p.Tags); v == "" || v == "*" {
		return nil
	}
	m := fleet.Match{}
	for tag := range strings.SplitSeq(p.Tags, ",") {
		version := int64(-1)
		// Tags are versions: one that a compressing proxy has weakened says the same.
		if s, err := strconv.Unquote(strings.TrimPrefix(strings.TrimSpace(tag), "W/")); err == nil {
			s, _, _ = strings.Cut(s, "-") // of a set: behind it stands the format
			if v, err := strconv.ParseInt(s, 10, 64); err == nil {
				version = v
			}
		}
		m = append(m, version)
	}
	return m
}

// IfNoneMatch is the condition of a read.
type IfNoneMatch struct {
	Have string `header:"If-None-Match" maxLength:"1000" doc:"ETag of what the caller has; 304 if it is still that"`
}

// matches tells whether the caller has what has a tag.
func (p IfNoneMatch) matches(tag string) bool { return matches(p.Have, tag) }

// matches tells whether an If-None-Match header names a tag.
func matches(header, tag string) bool {
	for have := range strings.SplitSeq(header, ",") {
		// The comparison is weak (RFC 9110, 13.1.2): a proxy that compresses weakens tags.
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			return true
		}
	}
	return false
}

// answer gives a resource, or 304 if the caller has it.
func answer[T any](p IfNoneMatch, version int64, body T, err error) (*one[T], error) {
	return answerTagged(p, etag(version), body, err)
}

func answerTagged[T any](p IfNoneMatch, tag string, body T, err error) (*one[T], error) {
	if err != nil {
		return nil, err
	}
	if p.matches(tag) {
		return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}})
	}
	return &one[T]{ETag: tag, Body: body}, nil
}

// written gives a resource after a write.
func written[T any](version int64, body T, err error) (*one[T], error) {
	if err != nil {
		return nil, err
	}
	return &one[T]{ETag: etag(version), Body: body}, nil
}

// patch is a JSON merge patch (RFC 7396) of a T. What it may hold is checked by
// the fleet, on the patched whole.
type patch[T any] json.RawMessage

// UnmarshalJSON keeps the patch as it came: null and absent are not the same.
func (p *patch[T]) UnmarshalJSON(b []byte) error {
	*p = append((*p)[:0], b...)
	return nil
}

// Schema implements huma.SchemaProvider.
func (p patch[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	of := r.Schema(t, true, t.Name())
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
		Description: "JSON merge patch (RFC 7396) of " + strings.TrimPrefix(of.Ref, "#/components/schemas/") + ": only the fields to change; null removes"}
}

// UUIDPath names a node. Types that inputs embed are exported, since huma passes
// over others.
type UUIDPath struct {
	UUID string `path:"uuid" format:"uuid" doc:"of the node"`
}

// IDPath names a record.
type IDPath struct {
	ID int64 `path:"id" minimum:"1"`
}

type empty struct{}
