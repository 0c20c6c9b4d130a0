package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
	"promfleet/internal/proctest"
)

// asker is a server that asks what it is told to, and keeps the answers.
type asker struct {
	mu      sync.Mutex
	replies []string // to the next calls for questions; then none
	asked   int
	answers []promfleet.Answer
}

func (s *asker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		var a promfleet.Answer
		decode(r, &a)
		s.answers = append(s.answers, a)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.asked++
	reply := `{"questions":[]}`
	if len(s.replies) > 0 {
		reply, s.replies = s.replies[0], s.replies[1:]
	}
	fmt.Fprint(w, reply)
}

func (s *asker) said() []promfleet.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]promfleet.Answer(nil), s.answers...)
}

func testAgent(t *testing.T, o Options) *Agent {
	t.Helper()
	a, err := New(o, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// inquired is an agent with a target file, and a scripted Prometheus.
func inquired(t *testing.T, handler http.Handler) *Agent {
	t.Helper()
	dir := t.TempDir()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	a := testAgent(t, Options{ServerURL: "http://server", PrometheusURL: s.URL, DataPath: filepath.Join(dir, "data"), ConfigFile: filepath.Join(dir, "prometheus.yml")})
	targets := filepath.Join(dir, "targets.d")
	if err := os.MkdirAll(filepath.Join(targets, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(targets, "web", "all.json"), []byte(`[{"targets":["10.0.0.1:9100"],"labels":{"u":"http://user:hunter2@x/"}}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	a.outline.Store(&outline{targetsDir: targets, jobs: []outlinedJob{{key: "web", name: "web", files: []apply.File{{Key: "web", Piece: "all", Targets: 1}}}}})
	return a
}

func ask(t *testing.T, a *Agent, s *asker, rounds int) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{URL: server.URL, Token: "credential"})
	if err != nil {
		t.Fatal(err)
	}
	task := &questionsTask{a: a}
	for range rounds {
		if err := task.round(t.Context(), c); err != nil && promfleet.ErrorCode(err) != promfleet.Unavailable {
			t.Fatalf("error %v", err)
		}
	}
}

// A server that is somebody else's by now asks for what is not its business, for
// too much, or for what nobody knows.
func TestHostileQuestions(t *testing.T) {
	paths := map[string]bool{}
	var mu sync.Mutex
	a := inquired(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths[r.Method+" "+r.URL.Path] = true
		http.NotFound(w, r)
	}))
	question := func(kind, body string) string {
		return fmt.Sprintf(`{"questions":[{"id":1,"kind":%q,"within":5,%s}]}`, kind, body)
	}
	many := strings.TrimSuffix(strings.Repeat(`{"id":1,"kind":"explain","within":1,"explain":{"addr":"a"}},`, promfleet.MaxQuestions+1), ",")
	s := &asker{replies: []string{
		question("shell", `"explain":{"addr":"rm -rf /"}`),
		question("explain", `"command":"id"`),
		question("explain", `"explain":{"addr":""}`),
		question("explain", `"explain":{"addr":"`+strings.Repeat("x", 3000)+`"}`),
		question("explain", `"explain":{"addr":"../../../etc/passwd","job":"../../etc"}`),
		question("explain", `"explain":{"addr":"http://10.0.0.1:9100/-/quit?x=1"}`),
		`{"questions":[` + many + `]}`,
		`{"questions":[{"id":1,"kind":"` + strings.Repeat("x", maxQuestions) + `"}]}`,
		`{"questions":{}}`, `[]`, `{"questions":[{"id":"one"}]}`, `{"questions":[],"more"`,
	}}
	ask(t, a, s, len(s.replies))
	said := s.said()
	if len(said) != 6 {
		t.Fatalf("%d answers: %+v", len(said), said)
	}
	if !said[0].Unknown || said[0].Explain != nil {
		t.Errorf("an unknown kind is answered %+v", said[0])
	}
	for _, a := range said[1:4] {
		if a.Error == "" || a.Explain != nil {
			t.Errorf("a bad question is answered %+v", a)
		}
	}
	if e := said[4].Explain; e == nil || len(e.Targets) != 0 {
		t.Errorf("of a path it is said %+v", e)
	}
	if e := said[5].Explain; e == nil || len(e.Targets) != 1 || e.Targets[0].Matched != promfleet.MatchURL || e.Targets[0].State != promfleet.SeenUnknown {
		t.Errorf("of a URL it is said %+v", e)
	}
	if text, _ := json.Marshal(said); strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "secret") {
		t.Errorf("a password is told: %s", text)
	}
	for path := range paths {
		if !strings.HasPrefix(path, "GET /api/v1/") && path != "GET /metrics" {
			t.Errorf("Prometheus was asked %s", path)
		}
	}
}

// A server that asks all the time does not get all of the host's time.
func TestQuestionsAreRare(t *testing.T) {
	a := inquired(t, http.NotFoundHandler())
	reply := `{"questions":[` + strings.TrimSuffix(strings.Repeat(`{"id":1,"kind":"x","within":1},`, promfleet.MaxQuestions), ",") + `]}`
	s := &asker{replies: []string{reply, reply}}
	start := time.Now()
	ask(t, a, s, 2)
	if took, least := time.Since(start), 2*promfleet.MaxQuestions*leastRest; took < least || len(s.said()) != 2*promfleet.MaxQuestions {
		t.Errorf("%d answers in %v, want at least %v", len(s.said()), took, least)
	}
	if s.asked != 2 {
		t.Errorf("asked %d times", s.asked)
	}
}

// What Prometheus shows may be large, and the answer is not.
func TestLargeExplanationFits(t *testing.T) {
	a := inquired(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/targets" {
			http.NotFound(w, r)
			return
		}
		labels := map[string]string{"__address__": "10.0.0.2:9100", "env": strings.Repeat("\x02", 5000)}
		for i := range 120 {
			labels[fmt.Sprint("l", i)] = strings.Repeat("\x03", 400)
		}
		var all []any
		for range 30 {
			all = append(all, map[string]any{"discoveredLabels": labels, "labels": labels, "scrapePool": "own", "health": "up", "scrapeUrl": "http://10.0.0.2:9100/metrics"})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"activeTargets": all}})
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer := fitting(a.answerTo(ctx, promfleet.Question{Kind: promfleet.QuestionExplain, Explain: &promfleet.ExplainQuestion{Addr: "10.0.0.2"}}))
	body, err := json.Marshal(answer)
	if err != nil || len(body) > promfleet.MaxAnswer || answer.Explain == nil {
		t.Fatalf("%d bytes, error %v, %s", len(body), err, answer.Error)
	}
	if len(answer.Explain.Targets) == 0 {
		t.Error("no target is told")
	}
	if n := len(answer.Explain.Targets) + answer.Explain.More; n != 30 {
		t.Errorf("%d targets told and %d more", len(answer.Explain.Targets), answer.Explain.More)
	}
}

// The library and Prometheus itself walk relabelling alike.
func TestStepsAgree(t *testing.T) {
	const jobs = `scrape_configs:
- job_name: all
  params: {module: [x, y]}
  relabel_configs:
  - {source_labels: [__address__], regex: '([^:]+):(\d+)', target_label: host, replacement: '$1-$2'}
  - {source_labels: [host, env], separator: '/', target_label: both}
  - {action: hashmod, source_labels: [both], modulus: 7, target_label: __tmp_shard}
  - {action: labelmap, regex: '__meta_(.+)', replacement: 'meta_$1'}
  - {action: uppercase, source_labels: [env], target_label: env}
  - {action: labeldrop, regex: 'both'}
  - {source_labels: [env], regex: 'PROD|北京', action: keep}
  - {action: dropequal, source_labels: [host], target_label: instance}
`
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(jobs), 0o644); err != nil {
		t.Fatal(err)
	}
	addr := proctest.FreeAddr(t)
	proctest.Start(t, proctest.Part(t, "PROMFLEET_PROMETHEUS_CURRENT"), "--config.file", file, "--storage.tsdb.path", t.TempDir(), "--web.listen-address", addr)
	a := testAgent(t, Options{ServerURL: "http://server", PrometheusURL: "http://" + addr, DataPath: t.TempDir(), ConfigFile: file})
	proctest.WaitFor(t, "Prometheus answers", func() bool { _, err := a.prom.Version(t.Context()); return err == nil })
	e := &explainer{a: a}
	e.loadConfig(t.Context())
	walked := 0
	for _, labels := range []map[string]string{{"env": "prod", "__meta_dc": "x"}, {"env": "dev"}, {"env": "北京"}, {"env": "prod", "instance": "a-1"}, {}} {
		discovered, err := e.config.Discovered("all", "a:1", labels)
		if err != nil {
			t.Fatal(err)
		}
		var theirs []reload.RelabelStep
		proctest.WaitFor(t, "the pool is there", func() bool {
			theirs, err = a.prom.RelabelSteps(t.Context(), "all", discovered)
			return err == nil
		})
		ours, err := e.config.RelabelSteps("all", discovered)
		if err != nil || len(ours) == 0 {
			t.Fatalf("%d steps, error %v", len(ours), err)
		}
		before := discovered
		for i, s := range ours {
			walked++
			mine := stepOf(i, reload.RelabelStep{Rule: reload.RelabelRule(s.Rule), Output: s.Output, Keep: s.Keep}, before)
			their := stepOf(i, theirs[i], before)
			if m, h := fmt.Sprintf("%+v", mine), fmt.Sprintf("%+v", their); m != h {
				t.Errorf("%v, step %d: the library says %s, Prometheus %s", labels, i, m, h)
			}
			before = s.Output
		}
		if last := len(ours) - 1; !ours[last].Keep && theirs[last].Keep {
			t.Errorf("%v: dropped by one alone", labels)
		}
	}
	t.Logf("FIGURE %d steps are the same", walked)
}

// The user and the query of --prometheus.url may be a token: no answer tells them.
func TestOwnURLIsNotTold(t *testing.T) {
	for _, secret := range []string{"http://hunter2@127.0.0.1:1/", "http://hunter2:x@127.0.0.1:1/", "http://hunter2:@127.0.0.1:1/", "http://u:hunter2@127.0.0.1:1/"} {
		a := inquired(t, http.NotFoundHandler())
		dir := filepath.Dir(a.opts.ConfigFile)
		b := testAgent(t, Options{ServerURL: "http://server", PrometheusURL: secret, DataPath: filepath.Join(dir, "other"), ConfigFile: a.opts.ConfigFile})
		b.outline.Store(a.outline.Load())
		_, err := b.prom.Config(t.Context())
		if err == nil {
			t.Fatal("there is a Prometheus")
		}
		b.status.setState(promfleet.StateFailed, err)
		for _, q := range []promfleet.Question{
			{Kind: promfleet.QuestionExplain, Explain: &promfleet.ExplainQuestion{Addr: "10.0.0.1:9100"}},
			{Kind: promfleet.QuestionHealth, Health: &promfleet.HealthQuestion{Down: 1}},
			{Kind: promfleet.QuestionLoaded},
		} {
			answer, _ := json.Marshal(fitting(b.answerTo(t.Context(), q)))
			if !strings.Contains(string(answer), "127.0.0.1:1") || strings.Contains(string(answer), "hunter2") {
				t.Errorf("%s: %s", q.Kind, answer)
			}
		}
	}
}
