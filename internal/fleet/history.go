package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/render"
)

// KeptRevisions is how many revisions of a node can be looked at again.
const KeptRevisions = 100

// raise gives a node a new revision, one a transaction, and says which.
func (s *Service) raise(ctx context.Context, tx Tx, c *change, by Principal, node string) (int64, error) {
	if n, ok := c.raised[node]; ok {
		return n, nil
	}
	n, err := tx.AddRevision(ctx, node, promfleet.Revision{At: s.now(), Actor: by.ID, ActorName: by.Name})
	if err != nil {
		return 0, err
	}
	c.raised[node] = n
	has, err := tx.HasHistory(ctx, node)
	if err != nil {
		return 0, err
	}
	if !has { // it is older than the keeping of history, or has never had a part
		if err := s.beginHistory(ctx, tx, node, n-1); err != nil {
			return 0, err
		}
	}
	return n, tx.PruneHistory(ctx, node, n-KeptRevisions+1)
}

// beginHistory writes down the parts that a node had at a revision, and has still.
func (s *Service) beginHistory(ctx context.Context, tx Tx, node string, revision int64) error {
	f, err := s.filesOf(ctx, tx, node)
	if err != nil {
		return err
	}
	if f.base != nil && f.baseSince <= revision {
		if err := tx.SetHistory(ctx, PartHistory{Node: node, Name: render.BasePart, From: revision, Sealed: f.base}); err != nil {
			return err
		}
	}
	for _, j := range f.jobs {
		if j.rec.Index.Revision > revision {
			continue
		}
		body, err := render.IndexBody(j.parts)
		if err != nil {
			return err
		}
		err = tx.SetHistory(ctx, PartHistory{Node: node, Name: render.IndexName(j.key), From: revision,
			JobName: j.name, Sealed: j.sealed, Index: body})
		if err != nil {
			return err
		}
	}
	return nil
}

// nodeFiles is what the files of a node are made of, at one revision.
type nodeFiles struct {
	node     string
	revision int64
	base     []byte // sealed; nil if there is none
	// baseSince is the revision that the base is of; known only of the files of now.
	baseSince int64
	jobs      []jobFiles // sorted by key
}

type jobFiles struct {
	rec       *JobRecord // nil for a revision of the past
	key, name string
	sealed    []byte
	parts     []promfleet.Part // its config, then the pieces
}

func (j jobFiles) pieces() []promfleet.Part { return j.parts[min(1, len(j.parts)):] }

func (j jobFiles) targets() (n int64) {
	for _, p := range j.parts {
		n += p.Count
	}
	return n
}

// filesOf gives what the files of a node are made of now.
func (s *Service) filesOf(ctx context.Context, tx Tx, uuid string) (nodeFiles, error) {
	rec, err := tx.Node(ctx, uuid)
	if err != nil {
		return nodeFiles{}, err
	}
	f := nodeFiles{node: uuid, revision: rec.Revision, base: rec.SealedBase, baseSince: rec.Base.Revision}
	jobs, err := tx.JobsOfNode(ctx, uuid)
	if err != nil {
		return f, err
	}
	for i := range jobs {
		j := &jobs[i]
		pieces, err := tx.PiecesInRange(ctx, j.ID, everything.Lo, everything.Hi())
		if err != nil {
			return f, err
		}
		f.jobs = append(f.jobs, jobFiles{rec: j, key: j.Key, name: j.JobName, sealed: j.SealedScrapeConfig, parts: indexParts(j.Key, j.Config, pieces)})
	}
	return f, nil
}

// filesAt gives what the files of a node were made of at a recorded revision.
func (s *Service) filesAt(ctx context.Context, tx Tx, uuid string, revision int64) (nodeFiles, error) {
	f := nodeFiles{node: uuid, revision: revision}
	parts, err := tx.HistoryAt(ctx, uuid, revision)
	if err != nil {
		return f, err
	}
	for _, p := range parts {
		if p.Name == render.BasePart {
			f.base = p.Sealed
			continue
		}
		name, ok := render.ParseName(p.Name)
		if !ok {
			return f, fmt.Errorf("history of node %s: part %q", uuid, p.Name)
		}
		j := jobFiles{key: name.Key, name: p.JobName, sealed: p.Sealed}
		if err := json.Unmarshal(p.Index, &j.parts); err != nil {
			return f, fmt.Errorf("history of node %s: index of job %s: %w", uuid, name.Key, err)
		}
		f.jobs = append(f.jobs, j)
	}
	slices.SortFunc(f.jobs, func(a, b jobFiles) int { return strings.Compare(a.key, b.key) })
	return f, nil
}

// targetsDir is how paths are shown: that of an agent with the default one.
const targetsDir = "targets.d"

// prometheusYML renders the prometheus.yml, its secrets masked or not.
func (s *Service) prometheusYML(f nodeFiles, masked bool) (string, error) {
	base, err := s.open(f.base, baseContext(f.node))
	if err != nil {
		return "", err
	}
	text := base.Text
	if masked {
		if text, err = maskYAML(base); err != nil {
			return "", err
		}
	}
	jobs := make([]render.Job, len(f.jobs))
	for i, j := range f.jobs {
		v, err := s.open(j.sealed, jobContext(f.node))
		if err != nil {
			return "", fmt.Errorf("job %s: %w", j.key, err)
		}
		config := json.RawMessage(v.Text)
		if masked {
			if config, err = maskJSON(v); err != nil {
				return "", err
			}
		}
		jobs[i] = render.Job{JobConfig: promfleet.JobConfig{Key: j.key, JobName: j.name, ScrapeConfig: config}, Targets: j.targets()}
	}
	yml, err := render.PrometheusYML([]byte(text), jobs, targetsDir)
	return string(yml), err
}

// rendered shows the files, secrets masked.
func (s *Service) rendered(f nodeFiles) (promfleet.RenderedConfig, error) {
	out := promfleet.RenderedConfig{Revision: f.revision, Files: []promfleet.RenderedFile{}}
	var err error
	if out.PrometheusYML, err = s.prometheusYML(f, true); err != nil {
		return out, err
	}
	for _, j := range f.jobs {
		for _, p := range j.pieces() {
			out.Files = append(out.Files, promfleet.RenderedFile{Path: filePath(p), Hash: p.Hash, Size: p.Size, Targets: p.Count})
		}
	}
	slices.SortFunc(out.Files, func(a, b promfleet.RenderedFile) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// filePath gives the path of a piece's file below the targets directory.
func filePath(p promfleet.Part) string {
	name, _ := render.ParseName(p.Name)
	return name.Key + "/" + name.Piece + ".json"
}

// NodeConfig gives the files that a node should have now, or should have had at a
// revision that is still kept, secrets masked. Revision 0 is the one of now.
func (s *Service) NodeConfig(ctx context.Context, uuid string, revision int64) (out promfleet.RenderedConfig, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		var f nodeFiles
		if revision == 0 || revision == rec.Revision {
			f, err = s.filesOf(ctx, tx, uuid)
		} else {
			if _, err := tx.Revision(ctx, uuid, revision); errors.Is(err, ErrNotFound) {
				return promfleet.Errorf(promfleet.NotFound, "node %s has no revision %d, or it is kept no longer; the newest is %d, and the last %d are kept", uuid, revision, rec.Revision, KeptRevisions)
			} else if err != nil {
				return err
			}
			f, err = s.filesAt(ctx, tx, uuid, revision)
		}
		if err != nil {
			return err
		}
		out, err = s.rendered(f)
		return err
	})
	return out, err
}

// Revisions lists the revisions of a node that are kept.
func (s *Service) Revisions(ctx context.Context, uuid string, q ListQuery) (page promfleet.Page[promfleet.Revision], err error) {
	err = s.view(ctx, func(tx Tx) error {
		if _, err := liveNode(ctx, tx, uuid); err != nil {
			return err
		}
		page, err = tx.ListRevisions(ctx, uuid, q)
		return err
	})
	return page, err
}
