package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"promfleet"
	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/proctest"
)

// loads is how often the host's Prometheus has begun to load its configuration, by
// whatever way: its log says so.
func (h *host) loads() int {
	return strings.Count(h.prom.Output.String(), "Loading configuration file")
}

// reloadsOnceAndGoesBack is the promise of each reload method: a job change is one
// reload, and one that Prometheus refuses is undone, on disk and in the process.
// The node then shows why, whether the way of reloading brings an answer or not:
// Prometheus has its promtool beside it.
func reloadsOnceAndGoesBack(t *testing.T, h *host) {
	t.Helper()
	ctx := t.Context()
	h.start()
	h.settled(promfleet.StateInSync)
	job, err := h.plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "good"})
	if err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)

	loads := h.loads()
	if _, err := h.plane.Jobs().Patch(ctx, fmt.Sprint(job.ID), "", map[string]any{"scrape_config": map[string]any{"honor_labels": true}}); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
	if n := h.loads() - loads; n != 1 {
		t.Errorf("a job change cost %d reloads, want 1", n)
	}
	if _, running := get(h.prometheus + "/api/v1/status/config"); !strings.Contains(string(running), "honor_labels: true") {
		t.Errorf("Prometheus runs: %s", running)
	}

	// 2.42 does not know this field; the linked library does.
	yml := readFile(h.config())
	loads = h.loads()
	bad, err := h.plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "bad", ScrapeConfig: json.RawMessage(`{"scrape_protocols":["PrometheusText0.0.4"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateQuarantined)
	if n, _, err := h.plane.Nodes().Get(ctx, h.uuid); err != nil || !strings.Contains(n.Status.LastError, "job bad is quarantined: field scrape_protocols not found") {
		t.Errorf("the node's status does not say it: %+v, error %v", n.Status, err)
	}
	if now := readFile(h.config()); now != yml {
		t.Errorf("prometheus.yml after a refused reload is %s", now)
	}
	if ok := metric(t, h.prometheus, "prometheus_config_last_reload_successful", nil); ok != 1 {
		t.Error("Prometheus was left with a failed reload")
	}
	if n := h.loads() - loads; n != 2 {
		t.Errorf("a refused change cost %d reloads, want it and the one back", n)
	}
	if err := h.plane.Jobs().Delete(ctx, fmt.Sprint(bad.ID), ""); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
}

// By an nginx that wants a password.
func TestReloadThroughNginx(t *testing.T) {
	h := newHost(t, startPlane(t), proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), globalSection, "--sync.interval", "1s")
	n := reloadtest.StartNginx(t, h.prometheus, reloadtest.Front{User: "agent", Password: "secret"})
	httpConfig := filepath.Join(t.TempDir(), "http.yml")
	if err := os.WriteFile(httpConfig, []byte("basic_auth: {username: agent, password: secret}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.args = append(h.args, "--reload.url", n.URL+"/-/reload", "--reload.http-config-file", httpConfig)
	reloadsOnceAndGoesBack(t, h)
}

// By systemd, over a real bus.
func TestReloadBySystemd(t *testing.T) {
	manager := reloadtest.StartSystemd(t, reloadtest.StartBus(t))
	h := newHost(t, startPlane(t), proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), globalSection, "--sync.interval", "1s",
		"--reload.method", "systemd", "--reload.unit", "prometheus@main")
	manager.Set("prometheus@main.service", reloadtest.Unit{Reload: func() error { return h.prom.Signal(syscall.SIGHUP) }})
	reloadsOnceAndGoesBack(t, h)
	if jobs, loads := manager.Jobs(), h.loads()-1; jobs != loads {
		t.Errorf("%d jobs, %d reloads", jobs, loads)
	}
}

// By SIGHUP to the process of a pid file.
func TestReloadBySignal(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "prometheus.pid")
	h := newHost(t, startPlane(t), proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), globalSection, "--sync.interval", "1s",
		"--reload.method", "signal", "--reload.pid-file", pidFile)
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(h.prom.Pid)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	reloadsOnceAndGoesBack(t, h)
}

// A Prometheus that reloads by itself is not reloaded by the agent too.
func TestPrometheusReloadsByItself(t *testing.T) {
	ctx := t.Context()
	h := newHost(t, startPlane(t), "", globalSection, "--sync.interval", "1s")
	h.startPrometheus(proctest.Part(t, "PROMFLEET_PROMETHEUS_CURRENT"), "--config.auto-reload", "--config.auto-reload-interval=2s")
	h.start()
	h.settled(promfleet.StateInSync)
	loads := h.loads()
	if _, err := h.plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "node"}); err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the node says what it waits for", func() bool {
		n, _, err := h.plane.Nodes().Get(ctx, h.uuid)
		return err == nil && n.Status.State == promfleet.StateApplying && strings.Contains(n.Status.LastError, "--config.auto-reload")
	})
	h.settled(promfleet.StateInSync)
	if n := h.loads() - loads; n != 1 || h.reloads() != 0 {
		t.Errorf("a job change cost %d reloads, want 1; %v were asked for", n, h.reloads())
	}
	if s := metric(t, h.agent, "promfleet_agent_prometheus_auto_reload_interval_seconds", nil); s != 2 {
		t.Errorf("the agent's metrics say %v", s)
	}
	if n := strings.Count(h.proc.Output.String(), "reloads by itself (--config.auto-reload)"); n != 1 {
		t.Errorf("said %d times in the log", n)
	}
}
