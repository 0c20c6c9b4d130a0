package storetest

import (
	"context"
	"encoding/json"
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
			page, err := tx.ListTokens(ctx, fleet.ListQuery{Limit: 10, Deleted: deleted})
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
			page, err := tx.ListJoinTokens(ctx, fleet.ListQuery{Limit: 10, Deleted: want.DeletedAt != nil})
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

func testEvents(t *testing.T, s fleet.Store) {
	events := []promfleet.Event{
		{At: t0, Actor: "token:ci", Action: "create", Object: "job/1", Node: uuidOf(1), After: json.RawMessage(`{"b":1, "a":"é'\u0000"}`)},
		{At: t0.Add(time.Second), Actor: "token:ci", Action: "update", Object: "job/1", Node: uuidOf(1), Before: json.RawMessage(`{}`), After: json.RawMessage(`null`)},
		{At: t0.Add(2 * time.Second), Actor: "agent", Action: "register", Object: "node/x", Node: uuidOf(2)},
		{At: t0.Add(3 * time.Second), Actor: "token:root", Action: "revoke", Object: "token/1"},
	}
	for i := range events {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertEvent(ctx, &events[i]) })
		if i > 0 && events[i].ID <= events[i-1].ID {
			t.Errorf("event ids do not rise: %d after %d", events[i].ID, events[i-1].ID)
		}
	}
	for _, tt := range []struct {
		name string
		q    fleet.EventQuery
		want []int
	}{
		{"all, newest first", fleet.EventQuery{}, []int{3, 2, 1, 0}},
		{"oldest first", fleet.EventQuery{ListQuery: fleet.ListQuery{Sort: "id"}}, []int{0, 1, 2, 3}},
		{"node", fleet.EventQuery{Node: uuidOf(1)}, []int{1, 0}},
		{"actor", fleet.EventQuery{Actor: "token:ci"}, []int{1, 0}},
		{"object", fleet.EventQuery{Object: "token/1"}, []int{3}},
		{"since", fleet.EventQuery{Since: t0.Add(2 * time.Second)}, []int{3, 2}},
		{"since, another zone", fleet.EventQuery{Since: t0.Add(2 * time.Second).In(time.FixedZone("", 9*3600))}, []int{3, 2}},
		{"all of them", fleet.EventQuery{Node: uuidOf(1), Actor: "token:ci", Object: "job/1", Since: t0.Add(time.Second)}, []int{1}},
		{"q", fleet.EventQuery{ListQuery: fleet.ListQuery{Q: "TOKEN"}}, []int{3, 1, 0}},
		{"events are not deleted", fleet.EventQuery{ListQuery: fleet.ListQuery{Deleted: true}}, nil},
	} {
		tt.q.Limit = 10
		var want []promfleet.Event
		for _, i := range tt.want {
			want = append(want, events[i])
		}
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.ListEvents(ctx, tt.q)
			equal(t, tt.name, got, promfleet.Page[promfleet.Event]{Items: want, Total: int64(len(want))})
			return err
		})
	}
}
