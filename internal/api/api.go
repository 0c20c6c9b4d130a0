// Package api serves the HTTP API: it decodes, authenticates, authorizes, calls
// the fleet and encodes. The OpenAPI document is made of the same code. It holds
// no rule of its own but who may call what, which stands beside each operation.
package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

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
	sd             = access(promfleet.RoleSD)    // tokens for HTTP SD, and viewers, editors and admins
	self    access = "self"                      // the user whose id the path has, and admins
)

// accesses are all that an operation may declare.
var accesses = []access{public, joining, viewer, editor, admin, agent, sd, self}

// may tells whether a caller has an access. Unknown ones have none. id is what the
// path names.
func (a access) may(p fleet.Principal, id string) bool {
	r := p.Role
	switch a {
	case viewer:
		return r == promfleet.RoleViewer || r == promfleet.RoleEditor || r == promfleet.RoleAdmin
	case editor:
		return r == promfleet.RoleEditor || r == promfleet.RoleAdmin
	case admin:
		return r == promfleet.RoleAdmin
	case agent:
		return r == promfleet.RoleAgent
	case sd:
		return r == promfleet.RoleSD || viewer.may(p, id)
	case self:
		user, err := strconv.ParseInt(id, 10, 64)
		return r == promfleet.RoleAdmin || err == nil && p.User != 0 && p.User == user
	}
	return false
}

func (a access) refusal(p fleet.Principal) error {
	if a == self {
		return promfleet.Errorf(promfleet.Forbidden, "this call is for the user with this id, and for admins")
	}
	return promfleet.Errorf(promfleet.Forbidden, "this call needs the role %s; yours is %s", a, p.Role)
}

// The keys of what the API keeps about an operation and a request.
const (
	roleExtension    = "x-role"
	timeoutExtension = "x-timeout-seconds"
	principalKey     = contextKey("principal")
	requestKey       = contextKey("request")
)

type contextKey string

// Options say what the API must know of where it is served.
type Options struct {
	Version        string
	ExternalURL    *url.URL       // what browsers reach it by; nil: not known
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Logger         *slog.Logger
}

// handlers are the operations; each resource has a file.
type handlers struct {
	fleet    *fleet.Service
	logger   *slog.Logger
	serving  context.Context // ends when requests are not to be held any longer
	external *url.URL
	proxies  []netip.Prefix
	sessions scs.SessionManager
	streams  chan struct{} // see maxStreams
	watching atomic.Int64  // see maxWatches
}

// New makes the handler of everything below Prefix, and of /docs. It fails if an
// operation does not say who may call it. Requests that agents hold end with serving.
func New(serving context.Context, f *fleet.Service, o Options) (http.Handler, error) {
	mux := http.NewServeMux()
	a := newHuma(mux, o.Version)
	h := &handlers{fleet: f, logger: o.Logger, serving: serving, external: o.ExternalURL, proxies: o.TrustedProxies, sessions: newSessions(), streams: make(chan struct{}, maxStreams)}
	a.UseMiddleware(h.limitTime, h.authorize(a), h.onlyOnce(a), h.onlyJSON(a))
	h.nodes(a)
	h.jobs(a)
	h.targets(a)
	h.sd(a)
	h.tags(a)
	h.users(a)
	h.contacts(a)
	h.session(a)
	h.tokens(a)
	h.userTokens(a)
	h.events(a)
	h.fleetfiles(a)
	h.agents(a)
	h.questions(a)
	h.explain(a)
	h.health(a)
	h.host(a)
	h.watch(a)
	if err := declared(a.OpenAPI()); err != nil {
		return nil, err
	}
	sameOrigin, err := crossOriginProtection(o.ExternalURL)
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { unrouted(mux, w, r) })
	docs(mux, a.OpenAPI(), o.ExternalURL)
	return h.recoverPanics(refuseNUL(sameOrigin.Handler(h.withRequest(mux)))), nil
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
		"cookie": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "the session of a user who has logged in"},
	}
	return oneFormat{humago.New(mux, cfg)}
}

// oneFormat answers in JSON whatever an Accept header says: there is no other
// format, and huma's negotiation panics on some headers.
type oneFormat struct{ huma.API }

// Negotiate implements huma.API.
func (oneFormat) Negotiate(string) (string, error) { return mediaJSON, nil }

// Config lets huma see how the API is configured.
func (f oneFormat) Config() huma.Config { return f.API.(interface{ Config() huma.Config }).Config() }

// declared is what makes authorization deny by default: no operation is served
// that does not say who may call it.
func declared(doc *huma.OpenAPI) error {
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Options, item.Head, item.Patch, item.Trace} {
			if op == nil {
				continue
			}
			a, _ := op.Extensions[roleExtension].(string)
			if !slices.Contains(accesses, access(a)) {
				return fmt.Errorf("operation %s %s does not declare who may call it", op.Method, path)
			}
		}
	}
	return nil
}

// challenge says how to authenticate (RFC 6750, 3).
const challenge = `Bearer realm="promfleet"`

// authorize lets a request pass to its operation only with the access that it declares.
func (h *handlers) authorize(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		// Who calls may stand in a cookie, which shared caches do not look at.
		ctx.SetHeader("Cache-Control", "private, no-cache")
		declared, _ := ctx.Operation().Extensions[roleExtension].(string)
		need := access(declared)
		if need == public || need == joining {
			next(ctx)
			return
		}
		p, err := h.authenticate(ctx.Context(), ctx.Header("Authorization"))
		if err != nil {
			if promfleet.ErrorCode(err) == promfleet.Unauthorized {
				why := ""
				if ctx.Header("Authorization") != "" {
					why = `, error="invalid_token"`
				}
				ctx.SetHeader("WWW-Authenticate", challenge+why)
			}
			h.fail(a, ctx, err)
			return
		}
		if !need.may(p, ctx.Param("id")) {
			h.fail(a, ctx, need.refusal(p))
			return
		}
		next(huma.WithValue(ctx, principalKey, p))
	}
}

// authenticate tells who calls: by the Authorization header if there is one, else
// by the session that the cookie names.
func (h *handlers) authenticate(ctx context.Context, header string) (fleet.Principal, error) {
	cookie := requestOf(ctx).session
	switch token := bearer(header); {
	case token != "":
		return h.fleet.Authenticate(ctx, token)
	case !strings.HasPrefix(strings.ToLower(header), "bearer") && cookie != "": // a proxy in front may want Basic
		return h.sessionPrincipal(ctx, cookie)
	}
	return fleet.Principal{}, promfleet.Errorf(promfleet.Unauthorized, "this call needs a token or a login; send the token as Authorization: Bearer TOKEN")
}

// limitTime bounds how long a call may take; see stream for answers that are sent
// as they are read.
func (h *handlers) limitTime(ctx huma.Context, next func(huma.Context)) {
	limit, _ := ctx.Operation().Metadata[timeoutMetadata].(time.Duration)
	bounded, cancel := context.WithTimeout(ctx.Context(), cmp.Or(limit, defaultTimeout))
	defer cancel()
	next(huma.WithContext(ctx, bounded))
}

// onlyOnce refuses parameters that are given more often than they mean something:
// taking the first of two filters would widen what a write selects.
func (h *handlers) onlyOnce(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		u := ctx.URL()
		query := u.Query()
		for _, p := range ctx.Operation().Parameters {
			if p.In == "query" && p.Schema.Type != huma.TypeArray && len(query[p.Name]) > 1 {
				h.fail(a, ctx, promfleet.BadField("query."+p.Name, "is given %d times; give it once", len(query[p.Name])))
				return
			}
		}
		next(ctx)
	}
}

// onlyJSON refuses bodies of other types, also ones that would read as JSON: a
// page of somebody else's can send text/plain without asking.
func (h *handlers) onlyJSON(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if body := ctx.Operation().RequestBody; body != nil {
			if e := ctx.Header("Content-Encoding"); e != "" && e != "identity" {
				_ = huma.WriteErr(a, ctx, http.StatusUnsupportedMediaType, "send the body as it is, without Content-Encoding") // as below
				return
			}
			media, _, err := mime.ParseMediaType(ctx.Header("Content-Type"))
			_, ok := body.Content[media]
			if err != nil || !ok && (media != mediaJSON || body.Content[mergePatch] == nil) {
				takes := strings.Join(slices.Sorted(maps.Keys(body.Content)), ", ")
				_ = huma.WriteErr(a, ctx, http.StatusUnsupportedMediaType, "send the body as Content-Type: "+takes) // fails only if the caller is gone
				return
			}
		}
		next(ctx)
	}
}

// The media types of bodies. mergePatch is that of RFC 7396.
const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
	mediaCSV    = "text/csv"
	mediaYAML   = "application/yaml"
	mediaText   = "text/plain"
	mergePatch  = "application/merge-patch+json"
)

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

// defaultTimeout is how long a call may take where nothing else is said.
const defaultTimeout = 30 * time.Second

// timeoutMetadata is where an operation keeps its time limit.
const timeoutMetadata = "timeout"

// operation describes a call.
type operation struct {
	id, summary  string
	method, path string
	who          access
	tag          string
	status       int                    // of success; 0: 200
	maxBody      int64                  // bytes; 0: 1 MiB
	timeout      time.Duration          // of the whole call; 0: defaultTimeout
	errors       []int                  // beside those that every call may answer
	body         *huma.RequestBody      // where it is not the input's Body
	answers      map[int]*huma.Response // where they are not the output's Body
}

// commonErrors are those that every call may answer, bodyErrors those that every
// call with a body may.
var (
	commonErrors = []int{http.StatusBadRequest, http.StatusServiceUnavailable}
	bodyErrors   = []int{http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}
)

// serve registers an operation and translates what its handler returns.
func serve[I, O any](h *handlers, a huma.API, o operation, f func(context.Context, *I) (*O, error)) {
	timeout := cmp.Or(o.timeout, defaultTimeout)
	op := huma.Operation{
		OperationID: o.id, Summary: o.summary, Method: o.method, Path: Prefix + o.path, Tags: []string{o.tag},
		DefaultStatus: o.status, MaxBodyBytes: o.maxBody, BodyReadTimeout: readTimeout,
		Extensions: map[string]any{roleExtension: string(o.who), timeoutExtension: int(timeout.Seconds())},
		Metadata:   map[string]any{timeoutMetadata: timeout},
		Errors:     slices.Concat(o.errors, commonErrors),
		Responses:  map[string]*huma.Response{},
	}
	for status, r := range o.answers {
		op.Responses[strconv.Itoa(status)] = r
	}
	in := reflect.TypeFor[I]()
	if _, has := in.FieldByName("Body"); has || o.body != nil {
		op.Errors = append(op.Errors, bodyErrors...)
	}
	if _, has := in.FieldByName("Have"); has { // of IfNoneMatch
		op.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "The caller has it already"}
	}
	if o.who != public {
		op.Security = []map[string][]string{{"bearer": {}}}
		if o.who != agent && o.who != joining {
			op.Security = append(op.Security, map[string][]string{"cookie": {}})
		}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, h.status(err)
		}
		return out, nil
	})
	shown := documented(a, &op)
	if o.body != nil { // now: a body that is known before is read whole by huma
		shown.RequestBody = o.body
	}
	if nothing := shown.Responses[strconv.Itoa(http.StatusNoContent)]; nothing != nil {
		nothing.Content = nil
	}
}

// documented gives the operation as the document has it.
func documented(a huma.API, op *huma.Operation) *huma.Operation {
	item := a.OpenAPI().Paths[op.Path]
	return map[string]*huma.Operation{http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodPatch: item.Patch,
		http.MethodGet: item.Get, http.MethodDelete: item.Delete}[op.Method]
}
