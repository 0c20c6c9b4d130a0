package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/proctest"
)

func TestHealth(t *testing.T) {
	for _, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			current := p.name == "current"
			var plane *plane
			if current { // the other with SQLite
				db := pgtest.Start(t)
				storage := []string{"--storage.url", db.Database(t), "--storage.key-file", filepath.Join(t.TempDir(), "secret.key")}
				plane = runShared(t, storage, command(t, append([]string{"admin", "token", "create", "--role", "admin", "--name", "e2e"}, storage...)...))
			} else {
				plane = startPlane(t)
			}
			health(t, plane, proctest.Part(t, p.env), current)
		})
	}
}

// states asks for targets until they have the states that they should have.
func (h *host) states(want map[int64]promfleet.HealthState) map[int64]promfleet.TargetHealth {
	h.t.Helper()
	ids := slices.Sorted(maps.Keys(want))
	deadline := time.Now().Add(30 * time.Second)
	for {
		start := time.Now()
		got, err := h.plane.TargetsHealth(h.t.Context(), ids, 10*time.Second)
		if err != nil {
			h.t.Fatal(err)
		}
		took := time.Since(start)
		all := map[int64]promfleet.TargetHealth{}
		wrong := 0
		for _, item := range got.Items {
			if all[item.ID] = item; item.State != want[item.ID] {
				wrong++
			}
		}
		if wrong == 0 && len(all) == len(want) {
			h.t.Logf("%d targets after %s", len(all), took.Round(time.Millisecond))
			return all
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("health %+v, want %v", got, want)
		}
	}
}

// add makes a target and gives its id.
func (h *host) add(job promfleet.Job, addr string, labels map[string]string) int64 {
	h.t.Helper()
	target, err := h.plane.Targets().Create(h.t.Context(), promfleet.TargetInput{Job: job.ID, Addr: addr, Labels: labels})
	if err != nil {
		h.t.Fatal(err)
	}
	return target.ID
}

func health(t *testing.T, p *plane, prometheus string, current bool) {
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "some_metric 1") }))
	t.Cleanup(metrics.Close)
	failing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(failing.Close)
	good, bad := strings.TrimPrefix(metrics.URL, "http://"), strings.TrimPrefix(failing.URL, "http://")
	refusing := []string{proctest.FreeAddr(t), proctest.FreeAddr(t)}

	h := newHost(t, p, prometheus, everySecond, "--sync.interval", "1s")
	h.start()
	web := h.job("web", "")
	up, notFound := h.add(web, good, nil), h.add(web, bad, map[string]string{"env": "prod"})
	one, two := h.add(web, refusing[0], nil), h.add(web, refusing[1], nil)
	prod := h.job("prod", `{"relabel_configs":[{"target_label":"team","replacement":"a"},{"source_labels":["env"],"regex":"prod","action":"keep"}]}`)
	kept, dropped := h.add(prod, good, map[string]string{"env": "prod"}), h.add(prod, "10.9.9.1:9100", map[string]string{"env": "dev"})
	probe := h.job("probe", `{"metrics_path":"/probe","params":{"module":["http"]},"relabel_configs":[
		{"source_labels":["__address__"],"target_label":"__param_target"},{"source_labels":["__param_target"],"target_label":"instance"},
		{"target_label":"__address__","replacement":"`+good+`"}]}`)
	probed := h.add(probe, "https://web.example/health", nil)
	failProbe := h.job("failprobe", `{"relabel_configs":[{"source_labels":["__address__"],"target_label":"instance"},{"target_label":"__address__","replacement":"`+refusing[0]+`"}]}`)
	unprobed := h.add(failProbe, "db.example:5432", nil)
	h.job("own", `{"static_configs":[{"targets":["`+refusing[0]+`"]}]}`)
	h.settled(promfleet.StateInSync)

	all := h.states(map[int64]promfleet.HealthState{up: promfleet.HealthUp, notFound: promfleet.HealthDown, one: promfleet.HealthDown, two: promfleet.HealthDown,
		kept: promfleet.HealthUp, dropped: promfleet.HealthDropped, probed: promfleet.HealthUp, unprobed: promfleet.HealthDown})
	if d := all[notFound]; d.Error != "server returned HTTP status 404 Not Found" || d.At == nil || time.Since(*d.At) > time.Minute {
		t.Errorf("down: %+v", d)
	}
	if d := all[one]; !strings.Contains(d.Error, refusing[0]+": connect: connection refused") {
		t.Errorf("down: %+v", d)
	}
	if d := all[up]; d.Error != "" || d.At == nil || d.Seconds <= 0 {
		t.Errorf("up: %+v", d)
	}

	var n *promfleet.NodeHealth
	proctest.WaitFor(t, "the jobs are counted", func() bool {
		var err error
		if n, err = p.NodeHealth(t.Context(), h.uuid, "", 10*time.Second); err != nil {
			t.Fatal(err)
		}
		return len(n.Down) == 5 && len(n.Jobs) == 5 && n.Jobs[4].Up == 1
	})
	byKey := map[string]promfleet.JobHealth{}
	for _, j := range n.Jobs {
		byKey[j.Job] = j
	}
	w := byKey["web"]
	if n.Agent != promfleet.AgentAnswered || n.At == nil || n.RevisionLoaded == 0 || w.Active != 4 || w.Up != 1 || w.Down != 3 || w.Missing == nil || *w.Missing != 0 || w.Slowest == nil {
		t.Errorf("health %+v, web %+v", n, w)
	}
	if len(w.Errors) != 2 || w.Errors[0].Message != "dial tcp: connect: connection refused" || w.Errors[0].Count != 2 || !slices.Contains(refusing, w.Errors[0].Addr) {
		t.Errorf("errors of web %+v", w.Errors)
	}
	if j := byKey["prod"]; j.Active != 1 || j.Dropped != 1 || *j.Missing != 0 {
		t.Errorf("prod %+v", j)
	}
	ids := map[int64]promfleet.DownTarget{}
	for _, d := range n.Down {
		ids[d.ID] = d
	}
	if d := ids[unprobed]; d.Addr != "db.example:5432" || d.Job != "failprobe" || ids[one].Addr != refusing[0] || ids[0].Job != "own" || len(ids) != 5 {
		t.Errorf("down %+v", n.Down)
	}
	if n, err := p.NodeHealth(t.Context(), h.uuid, "prod", 10*time.Second); err != nil || len(n.Jobs) != 1 || n.Jobs[0].Job != "prod" || len(n.Down) != 0 {
		t.Errorf("of one job: %+v, error %v", n, err)
	}

	// Changed, and what the host does not get.
	patched, err := p.Targets().Patch(t.Context(), fmt.Sprint(dropped), "", map[string]any{"labels": map[string]any{"env": "prod"}})
	if err != nil || patched.Labels["env"] != "prod" {
		t.Fatalf("%+v, error %v", patched, err)
	}
	h.states(map[int64]promfleet.HealthState{dropped: promfleet.HealthDown})
	if current {
		twins := h.job("twins", `{"relabel_configs":[{"target_label":"__address__","replacement":"`+good+`"}]}`)
		a, b := h.add(twins, "10.8.8.1:1", nil), h.add(twins, "10.8.8.2:1", nil)
		h.settled(promfleet.StateInSync)
		h.oneOf(a, b)
		return
	}
	newer := h.job("newer", `{"scrape_protocols":["PrometheusText0.0.4"]}`)
	never := h.add(newer, "10.6.6.6:9100", nil)
	h.settled(promfleet.StateQuarantined)
	if d := h.states(map[int64]promfleet.HealthState{never: promfleet.HealthNotLoaded})[never]; !strings.Contains(d.Error, "field scrape_protocols not found") {
		t.Errorf("not loaded: %+v", d)
	}
	n, err = p.NodeHealth(t.Context(), h.uuid, "newer", 10*time.Second)
	if err != nil || len(n.Jobs) != 1 || !strings.Contains(n.Jobs[0].Withheld, "scrape_protocols") {
		t.Errorf("withheld: %+v, error %v", n, err)
	}
	h.prom.Stop(t)
	proctest.WaitFor(t, "Prometheus is missed", func() bool { // what was seen answers for some seconds
		n, err := p.NodeHealth(t.Context(), h.uuid, "web", 10*time.Second)
		return err == nil && n.Agent == promfleet.AgentAnswered && strings.Contains(n.AgentSays, "refused") && n.At == nil
	})
	if d := h.states(map[int64]promfleet.HealthState{up: promfleet.HealthNotKnown})[up]; !strings.Contains(d.Error, "Prometheus does not answer") {
		t.Errorf("without Prometheus: %+v", d)
	}
}

// oneOf waits until one of two is scraped and the other is merged with it.
func (h *host) oneOf(a, b int64) {
	h.t.Helper()
	var states []promfleet.HealthState
	proctest.WaitFor(h.t, "one is merged", func() bool {
		got, err := h.plane.TargetsHealth(h.t.Context(), []int64{a, b}, 10*time.Second)
		if err != nil || len(got.Items) != 2 {
			return false
		}
		states = []promfleet.HealthState{got.Items[0].State, got.Items[1].State}
		slices.Sort(states)
		return slices.Equal(states, []promfleet.HealthState{promfleet.HealthMerged, promfleet.HealthUp})
	})
}
