package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"promfleet"
)

// The times of a watch.
const (
	// maxWatch is how long one is held. Browsers ask again by themselves, and whoever
	// has logged out meanwhile is refused then.
	maxWatch = 300
	// gatherChanges is how long changes are collected behind one that was told.
	gatherChanges = 250 * time.Millisecond
	// watchBeat is how often something is sent at least: proxies end silent answers.
	watchBeat = 15 * time.Second
	// maxWatches bounds how many are held at a time: each costs a connection.
	maxWatches = 1000
)

type watchBounds struct{}

func (watchBounds) bounds() (standard, most int) { return maxWatch, maxWatch }

const mediaEvents = "text/event-stream"

// noCompression keeps the server's compression from an answer; it is not sent.
const noCompression = "No-Gzip-Compression"

func (h *handlers) watch(a huma.API) {
	type watch struct {
		Wait wait[watchBounds] `query:"wait" doc:"how long to watch, in seconds"`
	}
	schema := schemaOf[promfleet.NodesChanged](a)
	serve(h, a, operation{id: "watch-nodes", method: http.MethodGet, path: "/watch", who: viewer, tag: "nodes", timeout: maxWatch*time.Second + defaultTimeout,
		summary: "Watch the fleet: server-sent events that say which nodes there is something new of, and none of it",
		errors:  []int{http.StatusTooManyRequests},
		answers: map[int]*huma.Response{http.StatusOK: {
			Description: "Events without a name, whose data are NodesChanged as JSON; comments in between. The first comes at once, with more set: look at everything now.",
			Content:     map[string]*huma.MediaType{mediaEvents: {Schema: &huma.Schema{Type: huma.TypeString}, Extensions: map[string]any{"x-event-data": schema.Ref}}}}}},
		func(ctx context.Context, in *watch) (*huma.StreamResponse, error) {
			if n := h.watching.Add(1); n > maxWatches {
				h.watching.Add(-1)
				return nil, &promfleet.Error{Code: promfleet.TooMany, Message: "too many are watching the fleet at this moment; try again in 30s", RetryAfter: 30 * time.Second}
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				defer h.watching.Add(-1)
				h.sendChanges(ctx, hc, in.Wait.duration())
			}}, nil
		})
}

// sendChanges sends what changes until the caller is gone, or the time is over.
func (h *handlers) sendChanges(ctx context.Context, hc huma.Context, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(h.serving, cancel)()
	woken, take, end := h.fleet.Changes()
	defer end()
	hc.SetHeader("Content-Type", mediaEvents)
	hc.SetHeader("X-Accel-Buffering", "no") // nginx would gather events
	hc.SetHeader(noCompression, "1")
	hc.SetStatus(http.StatusOK)
	_, raw := humago.Unwrap(hc)
	w := &eventWriter{w: hc.BodyWriter(), control: http.NewResponseController(raw)}
	w.send("retry: 1000\n")
	w.event(promfleet.NodesChanged{Nodes: []string{}, More: true})
	beat := time.NewTicker(watchBeat)
	defer beat.Stop()
	for w.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			w.send(":\n\n")
		case <-woken:
			if nodes, more := take(); len(nodes) > 0 || more {
				w.event(promfleet.NodesChanged{Nodes: nodes, More: more})
			}
			pause(ctx, gatherChanges)
		}
	}
}

// eventWriter sends server-sent events, each at once, and keeps its first error.
type eventWriter struct {
	w       interface{ Write([]byte) (int, error) }
	control *http.ResponseController
	err     error
}

func (w *eventWriter) event(c promfleet.NodesChanged) {
	if c.Nodes == nil {
		c.Nodes = []string{}
	}
	data, err := json.Marshal(c)
	if err != nil {
		w.err = err
		return
	}
	w.send(fmt.Sprintf("data: %s\n\n", data))
}

func (w *eventWriter) send(text string) {
	if w.err != nil {
		return
	}
	// A caller that does not read must not be waited for.
	if w.err = w.control.SetWriteDeadline(time.Now().Add(writeTimeout)); w.err != nil {
		return
	}
	if _, w.err = w.w.Write([]byte(text)); w.err == nil {
		w.err = w.control.Flush()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
