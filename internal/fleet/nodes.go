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
	if n.Contacts == nil {
		n.Contacts = []int64{}
	}
	n.Status = promfleet.NodeStatus{
		RevisionWanted: rec.Revision, RevisionApplied: rec.Report.Loaded, State: rec.State(s.now()),
		RevisionReceived: rec.Report.Received, RevisionWritten: rec.Report.Written, Steps: rec.Report.Steps,
		LastSeenAt: rec.Report.LastSeenAt, LastError: rec.Report.Error, Notices: rec.Report.Notices,
		AgentVersion: rec.Report.AgentVersion, PrometheusVersion: rec.Report.PrometheusVersion,
		TargetsUp: rec.Report.TargetsUp, TargetsDown: rec.Report.TargetsDown, Policy: rec.Report.Policy,
	}
	if n.Status.Notices == nil {
		n.Status.Notices = []string{}
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
	Contacts   []int64  `json:"contacts"`
	ManagedBy  string   `json:"managed_by"`
}

func (s *Service) nodeEvent(rec NodeRecord) (nodeEvent, error) {
	n, err := s.showNode(rec)
	return nodeEvent{n.UUID, n.Hostname, n.Addr, n.Tags, n.BaseConfig, n.Contacts, n.ManagedBy}, err
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

// maxMap is how many nodes a map may have.
const maxMap = 50_000

// NodesMap gives the nodes that a query selects as a map shows them.
func (s *Service) NodesMap(ctx context.Context, q NodeQuery) (m promfleet.NodesMap, err error) {
	q.Now, q.Limit = s.now(), maxMap
	err = s.view(ctx, func(tx Tx) error {
		m, err = tx.MapNodes(ctx, q)
		return err
	})
	return m, err
}

// NodeStates counts the live nodes by state.
func (s *Service) NodeStates(ctx context.Context) (states map[promfleet.NodeState]int64, err error) {
	err = s.view(ctx, func(tx Tx) error {
		states, err = tx.CountNodesByState(ctx, s.now())
		return err
	})
	return states, err
}

// Summary counts the live nodes.
func (s *Service) Summary(ctx context.Context) (sum promfleet.NodesSummary, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		if sum.States, err = tx.CountNodesByState(ctx, s.now()); err != nil {
			return err
		}
		sum.TargetsUp, sum.TargetsDown, err = tx.SumTargets(ctx)
		return err
	})
	for _, n := range sum.States {
		sum.Total += n
	}
	return sum, err
}

// Changes tells of nodes that there is something new of: a change of what they are
// shown as, or of how their agents say they are. It is that of the Announcer; cancel
// ends it and must be called.
func (s *Service) Changes() (woken <-chan struct{}, take func() (nodes []string, more bool), cancel func()) {
	return s.hub.Changes()
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

// PatchNode changes tags, base_config and contacts by a JSON merge patch (RFC 7396).
func (s *Service) PatchNode(ctx context.Context, by Principal, uuid string, match Match, patch json.RawMessage) (promfleet.Node, error) {
	var out promfleet.Node
	err := s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.changeNode(ctx, tx, c, by, uuid, match, func(was promfleet.NodeInput) (promfleet.NodeInput, error) {
			return mergePatch(was, patch)
		})
		return err
	})
	return out, err
}

func (s *Service) changeNode(ctx context.Context, tx Tx, c *change, by Principal, uuid string, match Match, input func(was promfleet.NodeInput) (promfleet.NodeInput, error)) (out promfleet.Node, err error) {
	rec, err := liveNode(ctx, tx, uuid)
	if err != nil {
		return out, err
	}
	if err := match.check(rec.Version); err != nil {
		return out, err
	}
	before, err := s.nodeEvent(*rec)
	if err != nil {
		return out, err
	}
	in, err := input(promfleet.NodeInput{Tags: before.Tags, BaseConfig: before.BaseConfig, Contacts: before.Contacts, ManagedBy: &before.ManagedBy})
	if err != nil {
		return out, err
	}
	manager, err := released("body.managed_by", rec.ManagedBy, in.ManagedBy)
	if err != nil {
		return out, err
	}
	old, err := s.open(rec.SealedBase, baseContext(uuid))
	if err != nil {
		return out, err
	}
	var f fields
	in.Tags = f.tags("body.tags", in.Tags)
	in.Contacts = f.contacts("body.contacts", in.Contacts)
	if err := f.err(); err != nil {
		return out, err
	}
	// Whom to reach is not a matter of files.
	if manager != "" && (in.BaseConfig != before.BaseConfig || !slices.Equal(in.Tags, before.Tags)) {
		return out, rec.editable()
	}
	if err := liveContacts(ctx, tx, in.Contacts); err != nil {
		return out, err
	}
	if in.BaseConfig == before.BaseConfig {
		in.BaseConfig = old.Text // nothing of it changes, its layout neither
	}
	base, err := s.checkBase(ctx, tx, uuid, in.BaseConfig, old)
	if err != nil {
		return out, err
	}
	if base.Text == old.Text && slices.Equal(in.Tags, before.Tags) && slices.Equal(in.Contacts, before.Contacts) && manager == before.ManagedBy {
		return s.showNode(*rec)
	}
	rec.Tags, rec.Contacts, rec.ManagedBy = in.Tags, in.Contacts, manager
	if err := s.writeNode(ctx, tx, c, by, rec, before, base); err != nil {
		return out, err
	}
	if rec, err = tx.Node(ctx, uuid); err != nil {
		return out, err
	}
	return s.showNode(*rec)
}

// writeNode writes a node that has changed, with its base config, and records that.
func (s *Service) writeNode(ctx context.Context, tx Tx, c *change, by Principal, rec *NodeRecord, before nodeEvent, base sealed) (err error) {
	sealedBefore, was := rec.SealedBase, rec.Base
	rec.UpdatedAt = s.now()
	rec.SealedBase, rec.Base = nil, PartState{}
	if base.Text != "" {
		if rec.SealedBase, err = s.seal(base, baseContext(rec.UUID)); err != nil {
			return err
		}
		rec.Base = was.with([]byte(base.Text), rec.Revision+1)
	}
	if err := tx.UpdateNode(ctx, rec); err != nil {
		return err
	}
	if rec.Base != was {
		if err := s.baseChanged(ctx, tx, c, by, rec); err != nil {
			return err
		}
	}
	after, err := s.nodeEvent(*rec)
	if err != nil {
		return err
	}
	e := EventRecord{Event: promfleet.Event{Action: "update", Object: nodeObject(rec.UUID), Node: rec.UUID}, SealedBefore: sealedBefore}
	return s.insertEvent(ctx, tx, by, e, before, after)
}

// baseChanged gives the node its new revision and writes its history down.
func (s *Service) baseChanged(ctx context.Context, tx Tx, c *change, by Principal, rec *NodeRecord) error {
	revision, err := s.raise(ctx, tx, c, by, rec.UUID)
	if err != nil {
		return err
	}
	if rec.SealedBase == nil {
		return tx.EndHistory(ctx, rec.UUID, render.BasePart, revision)
	}
	return tx.SetHistory(ctx, PartHistory{Node: rec.UUID, Name: render.BasePart, From: revision, Sealed: rec.SealedBase})
}

// ConfirmRemoval lets the agent of a node take away the targets that it holds back:
// those of the revision that it reported, and no more of later ones. With a revision
// other than 0 it must be that one, so that what is confirmed is what was read. The
// node gets a new revision, since that is what its agent waits for.
func (s *Service) ConfirmRemoval(ctx context.Context, by Principal, uuid string, revision int64) (out promfleet.Node, err error) {
	err = s.update(ctx, func(tx Tx, c *change) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		waits := rec.Report.Received
		switch {
		// A database that was restored may not know yet what its agents report.
		case rec.Report.State != promfleet.StateHeld || rec.Confirmed == waits || waits > rec.Revision:
			return promfleet.Errorf(promfleet.Conflict, "no removal of node %s waits for a confirmation", uuid)
		case revision != 0 && revision != waits:
			return promfleet.Errorf(promfleet.Conflict, "it is not revision %d of node %s that waits for a confirmation, but revision %d: look again at what it takes away", revision, uuid, waits)
		}
		rec.Confirmed, rec.UpdatedAt = waits, s.now()
		if err := tx.UpdateNode(ctx, rec); err != nil {
			return err
		}
		if _, err := s.raise(ctx, tx, c, by, uuid); err != nil {
			return err
		}
		if err := s.event(ctx, tx, by, "confirm", nodeObject(uuid), uuid, nil, map[string]any{"revision": rec.Confirmed, "held": rec.Report.Error}); err != nil {
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
	text, err := plainBase(text, old)
	if err != nil || text == old.Text {
		return old, err
	}
	jobs, err := s.renderJobs(ctx, tx, uuid)
	if err != nil {
		return sealed{}, err
	}
	return judgeBase(text, jobs)
}

const atBase = "body.base_config"

// plainBase gives a base config with the secrets of old where it says Masked.
func plainBase(text string, old sealed) (string, error) {
	if text == old.Text {
		return text, nil
	}
	if len(text) > MaxBaseConfig {
		return "", promfleet.BadField(atBase, "%d bytes are too many; at most %d", len(text), MaxBaseConfig)
	}
	if !utf8.ValidString(text) {
		return "", promfleet.BadField(atBase, "not valid UTF-8")
	}
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	return unmaskYAML(text, old)
}

// judgeBase gives Prometheus's verdict on a base config with jobs, and where its
// secrets are.
func judgeBase(text string, jobs []render.Job) (sealed, error) {
	const at = atBase
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

// renderJobs gives a node's jobs, secrets and all.
func (s *Service) renderJobs(ctx context.Context, tx Tx, uuid string) ([]render.Job, error) {
	recs, err := tx.JobsOfNode(ctx, uuid)
	if err != nil {
		return nil, err
	}
	jobs := make([]render.Job, 0, len(recs))
	for _, rec := range recs {
		j, err := s.plainJob(rec)
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

// DeleteNode deletes a node and revokes its agent's credential. What the agent
// has written stays: scraping goes on.
func (s *Service) DeleteNode(ctx context.Context, by Principal, uuid string, match Match) error {
	return s.update(ctx, func(tx Tx, c *change) error { return s.deleteNode(ctx, tx, c, by, uuid, match) })
}

func (s *Service) deleteNode(ctx context.Context, tx Tx, c *change, by Principal, uuid string, match Match) error {
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
	c.gone = append(c.gone, uuid) // so that a held request ends
	return s.event(ctx, tx, by, "delete", nodeObject(uuid), uuid, before, nil)
}

// RestoreNode undoes the deletion of a node. Its agent must join again.
func (s *Service) RestoreNode(ctx context.Context, by Principal, uuid string) (promfleet.Node, error) {
	var out promfleet.Node
	err := s.update(ctx, func(tx Tx, _ *change) (err error) {
		out, err = s.restoreNode(ctx, tx, by, uuid)
		return err
	})
	return out, err
}

func (s *Service) restoreNode(ctx context.Context, tx Tx, by Principal, uuid string) (out promfleet.Node, err error) {
	rec, err := tx.Node(ctx, uuid)
	if _, err = found(rec, err, "node", uuid); err != nil {
		return out, err
	}
	if rec.DeletedAt == nil {
		return out, promfleet.Errorf(promfleet.Conflict, "node %s is not deleted", uuid)
	}
	rec.DeletedAt, rec.UpdatedAt = nil, s.now()
	if err := tx.UpdateNode(ctx, rec); err != nil {
		return out, err
	}
	after, err := s.nodeEvent(*rec)
	if err != nil {
		return out, err
	}
	if err := s.event(ctx, tx, by, "restore", nodeObject(uuid), uuid, nil, after); err != nil {
		return out, err
	}
	return s.showNode(*rec)
}
