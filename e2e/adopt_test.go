package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/proctest"
)

// handWritten is a prometheus.yml as somebody wrote it by hand; EXPORTER stands for the
// address of a real exporter.
const handWritten = `# Prometheus of the first data centre
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  external_labels: {dc: 北京}

rule_files: [rules/*.yml]

scrape_configs:
  # Prometheus itself
  - job_name: prometheus
    static_configs: [{targets: [SELF]}]

  # machines, by rack
  - job_name: node exporter / 北京
    static_configs:
      - targets:
          - EXPORTER   # this machine
          - 127.0.0.1:1 # gone since spring
        labels: {env: prod, "rack": 03}
      - targets: [EXPORTER]
        labels: {env: test}
  - job_name: probe.http
    metrics_path: /metrics
    params: {module: [http_2xx]}
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance, regex: 'https?://(.+)', replacement: 'url:$1'}
      - {target_label: __address__, replacement: EXPORTER}
    static_configs: [{targets: ['http://127.0.0.1:1/health', 'https://[::1]:1/']}]
  - job_name: from files
    honor_labels: yes
    file_sd_configs: [{files: [own/*.json]}]
`

// A running Prometheus is adopted: nothing changes at it but the time of the reload.
// And it is given back: the export in the place of the agent's file is the same again.
func TestAdoption(t *testing.T) {
	for _, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel() // it waits more than it works
			adoption(t, proctest.Part(t, p.env))
		})
	}
}

func adoption(t *testing.T, prometheus string) {
	ctx := t.Context()
	exporter := proctest.FreeAddr(t)
	proctest.Start(t, proctest.Part(t, "PROMFLEET_NODE_EXPORTER"), "--web.listen-address", exporter, "--collector.disable-defaults", "--collector.loadavg")
	proctest.WaitFor(t, "the exporter answers", isUp("http://"+exporter+"/metrics"))
	p := startPlane(t)
	h := newHost(t, p, "", "", "--sync.interval", "1s")
	yml := strings.NewReplacer("EXPORTER", exporter, "SELF", strings.TrimPrefix(h.prometheus, "http://")).Replace(handWritten)
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(h.dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("prometheus.yml", yml)
	write("own/a.json", `[{"targets": ["`+exporter+`"], "labels": {"from": "file"}}]`)
	h.startPrometheus(prometheus)
	var before loaded
	proctest.WaitFor(t, "all is discovered and up", func() bool {
		before = h.loaded()
		return len(before.Targets) == 7 && len(before.Pools) == 4 && len(h.active("from files")) == 1 &&
			h.active("node exporter / 北京")[exporter].Health == "up" && h.active("prometheus")[strings.TrimPrefix(h.prometheus, "http://")].Health == "up"
	})

	// The agent does not take a file that says something else than the node's jobs.
	h.start()
	proctest.WaitFor(t, "the agent refuses the file", func() bool {
		n, _, _ := p.Nodes().Get(ctx, h.uuid)
		return n.Status.State == promfleet.StateFailed && strings.Contains(n.Status.LastError, "existing file")
	})
	if n := h.reloads(); n != 0 || readFile(h.config()) != yml {
		t.Fatalf("%v reloads before the import; the file:\n%s", n, readFile(h.config()))
	}
	change, err := p.Import(ctx, h.uuid, []byte(yml), client.ImportHow{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("imported: %d changes, notes %q", len(change.Changes), change.Notes)
	h.settled(promfleet.StateInSync)
	if !strings.Contains(readFile(h.config()), filepath.Join("targets.d", "prometheus")) {
		t.Fatalf("the agent did not take the file over:\n%s", readFile(h.config()))
	}
	if kept := readFile(h.config() + ".before-promfleet"); kept != yml {
		t.Errorf("the original was not kept:\n%s", kept)
	}
	h.sameLoaded("adopted", before)
	if n := h.reloads(); n != 1 {
		t.Errorf("the adoption took %v reloads, want 1", n)
	}
	for _, job := range []string{"prometheus", "from files"} {
		for instance := range h.active(job) {
			h.noGap(job, instance)
		}
	}
	again, err := p.Import(ctx, h.uuid, []byte(yml), client.ImportHow{})
	if err != nil || len(again.Changes) != 0 {
		t.Errorf("a second import: %+v, error %v", again.Changes, err)
	}

	// And back.
	exported, err := p.Export(ctx, h.uuid)
	if err != nil {
		t.Fatal(err)
	}
	h.proc.Stop(t)
	write("prometheus.yml", string(exported))
	resp, err := http.Post(h.prometheus+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("Prometheus does not load the export: %s\n%s", resp.Status, exported)
	}
	h.sameLoaded("given back", before)
	if err := os.RemoveAll(h.targets()); err != nil {
		t.Fatal(err)
	}
	h.sameLoaded("without the agent's files", before)
}

// loaded is what a Prometheus runs: its sections, its scrape pools, and its targets
// with all their labels.
type loaded struct {
	Sections string
	Pools    []string
	Targets  []string
}

func (h *host) loaded() (l loaded) {
	var config struct{ Data struct{ YAML string } }
	_, body := get(h.prometheus + "/api/v1/status/config")
	_ = json.Unmarshal(body, &config) // an answer that is none has nothing
	l.Sections, _, _ = strings.Cut(config.Data.YAML, "scrape_configs:")
	var targets struct {
		Data struct {
			ActiveTargets, DroppedTargets []struct {
				ScrapePool, ScrapeURL    string
				DiscoveredLabels, Labels map[string]string
			}
		}
	}
	_, body = get(h.prometheus + "/api/v1/targets?state=any")
	_ = json.Unmarshal(body, &targets)
	for _, one := range slices.Concat(targets.Data.ActiveTargets, targets.Data.DroppedTargets) {
		// Where a target was found is the one thing that changes.
		if !strings.Contains(one.DiscoveredLabels["__meta_filepath"], string(filepath.Separator)+"own"+string(filepath.Separator)) {
			delete(one.DiscoveredLabels, "__meta_filepath")
		}
		text, err := json.Marshal(one) // maps are sorted
		if err != nil {
			h.t.Fatal(err)
		}
		l.Targets = append(l.Targets, string(text))
		l.Pools = append(l.Pools, one.ScrapePool)
	}
	slices.Sort(l.Targets)
	slices.Sort(l.Pools)
	l.Pools = slices.Compact(l.Pools)
	return l
}

// sameLoaded requires that Prometheus comes to run the same again, and stays so.
func (h *host) sameLoaded(when string, want loaded) {
	h.t.Helper()
	var got loaded
	since := time.Time{}
	proctest.WaitFor(h.t, when+": it runs the same for two seconds", func() bool {
		if got = h.loaded(); !reflect.DeepEqual(got, want) {
			since = time.Time{}
			return false
		}
		if since.IsZero() {
			since = time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
}
