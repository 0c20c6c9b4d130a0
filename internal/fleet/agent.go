package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"promfleet"
	"promfleet/internal/render"
	"promfleet/internal/secret"
)

// Register creates the node that an agent speaks for, or updates it. token is a
// join token the first time, and the node's own credential afterwards; the
// credential is in the answer only when it was made. A uuid is no credential: a
// live node that has joined is not joined again, so that a join token cannot take
// it over; once deleted, it is revived.
func (s *Service) Register(ctx context.Context, token string, in promfleet.Registration) (promfleet.Registered, error) {
	out := promfleet.Registered{Protocol: promfleet.ProtocolVersion}
	if in.Protocol > promfleet.ProtocolVersion {
		return out, promfleet.BadField("body.protocol", "the agent speaks version %d and this server %d; upgrade the server first", in.Protocol, promfleet.ProtocolVersion)
	}
	var f fields
	f.text("body.hostname", in.Hostname, MaxName, false)
	f.text("body.addr", in.Addr, 2048, false)
	if u, err := url.Parse(in.Addr); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		f.add("body.addr", "is not a URL like https://host:port/")
	}
	if id, err := uuid.Parse(in.UUID); err != nil || len(in.UUID) != len(id.String()) || id == uuid.Nil || id == uuid.Max {
		f.add("body.uuid", "is not a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx (RFC 9562)")
	}
	if err := f.err(); err != nil {
		return out, err
	}
	in.UUID = strings.ToLower(in.UUID)
	if strings.HasPrefix(token, JoinTokenPrefix) {
		credential := secret.NewToken(CredentialPrefix)
		if err := s.join(ctx, token, secret.HashToken(credential), in); err != nil {
			return out, err
		}
		out.Credential = credential
		return out, nil
	}
	by, err := s.Authenticate(ctx, token)
	if err != nil {
		return out, err
	}
	if by.Node != in.UUID {
		return out, promfleet.Errorf(promfleet.Forbidden, "this credential is not that of node %s", in.UUID)
	}
	return out, s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := liveNode(ctx, tx, in.UUID)
		if err != nil {
			return err
		}
		return s.registered(ctx, tx, by, rec, in)
	})
}

// registered writes what an agent says of its node.
func (s *Service) registered(ctx context.Context, tx Tx, by Principal, rec *NodeRecord, in promfleet.Registration) error {
	report := rec.Report
	report.AgentVersion, report.PrometheusVersion = clean(in.AgentVersion), clean(in.PrometheusVersion)
	now := s.now()
	report.LastSeenAt = &now
	if err := tx.UpdateReport(ctx, rec.UUID, report); err != nil {
		return err
	}
	if rec.Hostname == in.Hostname && rec.Addr == in.Addr {
		return nil
	}
	before, err := s.nodeEvent(*rec)
	if err != nil {
		return err
	}
	rec.Hostname, rec.Addr, rec.UpdatedAt = in.Hostname, in.Addr, now
	if err := tx.UpdateNode(ctx, rec); err != nil {
		return err
	}
	after, err := s.nodeEvent(*rec)
	if err != nil {
		return err
	}
	return s.event(ctx, tx, by, "register", nodeObject(rec.UUID), rec.UUID, before, after)
}

// join uses a join token up by one and creates or revives the node.
func (s *Service) join(ctx context.Context, token string, credential []byte, in promfleet.Registration) error {
	// A look first: who has no join token must not take the only writer.
	if err := s.view(ctx, func(tx Tx) error {
		_, err := s.usable(ctx, tx, token)
		return err
	}); err != nil {
		return err
	}
	return s.update(ctx, func(tx Tx, c *change) error {
		now := s.now()
		jt, err := s.usable(ctx, tx, token)
		if err != nil {
			return err
		}
		jt.Uses++
		jt.LastUsedAt = &now
		if err := tx.UpdateJoinToken(ctx, jt); err != nil {
			return err
		}
		by := Principal{Name: fmt.Sprintf("join-token/%d", jt.ID)}
		rec, err := tx.Node(ctx, in.UUID)
		switch {
		case errors.Is(err, ErrNotFound):
			rec = &NodeRecord{Node: promfleet.Node{UUID: in.UUID, Tags: []string{}, CreatedAt: now, Version: 1}}
			rec.Hostname, rec.Addr, rec.UpdatedAt, rec.CredentialHash = in.Hostname, in.Addr, now, credential
			if err := tx.InsertNode(ctx, rec); err != nil {
				return err
			}
		case err != nil:
			return err
		case rec.DeletedAt == nil && rec.CredentialHash != nil:
			return promfleet.Errorf(promfleet.Conflict, "node %s has joined already; if its credential is lost, delete the node first, and it is revived with its jobs", in.UUID)
		default:
			rec.DeletedAt = nil
			rec.Hostname, rec.Addr, rec.UpdatedAt, rec.CredentialHash = in.Hostname, in.Addr, now, credential
			if err := tx.UpdateNode(ctx, rec); err != nil {
				return err
			}
		}
		// A node that just joined has something to apply: the first revision is 1.
		if err := s.raise(ctx, tx, c, in.UUID); err != nil {
			return err
		}
		report := NodeReport{AgentVersion: clean(in.AgentVersion), PrometheusVersion: clean(in.PrometheusVersion), LastSeenAt: &now}
		if err := tx.UpdateReport(ctx, in.UUID, report); err != nil {
			return err
		}
		after, err := s.nodeEvent(*rec)
		if err != nil {
			return err
		}
		return s.event(ctx, tx, by, "register", nodeObject(in.UUID), in.UUID, nil, after)
	})
}

// usable gives a join token that may be used now.
func (s *Service) usable(ctx context.Context, tx Tx, token string) (*JoinTokenRecord, error) {
	jt, err := tx.JoinTokenByHash(ctx, secret.HashToken(token))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err != nil || !s.now().Before(jt.ExpiresAt) || jt.Uses >= jt.MaxUses {
		return nil, promfleet.Errorf(promfleet.Unauthorized, "the join token is not known, or has expired, been used up or revoked; create one with: promfleet join-token create")
	}
	return jt, nil
}

// clean takes from what an agent says what a terminal or a page must not get.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// maxInline bounds what a watch brings along, in bytes.
const maxInline = 256 << 10

// Watch gives what the node should have as soon as its revision is another than
// the one given, and nil if that has not happened after wait.
func (s *Service) Watch(ctx context.Context, node string, revision int64, wait time.Duration) (*promfleet.WatchReply, error) {
	if err := s.seen(ctx, node); err != nil {
		return nil, err
	}
	woken, cancel := s.hub.Subscribe(node)
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
			Protocol: promfleet.ProtocolVersion, Node: uuid, Revision: rec.Revision, Parts: []promfleet.Part{}}}
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

// Report writes what an agent has done.
func (s *Service) Report(ctx context.Context, node string, in promfleet.Report) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := liveNode(ctx, tx, node)
		if err != nil {
			return err
		}
		var f fields
		if in.Protocol > promfleet.ProtocolVersion {
			f.add("body.protocol", "the agent speaks version %d and this server %d; upgrade the server first", in.Protocol, promfleet.ProtocolVersion)
		}
		for _, r := range []struct {
			location string
			revision int64
		}{{"body.revision_received", in.RevisionReceived}, {"body.revision_written", in.RevisionWritten}, {"body.revision_loaded", in.RevisionLoaded}} {
			if r.revision > rec.Revision {
				f.add(r.location, "there is no revision %d of this node yet; the newest is %d", r.revision, rec.Revision)
			}
		}
		switch in.State {
		case promfleet.StateStale, promfleet.StatePending:
			f.add("body.state", "is not for an agent to say")
		}
		if err := f.err(); err != nil {
			return err
		}
		now := s.now()
		return tx.UpdateReport(ctx, node, NodeReport{
			Received: in.RevisionReceived, Written: in.RevisionWritten, Loaded: in.RevisionLoaded,
			State: in.State, Error: clean(in.Error),
			AgentVersion: clean(in.AgentVersion), PrometheusVersion: clean(in.PrometheusVersion),
			TargetsUp: in.TargetsUp, TargetsDown: in.TargetsDown, LastSeenAt: &now,
		})
	})
}
