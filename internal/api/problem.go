package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

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

	header http.Header
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

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// huma takes its error type from package variables; it is set before any API is made.
func init() {
	huma.ValidateStrictCasing = true // encoding/json would take a name in other letters for the same
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		var limit int64
		switch n, _ := fmt.Sscanf(detail, "request body is too large limit=%d", &limit); {
		case n == 1:
			detail = fmt.Sprintf("the body is larger than %d bytes, which is the most that this call takes; send less at a time", limit)
		case detail == "cannot read request body": // it broke off, or says another length than it has
			status, detail, errs = http.StatusBadRequest, "the body ended before its end; send it again", nil
		}
		p := &Problem{Title: http.StatusText(status), Status: status, Detail: shown(detail, maxDetail)}
		for _, err := range errs[:min(len(errs), maxFields)] {
			if err == nil {
				continue
			}
			f := ProblemField{Message: err.Error()}
			if d, ok := err.(huma.ErrorDetailer); ok {
				f = ProblemField{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
			}
			p.Errors = append(p.Errors, f.shown())
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
	case promfleet.TooMany:
		return http.StatusTooManyRequests
	case promfleet.Unsupported:
		return http.StatusUnsupportedMediaType
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
	p := &Problem{Status: statusOf(e.Code), Detail: shown(e.Message, maxDetail)}
	if e.RetryAfter > 0 {
		p.GetHeaders().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	p.Title = http.StatusText(p.Status)
	for _, f := range e.Fields[:min(len(e.Fields), maxFields)] {
		p.Errors = append(p.Errors, ProblemField{Location: f.Location, Message: f.Message}.shown())
	}
	return p
}

// The bounds of what a problem tells: fields, and bytes of each text.
const (
	maxFields   = 101 // fleet's 100 and its "and so on"
	maxDetail   = 2000
	maxLocation = 300
)

// shown gives a text on one line and within bounds: input may be part of it.
func shown(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// shown gives a field that can be told: without the words of Go's decoder, which
// echo the value.
func (f ProblemField) shown() ProblemField {
	if strings.Contains(f.Message, "unmarshal") || strings.Contains(f.Message, "UnmarshalJSON") {
		f.Message = "is of another type, or out of range"
	}
	return ProblemField{Location: shown(f.Location, maxLocation), Message: shown(f.Message, maxDetail)}
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
	maps.Copy(w.Header(), p.GetHeaders())
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

// refuseNUL answers a query that cannot be read, and a path or query with a NUL character, which no record holds and no
// database takes in a text.
func refuseNUL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.ContainsRune(r.URL.Path, 0) {
			writeProblem(w, &Problem{Status: http.StatusBadRequest, Detail: "the path has a NUL character; take it out"})
			return
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // what cannot be read would be passed over, and a filter be lost
			writeProblem(w, &Problem{Status: http.StatusBadRequest, Detail: "the query cannot be read; escape % as %25 and ; as %3B"})
			return
		}
		for _, values := range query {
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
