package agent

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet/internal/check"
	"promfleet/internal/proctest"
)

// hostileReplies is how many hostile replies there are in all, PROMFLEET_HOSTILE;
// one in twenty goes to a real process.
func hostileReplies(t *testing.T) int {
	t.Helper()
	s := os.Getenv("PROMFLEET_HOSTILE")
	if s == "" {
		return 400
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("PROMFLEET_HOSTILE=%q is not a number", s)
	}
	return n
}

// hostileHost is a host with what an agent must not touch all around.
type hostileHost struct {
	t      *testing.T
	root   string
	server *hostileServer
	prom   *scriptedPrometheus
	opts   Options
	before map[string]string
	hits   atomic.Int64 // requests that went where nobody was sent to
}

func newHostileHost(t *testing.T, rough int) *hostileHost {
	seed := uint64(time.Now().UnixNano() % 1e9)
	if s := os.Getenv("PROMFLEET_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("PROMFLEET_SEED=%d", seed)
	h := &hostileHost{t: t, root: t.TempDir()}
	for _, name := range []string{"canary", "above/canary", "above/host/canary", "above/host/rules.yml", "above/host/targets.d/foreign/x.json", "above/host/targets.d/canary.json", "above/host/data/canary", "join-token"} {
		path := filepath.Join(h.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("join\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(h.root, "above", "host")
	h.prom = &scriptedPrometheus{file: filepath.Join(dir, "prometheus.yml"), ok: true}
	prom := httptest.NewServer(h.prom)
	victim := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { h.hits.Add(1) }))
	t.Cleanup(prom.Close)
	t.Cleanup(victim.Close)
	h.server = newHostileServer(t, seed, rough, filepath.Join(h.root, "canary"))
	h.server.victim = victim.URL
	h.opts = Options{
		ServerURL: h.server.url, PrometheusURL: prom.URL, Version: "test", ListenAddress: proctest.FreeAddr(t),
		JoinTokenFile: filepath.Join(h.root, "join-token"), DataPath: filepath.Join(dir, "data"), ConfigFile: h.prom.file, SyncInterval: time.Second,
	}
	return h
}

// plane is an honest server with one job.
func (h *hostileHost) plane() *controlPlane {
	c := newControlPlane()
	c.want("global: {scrape_interval: 15s}\n", oneJob("good-0:9100"))
	c.token = "credential"
	return c
}

// outside tells of all files that are not the agent's to write.
func (h *hostileHost) outside() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	host := filepath.Join(h.root, "above", "host")
	own := []string{filepath.Join(host, "data"), filepath.Join(host, "targets.d"), filepath.Join(host, ".promfleet"), h.prom.file}
	err := filepath.WalkDir(h.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, o := range own {
			if (path == o || strings.HasPrefix(path, o+"/")) && !strings.HasSuffix(path, "canary") && !strings.Contains(path, "foreign") && !strings.HasSuffix(path, "canary.json") {
				return nil
			}
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[path] = info.Mode().String()
		if !d.IsDir() {
			body, err := os.ReadFile(path)
			all[path] += fmt.Sprint(" ", info.ModTime().UnixNano(), " ", string(body))
			return err
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// unharmed looks that nothing was written that should not be.
func (h *hostileHost) unharmed(a *Agent) {
	h.t.Helper()
	after := h.outside()
	for path, s := range after {
		if h.before[path] != s {
			h.t.Errorf("%s was written: %s", path, cut(s, 200))
		}
	}
	for path := range h.before {
		if _, ok := after[path]; !ok {
			h.t.Errorf("%s was removed", path)
		}
	}
	yml, err := os.ReadFile(h.prom.file)
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := check.Load(yml)
	if err != nil {
		h.t.Fatalf("prometheus.yml is not valid: %v\n%s", err, cut(string(yml), 2000))
	}
	if a != nil {
		if err := a.allowed(c, false); err != nil {
			h.t.Errorf("prometheus.yml names what it may not: %v", err)
		}
	}
	if n := h.hits.Load(); n > 0 {
		h.t.Errorf("%d requests went where the server has redirected to", n)
	}
	credential, err := os.ReadFile(filepath.Join(h.opts.DataPath, credentialFile))
	before, _ := os.ReadFile(filepath.Join(h.opts.DataPath, credentialBeforeFile))
	if err != nil || string(credential) != "credential\n" && string(before) != "credential\n" {
		h.t.Errorf("the credential is %q, that before %q, error %v", credential, before, err)
	}
}

func (h *hostileHost) sizeOf(dir string) (size int64, files int) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone by now
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			size += info.Size()
			files++
		}
		return nil
	})
	return size, files
}

// TestHostileReplies: whatever a server answers, nothing is written outside of the
// agent's directories, prometheus.yml stays valid and within the policy, and a good
// answer is taken at once afterwards. The calls are those of the agent's tasks,
// without the pauses between them.
func TestHostileReplies(t *testing.T) {
	want := hostileReplies(t) * 19 / 20
	h := newHostileHost(t, 35)
	h.server.slow = true
	a, err := New(h.opts, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.open(); err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.data.Write(credentialFile, []byte("credential\n")); err != nil {
		t.Fatal(err)
	}
	id, err := a.identity()
	if err != nil {
		t.Fatal(err)
	}
	h.server.node = id
	register, sync, report := &registerTask{a: a}, &syncTask{a: a, uuid: id, ask: nothing}, &reportTask{a: a}
	if err := sync.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := a.server.WithToken("credential")
	call := func(do func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // what is slow is cut off: 60 s in the agent
		defer cancel()
		return do(ctx)
	}
	round := func(ctx context.Context) error { return sync.round(ctx, c, 0) }
	plane := h.plane()
	h.server.reform(plane)
	if err := call(round); err != nil {
		t.Fatal(err)
	}
	sync.finishSettling()
	h.before = h.outside()
	h.server.honest = false

	goroutines := runtime.NumGoroutine()
	most := int64(0)
	errs := 0
	for n := 0; h.server.count() < want; n++ {
		var err error
		switch n % 10 {
		case 8:
			err = call(func(ctx context.Context) error { return register.call(ctx, id, "credential", false) })
			a.session.lose(a.session.client)
		case 9:
			a.session.set(c)
			err = call(func(ctx context.Context) error { return report.report(ctx, false) })
			a.session.lose(c)
		default:
			err = call(round)
		}
		if err != nil {
			errs++
		}
		if n%1000 == 0 {
			h.unharmed(a)
			size, _ := h.sizeOf(h.opts.DataPath)
			most = max(most, size)
		}
	}
	sync.stopSettling()
	h.unharmed(a)
	size, files := h.sizeOf(h.opts.DataPath)
	most = max(most, size)
	h.server.mu.Lock()
	kinds := len(h.server.kinds)
	h.server.mu.Unlock()
	a.server = nil
	proctest.WaitFor(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
	t.Logf("FIGURE %d hostile replies of %d kinds, %d calls failed: 0 writes outside, %d redirects followed; data path %d bytes in %d files (most seen %d); goroutines %d, before %d",
		h.server.count(), kinds, errs, h.hits.Load(), size, files, most, runtime.NumGoroutine(), goroutines)

	plane = h.plane()
	h.server.reform(plane)
	plane.want("", oneJob("good-1:9100"))
	began := time.Now()
	if err := call(round); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(a.disk.TargetsDir(), "node", "all.json")); !strings.Contains(string(text), "good-1:9100") {
		t.Errorf("a good answer afterwards is not on the disk: %s; %s", text, a.status.problem)
	}
	t.Logf("FIGURE a good answer afterwards is on the disk after %v", time.Since(began).Round(time.Millisecond))
	sync.stopSettling()
}
