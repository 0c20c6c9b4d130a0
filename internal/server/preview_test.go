package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"promfleet"
)

// decode reads a JSON answer.
func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

// dryRun makes a call with dry_run and gives the preview.
func (s *started) dryRun(method, path, body string, header ...string) promfleet.Preview {
	s.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	st, _, answer := s.call(method, "/api/v1"+path+sep+"dry_run=true", body, header...)
	if st != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, st, answer)
	}
	return decode[promfleet.Preview](s.t, answer)
}

func onlyNode(t *testing.T, p promfleet.Preview) promfleet.NodePreview {
	t.Helper()
	if len(p.Nodes) != 1 || p.Nodes[0].Node != nodeA || p.Nodes[0].Hostname != "prometheus-1" {
		t.Fatalf("preview of %+v, want node %s alone", p.Nodes, nodeA)
	}
	return p.Nodes[0]
}

// A dry run of any write of jobs, targets and base says what it would change, and
// changes nothing; the write itself then changes just that.
func TestDryRunSaysWhatTheWriteDoes(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web", ScrapeConfig: json.RawMessage(`{"basic_auth":{"username":"u","password":"hunter2"}}`)}))
	one := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1", Labels: map[string]string{"dc": "北京"}}))
	jobPath, targetPath, set := fmt.Sprintf("/jobs/%d", job.ID), fmt.Sprintf("/targets/%d", one.ID), fmt.Sprintf("/jobs/%d/targets", job.ID)

	type want struct {
		reload                  bool
		added, removed, changed int
		files                   []string // action path
		diff                    []string // in any of the diffs
	}
	for _, c := range []struct {
		name, method, path, body string
		want                     want
	}{
		{"create a target", "POST", "/targets", fmt.Sprintf(`{"job":%d,"addr":"b:1"}`, job.ID),
			want{added: 1, files: []string{"update targets.d/web/all.json"}, diff: []string{`+   "b:1"`}}},
		{"other labels", "PATCH", targetPath, `{"labels":{"dc":"上海"}}`,
			want{changed: 1, files: []string{"update targets.d/web/all.json"}, diff: []string{`-   "dc": "北京"`, `+   "dc": "上海"`}}},
		{"another address", "PATCH", targetPath, `{"addr":"c:1"}`, want{added: 1, removed: 1, files: []string{"update targets.d/web/all.json"}}},
		{"a remark", "PATCH", targetPath, `{"remark":"x"}`, want{}},
		{"delete a target", "DELETE", targetPath, ``, want{removed: 1, files: []string{"delete targets.d/web/all.json"}, diff: []string{"+++ /dev/null"}}},
		{"replace the set", "PUT", set, `[{"addr":"x:1"},{"addr":"y:1"}]`, want{added: 2, removed: 1, files: []string{"update targets.d/web/all.json"}}},
		{"add to the set", "POST", set, `[{"addr":"x:1"}]`, want{added: 1, files: []string{"update targets.d/web/all.json"}}},
		{"patch by filter", "PATCH", fmt.Sprintf("/targets?job=%d", job.ID), `{"labels":{"env":"线上"}}`, want{changed: 1, files: []string{"update targets.d/web/all.json"}}},
		{"change a job", "PATCH", jobPath, `{"scrape_config":{"scrape_interval":"7s"}}`,
			want{reload: true, files: []string{"update prometheus.yml"}, diff: []string{"+    scrape_interval: 7s"}}},
		{"only a secret", "PATCH", jobPath, `{"scrape_config":{"basic_auth":{"password":"other"}}}`,
			want{reload: true, files: []string{"update prometheus.yml"}, diff: []string{"only secrets change"}}},
		{"a new job", "POST", "/jobs", `{"node":"` + nodeA + `","key":"db"}`, want{reload: true, files: []string{"update prometheus.yml"}, diff: []string{"+  - job_name: db"}}},
		{"another key", "PATCH", jobPath, `{"key":"www"}`,
			want{reload: true, added: 1, removed: 1, files: []string{"update prometheus.yml", "delete targets.d/web/all.json", "create targets.d/www/all.json"}}},
		{"delete a job", "DELETE", jobPath, ``, want{reload: true, removed: 1, files: []string{"update prometheus.yml", "delete targets.d/web/all.json"}}},
		{"a base", "PATCH", "/nodes/" + nodeA, `{"base_config":"global: {scrape_interval: 9s}\n"}`,
			want{reload: true, files: []string{"update prometheus.yml"}, diff: []string{"scrape_interval: 9s"}}},
		{"tags of a node", "PATCH", "/nodes/" + nodeA, `{"tags":["测试"]}`, want{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.on(t)
			before := must(agent.Watch(ctx, 0, 0)).Manifest
			p := s.dryRun(c.method, c.path, c.body)
			if after := must(agent.Watch(ctx, 0, 0)).Manifest; fmt.Sprint(after) != fmt.Sprint(before) {
				t.Fatal("a dry run changed what the node should have")
			}
			if len(c.want.files) == 0 {
				if len(p.Nodes) != 0 {
					t.Errorf("preview of %+v, want none", p.Nodes)
				}
				return
			}
			n := onlyNode(t, p)
			if n.Reload != c.want.reload || n.TargetsAdded != c.want.added || n.TargetsRemoved != c.want.removed || n.TargetsChanged != c.want.changed {
				t.Errorf("reload %v, targets +%d -%d ~%d, want %+v", n.Reload, n.TargetsAdded, n.TargetsRemoved, n.TargetsChanged, c.want)
			}
			var files []string
			var diffs strings.Builder
			for _, f := range n.Files {
				files = append(files, f.Action+" "+f.Path)
				diffs.WriteString(f.Diff)
			}
			if fmt.Sprint(files) != fmt.Sprint(c.want.files) {
				t.Errorf("files %v, want %v", files, c.want.files)
			}
			for _, d := range c.want.diff {
				if !strings.Contains(diffs.String(), d) {
					t.Errorf("no %q in\n%s", d, diffs.String())
				}
			}
			if strings.Contains(diffs.String(), "hunter2") || strings.Contains(diffs.String(), "other\"") {
				t.Error("a secret is shown")
			}
		})
	}
	if p := must(s.Events().List(ctx, nil)); p.Items[0].Object != fmt.Sprintf("target/%d", one.ID) {
		t.Errorf("a dry run left the event %+v", p.Items[0])
	}

	// Refused input is refused in a dry run too.
	if st, _, body := s.call("POST", "/api/v1/targets?dry_run=true", fmt.Sprintf(`{"job":%d,"addr":"a:1"}`, job.ID)); st != 409 {
		t.Errorf("a target that is there: %d %s", st, body)
	}
	if st, _, body := s.call("PATCH", "/api/v1"+jobPath+"?dry_run=true", `{"scrape_config":{"scrape_interval":"x"}}`); st != 422 {
		t.Errorf("a bad config: %d %s", st, body)
	}
	if st, _, body := s.call("PATCH", "/api/v1"+jobPath+"?dry_run=true", `{"remark":"x"}`, "If-Match", `"99"`); st != 412 {
		t.Errorf("a stale ETag: %d %s", st, body)
	}
}

// A preview of very much stays of a size that a page can show.
func TestPreviewIsBounded(t *testing.T) {
	s := start(t)
	s.join(nodeA)
	job := must(s.Jobs().Create(t.Context(), promfleet.JobInput{Node: nodeA, Key: "web"}))
	var all []promfleet.TargetInput
	for i := range 20_000 {
		all = append(all, promfleet.TargetInput{Addr: fmt.Sprintf("host-%d:9100", i)})
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/jobs/%d/targets", job.ID)
	n := onlyNode(t, s.dryRun("PUT", path, string(body)))
	size := 0
	for _, f := range n.Files {
		size += len(f.Diff)
	}
	if n.TargetsAdded != 20_000 || len(n.Added) != 100 || len(n.Files) < 20 || size > 600<<10 {
		t.Errorf("%d added, %d named, %d files, %d bytes of diff", n.TargetsAdded, len(n.Added), len(n.Files), size)
	}
	if p := must(s.Targets().List(t.Context(), nil)); p.Total != 0 {
		t.Errorf("%d targets after a dry run", p.Total)
	}
}

// The files of an earlier revision can be looked at, and who made it.
func TestHistory(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	shown := map[int64]string{}
	var last int64
	note := func(what string) {
		t.Helper()
		w := must(agent.Watch(ctx, 0, 0))
		c := must(s.NodeConfig(ctx, nodeA, 0))
		if w.Manifest.Revision <= last && what != "" {
			t.Fatalf("%s made no revision", what)
		}
		last = w.Manifest.Revision
		shown[last] = c.PrometheusYML + fmt.Sprint(c.Files)
	}
	note("joining")
	a := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "a", ScrapeConfig: json.RawMessage(`{"basic_auth":{"username":"u","password":"hunter2"}}`)}))
	note("a job")
	tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: a.ID, Addr: "x:1"}))
	note("a target")
	must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": "global: {scrape_interval: 9s}\n"}))
	note("a base")
	must(s.Jobs().Patch(ctx, fmt.Sprint(a.ID), "", map[string]any{"key": "b", "job_name": "B"}))
	note("another key")
	b := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "a"}))
	note("another job with the old key")
	if err := s.Targets().Delete(ctx, fmt.Sprint(tg.ID), ""); err != nil {
		t.Fatal(err)
	}
	note("a target deleted")
	if err := s.Jobs().Delete(ctx, fmt.Sprint(b.ID), ""); err != nil {
		t.Fatal(err)
	}
	note("a job deleted")
	must(s.Jobs().Restore(ctx, fmt.Sprint(b.ID)))
	note("a job restored")
	must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": ""}))
	note("no base")

	for revision, want := range shown {
		c := must(s.NodeConfig(ctx, nodeA, revision))
		if got := c.PrometheusYML + fmt.Sprint(c.Files); got != want || c.Revision != revision {
			t.Errorf("revision %d (%d) shows\n%s\nwant\n%s", revision, c.Revision, got, want)
		}
		if strings.Contains(c.PrometheusYML, "hunter2") {
			t.Errorf("revision %d shows a secret", revision)
		}
	}
	st, _, body := s.call("GET", "/api/v1/nodes/"+nodeA+"/revisions", "")
	list := decode[promfleet.Page[promfleet.Revision]](t, body)
	if st != 200 || list.Total != int64(len(shown)) || list.Items[0].Number != last || !strings.HasPrefix(list.Items[0].Actor, "token/") || list.Items[0].ActorName != "admin" {
		t.Errorf("revisions: %d %s", st, body)
	}
	if list.Items[len(list.Items)-1].Actor != "join-token/1" {
		t.Errorf("the first revision is by %s", list.Items[len(list.Items)-1].Actor)
	}
	if st, _, body := s.call("GET", fmt.Sprintf("/api/v1/nodes/%s/config?revision=%d", nodeA, last+1), ""); st != 404 {
		t.Errorf("a revision to come: %d %s", st, body)
	}

	// Only the last ones are kept.
	first := last
	for i := range 110 {
		must(s.Jobs().Patch(ctx, fmt.Sprint(b.ID), "", map[string]any{"job_name": fmt.Sprint("name-", i)}))
	}
	if st, _, body := s.call("GET", fmt.Sprintf("/api/v1/nodes/%s/config?revision=%d", nodeA, first), ""); st != 404 || !strings.Contains(body, "kept") {
		t.Errorf("an old revision: %d %s", st, body)
	}
	if c := must(s.NodeConfig(ctx, nodeA, first+20)); !strings.Contains(c.PrometheusYML, "name-19") || !strings.Contains(c.PrometheusYML, "B") {
		t.Errorf("revision %d shows %s", first+20, c.PrometheusYML)
	}
}
