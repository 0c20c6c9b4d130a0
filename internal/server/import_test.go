package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"promfleet"
	"promfleet/client"
)

const importedYML = `global:
  scrape_interval: 20s
remote_write:
  - url: http://tsdb/write
    basic_auth: {username: u, password: canary-1}
scrape_configs:
  - job_name: web frontend
    scrape_interval: 10s
    basic_auth: {username: u, password: canary-2}
    static_configs:
      - targets: ["a:1", "b:1"]
        labels: {dc: 北京}
      - targets: ["a:1"]
        labels: {dc: 上海}
  - job_name: db
    static_configs:
      - targets: ["[::1]:9100"]
`

func TestImport(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		a := nodeOf(1)
		agent := s.join(a)
		load := func(yml string, how client.ImportHow) promfleet.FleetChange {
			t.Helper()
			c, err := s.Import(ctx, a, []byte(yml), how)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		before := s.written(a)
		if dry := load(importedYML, client.ImportHow{DryRun: true}); len(dry.Changes) != 3 || dry.Preview == nil || len(dry.Preview.Nodes) != 1 {
			t.Errorf("dry run: %+v", dry)
		}
		if after := s.written(a); after != before {
			t.Errorf("a dry run wrote: %s, before %s", after, before)
		}
		load(importedYML, client.ImportHow{})
		after := s.written(a)
		if c := load(importedYML, client.ImportHow{}); len(c.Changes) != 0 || c.Unchanged != 3 {
			t.Errorf("the second import: %+v", c)
		}
		// What an export shows of secrets is as it was.
		exported := string(must(s.Export(ctx, a)))
		if strings.Contains(exported, "canary") || strings.Count(exported, "<secret>") != 2 {
			t.Errorf("exported:\n%s", exported)
		}
		if c := load(exported, client.ImportHow{}); len(c.Changes) != 0 {
			t.Errorf("import of the export: %+v", c)
		}
		if got := s.written(a); got != after {
			t.Errorf("that wrote: %s, before %s", got, after)
		}
		jobs := must(s.Jobs().List(ctx, map[string][]string{"sort": {"job_name"}})).Items
		if len(jobs) != 2 || jobs[1].JobName != "web frontend" || jobs[1].ManagedBy != "" || jobs[1].TargetsManagedBy != "" {
			t.Fatalf("jobs %+v", jobs)
		}

		// What users have said of jobs and targets stays, keys and names too.
		web := jobs[1]
		must(s.Jobs().Patch(ctx, fmt.Sprint(web.ID), "", map[string]any{"key": "web", "remark": "ours"}))
		targets := must(s.JobTargets(ctx, web.ID))
		for _, tg := range targets {
			must(s.Targets().Patch(ctx, fmt.Sprint(tg.ID), "", map[string]any{"name": "n-" + tg.Labels["dc"], "remark": "r", "tags": []string{"t"}}))
		}
		must(s.Jobs().Create(ctx, promfleet.JobInput{Node: a, Key: "extra"}))
		c := load(strings.Replace(importedYML, `targets: ["a:1", "b:1"]`, `targets: ["a:1", "c:1"]`, 1), client.ImportHow{})
		if got := shape(c); got != "update job web +1~0-1=2" || !strings.Contains(strings.Join(c.Notes, "\n"), "extra") {
			t.Errorf("changes %q, notes %q", got, c.Notes)
		}
		for _, tg := range must(s.JobTargets(ctx, web.ID)) {
			if kept := tg.Addr == "a:1"; kept != (tg.Remark == "r" && len(tg.Tags) == 1 && tg.Name == "n-"+tg.Labels["dc"]) {
				t.Errorf("target %+v", tg)
			}
		}
		// Another job has the key that the file's would get.
		must(s.Jobs().Create(ctx, promfleet.JobInput{Node: a, Key: "node", JobName: "other"}))
		both := importedYML + "  - job_name: other\n  - job_name: node\n"
		load(both, client.ImportHow{})
		if j := must(s.Jobs().List(ctx, map[string][]string{"q": {"node"}})).Items; len(j) != 2 || j[0].JobName != "other" || j[1].Key != "node_2" {
			t.Errorf("jobs %+v", j)
		}
		if c := load(both, client.ImportHow{}); len(c.Changes) != 0 {
			t.Errorf("again: %+v", c)
		}

		// The agent has the secrets, nobody else.
		base := must(agent.Watch(ctx, 0, 0)).Manifest.Parts[0]
		if b := must(agent.Fetch(ctx, []promfleet.PartRef{{Name: base.Name, Hash: base.Hash}})); !strings.Contains(b[0].Body, "canary-1") {
			t.Errorf("base %s", b[0].Body)
		}
		var shown strings.Builder
		for _, path := range []string{"/jobs", "/nodes", "/events?limit=1000", "/nodes/" + a + "/config", "/nodes/" + a + "/export"} {
			_, _, body := s.call("GET", "/api/v1"+path, "")
			shown.WriteString(body)
		}
		shown.Write(must(json.Marshal(c)))
		if strings.Contains(shown.String(), "canary") {
			t.Error("a secret is shown")
		}
	})
}

func TestImportRefuses(t *testing.T) {
	s := start(t)
	a := nodeOf(1)
	s.join(a)
	before := s.written(a)
	for _, c := range []struct {
		name, body, media string
		status            int
		want              string
	}{
		{"no YAML", "a: [", "application/yaml", 422, "yaml"},
		{"no mapping", "- a\n", "text/plain", 422, "not a prometheus.yml"},
		{"an unknown section", importedYML + "globl: {}\n", "application/yaml", 422, "globl"},
		{"an unknown field", importedYML + "  - job_name: x\n    scrape_intervall: 1s\n", "application/yaml", 422, "scrape_intervall"},
		{"secrets that stand for none", strings.NewReplacer("canary-1", "<secret>", "canary-2", "<secret>").Replace(importedYML), "application/yaml", 422, `job \"web frontend\".scrape_config.basic_auth.password`},
		{"and the other", strings.NewReplacer("canary-1", "<secret>", "canary-2", "<secret>").Replace(importedYML), "application/yaml", 422, "remote_write[0].basic_auth.password"},
		{"a password that is not shown", strings.Replace(importedYML, "http://tsdb", "http://u:xxxxx@tsdb", 1), "application/yaml", 422, "body.remote_write[0].url"},
		{"no UTF-8", "a: \xff", "application/yaml", 400, "UTF-8"},
		{"another type", importedYML, "text/html", 415, "application/yaml"},
	} {
		st, _, body := s.call("POST", "/api/v1/nodes/"+a+"/import", c.body, "Content-Type", c.media)
		if st != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "canary") {
			t.Errorf("%s: %d %s", c.name, st, body)
		}
	}
	if st, _, _ := s.call("POST", "/api/v1/nodes/"+nodeOf(9)+"/import", importedYML, "Content-Type", "application/yaml"); st != http.StatusNotFound {
		t.Errorf("no such node: %d", st)
	}
	if after := s.written(a); after != before {
		t.Errorf("it wrote: %s, before %s", after, before)
	}
}
