// Package api serves the HTTP API: it decodes, authenticates, authorizes, calls
// the fleet and encodes. The OpenAPI document is made of the same code. It holds
// no rule of its own but who may call what, which stands beside each operation.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/swaggest/swgui/v5emb"

	"promfleet"
	"promfleet/internal/fleet"
)

// Prefix is where the API is served.
const Prefix = "/api/v1"

// access says who may call an operation. It is shown in the OpenAPI document as x-role.
type access string

const (
	public  access = "public"                     // anyone
	joining access = "join-token"                 // the operation looks at the credential itself
	viewer         = access(promfleet.RoleViewer) // and editors and admins
	editor         = access(promfleet.RoleEditor) // and admins
	admin          = access(promfleet.RoleAdmin)
	agent          = access(promfleet.RoleAgent) // agents only
)

// may tells whether a role has an access. Unknown ones have none.
func (a access) may(r promfleet.Role) bool {
	switch a {
	case viewer:
		return r == promfleet.RoleViewer || r == promfleet.RoleEditor || r == promfleet.RoleAdmin
	case editor:
		return r == promfleet.RoleEditor || r == promfleet.RoleAdmin
	case admin:
		return r == promfleet.RoleAdmin
	case agent:
		return r == promfleet.RoleAgent
	}
	return false
}

// The keys of what the API keeps about an operation and a request.
const (
	roleExtension = "x-role"
	principalKey  = contextKey("principal")
)

type contextKey string

// handlers are the operations; each resource has a file.
type handlers struct {
	fleet   *fleet.Service
	logger  *slog.Logger
	serving context.Context // ends when requests are not to be held any longer
}

// New makes the handler of everything below Prefix, and of /docs. It fails if an
// operation does not say who may call it. Requests that agents hold end with serving.
func New(serving context.Context, f *fleet.Service, version string, logger *slog.Logger) (http.Handler, error) {
	mux := http.NewServeMux()
	a := newHuma(mux, version)
	h := &handlers{fleet: f, logger: logger, serving: serving}
	a.UseMiddleware(h.authorize(a), h.onlyJSON(a))
	h.nodes(a)
	h.jobs(a)
	h.targets(a)
	h.tokens(a)
	h.events(a)
	h.agents(a)
	if err := declared(a.OpenAPI()); err != nil {
		return nil, err
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { unrouted(mux, w, r) })
	mux.Handle("/docs/", v5emb.New("promfleet API", Prefix+"/openapi.json", "/docs/"))
	mux.Handle("/docs", http.RedirectHandler("/docs/", http.StatusFound))
	return h.recoverPanics(refuseNUL(mux)), nil
}

func newHuma(mux *http.ServeMux, version string) huma.API {
	cfg := huma.DefaultConfig("promfleet", version)
	cfg.Info.Description = "The control plane for fleets of Prometheus servers."
	cfg.OpenAPIPath = Prefix + "/openapi"
	cfg.DocsPath, cfg.SchemasPath = "", ""
	cfg.CreateHooks = nil // no $schema fields in answers
	cfg.RejectUnknownQueryParameters = true
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(b []byte, v any) error {
		if !utf8.Valid(b) { // encoding/json would replace what is not
			return errors.New("the body is not valid UTF-8")
		}
		return huma.DefaultJSONFormat.Unmarshal(b, v)
	}}
	cfg.Formats = map[string]huma.Format{"application/json": format, "json": format}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "an API token; for agents, the node's own credential"},
	}
	return humago.New(mux, cfg)
}

// declared is what makes authorization deny by default: no operation is served
// that does not say who may call it.
func declared(doc *huma.OpenAPI) error {
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Options, item.Head, item.Patch, item.Trace} {
			if op == nil {
				continue
			}
			a, _ := op.Extensions[roleExtension].(string)
			if !slices.Contains([]access{public, joining, viewer, editor, admin, agent}, access(a)) {
				return fmt.Errorf("operation %s %s does not declare who may call it", op.Method, path)
			}
		}
	}
	return nil
}

// authorize lets a request pass to its operation only with the access that it declares.
func (h *handlers) authorize(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		declared, _ := ctx.Operation().Extensions[roleExtension].(string)
		need := access(declared)
		if need == public || need == joining {
			next(ctx)
			return
		}
		token := bearer(ctx.Header("Authorization"))
		if token == "" {
			ctx.SetHeader("WWW-Authenticate", `Bearer realm="promfleet"`)
			h.fail(a, ctx, promfleet.Errorf(promfleet.Unauthorized, "this call needs a token; send it as Authorization: Bearer TOKEN"))
			return
		}
		p, err := h.fleet.Authenticate(ctx.Context(), token)
		if err != nil {
			if promfleet.ErrorCode(err) == promfleet.Unauthorized {
				ctx.SetHeader("WWW-Authenticate", `Bearer realm="promfleet", error="invalid_token"`)
			}
			h.fail(a, ctx, err)
			return
		}
		if !need.may(p.Role) {
			h.fail(a, ctx, promfleet.Errorf(promfleet.Forbidden, "this call needs the role %s; yours is %s", need, p.Role))
			return
		}
		next(huma.WithValue(ctx, principalKey, p))
	}
}

// onlyJSON refuses bodies of other types, also ones that would read as JSON: a
// page of somebody else's can send text/plain without asking.
func (h *handlers) onlyJSON(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if ctx.Operation().RequestBody != nil {
			media, _, err := mime.ParseMediaType(ctx.Header("Content-Type"))
			if err != nil || media != "application/json" && (media != mergePatch || ctx.Method() != http.MethodPatch) {
				_ = huma.WriteErr(a, ctx, http.StatusUnsupportedMediaType, "send the body as Content-Type: application/json") // fails only if the caller is gone
				return
			}
		}
		next(ctx)
	}
}

// mergePatch is the media type of RFC 7396.
const mergePatch = "application/merge-patch+json"

func (h *handlers) fail(a huma.API, ctx huma.Context, err error) {
	p := h.problem(err)
	errs := make([]error, len(p.Errors))
	for i, e := range p.Errors {
		errs[i] = &huma.ErrorDetail{Location: e.Location, Message: e.Message}
	}
	_ = huma.WriteErr(a, ctx, p.Status, p.Detail, errs...) // fails only if the caller is gone
}

func bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func principal(ctx context.Context) fleet.Principal {
	p, _ := ctx.Value(principalKey).(fleet.Principal)
	return p
}

// operation describes a call.
type operation struct {
	id, summary  string
	method, path string
	who          access
	tag          string
	status       int   // of success; 0: 200
	maxBody      int64 // bytes; 0: 1 MiB
	errors       []int // beside those that every call may answer
}

// serve registers an operation and translates what its handler returns.
func serve[I, O any](h *handlers, a huma.API, o operation, f func(context.Context, *I) (*O, error)) {
	op := huma.Operation{
		OperationID: o.id, Summary: o.summary, Method: o.method, Path: Prefix + o.path, Tags: []string{o.tag},
		DefaultStatus: o.status, MaxBodyBytes: o.maxBody, BodyReadTimeout: readTimeout,
		Extensions: map[string]any{roleExtension: string(o.who)},
		Errors:     o.errors,
	}
	if o.who != public {
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, h.status(err)
		}
		return out, nil
	})
}
