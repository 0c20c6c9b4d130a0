package fleet_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func TestFirstAdminIsCreatedOnce(t *testing.T) {
	h := open(t)
	var passwords [8]string
	var all sync.WaitGroup
	for i := range passwords {
		all.Go(func() {
			pw, created, err := h.FirstAdmin(t.Context())
			if err != nil || created != (pw != "") {
				t.Errorf("created %t, password %q, error %v", created, pw, err)
			}
			passwords[i] = pw
		})
	}
	all.Wait()
	got := strings.Join(passwords[:], "")
	if len(got) != 29 {
		t.Fatalf("passwords %q", passwords)
	}
	u, _, err := h.enter("admin", got, here)
	if err != nil || u.Role != promfleet.RoleAdmin {
		t.Errorf("%+v, error %v", u, err)
	}
	// A deleted user was one.
	other := h.user("other")
	if _, err := h.PatchUser(t.Context(), root, other.ID, nil, []byte(`{"role":"admin"}`)); err != nil {
		t.Fatal(err)
	}
	h.want(h.DeleteUser(t.Context(), root, u.User, nil), "")
	h.want(h.SetPassword(t.Context(), root, "admin", password), promfleet.NotFound)
	if _, created, err := h.FirstAdmin(t.Context()); err != nil || created {
		t.Errorf("created another, error %v", err)
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	h := open(t)
	for range 2 {
		h.want(h.CheckKey(t.Context()), "")
	}
	err := h.withKey().CheckKey(t.Context())
	h.want(err, promfleet.Conflict)
	if !strings.Contains(err.Error(), "not the one that the database was made with") {
		t.Error(err)
	}
}

// What has had its time is deleted to the last row, and nothing else is.
func TestTidy(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	u := h.user("alice")
	err := h.store.Update(ctx, func(tx fleet.Tx) error {
		for i := range 2500 {
			if err := tx.PutSession(ctx, fmt.Sprint(i), []byte("x"), h.now().Add(time.Minute)); err != nil {
				return err
			}
			if err := tx.PutLoginFailures(ctx, fmt.Sprint(i), fleet.LoginFailures{Count: 1, Last: h.now()}); err != nil {
				return err
			}
			if err := tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: h.now(), Action: "update", Object: "user/1"}}); err != nil {
				return err
			}
		}
		return nil
	})
	h.want(err, "")
	h.pass(time.Hour)
	h.begin("lasts", "x", time.Minute)
	h.want(h.login("alice", "wrong", here), promfleet.Unauthorized)
	if _, err := h.PatchUser(ctx, root, u.ID, nil, []byte(`{"name":"bob"}`)); err != nil {
		t.Fatal(err)
	}
	left := func() (sessions, failures int64, events int64) {
		t.Helper()
		err := h.store.Update(ctx, func(tx fleet.Tx) (err error) {
			if sessions, err = tx.DeleteExpired(ctx, h.now().Add(time.Hour), h.now().Add(-time.Hour), 10_000); err != nil {
				return err
			}
			if failures, err = tx.DeleteExpired(ctx, h.now(), h.now().Add(time.Hour), 10_000); err != nil {
				return err
			}
			page, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1}})
			events = page.Total
			return errors.Join(err, errors.New("roll back"))
		})
		if err == nil {
			t.Fatal("not rolled back")
		}
		return sessions, failures, events
	}
	h.want(h.Tidy(ctx, time.Time{}), "")
	if s, f, e := left(); s != 1 || f != 2 || e != 2503 {
		t.Errorf("%d sessions, %d failures, %d events are left, want 1, 2, 2503", s, f, e)
	}
	h.want(h.Tidy(ctx, h.now()), "")
	if _, _, e := left(); e != 1 {
		t.Errorf("%d events are left, want 1", e)
	}
}
