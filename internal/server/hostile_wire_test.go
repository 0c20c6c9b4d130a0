package server_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire is a connection that sends what it is given, valid HTTP or not.
type wire struct {
	address string
	conn    *net.TCPConn
	reader  *bufio.Reader
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close() // nobody waits for anything on it
		w.conn = nil
	}
}

// errUnanswered is that of a connection on which no answer began.
var errUnanswered = errors.New("no answer began")

// do makes a call, and again where a connection that was kept had ended in the
// meantime, as HTTP clients do.
func (w *wire) do(c *hostileCall) (answer, error) {
	kept := w.conn != nil
	a, err := w.try(c)
	if kept && errors.Is(err, errUnanswered) {
		return w.try(c)
	}
	return a, err
}

func (w *wire) try(c *hostileCall) (a answer, err error) {
	if w.conn == nil {
		conn, err := net.Dial("tcp", w.address)
		if err != nil {
			return a, err
		}
		w.conn, w.reader = conn.(*net.TCPConn), bufio.NewReader(conn)
	}
	patience := 20 * time.Second
	if c.holds() {
		patience = 300 * time.Millisecond
	}
	conn, keep := w.conn, false
	request, sent := c.bytes(), make(chan struct{})
	go func() { // beside reading: a server may answer before it has read everything
		defer close(sent)
		if c.hangUp > 0 {
			_, _ = conn.Write(request[:min(len(request), c.hangUp)]) // it leaves in any case
			_ = conn.Close()
			return
		}
		if _, err := conn.Write(request); err == nil && c.short() {
			_ = conn.CloseWrite() // what is missing will not come
		}
	}()
	defer func() {
		if !keep {
			w.close()
		}
		<-sent
	}()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	if _, err := w.reader.Peek(1); err != nil {
		return a, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	for a.status < 200 { // 100 Continue and the like come before
		resp, err := http.ReadResponse(w.reader, &http.Request{Method: c.method})
		if err != nil {
			return a, err
		}
		a = answer{status: resp.StatusCode, header: resp.Header, cookies: resp.Cookies(), last: resp.Close}
		a.body, err = io.ReadAll(resp.Body)
		if err := cmp.Or(err, resp.Body.Close()); err != nil {
			return a, err
		}
	}
	keep = !c.broken && c.hangUp == 0 && !a.last && c.method != http.MethodConnect
	return a, nil
}

type answer struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    []byte
	last    bool // on its connection
}

// tally is what came of the calls.
type tally struct {
	mu         sync.Mutex
	operations map[string]map[string]int // operation, class of the answer
	failures   map[string]*failure
}

type failure struct {
	count int
	first string
}

func (y *tally) note(op *apiOperation, class string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.operations[op.String()] == nil {
		y.operations[op.String()] = map[string]int{}
	}
	y.operations[op.String()][class]++
}

// succeeded tells how often an operation has.
func (y *tally) succeeded(op *apiOperation) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.operations[op.String()]["2xx"]
}

var varying = regexp.MustCompile(`"[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{4,}\b|\{.*`)

func (y *tally) fail(c *hostileCall, op *apiOperation, err error) {
	of := "no operation"
	if op != nil {
		of = op.String()
	}
	y.add(of+" "+varying.ReplaceAllString(err.Error(), "…"), fmt.Sprintf("%s %v\nspoilt: %v\n%.1500q", of, err, c.spoilt, c.bytes()))
}

func (y *tally) add(kind, example string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.failures[kind] == nil {
		y.failures[kind] = &failure{first: example}
	}
	y.failures[kind].count++
}

// report shows the figures, and fails where they are not what they should be.
func (y *tally) report(t *testing.T, operations []*apiOperation, calls int) {
	total := map[string]int{}
	var table strings.Builder
	for _, op := range operations {
		classes := y.operations[op.String()]
		fmt.Fprintf(&table, "\n  %-50s", op)
		for _, class := range slices.Sorted(maps.Keys(classes)) {
			total[class] += classes[class]
			fmt.Fprintf(&table, " %s %d", class, classes[class])
		}
		if calls >= hostileCalls && classes["2xx"] == 0 && unreached[op.String()] == "" {
			t.Errorf("%s never succeeded", op)
		}
	}
	t.Logf("FIGURE answers by class, http being those of net/http to what is not HTTP: %v%s", total, &table)
	if sum := total["2xx"]; sum*5 < calls {
		t.Errorf("only %d of %d calls were answered 2xx", sum, calls)
	}
	for _, kind := range slices.Sorted(maps.Keys(y.failures)) {
		t.Errorf("%d times, first: %s", y.failures[kind].count, y.failures[kind].first)
	}
}

// Enabled implements slog.Handler.
func (h *hostile) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler: an error in the log is a failure, and so is a
// panic at any level.
func (h *hostile) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s", a)
		return true
	})
	if line := b.String(); r.Level >= slog.LevelError || strings.Contains(line, "panic") {
		h.add("log "+varying.ReplaceAllString(line, "…"), "the log says: "+line)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h *hostile) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h *hostile) WithGroup(string) slog.Handler { return h }

// settled gives the heap in use after a collection.
func settled() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// sampleHeap measures the largest heap until it is stopped.
func sampleHeap() (peak *atomic.Uint64, stop func() (over string)) {
	peak = new(atomic.Uint64)
	done, ended := make(chan struct{}), make(chan struct{})
	var busy strings.Builder
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapAlloc))
				if m.HeapAlloc > heapPeak && busy.Len() == 0 {
					_ = pprof.Lookup("goroutine").WriteTo(&busy, 1)
				}
			}
		}
	}()
	return peak, func() string { close(done); <-ended; return busy.String() }
}

// await polls until a condition holds, for ten seconds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
		if time.Now().After(end) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}
