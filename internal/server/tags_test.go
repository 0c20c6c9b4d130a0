package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"promfleet"
	"promfleet/client"
)

func TestTags(t *testing.T) { onBoth(t, checkTags) }

func checkTags(t *testing.T, s *started) {
	names := []string{"开发", "测试", "线上", "北京", "上海"}
	for _, name := range names {
		if tag := read[promfleet.Tag](s, "POST", "/tags", `{"name":"`+name+`","remark":"环境"}`); tag.Name != name {
			t.Errorf("%+v", tag)
		}
	}
	var got []string
	for _, tag := range read[promfleet.Page[promfleet.Tag]](s, "GET", "/tags", "").Items {
		got = append(got, tag.Name)
	}
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("tags %v, want %v", got, names)
	}
	if p := read[promfleet.Page[promfleet.Tag]](s, "GET", "/tags?q=海", ""); len(p.Items) != 1 || p.Items[0].Name != "上海" {
		t.Errorf("found %+v", p)
	}
	for _, c := range []struct {
		name, body, says string
		status           int
	}{
		{"taken", `{"name":"开发"}`, "tag 1 has the name", 409},
		{"empty", `{"name":""}`, "body.name", 422},
		{"comma", `{"name":"a,b"}`, "comma", 422},
		{"space around", `{"name":"a "}`, "space", 422},
		{"long", `{"name":"` + strings.Repeat("a", 129) + `"}`, "129 bytes", 422},
		{"control", `{"name":"a\u0007b"}`, "control", 422},
	} {
		if status, _, answer := s.call("POST", "/api/v1/tags", c.body); status != c.status || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s", c.name, status, answer)
		}
	}
	if status, _, answer := s.call("PATCH", "/api/v1/tags/2", `{"name":"开发"}`); status != 409 || !strings.Contains(answer, "tag 1") {
		t.Errorf("renamed to a taken name: %d %s", status, answer)
	}
	read[any](s, "PATCH", "/tags/2", `{"remark":""}`)
	if status, _, _ := s.call("DELETE", "/api/v1/tags/2", "", "If-Match", `"1"`); status != 412 {
		t.Errorf("stale: %d", status)
	}
	read[any](s, "DELETE", "/tags/1", "")
	again := read[promfleet.Tag](s, "POST", "/tags", `{"name":"开发"}`)
	if status, _, answer := s.call("POST", "/api/v1/tags/1/restore", ""); status != 409 || !strings.Contains(answer, fmt.Sprintf("tag %d", again.ID)) {
		t.Errorf("restored onto a taken name: %d %s", status, answer)
	}
	viewer := must(s.Tokens().Create(t.Context(), promfleet.TokenInput{Name: "v", Role: promfleet.RoleViewer})).Secret
	if status, _, _ := s.call("POST", "/api/v1/tags", `{"name":"x"}`, "Authorization", "Bearer "+viewer); status != 403 {
		t.Errorf("a viewer creates a tag: %d", status)
	}
}

// A tag that is renamed, deleted or restored is so on all that has it, and in the
// files of jobs whose relabelling can see it.
func TestTagShowsWhereItIs(t *testing.T) { onBoth(t, checkTagShowsWhereItIs) }

func checkTagShowsWhereItIs(t *testing.T, s *started) {
	ctx := t.Context()
	agent := s.join(nodeA)
	seeing := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "seeing",
		ScrapeConfig: json.RawMessage(`{"relabel_configs":[{"source_labels":["__meta_promfleet_tags"],"target_label":"tags"}]}`)}))
	blind := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "blind"}))
	for _, job := range []int64{seeing.ID, blind.ID} {
		must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job, Addr: "10.0.0.1:9100", Tags: []string{"开发", "北京"}}))
	}
	must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"tags": []string{"开发"}}))
	tag := read[promfleet.Page[promfleet.Tag]](s, "GET", "/tags?q=开发", "").Items[0]
	path := fmt.Sprintf("/tags/%d", tag.ID)

	revision := int64(0)
	step := func(what string, tags, files string, rises bool) {
		t.Helper()
		manifest := must(agent.Watch(ctx, 0, 0)).Manifest
		if rises != (manifest.Revision == revision+1) || !rises && manifest.Revision != revision {
			t.Errorf("%s: revision %d after %d", what, manifest.Revision, revision)
		}
		revision = manifest.Revision
		if got := targetFiles(t, agent, manifest); strings.Count(got, files) != 1 || strings.Contains(got, "meta") && files == "" {
			t.Errorf("%s: files %s, want %s once", what, got, files)
		}
		for _, job := range []int64{seeing.ID, blind.ID} {
			target := read[promfleet.Page[promfleet.Target]](s, "GET", fmt.Sprintf("/targets?job=%d", job), "").Items[0]
			if got := strings.Join(target.Tags, " "); got != tags {
				t.Errorf("%s: target has %s, want %s", what, got, tags)
			}
		}
	}
	revision = must(agent.Watch(ctx, 0, 0)).Manifest.Revision
	step("before", "北京 开发", `",北京,开发,"`, false)
	read[any](s, "PATCH", path, `{"remark":"nothing that a file says"}`)
	step("remark", "北京 开发", `",北京,开发,"`, false)

	preview := read[promfleet.Preview](s, "PATCH", path+"?dry_run=true", `{"name":"测试"}`)
	if len(preview.Nodes) != 1 || preview.Nodes[0].Reload || len(preview.Nodes[0].Files) != 1 || !strings.Contains(preview.Nodes[0].Files[0].Diff, "测试") {
		t.Errorf("preview %+v", preview)
	}
	step("dry run", "北京 开发", `",北京,开发,"`, false)

	_, set, _ := s.call("GET", fmt.Sprintf("/api/v1/jobs/%d/targets", blind.ID), "")
	read[any](s, "PATCH", path, `{"name":"测试"}`)
	step("renamed", "北京 测试", `",北京,测试,"`, true)
	if _, now, _ := s.call("GET", fmt.Sprintf("/api/v1/jobs/%d/targets", blind.ID), ""); now.Get("ETag") == set.Get("ETag") {
		t.Errorf("the targets of a job show another tag under the same ETag %s", now.Get("ETag"))
	}
	if n, _, err := s.Nodes().Get(ctx, nodeA); err != nil || !slices.Equal(n.Tags, []string{"测试"}) {
		t.Errorf("node has %v, error %v", n.Tags, err)
	}
	for query, want := range map[string]int{"?tag=测试": 2, "?tag=测试&tag=北京": 2, "?tag=测试&tag=上海": 0, "?tag=开发": 0} {
		if p := read[promfleet.Page[promfleet.Target]](s, "GET", "/targets"+query, ""); len(p.Items) != want {
			t.Errorf("/targets%s: %d, want %d", query, len(p.Items), want)
		}
	}
	read[any](s, "DELETE", path, "")
	step("deleted", "北京", `",北京,"`, true)
	read[any](s, "POST", path+"/restore", "")
	step("restored", "北京 测试", `",北京,测试,"`, true)
}

// targetFiles gives what the files of all jobs of a manifest say.
func targetFiles(t *testing.T, agent *client.Client, m promfleet.Manifest) string {
	t.Helper()
	fetch := func(parts []promfleet.Part) (bodies []string) {
		var refs []promfleet.PartRef
		for _, p := range parts {
			refs = append(refs, promfleet.PartRef{Name: p.Name, Hash: p.Hash})
		}
		for _, b := range must(agent.Fetch(t.Context(), refs)) {
			bodies = append(bodies, b.Body)
		}
		return bodies
	}
	var all strings.Builder
	for _, index := range fetch(m.Parts) {
		var parts []promfleet.Part
		if err := json.Unmarshal([]byte(index), &parts); err != nil {
			t.Fatal(err)
		}
		for i, body := range fetch(parts) {
			if parts[i].Count > 0 { // a piece
				all.WriteString(body)
			}
		}
	}
	return all.String()
}
