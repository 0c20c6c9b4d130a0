package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"promfleet"
	"promfleet/internal/render"
)

// maxInline bounds what a watch brings along, in bytes.
const maxInline = 256 << 10

// Watch gives what the node should have as soon as its revision is another than
// the one given, and nil if that has not happened after wait.
func (s *Service) Watch(ctx context.Context, node string, revision int64, wait time.Duration) (*promfleet.WatchReply, error) {
	if err := s.seen(ctx, node); err != nil {
		return nil, err
	}
	woken, cancel := s.hub.Subscribe(node, revision)
	defer cancel()
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for last := false; ; {
		reply, err := s.manifest(ctx, node, revision)
		if err != nil || reply != nil || last {
			return reply, err
		}
		select {
		case <-woken:
		case <-timeout.C:
			last = true // an announcement may have been lost: look once more
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// seenEvery is how often a watch alone says that an agent is there, for those that
// report seldom.
const seenEvery = StaleAfter / 3

func (s *Service) seen(ctx context.Context, node string) error {
	var last *time.Time
	err := s.view(ctx, func(tx Tx) error {
		rec, err := liveNode(ctx, tx, node)
		if err == nil {
			last = rec.Report.LastSeenAt
		}
		return err
	})
	now := s.now()
	if err != nil || last != nil && now.Sub(*last) < seenEvery {
		return err
	}
	return s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := liveNode(ctx, tx, node)
		if err != nil {
			return err
		}
		rec.Report.LastSeenAt = &now
		return tx.UpdateReport(ctx, node, rec.Report)
	})
}

func (s *Service) manifest(ctx context.Context, uuid string, revision int64) (reply *promfleet.WatchReply, err error) {
	err = s.view(ctx, func(tx Tx) error {
		reply = nil
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil || rec.Revision == revision {
			return err
		}
		reply = &promfleet.WatchReply{Bodies: []promfleet.PartBody{}, Manifest: promfleet.Manifest{
			Protocol: promfleet.ProtocolVersion, Node: uuid, Revision: rec.Revision, Confirmed: rec.Confirmed, Parts: []promfleet.Part{}}}
		room := maxInline
		add := func(p PartState, body func() ([]byte, error)) error {
			if revision == 0 || p.Revision <= revision || int64(room) < p.Size {
				return nil
			}
			b, err := body()
			if err != nil {
				return err
			}
			room -= len(b)
			reply.Bodies = append(reply.Bodies, promfleet.PartBody{Hash: p.Hash, Body: string(b)})
			return nil
		}
		if rec.Base.Hash != "" {
			reply.Manifest.Parts = append(reply.Manifest.Parts, rec.Base.part(render.BasePart))
			if err := add(rec.Base, func() ([]byte, error) { return s.baseBody(rec) }); err != nil {
				return err
			}
		}
		jobs, err := tx.JobsOfNode(ctx, uuid)
		if err != nil {
			return err
		}
		for i := range jobs {
			j := &jobs[i]
			part := j.Index.part(render.IndexName(j.Key))
			part.Index, part.Count = true, j.Targets
			reply.Manifest.Parts = append(reply.Manifest.Parts, part)
			if revision == 0 || j.Index.Revision <= revision {
				continue
			}
			pieces, err := tx.PiecesInRange(ctx, j.ID, everything.Lo, everything.Hi())
			if err != nil {
				return err
			}
			if err := add(j.Index, func() ([]byte, error) { return indexBody(j.Key, j.Config, pieces) }); err != nil {
				return err
			}
			if err := add(j.Config, func() ([]byte, error) { return s.configBody(j) }); err != nil {
				return err
			}
			for _, p := range pieces {
				if p.Count == 0 {
					continue
				}
				if err := add(p.PartState, func() ([]byte, error) { return s.pieceBody(ctx, tx, j, p) }); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return reply, err
}

func (s *Service) baseBody(rec *NodeRecord) ([]byte, error) {
	v, err := s.open(rec.SealedBase, baseContext(rec.UUID))
	return []byte(v.Text), err
}

func (s *Service) configBody(j *JobRecord) ([]byte, error) {
	plain, err := s.plainJob(*j)
	if err != nil {
		return nil, err
	}
	return render.ConfigBody(promfleet.JobConfig{Key: plain.Key, JobName: plain.JobName, ScrapeConfig: plain.ScrapeConfig})
}

func (s *Service) pieceBody(ctx context.Context, tx Tx, j *JobRecord, p Piece) ([]byte, error) {
	if body, ok := s.bodies.Get(p.Hash); ok {
		return body, nil
	}
	targets, err := tx.TargetsInRange(ctx, j.ID, p.Lo, p.Range().Hi())
	if err != nil {
		return nil, err
	}
	plain, err := s.plainJob(*j)
	if err != nil {
		return nil, err
	}
	body, err := s.targetFile(targets, render.MetaSeen(plain.ScrapeConfig))
	if err != nil {
		return nil, err
	}
	s.bodies.Add(p.Hash, body)
	return body, nil
}

// maxFetch bounds the bodies of one answer, in bytes.
const maxFetch = 16 << 20

// Fetch gives the bodies of parts of a node, in the order asked. Where they would
// be more than an answer may hold, the last ones are missing.
func (s *Service) Fetch(ctx context.Context, node string, refs []promfleet.PartRef) (bodies []promfleet.PartBody, err error) {
	err = s.view(ctx, func(tx Tx) error {
		bodies = []promfleet.PartBody{}
		rec, err := liveNode(ctx, tx, node)
		if err != nil {
			return err
		}
		jobs := map[string]*JobRecord{}
		size := 0
		for i, ref := range refs {
			name, ok := render.ParseName(ref.Name)
			if !ok {
				return promfleet.BadField(fmt.Sprintf("body.parts[%d].name", i), "no part has such a name")
			}
			j := jobs[name.Key]
			if name.Key != "" && j == nil {
				if j, err = tx.JobByKey(ctx, node, name.Key); err != nil {
					return gone(err, ref)
				}
				jobs[name.Key] = j
			}
			body, err := s.body(ctx, tx, rec, j, name)
			if err != nil {
				return gone(err, ref)
			}
			if promfleet.HashOf(body) != ref.Hash {
				return gone(ErrNotFound, ref)
			}
			if size += len(body); size > maxFetch && i > 0 {
				return nil
			}
			bodies = append(bodies, promfleet.PartBody{Hash: ref.Hash, Body: string(body)})
		}
		return nil
	})
	return bodies, err
}

func gone(err error, ref promfleet.PartRef) error {
	if errors.Is(err, ErrNotFound) {
		return promfleet.Errorf(promfleet.Gone, "part %s has changed since; ask for the manifest again", ref.Name)
	}
	return err
}

func (s *Service) body(ctx context.Context, tx Tx, rec *NodeRecord, j *JobRecord, name render.Name) ([]byte, error) {
	switch {
	case name.Base:
		return s.baseBody(rec)
	case name.Config:
		return s.configBody(j)
	case name.Index():
		pieces, err := tx.PiecesInRange(ctx, j.ID, everything.Lo, everything.Hi())
		if err != nil {
			return nil, err
		}
		return indexBody(j.Key, j.Config, pieces)
	default:
		r, ok := render.ParseRange(name.Piece)
		if !ok {
			return nil, ErrNotFound
		}
		p, err := tx.PieceAt(ctx, j.ID, r.Lo)
		if err != nil {
			return nil, err
		}
		if p.Range() != r {
			return nil, ErrNotFound
		}
		return s.pieceBody(ctx, tx, j, *p)
	}
}
