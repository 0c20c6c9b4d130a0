package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"promfleet"
	"promfleet/internal/render"
)

// everything is the range of all keys.
var everything render.Range

// rewriteAll is how many moved targets make it cheaper to render a whole job anew.
const rewriteAll = 256

// moved says how many targets a change adds at a key, less those it takes away;
// 0 where one changed and stayed.
type moved struct {
	key   SplitKey
	delta int64
}

// job in the middle of a change, in a transaction.
type editedJob struct {
	rec      *JobRecord
	by       Principal
	config   json.RawMessage // plain
	revision int64           // that the change will have, if it is one for the files
	targets  bool            // the targets are another set than before

	// fresh is a job that was only just inserted: it has these targets, sorted by
	// Split, then ID, and no pieces but those that are rendered now.
	fresh  []TargetRecord
	isNew  bool
	pieces []Piece
}

// standing gives the targets and pieces of the job in a range.
func (j *editedJob) standing(ctx context.Context, tx Tx, r render.Range) ([]TargetRecord, []Piece, error) {
	if j.isNew {
		return j.fresh, nil, nil
	}
	targets, err := tx.TargetsInRange(ctx, j.rec.ID, r.Lo, r.Hi())
	if err != nil {
		return nil, nil, err
	}
	pieces, err := tx.PiecesInRange(ctx, j.rec.ID, r.Lo, r.Hi())
	return targets, pieces, err
}

// allPieces gives the pieces that the job has now.
func (j *editedJob) allPieces(ctx context.Context, tx Tx) ([]Piece, error) {
	if j.isNew {
		return j.pieces, nil
	}
	return tx.PiecesInRange(ctx, j.rec.ID, everything.Lo, everything.Hi())
}

func (s *Service) editJob(ctx context.Context, tx Tx, c *change, by Principal, rec *JobRecord) (*editedJob, error) {
	revision, ok := c.raised[rec.Node]
	if !ok {
		n, err := tx.Node(ctx, rec.Node)
		if err != nil {
			return nil, err
		}
		revision = n.Revision + 1
	}
	v, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return nil, err
	}
	return &editedJob{rec: rec, by: by, config: json.RawMessage(v.Text), revision: revision}, nil
}

// finish renders the job's config and index anew; if the index is another than
// before, the node's revision rises.
func (s *Service) finish(ctx context.Context, tx Tx, c *change, j *editedJob) error {
	body, err := render.ConfigBody(promfleet.JobConfig{Key: j.rec.Key, JobName: j.rec.JobName, ScrapeConfig: j.config})
	if err != nil {
		return err
	}
	parts := j.rec.JobParts
	if j.targets {
		parts.SetVersion++
	}
	parts.Config = parts.Config.with(body, j.revision)
	pieces, err := j.allPieces(ctx, tx)
	if err != nil {
		return err
	}
	if body, err = indexBody(j.rec.Key, parts.Config, pieces); err != nil {
		return err
	}
	parts.Index = parts.Index.with(body, j.revision)
	parts.Targets = 0
	for _, p := range pieces {
		parts.Targets += p.Count
	}
	was := j.rec.JobParts
	if parts == was {
		return nil
	}
	j.rec.JobParts = parts
	if err := tx.UpdateJobParts(ctx, j.rec.ID, parts); err != nil {
		return err
	}
	if parts.Index == was.Index {
		return nil // only what no file shows
	}
	revision, err := s.raise(ctx, tx, c, j.by, j.rec.Node)
	if err != nil {
		return err
	}
	return tx.SetHistory(ctx, PartHistory{Node: j.rec.Node, Name: render.IndexName(j.rec.Key), From: revision,
		JobName: j.rec.JobName, Sealed: j.rec.SealedScrapeConfig, Index: body})
}

// with gives the state of a part whose body is this now.
func (p PartState) with(body []byte, revision int64) PartState {
	if h := promfleet.HashOf(body); h != p.Hash {
		return PartState{Hash: h, Size: int64(len(body)), Revision: revision}
	}
	return p
}

func (p PartState) part(name string) promfleet.Part {
	return promfleet.Part{Name: name, Hash: p.Hash, Size: p.Size}
}

func indexBody(key string, config PartState, pieces []Piece) ([]byte, error) {
	return render.IndexBody(indexParts(key, config, pieces))
}

// indexParts gives the parts of a job: its config, then the pieces.
func indexParts(key string, config PartState, pieces []Piece) []promfleet.Part {
	parts := []promfleet.Part{config.part(render.ConfigName(key))}
	for _, p := range pieces {
		if p.Count > 0 { // an empty piece only holds its place
			part := p.part(render.PieceName(key, p.Range().Name()))
			part.Count = p.Count
			parts = append(parts, part)
		}
	}
	return parts
}

// Range gives the keys that the piece holds.
func (p Piece) Range() render.Range { return render.Range{Lo: p.Lo, Bits: p.Bits} }

// rerender renders the pieces in which targets moved. It reads the targets of
// those pieces only.
func (s *Service) rerender(ctx context.Context, tx Tx, j *editedJob, moves []moved) error {
	if len(moves) > rewriteAll {
		return s.rerenderRange(ctx, tx, j, everything)
	}
	slices.SortFunc(moves, func(a, b moved) int { return bytes.Compare(a.key[:], b.key[:]) })
	for len(moves) > 0 {
		piece, err := tx.PieceAt(ctx, j.rec.ID, moves[0].key)
		if err != nil {
			return err
		}
		hi := piece.Range().Hi()
		count := piece.Count
		for len(moves) > 0 && bytes.Compare(moves[0].key[:], hi[:]) <= 0 {
			count += moves[0].delta
			moves = moves[1:]
		}
		r, err := shrunk(ctx, tx, j.rec.ID, piece.Range(), count)
		if err != nil {
			return err
		}
		// A merged range may reach over the next moves; they are in what it reads.
		hi = r.Hi()
		for len(moves) > 0 && bytes.Compare(moves[0].key[:], hi[:]) <= 0 {
			moves = moves[1:]
		}
		if err := s.rerenderAndMerge(ctx, tx, j, r); err != nil {
			return err
		}
	}
	return nil
}

// rerenderAndMerge renders a range anew, and what is around it as long as the two
// are small enough to be one piece: that is known only when the targets are counted.
func (s *Service) rerenderAndMerge(ctx context.Context, tx Tx, j *editedJob, r render.Range) error {
	for {
		if err := s.rerenderRange(ctx, tx, j, r); err != nil {
			return err
		}
		piece, err := tx.PieceAt(ctx, j.rec.ID, r.Lo)
		if err != nil || piece.Range() != r {
			return err // it was split: nothing to merge
		}
		up, err := shrunk(ctx, tx, j.rec.ID, r, piece.Count)
		if err != nil || up == r {
			return err
		}
		r = up
	}
}

// shrunk gives the range that a piece of count targets is part of after what was
// around it has become small enough to be one piece with it.
func shrunk(ctx context.Context, tx Tx, job int64, r render.Range, count int64) (render.Range, error) {
	for {
		up, ok := r.Parent()
		if !ok || count > render.MaxPiece {
			return r, nil
		}
		pieces, err := tx.PiecesInRange(ctx, job, up.Lo, up.Hi())
		if err != nil {
			return r, err
		}
		sum := count
		for _, p := range pieces {
			if hi := r.Hi(); bytes.Compare(p.Lo[:], r.Lo[:]) < 0 || bytes.Compare(p.Lo[:], hi[:]) > 0 {
				sum += p.Count
			}
		}
		if sum > render.MaxPiece {
			return r, nil
		}
		r, count = up, sum
	}
}

// rerenderRange splits and renders the targets of a range anew.
func (s *Service) rerenderRange(ctx context.Context, tx Tx, j *editedJob, r render.Range) error {
	targets, before, err := j.standing(ctx, tx, r)
	if err != nil {
		return err
	}
	was := make(map[render.Range]Piece, len(before))
	for _, p := range before {
		was[p.Range()] = p
	}
	keys := make([]SplitKey, len(targets))
	for i := range targets {
		keys[i] = targets[i].Split
	}
	meta := render.MetaSeen(j.config)
	var now []Piece
	for _, leaf := range render.Split(r, keys) {
		p := Piece{Lo: leaf.Lo, Bits: leaf.Bits, Count: int64(leaf.To - leaf.From), PartState: was[leaf.Range].PartState}
		body, err := s.targetFile(targets[leaf.From:leaf.To], meta)
		if err != nil {
			return err
		}
		p.PartState = p.with(body, j.revision)
		if p.Count > 0 {
			s.bodies.Add(p.Hash, body)
		}
		now = append(now, p)
	}
	if slices.Equal(now, before) {
		return nil
	}
	j.pieces = now
	return tx.ReplacePieces(ctx, j.rec.ID, r.Lo, r.Hi(), now)
}

func (s *Service) targetFile(targets []TargetRecord, meta render.Meta) ([]byte, error) {
	list := make([]promfleet.Target, len(targets))
	for i := range targets {
		list[i] = targets[i].Target
	}
	return render.TargetFile(list, meta)
}
