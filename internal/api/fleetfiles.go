package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/text/encoding"

	"promfleet"
	"promfleet/internal/fleet"
)

// maxDocuments bounds the documents of one call.
const maxDocuments = 200_000

// fleetfiles serves what whole nodes are made of: documents applied and exported.
func (h *handlers) fleetfiles(a huma.API) {
	const tag = "fleetfiles"
	type apply struct {
		Manager      string `query:"manager" pattern:"^[a-zA-Z0-9._/-]{1,100}$" default:"fleetfile" doc:"who manages what the documents name from now on: others cannot change it until it is released"`
		Prune        bool   `query:"prune" doc:"delete the jobs of the nodes named that this manager manages and no document names"`
		TakeOver     bool   `query:"take_over" doc:"also what another manager manages"`
		AllowRemoval bool   `query:"allow_removal" doc:"also if more than half of the targets of a node with at least 100 go"`
		DryRun       bool   `query:"dry_run" doc:"write nothing, and say what would change"`
		Accept       string `header:"Accept" maxLength:"1000" doc:"application/json (default), or application/x-ndjson to hear how far it is"`
		stream
	}
	documents := map[string]*huma.MediaType{
		mediaJSON:   {Schema: &huma.Schema{Type: huma.TypeArray, Items: schemaOf[promfleet.FleetDocument](a)}},
		mediaNDJSON: {Schema: &huma.Schema{Type: huma.TypeString, Description: "one document a line"}},
	}
	answer := &huma.Response{Content: map[string]*huma.MediaType{
		mediaJSON: {Schema: schemaOf[promfleet.FleetChange](a)},
		mediaNDJSON: {Schema: &huma.Schema{Type: huma.TypeString,
			Description: `lines of {"done": n, "total": m}, counting documents, and last {"change": …} as application/json has it, or {"problem": …} if it was refused`}},
	}}
	item := schemaOf[promfleet.FleetDocument](a)
	serve(h, a, operation{id: "apply", summary: "Make nodes and jobs what documents say, all or nothing", method: http.MethodPost, path: "/apply", who: editor, tag: tag,
		maxBody: maxTargetSet, timeout: bulkTimeout, body: &huma.RequestBody{Required: true, Content: documents},
		errors:  []int{http.StatusConflict, http.StatusNotAcceptable, http.StatusUnprocessableEntity},
		answers: map[int]*huma.Response{http.StatusOK: answer}},
		func(ctx context.Context, in *apply) (*huma.StreamResponse, error) {
			media := preferred(in.Accept, []string{mediaJSON, mediaNDJSON})
			if media == "" {
				return nil, huma.Error406NotAcceptable("the answer is given as application/json or application/x-ndjson")
			}
			docs, at, err := readDocuments(a.OpenAPI().Components.Schemas, item, in.media, in.reader(maxTargetSet))
			if err != nil {
				return nil, err
			}
			how := fleet.ApplyOptions{Manager: in.Manager, Prune: in.Prune, TakeOver: in.TakeOver, AllowRemoval: in.AllowRemoval, At: at}
			do := func(f *fleet.Service) (promfleet.FleetChange, error) {
				return f.ApplyDocuments(ctx, principal(ctx), docs, how)
			}
			if media == mediaNDJSON {
				return &huma.StreamResponse{Body: func(hc huma.Context) {
					h.tell(hc, func(progress func(done, total int)) (promfleet.FleetChange, error) {
						how.Progress = progress
						return h.applied(in.DryRun, do)
					})
				}}, nil
			}
			change, err := h.applied(in.DryRun, do)
			if err != nil {
				return nil, err
			}
			return answerWith(mediaJSON, change), nil
		})
	h.imports(a)
	h.exports(a)
}

func (h *handlers) imports(a huma.API) {
	type load struct {
		UUIDPath
		DryRun       bool `query:"dry_run" doc:"write nothing, and say what would change"`
		AllowRemoval bool `query:"allow_removal" doc:"also if more than half of the targets of a node with at least 100 go"`
		stream
	}
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "a prometheus.yml; <secret> stays what it was"}}
	serve(h, a, operation{id: "import-node", summary: "Take a prometheus.yml apart into base config, jobs and targets of a node, all or nothing; jobs that it does not have stay",
		method: http.MethodPost, path: "/nodes/{uuid}/import", who: editor, tag: "fleetfiles",
		maxBody: maxTargetSet, timeout: bulkTimeout, body: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{mediaYAML: text, mediaText: text}},
		errors:  []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
		answers: map[int]*huma.Response{http.StatusOK: answerOf(schemaOf[promfleet.FleetChange](a))}},
		func(ctx context.Context, in *load) (*huma.StreamResponse, error) {
			yml, err := io.ReadAll(in.reader(maxTargetSet))
			switch {
			case errors.Is(err, errTooLarge):
				return nil, promfleet.Errorf(promfleet.TooLarge, "the file is larger than %d MiB", maxTargetSet>>20)
			case errors.Is(err, encoding.ErrInvalidUTF8):
				return nil, huma.Error400BadRequest("the file is not valid UTF-8")
			case err != nil:
				return nil, huma.Error400BadRequest("the body ended before its end; send it again")
			}
			change, err := h.applied(in.DryRun, func(f *fleet.Service) (promfleet.FleetChange, error) {
				return f.ImportConfig(ctx, principal(ctx), lower(in.UUID), yml, in.AllowRemoval)
			})
			if err != nil {
				return nil, err
			}
			return answerWith(mediaJSON, change), nil
		})
}

// applied makes a change of whole nodes, or says what it would be.
func (h *handlers) applied(dryRun bool, do func(f *fleet.Service) (promfleet.FleetChange, error)) (change promfleet.FleetChange, err error) {
	if !dryRun {
		return do(h.fleet)
	}
	preview, err := h.fleet.Preview(func(f *fleet.Service) error {
		change, err = do(f)
		return err
	})
	change.Preview = &preview
	return change, err
}

// answerWith answers with a value as JSON.
func answerWith(media string, v any) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", media)
		hc.SetHeader("Vary", "Accept")
		enc := json.NewEncoder(hc.BodyWriter())
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v) // fails only if the caller is gone
	}}
}

// tell answers with how far something is, a line each time, and last with what
// became of it. That a caller reads slowly or is gone does not stop it.
func (h *handlers) tell(hc huma.Context, do func(progress func(done, total int)) (promfleet.FleetChange, error)) {
	hc.SetHeader("Content-Type", mediaNDJSON)
	hc.SetHeader("Vary", "Accept")
	_, raw := humago.Unwrap(hc)
	w := &deadlined{w: hc.BodyWriter(), control: http.NewResponseController(raw)}
	defer w.end()
	gone := false
	line := func(v any) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if gone || enc.Encode(v) != nil {
			return
		}
		_, err := w.Write(b.Bytes())
		if err == nil {
			err = w.control.Flush()
		}
		gone = err != nil
	}
	shown := -1
	change, err := do(func(done, total int) {
		if percent := done * 100 / max(total, 1); percent != shown {
			shown = percent
			line(struct {
				Done  int `json:"done"`
				Total int `json:"total"`
			}{done, total})
		}
	})
	if err != nil {
		line(map[string]any{"problem": h.problem(err)})
		return
	}
	line(map[string]any{"change": change})
}

// readDocuments reads documents from a body.
func readDocuments(schemas huma.Registry, item *huma.Schema, media string, r io.Reader) ([]promfleet.FleetDocument, func(i int) string, error) {
	s := &listReader[promfleet.FleetDocument]{schemas: schemas, item: item, noun: "document", most: maxDocuments, line: maxTargetSet}
	var err error
	if media == mediaNDJSON {
		err = s.ndjson(r)
	} else {
		err = s.array(r)
	}
	return s.items, s.at, s.refused(err, "apply fewer nodes at a time")
}

func (h *handlers) exports(a huma.API) {
	type export struct {
		UUIDPath
		Accept string `header:"Accept" maxLength:"1000" doc:"application/yaml (default) or application/x-ndjson"`
	}
	serve(h, a, operation{id: "export-node", summary: "What a node is, to be taken elsewhere", method: http.MethodGet, path: "/nodes/{uuid}/export", who: viewer, tag: "fleetfiles",
		errors: slices.Concat(readErrors, []int{http.StatusNotAcceptable}), timeout: bulkTimeout,
		answers: map[int]*huma.Response{http.StatusOK: {Content: map[string]*huma.MediaType{
			mediaYAML:   {Schema: &huma.Schema{Type: huma.TypeString, Description: "the complete prometheus.yml, targets in static_configs, secrets shown as <secret>"}},
			mediaNDJSON: {Schema: &huma.Schema{Type: huma.TypeString, Description: "documents, one a line: the node, then its jobs by key; apply takes them"}},
		}}}},
		func(ctx context.Context, in *export) (*huma.StreamResponse, error) {
			switch preferred(in.Accept, []string{mediaYAML, mediaNDJSON}) {
			case "":
				return nil, huma.Error406NotAcceptable("a node is exported as application/yaml or application/x-ndjson")
			case mediaYAML:
				yml, err := h.fleet.ExportConfig(ctx, lower(in.UUID))
				if err != nil {
					return nil, err
				}
				return &huma.StreamResponse{Body: func(hc huma.Context) {
					hc.SetHeader("Content-Type", mediaYAML)
					hc.SetHeader("Vary", "Accept")
					_, _ = hc.BodyWriter().Write(yml) // fails only if the caller is gone
				}}, nil
			}
			docs, err := h.fleet.ExportDocuments(ctx, lower(in.UUID))
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", mediaNDJSON)
				hc.SetHeader("Vary", "Accept")
				enc := json.NewEncoder(hc.BodyWriter())
				enc.SetEscapeHTML(false)
				for _, d := range docs {
					if enc.Encode(d) != nil { // the caller is gone
						return
					}
				}
			}}, nil
		})
}
