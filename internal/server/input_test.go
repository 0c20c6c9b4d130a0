package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"promfleet"
)

// A masked secret goes back to the list element that it was in, wherever that is
// now, and to no other.
func TestMaskedSecretFollowsItsElement(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "a", ScrapeConfig: json.RawMessage(
		`{"consul_sd_configs":[{"server":"a:1","token":"tokA"},{"server":"b:1","token":"tokB"}]}`)}))
	put := func(sc string) error {
		_, err := s.Jobs().Put(ctx, fmt.Sprint(job.ID), "", promfleet.JobInput{Node: nodeA, Key: "a", ScrapeConfig: json.RawMessage(sc)})
		return err
	}
	if err := put(`{"consul_sd_configs":[{"server":"b:1","token":"<secret>"},{"server":"a:1","token":"<secret>"}]}`); err != nil {
		t.Fatal(err)
	}
	w := must(agent.Watch(ctx, 0, 0))
	var parts []promfleet.Part
	if err := json.Unmarshal([]byte(must(agent.Fetch(ctx, []promfleet.PartRef{{Name: "jobs/a", Hash: w.Manifest.Parts[0].Hash}}))[0].Body), &parts); err != nil {
		t.Fatal(err)
	}
	config := must(agent.Fetch(ctx, []promfleet.PartRef{{Name: "jobs/a/config", Hash: parts[0].Hash}}))[0].Body
	if !strings.Contains(config, `{"server":"b:1","token":"tokB"},{"server":"a:1","token":"tokA"}`) {
		t.Errorf("after a swap: %s", config)
	}
	wantCode(t, put(`{"consul_sd_configs":[{"server":"evil:1","token":"<secret>"}]}`), promfleet.Invalid, "body.scrape_config.consul_sd_configs[0].token")
}

// An alias cannot carry a secret that is put back to where it would be shown.
func TestMaskedSecretIsNotAliased(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	base := func(text string) (string, error) {
		n, err := s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": text})
		return n.BaseConfig, err
	}
	if _, err := base("remote_write:\n- url: http://a/\n  basic_auth: {username: u, password: hunter2}\n"); err != nil {
		t.Fatal(err)
	}
	_, err := base("remote_write:\n- url: http://a/\n  basic_auth: {username: u, password: &p <secret>}\nglobal:\n  scrape_interval: *p\n")
	wantCode(t, err, promfleet.Invalid, "body.base_config")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret is told: %v", err)
	}
	if shown, err := base("# kept\nremote_write:\n- url: http://a/\n  basic_auth: {username: u, password: <secret>}\nglobal: {scrape_interval: 1m}\n"); err != nil || strings.Contains(shown, "hunter2") || !strings.Contains(shown, "# kept") {
		t.Errorf("base %q, error %v", shown, err)
	}
}

func TestWholeSetHonoursIfMatchAndSaysWhatWasDeleted(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "a"}))
	path := fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID)
	_, h, _ := s.call("PUT", path, `[{"addr":"a:1"},{"addr":"b:1"}]`)
	tag := h.Get("ETag")
	if _, h, _ := s.call("GET", path, ""); tag == "" || h.Get("ETag") != tag {
		t.Errorf("ETag after PUT %q, of GET %q", tag, h.Get("ETag"))
	}
	if st, _, body := s.call("PUT", path, `[]`, "If-Match", `"7"`); st != 412 {
		t.Errorf("stale: %d %s", st, body)
	}
	for _, body := range []string{`null`, `{}`} {
		if st, _, answer := s.call("PUT", path, body); st != 422 {
			t.Errorf("%s: %d %s", body, st, answer)
		}
	}
	if st, _, body := s.call("PUT", path, `[{"addr":"b:1"}]`, "If-Match", tag); st != 200 || !strings.Contains(body, `"deleted":1`) {
		t.Errorf("%d %s", st, body)
	}
	if e := must(s.Events().List(ctx, nil)).Items[0]; !strings.Contains(string(e.Before), `"a:1"`) {
		t.Errorf("the event does not say what was deleted: %s", e.Before)
	}
}

func TestInputThatOnlyLooksRight(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "a", Remark: "old"}))
	must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "h:1", Labels: map[string]string{"a": ""}}))
	_, err := s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "h:1", Name: "n2"})
	wantCode(t, err, promfleet.Conflict, "body.labels") // an empty label is none
	_, err = s.Jobs().Patch(ctx, fmt.Sprint(job.ID), "", map[string]any{"Remark": "new"})
	wantCode(t, err, promfleet.Invalid, "body.Remark")
	for _, c := range []struct {
		method, path, body, contentType string
		status                          int
	}{
		{"PATCH", "/jobs/1", `{"remark":"x"}`, "text/csv", 415},
		{"POST", "/targets", `{"job":1,"addr":"x:1"}`, "text/plain", 415},
		{"POST", "/targets", `<a/>`, "application/xml", 415},
		{"PATCH", "/jobs/1", `{"remark":"` + "\xff\xfe" + `"}`, "application/json", 400},
		{"PATCH", "/jobs/1", `{"remark":"x"}`, "application/merge-patch+json; charset=utf-8", 200},
		{"POST", "/tokens", `{"name":"x","role":"viewer","expires_at":"9999-12-31T23:59:59-23:00"}`, "application/json", 422},
		{"POST", "/join-tokens", `{"expires_at":"9999-12-31T23:59:59-01:00"}`, "application/json", 422},
	} {
		if st, _, body := s.call(c.method, "/api/v1"+c.path, c.body, "Content-Type", c.contentType); st != c.status {
			t.Errorf("%s %s %s as %s: %d %s, want %d", c.method, c.path, c.body, c.contentType, st, body, c.status)
		}
	}
	jt := must(s.JoinTokens().Create(ctx, promfleet.JoinTokenInput{MaxUses: 10}))
	for _, id := range []string{"11111111111141118111111111111111", "{11111111-1111-4111-8111-111111111111}", "urn:uuid:11111111-1111-4111-8111-111111111111", "00000000-0000-0000-0000-000000000000"} {
		_, err := s.as(jt.Secret).Register(ctx, registration(id))
		wantCode(t, err, promfleet.Invalid, "body.uuid")
	}
	bad := registration("11111111-1111-4111-8111-111111111111")
	bad.Addr = "javascript:alert(1)"
	_, err = s.as(jt.Secret).Register(ctx, bad)
	wantCode(t, err, promfleet.Invalid, "body.addr")
}

// A batch of removals leaves the pieces that the set alone gives.
func TestBatchesDoNotRememberEdits(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	batch := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "batch"}))
	fresh := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "fresh"}))
	for _, remove := range []int{100, 150, 200, 250} {
		var all, left []promfleet.TargetInput
		for i := range 1250 {
			in := promfleet.TargetInput{Addr: fmt.Sprintf("host-%d:1", i)}
			all = append(all, in)
			if i >= remove {
				left = append(left, in)
			}
		}
		must(s.ReplaceTargets(ctx, batch.ID, all))
		must(s.ReplaceTargets(ctx, batch.ID, left))
		must(s.ReplaceTargets(ctx, fresh.ID, []promfleet.TargetInput{}))
		must(s.ReplaceTargets(ctx, fresh.ID, left))
		var names [2][]string
		for _, f := range must(s.NodeConfig(ctx, nodeA, 0)).Files {
			key, name, _ := strings.Cut(f.Path, "/")
			if key == "batch" {
				names[0] = append(names[0], name+string(f.Hash))
			} else {
				names[1] = append(names[1], name+string(f.Hash))
			}
		}
		if fmt.Sprint(names[0]) != fmt.Sprint(names[1]) {
			t.Errorf("%d removed at once: %d pieces, the set gives %d", remove, len(names[0]), len(names[1]))
		}
	}
}
