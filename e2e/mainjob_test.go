package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

// prometheuses are those that every promise must hold with: one older than the
// linked library and one of its version.
var prometheuses = []struct{ name, env string }{
	{"debian", "PROMFLEET_PROMETHEUS_DEBIAN"},
	{"current", "PROMFLEET_PROMETHEUS_CURRENT"},
}

const globalSection = "# kept by the agent\nglobal:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n"

func TestMainJob(t *testing.T) {
	for _, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) { mainJob(t, proctest.Part(t, p.env)) })
	}
}

func mainJob(t *testing.T, prometheus string) {
	ctx := t.Context()
	exporter := proctest.FreeAddr(t)
	proctest.Start(t, proctest.Part(t, "PROMFLEET_NODE_EXPORTER"), "--web.listen-address", exporter, "--collector.disable-defaults", "--collector.loadavg")
	proctest.WaitFor(t, "the exporter answers", isUp("http://"+exporter+"/metrics"))
	plane := startPlane(t)
	h := newHost(t, plane, prometheus, globalSection, "--sync.interval", "1s")
	h.start()
	h.settled(promfleet.StateInSync)

	// A job and a target over the API are scraped.
	job, err := plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "node", Remark: "machines"})
	if err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
	reloads := h.reloads()
	created := time.Now()
	target, err := plane.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: exporter, Name: "this machine", Labels: map[string]string{"env": "测试"}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(h.targets(), "node", "all.json")
	proctest.WaitFor(t, "the target file is written", func() bool {
		b, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(b), exporter)
	})
	written := time.Now()
	proctest.WaitFor(t, "the target is up", func() bool { return h.active("node")[exporter].Health == "up" })
	scraped := time.Now()
	proctest.WaitFor(t, "the sample is stored", func() bool { v, _ := h.query(`up{job="node",env="测试"}`); return v == "1" })
	ours, theirs := written.Sub(created), scraped.Sub(written)
	t.Logf("FIGURE API call to file on disk %v, file to first scrape %v: ours is %.1f %%", ours, theirs, 100*float64(ours)/float64(ours+theirs))
	h.settled(promfleet.StateInSync)
	if n := h.reloads(); n != reloads {
		t.Errorf("a new target cost %v reloads, want none", n-reloads)
	}

	// A job change: exactly one reload, seen loaded.
	if _, err := plane.Jobs().Patch(ctx, fmt.Sprint(job.ID), "", map[string]any{"scrape_config": map[string]any{"honor_labels": true}}); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
	if n := h.reloads(); n != reloads+1 {
		t.Errorf("a job change cost %v reloads, want 1", n-reloads)
	}
	_, running := get(h.prometheus + "/api/v1/status/config")
	if !strings.Contains(string(running), "honor_labels: true") {
		t.Errorf("Prometheus runs: %s", running)
	}

	// A target change: its file and nothing else.
	before := h.snapshot()
	if _, err := plane.Targets().Patch(ctx, fmt.Sprint(target.ID), "", map[string]any{"labels": map[string]any{"env": "prod"}}); err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the label changed", func() bool { return h.active("node")[exporter].Labels["env"] == "prod" })
	h.settled(promfleet.StateInSync)
	if n := h.reloads(); n != reloads+1 {
		t.Errorf("a target change cost %v reloads, want none", n-reloads-1)
	}
	changed := h.rewritten(before, h.snapshot())
	changed = slices.DeleteFunc(changed, isDirectory(h))
	if !slices.Equal(changed, []string{"targets.d/node/all.json"}) {
		t.Errorf("a target change rewrote %v, want its file only", changed)
	}

	// A remark, and 20 syncs without a change: nothing at all.
	before = h.snapshot()
	if _, err := plane.Targets().Patch(ctx, fmt.Sprint(target.ID), "", map[string]any{"remark": "rack 3"}); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.Jobs().Patch(ctx, fmt.Sprint(job.ID), "", map[string]any{"remark": "all machines"}); err != nil {
		t.Fatal(err)
	}
	syncs := metric(t, h.agent, "promfleet_agent_syncs_total", nil)
	proctest.WaitFor(t, "20 more syncs", func() bool { return metric(t, h.agent, "promfleet_agent_syncs_total", nil) >= syncs+20 })
	if after := h.snapshot(); !maps.Equal(before, after) {
		t.Errorf("20 syncs without a change rewrote %v", h.rewritten(before, after))
	}
	if n := h.reloads(); n != reloads+1 {
		t.Errorf("20 syncs without a change cost %v reloads, want none", n-reloads-1)
	}

	// The agent's restart: nothing written, nothing reloaded, still in sync.
	h.proc.Stop(t)
	h.start()
	h.settled(promfleet.StateInSync)
	if n := h.reloads(); n != reloads+1 {
		t.Errorf("a restart of the agent cost %v reloads, want none", n-reloads-1)
	}
	after := h.snapshot()
	if changed := slices.DeleteFunc(h.rewritten(before, after), isDirectory(h)); len(changed) > 0 {
		t.Errorf("a restart of the agent rewrote %v", changed)
	}

	// What is deleted is scraped no more, and its files go.
	if err := plane.Jobs().Delete(ctx, fmt.Sprint(job.ID), ""); err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the job is gone from Prometheus", func() bool { return len(h.active("node")) == 0 })
	h.settled(promfleet.StateInSync)
	if _, err := os.Stat(filepath.Join(h.targets(), "node")); !os.IsNotExist(err) {
		t.Errorf("the files of a deleted job are left: %v", err)
	}
	yml, err := os.ReadFile(h.config())
	if err != nil || !strings.Contains(string(yml), "# kept by the agent") || !strings.Contains(string(yml), "scrape_interval: 1s") {
		t.Errorf("prometheus.yml is now %q (%v)", yml, err)
	}
}

func isDirectory(h *host) func(string) bool {
	return func(rel string) bool {
		info, err := os.Stat(filepath.Join(h.dir, rel))
		return err == nil && info.IsDir()
	}
}

// One run of --once leaves the node applied, for cron.
func TestOnce(t *testing.T) {
	plane := startPlane(t)
	h := newHost(t, plane, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), globalSection)
	p := proctest.Start(t, proctest.Part(t, "PROMFLEET_BIN"), append(h.args, "--once")...)
	<-p.Done
	if p.Err != nil {
		t.Fatalf("agent --once: %v\n%s", p.Err, p.Output.String())
	}
	nodes, err := plane.Nodes().List(t.Context(), nil)
	if err != nil || nodes.Total != 1 || nodes.Items[0].Status.State != promfleet.StateInSync {
		t.Errorf("nodes after --once: %+v, error %v", nodes, err)
	}
}

// A rejected reload leaves the last good configuration on disk and running.
func TestRejectedByOlderPrometheus(t *testing.T) {
	ctx := t.Context()
	plane := startPlane(t)
	h := newHost(t, plane, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), globalSection, "--sync.interval", "1s")
	h.start()
	h.settled(promfleet.StateInSync)
	if _, err := plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "good"}); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
	yml, err := os.ReadFile(h.config())
	if err != nil {
		t.Fatal(err)
	}
	// 2.42 does not know this field; the linked library does.
	bad, err := plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "bad", ScrapeConfig: json.RawMessage(`{"scrape_protocols":["PrometheusText0.0.4"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateQuarantined)
	n, _, err := plane.Nodes().Get(ctx, h.uuid)
	if err != nil || !strings.Contains(n.Status.LastError, "scrape_protocols") || n.Status.RevisionApplied >= n.Status.RevisionWanted {
		t.Errorf("status %+v, error %v", n.Status, err)
	}
	if now, err := os.ReadFile(h.config()); err != nil || string(now) != string(yml) {
		t.Errorf("prometheus.yml after a rejected reload is %s (%v)", now, err)
	}
	if ok := metric(t, h.prometheus, "prometheus_config_last_reload_successful", nil); ok != 1 {
		t.Error("Prometheus was left with a failed reload")
	}
	if err := plane.Jobs().Delete(ctx, fmt.Sprint(bad.ID), ""); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
}
