package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"promfleet"
)

// Every operation of the document, for every kind of caller: who may not call it
// is told so, and who may is not.
func TestAuthorization(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	join := func(uuid string) string {
		jt := must(s.JoinTokens().Create(ctx, promfleet.JoinTokenInput{}))
		return must(s.as(jt.Secret).Register(ctx, registration(uuid))).Credential
	}
	nodeB := strings.Replace(nodeA, "7b", "8b", 1)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	callers := map[string][]string{
		"none": {"Authorization", ""}, "unknown": bearer("pft_nobody"), "admin": bearer(s.token),
		"agent": bearer(join(nodeA)), "other node's agent": bearer(join(nodeB)),
	}
	may := map[string][]string{
		"viewer": {"viewer", "editor", "admin", "viewer's session", "admin's session"},
		"editor": {"editor", "admin", "admin's session"},
		"admin":  {"admin", "admin's session"},
		"agent":  {"agent", "other node's agent"},
		"sd":     {"sd", "viewer", "editor", "admin", "viewer's session", "admin's session"},
		"self":   {"admin", "admin's session"}, // the user of the path is none of the callers
	}
	for _, r := range []promfleet.Role{promfleet.RoleViewer, promfleet.RoleEditor, promfleet.RoleSD} {
		callers[string(r)] = bearer(must(s.Tokens().Create(ctx, promfleet.TokenInput{Name: string(r), Role: r})).Secret)
	}
	for _, r := range []promfleet.Role{promfleet.RoleViewer, promfleet.RoleAdmin} {
		callers[string(r)+"'s session"] = []string{"Authorization", "", "Cookie", s.session(string(r)+"-user", r)}
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID         string `json:"operationId"`
			Role       string `json:"x-role"`
			Parameters []struct {
				In, Name string
			}
		}
	}
	_, _, body := s.call("GET", "/api/v1/openapi.json", "")
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	calls, operations := 0, 0
	for path, item := range doc.Paths {
		for method, op := range item {
			operations++
			if op.Role == "join-token" || op.Role == "public" || op.ID == "logout" {
				continue // look at the credential themselves, or end it: TestRegistration, TestLogin...
			}
			// Ids that nothing has, so that what is allowed changes nothing.
			target := strings.NewReplacer("{uuid}", strings.Replace(nodeA, "7b", "9b", 1), "{node}", nodeB, "{job}", "none").Replace(path)
			for _, p := range op.Parameters {
				if p.In == "path" {
					target = strings.Replace(target, "{"+p.Name+"}", "999999", 1)
				}
				if p.In == "query" && p.Name == waitParameter {
					target += "?" + waitParameter + "=0"
				}
			}
			for name, header := range callers {
				calls++
				status, _, answer := s.call(strings.ToUpper(method), target, "", header...)
				switch {
				case name == "none" || name == "unknown":
					if status != http.StatusUnauthorized {
						t.Errorf("%s %s as %s: %d %s", method, path, name, status, answer)
					}
				case slices.Contains(may[op.Role], name):
					if status == http.StatusUnauthorized || status == http.StatusForbidden || status >= 500 {
						t.Errorf("%s %s as %s: %d %s", method, path, name, status, answer)
					}
				case status != http.StatusForbidden:
					t.Errorf("%s %s as %s: %d, want 403", method, path, name, status)
				}
			}
		}
	}
	t.Logf("FIGURE %d operations, %d callers, %d calls", operations, len(callers), calls)
}

// session makes a user, logs in and gives the Cookie header.
func (s *started) session(name string, role promfleet.Role) string {
	s.t.Helper()
	const password = "a long enough password"
	st, _, body := s.call("POST", "/api/v1/users", fmt.Sprintf(`{"name":%q,"role":%q}`, name, role))
	if st != http.StatusCreated {
		s.t.Fatalf("create a user: %d %s", st, body)
	}
	id := decode[promfleet.User](s.t, body).ID
	if st, _, body := s.call("PUT", fmt.Sprintf("/api/v1/users/%d/password", id), fmt.Sprintf(`{"password":%q}`, password)); st != http.StatusNoContent {
		s.t.Fatalf("set a password: %d %s", st, body)
	}
	st, h, body := s.call("POST", "/api/v1/session", fmt.Sprintf(`{"name":%q,"password":%q}`, name, password), "Authorization", "")
	if st != http.StatusOK {
		s.t.Fatalf("log in: %d %s", st, body)
	}
	cookie, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	return cookie
}

// An agent gets its own node's data, whatever it asks for.
func TestAgentSeesItsOwnNodeOnly(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	a := s.join(nodeA)
	b := s.join(strings.Replace(nodeA, "7b", "8b", 1))
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web", ScrapeConfig: json.RawMessage(`{"basic_auth":{"username":"u","password":"hunter2"}}`)}))
	must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1"}))
	part := must(a.Watch(ctx, 0, 0)).Manifest.Parts[0]
	if w := must(b.Watch(ctx, 0, 0)); len(w.Manifest.Parts) != 0 {
		t.Errorf("the other node's agent is told of %+v", w.Manifest.Parts)
	}
	_, err := b.Fetch(ctx, []promfleet.PartRef{{Name: part.Name, Hash: part.Hash}})
	wantCode(t, err, promfleet.Gone, "")
}
