package store

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"promfleet/internal/fleet"
)

func (t *tx) PieceAt(ctx context.Context, job int64, key fleet.SplitKey) (*fleet.Piece, error) {
	m := new(piece)
	err := t.db.NewSelect().Model(m).Where("job_id = ?", job).Where("lo <= ?", key[:]).Order("lo DESC").Limit(1).Scan(ctx)
	if err == nil && bytes.Compare(key[:], m.Hi) > 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, t.fail(err, "piece of job %d at %x", job, key)
	}
	p, err := m.record()
	return &p, err
}

func (t *tx) PiecesInRange(ctx context.Context, job int64, lo, hi fleet.SplitKey) ([]fleet.Piece, error) {
	var rows []*piece
	err := t.db.NewSelect().Model(&rows).Where("job_id = ?", job).Where("lo BETWEEN ? AND ?", lo[:], hi[:]).Order("lo").Scan(ctx)
	if err != nil {
		return nil, t.fail(err, "pieces of job %d", job)
	}
	return records(rows, (*piece).record)
}

func (t *tx) ReplacePieces(ctx context.Context, job int64, lo, hi fleet.SplitKey, with []fleet.Piece) error {
	_, err := t.db.NewDelete().Model((*piece)(nil)).Where("job_id = ?", job).Where("lo BETWEEN ? AND ?", lo[:], hi[:]).Exec(ctx)
	if err != nil {
		return t.fail(err, "remove pieces of job %d", job)
	}
	for chunk := range slices.Chunk(with, insertRows) {
		rows := make([]*piece, len(chunk))
		for i, p := range chunk {
			rows[i] = pieceModel(job, p)
		}
		if _, err := t.db.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return t.fail(err, "insert pieces of job %d", job)
		}
	}
	return nil
}
