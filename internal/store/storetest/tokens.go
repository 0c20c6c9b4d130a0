package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func testTokens(t *testing.T, s fleet.Store) {
	expires, used := t0.Add(time.Hour), t0.Add(time.Minute)
	want := &fleet.TokenRecord{
		Token: promfleet.Token{Name: "ci", Role: promfleet.RoleEditor, CreatedAt: t0, ExpiresAt: &expires, LastUsedAt: &used},
		Hash:  hashOf("ci"),
	}
	forever := &fleet.TokenRecord{Token: promfleet.Token{Name: "forever", Role: promfleet.RoleAdmin, CreatedAt: t0}, Hash: hashOf("f")}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertToken(ctx, want); err != nil {
			return err
		}
		return tx.InsertToken(ctx, forever)
	})
	same := &fleet.TokenRecord{Token: promfleet.Token{Name: "same", CreatedAt: t0}, Hash: hashOf("ci")}
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertToken(ctx, same) }), fleet.ErrExists)
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, w := range []*fleet.TokenRecord{want, forever} {
			got, err := tx.Token(ctx, w.ID)
			if err != nil {
				return err
			}
			equal(t, "the token", got, w)
			if got, err = tx.TokenByHash(ctx, w.Hash); err != nil {
				return err
			}
			equal(t, "the token by hash", got, w)
		}
		_, err := tx.Token(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		_, err = tx.TokenByHash(ctx, hashOf("x"))
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})

	users := []*fleet.UserRecord{{User: promfleet.User{Name: "ada", CreatedAt: t0, UpdatedAt: t0}, SessionsFrom: t0},
		{User: promfleet.User{Name: "bob", CreatedAt: t0, UpdatedAt: t0}, SessionsFrom: t0}}
	var tied []*fleet.TokenRecord
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, u := range users {
			if err := tx.InsertUser(ctx, u); err != nil {
				return err
			}
		}
		for i, u := range []int64{users[0].ID, users[1].ID, users[0].ID, users[0].ID} {
			began := t0.Add(time.Duration(i) * time.Microsecond)
			rec := &fleet.TokenRecord{Token: promfleet.Token{Name: "tied", Role: promfleet.RoleViewer, User: u, CreatedAt: t0}, Hash: hashOf(fmt.Sprint("tied", i)), Began: &began}
			if err := tx.InsertToken(ctx, rec); err != nil {
				return err
			}
			tied = append(tied, rec)
		}
		tied[3].DeletedAt = deletedAt(t0)
		return tx.UpdateToken(ctx, tied[3])
	})
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for user, w := range map[int64][]fleet.TokenRecord{users[0].ID: {*tied[0], *tied[2]}, users[1].ID: {*tied[1]}, 999: {}} {
			got, err := tx.TokensOf(ctx, user)
			if err != nil {
				return err
			}
			equal(t, "the tokens of a user", got, w)
		}
		return nil
	})
	nobodys := &fleet.TokenRecord{Token: promfleet.Token{Name: "x", User: 999, CreatedAt: t0}, Hash: hashOf("nobodys"), Began: &t0}
	if err := tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertToken(ctx, nobodys) }); err == nil {
		t.Error("a token of a user who is not there was kept")
	}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, rec := range tied[:3] {
			rec.DeletedAt = deletedAt(t0)
			if err := tx.UpdateToken(ctx, rec); err != nil {
				return err
			}
		}
		return nil
	})

	edited := *want
	edited.Name, edited.Role = "not written", promfleet.RoleAdmin
	edited.LastUsedAt, edited.DeletedAt = deletedAt(t0.Add(2*time.Hour)), deletedAt(t0.Add(3*time.Hour))
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateToken(ctx, &edited) })
	want.LastUsedAt, want.DeletedAt = edited.LastUsedAt, edited.DeletedAt
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Token(ctx, want.ID)
		if err != nil {
			return err
		}
		equal(t, "the token revoked", got, want)
		_, err = tx.TokenByHash(ctx, want.Hash)
		wantErr(t, err, fleet.ErrNotFound)
		for deleted, name := range map[bool]string{false: "forever", true: "ci"} {
			page, err := tx.ListTokens(ctx, fleet.ListQuery{Limit: 10, Deleted: deleted, Q: name})
			if err != nil {
				return err
			}
			if page.Total != 1 || page.Items[0].Name != name {
				t.Errorf("tokens, deleted %v: %+v", deleted, page)
			}
		}
		return nil
	})
	edited.ID = 999
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateToken(ctx, &edited) }), fleet.ErrNotFound)
}

func testJoinTokens(t *testing.T, s fleet.Store) {
	want := &fleet.JoinTokenRecord{
		JoinToken: promfleet.JoinToken{Name: "rack 1", MaxUses: 3, Uses: 1, CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)},
		Hash:      hashOf("j"),
	}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJoinToken(ctx, want) })
	same := &fleet.JoinTokenRecord{JoinToken: promfleet.JoinToken{CreatedAt: t0, ExpiresAt: t0}, Hash: hashOf("j")}
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertJoinToken(ctx, same) }), fleet.ErrExists)
	check := func(what string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.JoinToken(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, what, got, want)
			got, err = tx.JoinTokenByHash(ctx, want.Hash)
			if want.DeletedAt != nil {
				wantErr(t, err, fleet.ErrNotFound)
			} else if err != nil {
				return err
			} else {
				equal(t, what+", by hash", got, want)
			}
			page, err := tx.ListJoinTokens(ctx, fleet.JoinTokenQuery{ListQuery: fleet.ListQuery{Limit: 10, Deleted: want.DeletedAt != nil}})
			if err != nil {
				return err
			}
			equal(t, what+", listed", page, promfleet.Page[fleet.JoinTokenRecord]{Items: []fleet.JoinTokenRecord{*want}, Total: 1})
			return nil
		})
	}
	check("the join token")
	edited := *want
	edited.Name, edited.MaxUses, edited.ExpiresAt = "not written", 9, t0
	edited.Uses, edited.LastUsedAt = 2, deletedAt(t0.Add(time.Minute))
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJoinToken(ctx, &edited) })
	want.Uses, want.LastUsedAt = 2, edited.LastUsedAt
	check("the join token used")
	state := func(now time.Time) (all []fleet.JoinTokenState) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			for _, state := range []fleet.JoinTokenState{fleet.JoinTokenUsable, fleet.JoinTokenOver} {
				page, err := tx.ListJoinTokens(ctx, fleet.JoinTokenQuery{ListQuery: fleet.ListQuery{Limit: 10}, State: state, Now: now})
				if err != nil {
					return err
				}
				for range page.Items {
					all = append(all, state)
				}
			}
			return nil
		})
		return all
	}
	equal(t, "before it expires", state(t0), []fleet.JoinTokenState{fleet.JoinTokenUsable})
	equal(t, "as it expires", state(want.ExpiresAt), []fleet.JoinTokenState{fleet.JoinTokenOver})
	usedUp := *want
	usedUp.Uses = want.MaxUses
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJoinToken(ctx, &usedUp) })
	equal(t, "used up", state(t0), []fleet.JoinTokenState{fleet.JoinTokenOver})
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJoinToken(ctx, want) })
	want.DeletedAt = deletedAt(t0.Add(time.Hour))
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJoinToken(ctx, want) })
	check("the join token revoked")
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		_, err := tx.JoinToken(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		return nil
	})
	edited.ID = 999
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateJoinToken(ctx, &edited) }), fleet.ErrNotFound)
}
