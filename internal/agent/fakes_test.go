package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/reload"
	"promfleet/internal/render"
)

// direct answers requests by handlers, one a host, without a network: in a
// synctest bubble time then passes as soon as everybody waits.
type direct map[string]http.Handler

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d[r.URL.Host].ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// controlPlane speaks the protocol for one node, as it is told to.
type controlPlane struct {
	mu       sync.Mutex
	joins    int // that it still allows
	token    string
	node     promfleet.Registration
	manifest promfleet.Manifest
	bodies   map[promfleet.Hash]string
	inline   []promfleet.PartBody
	changed  chan struct{}
	down     bool

	beforeFetch func()     // called with mu held before a fetch is answered; nil: nothing
	asked       []int64    // the revisions that watches have named
	raw         []rawPiece // target files that want adds

	watches, fetches, fetched int
	reports                   []promfleet.Report
	onReport                  func(promfleet.Report) // called with each
}

func newControlPlane() *controlPlane {
	return &controlPlane{joins: 1, bodies: map[promfleet.Hash]string{}, changed: make(chan struct{})}
}

func (c *controlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	call := strings.TrimPrefix(r.URL.Path, "/api/v1/agent/")
	switch {
	case c.down:
		problem(w, http.StatusServiceUnavailable, "down")
	case call == "register" && (token == "join" && c.joins > 0 || token == c.token && token != ""):
		decode(r, &c.node)
		answer := promfleet.Registered{Protocol: promfleet.ProtocolVersion}
		if token == "join" {
			c.joins--
			c.token = fmt.Sprintf("credential-%d", c.joins)
			answer.Credential = c.token
		}
		_ = json.NewEncoder(w).Encode(answer)
	case token != c.token || token == "":
		problem(w, http.StatusUnauthorized, "no such credential")
	case call == "watch":
		c.watch(w, r)
	case call == "fetch":
		c.fetch(w, r)
	case call == "report":
		var report promfleet.Report
		decode(r, &report)
		c.reports = append(c.reports, report)
		if c.onReport != nil {
			c.onReport(report)
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (c *controlPlane) watch(w http.ResponseWriter, r *http.Request) {
	c.watches++
	known, _ := strconv.ParseInt(r.URL.Query().Get("revision"), 10, 64)
	c.asked = append(c.asked, known)
	wait, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	timeout := time.After(time.Duration(wait) * time.Second)
	for c.manifest.Revision == known {
		changed := c.changed
		c.mu.Unlock()
		over := false
		select {
		case <-changed:
		case <-timeout:
			over = true
		case <-r.Context().Done():
			over = true
		}
		c.mu.Lock()
		if over {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(promfleet.WatchReply{Manifest: c.manifest, Bodies: c.inline})
}

func (c *controlPlane) fetch(w http.ResponseWriter, r *http.Request) {
	c.fetches++
	if c.beforeFetch != nil {
		c.beforeFetch()
	}
	var ask promfleet.FetchRequest
	decode(r, &ask)
	var answer promfleet.FetchReply
	for _, p := range ask.Parts {
		body, ok := c.bodies[p.Hash]
		if !ok {
			problem(w, http.StatusGone, "replaced")
			return
		}
		c.fetched++
		answer.Bodies = append(answer.Bodies, promfleet.PartBody{Hash: p.Hash, Body: body})
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
}

func decode(r *http.Request, into any) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		panic(err)
	}
}

// wantedJob is a job of the node: its scrape_config, and its target files by piece.
type wantedJob struct {
	name   string // "": the key
	config string
	pieces map[string][]string
}

// rawPiece is the body of a target file.
type rawPiece struct {
	key, piece, body string
	count            int64
}

// want has the node want something else from now on.
func (c *controlPlane) want(base string, jobs map[string]wantedJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next(base, jobs)
}

// next is want with mu held.
func (c *controlPlane) next(base string, jobs map[string]wantedJob) {
	m := promfleet.Manifest{Protocol: promfleet.ProtocolVersion, Node: c.manifest.Node, Revision: c.manifest.Revision + 1}
	if base != "" {
		m.Parts = append(m.Parts, c.part(render.BasePart, base))
	}
	for key, j := range jobs {
		config := j.config
		if config == "" {
			config = "{}"
		}
		body, err := render.ConfigBody(promfleet.JobConfig{Key: key, JobName: cmp.Or(j.name, key), ScrapeConfig: json.RawMessage(config)})
		if err != nil {
			panic(err)
		}
		parts := []promfleet.Part{c.part(render.ConfigName(key), string(body))}
		for piece, addrs := range j.pieces {
			text, _ := json.Marshal([]map[string]any{{"targets": addrs, "labels": map[string]string{"piece": piece}}})
			p := c.part(render.PieceName(key, piece), string(text))
			p.Count = int64(len(addrs))
			parts = append(parts, p)
		}
		for _, r := range c.raw {
			if r.key == key {
				p := c.part(render.PieceName(key, r.piece), r.body)
				p.Count = r.count
				parts = append(parts, p)
			}
		}
		index, _ := render.IndexBody(parts)
		p := c.part(render.IndexName(key), string(index))
		p.Index = true
		m.Parts = append(m.Parts, p)
	}
	c.set(m)
}

func (c *controlPlane) part(name, body string) promfleet.Part {
	hash := promfleet.HashOf([]byte(body))
	c.bodies[hash] = body
	return promfleet.Part{Name: name, Hash: hash, Size: int64(len(body))}
}

func (c *controlPlane) set(m promfleet.Manifest) {
	c.manifest = m
	close(c.changed)
	c.changed = make(chan struct{})
}

// alter changes the manifest as no honest server would.
func (c *controlPlane) alter(change func(m *promfleet.Manifest)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.manifest
	m.Parts = slices.Clone(m.Parts)
	m.Revision++
	change(&m)
	c.set(m)
}

func (c *controlPlane) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *controlPlane) last() promfleet.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.reports) == 0 {
		return promfleet.Report{}
	}
	return c.reports[len(c.reports)-1]
}

func (c *controlPlane) counts() (watches, fetched, reports int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watches, c.fetched, len(c.reports)
}

// scriptedPrometheus loads the files that are there, as the real one does: the
// configuration at a reload, target files at any time.
type scriptedPrometheus struct {
	mu      sync.Mutex
	file    string
	loaded  string
	ok      bool
	at      int
	reloads int
	answers []func(http.ResponseWriter, *http.Request) // to the next reloads
	down    bool

	// refuses gives the words with which a prometheus.yml is refused, "" if it is
	// not; loads are the jobs that each reload with success had.
	refuses func(yml string) string
	loads   [][]string
	version string
	started string
	// poolless are jobs for which it makes no scrape pool.
	poolless map[string]bool

	instances     int             // of inotify, that it can have; 0: any number
	watches       map[string]bool // by glob; false: it could not be watched
	watcherErrors int
	parsed        []scriptedJob // of what is loaded
	parsedFor     string
}

func (p *scriptedPrometheus) reload(w http.ResponseWriter) {
	text, _ := os.ReadFile(p.file)
	if p.refuses != nil {
		if words := p.refuses(string(text)); words != "" {
			p.ok = false
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintln(w, words)
			return
		}
	}
	p.load()
	p.loads = append(p.loads, slices.Sorted(maps.Keys(p.poolsOf(none))))
}

func (p *scriptedPrometheus) load() {
	text, _ := os.ReadFile(p.file)
	p.loaded, p.ok = string(text), true
	p.at++
	p.watch()
}

func (p *scriptedPrometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	data := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": v}) }
	switch r.URL.Path {
	case "/-/reload":
		p.reloads++
		if len(p.answers) > 0 {
			answer := p.answers[0]
			p.answers = p.answers[1:]
			answer(w, r)
			return
		}
		p.reload(w)
	case "/api/v1/status/buildinfo":
		data(map[string]string{"version": cmp.Or(p.version, "2.42.0")})
	case "/api/v1/status/runtimeinfo":
		data(map[string]string{"startTime": cmp.Or(p.started, "2026-11-24T10:00:00Z")})
	case "/api/v1/status/config":
		data(map[string]string{"yaml": passwords.ReplaceAllString(p.loaded, "password: <secret>")})
	case "/api/v1/scrape_pools":
		pools := []string{}
		for name := range p.poolsOf(none) {
			if !p.poolless[name] {
				pools = append(pools, name)
			}
		}
		data(map[string]any{"scrapePools": pools})
	case "/api/v1/targets":
		active := []any{}
		for name, targets := range p.poolsOf(r.URL.Query().Get("scrapePool")) {
			for _, t := range targets {
				active = append(active, map[string]any{"discoveredLabels": t, "scrapePool": name, "health": "up"})
			}
		}
		data(map[string]any{"activeTargets": active, "droppedTargets": []any{}})
	case "/metrics":
		ok := 0
		if p.ok {
			ok = 1
		}
		fmt.Fprintf(w, "prometheus_config_last_reload_successful %d\nprometheus_config_last_reload_success_timestamp_seconds %d\nprometheus_target_scrape_pools_failed_total %d\n", ok, p.at, len(p.poolless))
		fmt.Fprintf(w, "prometheus_sd_file_watcher_errors_total %d\n", p.watcherErrors)
		for glob, alive := range p.watches {
			files, _ := filepath.Glob(glob)
			for _, file := range files {
				if info, err := os.Stat(file); alive && err == nil {
					fmt.Fprintf(w, "prometheus_sd_file_mtime_seconds{filename=%q} %d\n", file, info.ModTime().Unix())
				}
			}
		}
	}
}

// pools gives the discovered labels of each job's targets.
func (p *scriptedPrometheus) pools() map[string][]map[string]string { return p.poolsOf("") }

// none is the name of no job.
const none = "\x00"

// poolsOf gives them, and the targets of one job only; "": of all.
func (p *scriptedPrometheus) poolsOf(only string) map[string][]map[string]string {
	pools := map[string][]map[string]string{}
	for _, j := range p.jobs() {
		pools[j.Name] = nil
		if only != "" && only != j.Name {
			continue
		}
		for _, g := range j.Static {
			for _, addr := range g.Targets {
				labels := map[string]string{"__address__": addr, "job": "x"}
				maps.Copy(labels, g.Labels)
				pools[j.Name] = append(pools[j.Name], labels)
			}
		}
		for _, sd := range j.SD {
			for _, glob := range sd.Files {
				if !p.watches[glob] {
					continue
				}
				files, _ := filepath.Glob(glob)
				for _, file := range files {
					pools[j.Name] = append(pools[j.Name], discovered(file)...)
				}
			}
		}
	}
	return pools
}

func discovered(file string) (all []map[string]string) {
	var groups []struct {
		Targets []string
		Labels  map[string]string
	}
	text, _ := os.ReadFile(file)
	if err := json.Unmarshal(text, &groups); err != nil {
		panic(err)
	}
	for _, g := range groups {
		for _, addr := range g.Targets {
			labels := map[string]string{"__address__": addr, "__meta_filepath": file, "job": "x"}
			for name, value := range g.Labels {
				labels[name] = value
			}
			all = append(all, labels)
		}
	}
	return all
}

// passwords are not shown, as the real one does.
var passwords = regexp.MustCompile(`password: \S+`)

// script has the next reloads answered otherwise.
func (p *scriptedPrometheus) script(answers ...func(http.ResponseWriter, *http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

func (p *scriptedPrometheus) counts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reloads
}

func (p *scriptedPrometheus) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if !down {
		p.load()
	}
}

// bed is an agent between a control plane and a Prometheus, in time made up.
type bed struct {
	t      *testing.T
	dir    string
	server *controlPlane
	prom   *scriptedPrometheus
	opts   Options
	usage  inotify.Usage // of the host
	stop   func()
}

// inBed runs a test with an agent that has not been started.
func inBed(t *testing.T, test func(t *testing.T, b *bed)) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "join-token"), []byte("join\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := &bed{t: t, dir: dir, server: newControlPlane(), prom: &scriptedPrometheus{file: filepath.Join(dir, "prometheus.yml"), ok: true}}
		b.usage = inotify.Usage{Limit: 128, Sysctl: "fs.inotify.max_user_instances", UID: 33, PID: 7}
		b.opts = Options{
			ServerURL: "http://server", PrometheusURL: "http://prometheus", Version: "test",
			JoinTokenFile: filepath.Join(dir, "join-token"), DataPath: filepath.Join(dir, "data"), ConfigFile: b.prom.file,
		}
		test(t, b)
	})
}

func (b *bed) agent() *Agent {
	b.t.Helper()
	a, err := New(b.opts, slog.New(slog.NewTextHandler(b.t.Output(), nil)), prometheus.NewRegistry())
	if err != nil {
		b.t.Fatal(err)
	}
	calls := &http.Client{Transport: direct{"server": b.server, "prometheus": b.prom}}
	if a.server, err = client.New(client.Config{URL: b.opts.ServerURL, HTTPClient: calls}); err != nil {
		b.t.Fatal(err)
	}
	if a.prom, err = reload.NewPrometheus(b.opts.PrometheusURL, calls, a.log); err != nil {
		b.t.Fatal(err)
	}
	a.inline.read = func() (inotify.Usage, error) { return b.usage, nil }
	method, err := reload.New(a.opts.ReloadMethod, reload.Config{URL: a.opts.ReloadURL, Client: calls, Timeout: a.opts.ReloadTimeout})
	a.reloader = reload.NewWaiting(a.prom, method, a.opts.ReloadTimeout, a.awaitsReload)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// join has the manifest bear the uuid that the agent makes up.
func (b *bed) join() {
	b.t.Helper()
	a := b.agent()
	if err := a.open(); err != nil {
		b.t.Fatal(err)
	}
	defer a.close()
	id, err := a.identity()
	if err != nil {
		b.t.Fatal(err)
	}
	b.server.manifest.Node = id
}

// start runs the agent, all but the tasks that listen: a bubble has no network.
func (b *bed) start() *Agent { return b.startWithout() }

// startWithout leaves out more tasks.
func (b *bed) startWithout(tasks ...string) *Agent {
	b.t.Helper()
	a := b.agent()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	entries := slices.DeleteFunc(slices.Clone(taskEntries), func(e taskEntry) bool { return e.name == "metrics" || slices.Contains(tasks, e.name) })
	go func() { done <- a.run(ctx, entries) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("run: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
	return a
}

// after lets time pass until everybody waits.
func (b *bed) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expect waits until the agent reports a state at the newest revision.
func (b *bed) expect(state promfleet.NodeState) promfleet.Report {
	b.t.Helper()
	for range 600 {
		synctest.Wait()
		b.server.mu.Lock()
		newest := b.server.manifest.Revision
		b.server.mu.Unlock()
		if r := b.server.last(); r.State == state && (state == promfleet.StateFailed || r.RevisionReceived == newest) {
			return r
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("no report of %s within a minute; the last is %+v", state, b.server.last())
	return promfleet.Report{}
}

func (b *bed) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bed) put(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// tree tells of all files what a write would change.
func (b *bed) tree() map[string]string {
	all := map[string]string{}
	_ = filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			all[path] = fmt.Sprint(info.ModTime().UnixNano(), info.Size())
		}
		return nil
	})
	return all
}
