package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

func newQuestion(node int, expires time.Time) *fleet.QuestionRecord {
	return &fleet.QuestionRecord{Node: uuidOf(node), Kind: promfleet.QuestionExplain, Body: []byte("{\"addr\":\"\x00\xff'\"}"), AskedAt: t0, ExpiresAt: expires}
}

func seedQuestions(t *testing.T, s fleet.Store, questions ...*fleet.QuestionRecord) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for n := range 2 {
			if err := tx.InsertNode(ctx, newNode(n+1)); err != nil {
				return err
			}
		}
		return tx.InsertQuestions(ctx, questions)
	})
}

func testQuestions(t *testing.T, s fleet.Store) {
	first, second, other := newQuestion(1, t0.Add(time.Minute)), newQuestion(1, t0.Add(time.Hour)), newQuestion(2, t0.Add(time.Hour))
	seedQuestions(t, s, first, second, other)
	if first.ID == 0 || first.ID >= second.ID {
		t.Errorf("ids %d and %d", first.ID, second.ID)
	}
	wantErr(t, tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
		return tx.InsertQuestions(ctx, []*fleet.QuestionRecord{newQuestion(9, t0)})
	}), fleet.ErrNotFound)
	open := func(now time.Time, limit int, want ...fleet.QuestionRecord) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.OpenQuestions(ctx, uuidOf(1), now, limit)
			equal(t, fmt.Sprintf("open at %v, %d of them", now, limit), got, want)
			return err
		})
	}
	open(t0, 10, *first, *second)
	open(t0, 1, *first)
	open(t0.Add(time.Minute), 10, *second)

	answer := func(node int, id int64, now time.Time, text string) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error {
			return tx.AnswerQuestion(ctx, uuidOf(node), id, []byte(text), now)
		})
	}
	wantErr(t, answer(2, first.ID, t0, "of another node"), fleet.ErrNotFound)
	wantErr(t, answer(1, first.ID, first.ExpiresAt, "too late"), fleet.ErrNotFound)
	wantErr(t, answer(1, other.ID+1, t0, "to no question"), fleet.ErrNotFound)
	mustDo(t, answer(1, first.ID, t0, "\x00\xff"))
	wantErr(t, answer(1, first.ID, t0, "again"), fleet.ErrNotFound)
	open(t0, 10, *second)
	first.Answer = []byte("\x00\xff")
	answered := func(want ...fleet.QuestionRecord) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.AnsweredQuestions(ctx, []int64{second.ID, first.ID, other.ID})
			equal(t, "answered", got, want)
			return err
		})
	}
	answered(*first)
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.DeleteQuestions(ctx, nil); err != nil {
			return err
		}
		return tx.DeleteQuestions(ctx, []int64{first.ID, other.ID + 1})
	})
	answered()
	open(t0, 10, *second)
}

func testExpiredQuestions(t *testing.T, s fleet.Store) {
	var all []*fleet.QuestionRecord
	for i := range 5 {
		all = append(all, newQuestion(1, t0.Add(time.Duration(i)*time.Second)))
	}
	seedQuestions(t, s, all...)
	for _, want := range []int64{2, 1, 0} {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			n, err := tx.DeleteExpired(ctx, t0.Add(3*time.Second), t0, 2)
			if n != want {
				t.Errorf("%d were deleted, want %d", n, want)
			}
			return err
		})
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		left, err := tx.OpenQuestions(ctx, uuidOf(1), t0, 10)
		equal(t, "left", left, []fleet.QuestionRecord{*all[3], *all[4]})
		return err
	})
}
