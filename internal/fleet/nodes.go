package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"promfleet"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

func baseContext(node string) string { return "base_config of " + node }
func nodeObject(uuid string) string  { return "node/" + uuid }

// showNode gives a node as the API shows it, its secrets masked.
func (s *Service) showNode(rec NodeRecord) (promfleet.Node, error) {
	v, err := s.open(rec.SealedBase, baseContext(rec.UUID))
	if err != nil {
		return promfleet.Node{}, fmt.Errorf("node %s: %w", rec.UUID, err)
	}
	n := rec.Node
	if n.BaseConfig, err = maskYAML(v); err != nil {
		return promfleet.Node{}, fmt.Errorf("node %s: %w", rec.UUID, err)
	}
	if n.Tags == nil {
		n.Tags = []string{}
	}
	n.Status = promfleet.NodeStatus{
		RevisionWanted: rec.Revision, RevisionApplied: rec.Report.Loaded, State: rec.State(s.now()),
		LastSeenAt: rec.Report.LastSeenAt, LastError: rec.Report.Error,
		AgentVersion: rec.Report.AgentVersion, PrometheusVersion: rec.Report.PrometheusVersion,
		TargetsUp: rec.Report.TargetsUp, TargetsDown: rec.Report.TargetsDown,
	}
	return n, nil
}

// nodeEvent is what an event shows of a node: what its user and its agent said,
// without how it is.
type nodeEvent struct {
	UUID       string   `json:"uuid"`
	Hostname   string   `json:"hostname"`
	Addr       string   `json:"addr"`
	Tags       []string `json:"tags"`
	BaseConfig string   `json:"base_config"`
}

func (s *Service) nodeEvent(rec NodeRecord) (nodeEvent, error) {
	n, err := s.showNode(rec)
	return nodeEvent{n.UUID, n.Hostname, n.Addr, n.Tags, n.BaseConfig}, err
}

// Nodes lists nodes.
func (s *Service) Nodes(ctx context.Context, q NodeQuery) (page promfleet.Page[promfleet.Node], err error) {
	q.Now = s.now()
	err = s.view(ctx, func(tx Tx) error {
		p, err := tx.ListNodes(ctx, q)
		if err != nil {
			return err
		}
		page, err = convert(p, s.showNode)
		return err
	})
	return page, err
}

// NodeStates counts the live nodes by state.
func (s *Service) NodeStates(ctx context.Context) (states map[promfleet.NodeState]int64, err error) {
	err = s.view(ctx, func(tx Tx) error {
		states, err = tx.CountNodesByState(ctx, s.now())
		return err
	})
	return states, err
}

// Node gives one node.
func (s *Service) Node(ctx context.Context, uuid string) (node promfleet.Node, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		node, err = s.showNode(*rec)
		return err
	})
	return node, err
}

// PatchNode changes tags and base_config by a JSON merge patch (RFC 7396).
func (s *Service) PatchNode(ctx context.Context, by Principal, uuid string, match Match, patch json.RawMessage) (promfleet.Node, error) {
	var out promfleet.Node
	err := s.update(ctx, func(tx Tx, c *change) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		if err := match.check(rec.Version); err != nil {
			return err
		}
		before, err := s.nodeEvent(*rec)
		if err != nil {
			return err
		}
		in, err := mergePatch(promfleet.NodeInput{Tags: before.Tags, BaseConfig: before.BaseConfig}, patch)
		if err != nil {
			return err
		}
		old, err := s.open(rec.SealedBase, baseContext(uuid))
		if err != nil {
			return err
		}
		var f fields
		in.Tags = f.tags("body.tags", in.Tags)
		if err := f.err(); err != nil {
			return err
		}
		if in.BaseConfig == before.BaseConfig {
			in.BaseConfig = old.Text // nothing of it changes, its layout neither
		}
		base, err := s.checkBase(ctx, tx, uuid, in.BaseConfig, old)
		if err != nil {
			return err
		}
		if base.Text == old.Text && slices.Equal(in.Tags, before.Tags) {
			out, err = s.showNode(*rec)
			return err
		}
		rec.Tags, rec.UpdatedAt = in.Tags, s.now()
		rec.SealedBase = nil
		if base.Text != "" {
			if rec.SealedBase, err = s.seal(base, baseContext(uuid)); err != nil {
				return err
			}
		}
		was := rec.Base
		if rec.Base = (PartState{}); base.Text != "" {
			rec.Base = was.with([]byte(base.Text), rec.Revision+1)
		}
		if err := tx.UpdateNode(ctx, rec); err != nil {
			return err
		}
		if rec.Base != was {
			if err := s.raise(ctx, tx, c, uuid); err != nil {
				return err
			}
		}
		after, err := s.nodeEvent(*rec)
		if err != nil {
			return err
		}
		if err := s.event(ctx, tx, by, "update", nodeObject(uuid), uuid, before, after); err != nil {
			return err
		}
		if rec, err = tx.Node(ctx, uuid); err != nil {
			return err
		}
		out, err = s.showNode(*rec)
		return err
	})
	return out, err
}

// checkBase asks Prometheus about a base config together with the node's jobs,
// which inherit from its global section.
func (s *Service) checkBase(ctx context.Context, tx Tx, uuid, text string, old sealed) (sealed, error) {
	const at = "body.base_config"
	if text == old.Text {
		return old, nil
	}
	if len(text) > MaxBaseConfig {
		return sealed{}, promfleet.BadField(at, "%d bytes are too many; at most %d", len(text), MaxBaseConfig)
	}
	if !utf8.ValidString(text) {
		return sealed{}, promfleet.BadField(at, "not valid UTF-8")
	}
	if strings.TrimSpace(text) == "" {
		text = ""
	}
	text, err := unmaskYAML(text, old)
	if err != nil {
		return sealed{}, err
	}
	jobs, err := s.renderJobs(ctx, tx, uuid, s.plainJob)
	if err != nil {
		return sealed{}, err
	}
	yml, err := render.PrometheusYML([]byte(text), jobs, "targets.d")
	if err != nil {
		return sealed{}, promfleet.BadField(at, "%s", strings.TrimPrefix(err.Error(), "base config: "))
	}
	cfg, err := check.Load(yml)
	if err != nil {
		return sealed{}, configError(err, func(field string) string {
			if field == "" || strings.HasPrefix(field, "scrape_configs") {
				return at
			}
			return at + "." + field
		})
	}
	v := sealed{Text: text}
	for _, p := range cfg.Secrets() {
		if !strings.HasPrefix(p, "scrape_configs[") {
			v.Secrets = append(v.Secrets, p)
		}
	}
	d, err := parseDocument(text)
	if err != nil {
		return sealed{}, promfleet.BadField(at, "%v", err)
	}
	return v, stillMasked(func(p string) string {
		if n := d.at(p); n != nil {
			return n.Value
		}
		return ""
	}, v.Secrets, at)
}

// plainJob gives a job's scrape_config with its secrets; showJob, without.
func (s *Service) plainJob(rec JobRecord) (promfleet.Job, error) {
	v, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	j := rec.Job
	j.ScrapeConfig = json.RawMessage(v.Text)
	return j, err
}

func (s *Service) renderJobs(ctx context.Context, tx Tx, uuid string, of func(JobRecord) (promfleet.Job, error)) ([]render.Job, error) {
	recs, err := tx.JobsOfNode(ctx, uuid)
	if err != nil {
		return nil, err
	}
	jobs := make([]render.Job, 0, len(recs))
	for _, rec := range recs {
		j, err := of(rec)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, render.Job{
			JobConfig: promfleet.JobConfig{Key: j.Key, JobName: j.JobName, ScrapeConfig: j.ScrapeConfig},
			Targets:   rec.Targets,
		})
	}
	return jobs, nil
}

// NodeConfig gives the files that a node should have now, secrets masked. Paths
// are those of an agent with the default targets directory.
func (s *Service) NodeConfig(ctx context.Context, uuid string) (out promfleet.RenderedConfig, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		n, err := s.showNode(*rec)
		if err != nil {
			return err
		}
		jobs, err := s.renderJobs(ctx, tx, uuid, s.showJob)
		if err != nil {
			return err
		}
		yml, err := render.PrometheusYML([]byte(n.BaseConfig), jobs, "targets.d")
		if err != nil {
			return err
		}
		out = promfleet.RenderedConfig{Revision: rec.Revision, PrometheusYML: string(yml), Files: []promfleet.RenderedFile{}}
		recs, err := tx.JobsOfNode(ctx, uuid)
		if err != nil {
			return err
		}
		for _, j := range recs {
			pieces, err := tx.PiecesInRange(ctx, j.ID, everything.Lo, everything.Hi())
			if err != nil {
				return err
			}
			for _, p := range pieces {
				if p.Count > 0 {
					out.Files = append(out.Files, promfleet.RenderedFile{Path: j.Key + "/" + p.Range().Name() + ".json",
						Hash: p.Hash, Size: p.Size, Targets: p.Count})
				}
			}
		}
		slices.SortFunc(out.Files, func(a, b promfleet.RenderedFile) int { return strings.Compare(a.Path, b.Path) })
		return nil
	})
	return out, err
}

// DeleteNode deletes a node and revokes its agent's credential. What the agent
// has written stays: scraping goes on.
func (s *Service) DeleteNode(ctx context.Context, by Principal, uuid string, match Match) error {
	return s.update(ctx, func(tx Tx, c *change) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		if err := match.check(rec.Version); err != nil {
			return err
		}
		before, err := s.nodeEvent(*rec)
		if err != nil {
			return err
		}
		now := s.now()
		rec.DeletedAt, rec.UpdatedAt, rec.CredentialHash = &now, now, nil
		if err := tx.UpdateNode(ctx, rec); err != nil {
			return err
		}
		c.nodes = append(c.nodes, uuid) // so that a held request ends
		return s.event(ctx, tx, by, "delete", nodeObject(uuid), uuid, before, nil)
	})
}

// RestoreNode undoes the deletion of a node. Its agent must join again.
func (s *Service) RestoreNode(ctx context.Context, by Principal, uuid string) (promfleet.Node, error) {
	var out promfleet.Node
	err := s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := tx.Node(ctx, uuid)
		if _, err = found(rec, err, "node", uuid); err != nil {
			return err
		}
		if rec.DeletedAt == nil {
			return promfleet.Errorf(promfleet.Conflict, "node %s is not deleted", uuid)
		}
		rec.DeletedAt, rec.UpdatedAt = nil, s.now()
		if err := tx.UpdateNode(ctx, rec); err != nil {
			return err
		}
		after, err := s.nodeEvent(*rec)
		if err != nil {
			return err
		}
		if err := s.event(ctx, tx, by, "restore", nodeObject(uuid), uuid, nil, after); err != nil {
			return err
		}
		out, err = s.showNode(*rec)
		return err
	})
	return out, err
}
