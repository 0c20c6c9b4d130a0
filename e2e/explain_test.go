package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

// explained asks until the verdict has all the words: Prometheus needs seconds to
// discover and to scrape.
func (h *host) explained(addr string, scraped promfleet.Scraped, stage promfleet.ExplainStage, words ...string) *promfleet.Explained {
	h.t.Helper()
	return h.explainedOf(promfleet.ExplainRequest{Addr: addr, Node: h.uuid}, scraped, stage, words...)
}

func (h *host) explainedOf(in promfleet.ExplainRequest, scraped promfleet.Scraped, stage promfleet.ExplainStage, words ...string) *promfleet.Explained {
	h.t.Helper()
	var e *promfleet.Explained
	deadline := time.Now().Add(30 * time.Second)
	for {
		start := time.Now()
		var err error
		if e, err = h.plane.Explain(h.t.Context(), in, 10*time.Second); err != nil {
			h.t.Fatal(err)
		}
		missing := slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.Verdict, w) })
		if e.Scraped == scraped && (len(e.Items) != 1 || e.Items[0].Stage == stage) && !missing {
			h.t.Logf("%s: %s (%s)", in.Addr, e.Verdict, time.Since(start).Round(time.Millisecond))
			return e
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: %+v, want %s at %s with %q", in.Addr, e, scraped, stage, words)
		}
	}
}

// only gives the one chain of an explanation.
func only(t *testing.T, e *promfleet.Explained) promfleet.ExplainedChain {
	t.Helper()
	if len(e.Items) != 1 || len(e.Items[0].Chains) != 1 {
		t.Fatalf("not one chain: %+v", e)
	}
	return e.Items[0].Chains[0]
}

func TestExplain(t *testing.T) {
	for _, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			explain(t, proctest.Part(t, p.env), p.name == "current")
		})
	}
}

func explain(t *testing.T, prometheus string, current bool) {
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 1024 {
			fmt.Fprintf(w, "some_metric{i=\"%d\"} 1\n", i)
		}
	}))
	t.Cleanup(metrics.Close)
	failing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(failing.Close)
	good, bad, refusing := strings.TrimPrefix(metrics.URL, "http://"), strings.TrimPrefix(failing.URL, "http://"), proctest.FreeAddr(t)

	h := newHost(t, startPlane(t), prometheus, everySecond, "--sync.interval", "1s")
	h.start()
	h.job("web", `{"metric_relabel_configs":[{"source_labels":["i"],"regex":"1.*","action":"drop"}]}`, good, bad, refusing)
	prod := h.job("prod", `{"relabel_configs":[{"target_label":"team","replacement":"a"},{"source_labels":["env"],"regex":"prod","action":"keep"}]}`)
	for i, env := range []string{"dev", "prod"} {
		_, err := h.plane.Targets().Create(t.Context(), promfleet.TargetInput{Job: prod.ID, Addr: fmt.Sprintf("10.9.9.%d:9100", i+1), Labels: map[string]string{"env": env}})
		if err != nil {
			t.Fatal(err)
		}
	}
	rewriting := `{"metrics_path":"/probe","relabel_configs":[
		{"source_labels":["__address__"],"target_label":"__param_target"},{"source_labels":["__param_target"],"target_label":"instance"},
		{"target_label":"__address__","replacement":"` + good + `"}]}`
	h.job("probe", rewriting, "https://web.example/health")
	h.job("own", `{"static_configs":[{"targets":["10.7.7.7:9100"]}]}`)
	h.settled(promfleet.StateInSync)

	c := only(t, h.explainedOf(promfleet.ExplainRequest{Addr: good, Node: h.uuid, Job: "web"}, promfleet.ScrapedYes, promfleet.StageScraped, "healthy", "1,024 samples", "drop 135"))
	if c.Job != "web" || c.Record == nil || c.Seen.InFile != "web/all.json" || !c.Rendered.Loaded || c.Seen.Scrape.Interval != "1s" || *c.Seen.Scrape.Kept != 1024-135 {
		t.Errorf("healthy: %+v, %+v", c, c.Seen)
	}
	h.explained(refusing, promfleet.ScrapedNo, promfleet.StageScraped, "scrape fails", "connection refused")
	h.explained(bad, promfleet.ScrapedNo, promfleet.StageScraped, "scrape fails", "404")

	c = only(t, h.explained("10.9.9.1:9100", promfleet.ScrapedNo, promfleet.StageRelabelled, `dropped by relabel_configs[1] (action keep, source_labels [env], regex prod): env is "dev"`))
	by := map[bool]string{false: "promfleet", true: "prometheus"}[current]
	if c.Seen.StepsBy != by || len(c.Seen.Steps) != 2 || c.Seen.Steps[0].Changes[0] != (promfleet.LabelChange{Label: "team", After: "a"}) || c.Seen.State != promfleet.SeenDropped {
		t.Errorf("dropped: %+v", c.Seen)
	}
	c = only(t, h.explained("https://web.example/health", promfleet.ScrapedYes, promfleet.StageScraped, "scraped at "+metrics.URL+"/probe?target="))
	if c.Seen.Labels["instance"] != "https://web.example/health" || len(c.Seen.Steps) != 3 || c.Seen.Discovered["__address__"] != "https://web.example/health" {
		t.Errorf("rewritten: %+v", c.Seen)
	}
	if c = only(t, h.explained("web.example", promfleet.ScrapedYes, promfleet.StageScraped)); c.Matched != promfleet.MatchURL || c.Record == nil {
		t.Errorf("by its host alone: %+v", c)
	}
	h.job("twins", `{"relabel_configs":[{"target_label":"__address__","replacement":"`+good+`"}]}`, "10.8.8.1:1", "10.8.8.2:1")
	h.twins("10.8.8.1:1", "10.8.8.2:1")

	c = only(t, h.explained("10.7.7.7:9100", promfleet.ScrapedNo, promfleet.StageScraped, "scrape"))
	if c.Record != nil || c.Seen.InFile != "" || c.Job != "own" {
		t.Errorf("of the job's own discovery: %+v", c)
	}
	e := h.explained("10.9.9.3:9100", promfleet.ScrapedNo, promfleet.StageRecord, "nothing has this address; nearest: 10.9.9.")
	if len(e.Nearest) != 2 {
		t.Errorf("nearest %v", e.Nearest)
	}
	h.broken(good, current)
	h.stopped(good)
}

// twins: of two that relabelling makes equal, one is as if it were not there.
func (h *host) twins(a, b string) {
	h.t.Helper()
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		var e *promfleet.Explained
		proctest.WaitFor(h.t, pair[0]+" is looked for", func() bool {
			e, _ = h.plane.Explain(h.t.Context(), promfleet.ExplainRequest{Addr: pair[0], Node: h.uuid}, 10*time.Second)
			return e != nil && len(e.Items) == 1 && len(e.Items[0].Chains) == 1 && e.Items[0].Stage != promfleet.StageDiscovered && e.Items[0].Stage != promfleet.StageRendered
		})
		h.t.Logf("%s: %s", pair[0], e.Verdict)
		if c := e.Items[0].Chains[0]; c.Seen.State == promfleet.SeenMerged && c.Seen.MergedWith == pair[1] {
			if !strings.Contains(c.Verdict, "equal to "+pair[1]) || c.Scraped != promfleet.ScrapedNo {
				h.t.Errorf("merged: %+v", c)
			}
			return
		}
	}
	h.t.Errorf("neither of %s and %s is told to be equal to the other", a, b)
}

// broken: a job that Prometheus makes no pool of, or will not have, a deleted target, and one of a
// revision that does not get to the host.
func (h *host) broken(good string, current bool) {
	t := h.t
	t.Helper()
	if current {
		if err := os.WriteFile(filepath.Join(h.dir, "ca.pem"), []byte("no certificate"), 0o644); err != nil {
			t.Fatal(err)
		}
		h.job("pool", `{"tls_config":{"ca_file":"ca.pem"}}`, "10.6.6.6:9100")
		h.explained("10.6.6.6:9100", promfleet.ScrapedNo, promfleet.StageRendered, "not seen loaded yet", "could not create 1 scrape pools")
	} else {
		h.job("newer", `{"scrape_protocols":["PrometheusText0.0.4"]}`, "10.6.6.6:9100")
		h.explained("10.6.6.6:9100", promfleet.ScrapedNo, promfleet.StageRendered, "job newer is quarantined: field scrape_protocols not found")
	}

	gone, err := h.plane.Targets().Create(t.Context(), promfleet.TargetInput{Job: h.job("gone", "").ID, Addr: "10.5.5.5:9100"})
	if err != nil {
		t.Fatal(err)
	}
	h.explained("10.5.5.5:9100", promfleet.ScrapedNo, promfleet.StageScraped)
	if err := h.plane.Targets().Delete(t.Context(), fmt.Sprint(gone.ID), ""); err != nil {
		t.Fatal(err)
	}
	h.explained("10.5.5.5:9100", promfleet.ScrapedNo, promfleet.StageRecord, "the target was deleted at ", " by e2e")

	// The whole fleet, and the command.
	e := h.explainedOf(promfleet.ExplainRequest{Addr: good, Job: "web"}, promfleet.ScrapedYes, promfleet.StageScraped)
	if len(e.Items) != 1 || e.Items[0].Node != h.uuid {
		t.Errorf("on the whole fleet: %+v", e)
	}
	h.explainedOf(promfleet.ExplainRequest{Addr: "10.7.7.7:9100"}, promfleet.ScrapedNo, promfleet.StageScraped)
}

// stopped: what is known without the agent, and without Prometheus.
func (h *host) stopped(good string) {
	h.t.Helper()
	h.prom.Stop(h.t)
	h.explainedOf(promfleet.ExplainRequest{Addr: good, Node: h.uuid, Job: "web"}, promfleet.ScrapedUnknown, promfleet.StageRendered, "Prometheus could not be asked", "refused")
	h.proc.Stop(h.t)
	e, err := h.plane.Explain(h.t.Context(), promfleet.ExplainRequest{Addr: good, Node: h.uuid, Job: "web"}, time.Second)
	if err != nil || e.Scraped != promfleet.ScrapedUnknown || e.Items[0].Agent != promfleet.AgentSilent || !strings.Contains(e.Verdict, "the agent did not answer within 1s") {
		h.t.Errorf("without the agent: %+v, error %v", e, err)
	}
}
