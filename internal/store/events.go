package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

var eventList = listing[event, promfleet.Event]{
	table: "event", byDef: "-id", load: unsealed,
	id:     column{expr: "event.id", typ: typInt},
	sorts:  map[string]column{"id": {expr: "event.id", typ: typInt}},
	size:   func(m *event) int { return len(m.Before) + len(m.After) },
	record: (*event).record,
	idOf:   func(m *event) any { return m.ID },
	values: func(m *event) map[string]any { return map[string]any{"id": m.ID} },
}

// unsealed leaves out what only undoing an event needs.
func unsealed(sel *bun.SelectQuery) *bun.SelectQuery { return sel.ExcludeColumn("sealed_before") }

func (t *tx) InsertEvent(ctx context.Context, e *fleet.EventRecord) error {
	m := eventModel(e)
	m.ID = 0
	if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
		return t.fail(err, "insert event %s of %s", e.Action, e.Object)
	}
	e.ID = m.ID
	return nil
}

func (t *tx) Event(ctx context.Context, id int64) (*fleet.EventRecord, error) {
	m := &event{ID: id}
	if err := t.db.NewSelect().Model(m).WherePK().Scan(ctx); err != nil {
		return nil, t.fail(err, "event %d", id)
	}
	e, err := m.record()
	return &fleet.EventRecord{Event: e, SealedBefore: m.SealedBefore}, err
}

func (t *tx) EventsAbove(ctx context.Context, object string, id int64, limit int) ([]promfleet.Event, error) {
	var rows []*event
	err := t.db.NewSelect().Model(&rows).Apply(unsealed).Where("event.object = ?", object).Where("event.id > ?", id).
		Order("event.id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "events of %s after %d", object, id)
	}
	return records(rows, (*event).record)
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
		for _, kind := range q.Without {
			sel = sel.Where("event.object NOT LIKE ?", kind+"/%")
		}
		if !q.Since.IsZero() {
			sel = sel.Where("event.at >= ?", stored(q.Since))
		}
		return sel
	})
}

func (t *tx) DeleteEvents(ctx context.Context, before time.Time, limit int) (int64, error) {
	return t.deleteBefore(ctx, (*event)(nil), "events", "id", "at", before, limit)
}
