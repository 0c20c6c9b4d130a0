package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"promfleet"
	"promfleet/internal/fleet"
)

// maxTargetSet bounds the targets of a job as one body, in bytes: 200,000 and more.
const maxTargetSet = 64 << 20

// bulkTimeout is how long a call about many targets may take.
const bulkTimeout = 5 * time.Minute

// setMedia are the types that the targets of a job may have as one body, the
// default one first.
var setMedia = []string{mediaJSON, mediaNDJSON, mediaCSV}

// targetSets serves the targets of a job as a whole.
func (h *handlers) targetSets(a huma.API) {
	const tag = "targets"
	const path = "/jobs/{id}/targets"
	body := func(list *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{
			mediaJSON: {Schema: list},
			mediaNDJSON: {Schema: &huma.Schema{Type: huma.TypeString,
				Description: "one JSON object a line"}},
			mediaCSV: {Schema: &huma.Schema{Type: huma.TypeString,
				Description: "a header line, then a target a line (RFC 4180); columns addr, name, remark, tags (separated by commas) and labels.NAME for each label"}},
		}
	}
	type get struct {
		IDPath
		IfNoneMatch
		Accept string `header:"Accept" maxLength:"1000" doc:"application/json (default), application/x-ndjson or text/csv"`
	}
	serve(h, a, operation{id: "get-job-targets", summary: "Get all targets of a job, sorted by addr", method: http.MethodGet, path: path, who: viewer, tag: tag,
		errors: slices.Concat(readErrors, []int{http.StatusNotAcceptable}), timeout: bulkTimeout,
		answers: map[int]*huma.Response{http.StatusOK: {Content: body(schemaOf[[]promfleet.Target](a))}}},
		func(ctx context.Context, in *get) (*huma.StreamResponse, error) {
			media := preferred(in.Accept, setMedia)
			if media == "" {
				return nil, huma.Error406NotAcceptable("targets are given as application/json, application/x-ndjson or text/csv")
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) { h.streamTargets(ctx, a, hc, in.ID, media) }}, nil
		})

	type set struct {
		IDPath
		IfMatch
		DryRun
		stream
	}
	input := &huma.RequestBody{Required: true, Content: body(&huma.Schema{Type: huma.TypeArray, Items: schemaOf[promfleet.TargetInput](a)})}
	serveSet := func(o operation, do func(f *fleet.Service, ctx context.Context, by fleet.Principal, job int64, match fleet.Match, in fleet.GivenTargets) (promfleet.TargetSetChange, int64, error)) {
		o.path, o.who, o.tag, o.maxBody, o.timeout, o.body = path, editor, tag, maxTargetSet, bulkTimeout, input
		o.errors, o.answers = writeErrors, writes[promfleet.TargetSetChange](a, http.StatusOK)
		item := schemaOf[promfleet.TargetInput](a)
		serve(h, a, o, func(ctx context.Context, in *set) (*outcome, error) {
			given, err := readTargets(a.OpenAPI().Components.Schemas, item, in.media, in.reader(maxTargetSet))
			if err != nil {
				return nil, err
			}
			var version int64
			return write(ctx, h, in.DryRun, http.StatusOK, func(promfleet.TargetSetChange) int64 { return version },
				func(f *fleet.Service) (done promfleet.TargetSetChange, err error) {
					done, version, err = do(f, ctx, principal(ctx), in.ID, in.match(), given)
					return done, err
				})
		})
	}
	serveSet(operation{id: "put-job-targets", summary: "Make the targets of a job those given, all or nothing", method: http.MethodPut}, (*fleet.Service).ReplaceTargets)
	serveSet(operation{id: "post-job-targets", summary: "Create the targets given, or change them where addr and name are there, all or nothing; others stay", method: http.MethodPost}, (*fleet.Service).UpsertTargets)
}

// maxStreams is how many answers are sent as they are read from the database at the
// same time: each holds a snapshot of it and one of its connections.
const maxStreams = 2

// writeTimeout is how long a caller may take to read 32 KiB of such an answer.
const writeTimeout = 10 * time.Second

// stream answers with what is sent as it is read: send writes to w after it has set
// status and headers through begin. Until then an error is answered, afterwards the
// connection breaks off.
func (h *handlers) stream(ctx context.Context, a huma.API, hc huma.Context, send func(begin func(tag, media string) error, w io.Writer) error) {
	begun := false
	err := h.mayStream(ctx)
	if err == nil {
		defer func() { <-h.streams }()
		_, raw := humago.Unwrap(hc)
		w := &deadlined{w: hc.BodyWriter(), control: http.NewResponseController(raw)}
		defer w.end()
		out := bufio.NewWriterSize(w, 32<<10)
		err = send(func(tag, media string) error {
			hc.SetHeader("ETag", tag)
			hc.SetHeader("Vary", "Accept")
			if matches(hc.Header("If-None-Match"), tag) {
				return errNotModified
			}
			hc.SetHeader("Content-Type", media)
			hc.SetStatus(http.StatusOK)
			begun = true
			return nil
		}, out)
		if err == nil {
			err = out.Flush()
		}
	}
	switch {
	case err == nil:
	case begun:
		h.logger.Warn("answer broken off", "path", hc.URL().Path, "err", err)
		panic(http.ErrAbortHandler)
	case errors.Is(err, errNotModified):
		hc.SetStatus(http.StatusNotModified)
	default:
		h.fail(a, hc, err)
	}
}

func (h *handlers) mayStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	select {
	case h.streams <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &promfleet.Error{Code: promfleet.Unavailable, Message: "too many are reading whole sets of targets at this moment; try again in 10s", RetryAfter: 10 * time.Second}
	}
}

// errNotModified ends a stream that the caller has already.
var errNotModified = errors.New("not modified")

// deadlined gives every write to a caller a time limit: one that does not read must
// not hold the database.
type deadlined struct {
	w       io.Writer
	control *http.ResponseController
}

func (d *deadlined) Write(p []byte) (int, error) {
	if err := d.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return d.w.Write(p)
}

// end takes the limit away: the connection may serve other requests.
func (d *deadlined) end() { _ = d.control.SetWriteDeadline(time.Time{}) }

// streamTargets answers with the targets of a job.
func (h *handlers) streamTargets(ctx context.Context, a huma.API, hc huma.Context, job int64, media string) {
	h.stream(ctx, a, hc, func(begin func(tag, media string) error, w io.Writer) error {
		var out targetWriter
		err := h.fleet.JobTargets(ctx, job, func(set fleet.TargetSet) (err error) {
			if err := begin(setTag(set.Version, media), media); err != nil {
				return err
			}
			var labels []string
			if media == mediaCSV { // its header names them
				if labels, err = set.Labels(); err != nil {
					return err
				}
			}
			out = newTargetWriter(w, media, labels)
			return out.begin()
		}, func(t promfleet.Target) error { return out.write(t) })
		if err != nil {
			return err
		}
		return out.end()
	})
}

// setTag is the ETag of a set in one of its formats. What is behind the - means
// nothing to If-Match.
func setTag(version int64, media string) string {
	suffix := map[string]string{mediaNDJSON: "-ndjson", mediaCSV: "-csv"}[media]
	return fmt.Sprintf(`"%d%s"`, version, suffix)
}

// sd serves targets to Prometheus, vmagent and collectors that have no agent.
func (h *handlers) sd(a huma.API) {
	type group struct {
		Targets []string          `json:"targets" nullable:"false"`
		Labels  map[string]string `json:"labels,omitempty"`
	}
	type get struct {
		Node string `path:"node" format:"uuid" doc:"uuid of the node"`
		Job  string `path:"job" maxLength:"128" doc:"key of the job"`
		IfNoneMatch
	}
	serve(h, a, operation{id: "http-sd", summary: "The targets of a job as Prometheus HTTP SD", method: http.MethodGet, path: "/sd/{node}/{job}", who: sd, tag: "http-sd",
		errors: readErrors, timeout: bulkTimeout, answers: map[int]*huma.Response{http.StatusOK: answerOf(schemaOf[[]group](a))}},
		func(ctx context.Context, in *get) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				h.stream(ctx, a, hc, func(begin func(tag, media string) error, w io.Writer) error {
					separator := "["
					err := h.fleet.SD(ctx, lower(in.Node), in.Job, func(version string) error {
						return begin(`"`+version+`"`, mediaJSON)
					}, func(groups []byte) error {
						_, err := fmt.Fprintf(w, "%s%s", separator, groups)
						separator = ","
						return err
					})
					if err != nil {
						return err
					}
					if separator == "[" {
						_, err = io.WriteString(w, "[")
					}
					if err == nil {
						_, err = io.WriteString(w, "]\n")
					}
					return err
				})
			}}, nil
		})
}
