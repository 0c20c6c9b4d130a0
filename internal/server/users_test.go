package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"promfleet"
)

// problemAt tells whether an answer names a field.
func problemAt(answer, location string) bool {
	return strings.Contains(answer, `"location":"`+location+`"`)
}

func TestUsers(t *testing.T) { onBoth(t, checkUsers) }

func checkUsers(t *testing.T, s *started) {
	u := read[promfleet.User](s, "POST", "/users", `{"name":"李雷","role":"viewer"}`)
	path := fmt.Sprintf("/users/%d", u.ID)
	status, h, answer := s.call("GET", "/api/v1"+path, "")
	if status != http.StatusOK || h.Get("ETag") != `"1"` || strings.Contains(answer, `"password"`) || !strings.Contains(answer, `"has_password":false`) {
		t.Errorf("%d %s %s", status, h.Get("ETag"), answer)
	}
	for _, c := range []struct {
		name, body, location string
		status               int
	}{
		{"taken", `{"name":"李雷","role":"admin"}`, "body.name", 409},
		{"empty", `{"name":"","role":"viewer"}`, "body.name", 422},
		{"space around", `{"name":" a","role":"viewer"}`, "body.name", 422},
		{"two lines", `{"name":"a\nb","role":"viewer"}`, "body.name", 422},
		{"long", `{"name":"` + strings.Repeat("é", 101) + `","role":"viewer"}`, "body.name", 422},
		{"no such role", `{"name":"a","role":"root"}`, "body.role", 422},
		{"a role of tokens", `{"name":"a","role":"sd"}`, "body.role", 422},
		{"a password", `{"name":"a","role":"viewer","password":"x"}`, "body", 422},
	} {
		if status, _, answer := s.call("POST", "/api/v1/users", c.body); status != c.status || !strings.Contains(answer, c.location) {
			t.Errorf("%s: %d %s", c.name, status, answer)
		}
	}
	if status, _, answer := s.call("PATCH", "/api/v1"+path, `{"role":"sd"}`); status != 422 || !problemAt(answer, "body.role") {
		t.Errorf("patched to sd: %d %s", status, answer)
	}
	u = read[promfleet.User](s, "PUT", path, `{"name":"韩梅梅","role":"editor"}`)
	if status, _, _ := s.call("PUT", "/api/v1"+path, `{"name":"x","role":"editor"}`, "If-Match", `"1"`); status != http.StatusPreconditionFailed {
		t.Errorf("stale: %d", status)
	}
	read[any](s, "DELETE", path, "")
	if list := read[promfleet.Page[promfleet.User]](s, "GET", "/users?deleted=true", ""); len(list.Items) != 1 || list.Items[0].Name != "韩梅梅" {
		t.Errorf("deleted: %+v", list)
	}
	other := read[promfleet.User](s, "POST", "/users", `{"name":"韩梅梅","role":"viewer"}`)
	if status, _, answer := s.call("POST", "/api/v1"+path+"/restore", ""); status != 409 || !strings.Contains(answer, fmt.Sprintf("user %d", other.ID)) {
		t.Errorf("restored onto a taken name: %d %s", status, answer)
	}
	read[any](s, "DELETE", fmt.Sprintf("/users/%d", other.ID), "")
	read[any](s, "POST", path+"/restore", "")
	if list := read[promfleet.Page[promfleet.User]](s, "GET", "/users?q=梅", ""); len(list.Items) != 1 || list.Items[0].ID != u.ID {
		t.Errorf("found %+v", list)
	}
	read[any](s, "PUT", path+"/password", `{"password":"`+password+`"}`)

	var log strings.Builder
	for _, e := range must(s.Events().List(t.Context(), nil)).Items {
		if strings.HasPrefix(e.Object, "user/") && e.Actor == "token/1" {
			fmt.Fprintf(&log, "%s %t %t\n", e.Action, e.Before != nil, e.After != nil)
		}
	}
	const want = `password false false
restore false true
delete true false
create false true
delete true false
update true true
create false true
`
	if log.String() != want {
		t.Errorf("events:\n%s", log.String())
	}
}

func TestPasswords(t *testing.T) {
	s := start(t)
	u := s.user("alice-in-chains", promfleet.RoleViewer)
	path := fmt.Sprintf("/users/%d/password", u.ID)
	set := func(password, current string) string {
		return fmt.Sprintf(`{"password":%q,"current":%q}`, password, current)
	}
	if _, _, answer := s.call("GET", fmt.Sprintf("/api/v1/users/%d", u.ID), ""); !strings.Contains(answer, `"has_password":true`) {
		t.Error(answer)
	}
	b := s.login("alice-in-chains")
	for _, c := range []struct{ password, current, location string }{
		{"short 7", password, "body.password"},
		{strings.Repeat("a", 257), password, "body.password"},
		{"Alice-In-Chains", password, "body.password"},
		{"long enough", "", "body.current"},
		{"long enough", "wrong", "body.current"},
	} {
		if answer := b.want(422, "PUT", path, set(c.password, c.current)); !problemAt(answer, c.location) {
			t.Errorf("password %.20q, current %q: %s", c.password, c.current, answer)
		}
	}
	for range 4 { // the fifth failure is the last that is looked at
		b.want(422, "PUT", path, set("long enough", "wrong"))
	}
	if status, h, _ := b.call("PUT", path, set("long enough", password)); status != http.StatusTooManyRequests || h.Get("Retry-After") != "1" {
		t.Errorf("after five wrong ones: %d, Retry-After %q", status, h.Get("Retry-After"))
	}
	// An admin needs no current one, but for their own.
	read[any](s, "PUT", path, `{"password":"set by an admin"}`)
	b.want(401, "GET", "/session", "")
	b.want(401, "POST", "/session", credentials(u.Name, password))
	b.want(200, "POST", "/session", credentials(u.Name, "set by an admin"))
	b.want(204, "PUT", path, set(strings.Repeat("密", 85), "set by an admin"))
	b.want(401, "GET", "/session", "")
	b.want(200, "POST", "/session", credentials(u.Name, strings.Repeat("密", 85)))
	admin := s.user("root", promfleet.RoleAdmin)
	a := s.login("root")
	a.want(422, "PUT", fmt.Sprintf("/users/%d/password", admin.ID), `{"password":"long enough"}`)
	a.want(204, "PUT", path, `{"password":"long enough"}`)
	a.want(404, "PUT", "/users/999/password", `{"password":"long enough"}`)
}

// Users read themselves and write their own contacts and password, and no more.
func TestSelf(t *testing.T) {
	s := start(t)
	alice, bob := s.user("alice", promfleet.RoleViewer), s.user("bob", promfleet.RoleEditor)
	b := s.login("alice")
	own, other := fmt.Sprintf("/users/%d", alice.ID), fmt.Sprintf("/users/%d", bob.ID)
	b.want(200, "GET", own, "")
	b.want(403, "GET", other, "")
	b.want(403, "GET", "/users/999", "")
	b.want(403, "PATCH", own, `{"role":"admin"}`)
	b.want(403, "DELETE", own, "")
	b.want(403, "PUT", other+"/password", `{"password":"long enough","current":"`+password+`"}`)
	b.want(201, "POST", own+"/contacts", `{"tel":"1"}`)
	b.want(403, "POST", other+"/contacts", `{"tel":"1"}`)
	b.want(200, "GET", other+"/contacts", "")
	// A token is nobody, whatever its id.
	tok := must(s.Tokens().Create(t.Context(), promfleet.TokenInput{Name: "t", Role: promfleet.RoleEditor}))
	if status, _, _ := s.call("GET", fmt.Sprintf("/api/v1/users/%d", tok.ID), "", "Authorization", "Bearer "+tok.Secret); status != 403 {
		t.Errorf("a token with the id of a user: %d", status)
	}
}

// There is always somebody who can log in as an admin.
func TestLastAdminStays(t *testing.T) { onBoth(t, checkLastAdminStays) }

func checkLastAdminStays(t *testing.T, s *started) {
	first := read[promfleet.Page[promfleet.User]](s, "GET", "/users?q=admin", "").Items[0]
	path := fmt.Sprintf("/users/%d", first.ID)
	second := read[promfleet.User](s, "POST", "/users", `{"name":"second","role":"admin"}`)
	for _, c := range []struct{ why, prepare, method, body string }{
		{"the other has no password", "", "DELETE", ""},
		{"", "", "PATCH", `{"disabled":true}`},
		{"", "", "PATCH", `{"role":"editor"}`},
		{"", "", "PUT", `{"name":"admin","role":"viewer"}`},
		{"the other is disabled", `{"disabled":true}`, "DELETE", ""},
		{"the other is no admin", `{"disabled":false,"role":"editor"}`, "DELETE", ""},
	} {
		if c.prepare != "" {
			read[any](s, "PATCH", fmt.Sprintf("/users/%d", second.ID), c.prepare)
			read[any](s, "PUT", fmt.Sprintf("/users/%d/password", second.ID), `{"password":"`+password+`"}`)
		}
		if status, _, answer := s.call(c.method, "/api/v1"+path, c.body); status != 409 || !strings.Contains(answer, "last admin") {
			t.Errorf("%s %s (%s): %d %s", c.method, c.body, c.why, status, answer)
		}
	}
	read[any](s, "PATCH", path, `{"name":"renamed"}`)
	read[any](s, "PATCH", fmt.Sprintf("/users/%d", second.ID), `{"role":"admin"}`)
	read[any](s, "DELETE", path, "")
	if status, _, answer := s.call("DELETE", fmt.Sprintf("/api/v1/users/%d", second.ID), ""); status != 409 {
		t.Errorf("then the second is the last: %d %s", status, answer)
	}
}

func TestContacts(t *testing.T) { onBoth(t, checkContacts) }

func checkContacts(t *testing.T, s *started) {
	s.join(nodeA)
	u := s.user("李雷", promfleet.RoleViewer)
	base := fmt.Sprintf("/users/%d/contacts", u.ID)
	b := s.login("李雷")
	for body, location := range map[string]string{
		`{}`:              "body.addr",
		`{"addr":"a\nb"}`: "body.addr",
		`{"addr":"` + strings.Repeat("a", 513) + `"}`: "body.addr",
		`{"tel":"` + strings.Repeat("1", 65) + `"}`:   "body.tel",
		`{"tel":" 1"}`: "body.tel",
	} {
		if answer := b.want(422, "POST", base, body); !problemAt(answer, location) {
			t.Errorf("%.30s: %s", body, answer)
		}
	}
	b.want(201, "POST", base, `{"addr":"北京市海淀区","tel":"+86 10 1234"}`)
	c := read[promfleet.Contact](s, "POST", base, `{"addr":"li@example.com"}`)
	if c.User != u.ID || c.UserName != "李雷" {
		t.Errorf("%+v", c)
	}
	path := fmt.Sprintf("%s/%d", base, c.ID)
	read[any](s, "PATCH", "/nodes/"+nodeA, fmt.Sprintf(`{"contacts":[%d]}`, c.ID))
	for query, want := range map[string]int{"": 2, "?q=海淀": 1, "?user=999": 0, fmt.Sprintf("?user=%d", u.ID): 2, "?node=" + nodeA: 1, "?job=1": 0} {
		if p := read[promfleet.Page[promfleet.Contact]](s, "GET", "/contacts"+query, ""); len(p.Items) != want {
			t.Errorf("/contacts%s: %d, want %d", query, len(p.Items), want)
		}
	}
	if c := read[promfleet.Contact](s, "PATCH", path, `{"tel":"2"}`); c.Addr != "li@example.com" || c.Tel != "2" {
		t.Errorf("patched: %+v", c)
	}
	b.want(412, "PUT", path, `{"tel":"3"}`, "If-Match", `"1"`)
	b.want(422, "PATCH", path, `{"tel":null,"addr":null}`)
	b.want(200, "PUT", path, `{"tel":"3"}`)
	if got := read[promfleet.Contact](s, "GET", path, ""); got.Addr != "" || got.Tel != "3" {
		t.Errorf("put: %+v", got)
	}
	other := s.user("other", promfleet.RoleViewer)
	if status, _, _ := s.call("GET", fmt.Sprintf("/api/v1/users/%d/contacts/%d", other.ID, c.ID), ""); status != 404 {
		t.Errorf("the contact of another user: %d", status)
	}
	b.want(204, "DELETE", path, "")
	b.want(404, "GET", path, "")
	b.want(200, "POST", path+"/restore", "")
	b.want(409, "POST", path+"/restore", "")
	// The contacts of a user who is deleted reach nobody.
	read[any](s, "DELETE", fmt.Sprintf("/users/%d", u.ID), "")
	if p := read[promfleet.Page[promfleet.Contact]](s, "GET", "/contacts", ""); len(p.Items) != 0 {
		t.Errorf("of a deleted user: %+v", p)
	}
}
