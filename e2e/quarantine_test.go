package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

const everySecond = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"

func (h *host) job(key, scrapeConfig string, targets ...string) promfleet.Job {
	h.t.Helper()
	in := promfleet.JobInput{Node: h.uuid, Key: key}
	if scrapeConfig != "" {
		in.ScrapeConfig = json.RawMessage(scrapeConfig)
	}
	job, err := h.plane.Jobs().Create(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, addr := range targets {
		if _, err := h.plane.Targets().Create(h.t.Context(), promfleet.TargetInput{Job: job.ID, Addr: addr}); err != nil {
			h.t.Fatal(err)
		}
	}
	return job
}

func (h *host) patch(job promfleet.Job, scrapeConfig map[string]any) {
	h.t.Helper()
	if _, err := h.plane.Jobs().Patch(h.t.Context(), strconv.FormatInt(job.ID, 10), "", map[string]any{"scrape_config": scrapeConfig}); err != nil {
		h.t.Fatal(err)
	}
}

// quarantined waits until the node says that of a job, and gives its words.
func (h *host) quarantined(words ...string) string {
	h.t.Helper()
	var status promfleet.NodeStatus
	h.proc.WaitFor(h.t, "the node is quarantined: "+strings.Join(words, ", "), func() bool {
		n, _, err := h.plane.Nodes().Get(h.t.Context(), h.uuid)
		if err != nil {
			return false
		}
		status = n.Status
		missing := func(w string) bool { return !strings.Contains(status.LastError, w) }
		return status.State == promfleet.StateQuarantined && !slices.ContainsFunc(words, missing)
	})
	return status.LastError
}

// awaitUp waits until a target of a job is up.
func (h *host) awaitUp(job, instance string) {
	h.t.Helper()
	proctest.WaitFor(h.t, instance+" of job "+job+" is up", func() bool { return h.active(job)[instance].Health == "up" })
}

// An older Prometheus does not know a field that the library accepts: the job is
// rolled back and named, and nothing else notices.
func TestQuarantine(t *testing.T) {
	p := startPlane(t)
	h := newHost(t, p, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), everySecond, "--sync.interval", "1s")
	h.start()
	addr, other := strings.TrimPrefix(h.prometheus, "http://"), strings.TrimPrefix(p.url, "http://")
	good := h.job("good", "", addr)
	stays := h.job("stays", `{"scrape_interval":"1s"}`, addr)
	h.settled(promfleet.StateInSync)
	h.awaitUp("good", addr)
	h.awaitUp("stays", addr)

	// A new one, and one that was there before.
	loads, start := h.loads(), time.Now()
	h.patch(stays, map[string]any{"scrape_interval": "1s", "keep_dropped_targets": 10})
	h.quarantined("job stays is quarantined: field keep_dropped_targets not found")
	t.Logf("%d reloads and %s to quarantine a changed job", h.loads()-loads, time.Since(start).Round(time.Millisecond))
	if n := h.loads() - loads; n != 2 {
		t.Errorf("%d reloads, want that which was refused and the one back", n)
	}
	loads, start = h.loads(), time.Now()
	bad := h.job("bad", `{"scrape_protocols":["PrometheusText0.0.4"]}`, addr)
	t.Logf("last_error: %s", h.quarantined("job bad is quarantined: field scrape_protocols not found", "job stays is quarantined"))
	t.Logf("%d reloads and %s to quarantine a new job", h.loads()-loads, time.Since(start).Round(time.Millisecond))
	if ok := metric(t, h.prometheus, "prometheus_config_last_reload_successful", nil); ok != 1 {
		t.Error("Prometheus was left with a failed reload")
	}

	// Meanwhile target edits go through without a reload, and another job ships.
	loads = h.loads()
	for _, job := range []promfleet.Job{good, stays} {
		if _, err := p.Targets().Create(t.Context(), promfleet.TargetInput{Job: job.ID, Addr: other}); err != nil {
			t.Fatal(err)
		}
		h.awaitUp(job.Key, other)
	}
	if n := h.loads() - loads; n != 0 {
		t.Errorf("target edits cost %d reloads", n)
	}
	h.job("another", "", addr)
	h.awaitUp("another", addr)
	if n := h.loads() - loads; n != 1 {
		t.Errorf("another job cost %d reloads, want 1", n)
	}

	// A restart of either does not try the bad ones again.
	loads = h.loads()
	h.proc.Stop(t)
	h.start()
	h.quarantined("bad", "stays")
	if n := h.loads() - loads; n != 0 {
		t.Errorf("a restart of the agent cost %d reloads", n)
	}

	start = time.Now()
	h.patch(bad, map[string]any{"scrape_protocols": nil})
	h.patch(stays, map[string]any{"scrape_interval": "1s", "keep_dropped_targets": nil})
	h.settled(promfleet.StateInSync)
	t.Logf("healed after %s and %d reloads", time.Since(start).Round(time.Millisecond), h.loads()-loads)
	h.awaitUp("bad", addr)
	h.noGap("good", addr)
	h.noGap("stays", addr)
}

// Prometheus reads a configuration and cannot apply it, and says not of which job:
// that is found by trials.
func TestQuarantineWithoutWords(t *testing.T) {
	p := startPlane(t)
	h := newHost(t, p, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), everySecond, "--sync.interval", "1s")
	h.start()
	addr := strings.TrimPrefix(h.prometheus, "http://")
	h.job("good", "", addr)
	const n = 16
	var jobs []promfleet.Job
	for i := range n {
		jobs = append(jobs, h.job(fmt.Sprintf("job%02d", i), "", addr))
	}
	h.settled(promfleet.StateInSync)
	h.awaitUp("good", addr)
	h.awaitUp("job11", addr)

	// All in one step: while no agent looks.
	h.proc.Stop(t)
	if err := os.WriteFile(filepath.Join(h.dir, "ca.pem"), []byte("no certificate"), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, job := range jobs {
		if i == 11 {
			h.patch(job, map[string]any{"tls_config": map[string]any{"ca_file": "ca.pem"}})
		} else {
			h.patch(job, map[string]any{"honor_labels": true})
		}
	}
	loads, start := h.loads(), time.Now()
	h.start()
	t.Logf("last_error: %s", h.quarantined("job job11 is quarantined: "))
	t.Logf("%d reloads and %s to find 1 of %d", h.loads()-loads, time.Since(start).Round(time.Millisecond), n)
	if spent := h.loads() - loads; spent > 2*4+2+1 {
		t.Errorf("%d reloads", spent)
	}
	_, running := get(h.prometheus + "/api/v1/status/config")
	if got := strings.Count(string(running), "honor_labels: true"); got != n-1 {
		t.Errorf("%d of %d changes are loaded", got, n-1)
	}
	h.patch(jobs[11], map[string]any{"tls_config": nil})
	h.settled(promfleet.StateInSync)
	h.noGap("good", addr)
	h.noGap("job11", addr)
}

// A reload that goes well, and a job that is not there after it: its CA file is
// bad. It is never in sync, and the rest is loaded without it.
func TestQuarantineNoPool(t *testing.T) {
	p := startPlane(t)
	h := newHost(t, p, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), everySecond, "--sync.interval", "1s")
	h.start()
	addr := strings.TrimPrefix(h.prometheus, "http://")
	good := h.job("good", "", addr)
	h.settled(promfleet.StateInSync)
	h.awaitUp("good", addr)
	ca := filepath.Join(h.dir, "ca.pem")
	if err := os.WriteFile(ca, []byte("no certificate"), 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	h.job("bad", `{"tls_config":{"ca_file":"ca.pem"}}`, addr)
	t.Logf("last_error: %s", h.quarantined("job bad is quarantined: it has no scrape pool"))
	t.Logf("said after %s", time.Since(start).Round(time.Millisecond))
	h.job("another", "", addr)
	h.awaitUp("another", addr)
	h.quarantined("job bad is quarantined: it has no scrape pool")

	// The file is mended. Prometheus sees that when its discovery has news.
	loads := h.loads()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Targets().Create(t.Context(), promfleet.TargetInput{Job: good.ID, Addr: strings.TrimPrefix(p.url, "http://")}); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
	h.awaitUp("bad", addr)
	if n := h.loads() - loads; n != 0 {
		t.Errorf("a mended file cost %d reloads", n)
	}
	h.noGap("good", addr)
}
