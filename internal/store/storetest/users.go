package storetest

import (
	"context"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func newUser(name string) *fleet.UserRecord {
	return &fleet.UserRecord{
		User:         promfleet.User{Name: name, Role: promfleet.RoleViewer, CreatedAt: t0, UpdatedAt: t0, Version: 1},
		SessionsFrom: t0,
	}
}

// seedUser makes a user and gives its id.
func seedUser(t tb, s fleet.Store, name string) int64 {
	t.Helper()
	u := newUser(name)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertUser(ctx, u) })
	return u.ID
}

func testUsers(t *testing.T, s fleet.Store) {
	anyUser := func(want bool) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.AnyUser(ctx)
			if got != want {
				t.Errorf("AnyUser is %v", got)
			}
			return err
		})
	}
	anyUser(false)
	want := newUser("北京")
	want.Role, want.Disabled, want.SessionsFrom = promfleet.RoleAdmin, true, t0.Add(time.Hour)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertUser(ctx, want) })
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.User(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, what, got, want)
			got, err = tx.UserByName(ctx, want.Name)
			if want.DeletedAt != nil {
				wantErr(t, err, fleet.ErrNotFound)
			} else if err != nil {
				return err
			} else {
				equal(t, what+", by name", got, want)
			}
			page, err := tx.ListUsers(ctx, fleet.ListQuery{Limit: 10, Deleted: want.DeletedAt != nil, Q: want.Name})
			equal(t, what+", listed", page, promfleet.Page[fleet.UserRecord]{Items: []fleet.UserRecord{*want}, Total: 1})
			return err
		})
	}
	check("the user inserted")
	stale := *want
	want.Name, want.Role, want.Disabled, want.SessionsFrom = "Größe", promfleet.RoleEditor, false, t0.Add(2*time.Hour)
	want.UpdatedAt = t0.Add(time.Hour)
	write := func(u *fleet.UserRecord) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateUser(ctx, u) })
	}
	mustDo(t, write(want))
	if want.Version != 2 {
		t.Errorf("after one update the version is %d", want.Version)
	}
	check("the user updated")
	wantErr(t, write(&stale), fleet.ErrVersion)
	stale.ID = 999
	wantErr(t, write(&stale), fleet.ErrNotFound)

	// The name is one live user's; names have case.
	insert := func(name string) (*fleet.UserRecord, error) {
		u := newUser(name)
		return u, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertUser(ctx, u) })
	}
	_, err := insert("Größe")
	wantErr(t, err, fleet.ErrExists)
	other, err := insert("größe")
	mustDo(t, err)
	other.Name = "Größe"
	wantErr(t, write(other), fleet.ErrExists)

	want.DeletedAt = deletedAt(t0.Add(time.Hour))
	mustDo(t, write(want))
	check("the user deleted")
	mustDo(t, write(other)) // the name is free
	want.DeletedAt = nil
	wantErr(t, write(want), fleet.ErrExists)
	other.DeletedAt = deletedAt(t0)
	mustDo(t, write(other))
	anyUser(true) // though all are deleted
	mustDo(t, write(want))
	check("the user restored")
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.User(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		_, err = tx.UserByName(ctx, "GRÖSSE")
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})
}

func testPasswords(t *testing.T, s fleet.Store) {
	id, other := seedUser(t, s, "开发"), seedUser(t, s, "测试")
	set := func(user int64, hash string) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.SetPassword(ctx, user, hash, t0) })
	}
	get := func(user int64) (hash string, err error) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			hash, err = tx.Password(ctx, user)
			return nil
		})
		return hash, err
	}
	_, err := get(id)
	wantErr(t, err, fleet.ErrNotFound)
	for _, want := range []string{"$argon2id$1", "$argon2id$2"} {
		mustDo(t, set(id, want))
		if hash, err := get(id); err != nil || hash != want {
			t.Errorf("the password is %q, %v; want %q", hash, err, want)
		}
	}
	_, err = get(other)
	wantErr(t, err, fleet.ErrNotFound)
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		page, err := tx.ListUsers(ctx, fleet.ListQuery{Limit: 10})
		if err != nil {
			return err
		}
		for _, listed := range page.Items {
			one, err := tx.User(ctx, listed.ID)
			if err != nil {
				return err
			}
			if has := listed.ID == id; listed.HasPassword != has || one.HasPassword != has {
				t.Errorf("user %d has a password: %t listed, %t by itself", listed.ID, listed.HasPassword, one.HasPassword)
			}
		}
		return nil
	})
	wantErr(t, set(999, "x"), fleet.ErrNotFound)
}

func mustDo(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}
