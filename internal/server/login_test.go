package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/server"
)

const password = "correct horse battery"

// read makes a call that must succeed and decodes its answer.
func read[T any](s *started, method, path, body string) (v T) {
	s.t.Helper()
	status, _, answer := s.call(method, "/api/v1"+path, body)
	if status >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if answer != "" {
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			s.t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
	return v
}

// user creates a user who can log in.
func (s *started) user(name string, role promfleet.Role) promfleet.User {
	s.t.Helper()
	in, err := json.Marshal(promfleet.UserInput{Name: name, Role: role})
	if err != nil {
		s.t.Fatal(err)
	}
	u := read[promfleet.User](s, "POST", "/users", string(in))
	read[any](s, "PUT", fmt.Sprintf("/users/%d/password", u.ID), `{"password":"`+password+`"}`)
	return u
}

// browser is a caller with a session cookie instead of a token.
type browser struct {
	*started
	cookie string // NAME=TOKEN
}

func (b *browser) call(method, path, body string, header ...string) (int, http.Header, string) {
	b.t.Helper()
	header = append([]string{"Authorization", "", "Cookie", b.cookie}, header...)
	status, h, answer := b.started.call(method, "/api/v1"+path, body, header...)
	if set := h.Get("Set-Cookie"); set != "" {
		b.cookie, _, _ = strings.Cut(set, ";")
	}
	return status, h, answer
}

func (b *browser) want(want int, method, path, body string, header ...string) string {
	b.t.Helper()
	status, _, answer := b.call(method, path, body, header...)
	if status != want {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, status, answer, want)
	}
	return answer
}

func credentials(name, password string) string {
	b, err := json.Marshal(promfleet.Login{Name: name, Password: password})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (s *started) login(name string) *browser {
	s.t.Helper()
	b := &browser{started: s}
	b.want(http.StatusOK, "POST", "/session", credentials(name, password))
	return b
}

func TestSession(t *testing.T) { onBoth(t, checkSession) }

func checkSession(t *testing.T, s *started) {
	u := s.user("alice", promfleet.RoleEditor)
	b := &browser{started: s}
	status, h, answer := b.call("POST", "/session", credentials("alice", password))
	want := promfleet.Session{Actor: fmt.Sprintf("user/%d", u.ID), Name: "alice", Role: promfleet.RoleEditor, User: u.ID}
	var got promfleet.Session
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK || got != want {
		t.Fatalf("login: %d %s", status, answer)
	}
	set := h.Get("Set-Cookie")
	if name, rest, _ := strings.Cut(set, "="); name != "promfleet_session" || !strings.HasSuffix(rest, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s", set)
	}
	if err := json.Unmarshal([]byte(b.want(http.StatusOK, "GET", "/session", "")), &got); err != nil || got != want {
		t.Errorf("session: %+v, error %v", got, err)
	}
	b.want(http.StatusCreated, "POST", "/tags", `{"name":"by alice"}`)
	b.want(http.StatusForbidden, "GET", "/users", "")
	if e := must(s.Events().List(t.Context(), nil)).Items[0]; e.Actor != want.Actor || e.ActorName != "alice" || e.Object != "tag/1" {
		t.Errorf("event %+v", e)
	}
	// A token that was sent is what counts, be there a cookie or not; Basic is for a
	// proxy in front.
	b.want(http.StatusUnauthorized, "GET", "/session", "", "Authorization", "Bearer nonsense")
	b.want(http.StatusOK, "GET", "/session", "", "Authorization", "Basic YTpi")

	// The token changes with each login, and the one of before is of no more use.
	first := *b
	b.want(http.StatusOK, "POST", "/session", credentials("alice", password))
	if b.cookie == first.cookie {
		t.Error("a login kept the token")
	}
	first.want(http.StatusUnauthorized, "GET", "/session", "")
	b.want(http.StatusOK, "GET", "/session", "")
	// One that the caller made up is not taken.
	made := &browser{started: s, cookie: "promfleet_session=made-up"}
	made.want(http.StatusOK, "POST", "/session", credentials("alice", password))
	if made.cookie == "promfleet_session=made-up" {
		t.Error("a login took the caller's token")
	}

	// The database has no token as it is.
	_, token, _ := strings.Cut(b.cookie, "=")
	for _, f := range must(filepath.Glob(filepath.Join(s.data.StoragePath, "promfleet.db*"))) {
		if bytes.Contains(must(os.ReadFile(f)), []byte(token)) {
			t.Errorf("%s has the token of a session", f)
		}
	}

	last := *b
	if _, h, _ := b.call("DELETE", "/session", ""); h.Get("Set-Cookie") != "promfleet_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax" {
		t.Errorf("logout: Set-Cookie: %s", h.Get("Set-Cookie"))
	}
	last.want(http.StatusUnauthorized, "GET", "/session", "")
	last.want(http.StatusUnauthorized, "DELETE", "/session", "")
	made.want(http.StatusOK, "GET", "/session", "")

	// Tokens have no session, and may ask and end it all the same.
	if got := read[promfleet.Session](s, "GET", "/session", ""); got != (promfleet.Session{Actor: "token/1", Name: "admin", Role: promfleet.RoleAdmin}) {
		t.Errorf("a token is %+v", got)
	}
	if status, h, _ := s.call("DELETE", "/api/v1/session", ""); status != http.StatusNoContent || h.Get("Set-Cookie") != "" {
		t.Errorf("logout of a token: %d %v", status, h)
	}
}

// Whatever is wrong with a login, the answer is the same.
func TestRefusedLoginsAreAlike(t *testing.T) { onBoth(t, checkRefusedLoginsAreAlike) }

func checkRefusedLoginsAreAlike(t *testing.T, s *started) {
	s.user("alice", promfleet.RoleViewer)
	disabled := s.user("disabled", promfleet.RoleViewer)
	read[any](s, "PATCH", fmt.Sprintf("/users/%d", disabled.ID), `{"disabled":true}`)
	deleted := s.user("deleted", promfleet.RoleViewer)
	read[any](s, "DELETE", fmt.Sprintf("/users/%d", deleted.ID), "")
	read[any](s, "POST", "/users", `{"name":"without","role":"viewer"}`)
	b := &browser{started: s}
	var first string
	for _, c := range []struct{ name, password string }{
		{"alice", "wrong"}, {"alice", ""}, {"alice", password + " "}, {"Alice", password}, {"nobody", password},
		{"disabled", password}, {"deleted", password}, {"without", password}, {"without", ""},
		{"", password}, {"a\x00b", password}, {strings.Repeat("a", 300), password}, {"alice", strings.Repeat("a", 4000)},
	} {
		status, h, answer := b.call("POST", "/session", credentials(c.name, c.password))
		h.Del("Date")
		got := fmt.Sprint(status, h, answer)
		if first == "" {
			first = got
		}
		if status != http.StatusUnauthorized || got != first || h.Get("WWW-Authenticate") == "" {
			t.Errorf("login of %.20q: %s, and of another %s", c.name, got, first)
		}
	}
}

// The wait is by name and by address; the address is what a trusted proxy says.
func TestLoginBackOff(t *testing.T) {
	s := startOn(t, server.Options{StoragePath: t.TempDir(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.9.0.0/16")}})
	u := s.user("alice", promfleet.RoleViewer)
	try := func(name, password, forwarded string) (int, string) {
		t.Helper()
		b := &browser{started: s}
		status, h, answer := b.call("POST", "/session", credentials(name, password), "X-Forwarded-For", forwarded)
		if status == http.StatusTooManyRequests && !strings.Contains(answer, "try again in") {
			t.Error(answer)
		}
		return status, h.Get("Retry-After")
	}
	for i := range 5 {
		if status, _ := try("alice", "wrong", fmt.Sprintf("198.51.100.%d", i)); status != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", i, status)
		}
	}
	if status, after := try("alice", password, "198.51.100.9"); status != http.StatusTooManyRequests || after != "1" {
		t.Errorf("after five failures of a name: %d, Retry-After %q", status, after)
	}
	read[any](s, "PUT", fmt.Sprintf("/users/%d/password", u.ID), `{"password":"`+password+`"}`)
	if status, _ := try("alice", password, "198.51.100.9"); status != http.StatusOK {
		t.Errorf("after a new password: %d", status)
	}

	const from = "203.0.113.5, 10.9.3.3"
	for i := range 20 {
		if status, _ := try(fmt.Sprint("guess", i), "wrong", from); status != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", i, status)
		}
	}
	// The refused ones first: the wait is a second, and a login may take as long.
	for _, tt := range []struct {
		forwarded string
		want      int
	}{
		{from, http.StatusTooManyRequests},
		{"192.0.2.1, 203.0.113.5", http.StatusTooManyRequests},     // what the caller itself wrote
		{"203.0.113.5:4711, 10.9.3.3", http.StatusTooManyRequests}, // some proxies tell the port
		{"203.0.113.5, nonsense, 192.0.2.1", http.StatusOK},
		{"203.0.113.6, 10.9.3.3, 10.9.255.255", http.StatusOK},
		{"", http.StatusOK}, // the proxy itself
	} {
		if status, _ := try("alice", password, tt.forwarded); status != tt.want {
			t.Errorf("from %q: %d, want %d", tt.forwarded, status, tt.want)
		}
	}

	// A server without trusted proxies takes nobody's word for it.
	s = start(t)
	for i := range 20 {
		if status, _ := try(fmt.Sprint("guess", i), "wrong", fmt.Sprintf("203.0.113.%d", i)); status != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", i, status)
		}
	}
	if status, after := try("another", "wrong", "203.0.113.99"); status != http.StatusTooManyRequests || after != "1" {
		t.Errorf("after twenty failures of an address: %d, Retry-After %q", status, after)
	}
}

// A browser writes only for pages of the server itself.
func TestCrossOriginIsRefused(t *testing.T) {
	external := must(url.Parse("https://fleet.example.com:443/"))
	s := startOn(t, server.Options{StoragePath: t.TempDir(), ExternalURL: external})
	s.user("alice", promfleet.RoleEditor)
	b := s.login("alice")
	n := 0
	for _, c := range []struct {
		want   int
		header []string
	}{
		{http.StatusForbidden, []string{"Sec-Fetch-Site", "cross-site"}},
		{http.StatusForbidden, []string{"Sec-Fetch-Site", "same-site"}},
		{http.StatusForbidden, []string{"Origin", "https://evil.example.com"}},
		{http.StatusForbidden, []string{"Origin", "null"}},
		{http.StatusForbidden, []string{"Origin", "https://fleet.example.com.evil.example"}},
		{http.StatusCreated, []string{"Sec-Fetch-Site", "same-origin", "Origin", s.url}},
		{http.StatusCreated, []string{"Origin", s.url}},
		{http.StatusCreated, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://fleet.example.com"}},
		{http.StatusCreated, nil},
	} {
		n++
		body := fmt.Sprintf(`{"name":"t%d"}`, n)
		status, h, answer := b.call("POST", "/tags", body, c.header...)
		if status != c.want || status == http.StatusForbidden && (h.Get("Content-Type") != "application/problem+json" || !strings.Contains(answer, "another origin")) {
			t.Errorf("with %v: %d %s %s", c.header, status, h.Get("Content-Type"), answer)
		}
		if status, _, _ := b.call("GET", "/tags", "", c.header...); status != http.StatusOK {
			t.Errorf("reading with %v: %d", c.header, status)
		}
	}
	evil := []string{"Authorization", "", "Origin", "https://evil.example.com"}
	if status, h, _ := s.call("POST", "/api/v1/session", credentials("alice", password), evil...); status != http.StatusForbidden || h.Get("Set-Cookie") != "" {
		t.Errorf("a login from elsewhere: %d", status)
	}
}

func TestCookieOfAnExternalURL(t *testing.T) {
	s := startOn(t, server.Options{StoragePath: t.TempDir(), ExternalURL: must(url.Parse("https://example.com/fleet/"))})
	s.url += "/fleet"
	s.Client = s.as(s.token)
	s.user("alice", promfleet.RoleEditor)
	b := &browser{started: s}
	_, h, answer := b.call("POST", "/session", credentials("alice", password))
	if set := h.Get("Set-Cookie"); !strings.HasSuffix(set, "; Path=/fleet; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s; %s", set, answer)
	}
	b.want(http.StatusOK, "GET", "/session", "")
}

func TestSessionsEndWithThePassword(t *testing.T) { onBoth(t, checkSessionsEndWithThePassword) }

func checkSessionsEndWithThePassword(t *testing.T, s *started) {
	u := s.user("alice", promfleet.RoleViewer)
	bob := s.login(s.user("bob", promfleet.RoleViewer).Name)
	path := fmt.Sprintf("/users/%d", u.ID)
	for _, c := range []struct{ end, undo []string }{
		{[]string{"PUT", path + "/password", `{"password":"` + password + `"}`}, nil},
		{[]string{"PATCH", path, `{"disabled":true}`}, []string{"PATCH", path, `{"disabled":false}`}},
		{[]string{"DELETE", path, ""}, []string{"POST", path + "/restore", ""}},
	} {
		b, other := s.login("alice"), s.login("alice")
		read[any](s, c.end[0], c.end[1], c.end[2])
		b.want(http.StatusUnauthorized, "GET", "/session", "")
		if c.undo != nil {
			read[any](s, c.undo[0], c.undo[1], c.undo[2])
		}
		b.want(http.StatusUnauthorized, "GET", "/session", "")
		other.want(http.StatusUnauthorized, "GET", "/session", "")
		s.login("alice").want(http.StatusOK, "GET", "/session", "")
	}
	bob.want(http.StatusOK, "GET", "/session", "")
	// A session has the role that its user has now.
	b := s.login("alice")
	b.want(http.StatusForbidden, "POST", "/tags", `{"name":"x"}`)
	read[any](s, "PATCH", path, `{"role":"editor"}`)
	b.want(http.StatusCreated, "POST", "/tags", `{"name":"x"}`)
}

// The first start tells the password of the user it creates, and no other does.
func TestFirstPasswordIsToldOnce(t *testing.T) {
	var told bytes.Buffer
	s := startOn(t, server.Options{StoragePath: t.TempDir(), Notices: &told})
	_, pw, ok := strings.Cut(strings.TrimSpace(told.String()), "shown this once: ")
	if !ok || len(pw) != 29 || strings.Contains(told.String(), s.token) {
		t.Fatalf("told %q", told.String())
	}
	b := &browser{started: s}
	b.want(http.StatusOK, "POST", "/session", credentials("admin", pw))
	b.want(http.StatusOK, "GET", "/users", "")
	again, err := server.New(t.Context(), server.Options{StoragePath: s.data.StoragePath, Notices: &told, ListenAddresses: []string{"127.0.0.1:0"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if strings.Count(told.String(), "\n") != 1 {
		t.Errorf("told %q", told.String())
	}
	for _, e := range must(s.Events().List(t.Context(), nil)).Items {
		if b := must(json.Marshal(e)); strings.Contains(string(b), pw) {
			t.Errorf("an event has the password: %s", b)
		}
	}
}

// Who may log in, who may not and who is not there cannot be told apart by time.
func TestLoginsTakeTheSameTime(t *testing.T) {
	s := startOn(t, server.Options{StoragePath: t.TempDir(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	each, perName := 60, 4 // fewer failures than make a name wait
	if raced {             // make test takes all of them without the race detector
		each = 20
	}
	valid := s.user("valid", promfleet.RoleViewer).Name
	for i := range each / perName {
		u := s.user(fmt.Sprint("disabled", i), promfleet.RoleViewer)
		read[any](s, "PATCH", fmt.Sprintf("/users/%d", u.ID), `{"disabled":true}`)
	}
	took := map[string][]time.Duration{}
	for i := range each {
		for kind, name := range map[string]string{"valid": valid, "disabled": fmt.Sprint("disabled", i/perName), "unknown": fmt.Sprint("unknown", i/perName)} {
			b := &browser{started: s}
			begin := time.Now()
			status, _, answer := b.call("POST", "/session", credentials(name, password), "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
			took[kind] = append(took[kind], time.Since(begin))
			if (status == http.StatusOK) != (kind == "valid") || status >= 500 || status == http.StatusTooManyRequests {
				t.Fatalf("login of %s: %d %s", name, status, answer)
			}
		}
	}
	// The lower quartile: what else the machine does only adds to the time.
	var typical []time.Duration
	for _, kind := range []string{"valid", "disabled", "unknown"} {
		slices.Sort(took[kind])
		typical = append(typical, took[kind][each/4])
		t.Logf("FIGURE login of %s: lower quartile %s, median %s of %d", kind, took[kind][each/4].Round(10*time.Microsecond), took[kind][each/2].Round(10*time.Microsecond), each)
	}
	ratio := float64(slices.Max(typical)) / float64(slices.Min(typical))
	t.Logf("FIGURE apart by a factor of %.3f", ratio)
	if ratio > 2 { // to leave the hash out would be a factor of ten
		t.Errorf("%v are apart by a factor of %.2f", typical, ratio)
	}
}
