package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

type question struct {
	bun.BaseModel `bun:"table:questions,alias:question"`

	ID         int64      `bun:"id,pk,autoincrement"`
	NodeID     string     `bun:"node_id"`
	Kind       string     `bun:"kind"`
	Body       []byte     `bun:"body"`
	AskedAt    time.Time  `bun:"asked_at"`
	ExpiresAt  time.Time  `bun:"expires_at"`
	Answer     []byte     `bun:"answer"`
	AnsweredAt *time.Time `bun:"answered_at"`
}

func (m *question) record() (fleet.QuestionRecord, error) {
	return fleet.QuestionRecord{ID: m.ID, Node: m.NodeID, Kind: promfleet.QuestionKind(m.Kind), Body: m.Body,
		AskedAt: m.AskedAt.UTC(), ExpiresAt: m.ExpiresAt.UTC(), Answer: m.Answer}, nil
}

func (t *tx) InsertQuestions(ctx context.Context, questions []*fleet.QuestionRecord) error {
	for _, q := range questions {
		m := &question{NodeID: q.Node, Kind: string(q.Kind), Body: q.Body, AskedAt: stored(q.AskedAt), ExpiresAt: stored(q.ExpiresAt)}
		if _, err := t.db.NewInsert().Model(m).Exec(ctx); err != nil {
			return t.fail(err, "insert a question to %s", q.Node)
		}
		q.ID = m.ID
	}
	return nil
}

func (t *tx) OpenQuestions(ctx context.Context, node string, now time.Time, limit int) ([]fleet.QuestionRecord, error) {
	var rows []*question
	err := t.db.NewSelect().Model(&rows).Where("node_id = ?", node).Where("answered_at IS NULL").Where("expires_at > ?", stored(now)).
		Order("id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "open questions to %s", node)
	}
	return records(rows, (*question).record)
}

func (t *tx) AnswerQuestion(ctx context.Context, node string, id int64, answer []byte, now time.Time) error {
	res, err := t.db.NewUpdate().Model((*question)(nil)).Set("answer = ?", answer).Set("answered_at = ?", stored(now)).
		Where("id = ?", id).Where("node_id = ?", node).Where("answered_at IS NULL").Where("expires_at > ?", stored(now)).Exec(ctx)
	return t.touched(res, err, "answer question %d to %s", id, node)
}

func (t *tx) AnsweredQuestions(ctx context.Context, ids []int64) ([]fleet.QuestionRecord, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []*question
	err := t.db.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Where("answered_at IS NOT NULL").Order("id").Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "answers to %d questions", len(ids))
	}
	return records(rows, (*question).record)
}

func (t *tx) DeleteQuestions(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := t.db.NewDelete().Model((*question)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return t.fail(err, "delete %d questions", len(ids))
}
