package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// What is shown of a record changes its ETag, also where it is kept elsewhere: a
// stale one neither reads as unchanged nor overwrites.
func TestETagsCoverTagsAndContacts(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		s.join(nodeA)
		job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1", Tags: []string{"开发"}}))
		must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"tags": []string{"开发"}}))
		user := read[promfleet.User](s, "POST", "/users", `{"name":"bob","role":"viewer"}`)
		contact := read[promfleet.Contact](s, "POST", fmt.Sprintf("/users/%d/contacts", user.ID), `{"tel":"1"}`)
		must(s.Jobs().Patch(ctx, fmt.Sprint(job.ID), "", map[string]any{"contacts": []int64{contact.ID}}))
		must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"contacts": []int64{contact.ID}}))
		tag := read[promfleet.Page[promfleet.Tag]](s, "GET", "/tags", "").Items[0]

		target, jobPath, node, set := fmt.Sprintf("/targets/%d", tg.ID), fmt.Sprintf("/jobs/%d", job.ID), "/nodes/"+nodeA, fmt.Sprintf("/jobs/%d/targets", job.ID)
		tagPath, contactPath, userPath := fmt.Sprintf("/tags/%d", tag.ID), fmt.Sprintf("/users/%d/contacts/%d", user.ID, contact.ID), fmt.Sprintf("/users/%d", user.ID)
		etags := func() map[string]string {
			tags := map[string]string{}
			for _, path := range []string{target, jobPath, node, set, contactPath} {
				_, h, _ := s.call("GET", "/api/v1"+path, "")
				tags[path] = h.Get("ETag")
			}
			return tags
		}
		for _, c := range []struct {
			method, path, body string
			changes            []string
		}{
			{"PATCH", tagPath, `{"name":"测试"}`, []string{target, node, set}},
			{"PATCH", tagPath, `{"remark":"x"}`, nil},
			{"DELETE", tagPath, ``, []string{target, node, set}},
			{"POST", tagPath + "/restore", ``, []string{target, node, set}},
			{"PATCH", userPath, `{"name":"robert"}`, []string{jobPath, node, contactPath}},
			{"DELETE", contactPath, ``, []string{jobPath, node}},
			{"POST", contactPath + "/restore", ``, []string{jobPath, node}},
			{"DELETE", userPath, ``, []string{jobPath, node}},
			{"POST", userPath + "/restore", ``, []string{jobPath, node}},
		} {
			before := etags()
			if st, _, body := s.call(c.method, "/api/v1"+c.path, c.body); st >= 300 {
				t.Fatalf("%s %s: %d %s", c.method, c.path, st, body)
			}
			after := etags()
			for _, path := range c.changes {
				if after[path] == before[path] {
					t.Errorf("%s %s %s: the ETag of %s stays %s", c.method, c.path, c.body, path, after[path])
				}
			}
			if len(c.changes) == 0 && fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("%s %s %s changed ETags: %v, %v", c.method, c.path, c.body, before, after)
			}
		}
		_, h, _ := s.call("GET", "/api/v1"+target, "")
		s.call("PATCH", "/api/v1"+tagPath, `{"name":"线上"}`)
		if st, _, _ := s.call("PUT", "/api/v1"+target, `{"addr":"a:1","tags":["开发"]}`, "If-Match", h.Get("ETag")); st != http.StatusPreconditionFailed {
			t.Errorf("an overwrite of what was not seen: %d", st)
		}
	})
}

// A tag that is renamed while a job, or its node, is deleted has its new name in the
// files after the restore, and the agent gets them.
func TestRestoreAfterARename(t *testing.T) {
	for _, how := range []string{"job", "node"} {
		t.Run(how, func(t *testing.T) {
			s := start(t)
			ctx := t.Context()
			s.join(nodeA)
			job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web",
				ScrapeConfig: json.RawMessage(`{"relabel_configs":[{"source_labels":["__meta_promfleet_tags"],"target_label":"tags"}]}`)}))
			must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1", Tags: []string{"开发"}}))
			tag := read[promfleet.Page[promfleet.Tag]](s, "GET", "/tags", "").Items[0]
			if how == "job" {
				mustDo(t, s.Jobs().Delete(ctx, fmt.Sprint(job.ID), ""))
			} else {
				mustDo(t, s.Nodes().Delete(ctx, nodeA, ""))
			}
			read[any](s, "PATCH", fmt.Sprintf("/tags/%d", tag.ID), `{"name":"线上"}`)
			if how == "job" {
				must(s.Jobs().Restore(ctx, fmt.Sprint(job.ID)))
				mustDo(t, s.Nodes().Delete(ctx, nodeA, "")) // for a credential that is known here
			}
			jt := must(s.JoinTokens().Create(ctx, promfleet.JoinTokenInput{}))
			credential := must(s.as(jt.Secret).Register(ctx, registration(nodeA))).Credential

			// Another server has nothing in its cache.
			agent := startOn(t, s.data).as(credential)
			index := must(agent.Watch(ctx, 0, 0)).Manifest.Parts[0]
			parts := decode[[]promfleet.Part](t, must(agent.Fetch(ctx, []promfleet.PartRef{{Name: index.Name, Hash: index.Hash}}))[0].Body)
			body := must(agent.Fetch(ctx, []promfleet.PartRef{{Name: parts[1].Name, Hash: parts[1].Hash}}))[0].Body
			if want := `"__meta_promfleet_tags": ",线上,"`; !strings.Contains(body, want) {
				t.Errorf("no %s in %s", want, body)
			}
		})
	}
}

// Viewers read nothing in the events that they may not read itself, and no contact
// that somebody has deleted.
func TestWhatViewersMayNotSee(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	user := read[promfleet.User](s, "POST", "/users", `{"name":"bob","role":"admin"}`)
	path := fmt.Sprintf("/users/%d/contacts", user.ID)
	contact := read[promfleet.Contact](s, "POST", path, `{"tel":"1"}`)
	if st, _, body := s.call("DELETE", fmt.Sprintf("/api/v1%s/%d", path, contact.ID), ""); st != http.StatusNoContent {
		t.Fatalf("%d %s", st, body)
	}
	s.join(nodeA)
	token := "Bearer " + must(s.Tokens().Create(ctx, promfleet.TokenInput{Name: "v", Role: promfleet.RoleViewer})).Secret
	for object, want := range map[string]int{fmt.Sprint("user/", user.ID): 0, "join-token/1": 0, "token/1": 0, "node/" + nodeA: 1} {
		_, _, body := s.call("GET", "/api/v1/events?object="+object, "", "Authorization", token)
		if p := decode[promfleet.Page[promfleet.Event]](t, body); len(p.Items) != want || int(p.Total) != want {
			t.Errorf("a viewer sees %d events (%d in all) of %s, want %d", len(p.Items), p.Total, object, want)
		}
		_, _, body = s.call("GET", "/api/v1/events?object="+object, "")
		all := decode[promfleet.Page[promfleet.Event]](t, body).Items
		if len(all) == 0 {
			t.Errorf("an admin sees no event of %s", object)
			continue
		}
		single := fmt.Sprint("/api/v1/events/", all[0].ID)
		status := map[int]int{0: http.StatusNotFound, 1: http.StatusOK}[want]
		if st, _, body := s.call("GET", single, "", "Authorization", token); st != status {
			t.Errorf("a viewer gets %d of an event of %s: %s", st, object, body)
		}
		if st, _, body := s.call("GET", single, ""); st != http.StatusOK || decode[promfleet.Event](t, body).Object != object {
			t.Errorf("an admin gets %d of an event of %s: %s", st, object, body)
		}
	}
	for _, p := range []string{"/contacts?deleted=true", path + "?deleted=true"} {
		if st, _, _ := s.call("GET", "/api/v1"+p, "", "Authorization", token); st != http.StatusForbidden {
			t.Errorf("a viewer gets %d of %s", st, p)
		}
	}
	if st, _, _ := s.call("GET", "/api/v1/users/999/contacts", ""); st != http.StatusNotFound {
		t.Errorf("contacts of a user that is not there: %d", st)
	}
}

// Pages stay of a size that a caller can take, whatever is on them, and lose nothing.
func TestLargePagesEndEarly(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	long := make([]byte, 250<<10)
	for i := range long {
		long[i] = 'x'
	}
	const jobs = 40
	for i := range jobs {
		must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: fmt.Sprintf("job%03d", i), ScrapeConfig: json.RawMessage(`{"params":{"x":["` + string(long) + `"]}}`)}))
	}
	for _, list := range []string{"/jobs?sort=key&limit=1000", "/events?limit=1000"} {
		seen, pages, cursor := map[string]bool{}, 0, ""
		for done := false; !done; done = cursor == "" {
			_, _, body := s.call("GET", "/api/v1"+list+"&cursor="+cursor, "")
			if len(body) > 16<<20 {
				t.Fatalf("%s: a page of %d bytes", list, len(body))
			}
			p := decode[promfleet.Page[struct{ ID json.Number }]](t, body)
			for _, item := range p.Items {
				if seen[item.ID.String()] {
					t.Errorf("%s: %s twice", list, item.ID)
				}
				seen[item.ID.String()] = true
			}
			if int(p.Total) < jobs || len(p.Items) == 0 {
				t.Fatalf("%s: %d items of %d", list, len(p.Items), p.Total)
			}
			cursor = p.NextCursor
			pages++
		}
		if pages < 2 || len(seen) < jobs {
			t.Errorf("%s: %d records on %d pages", list, len(seen), pages)
		}
	}
}

// Callers that do not read what they asked for do not stop the others.
func TestCallersThatDoNotRead(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
	var all []promfleet.TargetInput
	for i := range 50_000 {
		all = append(all, promfleet.TargetInput{Addr: fmt.Sprintf("host-%d.some.where.example.com:9100", i), Name: fmt.Sprint("name ", i)})
	}
	must(s.ReplaceTargets(ctx, job.ID, all))
	for range 8 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/sd/"+nodeA+"/web", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("Accept-Encoding", "identity")
		go func() {
			resp, err := (&http.Transport{ReadBufferSize: 4 << 10}).RoundTrip(req)
			if err != nil {
				return
			}
			<-ctx.Done()
			_ = resp.Body.Close()
		}()
	}
	begin := time.Now()
	for range 20 {
		if st, _, body := s.call("GET", "/api/v1/tags", ""); st != http.StatusOK {
			t.Fatalf("%d %s", st, body)
		}
		must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: fmt.Sprintf("new-%d:1", time.Now().UnixNano())}))
	}
	t.Logf("FIGURE 20 reads and writes beside 8 callers that do not read: %v", time.Since(begin).Round(time.Millisecond))
	if st, _, body := s.call("GET", "/-/ready", ""); st != http.StatusOK {
		t.Errorf("/-/ready: %d %s", st, body)
	}
}
