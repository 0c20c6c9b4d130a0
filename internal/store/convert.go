package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

// stored is a time as the database keeps it: UTC, to the microsecond.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func storedPtr(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := stored(*t)
	return &u
}

// loadedPtr gives a time read from the database in UTC, whatever zone the driver chose.
func loadedPtr(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func tagNames(tags []*tag) []string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Name
	}
	slices.Sort(names)
	return names
}

func contactIDs(contacts []*contact) []int64 {
	ids := make([]int64, len(contacts))
	for i, c := range contacts {
		ids[i] = c.ID
	}
	slices.Sort(ids)
	return ids
}

func nodeModel(n *fleet.NodeRecord) *node {
	m := &node{
		UUID: n.UUID, Hostname: n.Hostname, Addr: n.Addr,
		Search:         searchText(n.UUID, n.Hostname, n.Addr),
		CredentialHash: n.CredentialHash, Confirmed: n.Confirmed, ManagedBy: n.ManagedBy, SealedBase: n.SealedBase,
		BaseHash: string(n.Base.Hash), BaseSize: n.Base.Size, BaseRevision: n.Base.Revision,
		Revision: n.Revision, Version: n.Version,
		CreatedAt: stored(n.CreatedAt), UpdatedAt: stored(n.UpdatedAt), DeletedAt: storedPtr(n.DeletedAt),
	}
	m.setReport(n.Report)
	return m
}

func (m *node) setReport(r fleet.NodeReport) {
	m.Received, m.Written, m.Loaded = r.Received, r.Written, r.Loaded
	m.ReportState, m.ReportError, m.ReportNotices = string(r.State), r.Error, noticesText(r.Notices)
	m.AgentVersion, m.PrometheusVersion = r.AgentVersion, r.PrometheusVersion
	m.TargetsUp, m.TargetsDown = r.TargetsUp, r.TargetsDown
	m.LastSeenAt = storedPtr(r.LastSeenAt)
	m.ReportSteps, m.ReportPolicy = stepsText(r.Steps), policyText(r.Policy)
}

func stepsText(s promfleet.Steps) string {
	if s == (promfleet.Steps{}) {
		return ""
	}
	for _, at := range []**time.Time{&s.ReceivedAt, &s.WrittenAt, &s.ReloadedAt, &s.LoadedAt} {
		*at = storedPtr(*at)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "" // a time beyond the year 9999, which no clock says
	}
	return string(text)
}

func noticesText(notices []string) string {
	text, err := json.Marshal(notices)
	if err != nil || len(notices) == 0 {
		return "" // strings always encode
	}
	return string(text)
}

func policyText(p *promfleet.Policy) string {
	if p == nil {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "" // strings and numbers always encode
	}
	return string(text)
}

func (m *node) record() (fleet.NodeRecord, error) {
	var notices []string
	if m.ReportNotices != "" {
		if err := json.Unmarshal([]byte(m.ReportNotices), &notices); err != nil {
			return fleet.NodeRecord{}, fmt.Errorf("notices of node %s: %w", m.UUID, err)
		}
	}
	var steps promfleet.Steps
	if m.ReportSteps != "" {
		if err := json.Unmarshal([]byte(m.ReportSteps), &steps); err != nil {
			return fleet.NodeRecord{}, fmt.Errorf("steps of node %s: %w", m.UUID, err)
		}
	}
	var policy *promfleet.Policy
	if m.ReportPolicy != "" {
		if err := json.Unmarshal([]byte(m.ReportPolicy), &policy); err != nil {
			return fleet.NodeRecord{}, fmt.Errorf("policy of node %s: %w", m.UUID, err)
		}
	}
	return fleet.NodeRecord{
		Node: promfleet.Node{
			UUID: m.UUID, Hostname: m.Hostname, Addr: m.Addr, Tags: tagNames(m.Tags), Contacts: contactIDs(m.Contacts), ManagedBy: m.ManagedBy,
			CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: loadedPtr(m.DeletedAt),
			JobCount: m.JobCount, Version: m.Version,
		},
		CredentialHash: m.CredentialHash, Confirmed: m.Confirmed, SealedBase: m.SealedBase,
		Base:     fleet.PartState{Hash: promfleet.Hash(m.BaseHash), Size: m.BaseSize, Revision: m.BaseRevision},
		Revision: m.Revision,
		Report: fleet.NodeReport{
			Received: m.Received, Written: m.Written, Loaded: m.Loaded,
			State: promfleet.NodeState(m.ReportState), Error: m.ReportError, Notices: notices,
			AgentVersion: m.AgentVersion, PrometheusVersion: m.PrometheusVersion,
			TargetsUp: m.TargetsUp, TargetsDown: m.TargetsDown, LastSeenAt: loadedPtr(m.LastSeenAt),
			Steps: steps, Policy: policy,
		},
	}, nil
}

func jobModel(j *fleet.JobRecord) *job {
	m := &job{
		ID: j.ID, NodeID: j.Node, Key: j.Key, JobName: j.JobName, Remark: j.Remark,
		Search:    searchText(j.Key, j.JobName, j.Remark),
		ManagedBy: j.ManagedBy, TargetsManagedBy: j.TargetsManagedBy,
		SealedScrapeConfig: j.SealedScrapeConfig, Version: j.Version,
		CreatedAt: stored(j.CreatedAt), UpdatedAt: stored(j.UpdatedAt), DeletedAt: storedPtr(j.DeletedAt),
	}
	m.setParts(j.JobParts)
	return m
}

func (m *job) setParts(p fleet.JobParts) {
	m.ConfigHash, m.ConfigSize, m.ConfigRevision = string(p.Config.Hash), p.Config.Size, p.Config.Revision
	m.IndexHash, m.IndexSize, m.IndexRevision = string(p.Index.Hash), p.Index.Size, p.Index.Revision
	m.TargetCount, m.SetVersion = p.Targets, p.SetVersion
}

func (m *job) record() (fleet.JobRecord, error) {
	return fleet.JobRecord{
		Job: promfleet.Job{
			ID: m.ID, Node: m.NodeID, Key: m.Key, JobName: m.JobName, Remark: m.Remark, Contacts: contactIDs(m.Contacts),
			ManagedBy: m.ManagedBy, TargetsManagedBy: m.TargetsManagedBy,
			CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: loadedPtr(m.DeletedAt),
			Version: m.Version,
		},
		SealedScrapeConfig: m.SealedScrapeConfig,
		JobParts: fleet.JobParts{
			Config:  fleet.PartState{Hash: promfleet.Hash(m.ConfigHash), Size: m.ConfigSize, Revision: m.ConfigRevision},
			Index:   fleet.PartState{Hash: promfleet.Hash(m.IndexHash), Size: m.IndexSize, Revision: m.IndexRevision},
			Targets: m.TargetCount, SetVersion: m.SetVersion,
		},
	}, nil
}

func targetModel(t *fleet.TargetRecord) (*target, error) {
	labels := []byte("{}")
	if len(t.Labels) > 0 {
		var err error
		if labels, err = json.Marshal(t.Labels); err != nil {
			return nil, fmt.Errorf("labels of target %q: %w", t.Addr, err)
		}
	}
	return &target{
		ID: t.ID, JobID: t.Job, Name: t.Name, Remark: t.Remark, Addr: t.Addr,
		Labels: string(labels), Search: searchText(t.Name, t.Addr, t.Remark),
		Split: t.Split[:], Version: t.Version,
		CreatedAt: stored(t.CreatedAt), UpdatedAt: stored(t.UpdatedAt), DeletedAt: storedPtr(t.DeletedAt),
	}, nil
}

func (m *target) record() (fleet.TargetRecord, error) {
	t := fleet.TargetRecord{Target: promfleet.Target{
		ID: m.ID, Job: m.JobID, Name: m.Name, Remark: m.Remark, Addr: m.Addr,
		Labels: map[string]string{}, Tags: tagNames(m.Tags),
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: loadedPtr(m.DeletedAt),
		Version: m.Version,
	}}
	if m.Labels != "{}" {
		if err := json.Unmarshal([]byte(m.Labels), &t.Labels); err != nil {
			return t, fmt.Errorf("labels of target %d: %w", m.ID, err)
		}
	}
	if len(m.Split) != len(t.Split) {
		return t, fmt.Errorf("target %d: its split key has %d bytes, not %d", m.ID, len(m.Split), len(t.Split))
	}
	copy(t.Split[:], m.Split)
	return t, nil
}

func pieceModel(job int64, p fleet.Piece) *piece {
	lo, hi := p.Lo, lastKey(p.Lo, p.Bits)
	return &piece{
		JobID: job, Lo: lo[:], Hi: hi[:], Bits: p.Bits, Targets: p.Count,
		Hash: string(p.Hash), Size: p.Size, Revision: p.Revision,
	}
}

// lastKey is the last key that shares its first bits with lo.
func lastKey(lo fleet.SplitKey, bits int) fleet.SplitKey {
	for i := range lo {
		switch free := (i+1)*8 - bits; {
		case free >= 8:
			lo[i] = 0xff
		case free > 0:
			lo[i] |= 1<<free - 1
		}
	}
	return lo
}

func (m *piece) record() (fleet.Piece, error) {
	p := fleet.Piece{
		Bits: m.Bits, Count: m.Targets,
		PartState: fleet.PartState{Hash: promfleet.Hash(m.Hash), Size: m.Size, Revision: m.Revision},
	}
	if len(m.Lo) != len(p.Lo) {
		return p, fmt.Errorf("a piece of job %d: its key has %d bytes, not %d", m.JobID, len(m.Lo), len(p.Lo))
	}
	copy(p.Lo[:], m.Lo)
	return p, nil
}

func tokenModel(t *fleet.TokenRecord) *token {
	var user *int64
	if t.User != 0 {
		user = &t.User
	}
	return &token{
		UserID: user, Began: storedPtr(t.Began),
		ID: t.ID, Name: t.Name, Search: searchText(t.Name), Role: string(t.Role), Hash: t.Hash,
		CreatedAt: stored(t.CreatedAt), ExpiresAt: storedPtr(t.ExpiresAt),
		LastUsedAt: storedPtr(t.LastUsedAt), DeletedAt: storedPtr(t.DeletedAt),
	}
}

func (m *token) record() (fleet.TokenRecord, error) {
	var user int64
	if m.UserID != nil {
		user = *m.UserID
	}
	return fleet.TokenRecord{
		Began: loadedPtr(m.Began),
		Token: promfleet.Token{
			User: user,
			ID:   m.ID, Name: m.Name, Role: promfleet.Role(m.Role), CreatedAt: m.CreatedAt.UTC(),
			ExpiresAt: loadedPtr(m.ExpiresAt), LastUsedAt: loadedPtr(m.LastUsedAt), DeletedAt: loadedPtr(m.DeletedAt),
		},
		Hash: m.Hash,
	}, nil
}

func joinTokenModel(t *fleet.JoinTokenRecord) *joinToken {
	return &joinToken{
		ID: t.ID, Name: t.Name, Search: searchText(t.Name), Hash: t.Hash, MaxUses: t.MaxUses, Uses: t.Uses,
		CreatedAt: stored(t.CreatedAt), ExpiresAt: stored(t.ExpiresAt),
		LastUsedAt: storedPtr(t.LastUsedAt), DeletedAt: storedPtr(t.DeletedAt),
	}
}

func (m *joinToken) record() (fleet.JoinTokenRecord, error) {
	return fleet.JoinTokenRecord{
		JoinToken: promfleet.JoinToken{
			ID: m.ID, Name: m.Name, MaxUses: m.MaxUses, Uses: m.Uses, CreatedAt: m.CreatedAt.UTC(),
			ExpiresAt: m.ExpiresAt.UTC(), LastUsedAt: loadedPtr(m.LastUsedAt), DeletedAt: loadedPtr(m.DeletedAt),
		},
		Hash: m.Hash,
	}, nil
}

func eventModel(e *fleet.EventRecord) *event {
	return &event{
		ID: e.ID, At: stored(e.At), Actor: e.Actor, ActorName: e.ActorName, Action: e.Action, Object: e.Object, Node: e.Node,
		Reverts: e.Reverts, Search: searchText(e.Actor, e.ActorName, e.Action, e.Object),
		Before: string(e.Before), After: string(e.After), SealedBefore: e.SealedBefore,
	}
}

func (m *event) record() (promfleet.Event, error) {
	e := promfleet.Event{
		ID: m.ID, At: m.At.UTC(), Actor: m.Actor, ActorName: m.ActorName, Action: m.Action, Object: m.Object, Node: m.Node,
		Reverts: m.Reverts,
	}
	if m.Before != "" {
		e.Before = json.RawMessage(m.Before)
	}
	if m.After != "" {
		e.After = json.RawMessage(m.After)
	}
	return e, nil
}
