package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"promfleet"
)

const firstData = `addr,name,remark,tags,labels.city,labels.env
1.1.1.1:9100,,"first, of three","北京,开发",北京,开发
1.1.1.2:9100,,,"上海,开发",上海,开发
1.1.1.3:9100,,"say ""hi""","北京,测试",北京,
`

// What is written in one format is read in every other, and written back
// changes nothing.
func TestSetFormats(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "host"}))
	path := fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID)
	media := []string{"text/csv", "application/x-ndjson", "application/json"}
	if st, _, body := s.call("PUT", path, "\ufeff"+firstData, "Content-Type", "text/csv; charset=utf-8"); st != 200 || !strings.Contains(body, `"created":3`) {
		t.Fatalf("%d %s", st, body)
	}
	_, h, csv := s.call("GET", path, "", "Accept", "text/csv")
	if csv != firstData || h.Get("Content-Type") != "text/csv" {
		t.Errorf("%s:\n%s", h.Get("Content-Type"), csv)
	}
	for _, from := range media {
		st, h, body := s.call("GET", path, "", "Accept", from)
		if st != 200 || h.Get("Content-Type") != from || h.Get("ETag") == "" {
			t.Fatalf("%s: %d %v", from, st, h)
		}
		st, _, answer := s.call("PUT", path, body, "Content-Type", from, "If-Match", h.Get("ETag"))
		if st != 200 || decode[promfleet.TargetSetChange](t, answer) != (promfleet.TargetSetChange{Kept: 3}) {
			t.Errorf("%s written back: %d %s", from, st, answer)
		}
		if st, again, _ := s.call("GET", path, "", "Accept", from, "If-None-Match", h.Get("ETag")); st != 304 || again.Get("ETag") != h.Get("ETag") || again.Get("Vary") == "" {
			t.Errorf("%s once more: %d with ETag %q and Vary %q, want 304", from, st, again.Get("ETag"), again.Get("Vary"))
		}
	}
	for accept, want := range map[string]string{"": "application/json", "*/*": "application/json", "text/html, */*;q=0.1": "application/json",
		"text/csv;q=0.5, application/x-ndjson": "application/x-ndjson", "text/*": "text/csv"} {
		if st, h, _ := s.call("GET", path, "", "Accept", accept); st != 200 || h.Get("Content-Type") != want {
			t.Errorf("Accept %q gives %d %s, want %s", accept, st, h.Get("Content-Type"), want)
		}
	}
	if st, _, body := s.call("GET", path, "", "Accept", "image/png"); st != 406 {
		t.Errorf("image/png: %d %s", st, body)
	}

	// POST leaves the others.
	st, _, body := s.call("POST", path, `{"addr":"1.1.1.1:9100","labels":{"city":"北京"}}`+"\n\n"+`{"addr":"1.1.1.4:9100"}`+"\n", "Content-Type", "application/x-ndjson")
	if st != 200 || decode[promfleet.TargetSetChange](t, body) != (promfleet.TargetSetChange{Created: 1, Updated: 1}) {
		t.Errorf("POST: %d %s", st, body)
	}
	if p := must(s.Targets().List(ctx, nil)); p.Total != 4 {
		t.Errorf("%d targets after POST, want 4", p.Total)
	}
	st, _, body = s.call("POST", path, "[]")
	if st != 200 || decode[promfleet.TargetSetChange](t, body) != (promfleet.TargetSetChange{}) {
		t.Errorf("POST of nothing: %d %s", st, body)
	}
}

// Bad lines are told by their place, and nothing of the body is taken.
func TestSetErrorsByLine(t *testing.T) {
	s := start(t)
	s.join(nodeA)
	job := must(s.Jobs().Create(t.Context(), promfleet.JobInput{Node: nodeA, Key: "host"}))
	must(s.Targets().Create(t.Context(), promfleet.TargetInput{Job: job.ID, Addr: "kept:1", Labels: map[string]string{"a": "b"}}))
	path := fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID)
	for _, c := range []struct {
		media, body string
		status      int
		locations   []string
	}{
		{"text/csv", "addr\na:1\nb b\n\"x\ny:1\"\n", 422, []string{"line[3].addr", "line[4].addr"}},
		{"text/csv", "addr,name\na:1\n", 422, []string{"line[2]"}},
		{"text/csv", "addr\n\"a:1\n", 422, []string{"line[2]"}},
		{"text/csv", "addr,colour\n", 422, []string{"line[1]"}},
		{"text/csv", "name\nx\n", 422, []string{"line[1]"}},
		{"text/csv", "addr,addr\n", 422, []string{"line[1]"}},
		{"text/csv", "", 422, []string{"line[1]"}},
		{"text/csv", "addr,labels.__meta_x\na:1,y\n", 422, []string{"line[2].labels.__meta_x"}},
		{"text/csv", "addr" + columns(5000) + "\n", 422, []string{"line[1]"}},
		{"text/csv", "addr\n" + strings.Repeat("a\n", 300_000), 413, nil},
		{"application/x-ndjson", `{"addr":"a:1"}` + "\n\n{\n" + `{"addr":7}` + "\n" + `{"addr":"b:1","x":1}` + "\n", 422, []string{"line[3]", "line[4].addr", "line[5].x"}},
		{"application/x-ndjson", `{"addr":"a:1"} {"addr":"b:1"}` + "\n", 422, []string{"line[1]"}},
		{"application/x-ndjson", "", 422, []string{"body"}},
		{"application/x-ndjson", strings.Repeat("x", 2<<20), 422, []string{"line[1]"}},
		{"application/json", `[{"addr":"a:1"},{"addr":"a:1"}]`, 422, []string{"body[1].addr"}},
		{"application/json", `[{"addr":"a:1"},{"addr":"a:1","name":"n"}]`, 422, []string{"body[1].labels"}},
		{"application/json", `[{"addr":"a:1","name":"x"},{"addr":"a:1","name":"y","labels":{}}]`, 422, []string{"body[1].labels"}},
		{"application/json", `[{"addr":"a:1"}`, 422, []string{"body"}},
		{"application/json", `[{"addr":"a:1"}] x`, 422, []string{"body"}},
		{"application/json", `[{"addr":"a:1"},`, 422, []string{"body[1]"}},
		{"application/json", `[{"ADDR":"a:1"}]`, 422, []string{"body[0]", "body[0].ADDR"}},
		{"application/json", `[{"addr":"a:1","id":12345678901234567890123}]`, 422, []string{"body[0].id"}},
		{"application/json", "[{\"addr\":\"a:1\",\"remark\":\"\xff\"}]", 400, nil},
		{"text/plain", "a:1", 415, nil},
	} {
		st, _, body := s.call("PUT", path, c.body, "Content-Type", c.media)
		var locations []string
		for _, e := range decode[struct{ Errors []struct{ Location string } }](t, body).Errors {
			locations = append(locations, e.Location)
		}
		if st != c.status || !equalSets(locations, c.locations) {
			t.Errorf("%s %.200q: %d %.1000s, want %d at %v", c.media, c.body, st, body, c.status, c.locations)
		}
	}
	// One that stays has the address and labels.
	if st, _, body := s.call("POST", path, `[{"addr":"kept:1","name":"n","labels":{"a":"b"}}]`); st != 409 || !strings.Contains(body, "body[0].labels") {
		t.Errorf("merged with one that stays: %d %s", st, body)
	}
	if p := must(s.Targets().List(t.Context(), nil)); p.Total != 1 || p.Items[0].Addr != "kept:1" {
		t.Errorf("targets after refused input: %+v", p.Items)
	}
}

func columns(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",labels.l%d", i)
	}
	return b.String()
}

func equalSets(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !strings.Contains(" "+strings.Join(b, " ")+" ", " "+x+" ") {
			return false
		}
	}
	return true
}

func TestSetTooLarge(t *testing.T) {
	s := start(t)
	s.join(nodeA)
	job := must(s.Jobs().Create(t.Context(), promfleet.JobInput{Node: nodeA, Key: "host"}))
	body := `[{"addr":"a:1","remark":"` + strings.Repeat("x", 65<<20) + `"}]`
	if st, _, answer := s.call("PUT", fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID), body); st != 413 {
		t.Errorf("%d %.200s", st, answer)
	}
}

// Many targets are changed by what they have in common.
func TestPatchTargets(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	hosts := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "host"}))
	other := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "other"}))
	if st, _, body := s.call("PUT", fmt.Sprintf("/api/v1/jobs/%d/targets", hosts.ID), firstData, "Content-Type", "text/csv"); st != 200 {
		t.Fatalf("%d %s", st, body)
	}
	must(s.Targets().Create(ctx, promfleet.TargetInput{Job: other.ID, Addr: "x:1", Tags: []string{"北京"}}))
	patch := func(query, body string) (int, string) {
		st, _, answer := s.call("PATCH", "/api/v1/targets?"+query, body)
		return st, answer
	}
	revision := func() int64 { return must(s.NodeConfig(ctx, nodeA, 0)).Revision }
	was := revision()
	st, body := patch("tag=北京", `{"labels":{"city":"Beijing","env":null},"add_tags":["线上"],"remove_tags":["测试"],"remark":"moved"}`)
	if st != 200 || decode[promfleet.TargetsPatched](t, body) != (promfleet.TargetsPatched{Matched: 3, Updated: 3}) {
		t.Fatalf("%d %s", st, body)
	}
	if got := revision(); got != was+1 {
		t.Errorf("one patch of two jobs made %d revisions, want 1", got-was)
	}
	for _, tg := range must(s.Targets().List(ctx, map[string][]string{"tag": {"线上"}})).Items {
		if tg.Labels["city"] != "Beijing" || tg.Labels["env"] != "" || tg.Remark != "moved" || strings.Contains(fmt.Sprint(tg.Tags), "测试") {
			t.Errorf("patched: %+v", tg)
		}
	}
	if st, body := patch("tag=北京&tag=线上", `{"add_tags":["线上"]}`); st != 200 || decode[promfleet.TargetsPatched](t, body) != (promfleet.TargetsPatched{Matched: 3}) {
		t.Errorf("again: %d %s", st, body)
	}
	if revision() != was+1 {
		t.Error("a patch that changes nothing made a revision")
	}
	must(s.Targets().Create(ctx, promfleet.TargetInput{Job: other.ID, Addr: "x:1", Name: "n", Labels: map[string]string{"port": "2"}}))
	for _, c := range []struct {
		query, body string
		status      int
	}{
		{"", `{"remark":"x"}`, 422},
		{"tag=北京", `{}`, 422},
		{"tag=北京", `{"labels":{"__meta_x":"y"}}`, 422},
		{"tag=北京", `{"add_tags":["a"],"remove_tags":["a"]}`, 422},
		{"tag=北京", `{"add_tags":["a,b"]}`, 422},
		{"tag=北京", `{"addr":"a:1"}`, 422},
		{"tag=北京", `{"deleted":true,"remark":"x"}`, 422},
		{"tag=北京", `{"deleted":false}`, 422},
		{"id=0x", `{"deleted":true}`, 422},
		{"id=1" + strings.Repeat("&id=2", 500), `{"deleted":true}`, 422},
		{fmt.Sprint("tag=&job=", other.ID), `{"remark":"an unset variable"}`, 422},
		{fmt.Sprint("job=", other.ID), `{"labels":{"port":null,"city":null}}`, 409},
	} {
		if st, body := patch(c.query, c.body); st != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.query, c.body, st, body, c.status)
		}
	}
}

// Targets are chosen by their ids, and deleted together as one event, which can be undone.
func TestDeleteTargets(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "host"}))
	other := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "other"}))
	must(s.ReplaceTargets(ctx, job.ID, []promfleet.TargetInput{{Addr: "a:1"}, {Addr: "b:1"}, {Addr: "c:1"}}))
	must(s.Targets().Create(ctx, promfleet.TargetInput{Job: other.ID, Addr: "x:1"}))
	addrs := func(filter map[string][]string) (out string) {
		for _, tg := range must(s.Targets().List(ctx, filter)).Items {
			out += tg.Addr + " "
		}
		return out
	}
	call := func(method, path, body string) string {
		t.Helper()
		st, _, answer := s.call(method, path, body)
		if st != 200 {
			t.Fatalf("%s %s: %d %s", method, path, st, answer)
		}
		return answer
	}
	ids := map[string]string{}
	for _, tg := range must(s.Targets().List(ctx, nil)).Items {
		ids[tg.Addr] = fmt.Sprint(tg.ID)
	}
	if got := addrs(map[string][]string{"id": {ids["c:1"], ids["x:1"], "999999"}}); got != "c:1 x:1 " {
		t.Errorf("by ids: %s", got)
	}
	if got := addrs(map[string][]string{"id": {ids["c:1"], ids["x:1"]}, "job": {fmt.Sprint(job.ID)}}); got != "c:1 " {
		t.Errorf("by ids and job: %s", got)
	}
	selected := "id=" + ids["a:1"] + "&id=" + ids["x:1"] + "&id=" + ids["c:1"] + "&id=" + ids["a:1"] + "&id=999999"
	preview := decode[promfleet.Preview](t, call("PATCH", "/api/v1/targets?dry_run=true&"+selected, `{"deleted":true}`))
	if len(preview.Nodes) != 1 || preview.Nodes[0].TargetsRemoved != 3 || addrs(nil) != "a:1 b:1 c:1 x:1 " {
		t.Errorf("preview: %+v", preview)
	}
	body := call("PATCH", "/api/v1/targets?"+selected, `{"deleted":true}`)
	if decode[promfleet.TargetsPatched](t, body) != (promfleet.TargetsPatched{Matched: 3, Updated: 3}) || addrs(nil) != "b:1 " {
		t.Errorf("%s; left: %s", body, addrs(nil))
	}
	if got := addrs(map[string][]string{"deleted": {"true"}}); got != "a:1 c:1 x:1 " {
		t.Errorf("deleted: %s", got)
	}
	if body := call("PATCH", "/api/v1/targets?"+selected, `{"deleted":true}`); decode[promfleet.TargetsPatched](t, body) != (promfleet.TargetsPatched{}) {
		t.Errorf("once more: %s", body)
	}
	events := must(s.Events().List(ctx, map[string][]string{"object": {fmt.Sprintf("job/%d/targets", job.ID)}})).Items
	if st, _, answer := s.call("POST", fmt.Sprintf("/api/v1/events/%d/revert", events[0].ID), ""); st != 204 {
		t.Errorf("undo: %d %s", st, answer)
	}
	if got := addrs(nil); got != "a:1 b:1 c:1 " {
		t.Errorf("undone: %s", got)
	}
}

// HTTP SD gives what the target files say, and more, to a token that may do nothing else.
func TestHTTPSD(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "host"}))
	tok := must(s.Tokens().Create(ctx, promfleet.TokenInput{Name: "sd", Role: promfleet.RoleSD}))
	sd := func(header ...string) (int, http.Header, string) {
		return s.call("GET", "/api/v1/sd/"+nodeA+"/host", "", append([]string{"Authorization", "Bearer " + tok.Secret}, header...)...)
	}
	st, h, body := sd()
	if st != 200 || strings.TrimSpace(body) != "[]" || h.Get("Content-Type") != "application/json" {
		t.Errorf("no targets: %d %s", st, body)
	}
	var all []promfleet.TargetInput
	for i := range 3000 {
		all = append(all, promfleet.TargetInput{Addr: fmt.Sprintf("h%d:1", i), Labels: map[string]string{"rack": fmt.Sprint(i % 7)}, Tags: []string{"线上"}})
	}
	must(s.ReplaceTargets(ctx, job.ID, all))
	st, h, body = sd("If-None-Match", h.Get("ETag"))
	var groups []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := json.Unmarshal([]byte(body), &groups); err != nil || st != 200 {
		t.Fatalf("%d %v", st, err)
	}
	n := 0
	for _, g := range groups {
		n += len(g.Targets)
		if g.Labels["rack"] == "" || g.Labels["__meta_promfleet_tags"] != ",线上," {
			t.Fatalf("group %+v", g)
		}
	}
	if n != 3000 {
		t.Errorf("%d targets, want 3000", n)
	}
	if st, again, body := sd("If-None-Match", h.Get("ETag")); st != 304 || body != "" || again.Get("ETag") != h.Get("ETag") {
		t.Errorf("unchanged: %d %s", st, body)
	}
	for _, path := range []string{"/nodes", "/jobs", "/targets", "/events", "/tags", fmt.Sprintf("/jobs/%d/targets", job.ID)} {
		if st, _, _ := s.call("GET", "/api/v1"+path, "", "Authorization", "Bearer "+tok.Secret); st != 403 {
			t.Errorf("an sd token gets %d from %s", st, path)
		}
	}
	if st, _, _ := s.call("GET", "/api/v1/sd/"+nodeA+"/none", ""); st != 404 {
		t.Errorf("no such job: %d", st)
	}
}
