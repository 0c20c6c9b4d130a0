package storetest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func testEvents(t *testing.T, s fleet.Store) {
	events := []promfleet.Event{
		{At: t0, Actor: "token/1", ActorName: "ci", Action: "create", Object: "job/1", Node: uuidOf(1), After: json.RawMessage(`{"b":1, "a":"é'\u0000"}`)},
		{At: t0.Add(time.Second), Actor: "token/1", ActorName: "ci", Action: "update", Object: "job/1", Node: uuidOf(1), Before: json.RawMessage(`{}`), After: json.RawMessage(`null`)},
		{At: t0.Add(2 * time.Second), Actor: "node/x", Action: "register", Object: "node/x", Node: uuidOf(2)},
		{At: t0.Add(3 * time.Second), Actor: "user/7", ActorName: "上海 Ägidius", Action: "revoke", Object: "token/1"},
	}
	for i := range events {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			r := fleet.EventRecord{Event: events[i], SealedBefore: []byte("sealed")}
			if i > 0 {
				r.Reverts = events[i-1].ID
			}
			err := tx.InsertEvent(ctx, &r)
			events[i] = r.Event
			return err
		})
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
		{"actor", fleet.EventQuery{Actor: "token/1"}, []int{1, 0}},
		{"object", fleet.EventQuery{Object: "token/1"}, []int{3}},
		{"since", fleet.EventQuery{Since: t0.Add(2 * time.Second)}, []int{3, 2}},
		{"since, another zone", fleet.EventQuery{Since: t0.Add(2 * time.Second).In(time.FixedZone("", 9*3600))}, []int{3, 2}},
		{"without some kinds", fleet.EventQuery{Without: []string{"token", "node"}}, []int{1, 0}},
		{"without a part of a kind", fleet.EventQuery{Without: []string{"jo"}}, []int{3, 2, 1, 0}},
		{"all of them", fleet.EventQuery{Node: uuidOf(1), Actor: "token/1", Object: "job/1", Since: t0.Add(time.Second)}, []int{1}},
		{"q", fleet.EventQuery{ListQuery: fleet.ListQuery{Q: "TOKEN"}}, []int{3, 1, 0}},
		{"q in the actor's name", fleet.EventQuery{ListQuery: fleet.ListQuery{Q: "海 ägi"}}, []int{3}},
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
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		got, err := tx.Event(ctx, events[1].ID)
		if err != nil {
			return err
		}
		equal(t, "the event, with what is sealed in it", got, &fleet.EventRecord{Event: events[1], SealedBefore: []byte("sealed")})
		_, err = tx.Event(ctx, 999)
		wantErr(t, err, fleet.ErrNotFound)
		for _, tt := range []struct {
			object string
			above  int64
			limit  int
			want   []promfleet.Event
		}{
			{"job/1", 0, 10, events[:2]}, {"job/1", 0, 1, events[:1]}, {"job/1", events[0].ID, 10, events[1:2]},
			{"job/1", events[1].ID, 10, nil}, {"token/1", 0, 10, events[3:]}, {"job/", 0, 10, nil},
		} {
			above, err := tx.EventsAbove(ctx, tt.object, tt.above, tt.limit)
			if err != nil {
				return err
			}
			equal(t, "events of "+tt.object, above, tt.want)
		}
		return nil
	})
}

// testLargeEvents: a page ends early when its rows are large, and the next goes on
// where it ended.
func testLargeEvents(t *testing.T, s fleet.Store) {
	const n = 45
	large := json.RawMessage(`"` + strings.Repeat("x", 500<<10) + `"`)
	for range n {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			return tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: t0, Before: large}})
		})
	}
	q := fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1000, Sort: "id"}}
	var ids []int64
	for pages := 1; ; pages++ {
		var page promfleet.Page[promfleet.Event]
		view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
			page, err = tx.ListEvents(ctx, q)
			return err
		})
		for _, e := range page.Items {
			ids = append(ids, e.ID)
		}
		if size := len(page.Items) * len(large); size > 16<<20 || page.Total != n {
			t.Errorf("a page of %d bytes, total %d", size, page.Total)
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			if pages == 1 {
				t.Error("all are on one page")
			}
			break
		}
	}
	if len(ids) != n || !slices.IsSorted(ids) || len(slices.Compact(ids)) != n {
		t.Errorf("the pages have %d events: %v", len(ids), ids)
	}
}

// testDeleteEvents: the oldest by time go first, and only those that are old.
func testDeleteEvents(t *testing.T, s fleet.Store) {
	minutes := []int{5, 0, 1, 2, 3, 4} // a clock that was set back
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, m := range minutes {
			e := fleet.EventRecord{Event: promfleet.Event{At: t0.Add(time.Duration(m) * time.Minute)}}
			if err := tx.InsertEvent(ctx, &e); err != nil {
				return err
			}
		}
		return nil
	})
	for _, tt := range []struct {
		before int
		limit  int
		gone   int64
		left   []int
	}{
		{0, 10, 0, []int{5, 0, 1, 2, 3, 4}},
		{3, 2, 2, []int{5, 2, 3, 4}},
		{3, 2, 1, []int{5, 3, 4}},
		{3, 2, 0, []int{5, 3, 4}},
		{9, 10, 3, nil},
	} {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			n, err := tx.DeleteEvents(ctx, t0.Add(time.Duration(tt.before)*time.Minute), tt.limit)
			if err == nil && n != tt.gone {
				t.Errorf("of those before minute %d, %d were deleted, want %d", tt.before, n, tt.gone)
			}
			return err
		})
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			page, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 10, Sort: "id"}})
			var left []int
			for _, e := range page.Items {
				left = append(left, int(e.At.Sub(t0)/time.Minute))
			}
			equal(t, "what is left", left, tt.left)
			return err
		})
	}
}
