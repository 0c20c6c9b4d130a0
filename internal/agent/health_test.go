package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// scripted is a Prometheus that shows targets and a configuration.
type scripted struct {
	active, dropped []map[string]any
	counts          map[string]int64
	config          string
	asked           int
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var data any
	switch r.URL.Path {
	case "/api/v1/targets":
		s.asked++
		data = map[string]any{"activeTargets": s.active, "droppedTargets": s.dropped, "droppedTargetCounts": s.counts}
	case "/api/v1/status/config":
		data = map[string]any{"yaml": s.config}
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

func activeTarget(pool, addr, health, message string, labels map[string]string) map[string]any {
	discovered := map[string]string{"__address__": addr, "__metrics_path__": "/metrics", "__scheme__": "http", "__scrape_interval__": "1m", "__scrape_timeout__": "10s", "job": pool, "__meta_filepath": "/x/" + pool + "/all.json", "__newer__": "x"}
	public := map[string]string{"instance": addr, "job": pool}
	for name, value := range labels {
		discovered[name], public[name] = value, value
	}
	return map[string]any{"discoveredLabels": discovered, "labels": public, "scrapePool": pool, "scrapeUrl": "http://" + addr + "/metrics",
		"health": health, "lastError": message, "lastScrape": "2026-11-30T20:00:00.5Z", "lastScrapeDuration": 0.25}
}

const webConfig = "scrape_configs:\n- job_name: web\n"

// withFile gives an agent's job web other targets.
func withFile(t *testing.T, a *Agent, body string) {
	t.Helper()
	dir := a.outline.Load().targetsDir
	if err := os.WriteFile(filepath.Join(dir, "web", "all.json"), []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	n := int64(strings.Count(body, ":9"))
	a.outline.Store(&outline{targetsDir: dir, jobs: []outlinedJob{{key: "web", name: "web", files: []apply.File{{Key: "web", Piece: "all", Targets: n}}}},
		withheld: []promfleet.WithheldJob{{Key: "broken", Why: "no such field"}}})
}

func (a *Agent) healthOf(t *testing.T, q promfleet.HealthQuestion) *promfleet.AgentHealth {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer := fitting(a.answerTo(ctx, promfleet.Question{Kind: promfleet.QuestionHealth, Health: &q}))
	if answer.Health == nil {
		t.Fatalf("answer %+v", answer)
	}
	return answer.Health
}

func askedFor(targets ...string) promfleet.HealthQuestion {
	q := promfleet.HealthQuestion{Jobs: []string{"web", "broken"}}
	for _, addr := range targets {
		q.Targets = append(q.Targets, promfleet.AskedTarget{Sum: promfleet.TargetSum(addr, map[string]string{"env": "prod"})})
	}
	return q
}

// What has become of targets that are there, that fail, that are dropped or not, and
// that Prometheus has lost.
func TestHealthOfTargets(t *testing.T) {
	prom := &scripted{config: webConfig, counts: map[string]int64{"web": 1}}
	env := map[string]string{"env": "prod"}
	prom.active = append(prom.active, activeTarget("web", "a:9", "up", "", env),
		activeTarget("web", "b:9", "down", `Get "http://b:9/metrics": dial tcp 10.0.0.2:9: connect: connection refused`, env),
		activeTarget("web", "c:9", "unknown", "", env),
		activeTarget("own", "x:9", "down", "server returned HTTP status 404 Not Found", nil))
	prom.dropped = []map[string]any{{"discoveredLabels": prom.active[0]["discoveredLabels"], "scrapePool": "own"},
		{"discoveredLabels": activeTarget("web", "d:9", "", "", env)["discoveredLabels"], "scrapePool": "web"}}
	a := inquired(t, prom)
	withFile(t, a, `[{"targets":["a:9","b:9","c:9","d:9","e:9"],"labels":{"env":"prod","__meta_promfleet_target_id":"7"}}]`)
	q := askedFor("a:9", "b:9", "c:9", "d:9", "e:9", "f:9")
	q.Targets = append(q.Targets, promfleet.AskedTarget{Job: 1, Sum: "x"}, q.Targets[0])
	h := a.healthOf(t, q)
	want := []promfleet.HealthState{promfleet.HealthUp, promfleet.HealthDown, promfleet.HealthUnknown, promfleet.HealthDropped, promfleet.HealthMissing, promfleet.HealthNotLoaded, promfleet.HealthNotLoaded, promfleet.HealthUp}
	for i, state := range want {
		if i >= len(h.Targets) || h.Targets[i].State != state {
			t.Fatalf("target %d of %+v is not %s", i, h.Targets, state)
		}
	}
	if b := h.Targets[1]; !strings.HasSuffix(b.Error, "10.0.0.2:9: connect: connection refused") || b.At == nil || b.At.Format(time.RFC3339Nano) != "2026-11-30T20:00:00.5Z" || b.Seconds != 0.25 {
		t.Errorf("down: %+v", b)
	}
	if h.Targets[6].Error != "no such field" {
		t.Errorf("of a job that is withheld: %+v", h.Targets[6])
	}
	seen := prom.asked

	// All jobs: those that fail first, the withheld one, and what is no job of the agent's.
	h = a.healthOf(t, promfleet.HealthQuestion{Down: 100})
	var names []string
	for _, j := range h.Jobs {
		names = append(names, j.JobName)
	}
	if !slices.Equal(names, []string{"own", "broken", "web"}) || h.MoreDown != 0 {
		t.Fatalf("jobs %v, %d more down", names, h.MoreDown)
	}
	web := h.Jobs[2]
	if web.Active != 3 || web.Up != 1 || web.Down != 1 || web.Unknown != 1 || web.Dropped != 1 || *web.Missing != 1 || h.Jobs[1].Withheld != "no such field" || h.Jobs[0].Missing != nil {
		t.Errorf("jobs %+v", h.Jobs)
	}
	if len(web.Errors) != 1 || web.Errors[0] != (promfleet.ScrapeErrors{Message: "dial tcp: connect: connection refused", Count: 1, Addr: "b:9"}) {
		t.Errorf("errors %+v", web.Errors)
	}
	if len(h.Down) != 3 || h.Down[0].Addr != "b:9" || h.Down[0].Sum != promfleet.TargetSum("b:9", env) || h.Down[1].Addr != "e:9" || h.Down[1].State != promfleet.HealthMissing || h.Down[2].Job != "" {
		t.Errorf("down %+v", h.Down)
	}
	if h = a.healthOf(t, promfleet.HealthQuestion{Down: 1}); len(h.Down) != 1 || h.MoreDown != 2 {
		t.Errorf("one of those that are down: %+v, %d more", h.Down, h.MoreDown)
	}

	// What was seen answers for a while; not what the agent has changed meanwhile.
	_ = a.healthOf(t, askedFor("a:9"))
	if prom.asked != seen+1 {
		t.Errorf("Prometheus was asked %d times, then %d", seen, prom.asked)
	}
	_ = a.healthOf(t, promfleet.HealthQuestion{Jobs: []string{"web"}}) // by its name, from the look at all
	for range 40 {
		a.healthSeen.keep(&seenPools{at: time.Now(), pools: map[string]*poolHealth{"x": {failed: make([]failedTarget, maxKept/20-1)}}})
	}
	if n := len(a.healthSeen.looks); n != 20 || prom.asked != seen+1 {
		t.Errorf("%d looks are kept, Prometheus was asked %d times", n, prom.asked)
	}
	a.status.setRevisions(2, 2, 1)
	if h = a.healthOf(t, askedFor("e:9")); h.Targets[0].State != promfleet.HealthNotLoaded || prom.asked != seen+2 {
		t.Errorf("while a change is on its way: %+v, asked %d times", h.Targets, prom.asked)
	}
}

// Prometheus before 2.48 says of no dropped target which pool it is of, and shows
// labels after relabelling; newer ones list only so many.
func TestHealthOfOlderPrometheus(t *testing.T) {
	prom := &scripted{config: webConfig + "  relabel_configs:\n  - {source_labels: [__address__], target_label: instance}\n  - {source_labels: [instance], regex: 'gone.*', action: drop}\n  - {target_label: __address__, replacement: 'probe:9'}\n"}
	env := map[string]string{"env": "prod", "instance": "a:9"}
	prom.active = []map[string]any{activeTarget("web", "probe:9", "down", "context deadline exceeded", env)}
	a := inquired(t, prom)
	dir := a.outline.Load().targetsDir
	prom.dropped = []map[string]any{{"discoveredLabels": map[string]string{"__address__": "gone:9", "__meta_filepath": dir + "/web/all.json", "instance": "gone:9"}}}
	withFile(t, a, `[{"targets":["a:9","gone:9"],"labels":{"env":"prod"}}]`)
	h := a.healthOf(t, askedFor("a:9", "gone:9"))
	if h.Targets[0].State != promfleet.HealthDown || h.Targets[1].State != promfleet.HealthDropped {
		t.Errorf("targets %+v", h.Targets)
	}
	if h = a.healthOf(t, promfleet.HealthQuestion{Down: 10}); len(h.Down) != 1 || h.Down[0].Addr != "a:9" || h.Down[0].Sum == "" || *h.Jobs[1].Missing != 0 || h.Jobs[1].Dropped != 1 {
		t.Errorf("down %+v, jobs %+v", h.Down, h.Jobs)
	}
	prom.dropped, prom.counts, a.healthSeen.looks = nil, map[string]int64{"web": 1}, nil
	if h = a.healthOf(t, askedFor("gone:9")); h.Targets[0].State != promfleet.HealthHidden || h.Jobs[1].Dropped != 1 {
		t.Errorf("not listed: %+v, %+v", h.Targets, h.Jobs)
	}
}

// A server that asks for too much, or for what is not there.
func TestHostileHealthQuestions(t *testing.T) {
	a := inquired(t, http.NotFoundHandler())
	for _, h := range []*promfleet.HealthQuestion{nil, {Targets: []promfleet.AskedTarget{{}}}, {Jobs: []string{"web"}, Targets: []promfleet.AskedTarget{{Job: -1}}},
		{Jobs: []string{"web"}, Targets: make([]promfleet.AskedTarget, promfleet.MaxHealthTargets+1)}, {Down: -1}} {
		if answer := a.answerTo(t.Context(), promfleet.Question{Kind: promfleet.QuestionHealth, Health: h}); answer.Error == "" || answer.Health != nil {
			t.Errorf("%+v is answered %+v", h, answer)
		}
	}
	h := a.healthOf(t, promfleet.HealthQuestion{Jobs: []string{"../../etc", "web", "web"}, Targets: []promfleet.AskedTarget{{Sum: "../x"}, {Job: 1, Sum: ""}}, Down: 1 << 30})
	if !strings.Contains(h.Trouble, "404") || len(h.Targets) != 0 || len(h.Jobs) != 0 {
		t.Errorf("without Prometheus: %+v", h)
	}
}

// However much fails, the answer is no larger than a server takes.
func TestLargeHealthFits(t *testing.T) {
	prom := &scripted{config: webConfig}
	long := strings.Repeat("\x02", 3000)
	for i := range 2400 {
		prom.active = append(prom.active, activeTarget(fmt.Sprintf("pool%d", i%1200), fmt.Sprintf("a%d:9", i), "down", fmt.Sprint(i, long), map[string]string{"password": "http://u:hunter2@x/"}))
	}
	a := inquired(t, prom)
	h := a.healthOf(t, promfleet.HealthQuestion{Down: 1000})
	body, err := json.Marshal(promfleet.Answer{Health: h})
	if err != nil || len(body) > promfleet.MaxAnswer {
		t.Fatalf("%d bytes, error %v", len(body), err)
	}
	if len(h.Jobs) != promfleet.MaxHealthJobs || h.MoreJobs != 201 || int64(len(h.Down))+h.MoreDown != 2400+1 { // and web, which has lost its target
		t.Errorf("%d jobs and %d more, %d down and %d more", len(h.Jobs), h.MoreJobs, len(h.Down), h.MoreDown)
	}
	if strings.Contains(string(body), "hunter2") {
		t.Error("a password is told")
	}
}

// Failures that are alike are counted together.
func TestCommonMessage(t *testing.T) {
	for _, tt := range []struct{ message, want string }{
		{`Get "http://web.example:9100/metrics": dial tcp 10.0.0.1:9100: connect: connection refused`, "dial tcp: connect: connection refused"},
		{`Get "http://web.example:9100/metrics": dial tcp: lookup web.example on 127.0.0.53:53: no such host`, "dial tcp: lookup: no such host"},
		{`Get "http://web.example:9100/metrics": read tcp 127.0.0.1:44544->10.0.0.1:9100: read: connection reset by peer`, "read tcp: read: connection reset by peer"},
		{`Get "https://web.example:9100/metrics": tls: failed to verify certificate: x509: certificate is valid for a.example, not web.example`, "tls: failed to verify certificate: x509: certificate is valid for a.example, not …"},
		{"context deadline exceeded", "context deadline exceeded"},
		{"server returned HTTP status 503 Service Unavailable", "server returned HTTP status 503 Service Unavailable"},
		{"", ""},
	} {
		if got := commonMessage(tt.message, "http://web.example:9100/metrics", "web.example:9100"); got != tt.want {
			t.Errorf("%s\n is %q, want %q", tt.message, got, tt.want)
		}
	}
	if got := commonMessage("server returned HTTP status 500", "http://server/metrics", "server"); got != "server returned HTTP status 500" {
		t.Errorf("a host that is a word: %q", got)
	}
}

// A pool of 100,000 costs the agent no more than explain has it cost, and who asks
// next is answered at once.
func TestHealthOfLargePool(t *testing.T) {
	targets := 100_000
	if raced { // make test takes all of them without the race detector
		targets = 10_000
	}
	file, addrs := filepath.Join(t.TempDir(), "targets.json"), make([]string, targets)
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(out, `{"status":"success","data":{"activeTargets":[`)
	for i := range addrs {
		addrs[i] = fmt.Sprintf("10.%d.%d.%d:9100", i>>16, i>>8&255, i&255)
		state, message := "up", ""
		if i%10 == 0 {
			state, message = "down", `Get "http://`+addrs[i]+`/metrics": dial tcp `+addrs[i]+`: connect: connection refused`
		}
		if i > 0 {
			_, _ = io.WriteString(out, ",")
		}
		_ = json.NewEncoder(out).Encode(activeTarget("web", addrs[i], state, message, map[string]string{"env": "prod"}))
	}
	_, _ = io.WriteString(out, `],"droppedTargets":[],"droppedTargetCounts":{}}}`)
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	prom := &scripted{config: webConfig}
	a := inquired(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/targets" {
			http.ServeFile(w, r, file)
			return
		}
		prom.ServeHTTP(w, r)
	}))
	body, err := json.Marshal([]map[string]any{{"targets": addrs, "labels": map[string]string{"env": "prod"}}})
	if err != nil {
		t.Fatal(err)
	}
	withFile(t, a, string(body))
	var m0, m1 runtime.MemStats
	timed := func(what string, do func()) time.Duration {
		runtime.GC()
		runtime.ReadMemStats(&m0)
		start := cpuTime(t)
		do()
		took := cpuTime(t) - start
		runtime.ReadMemStats(&m1)
		t.Logf("FIGURE of a pool of %d: %s takes %s of CPU and allocates %d MB", targets, what, took.Round(time.Millisecond), (m1.TotalAlloc-m0.TotalAlloc)>>20)
		return took
	}
	explain := timed("explain", func() { _ = a.explain(t.Context(), promfleet.ExplainQuestion{Addr: addrs[5], Job: "web"}) })
	jobs := timed("health of jobs", func() {
		h := a.healthOf(t, promfleet.HealthQuestion{Down: 100})
		web := h.Jobs[1]
		all := int64(targets)
		if web.Up != all*9/10 || web.Down != all/10 || len(h.Down) != 100 || h.MoreDown != all/10-100 || len(web.Errors) != 1 || *web.Missing != 0 {
			t.Errorf("%+v", web)
		}
	})
	q := promfleet.HealthQuestion{Jobs: []string{"web"}}
	nth := func(i int) int { return i * (targets/promfleet.MaxHealthTargets + 1) % targets }
	for i := range promfleet.MaxHealthTargets {
		q.Targets = append(q.Targets, promfleet.AskedTarget{Sum: promfleet.TargetSum(addrs[nth(i)], map[string]string{"env": "prod"})})
	}
	ask := func() {
		for i, s := range a.healthOf(t, q).Targets {
			if want := map[bool]promfleet.HealthState{true: promfleet.HealthDown, false: promfleet.HealthUp}[nth(i)%10 == 0]; s.State != want {
				t.Fatalf("target %d is %s", i, s.State)
			}
		}
	}
	single := timed("health of 500 targets", ask)
	next := timed("and of 500 again", ask)
	// The race detector costs the one more than the other.
	if most := 3 * explain; !raced && (jobs > most || single > most || next > explain) {
		t.Errorf("explain takes %s, health of jobs %s, of targets %s, again %s", explain, jobs, single, next)
	}
	runtime.GC()
	runtime.ReadMemStats(&m1)
	kept := m1.HeapInuse
	a.healthSeen.looks = nil
	runtime.GC()
	runtime.ReadMemStats(&m1)
	t.Logf("FIGURE for the next 10 s %d MB are kept", (int64(kept)-int64(m1.HeapInuse))>>20)
}

// cpuTime is what this process has used: others may use the machine too.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// However many targets relabelling drops, no more are kept than there is room for,
// and what is asked for is found among them.
func TestHealthOfManyDropped(t *testing.T) {
	prom := &scripted{config: webConfig + "  relabel_configs:\n  - {source_labels: [__address__], regex: 'gone.*', action: drop}\n"}
	labels := map[string]string{"__address__": "x:9"}
	for range maxKept + 10 {
		prom.dropped = append(prom.dropped, map[string]any{"discoveredLabels": labels, "scrapePool": "web"})
	}
	for i, d := range prom.dropped[:maxKept+9] {
		d["discoveredLabels"] = map[string]string{"__address__": fmt.Sprintf("x%d:9", i)}
	}
	prom.dropped[maxKept+9]["discoveredLabels"] = map[string]string{"__address__": "gone:9", "__meta_filepath": "/x/web/all.json"}
	a := inquired(t, prom)
	withFile(t, a, `[{"targets":["gone:9","lost:9"],"labels":{"env":"prod"}}]`)
	h := a.healthOf(t, askedFor("gone:9"))
	if h.Targets[0].State != promfleet.HealthDropped {
		t.Errorf("targets %+v", h.Targets)
	}
	web := a.healthSeen.looks[0].pools["web"]
	if n := len(web.gone); n > maxKept+2 || !web.partial || web.dropped != maxKept+10 {
		t.Errorf("%d are kept of %d, partial: %t", n, web.dropped, web.partial)
	}
}

// A configuration that cannot be read is asked for once, whatever the number of jobs.
func TestHealthWithoutConfig(t *testing.T) {
	prom, configs := &scripted{config: "scrape_configs: 7"}, 0
	a := inquired(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/status/config" {
			configs++
		}
		prom.ServeHTTP(w, r)
	}))
	o := *a.outline.Load()
	for _, key := range []string{"b", "c", "d"} {
		o.jobs = append(o.jobs, outlinedJob{key: key, name: key, files: []apply.File{{Key: key, Piece: "all", Targets: 1}}})
	}
	a.outline.Store(&o)
	if h := a.healthOf(t, promfleet.HealthQuestion{Down: 10}); len(h.Jobs) != 4 || h.Jobs[0].Missing != nil || configs != 1 {
		t.Errorf("%+v, asked for %d times", h.Jobs, configs)
	}
}

// When the time is over, what is not known is said to be, and who asks next is told.
func TestHealthInNoTime(t *testing.T) {
	prom, stop := &scripted{config: webConfig}, func() {}
	prom.active = append(prom.active, activeTarget("web", "a:9", "up", "", map[string]string{"env": "prod"}))
	a := inquired(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/status/config" {
			stop()
		}
		prom.ServeHTTP(w, r)
	}))
	withFile(t, a, `[{"targets":["a:9","b:9"],"labels":{"env":"prod"}}]`)
	ctx, cancel := context.WithCancel(t.Context())
	stop = cancel
	q := promfleet.HealthQuestion{Jobs: []string{"web"}, Down: 10}
	if h := a.health(ctx, q); len(h.Jobs) != 1 || h.Jobs[0].Missing != nil || h.Jobs[0].Up != 1 || len(h.Down) != 0 {
		t.Errorf("%+v", h)
	}
	stop = func() {}
	if h := a.health(t.Context(), q); h.Jobs[0].Missing == nil || *h.Jobs[0].Missing != 1 || prom.asked != 1 {
		t.Errorf("%+v, Prometheus was asked %d times", h, prom.asked)
	}
	if h := a.health(ctx, askedFor("a:9", "b:9")); len(h.Targets) != 2 || h.Targets[0].State != promfleet.HealthNotKnown || h.Targets[1].Error == "" {
		t.Errorf("%+v", h)
	}
}

// What was seen is let go of also if nobody asks again.
func TestHealthIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &healthSeen{}
		h.Lock() // as who keeps has it
		h.keep(&seenPools{at: time.Now()})
		h.Unlock()
		time.Sleep(healthKept + time.Second)
		h.Lock()
		defer h.Unlock()
		if len(h.looks) != 0 {
			t.Error("it is still kept")
		}
	})
}

// Messages that all differ take no more room than there is.
func TestHealthMessagesAreBounded(t *testing.T) {
	prom := &scripted{config: webConfig}
	long := strings.Repeat("x", 900)
	for i := range 9000 {
		prom.active = append(prom.active, activeTarget(fmt.Sprintf("pool%d", i%50), fmt.Sprintf("a%d:9", i), "down", fmt.Sprint(i, long), nil))
	}
	a := inquired(t, prom)
	h := a.healthOf(t, promfleet.HealthQuestion{})
	messages, down := 0, int64(0)
	for _, p := range a.healthSeen.looks[0].pools {
		down += p.down
		for m := range p.messages {
			messages += len(m)
		}
	}
	if messages > maxKeptText || down != 9000 || h.MoreDown < 9000 {
		t.Errorf("%d bytes of messages, %d down, %d told", messages, down, h.MoreDown)
	}
}
