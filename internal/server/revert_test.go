package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"promfleet"
)

// revertLast undoes the newest event and gives status and body.
func (s *started) revertLast() (int, string) {
	s.t.Helper()
	e := must(s.Events().List(s.t.Context(), nil)).Items[0]
	st, _, body := s.call("POST", fmt.Sprintf("/api/v1/events/%d/revert", e.ID), "")
	return st, body
}

// What any write did can be undone, and undone again, as long as it stands.
func TestRevert(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth: {username: u, password: one}\n"}))
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web", ScrapeConfig: json.RawMessage(`{"basic_auth":{"username":"u","password":"one"}}`)}))
	tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1", Labels: map[string]string{"dc": "北京"}, Tags: []string{"开发"}}))
	set := func(method, body string) {
		t.Helper()
		if st, _, answer := s.call(method, fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID), body); st != 200 {
			t.Fatalf("%s: %d %s", body, st, answer)
		}
	}
	jobID, targetID := fmt.Sprint(job.ID), fmt.Sprint(tg.ID)

	// files gives what the node should have, secrets and all.
	files := func() string {
		w := must(agent.Watch(ctx, 0, 0))
		var refs []promfleet.PartRef
		for _, p := range w.Manifest.Parts {
			refs = append(refs, promfleet.PartRef{Name: p.Name, Hash: p.Hash})
		}
		out := fmt.Sprint(refs)
		for _, b := range must(agent.Fetch(ctx, refs)) {
			out += b.Body
		}
		return out
	}
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"create a job", func() { must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "db"})) }},
		{"a secret of a job", func() {
			must(s.Jobs().Patch(ctx, jobID, "", map[string]any{"scrape_config": map[string]any{"basic_auth": map[string]any{"password": "two"}}}))
		}},
		{"a secret of the base", func() {
			must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth: {username: u, password: two}\n"}))
		}},
		{"no base", func() { must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": nil})) }},
		{"another key", func() { must(s.Jobs().Patch(ctx, jobID, "", map[string]any{"key": "www", "job_name": "www"})) }},
		{"delete a job", func() { mustDo(t, s.Jobs().Delete(ctx, jobID, "")) }},
		{"change a target", func() {
			must(s.Targets().Patch(ctx, targetID, "", map[string]any{"addr": "b:1", "labels": map[string]any{"dc": nil}}))
		}},
		{"delete a target", func() { mustDo(t, s.Targets().Delete(ctx, targetID, "")) }},
		{"replace the set", func() { set("PUT", `[{"addr":"a:1","labels":{"dc":"上海"}},{"addr":"n:1"}]`) }},
		{"empty the set", func() { set("PUT", `[]`) }},
		{"add to the set", func() { set("POST", `[{"addr":"a:1"},{"addr":"m:1"}]`) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := files()
			c.do()
			is := files()
			if is == was {
				t.Fatal("it changed nothing")
			}
			if st, body := s.revertLast(); st != 204 {
				t.Fatalf("revert: %d %s", st, body)
			}
			if got := files(); got != was {
				t.Errorf("after undoing it:\n%s\nwant\n%s", got, was)
			}
			e := must(s.Events().List(ctx, nil)).Items[0]
			if e.Action != "revert" || e.Reverts == 0 || !strings.HasPrefix(e.Actor, "token/") {
				t.Errorf("event of it: %+v", e)
			}
			if st, body := s.revertLast(); st != 204 {
				t.Fatalf("undo of the undo: %d %s", st, body)
			}
			if got := files(); got != is {
				t.Errorf("after undoing that:\n%s\nwant\n%s", got, is)
			}
			if st, body := s.revertLast(); st != 204 {
				t.Fatalf("and once more: %d %s", st, body)
			}
			if got := files(); got != was {
				t.Errorf("after undoing it again:\n%s\nwant\n%s", got, was)
			}
		})
	}
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An older event is not undone under a newer one: what it would bring back is not
// what was there.
func TestRevertOfOldEvents(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	newest := func() int64 { return must(s.Events().List(ctx, nil)).Items[0].ID }
	refused := func(what string, id int64) {
		t.Helper()
		if st, _, body := s.call("POST", fmt.Sprintf("/api/v1/events/%d/revert", id), ""); st != 409 {
			t.Errorf("%s: %d %s", what, st, body)
		}
	}
	base := func(password string) {
		must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth: {username: u, password: " + password + "}\n"}))
	}
	base("one")
	base("two")
	two := newest()
	base("three")
	refused("an older secret", two)

	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
	set := fmt.Sprintf("/api/v1/jobs/%d/targets", job.ID)
	tg := fmt.Sprint(must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1", Labels: map[string]string{"v": "old"}})).ID)
	mustDo(t, s.Targets().Delete(ctx, tg, ""))
	deleted := newest()
	must(s.Targets().Restore(ctx, tg))
	if st, _, body := s.call("PUT", set, `[{"addr":"a:1","labels":{"v":"new"}}]`); st != 200 {
		t.Fatalf("%d %s", st, body)
	}
	if st, _, body := s.call("PUT", set, `[]`); st != 200 {
		t.Fatalf("%d %s", st, body)
	}
	emptied := newest()
	refused("an older deletion", deleted)
	// The deletion by the set brings back what the set had.
	if st, _, body := s.call("POST", fmt.Sprintf("/api/v1/events/%d/revert", emptied), ""); st != 204 {
		t.Fatalf("%d %s", st, body)
	}
	if got, _, err := s.Targets().Get(ctx, tg); err != nil || got.Labels["v"] != "new" {
		t.Errorf("%+v, %v", got, err)
	}

	// A contact that is gone does not keep the rest from being undone.
	user := read[promfleet.User](s, "POST", "/users", `{"name":"bob","role":"viewer"}`)
	contact := read[promfleet.Contact](s, "POST", fmt.Sprintf("/users/%d/contacts", user.ID), `{"tel":"1"}`)
	id := fmt.Sprint(job.ID)
	must(s.Jobs().Patch(ctx, id, "", map[string]any{"contacts": []int64{contact.ID}, "remark": "one"}))
	must(s.Jobs().Patch(ctx, id, "", map[string]any{"contacts": []int64{}, "remark": "two"}))
	changed := newest()
	if st, _, body := s.call("DELETE", fmt.Sprintf("/api/v1/users/%d/contacts/%d", user.ID, contact.ID), ""); st != 204 {
		t.Fatalf("%d %s", st, body)
	}
	if st, _, body := s.call("POST", fmt.Sprintf("/api/v1/events/%d/revert", changed), ""); st != 204 {
		t.Errorf("%d %s", st, body)
	}
	if got, _, err := s.Jobs().Get(ctx, id); err != nil || got.Remark != "one" || len(got.Contacts) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What has changed since is not undone, and nothing else is harmed.
func TestRevertIsRefused(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	joined := must(s.Events().List(ctx, nil)).Items[0]
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
	tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1"}))
	must(s.Targets().Patch(ctx, fmt.Sprint(tg.ID), "", map[string]any{"remark": "one"}))
	one := must(s.Events().List(ctx, nil)).Items[0]
	must(s.Targets().Patch(ctx, fmt.Sprint(tg.ID), "", map[string]any{"remark": "two"}))
	two := must(s.Events().List(ctx, nil)).Items[0]
	revert := func(id int64, query ...string) (int, string) {
		st, _, body := s.call("POST", fmt.Sprintf("/api/v1/events/%d/revert%s", id, strings.Join(query, "")), "")
		return st, body
	}
	if st, body := revert(one.ID); st != 409 || !strings.Contains(body, fmt.Sprint("event ", two.ID)) {
		t.Errorf("changed since: %d %s", st, body)
	}
	if st, body := revert(joined.ID); st != 409 || !strings.Contains(body, "cannot be undone") {
		t.Errorf("a registration: %d %s", st, body)
	}
	if st, body := revert(two.ID + 1000); st != 404 {
		t.Errorf("no such event: %d %s", st, body)
	}
	// Its place is taken.
	mustDo(t, s.Targets().Delete(ctx, fmt.Sprint(tg.ID), ""))
	deleted := must(s.Events().List(ctx, nil)).Items[0]
	other := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1"}))
	if st, body := revert(deleted.ID); st != 409 || !strings.Contains(body, fmt.Sprint("target ", other.ID)) {
		t.Errorf("its place is taken: %d %s", st, body)
	}
	mustDo(t, s.Targets().Delete(ctx, fmt.Sprint(other.ID), ""))
	if st, body := revert(deleted.ID, "?dry_run=true"); st != 200 || !strings.Contains(body, `"targets_added":1`) {
		t.Errorf("dry run: %d %s", st, body)
	}
	if st, body := revert(deleted.ID); st != 204 {
		t.Errorf("in the end: %d %s", st, body)
	}
}
