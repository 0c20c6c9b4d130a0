package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"promfleet"
)

// YAML is the media type of a prometheus.yml.
const YAML = "application/yaml"

// ApplyHow says how documents are applied.
type ApplyHow struct {
	Manager      string // who manages what they name; "": fleetfile
	Prune        bool   // delete the jobs of their nodes that this manager manages and they do not name
	TakeOver     bool   // also what another manager manages
	AllowRemoval bool   // also if more than half of a node's targets go
	DryRun       bool   // write nothing, and say what would change
}

func (h ApplyHow) query() url.Values {
	q := url.Values{}
	if h.Manager != "" {
		q.Set("manager", h.Manager)
	}
	flags(q, map[string]bool{"prune": h.Prune, "take_over": h.TakeOver, "allow_removal": h.AllowRemoval, "dry_run": h.DryRun})
	return q
}

// flags sets those that are true.
func flags(q url.Values, flags map[string]bool) {
	for name, on := range flags {
		if on {
			q.Set(name, strconv.FormatBool(on))
		}
	}
}

// Apply makes nodes and jobs what documents say, all or nothing. progress is told
// how many of the documents are done; it may be nil. promfleet.Invalid: Fields name
// each bad document by its At. promfleet.Conflict: another manager manages it, or
// more than half of a node's targets would go.
func (c *Client) Apply(ctx context.Context, docs []promfleet.FleetDocument, how ApplyHow, progress func(done, total int)) (out promfleet.FleetChange, err error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			return out, promfleet.Errorf(promfleet.Invalid, "%s: the document cannot be encoded: %v", d.At, err)
		}
	}
	k := call{method: http.MethodPost, path: "/apply", query: how.query(), media: NDJSON, from: &body, out: &out}
	if len(docs) == 0 { // no line at all would be taken for an empty file
		k.media, k.from, k.body = JSON, nil, docs
		if docs == nil {
			k.body = []promfleet.FleetDocument{}
		}
	}
	if progress == nil {
		_, _, err = c.do(ctx, k)
		return out, err
	}
	var refused error
	k.accept, k.out = NDJSON, nil
	k.decode = func(r io.Reader) error {
		var err error
		refused, err = readApplied(json.NewDecoder(r), &out, progress)
		return err
	}
	if _, _, err = c.do(ctx, k); err == nil {
		err = refused
	}
	return out, err
}

// readApplied reads an answer that says how far the server is: lines of
// {"done", "total"}, and last {"change"} or {"problem"}.
func readApplied(d *json.Decoder, out *promfleet.FleetChange, progress func(done, total int)) (refused, err error) {
	for {
		var line struct {
			Done, Total int
			Change      *promfleet.FleetChange
			Problem     json.RawMessage
		}
		if err := d.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("it does not say what became of it; look, before it is tried again")
			}
			return nil, err
		}
		switch {
		case line.Change != nil:
			*out = *line.Change
			return nil, nil
		case line.Problem != nil:
			var status struct{ Status int }
			if err := json.Unmarshal(line.Problem, &status); err != nil {
				return nil, fmt.Errorf("its problem cannot be read: %w", err)
			}
			return problem(&http.Response{StatusCode: status.Status}, line.Problem), nil
		}
		progress(line.Done, line.Total)
	}
}

// ImportHow says how a prometheus.yml is imported.
type ImportHow struct {
	DryRun       bool // write nothing, and say what would change
	AllowRemoval bool // also if more than half of the node's targets go
}

// Import takes a prometheus.yml apart into the base config, jobs and targets of a
// node, all or nothing. Jobs of the node that it does not have stay.
func (c *Client) Import(ctx context.Context, node string, yml []byte, how ImportHow) (out promfleet.FleetChange, err error) {
	q := url.Values{}
	flags(q, map[string]bool{"dry_run": how.DryRun, "allow_removal": how.AllowRemoval})
	_, _, err = c.do(ctx, call{method: http.MethodPost, path: nodePath(node) + "/import", query: q, media: YAML, from: bytes.NewReader(yml), out: &out})
	return out, err
}

// Export gives the complete prometheus.yml of a node, targets included, secrets
// shown as <secret>.
func (c *Client) Export(ctx context.Context, node string) ([]byte, error) {
	var yml bytes.Buffer
	read := func(r io.Reader) error { _, err := yml.ReadFrom(r); return err }
	_, _, err := c.do(ctx, call{method: http.MethodGet, path: nodePath(node) + "/export", accept: YAML, decode: read})
	return yml.Bytes(), err
}

// ExportDocuments gives what a node is as documents that Apply takes: the node
// first, then its jobs by key.
func (c *Client) ExportDocuments(ctx context.Context, node string) (docs []promfleet.FleetDocument, err error) {
	read := func(r io.Reader) error {
		d := json.NewDecoder(r)
		for {
			var doc promfleet.FleetDocument
			if err := d.Decode(&doc); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			docs = append(docs, doc)
		}
	}
	_, _, err = c.do(ctx, call{method: http.MethodGet, path: nodePath(node) + "/export", accept: NDJSON, decode: read})
	return docs, err
}
