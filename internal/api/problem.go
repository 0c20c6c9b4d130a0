package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"promfleet"
)

// readTimeout is how long a body may take to arrive.
const readTimeout = time.Minute

// Problem is an error as RFC 9457 has it. Unlike huma's own it never echoes a
// value: what was rejected may be a secret.
type Problem struct {
	Title  string         `json:"title" doc:"the kind of problem" example:"Unprocessable Entity"`
	Status int            `json:"status" example:"422"`
	Detail string         `json:"detail" doc:"what was wrong, and what to do"`
	Errors []ProblemField `json:"errors,omitempty" doc:"each bad field"`
}

// ProblemField says what is wrong with one field.
type ProblemField struct {
	Location string `json:"location" example:"body.scrape_config.scrape_interval"`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// huma takes its error type from package variables; it is set before any API is made.
func init() {
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		p := &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
		for _, err := range errs {
			if err == nil {
				continue
			}
			f := ProblemField{Message: err.Error()}
			if d, ok := err.(huma.ErrorDetailer); ok {
				f = ProblemField{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
			}
			p.Errors = append(p.Errors, f)
		}
		return p
	}
	huma.NewErrorWithContext = func(_ huma.Context, status int, detail string, errs ...error) huma.StatusError {
		return huma.NewError(status, detail, errs...)
	}
}

// statusOf is the one place that makes an HTTP status of a code.
func statusOf(c promfleet.Code) int {
	switch c {
	case promfleet.Invalid:
		return http.StatusUnprocessableEntity
	case promfleet.Unauthorized:
		return http.StatusUnauthorized
	case promfleet.Forbidden:
		return http.StatusForbidden
	case promfleet.NotFound:
		return http.StatusNotFound
	case promfleet.Conflict:
		return http.StatusConflict
	case promfleet.Stale:
		return http.StatusPreconditionFailed
	case promfleet.Gone:
		return http.StatusGone
	case promfleet.TooLarge:
		return http.StatusRequestEntityTooLarge
	case promfleet.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// problem makes a Problem of an error. What users cannot help is logged, and
// none of it reaches them.
func (h *handlers) problem(err error) *Problem {
	var e *promfleet.Error
	if !errors.As(err, &e) || e.Code == promfleet.Internal {
		h.logger.Error("request failed", "err", err)
		e = promfleet.Errorf(promfleet.Internal, "the server failed; its log says why")
	} else if e.Code == promfleet.Unavailable {
		h.logger.Warn("request not served", "err", cmp.Or(e.Err, err))
	}
	p := &Problem{Status: statusOf(e.Code), Detail: e.Message}
	p.Title = http.StatusText(p.Status)
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Location: f.Location, Message: f.Message})
	}
	return p
}

// status passes on what is a status already and makes a Problem of the rest.
func (h *handlers) status(err error) error {
	var s huma.StatusError
	if errors.As(err, &s) {
		return err
	}
	return h.problem(err)
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // fails only if the caller is gone
}

// unrouted answers what no operation does: 405 with Allow if the path is known.
func unrouted(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = m
		if _, pattern := mux.Handler(probe); pattern != "" && pattern != "/api/" {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) > 0 && !slices.Contains(allowed, r.Method) {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, &Problem{Status: http.StatusMethodNotAllowed, Detail: "this path takes " + strings.Join(allowed, ", ")})
		return
	}
	writeProblem(w, &Problem{Status: http.StatusNotFound, Detail: "there is no such path; " + Prefix + "/openapi.json lists them"})
}

// recoverPanics turns a defect of ours into one failed request.
func (h *handlers) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
					panic(v)
				}
				h.logger.Error("panic", "method", r.Method, "path", r.URL.Path, "panic", v)
				writeProblem(w, &Problem{Status: http.StatusInternalServerError, Detail: "the server failed; its log says why"})
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// refuseNUL answers a query with a NUL character, which no record holds and no
// database takes in a text.
func refuseNUL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, values := range r.URL.Query() {
			for _, v := range values {
				if strings.ContainsRune(v, 0) {
					writeProblem(w, &Problem{Status: http.StatusBadRequest, Detail: "the query has a NUL character; take it out"})
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
