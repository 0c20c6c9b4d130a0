package agent

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"promfleet"
)

var numberRE = regexp.MustCompile(`:\d+`)

// hostileServer answers an agent's calls with what is bad, until it is told to be
// good.
type hostileServer struct {
	url    string
	victim string // a server that nobody may be sent to
	good   http.Handler

	mu       sync.Mutex
	rng      *rand.Rand
	rough    int // of a hundred replies, how many are bad as HTTP or JSON and not only in what they say
	slow     bool
	honest   bool
	node     string
	canary   string
	revision int64
	bodies   map[promfleet.Hash]string // of the manifest said last
	replies  int                       // hostile ones
	kinds    map[string]int
}

func newHostileServer(t *testing.T, seed uint64, rough int, canary string) *hostileServer {
	h := &hostileServer{rng: rand.New(rand.NewPCG(seed, 1)), rough: rough, canary: canary, revision: 10, kinds: map[string]int{}}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	h.url = s.URL
	return h
}

// reply decides what is answered, under the lock, and gives what answers it.
func (h *hostileServer) reply(call string, r *http.Request) (kind string, answer http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.honest {
		return "", h.good.ServeHTTP
	}
	if h.rng.IntN(100) < h.rough {
		h.replies++
		if h.rng.IntN(2) == 0 {
			return h.transport(call, r)
		}
		body, _ := h.body(call, r)
		return "damaged JSON", sendJSON(damage(h.rng, body))
	}
	body, hostile := h.body(call, r)
	if hostile != "" {
		h.replies++
	}
	return hostile, sendJSON(body)
}

// body is well-formed JSON of the kind that the call wants; hostile says what is
// bad about it.
func (h *hostileServer) body(call string, r *http.Request) (body []byte, hostile string) {
	switch call {
	case "watch":
		d := newDraft(h.rng, h.canary)
		hostile = "good"
		if h.rng.IntN(20) > 0 {
			hostile = d.spoil()
		}
		for h.rng.IntN(3) == 0 {
			hostile = d.spoil()
		}
		h.revision++
		m := d.manifest(h.node, h.revision)
		h.bodies = d.bodies
		reply := promfleet.WatchReply{Manifest: m}
		if h.rng.IntN(3) == 0 {
			for hash, body := range d.bodies {
				if len(body) < 10_000 && h.rng.IntN(2) == 0 {
					reply.Bodies = append(reply.Bodies, promfleet.PartBody{Hash: hash, Body: body})
				}
			}
		}
		body, _ = json.Marshal(reply)
		return body, "manifest: " + hostile
	case "fetch":
		var ask promfleet.FetchRequest
		_ = json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&ask)
		var reply promfleet.FetchReply
		for _, p := range ask.Parts {
			reply.Bodies = append(reply.Bodies, promfleet.PartBody{Hash: p.Hash, Body: h.bodies[p.Hash]})
		}
		if n := len(reply.Bodies); n > 0 && h.rng.IntN(4) == 0 {
			hostile = "fetch: other bodies"
			b := &reply.Bodies[h.rng.IntN(n)]
			switch h.rng.IntN(4) {
			case 0:
				b.Body += "x"
			case 1:
				b.Hash = promfleet.HashOf([]byte("x"))
			case 2:
				reply.Bodies = append(reply.Bodies, reply.Bodies...)
			case 3:
				reply.Bodies = nil
			}
		}
		body, _ = json.Marshal(reply)
		return body, hostile
	case "register":
		answer := promfleet.Registered{Protocol: pick(h.rng, []int{1, 1, 1, 0, 99, -1}), Credential: pick(h.rng, []string{"stolen", "../x", "a\nb", "\x00", strings.Repeat("c", 5000)})}
		body, _ = json.Marshal(answer)
		return body, "register"
	default:
		return []byte(`{}`), "report"
	}
}

func (h *hostileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := strings.TrimPrefix(r.URL.Path, "/api/v1/agent/")
	kind, answer := h.reply(call, r)
	if kind != "" {
		h.mu.Lock()
		h.kinds[kind]++
		h.mu.Unlock()
	}
	defer func() { _ = recover() }() // a handler that was cut short
	answer(w, r)
}

func sendJSON(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}
}

// raw sends bytes as they are and closes the connection, at once or by a reset.
func raw(reset bool, parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, p := range parts {
			if _, err := io.WriteString(conn, p); err != nil {
				return
			}
		}
		if tcp, ok := conn.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0)
		}
	}
}

// forever writes until nobody reads.
func forever(before, again string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, before)
		chunk := strings.Repeat(again, 1+(64<<10)/len(again))
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}
}

// gzipBomb is 256 MiB of spaces in 256 KiB.
var gzipBomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range 256 {
		_, _ = z.Write(spaces)
	}
	_ = z.Close()
	return b.Bytes()
})

// transport is an answer that is bad as HTTP.
func (h *hostileServer) transport(call string, r *http.Request) (string, http.HandlerFunc) {
	good, _ := h.body(call, r)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(code)
			if code != http.StatusNoContent && code != http.StatusNotModified {
				_, _ = w.Write([]byte(`{"title":"` + strings.Repeat("x", 100_000) + `","detail":"\u001b[2J","errors":[{"location":"x","message":"y"}]}`))
			}
		}
	}
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	kinds := []struct {
		name string
		do   http.HandlerFunc
	}{
		{"endless", forever("", " ")},
		{"endless string", forever(`{"bodies":[{"body":"`, "a")},
		{"endless list", forever(`{"manifest":{"parts":[`, `{"hash":"0000000000000000000000000000000000000000000000000000000000000000"},`)},
		{"endless nesting", forever(`{"x":`, "[")},
		{"endless keys", forever(`{`, `"x":1,`)},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipBomb())
		}},
		{"no gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(good)
		}},
		{"type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write(good)
		}},
		{"status", status(pick(h.rng, []int{204, 205, 206, 299, 300, 304, 400, 402, 403, 404, 409, 410, 418, 422, 429, 451, 500, 502, 503, 504, 599, 999}))},
		{"unauthorized", status(http.StatusUnauthorized)},
		{"redirect elsewhere", http.RedirectHandler(h.victim+"/-/quit", pick(h.rng, []int{301, 302, 303, 307, 308})).ServeHTTP},
		{"redirect in circles", http.RedirectHandler(r.URL.Path, pick(h.rng, []int{301, 302, 307, 308})).ServeHTTP},
		{"redirect to a file", http.RedirectHandler("file:///etc/passwd", http.StatusFound).ServeHTTP},
		{"large header", raw(false, ok, "X: "+strings.Repeat("x", 8<<20)+"\r\n\r\n{}")},
		{"many headers", raw(false, ok, strings.Repeat("X-A: b\r\n", 500_000), "\r\n{}")},
		{"1xx", raw(false, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 100_000), ok, "Content-Length: 2\r\n\r\n{}")},
		{"gigantic length", raw(false, ok, "Content-Length: 9223372036854775807\r\n\r\n{")},
		{"bad length", raw(false, ok, "Content-Length: -1\r\n\r\n{}")},
		{"two lengths", raw(false, ok, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x")},
		{"bad chunk", raw(false, ok, "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}")},
		{"no HTTP", raw(false, "SSH-2.0-OpenSSH_9.9\r\n", strings.Repeat("\x00", 1<<16))},
		{"reset", raw(true)},
		{"reset amid", raw(true, ok, "Content-Length: 1000000\r\n\r\n", string(good))},
		{"cut short", raw(false, ok, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(good)+1), string(good))},
	}
	if h.slow && h.rng.IntN(100) == 0 {
		return "slow", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done() // as slow as can be
		}
	}
	k := pick(h.rng, kinds)
	return "HTTP: " + k.name, k.do
}

func (h *hostileServer) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.replies
}

// reform makes the server good, with a plane that knows later revisions than any
// that was said.
func (h *hostileServer) reform(c *controlPlane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.manifest.Node, c.manifest.Revision = h.node, h.revision+1
	h.good, h.honest = c, true
}
