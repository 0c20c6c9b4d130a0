package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

const emptyConfig = "global: {scrape_interval: 1m}\n"

// again starts the server once more on its address and data.
func (p *plane) again(t *testing.T, dir string) {
	t.Helper()
	p.proc = proctest.Start(t, proctest.Part(t, "PROMFLEET_BIN"), "server", "--storage.path", dir, "--web.listen-address", strings.TrimPrefix(p.url, "http://"))
	p.proc.WaitFor(t, "the server is ready", isUp(p.url+"/-/ready"))
}

// kill ends a process as nobody can catch it.
func kill(p *proctest.Process) {
	_ = p.Kill()
	<-p.Done
}

// restart starts the agent again, with no server to register with.
func (h *host) restart() {
	h.t.Helper()
	h.proc = proctest.Start(h.t, proctest.Part(h.t, "PROMFLEET_BIN"), h.args...)
	h.proc.WaitFor(h.t, "the agent's pages are there", isUp(h.agent+"/-/healthy"))
}

// selfJob has the host's Prometheus scrape itself, every second.
func (h *host) selfJob(config string) (promfleet.Job, promfleet.TargetInput) {
	h.t.Helper()
	job, err := h.plane.Jobs().Create(h.t.Context(), promfleet.JobInput{Node: h.uuid, Key: "self", ScrapeConfig: json.RawMessage(config)})
	if err != nil {
		h.t.Fatal(err)
	}
	target := promfleet.TargetInput{Job: job.ID, Addr: strings.TrimPrefix(h.prometheus, "http://")}
	if _, err := h.plane.Targets().Create(h.t.Context(), target); err != nil {
		h.t.Fatal(err)
	}
	return job, target
}

// scraped tells whether the host's Prometheus has scraped itself since a time.
func (h *host) scraped(since time.Time) func() bool {
	return func() bool {
		for _, t := range h.active("self") {
			if t.Health == "up" && t.LastScrape.After(since) {
				return true
			}
		}
		return false
	}
}

// TestAgentAlone: the server is killed for good; the agent and Prometheus are started
// again without it, files are damaged: scraping goes on.
func TestAgentAlone(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	token := command(t, "admin", "token", "create", "--role", "admin", "--name", "e2e", "--storage.path", dir)
	p := runPlane(t, dir, token)
	prometheus := proctest.Part(t, "PROMFLEET_PROMETHEUS_CURRENT")
	h := newHost(t, p, prometheus, emptyConfig, "--sync.interval", "1s")
	h.start()
	_, target := h.selfJob(`{"scrape_interval":"1s","basic_auth":{"username":"u","password":"ourPassword"}}`)
	h.settled(promfleet.StateInSync)
	proctest.WaitFor(t, "up", h.scraped(time.Now()))
	targetFile := filepath.Join(h.targets(), "self", "all.json")
	yml, targets := readFile(h.config()), readFile(targetFile)

	ready := func() string {
		status, body := get(h.agent + "/-/ready")
		if status != http.StatusOK {
			return ""
		}
		return string(body)
	}
	kill(p.proc)
	proctest.WaitFor(t, "the agent says that the server is away", func() bool {
		return strings.Contains(ready(), "server: "+p.url+" is not reachable since 20")
	})
	kill(h.proc)
	if err := os.WriteFile(targetFile, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h.restart()
	h.proc.WaitFor(t, "the damaged target file is put right", func() bool { return readFile(targetFile) == targets })
	h.proc.WaitFor(t, "the agent is ready without its server", func() bool {
		text := ready()
		return strings.Contains(text, "promfleet agent is ready.\nstate: in_sync\n") && strings.Contains(text, ", next try at 20")
	})
	h.noGap("self", target.Addr)
	t.Logf("ready without a server:\n%s", ready())

	// Prometheus goes too, and somebody damages what it would start with.
	h.prom.Stop(t)
	if err := os.WriteFile(h.config(), []byte("hand: edited\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.proc.WaitFor(t, "prometheus.yml is put right", func() bool { return readFile(h.config()) == yml })
	h.proc.WaitFor(t, "the agent says that Prometheus is not seen", func() bool { return strings.Contains(ready(), "state: written: ") })
	h.startPrometheus(prometheus)
	proctest.WaitFor(t, "up after Prometheus's restart", h.scraped(time.Now()))
	h.proc.WaitFor(t, "in sync", func() bool { return strings.Contains(ready(), "state: in_sync\n") })
	for name, labels := range map[string]map[string]string{
		"promfleet_agent_state":                      {"state": "in_sync"},
		"promfleet_agent_revision":                   {"stage": "loaded"},
		"promfleet_agent_next_try_timestamp_seconds": {"what": "server"},
		"promfleet_agent_sync_failures_total":        {"reason": "unreachable"},
		"promfleet_agent_drift_repairs_total":        nil,
	} {
		if metric(t, h.agent, name, labels) < 1 {
			t.Errorf("%s%v is 0", name, labels)
		}
	}

	// The server comes back: what happened is told, and what is new arrives.
	p.again(t, dir)
	target.Addr, target.Name = "127.0.0.1:1", "second"
	if _, err := p.Targets().Create(ctx, target); err != nil {
		t.Fatal(err)
	}
	h.settled(promfleet.StateInSync)
	proctest.WaitFor(t, "the new target is loaded", func() bool { return len(h.active("self")) == 2 })
	n := h.status(ctx)
	all := strings.Join(n.Notices, "\n")
	for _, words := range []string{h.config() + " was changed by hand; it was put right 20", "+hand: <not shown>", targetFile + " was changed by hand; it was put right"} {
		if !strings.Contains(all, words) {
			t.Errorf("the notices lack %q:\n%s", words, all)
		}
	}
	if strings.Contains(all, "ourPassword") {
		t.Errorf("a secret is shown:\n%s", all)
	}
}

func (h *host) status(ctx context.Context) promfleet.NodeStatus {
	h.t.Helper()
	n, _, err := h.plane.Nodes().Get(ctx, h.uuid)
	if err != nil {
		h.t.Fatal(err)
	}
	return n.Status
}

// TestHandEdits: a hand edit is told and put right, of prometheus.yml with a reload,
// since Prometheus may have read it; where the host's policy says so it stays.
func TestHandEdits(t *testing.T) {
	ctx := t.Context()
	p := startPlane(t)
	for _, prometheus := range []string{"PROMFLEET_PROMETHEUS_DEBIAN", "PROMFLEET_PROMETHEUS_CURRENT"} {
		t.Run(prometheus, func(t *testing.T) {
			h := newHost(t, p, proctest.Part(t, prometheus), emptyConfig, "--sync.interval", "1s")
			h.start()
			h.selfJob(`{"scrape_interval":"1s","basic_auth":{"username":"u","password":"ourPassword"}}`)
			h.settled(promfleet.StateInSync)
			yml, reloads := readFile(h.config()), h.reloads()
			edit := func(old, now string) {
				t.Helper()
				if !strings.Contains(yml, old) {
					t.Fatalf("there is no %q in:\n%s", old, yml)
				}
				if err := os.WriteFile(h.config(), []byte(strings.Replace(yml, old, now, 1)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			right := func(words ...string) {
				t.Helper()
				h.proc.WaitFor(t, "it is put right, and told", func() bool {
					s := h.status(ctx)
					all := strings.Join(s.Notices, "\n")
					for _, w := range words {
						if !strings.Contains(all, w) {
							return false
						}
					}
					return readFile(h.config()) == yml && s.State == promfleet.StateInSync
				})
				if all := strings.Join(h.status(ctx).Notices, "\n"); strings.Contains(all, "ourPassword") || strings.Contains(all, "hunter2") {
					t.Errorf("a secret is shown:\n%s", all)
				}
			}
			edit("username: u", "username: somebody")
			right("it was put right", "+      username: somebody")
			if now := h.reloads(); now != reloads+1 { // who edits it may have had it read
				t.Errorf("%v reloads for an edit, want 1", now-reloads)
			}
			reloads = h.reloads()
			edit("password: ourPassword", "password: hunter2")
			reload(t, h.prometheus)
			right("+      password: <another secret>")
			if now := h.reloads(); now != reloads+2 { // somebody's and the agent's
				t.Errorf("%v reloads for an edit that somebody has loaded, want 2", now-reloads)
			}
			// And a start with it.
			h.prom.Stop(t)
			edit("scrape_interval: 1s", "scrape_interval: 7s")
			h.startPrometheus(proctest.Part(t, prometheus))
			right("+    scrape_interval: 7s")
			proctest.WaitFor(t, "the agent's is loaded", func() bool {
				_, body := get(h.prometheus + "/api/v1/status/config")
				return !strings.Contains(string(body), "scrape_interval: 7s")
			})
		})
	}
}

func reload(t *testing.T, prometheus string) {
	t.Helper()
	resp, err := http.Post(prometheus+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}

// TestAgentOnFullDisk: an agent that is killed and started again while its disk is full
// says so, tears nothing, and goes on by itself when there is room.
func TestAgentOnFullDisk(t *testing.T) {
	proctest.InOwnMounts(t, func(t *testing.T) {
		ctx := t.Context()
		p := startPlane(t)
		for _, which := range []string{"data", "config"} {
			t.Run(which, func(t *testing.T) {
				h := newHost(t, p, "", "", "--sync.interval", "1s")
				path := h.dir
				if which == "data" {
					path = h.data
				}
				disk := proctest.NewDisk(t, path, 1<<20)
				h.startPrometheusOn(t)
				h.start()
				job, target := h.selfJob(`{"scrape_interval":"1s"}`)
				h.settled(promfleet.StateInSync)
				proctest.WaitFor(t, "up", h.scraped(time.Now()))
				yml := readFile(h.config())
				disk.Fill()
				if _, err := p.Jobs().Patch(ctx, strconv.FormatInt(job.ID, 10), "", map[string]any{"scrape_config": map[string]any{"scrape_interval": "2s"}}); err != nil {
					t.Fatal(err)
				}
				target.Addr, target.Name = "127.0.0.1:1", "second"
				if _, err := p.Targets().Create(ctx, target); err != nil {
					t.Fatal(err)
				}
				full := func() bool {
					s := h.status(ctx)
					failed := metric(t, h.agent, "promfleet_agent_state", map[string]string{"state": "failed"})
					return failed == 1 && strings.Contains(s.LastError, path+" is on a filesystem without room") &&
						!strings.Contains(s.LastError, "\n")
				}
				h.proc.WaitFor(t, "it says that the disk is full", full)
				for range 5 {
					kill(h.proc)
					h.restart()
				}
				since := time.Now()
				h.proc.WaitFor(t, "it says so after its restart", func() bool {
					s := h.status(ctx)
					return full() && s.LastSeenAt != nil && s.LastSeenAt.After(since)
				})
				if now := readFile(h.config()); now != yml {
					t.Errorf("prometheus.yml was touched:\n%s", now)
				}
				proctest.WaitFor(t, "scraping goes on", h.scraped(since))
				disk.Empty()
				h.settled(promfleet.StateInSync)
				proctest.WaitFor(t, "what was wanted is loaded", func() bool { return len(h.active("self")) == 2 })
			})
		}
	})
}

// startPrometheusOn starts the host's Prometheus with an empty configuration.
func (h *host) startPrometheusOn(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(h.config(), []byte(emptyConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	h.startPrometheus(proctest.Part(t, "PROMFLEET_PROMETHEUS_CURRENT"))
}
