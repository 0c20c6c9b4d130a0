package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

const (
	// leastInterval is how often a watch looks at the most.
	leastInterval = 100 * time.Millisecond
	// watchTimeout is how long one look may take.
	watchTimeout = 30 * time.Second
	// lookAnyway is how often a watch looks at the records though no event says that
	// one has changed.
	lookAnyway = time.Minute
)

// watching is what --watch asks for.
type watching struct {
	on    bool
	every time.Duration
}

func watchFlags(cmd *kingpin.CmdClause, w *watching) {
	cmd.Flag("watch", "Go on, and write each record that is new or has changed, until it is interrupted.").Short('w').BoolVar(&w.on)
	cmd.Flag("watch-interval", "How often --watch looks.").Default("5s").DurationVar(&w.every)
}

// listing is a list command, once it is known how to get the page.
type listing[T any] struct {
	c    *command
	out  *output
	t    table[T]
	l    *list
	page func(context.Context) (*promfleet.Page[T], error)
	// changes tells what is another text whenever a record may have changed; nil:
	// nothing cheaper than the page itself does.
	changes func(context.Context) (string, error)
}

// run writes the page, and with --watch what becomes of it.
func (g listing[T]) run() error {
	if !g.l.watch.on {
		page, err := g.page(g.c.ctx)
		if err != nil {
			return err
		}
		return printPage(g.c, g.out, g.t, page)
	}
	if g.l.watch.every < leastInterval {
		return errorf("--watch-interval %s is too short; hint: %s at the least", g.l.watch.every, leastInterval)
	}
	w := watch[T]{listing: g, grid: g.t.grid(g.out), seen: map[string]string{}}
	err := w.run()
	if g.c.ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil // that is how a watch ends
	}
	return err
}

// byEvents are the newest events, by id: all that writes adds to them. It is some,
// since two writes at the same time may become visible in either order.
func byEvents(cl *client.Client) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		page, err := cl.Events().List(ctx, url.Values{"limit": {"10"}})
		if err != nil {
			return "", err
		}
		var s strings.Builder
		for _, e := range page.Items {
			fmt.Fprintf(&s, "%d ", e.ID)
		}
		return s.String(), nil
	}
}

// watch writes records as they change.
type watch[T any] struct {
	listing[T]
	grid   grid
	seen   map[string]string // records by what names them
	mark   string            // what changes told before the last look
	looked time.Time
	away   bool // the server did not answer the last time
}

func (w *watch[T]) run() error {
	if err := w.look(true); err != nil {
		return err
	}
	pause := w.l.watch.every
	for {
		select {
		case <-w.c.ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = w.l.watch.every
		err := w.look(false)
		if err != nil {
			var e *promfleet.Error
			if !errors.As(err, &e) || w.c.ctx.Err() != nil || !passing(e.Code) {
				return err
			}
			pause = max(pause, e.RetryAfter)
			if !w.away {
				w.c.say("%s; still trying", oneLine(err.Error()))
			}
		} else if w.away {
			w.c.say("the server answers again")
		}
		w.away = err != nil
	}
}

// passing tells whether an error may be over the next time.
func passing(code promfleet.Code) bool {
	return code == promfleet.Unavailable || code == promfleet.TooMany || code == promfleet.Internal
}

// look writes what is not as it was at the last look.
func (w *watch[T]) look(first bool) error {
	ctx, cancel := context.WithTimeout(w.c.ctx, watchTimeout)
	defer cancel()
	mark := ""
	if w.changes != nil {
		var err error
		if mark, err = w.changes(ctx); err != nil {
			return err
		}
		if !first && mark == w.mark && time.Since(w.looked) < lookAnyway {
			return nil
		}
	}
	page, err := w.page(ctx)
	if err != nil {
		return err
	}
	w.mark, w.looked = mark, time.Now()
	changed, gone, err := w.compare(page.Items)
	if err != nil {
		return err
	}
	for _, name := range gone {
		w.c.say("%s is not in the list any more", plain(name))
	}
	return w.write(changed, first)
}

// heartbeat is what changes all the time, and says no more than that it does.
var heartbeat = regexp.MustCompile(`"last_(seen|used)_at":"[^"]*",?`)

func (w *watch[T]) compare(items []T) (changed []T, gone []string, err error) {
	now := make(map[string]string, len(items))
	for _, item := range items {
		b, err := json.Marshal(item)
		if err != nil {
			return nil, nil, err
		}
		name, text := w.t.row(item)[0], heartbeat.ReplaceAllString(string(b), "")
		if was, ok := w.seen[name]; !ok || was != text {
			changed = append(changed, item)
		}
		now[name] = text
	}
	for _, name := range slices.Sorted(maps.Keys(w.seen)) {
		if _, ok := now[name]; !ok {
			gone = append(gone, name)
		}
	}
	w.seen = now
	return changed, gone, nil
}

// write writes records, a line each; as YAML, a document each.
func (w *watch[T]) write(items []T, first bool) error {
	if w.out.format == "table" {
		rows := w.t.rows(w.out, items)
		if first {
			rows = append([][]string{w.t.head(w.out)}, rows...)
		}
		return w.grid.write(w.out.to, rows)
	}
	for _, item := range items {
		if err := w.out.encodeNext(item); err != nil {
			return err
		}
	}
	return nil
}

// encodeNext writes one of many: a line of JSON, or a document of YAML.
func (o *output) encodeNext(v any) error {
	if o.format == "yaml" {
		if _, err := fmt.Fprintln(o.to, "---"); err != nil {
			return err
		}
		return o.encode(v)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := b.WriteTo(o.to)
	return err
}
