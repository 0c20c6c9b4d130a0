package server_test

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/server"
)

const (
	hostileCalls   = 10_000
	hostileCallers = 4
	tendEvery      = 150 // calls

	// waitParameter is the name of the query parameter that holds a call.
	waitParameter = "wait"

	heapGrowth = 64 << 20  // that may be left at the end, in bytes
	heapPeak   = 512 << 20 // callers included: they are in this process
)

// unreached are the operations that no call of the walk needs to succeed with,
// each with the reason.
var unreached = map[string]string{
	"POST /api/v1/agent/questions/{id}/answer": "a question is open only while somebody waits for its answer: TestQuestions",
}

// Calls over the whole document, some valid and most spoilt, by several callers
// at once: no answer is a failure of the server, every answer is as the document
// says, and the server is what it was. PROMFLEET_SEED repeats a walk (what the
// callers find there depends on their timing, too), PROMFLEET_CALLS makes it longer.
func TestHostileCalls(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { hostileWalk(t, server.Options{StoragePath: t.TempDir()}, hostileCalls) })
	t.Run("postgres", func(t *testing.T) { // what a text or a number does to the other database
		url := pgtest.Start(t).Database(t)
		hostileWalk(t, server.Options{StoragePath: t.TempDir(), StorageURL: url}, hostileCalls/5)
	})
}

func hostileWalk(t *testing.T, o server.Options, calls int) {
	seed := rand.Uint64()
	if v := os.Getenv("PROMFLEET_SEED"); v != "" {
		seed = must(strconv.ParseUint(v, 10, 64))
	}
	if raced { // make test walks once more without the race detector
		calls /= 5
	}
	if v := os.Getenv("PROMFLEET_CALLS"); v != "" {
		calls = must(strconv.Atoi(v))
	}
	t.Logf("PROMFLEET_SEED=%d", seed)

	h := &hostile{tally: tally{operations: map[string]map[string]int{}, failures: map[string]*failure{}}}
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} // so that callers come from many addresses
	h.started = startLogging(t, o, slog.New(h))
	document, err := readDocument(http.DefaultClient, h.url)
	if err != nil {
		t.Fatal(err)
	}
	h.world = &world{document: document, records: map[string]records{}, words: map[string][]any{}, bodies: map[string][]sent{}, secrets: map[string][]string{"admin": {h.token}}}
	operations := document.operations()
	h.tend(gen{rand.New(rand.NewPCG(seed, 0)), h.world, ""})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	heap, goroutines := settled(), runtime.NumGoroutine()

	began := time.Now()
	peak, stopSampling := sampleHeap()
	var made atomic.Int64
	var callers sync.WaitGroup
	for i := range hostileCallers {
		g := gen{rand.New(rand.NewPCG(seed, uint64(i+1))), h.world, ""}
		w := &wire{address: strings.TrimPrefix(h.url, "http://")}
		callers.Go(func() {
			defer w.close()
			for n := made.Add(1); n <= int64(calls); n = made.Add(1) {
				op := pick(g, operations)
				if other := pick(g, operations); g.chance(50) && h.succeeded(other) < h.succeeded(op) {
					op = other
				}
				if op.method == http.MethodDelete && g.chance(60) {
					op = pick(g, operations) // or little would be left
				}
				c := g.build(op)
				for range max(0, g.IntN(6)-2) { // 0 in half of the cases, up to 3
					g.spoil(c)
				}
				h.gardening.RLock()
				status := h.call(w, c, h.note)
				h.gardening.RUnlock()
				if n%tendEvery == 0 || status == http.StatusUnauthorized && len(c.spoilt) == 0 {
					h.tend(g)
				}
			}
		})
	}
	callers.Wait()
	overAt := stopSampling()
	t.Logf("FIGURE %d hostile calls in %s, %d callers; heap %d MiB before, %d MiB at most", calls, time.Since(began).Round(time.Millisecond), hostileCallers, heap>>20, peak.Load()>>20)
	h.report(t, operations, calls)
	h.stillWorks(t)

	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if now := settled(); now > heap+heapGrowth || peak.Load() > heapPeak {
		t.Errorf("the heap was %d bytes before, %d after, %d at most; what ran when it was first more than %d:\n%s", heap, now, peak.Load(), heapPeak, overAt)
	}
	await(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// hostile is the walk: a server, what is known of it, and what came of the calls.
// It is the handler of the server's log, too.
type hostile struct {
	*started
	*world
	tally
	gardening sync.RWMutex // nobody calls while it is tended
	agents    []node
}

type node struct{ uuid, credential string }

// call makes a call and judges the answer. It gives the status, 0 if there was none.
func (h *hostile) call(w *wire, c *hostileCall, note func(*apiOperation, string)) int {
	a, err := w.do(c)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && c.holds():
		note(c.op, "held")
		return 0
	case err != nil && (c.broken || c.hangUp > 0):
		note(c.op, "gone")
		return 0
	case err != nil:
		h.fail(c, c.op, err)
		return 0
	}
	class := fmt.Sprintf("%dxx", a.status/100)
	byHTTP := c.broken && class == "4xx" && a.last && (len(a.body) == 0 || mediaType(a.header) == "text/plain")
	if byHTTP {
		class = "http"
	}
	note(c.op, class)
	escaped, query := "", ""
	if u, err := url.ParseRequestURI(c.target()); err == nil && (c.method != http.MethodConnect || c.target()[0] == '/') {
		escaped, query = u.EscapedPath(), u.RawQuery
	}
	op := h.document.find(c.method, escaped)
	switch {
	case a.status >= 500:
		h.fail(c, op, fmt.Errorf("answers %d %.300s", a.status, a.body))
	case byHTTP || escaped == "":
	default:
		if err := h.document.judge(c.method, escaped, a.status, a.header, a.body); err != nil {
			h.fail(c, op, err)
		}
	}
	for _, cookie := range a.cookies {
		h.learnCookie(cookie)
	}
	if a.status >= 300 || op == nil {
		return a.status
	}
	if err := op.readsAll(query); err != nil {
		h.fail(c, op, fmt.Errorf("answers %d to a query of which a part is passed over: %w", a.status, err))
	}
	if op.Role != "public" && !credential.Match(c.bytes()) {
		h.fail(c, op, fmt.Errorf("answers %d to noa.body", a.status))
	}
	scope := ""
	if op.Role == "agent" {
		scope = c.token
	}
	if len(c.spoilt) == 0 {
		h.learnBody(op, sent{c.media, c.text()})
	}
	if h.learn(op, scope, a.status, a.body); op.method == http.MethodDelete && op == c.op && c.addressed != nil {
		h.forget(op, c.addressed)
	}
	return a.status
}

// readsAll says what in a query an operation cannot have read: a filter that is
// passed over because it is misspelt selects everything.
func (o *apiOperation) readsAll(query string) error {
	values, err := url.ParseQuery(query)
	for name := range values {
		if !slices.ContainsFunc(o.Parameters, func(p apiParameter) bool { return p.In == "query" && p.Name == name }) {
			return fmt.Errorf("there is no parameter %q", name)
		}
	}
	return err
}

// credential finds what may make somebody of a caller: a token of any kind, or a session.
var credential = regexp.MustCompile(`pf[a-z]_[0-9A-Za-z_-]{20,}|promfleet_session=[0-9A-Za-z_-]{20,}`)

// holds tells whether the call may be held, because it does not say otherwise.
func (c *hostileCall) holds() bool {
	return len(c.spoilt) > 0 && slices.ContainsFunc(c.op.Parameters, func(p apiParameter) bool { return p.Name == waitParameter })
}

// tend sees to it that callers have credentials and that there are records, since
// the walk revokes and deletes as well.
func (h *hostile) tend(g gen) {
	h.gardening.Lock()
	defer h.gardening.Unlock()
	if err := h.renew(g); err != nil {
		h.add("tend "+err.Error(), "tending: "+err.Error())
		return
	}
	w := &wire{address: strings.TrimPrefix(h.url, "http://")}
	defer w.close()
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodGet} { // what is there, then more of it
		for _, op := range h.document.operations() {
			if h.document.Paths[op.path]["get"] != nil && op.method == method && !strings.Contains(op.path, "{") && op.Role != "agent" {
				h.call(w, g.build(op), func(*apiOperation, string) {}) // it is none of the walk
			}
		}
	}
}

// hold reports that a removal waits for a confirmation on a node.
func (h *hostile) hold(n node) error {
	ctx, agent := h.t.Context(), h.as(n.credential)
	wanted, err := agent.Watch(ctx, 0, 0)
	if err != nil {
		return err
	}
	return agent.Report(ctx, promfleet.Report{Protocol: promfleet.ProtocolVersion, RevisionReceived: wanted.Manifest.Revision, State: promfleet.StateHeld, Error: "targets would go"})
}

// renew makes the credentials that are gone.
func (h *hostile) renew(g gen) error {
	ctx := h.t.Context()
	if _, err := h.Tokens().List(ctx, nil); promfleet.ErrorCode(err) == promfleet.Unauthorized {
		h.token = newToken(h.t, h.data, promfleet.RoleAdmin)
		h.Client = h.as(h.token)
	}
	secrets := map[string][]string{"admin": {h.token}}
	for _, op := range h.document.operations() {
		if secrets[op.Role] != nil || slices.Contains([]string{"public", "join-token", "agent"}, op.Role) {
			continue
		}
		token, err := h.Tokens().Create(ctx, promfleet.TokenInput{Name: op.Role, Role: promfleet.Role(op.Role)})
		if promfleet.ErrorCode(err) == promfleet.Invalid { // no role of tokens: an admin calls it
			token.Secret = h.token
		} else if err != nil {
			return err
		}
		secrets[op.Role] = []string{token.Secret}
	}
	join, err := h.JoinTokens().Create(ctx, promfleet.JoinTokenInput{MaxUses: 1000})
	if err != nil {
		return err
	}
	secrets["join-token"] = []string{join.Secret}
	h.agents = slices.DeleteFunc(h.agents, func(n node) bool {
		_, err := h.as(n.credential).Watch(ctx, 0, 0)
		return err != nil
	})
	for len(h.agents) < 4 {
		n := node{uuid: g.text(&apiSchema{Format: "uuid"})}
		joined, err := h.as(join.Secret).Register(ctx, registration(n.uuid))
		if err != nil {
			return err
		}
		n.credential = joined.Credential
		h.agents = append(h.agents, n)
	}
	for _, n := range h.agents {
		secrets["agent"] = append(secrets["agent"], n.credential)
		if err := h.hold(n); err != nil { // or there is nothing to confirm
			return err
		}
	}
	if err := h.login(g); err != nil {
		return err
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	h.secrets = secrets
	for kind, list := range h.records { // most of the old ones are forgotten: some are no more
		h.records[kind] = list[max(0, len(list)-remembered/4):]
	}
	return nil
}

// login makes an admin who has a session, if the last one has ended.
func (h *hostile) login(g gen) error {
	if cookie, _ := g.word(cookieWord).(string); cookie != "" {
		if status, _, _ := h.started.call("GET", apiPrefix+"/session", "", "Authorization", "", "Cookie", cookie); status == http.StatusOK {
			return nil
		}
	}
	ctx, name := h.t.Context(), "admin-"+ident(g)
	u, err := h.Users().Create(ctx, promfleet.UserInput{Name: name, Role: promfleet.RoleAdmin})
	if err != nil && promfleet.ErrorCode(err) != promfleet.Conflict {
		return err
	}
	if err := h.SetPassword(ctx, u.ID, promfleet.PasswordInput{Password: password}); err != nil {
		return err
	}
	body := credentials(name, password)
	_, header, _ := h.started.call("POST", apiPrefix+"/session", body)
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		h.learnCookie(cookie)
	}
	h.learnBody(h.document.find("POST", apiPrefix+"/session"), sent{"application/json", []byte(body)})
	return nil
}

// stillWorks is the way of a record from its creation to its end, as ever.
func (h *hostile) stillWorks(t *testing.T) {
	h.tend(gen{rand.New(rand.NewPCG(0, 0)), h.world, ""})
	if len(h.agents) == 0 {
		t.Fatal("no agent can join")
	}
	ctx, uuid := t.Context(), h.agents[0].uuid
	job := must(h.Jobs().Create(ctx, promfleet.JobInput{Node: uuid, Key: "after_all_that"}))
	id := fmt.Sprint(job.ID)
	target := must(h.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "after:1", Tags: []string{"北京"}}))
	if got, _, err := h.Jobs().Get(ctx, id); err != nil || got.Key != job.Key {
		t.Errorf("job %+v, error %v", got, err)
	}
	for _, n := range h.agents {
		c, err := h.NodeConfig(ctx, n.uuid, 0)
		if err != nil || n.uuid == uuid && !strings.Contains(c.PrometheusYML, "job_name: after_all_that") {
			t.Errorf("config of %s: %v %s", n.uuid, err, c.PrometheusYML)
		}
		watch, err := h.as(n.credential).Watch(ctx, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range watch.Manifest.Parts {
			if got, err := h.as(n.credential).Fetch(ctx, []promfleet.PartRef{{Name: p.Name, Hash: p.Hash}}); err != nil || len(got) != 1 || promfleet.HashOf([]byte(got[0].Body)) != p.Hash {
				t.Errorf("part %s of %s: %v", p.Name, n.uuid, err)
			}
		}
	}
	if err := cmp.Or(h.Targets().Delete(ctx, fmt.Sprint(target.ID), ""), h.Jobs().Delete(ctx, id, "")); err != nil {
		t.Error(err)
	}
	_, _, err := h.Jobs().Get(ctx, id)
	wantCode(t, err, promfleet.NotFound, "")
}
