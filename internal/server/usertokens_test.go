package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"promfleet"
)

// A user makes tokens of at most the user's role, and whatever ends the user's
// sessions, or takes the role away, ends them.
func TestUserTokens(t *testing.T) { onBoth(t, checkUserTokens) }

func checkUserTokens(t *testing.T, s *started) {
	ctx := t.Context()
	u, other := s.user("alice", promfleet.RoleEditor), s.user("bob", promfleet.RoleViewer)
	b := s.login("alice")
	path := fmt.Sprintf("/users/%d/tokens", u.ID)
	create := func(body string) promfleet.NewToken {
		t.Helper()
		return decode[promfleet.NewToken](t, b.want(http.StatusCreated, "POST", path, body))
	}
	works := func(token promfleet.NewToken) bool {
		_, err := s.as(token.Secret).Session(ctx)
		if err != nil {
			wantCode(t, err, promfleet.Unauthorized, "")
		}
		return err == nil
	}

	laptop := create(`{"name":"laptop"}`)
	if laptop.Role != promfleet.RoleEditor || laptop.User != u.ID || !works(laptop) {
		t.Errorf("a token of alice's: %+v", laptop)
	}
	viewer := create(`{"name":"viewer","role":"viewer"}`)
	wantCode(t, errOf(s.as(viewer.Secret).Tags().Create(ctx, promfleet.TagInput{Name: "x"})), promfleet.Forbidden, "")
	b.want(http.StatusUnprocessableEntity, "POST", path, `{"name":"more","role":"admin"}`)
	b.want(http.StatusUnprocessableEntity, "POST", path, `{"name":"sd","role":"sd"}`)
	b.want(http.StatusForbidden, "POST", fmt.Sprintf("/users/%d/tokens", other.ID), `{"name":"not mine"}`)
	b.want(http.StatusForbidden, "GET", fmt.Sprintf("/users/%d/tokens", other.ID), "")
	b.want(http.StatusForbidden, "POST", "/tokens", `{"name":"nobody's","role":"viewer"}`)

	// A token makes no further one, unless an admin holds it, and is no session.
	as := s.as(laptop.Secret)
	wantCode(t, errOf(as.CreateUserToken(ctx, u.ID, promfleet.UserTokenInput{Name: "child"})), promfleet.Forbidden, "")
	wantCode(t, as.SetPassword(ctx, u.ID, promfleet.PasswordInput{Password: "another password", Current: password}), promfleet.Forbidden, "")

	if list := decode[[]promfleet.Token](t, b.want(http.StatusOK, "GET", path, "")); len(list) != 2 || list[0].ID != laptop.ID || list[1].ID != viewer.ID {
		t.Errorf("the tokens of alice: %+v", list)
	}
	b.want(http.StatusNotFound, "DELETE", fmt.Sprintf("/users/%d/tokens/%d", u.ID, must(s.Tokens().Create(ctx, promfleet.TokenInput{Name: "ci", Role: promfleet.RoleViewer})).ID), "")
	b.want(http.StatusNoContent, "DELETE", fmt.Sprintf("%s/%d", path, viewer.ID), "")
	if works(viewer) {
		t.Error("a revoked token serves")
	}
	// Its holder may revoke it too; a token that is nobody's is left.
	second := create(`{"name":"second"}`)
	mustDo(t, s.as(second.Secret).Logout(ctx))
	mustDo(t, s.Logout(ctx))
	if works(second) || must(s.Session(ctx)).Role != promfleet.RoleAdmin {
		t.Error("after the logout of tokens")
	}

	for _, tc := range []struct {
		what string
		end  func()
		back func()
	}{
		{"a lower role", func() { s.patchUser(u, `{"role":"viewer"}`) }, func() { s.patchUser(u, `{"role":"editor"}`) }},
		{"disabling", func() { s.patchUser(u, `{"disabled":true}`) }, func() { s.patchUser(u, `{"disabled":false}`) }},
		{"a new password", func() { mustDo(t, s.SetPassword(ctx, u.ID, promfleet.PasswordInput{Password: password})) }, func() {}},
		{"deletion", func() { mustDo(t, s.Users().Delete(ctx, fmt.Sprint(u.ID), "")) }, func() { must(s.Users().Restore(ctx, fmt.Sprint(u.ID))) }},
	} {
		b = s.login("alice")
		token, low := create(`{"name":"x"}`), create(`{"name":"low","role":"viewer"}`)
		s.patchUser(u, `{"name":"alice2"}`)
		s.patchUser(u, `{"name":"alice"}`)
		if !works(token) {
			t.Fatalf("before %s the token does not serve", tc.what)
		}
		tc.end()
		if works(token) {
			t.Errorf("after %s the token serves", tc.what)
		}
		if still := works(low); still != (tc.what == "a lower role") {
			t.Errorf("after %s a viewer's token serves: %v", tc.what, still)
		}
		if e := must(s.Events().List(ctx, url.Values{"object": {fmt.Sprintf("token/%d", token.ID)}})).Items[0]; e.Action != "revoke" {
			t.Errorf("the event after %s: %+v", tc.what, e)
		}
		tc.back()
		if works(token) {
			t.Errorf("%s is undone, and the token serves again", tc.what)
		}
	}
}

func (s *started) patchUser(u promfleet.User, patch string) {
	s.t.Helper()
	if st, _, body := s.call("PATCH", fmt.Sprintf("/api/v1/users/%d", u.ID), patch, "Content-Type", "application/merge-patch+json"); st != http.StatusOK {
		s.t.Fatalf("PATCH %s: %d %s", patch, st, body)
	}
}

func errOf[T any](_ T, err error) error { return err }
