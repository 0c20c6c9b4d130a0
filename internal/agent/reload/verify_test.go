package reload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is a Prometheus of which a test says what it has when.
type scripted struct {
	start time.Time
	looks int
	now   func(since time.Duration) seen
}

type seen struct {
	config            string
	reloadFailed      bool
	pools             []string
	active, dropped   []map[string]string
	droppedCount      int // if more than listed
	mtime             int64
	syncs, syncFailed int
	watcherErrors     int
	poolsFailed       int
	poolTargets       int // 0: len(active)
}

// RoundTrip answers without a network, so that time can be made up.
func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.start.IsZero() {
		s.start = time.Now()
	}
	now := s.now(time.Since(s.start))
	w := httptest.NewRecorder()
	data := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": v}) }
	switch r.URL.Path {
	case "/prom/api/v1/status/config":
		data(map[string]string{"yaml": now.config})
	case "/prom/api/v1/scrape_pools":
		data(map[string]any{"scrapePools": now.pools})
	case "/prom/api/v1/targets":
		data(targetsAnswer(r.URL.Query().Get("state"), now))
	case "/prom/metrics":
		s.looks++
		ok, active := 1, len(now.active)
		if now.reloadFailed {
			ok = 0
		}
		if now.poolTargets > 0 {
			active = now.poolTargets
		}
		mtime := "" // of a file that was read
		if now.mtime > 0 {
			mtime = fmt.Sprintf("prometheus_sd_file_mtime_seconds{filename=\"/t/j/p.json\"} %d\n", now.mtime)
		}
		fmt.Fprintf(w, `# HELP go_goroutines not wanted
go_goroutines 7
# TYPE prometheus_config_last_reload_successful gauge
prometheus_config_last_reload_successful %d
# TYPE prometheus_target_scrape_pool_targets gauge
prometheus_target_scrape_pool_targets{scrape_job="j"} %d
# TYPE prometheus_target_scrape_pool_sync_total counter
prometheus_target_scrape_pool_sync_total{scrape_job="j"} %d
# TYPE prometheus_target_sync_failed_total counter
prometheus_target_sync_failed_total{scrape_job="j"} %d
# TYPE prometheus_sd_file_mtime_seconds gauge
%sprometheus_sd_file_watcher_errors_total %d
prometheus_target_scrape_pools_failed_total %d
`, ok, active, now.syncs, now.syncFailed, mtime, now.watcherErrors, now.poolsFailed)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), r.Context().Err()
}

func targetsAnswer(state string, now seen) map[string]any {
	active, dropped := []any{}, []any{}
	for _, l := range now.active {
		if state != "dropped" {
			active = append(active, map[string]any{"discoveredLabels": l, "labels": map[string]string{}, "scrapePool": "j", "health": l["health"]})
		}
	}
	for _, l := range now.dropped {
		if state != "active" {
			dropped = append(dropped, map[string]any{"discoveredLabels": l, "scrapePool": "j"})
		}
	}
	return map[string]any{"activeTargets": active, "droppedTargets": dropped,
		"droppedTargetCounts": map[string]int{"j": max(len(dropped), now.droppedCount)}}
}

func verify(t *testing.T, want Want, within time.Duration, now func(time.Duration) seen) (took time.Duration, looks int, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{now: now}
		p, newErr := NewPrometheus("http://prometheus/prom/", &http.Client{Transport: s}, slog.New(slog.DiscardHandler))
		if newErr != nil {
			t.Fatal(newErr)
		}
		start := time.Now()
		err = p.Verify(t.Context(), want, within)
		took, looks = time.Since(start), s.looks
	})
	return took, looks, err
}

func found(addr string, labels ...string) map[string]string {
	l := map[string]string{"__address__": addr, "__meta_filepath": "/t/j/p.json", "job": "j", "__scheme__": "http", "__metrics_path__": "/metrics"}
	for i := 0; i < len(labels); i += 2 {
		l[labels[i]] = labels[i+1]
	}
	return l
}

func job(targets ...Target) Job {
	return Job{Name: "j", Dir: "/t/j", Targets: int64(len(targets)), Load: func() ([]Target, error) { return targets, nil }}
}

var (
	t1 = Target{Addr: "h1:1"}
	t2 = Target{Addr: "h2:1", Labels: map[string]string{"env": "prod", "empty": ""}}
)

func isConfig(running []byte) error {
	if string(running) != "ours" {
		return errors.New("global.scrape_interval is 1m, wanted is 15s")
	}
	return nil
}

// TestVerifyWaits: in older versions a pool appears 5 to 10 s after the reload.
func TestVerifyWaits(t *testing.T) {
	took, looks, err := verify(t, Want{SameConfig: isConfig, Jobs: []Job{job(t1, t2)}}, 30*time.Second, func(since time.Duration) seen {
		now := seen{config: "theirs"}
		if since > time.Second {
			now.config = "ours"
		}
		if since > 6*time.Second {
			now.pools, now.active = []string{"j"}, []map[string]string{found("h1:1")}
		}
		if since > 8*time.Second {
			now.dropped = []map[string]string{found("h2:1", "env", "prod"), {"__address__": "h9:1", "__meta_dns_name": "other discovery"}}
		}
		return now
	})
	if err != nil || took < 8*time.Second || took > 10*time.Second || looks > 20 {
		t.Errorf("took %s and %d looks: %v", took, looks, err)
	}
}

func TestVerifyAtOnce(t *testing.T) {
	took, looks, err := verify(t, Want{Jobs: []Job{job(t1)}}, 30*time.Second, func(time.Duration) seen {
		return seen{config: "not looked at", reloadFailed: true, pools: []string{"j"}, active: []map[string]string{found("h1:1")}}
	})
	if err != nil || took != 0 || looks != 1 {
		t.Errorf("took %s and %d looks: %v", took, looks, err)
	}
}

func TestVerifySaysWhatIsMissing(t *testing.T) {
	both := []map[string]string{found("h1:1"), found("h2:1", "env", "prod")}
	for _, c := range []struct {
		name  string
		now   seen
		words []string
	}{
		{"config", seen{config: "theirs"}, []string{"Prometheus runs another configuration: global.scrape_interval is 1m"}},
		{"half reloaded", seen{config: "ours", reloadFailed: true}, []string{"last reload failed"}},
		{"no pool", seen{config: "ours", poolsFailed: 2}, []string{"job j: it has no scrape pool", "could not create 2 scrape pools"}},
		{"no watcher", seen{config: "ours", watcherErrors: 1}, []string{"no scrape pool", "fs.inotify.max_user_instances"}},
		{"one target", seen{config: "ours", pools: []string{"j"}, active: both[:1]}, []string{"1 of 2 targets are not there, like h2:1"}},
		{"old label", seen{config: "ours", pools: []string{"j"}, active: []map[string]string{both[0], found("h2:1", "env", "dev")}}, []string{"target h2:1 of /t/j/p.json is there and not wanted so"}},
		{"one too many", seen{config: "ours", pools: []string{"j"}, active: append(both[:2:2], found("h1:1"))}, []string{"target h1:1 of /t/j/p.json is there and not wanted so"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			took, _, err := verify(t, Want{SameConfig: isConfig, Jobs: []Job{job(t1, t2)}}, 10*time.Second, func(time.Duration) seen { return c.now })
			if err == nil || took > 10*time.Second {
				t.Fatalf("took %s: %v", took, err)
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
		})
	}
}

// TestVerifyMerged: Prometheus merges targets that are the same after relabelling,
// and says nothing.
func TestVerifyMerged(t *testing.T) {
	now := seen{pools: []string{"j"}, active: []map[string]string{found("h2:1", "env", "prod")}}
	took, _, err := verify(t, Want{Jobs: []Job{job(t1, t2)}}, 30*time.Second, func(time.Duration) seen { return now })
	if err != nil || took < settle {
		t.Errorf("took %s: %v", took, err)
	}
	now.syncFailed = 1 // could not be created: that is no merging
	if _, _, err := verify(t, Want{Jobs: []Job{job(t1, t2)}}, 30*time.Second, func(time.Duration) seen { return now }); err == nil {
		t.Error("a target that could not be created passes for merged")
	}
}

// TestVerifyShownRelabelled: Prometheus 2.42 shows labels before relabelling that
// relabelling has replaced. What is left of an older file does not pass for that.
func TestVerifyShownRelabelled(t *testing.T) {
	now := seen{pools: []string{"j"}, active: []map[string]string{found("h1:9999"), found("h2:9999", "env", "prod")}, mtime: 9}
	want := job(t1, t2)
	want.Changed = map[string]time.Time{"/t/j/p.json": time.Unix(9, 0)}
	took, _, err := verify(t, Want{Jobs: []Job{want}}, 30*time.Second, func(time.Duration) seen { return now })
	if err != nil || took < settle {
		t.Errorf("took %s: %v", took, err)
	}
	want.Files, want.Changed, now.mtime = want.Changed, nil, 8
	if _, _, err := verify(t, Want{Jobs: []Job{want}}, 30*time.Second, func(time.Duration) seen { return now }); err == nil {
		t.Error("what was there before the agent was restarted passes, though the file was not read")
	}
	want.Files, want.Changed, now.mtime = nil, want.Files, 9
	now.active = append(now.active, found("h3:9999"))
	if _, _, err := verify(t, Want{Jobs: []Job{want}}, 30*time.Second, func(time.Duration) seen { return now }); err == nil {
		t.Error("a target too many passes")
	}
	now.active, now.mtime = now.active[:2], 8
	_, _, err = verify(t, Want{Jobs: []Job{want}}, 30*time.Second, func(time.Duration) seen { return now })
	if err == nil || !strings.Contains(err.Error(), "has not read /t/j/p.json") {
		t.Errorf("error %v", err)
	}
}

// TestVerifyHiddenDropped: keep_dropped_targets cuts the list, the count is whole.
func TestVerifyHiddenDropped(t *testing.T) {
	now := seen{pools: []string{"j"}, dropped: []map[string]string{found("h1:1")}, droppedCount: 2}
	took, _, err := verify(t, Want{Jobs: []Job{job(t1, t2)}}, 30*time.Second, func(time.Duration) seen { return now })
	if err != nil || took != 0 {
		t.Errorf("took %s: %v", took, err)
	}
}

func TestVerifyLarge(t *testing.T) {
	mtime := time.Unix(1700000000, 5)
	large := Job{Name: "j", Dir: "/t/j", Targets: 100_000, Changed: map[string]time.Time{"/t/j/p.json": mtime}}
	at := func(since time.Duration) seen {
		now := seen{pools: []string{"j"}, poolTargets: 99_999, dropped: []map[string]string{found("h1:1")}, syncs: 3}
		if since > 2*time.Second {
			now.mtime = mtime.Unix()
		}
		if since > 4*time.Second {
			now.syncs = 4
		}
		return now
	}
	took, _, err := verify(t, Want{Jobs: []Job{large}}, 30*time.Second, at)
	if err != nil || took < 4*time.Second || took > 6*time.Second {
		t.Errorf("took %s: %v", took, err)
	}
	_, _, err = verify(t, Want{Jobs: []Job{large}}, time.Second, at)
	if err == nil || !strings.Contains(err.Error(), "has not read /t/j/p.json") {
		t.Errorf("error %v", err)
	}
	large.Targets = 100_001
	_, _, err = verify(t, Want{Jobs: []Job{large}}, 8*time.Second, at)
	if err == nil || !strings.Contains(err.Error(), "it has 100000 targets, wanted are 100001") {
		t.Errorf("error %v", err)
	}
}

// TestDifference: a label that Prometheus may have filled in is told from one
// that the target has.
func TestDifference(t *testing.T) {
	plain, https := Target{Addr: "h:1"}, Target{Addr: "h:1", Labels: map[string]string{"__scheme__": "https"}}
	for _, order := range [][]Target{{plain, https}, {https, plain}} {
		missing, extra := difference(order, []map[string]string{found("h:1", "__scheme__", "https"), found("h:1")}, (&pendingJob{Job: Job{Dir: "/t/j"}}).own())
		if len(missing)+len(extra) > 0 {
			t.Errorf("missing %v, extra %v", missing, extra)
		}
	}
	missing, extra := difference([]Target{https}, []map[string]string{found("h:1")}, (&pendingJob{Job: Job{Dir: "/t/j"}}).own())
	if len(missing) != 1 || len(extra) != 1 {
		t.Errorf("missing %v, extra %v", missing, extra)
	}
}

func TestHealth(t *testing.T) {
	s := &scripted{now: func(time.Duration) seen {
		return seen{active: []map[string]string{{"health": "up"}, {"health": "up"}, {"health": "down"}, {"health": "unknown"}}}
	}}
	p, err := NewPrometheus("http://prometheus/prom", &http.Client{Transport: s}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.Health(t.Context())
	if err != nil || h != (Health{Up: 2, Down: 1}) {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := p.Version(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("version: %v", err)
	}
}

func TestCapped(t *testing.T) {
	var got bytes.Buffer
	_, err := got.ReadFrom(&capped{r: strings.NewReader("0123456789"), left: 4})
	if !errors.Is(err, errTooLarge) || got.String() != "0123" {
		t.Errorf("%q, %v", got.String(), err)
	}
}

func TestHTTPConfigFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	write("pw", "secret")
	file := write("http.yml", "basic_auth:\n  username: agent\n  password_file: pw\n")
	client, err := NewHTTPClient(file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pw, _ := r.BasicAuth(); user != "agent" || pw != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer srv.Close()
	r, err := New("http", Config{URL: srv.URL, Client: client, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := NewHTTPClient(write("bad.yml", "basic_auht: {}\n"), slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	if _, err := NewHTTPClient(write("empty.yml", ""), slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}
