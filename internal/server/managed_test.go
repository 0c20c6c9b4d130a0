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

// What a manager manages, no other write changes; what it does not, stays free. Every
// refusal says who manages it and what to do.
func TestManagedIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		a := nodeOf(1)
		agent := s.join(a)
		hand := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: a, Key: "hand"}))
		free := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: hand.ID, Addr: "h:1", Tags: []string{"free"}}))
		job := func(key string) promfleet.Job {
			return must(s.Jobs().List(ctx, map[string][]string{"key": {key}})).Items[0]
		}
		docs := []promfleet.FleetDocument{nodeDoc(a, "global: {scrape_interval: 30s}\n", "on-node"),
			jobDoc(a, "web", `{}`, "a:1", "a:2"), jobDoc(a, "own", `{}`, "a:1"), jobDoc(a, "gone", `{}`, "a:1")}
		(*docs[1].Targets)[0].Tags = []string{"on-target"}
		docs[2].Targets = nil
		must(s.Apply(ctx, docs, client.ApplyHow{Manager: "team/files"}, nil))
		must(s.Apply(ctx, docs[:3], client.ApplyHow{Manager: "team/files", Prune: true}, nil))
		web, own := job("web"), job("own")
		gone := must(s.Jobs().List(ctx, map[string][]string{"deleted": {"true"}})).Items[0]
		targets := must(s.JobTargets(ctx, web.ID))
		loose := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: own.ID, Addr: "b:1"}))
		tag := func(name string) int64 {
			return must(s.Tags().List(ctx, map[string][]string{"q": {name}})).Items[0].ID
		}
		events := map[string]int64{}
		for _, e := range must(s.Events().List(ctx, map[string][]string{"limit": {"1000"}})).Items {
			events[e.Action+" "+e.Object] = e.ID
		}
		s.count(1, "/nodes?managed_by=team/files")
		s.count(2, "/jobs?managed_by=team/files")
		s.count(0, "/jobs?managed_by=other")

		webPath, ownPath, target := fmt.Sprint("/jobs/", web.ID), fmt.Sprint("/jobs/", own.ID), fmt.Sprint("/targets/", targets[0].ID)
		revert := func(event string) string {
			if events[event] == 0 {
				t.Fatalf("no event %q among %v", event, events)
			}
			return fmt.Sprintf("/events/%d/revert", events[event])
		}
		managed := []struct{ method, path, body string }{
			{"PATCH", "/nodes/" + a, `{"tags":["x"]}`},
			{"PATCH", "/nodes/" + a, `{"base_config":""}`},
			{"PATCH", webPath, `{"remark":"x"}`},
			{"PATCH", webPath, `{"targets_managed_by":"","remark":"x"}`},
			{"PUT", webPath, `{"node":"` + a + `","key":"web","remark":"x","managed_by":""}`},
			{"PATCH", ownPath, `{"scrape_config":{"scrape_interval":"7s"}}`},
			{"DELETE", webPath, ``},
			{"DELETE", ownPath, ``},
			{"POST", fmt.Sprintf("/jobs/%d/restore", gone.ID), ``},
			{"POST", "/targets", fmt.Sprintf(`{"job":%d,"addr":"x:1"}`, web.ID)},
			{"PUT", target, fmt.Sprintf(`{"job":%d,"addr":"a:1","remark":"x"}`, web.ID)},
			{"PATCH", target, `{"remark":"x"}`},
			{"DELETE", target, ``},
			{"PUT", webPath + "/targets", `[]`},
			{"POST", webPath + "/targets", `[{"addr":"x:1"}]`},
			{"PATCH", "/targets?node=" + a, `{"labels":{"x":"y"}}`},
			{"PATCH", fmt.Sprintf("/targets?job=%d", web.ID), `{"add_tags":["x"]}`},
			{"PATCH", fmt.Sprint("/tags/", tag("on-node")), `{"name":"x"}`},
			{"PATCH", fmt.Sprint("/tags/", tag("on-target")), `{"name":"x"}`},
			{"DELETE", fmt.Sprint("/tags/", tag("on-target")), ``},
			{"POST", revert("update node/" + a), ``},
			{"POST", revert("create job/" + fmt.Sprint(web.ID)), ``},
			{"POST", revert("update job/" + fmt.Sprint(web.ID) + "/targets"), ``},
			{"POST", revert("delete job/" + fmt.Sprint(gone.ID)), ``},
			{"POST", "/nodes/" + a + "/import", "scrape_configs: [{job_name: web}]\n"},
			{"POST", "/apply?manager=other", string(must(json.Marshal(docs[:1])))},
			{"POST", "/apply?manager=other", string(must(json.Marshal(docs[1:2])))},
		}
		before := s.written(a)
		for _, w := range managed {
			media := map[string]string{"PATCH": "application/merge-patch+json"}[w.method]
			if strings.HasPrefix(w.path, "/targets?") || media == "" {
				media = "application/json"
			}
			if strings.HasSuffix(w.path, "/import") {
				media = "application/yaml"
			}
			st, _, body := s.call(w.method, "/api/v1"+w.path, w.body, "Content-Type", media)
			if st != http.StatusConflict || !strings.Contains(body, "team/files") || !strings.Contains(body, "release") && !strings.Contains(body, "take_over") && !strings.Contains(body, "anew") {
				t.Errorf("%s %s %s: %d %s", w.method, w.path, w.body, st, body)
			}
		}
		if after := s.written(a); after != before {
			t.Errorf("a refused write wrote: %s, before %s", after, before)
		}
		// Nobody makes a record managed by hand.
		s.api(422, "PATCH", fmt.Sprint("/jobs/", hand.ID), `{"managed_by":"me"}`)
		s.api(422, "PATCH", "/nodes/"+a, `{"managed_by":"me"}`)

		// What is not managed is free, and so is what agents do.
		s.api(200, "PATCH", fmt.Sprint("/targets/", loose.ID), `{"remark":"x"}`)
		s.api(200, "PATCH", fmt.Sprint("/targets/", free.ID), `{"remark":"x"}`)
		s.api(200, "PATCH", fmt.Sprint("/jobs/", hand.ID), `{"remark":"x"}`)
		s.api(200, "PATCH", fmt.Sprint("/tags/", tag("free")), `{"name":"freer"}`)
		s.api(200, "PATCH", fmt.Sprint("/tags/", tag("on-node")), `{"remark":"no name"}`)
		must(agent.Register(ctx, registration(a)))
		user := must(s.Users().Create(ctx, promfleet.UserInput{Name: "on call", Role: promfleet.RoleViewer}))
		contact := must(s.Contacts(user.ID).Create(ctx, promfleet.ContactInput{Tel: "112"})).ID
		for _, path := range []string{webPath, "/nodes/" + a} { // whom to reach is no matter of files
			if v := s.api(200, "PATCH", path, fmt.Sprintf(`{"contacts":[%d]}`, contact)); fmt.Sprint(v["contacts"]) != fmt.Sprintf("[%d]", contact) || v["managed_by"] != "team/files" {
				t.Errorf("%s: %v", path, v)
			}
		}

		// Releasing: alone, with another change, of the targets alone.
		s.api(200, "PATCH", webPath, `{"targets_managed_by":""}`)
		s.api(200, "PATCH", target, `{"remark":"by hand"}`)
		s.api(409, "PATCH", webPath, `{"remark":"x"}`)
		if v := s.api(200, "PATCH", webPath, `{"managed_by":"","remark":"by hand"}`); v["managed_by"] != "" || v["remark"] != "by hand" {
			t.Errorf("released: %v", v)
		}
		if v := s.api(200, "PATCH", "/nodes/"+a, `{"managed_by":null}`); v["managed_by"] != "" {
			t.Errorf("released: %v", v)
		}
		s.api(200, "PATCH", "/nodes/"+a, `{"tags":["x"]}`)
		// Its files take it again.
		if c := must(s.Apply(ctx, docs[:3], client.ApplyHow{Manager: "team/files"}, nil)); len(c.Changes) != 2 {
			t.Errorf("applied again: %+v", c)
		}
		// Another manager takes it over if it says so, and only then.
		_, err := s.Apply(ctx, docs[:2], client.ApplyHow{Manager: "other"}, nil)
		wantCode(t, err, promfleet.Conflict, docs[0].At)
		must(s.Apply(ctx, docs[:2], client.ApplyHow{Manager: "other", TakeOver: true}, nil))
		if j := job("web"); j.ManagedBy != "other" || j.TargetsManagedBy != "other" {
			t.Errorf("taken over: %+v", j)
		}
		// A document that names no targets any more lets go of them.
		named := docs[1]
		named.Targets = nil
		must(s.Apply(ctx, []promfleet.FleetDocument{named}, client.ApplyHow{Manager: "other"}, nil))
		if j := job("web"); j.ManagedBy != "other" || j.TargetsManagedBy != "" || len(must(s.JobTargets(ctx, j.ID))) != 2 {
			t.Errorf("let go: %+v", j)
		}
		// The end of a node is nobody's but the editor's.
		s.api(204, "DELETE", "/nodes/"+a, "")
		s.api(200, "POST", "/nodes/"+a+"/restore", "")
	})
}
