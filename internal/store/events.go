package store

import (
	"context"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var eventList = listing[event, promfleet.Event]{
	table: "event", byDef: "-id",
	id:     column{expr: "event.id", typ: typInt},
	sorts:  map[string]column{"id": {expr: "event.id", typ: typInt}},
	record: (*event).record,
	idOf:   func(m *event) any { return m.ID },
	values: func(m *event) map[string]any { return map[string]any{"id": m.ID} },
}

func (t *tx) InsertEvent(ctx context.Context, e *promfleet.Event) error {
	m := eventModel(e)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert event %s of %s", e.Action, e.Object)
	}
	e.ID = m.ID
	return nil
}

func (t *tx) ListEvents(ctx context.Context, q fleet.EventQuery) (promfleet.Page[promfleet.Event], error) {
	return eventList.page(ctx, t, q.ListQuery, func(sel *bun.SelectQuery) *bun.SelectQuery {
		if q.Node != "" {
			sel = sel.Where("event.node = ?", q.Node)
		}
		if q.Actor != "" {
			sel = sel.Where("event.actor = ?", q.Actor)
		}
		if q.Object != "" {
			sel = sel.Where("event.object = ?", q.Object)
		}
		if !q.Since.IsZero() {
			sel = sel.Where("event.at >= ?", stored(q.Since))
		}
		return sel
	})
}
