package server_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// api makes a call that must answer with a status, and gives the body decoded.
func (s *started) api(want int, method, path, body string, header ...string) map[string]any {
	s.t.Helper()
	st, _, answer := s.call(method, "/api/v1"+path, body, header...)
	if st != want {
		s.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, st, answer, want)
	}
	if answer == "" {
		return nil
	}
	v := map[string]any{}
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		s.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
	}
	return v
}

func id(v map[string]any) string { return fmt.Sprint(int64(v["id"].(float64))) }

// has fails unless a record has just these fields, optional ones apart.
func has(t *testing.T, v map[string]any, fields string, optional ...string) {
	t.Helper()
	want := strings.Fields(fields)
	for _, f := range want {
		if _, ok := v[f]; !ok {
			t.Errorf("no field %s in %v", f, v)
		}
	}
	for f := range v {
		if !slices.Contains(want, f) && !slices.Contains(optional, f) {
			t.Errorf("an unknown field %s in %v", f, v)
		}
	}
}

// items lists and gives what a query selects.
func (s *started) items(path string) []map[string]any {
	s.t.Helper()
	page := s.api(200, "GET", path, "")
	has(s.t, page, "items next_cursor total")
	var out []map[string]any
	for _, v := range page["items"].([]any) {
		out = append(out, v.(map[string]any))
	}
	if int(page["total"].(float64)) < len(out) {
		s.t.Errorf("GET %s: total %v of %d items", path, page["total"], len(out))
	}
	return out
}

// count fails unless a list has n records.
func (s *started) count(n int, path string) {
	s.t.Helper()
	if got := s.items(path); len(got) != n {
		s.t.Errorf("GET %s: %d items, want %d: %v", path, len(got), n, got)
	}
}

// lifecycle: a single record is got with an ETag, patched under it, refused under
// a stale one, deleted softly, listed as deleted, restored.
func (s *started) lifecycle(list, one, patch string) {
	s.t.Helper()
	st, h, _ := s.call("GET", "/api/v1"+one, "")
	tag := h.Get("ETag")
	if st != 200 || tag == "" {
		s.t.Fatalf("GET %s: %d, ETag %q", one, st, tag)
	}
	s.api(200, "PATCH", one, patch, "If-Match", tag)
	s.api(412, "PATCH", one, patch, "If-Match", tag)
	s.api(412, "DELETE", one, "", "If-Match", tag)
	s.api(204, "DELETE", one, "")
	s.api(404, "GET", one, "")
	s.api(404, "PATCH", one, patch)
	if deleted := s.items(list + "deleted=true"); len(deleted) != 1 || deleted[0]["deleted_at"] == nil {
		s.t.Errorf("deleted ones of %s: %v", list, deleted)
	}
	if v := s.api(200, "POST", one+"/restore", ""); v["deleted_at"] != nil {
		s.t.Errorf("restored: %v", v)
	}
	s.api(409, "POST", one+"/restore", "")
	s.api(200, "GET", one, "")
}

// Every row of the contract's table of resources, on a real server.
func TestContract(t *testing.T) {
	s := start(t)
	agent := s.join(nodeA)
	const times = "created_at updated_at"
	const statusFields = "revision_wanted revision_applied revision_received revision_written steps state last_error notices agent_version prometheus_version targets_up targets_down"

	t.Run("nodes", func(t *testing.T) {
		s := s.on(t)
		node := "/nodes/" + nodeA
		v := s.api(200, "PATCH", node, `{"tags":["线上","北京"],"base_config":"global: {scrape_interval: 20s}\n"}`)
		has(t, v, "uuid hostname addr tags base_config contacts managed_by jobs status "+times, "deleted_at")
		has(t, v["status"].(map[string]any), statusFields, "last_seen_at", "policy")
		s.count(1, "/nodes?tag=线上&tag=北京")
		s.count(0, "/nodes?tag=线上&tag=上海")
		s.count(1, "/nodes?state=pending")
		s.count(0, "/nodes?state=in_sync")
		s.count(1, "/nodes?q=PROMETHEUS")
		has(t, s.api(200, "GET", "/nodes/summary", ""), "total states targets_up targets_down")
		has(t, s.api(200, "GET", "/nodes/map?state=pending", ""), "nodes total")
		s.api(405, "POST", "/nodes", `{}`) // by registration alone
		s.api(422, "PATCH", node, `{"hostname":"x"}`)
		s.lifecycle("/nodes?", node, `{"tags":["线上"]}`)
		agent = s.join(nodeA) // its credential was revoked
	})
	t.Run("node config", func(t *testing.T) {
		s := s.on(t)
		v := s.api(200, "GET", "/nodes/"+nodeA+"/config", "")
		has(t, v, "revision prometheus_yml files")
		if !strings.Contains(v["prometheus_yml"].(string), "20s") {
			t.Errorf("config: %v", v)
		}
		s.api(200, "GET", fmt.Sprintf("/nodes/%s/config?revision=%v", nodeA, v["revision"]), "")
		s.api(404, "GET", "/nodes/"+strings.Replace(nodeA, "7b", "9b", 1)+"/config", "")
		has(t, s.api(200, "GET", "/nodes/"+nodeA+"/loaded?wait=0", ""), "node hostname agent agent_says at same revision_now revision_wanted revision_received revision_written revision_loaded state wanted written loaded notes", "problem", "prometheus_version")
		has(t, s.api(200, "GET", "/nodes/"+nodeA+"/doctor?wait=0", ""), "node hostname agent agent_says at findings warnings failures")
		s.api(422, "GET", "/nodes/"+nodeA+"/doctor?wait=31", "")
	})

	var job string
	t.Run("jobs", func(t *testing.T) {
		s := s.on(t)
		in := `{"node":"` + nodeA + `","key":"web","remark":"前端","scrape_config":{"scrape_interval":"15s","dns_sd_configs":[{"names":["x"]}]}}`
		v := s.api(201, "POST", "/jobs", in)
		has(t, v, "id node key job_name remark scrape_config contacts managed_by targets_managed_by targets "+times, "deleted_at")
		job = id(v)
		if v["job_name"] != "web" {
			t.Errorf("job_name defaults to %v", v["job_name"])
		}
		s.api(409, "POST", "/jobs", in)
		s.api(200, "PUT", "/jobs/"+job, in)
		s.count(1, "/jobs?node="+nodeA)
		s.count(1, "/jobs?key=web")
		s.count(0, "/jobs?key=we")
		s.lifecycle("/jobs?", "/jobs/"+job, `{"remark":"x","job_name":"Web, of ours"}`)
	})

	var target string
	t.Run("targets", func(t *testing.T) {
		s := s.on(t)
		in := `{"job":` + job + `,"name":"one","remark":"r","addr":"1.1.1.1:9100","labels":{"dc":"北京"},"tags":["开发"]}`
		v := s.api(201, "POST", "/targets", in)
		has(t, v, "id job name remark addr labels tags "+times, "deleted_at")
		target = id(v)
		s.api(409, "POST", "/targets", in)
		s.api(200, "PUT", "/targets/"+target, in)
		for filter, n := range map[string]int{"job=" + job: 1, "job=999": 0, "node=" + nodeA: 1, "tag=" + url.QueryEscape("开发"): 1, "tag=none": 0, "addr=1.1.1.1:9100": 1, "addr=1.1.1.1": 0, "q=1.1.1": 1} {
			s.count(n, "/targets?"+filter)
		}
		s.lifecycle("/targets?", "/targets/"+target, `{"remark":"x"}`)
	})
	t.Run("targets of a job", func(t *testing.T) {
		s := s.on(t)
		path := "/jobs/" + job + "/targets"
		has(t, s.api(200, "PUT", path, `[{"addr":"a:1"},{"addr":"b:1"}]`), "created updated deleted kept")
		s.api(200, "POST", path, "addr,name\nb:1,\nc:1,n\n", "Content-Type", "text/csv")
		s.count(3, "/targets?job="+job)
		if st, _, body := s.call("GET", "/api/v1"+path, "", "Accept", "application/x-ndjson"); st != 200 || strings.Count(body, "\n") != 3 {
			t.Errorf("NDJSON: %d %s", st, body)
		}
	})
	t.Run("tags", func(t *testing.T) {
		s := s.on(t)
		v := s.api(201, "POST", "/tags", `{"name":"测试","remark":"test"}`)
		has(t, v, "id name remark "+times, "deleted_at")
		s.api(409, "POST", "/tags", `{"name":"测试"}`)
		s.api(422, "POST", "/tags", `{"name":"a,b"}`)
		s.api(200, "PUT", "/tags/"+id(v), `{"name":"测试环境"}`)
		s.count(1, "/tags?q="+url.QueryEscape("环境"))
		s.lifecycle("/tags?", "/tags/"+id(v), `{"remark":"x"}`)
	})

	var user string
	t.Run("users", func(t *testing.T) {
		s := s.on(t)
		v := s.api(201, "POST", "/users", `{"name":"alice","role":"editor"}`)
		has(t, v, "id name role disabled has_password "+times, "deleted_at")
		user = id(v)
		s.api(409, "POST", "/users", `{"name":"alice","role":"viewer"}`)
		s.api(422, "POST", "/users", `{"name":"bob","role":"agent"}`)
		s.api(200, "PUT", "/users/"+user, `{"name":"alice","role":"viewer"}`)
		s.count(1, "/users?q=ali")
		s.api(204, "PUT", "/users/"+user+"/password", `{"password":"correct horse"}`)
		s.api(422, "PUT", "/users/"+user+"/password", `{"password":"short"}`)
		s.lifecycle("/users?", "/users/"+user, `{"disabled":true}`)
	})
	t.Run("contacts", func(t *testing.T) {
		s := s.on(t)
		path := "/users/" + user + "/contacts"
		v := s.api(201, "POST", path, `{"addr":"北京市","tel":"+86 10 1"}`)
		has(t, v, "id user user_name addr tel "+times, "deleted_at")
		s.api(422, "POST", path, `{}`)
		s.api(200, "PUT", path+"/"+id(v), `{"tel":"+86 10 2"}`)
		s.count(1, path)
		s.lifecycle(path+"?", path+"/"+id(v), `{"addr":"上海市"}`)
		s.api(200, "PATCH", "/jobs/"+job, `{"contacts":[`+id(v)+`]}`)
		s.api(200, "PATCH", "/nodes/"+nodeA, `{"contacts":[`+id(v)+`]}`)
		s.api(422, "PATCH", "/jobs/"+job, `{"contacts":[999]}`)
		s.count(1, "/contacts?job="+job)
		s.count(1, "/contacts?node="+nodeA)
		s.count(0, "/contacts?job=999")
	})
	t.Run("tokens of a user", func(t *testing.T) {
		s := s.on(t)
		path := "/users/" + user + "/tokens"
		s.api(409, "POST", path, `{"name":"laptop"}`) // disabled
		s.api(200, "PATCH", "/users/"+user, `{"disabled":false}`)
		v := s.api(201, "POST", path, `{"name":"laptop","role":"viewer"}`)
		has(t, v, "id name role user created_at secret", "expires_at", "last_used_at", "deleted_at")
		if st, _, body := s.call("GET", "/api/v1"+path, ""); st != 200 || strings.Contains(body, "secret") || !strings.Contains(body, `"laptop"`) {
			t.Errorf("the tokens of a user: %d %s", st, body)
		}
		s.api(422, "POST", path, `{"name":"more","role":"admin"}`)
		s.api(204, "DELETE", path+"/"+id(v), "")
		s.api(404, "DELETE", path+"/"+id(v), "")
	})
	t.Run("tokens", func(t *testing.T) {
		s := s.on(t)
		for path, in := range map[string]string{"/tokens": `{"name":"ci","role":"viewer","expires_at":"2999-01-01T00:00:00Z"}`, "/join-tokens": `{"name":"rack 7","max_uses":3}`} {
			v := s.api(201, "POST", path, in)
			if v["secret"] == "" || v["expires_at"] == nil {
				t.Errorf("created: %v", v)
			}
			for _, seen := range s.items(path) {
				if seen["secret"] != nil {
					t.Errorf("a list shows a secret: %v", seen)
				}
			}
			s.api(204, "DELETE", path+"/"+id(v), "")
			s.api(404, "DELETE", path+"/"+id(v), "")
			s.api(422, "POST", path, `{"name":"late","role":"viewer","expires_at":"2001-01-01T00:00:00Z"}`)
		}
	})
	t.Run("events", func(t *testing.T) {
		s := s.on(t)
		all := s.items("/events?limit=1000")
		has(t, all[0], "id at actor actor_name action object", "node", "before", "after", "reverts")
		since := url.QueryEscape(all[0]["at"].(string))
		s.count(len(s.items("/events?since="+since)), "/events?limit=1000&since="+since)
		s.count(1, "/events?limit=1&object=job/"+job)
		s.count(0, "/events?actor=user/999")
		if n := len(s.items("/events?limit=1000&node=" + nodeA)); n == 0 || n == len(all) {
			t.Errorf("%d of %d events are of the node", n, len(all))
		}
	})
	t.Run("HTTP SD", func(t *testing.T) {
		s := s.on(t)
		st, h, body := s.call("GET", "/api/v1/sd/"+nodeA+"/web", "")
		if st != 200 || h.Get("ETag") == "" || !strings.Contains(body, `"c:1"`) {
			t.Errorf("%d %s", st, body)
		}
	})
	t.Run("agent", func(t *testing.T) {
		if w := must(agent.Watch(t.Context(), 0, 0)); w.Manifest.Node != nodeA || len(w.Manifest.Parts) != 2 {
			t.Errorf("manifest %+v", w.Manifest)
		}
	})
	t.Run("document", func(t *testing.T) {
		s := s.on(t)
		if v := s.api(200, "GET", "/openapi.json", ""); v["openapi"] != "3.1.0" {
			t.Errorf("openapi %v", v["openapi"])
		}
		if st, _, _ := s.call("GET", "/api/v1/openapi.yaml", ""); st != 200 {
			t.Errorf("openapi.yaml: %d", st)
		}
		if st, _, _ := s.call("GET", "/docs/", ""); st != 200 {
			t.Errorf("docs: %d", st)
		}
	})
}

// on is the same server, for a subtest.
func (s *started) on(t *testing.T) *started {
	c := *s
	c.t = t
	return &c
}
