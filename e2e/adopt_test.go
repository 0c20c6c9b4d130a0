package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/proctest"
)

// handWritten is a prometheus.yml as people write them: names that are no keys, one
// address twice, a discovery of the job's own, relabelling that drops and rewrites.
const handWritten = `# looked after by the night shift
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  external_labels: {site: 北京}
scrape_configs:
  # the machines of the first hall
  - job_name: node exporter
    static_configs:
      - targets: [EXPORTER, "127.0.0.1:1"]
        labels: {env: 测试, rack: "007"}
      - targets: [EXPORTER]
        labels: {env: prod}
  - job_name: team/web
    metrics_path: /metrics
    params: {collect: [loadavg]}
    static_configs:
      - targets: [EXPORTER, EXPORTER, "127.0.0.1:2", "[::1]:3"]
    relabel_configs:
      - {source_labels: [__address__], regex: '127\.0\.0\.1:(2)', action: drop}
      - {source_labels: [__address__], regex: '(.+):(\d+)', target_label: port, replacement: '$2'}
  - job_name: 监控 自己
    honor_labels: yes
    basic_auth: {username: me, password: ourPassword}
    static_configs:
      - targets: [PROMETHEUS]
      - targets: []
  - job_name: from files
    file_sd_configs:
      - files: [hall/*.json]
  - job_name: both
    static_configs: [{targets: [EXPORTER], labels: {by: hand}}]
    file_sd_configs: [{files: [hall/*.json], refresh_interval: 7m}]
`

// TestAdopted: a Prometheus that somebody set up by hand is imported and taken over,
// and goes back to a file of its own; all the while it runs the same jobs with the
// same targets, and misses no scrape.
func TestAdopted(t *testing.T) {
	for _, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel() // it waits more than it works
			adopted(t, proctest.Part(t, p.env))
		})
	}
}

func adopted(t *testing.T, prometheus string) {
	ctx := t.Context()
	exporter := proctest.FreeAddr(t)
	proctest.Start(t, proctest.Part(t, "PROMFLEET_NODE_EXPORTER"), "--web.listen-address", exporter, "--collector.disable-defaults", "--collector.loadavg")
	proctest.WaitFor(t, "the exporter answers", isUp("http://"+exporter+"/metrics"))
	storage := t.TempDir()
	plane := runPlane(t, storage, command(t, "admin", "token", "create", "--role", "admin", "--name", "e2e", "--storage.path", storage))
	h := newHost(t, plane, "", "", "--sync.interval", "1s")
	yml := strings.NewReplacer("EXPORTER", exporter, "PROMETHEUS", strings.TrimPrefix(h.prometheus, "http://")).Replace(handWritten)
	if err := os.Mkdir(filepath.Join(h.dir, "hall"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, h.dir, map[string]string{"prometheus.yml": yml, "hall/one.json": fmt.Sprintf(`[{"targets":[%q],"labels":{"hall":"1"}}]`, exporter)})
	h.startPrometheus(prometheus)
	began := time.Now()
	var was running
	proctest.WaitFor(t, "Prometheus scrapes all jobs", func() bool {
		was, _ = h.running()
		return len(was.Pools) == 5 && h.scrapedAll(began)
	})
	if n := len(was.Active); n != 9 {
		t.Fatalf("%d active targets are scraped, want 9: %v", n, slices.Sorted(maps.Keys(was.Active)))
	}

	// The agent makes the node known, and touches nothing that is not on the server.
	loads := h.loads()
	h.start()
	proctest.WaitFor(t, "the agent refuses to take the file over", func() bool {
		return strings.Contains(h.status(ctx).LastError, "import")
	})
	if now := readFile(h.config()); now != yml || h.loads() != loads {
		t.Fatalf("before the import the agent reloaded %d times, and prometheus.yml is %s", h.loads()-loads, now)
	}

	dry, err := plane.Import(ctx, h.uuid, []byte(yml), client.ImportHow{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	imported := time.Now()
	done, err := plane.Import(ctx, h.uuid, []byte(yml), client.ImportHow{})
	if err != nil {
		t.Fatal(err)
	}
	if want, got := actions(dry), actions(done); !slices.Equal(want, got) || len(got) != 6 {
		t.Errorf("the import made %v, its preview had said %v; want a node and five jobs", got, want)
	}
	h.settled(promfleet.StateInSync)
	t.Logf("FIGURE adopted %v after the import: %d pools, %d active and %d dropped targets; notes: %q",
		time.Since(imported).Round(time.Millisecond), len(was.Pools), len(was.Active), len(was.Dropped), done.Notes)
	h.runsLike(was, 8)
	if n := h.loads() - loads; n != 1 {
		t.Errorf("the adoption cost %d reloads, want 1", n)
	}
	if kept := readFile(h.config() + ".before-promfleet"); kept != yml {
		t.Errorf("the original is kept as %q", kept)
	}

	// What is there already is imported without a change.
	again, err := plane.Import(ctx, h.uuid, []byte(yml), client.ImportHow{})
	if err != nil || len(again.Changes) > 0 {
		t.Errorf("the second import changed %v, error %v", actions(again), err)
	}

	// And back: without an agent, with a file that needs no promfleet. The API shows
	// no secret; whoever has the database has them.
	shown, err := plane.Export(ctx, h.uuid)
	if err != nil || strings.Contains(string(shown), "ourPassword") {
		t.Fatalf("the export, error %v:\n%s", err, shown)
	}
	back := command(t, "admin", "export", "--node", h.uuid, "--storage.path", storage) + "\n"
	if masked := strings.Replace(back, "ourPassword", `"<secret>"`, 1); masked != string(shown) {
		t.Errorf("the exports differ by more than the secret (-API +admin):\n%s", cmp.Diff(string(shown), masked))
	}
	h.proc.Stop(t)
	if err := os.WriteFile(h.config(), []byte(back), 0o644); err != nil {
		t.Fatal(err)
	}
	loads = h.loads()
	reload(t, h.prometheus)
	if err := os.RemoveAll(h.targets()); err != nil {
		t.Fatal(err)
	}
	h.runsLike(was, 0)
	if n := h.loads() - loads; n != 1 {
		t.Errorf("the way back cost %d reloads, want 1", n)
	}
	if strings.Contains(back, "targets.d") || strings.Contains(back, "promfleet") {
		t.Errorf("the export needs promfleet's files:\n%s", back)
	}
	h.noGaps(was, time.Since(began))
}

// actions names what became of what.
func actions(c promfleet.FleetChange) (all []string) {
	for _, o := range c.Changes {
		all = append(all, fmt.Sprintf("%s %s %s %+v", o.Action, o.Kind, o.Key, o.Targets))
	}
	return all
}

// running is what a Prometheus runs, as its API tells: all that is to be the same
// before and after. Where static targets come from is left out.
type running struct {
	Config  map[string]any // sections, and jobs by name
	Pools   []string
	Active  map[string]string // labels by pool, URL and labels; discovered labels
	Dropped []string          // discovered labels
}

// running asks Prometheus, also how many of its targets come from the agent's files.
// An answer that is none is an empty one.
func (h *host) running() (r running, ours int) {
	var config struct{ Data struct{ YAML string } }
	_, body := get(h.prometheus + "/api/v1/status/config")
	if json.Unmarshal(body, &config) == nil {
		r.Config = h.sections(config.Data.YAML)
	}
	var pools struct {
		Data struct{ ScrapePools []string }
	}
	_, body = get(h.prometheus + "/api/v1/scrape_pools")
	_ = json.Unmarshal(body, &pools)
	r.Pools = slices.Sorted(slices.Values(pools.Data.ScrapePools))
	type target struct {
		DiscoveredLabels, Labels map[string]string
		ScrapePool, ScrapeURL    string
	}
	var targets struct {
		Data struct{ ActiveTargets, DroppedTargets []target }
	}
	_, body = get(h.prometheus + "/api/v1/targets?state=any")
	_ = json.Unmarshal(body, &targets)
	r.Active = map[string]string{}
	for _, t := range targets.Data.ActiveTargets {
		ours += h.withoutOurs(t.DiscoveredLabels)
		r.Active[fmt.Sprint(t.ScrapePool, " ", t.ScrapeURL, " ", t.Labels)] = fmt.Sprint(t.DiscoveredLabels)
	}
	for _, t := range targets.Data.DroppedTargets {
		ours += h.withoutOurs(t.DiscoveredLabels)
		r.Dropped = append(r.Dropped, fmt.Sprint(t.DiscoveredLabels))
	}
	slices.Sort(r.Dropped)
	return r, ours
}

// withoutOurs takes out of discovered labels that the target comes from the agent's
// files, and counts it if it does.
func (h *host) withoutOurs(labels map[string]string) int {
	if !strings.HasPrefix(labels["__meta_filepath"], h.targets()+"/") {
		return 0
	}
	delete(labels, "__meta_filepath")
	return 1
}

// sections gives a configuration without where static targets come from.
func (h *host) sections(yml string) map[string]any {
	sections := map[string]any{}
	if err := yaml.Unmarshal([]byte(yml), &sections); err != nil {
		h.t.Fatalf("Prometheus's configuration: %v", err)
	}
	jobs := map[string]any{}
	list, _ := sections["scrape_configs"].([]any)
	for _, j := range list {
		job, _ := j.(map[string]any)
		delete(job, "static_configs")
		theirs, _ := job["file_sd_configs"].([]any)
		theirs = slices.DeleteFunc(theirs, func(c any) bool { return strings.Contains(fmt.Sprint(c), "targets.d/") })
		if len(theirs) == 0 {
			delete(job, "file_sd_configs")
		} else {
			job["file_sd_configs"] = theirs
		}
		jobs[fmt.Sprint(job["job_name"])] = job
	}
	sections["scrape_configs"] = jobs
	return sections
}

// runsLike waits until Prometheus runs the same as it did, and scrapes all of it, with
// as many targets from the agent's files: a reload is done seconds before the pools
// have what it brings.
func (h *host) runsLike(was running, fromOurs int) {
	h.t.Helper()
	var now running
	var ours int
	defer func() {
		if diff := cmp.Diff(was, now); diff != "" || ours != fromOurs {
			h.t.Logf("%d targets come from the agent's files, want %d; Prometheus runs something else than before (-was +now):\n%s", ours, fromOurs, diff)
		}
	}()
	since := time.Now()
	proctest.WaitFor(h.t, "Prometheus runs what it ran before", func() bool {
		now, ours = h.running()
		return ours == fromOurs && cmp.Equal(was, now) && h.scrapedAll(since)
	})
}

// scrapedAll says whether each target was scraped since.
func (h *host) scrapedAll(since time.Time) bool {
	var targets struct {
		Data struct{ ActiveTargets []activeTarget }
	}
	_, body := get(h.prometheus + "/api/v1/targets?state=active")
	if json.Unmarshal(body, &targets) != nil {
		return false
	}
	for _, t := range targets.Data.ActiveTargets {
		if !t.LastScrape.After(since) {
			return false
		}
	}
	return len(targets.Data.ActiveTargets) > 0
}

// noGaps requires of each series of up that there are as many as before, and that
// no scrape was missed.
func (h *host) noGaps(was running, within time.Duration) {
	h.t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	_, body := get(h.prometheus + "/api/v1/query?query=" + url.QueryEscape(fmt.Sprintf("up[%ds]", int(within.Seconds())+1)))
	if err := json.Unmarshal(body, &answer); err != nil {
		h.t.Fatal(err)
	}
	if series := len(answer.Data.Result); series != len(was.Active) {
		h.t.Errorf("%d series of up for %d targets", series, len(was.Active))
	}
	var longest time.Duration
	for _, s := range answer.Data.Result {
		var before float64
		for i, v := range s.Values {
			at, _ := v[0].(float64)
			if d := time.Duration((at - before) * 1e9).Round(time.Millisecond); i > 0 {
				longest = max(longest, d)
				if d >= 2*scrapeInterval {
					h.t.Errorf("%v: two of %d scrapes are %v apart", s.Metric, len(s.Values), d)
				}
			}
			before = at
		}
	}
	h.t.Logf("FIGURE %d series of up over %v: the longest distance of two samples is %v", len(answer.Data.Result), within.Round(time.Second), longest)
}
