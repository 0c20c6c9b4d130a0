package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"promfleet"
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
		by := Principal{ID: fmt.Sprintf("join-token/%d", jt.ID), Name: jt.Name}
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
		if _, err := s.raise(ctx, tx, c, by, in.UUID); err != nil {
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

// cleanNotices takes of an agent's notices what is kept. Too many or too long ones
// are no reason to refuse what else it says.
func cleanNotices(notices []string) []string {
	var kept []string
	for _, n := range notices[:min(len(notices), promfleet.MaxNotices)] {
		if len(n) > promfleet.MaxNotice {
			n = strings.ToValidUTF8(n[:promfleet.MaxNotice-len("…")], "") + "…"
		}
		lines := strings.Split(n, "\n") // a diff has some
		for i := range lines {
			lines[i] = clean(lines[i])
		}
		kept = append(kept, strings.Join(lines, "\n"))
	}
	return kept
}

// cleanPolicy takes of the policy that an agent says what is kept.
func cleanPolicy(p *promfleet.Policy) *promfleet.Policy {
	if p == nil {
		return nil
	}
	kept := *p
	kept.File = clean(p.File)
	kept.AllowPaths, kept.AllowWritePaths = cleanPaths(p.AllowPaths), cleanPaths(p.AllowWritePaths)
	return &kept
}

func cleanPaths(paths []string) []string {
	kept := make([]string, len(paths))
	for i, p := range paths {
		kept[i] = clean(p[:min(len(p), 4096)])
	}
	return kept
}

// Report writes what an agent has done. Its revisions may be newer than the
// node's: those of an agent whose server was restored from a backup are.
func (s *Service) Report(ctx context.Context, node string, in promfleet.Report) error {
	return s.update(ctx, func(tx Tx, c *change) error {
		rec, err := liveNode(ctx, tx, node)
		if err != nil {
			return err
		}
		var f fields
		if in.Protocol > promfleet.ProtocolVersion {
			f.add("body.protocol", "the agent speaks version %d and this server %d; upgrade the server first", in.Protocol, promfleet.ProtocolVersion)
		}
		switch in.State {
		case promfleet.StateStale, promfleet.StatePending:
			f.add("body.state", "is not for an agent to say")
		}
		if err := f.err(); err != nil {
			return err
		}
		now, was := s.now(), rec.Report
		report := NodeReport{
			Received: in.RevisionReceived, Written: in.RevisionWritten, Loaded: in.RevisionLoaded,
			State: in.State, Error: clean(in.Error), Notices: cleanNotices(in.Notices),
			AgentVersion: clean(in.AgentVersion), PrometheusVersion: clean(in.PrometheusVersion),
			TargetsUp: in.TargetsUp, TargetsDown: in.TargetsDown, LastSeenAt: &now, Policy: cleanPolicy(in.Policy),
		}
		report.Steps = steps(was, report, in.Ages, now)
		if report.isNews(was) {
			c.told[node] = true
		}
		return tx.UpdateReport(ctx, node, report)
	})
}
