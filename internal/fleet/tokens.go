package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"promfleet"
	"promfleet/internal/secret"
)

// The prefixes that tell what a token is.
const (
	TokenPrefix      = "pft_" // an API token
	JoinTokenPrefix  = "pfj_" // a join token
	CredentialPrefix = "pfn_" // a node's own credential
)

// DefaultJoinTokenLife is how long a join token serves if nothing else is said.
const DefaultJoinTokenLife = time.Hour

// touchEvery is how exact last_used_at is: a write a minute, not one a call.
const touchEvery = time.Minute

func tokenObject(id int64) string     { return fmt.Sprintf("token/%d", id) }
func joinTokenObject(id int64) string { return fmt.Sprintf("join-token/%d", id) }

// Authenticate tells who holds a token or a node's credential. Join tokens serve
// for Register alone. It says the same of a wrong, a revoked and an expired one.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	unknown := promfleet.Errorf(promfleet.Unauthorized, "the token is not known, or has expired or been revoked; create one with: promfleet admin token create")
	hash := secret.HashToken(token)
	switch {
	case strings.HasPrefix(token, TokenPrefix):
		var rec *TokenRecord
		err := s.view(ctx, func(tx Tx) (err error) {
			if rec, err = tx.TokenByHash(ctx, hash); err != nil {
				return err
			}
			return checkOwner(ctx, tx, rec)
		})
		if err == nil && rec.ExpiresAt != nil && !s.now().Before(*rec.ExpiresAt) {
			err = unknown
		}
		if err != nil {
			return Principal{}, refused(err, unknown)
		}
		if rec.LastUsedAt == nil || s.now().Sub(*rec.LastUsedAt) >= touchEvery {
			// A caller that may read is not refused because a write failed.
			_ = s.touch(ctx, rec.ID)
		}
		p := Principal{ID: tokenObject(rec.ID), Name: rec.Name, Role: rec.Role}
		if rec.User != 0 {
			p.OwnToken = rec.ID
		}
		return p, nil
	case strings.HasPrefix(token, CredentialPrefix):
		var rec *NodeRecord
		err := s.view(ctx, func(tx Tx) (err error) {
			rec, err = tx.NodeByCredential(ctx, hash)
			return err
		})
		if err != nil {
			return Principal{}, refused(err, promfleet.Errorf(promfleet.Unauthorized,
				"the node's credential is not known: the node was deleted; it must join again with a join token"))
		}
		return Principal{ID: nodeObject(rec.UUID), Name: rec.Hostname, Role: promfleet.RoleAgent, Node: rec.UUID}, nil
	default:
		return Principal{}, unknown
	}
}

func refused(err error, as *promfleet.Error) error {
	if promfleet.ErrorCode(err) == promfleet.NotFound {
		return as
	}
	return err
}

// touchWithin is how long a caller waits for its use of a token to be noted: a bulk
// write must not hold up who only reads.
const touchWithin = 100 * time.Millisecond

func (s *Service) touch(ctx context.Context, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, touchWithin)
	defer cancel()
	return s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := tx.Token(ctx, id)
		if err != nil {
			return err
		}
		now := s.now()
		if rec.LastUsedAt != nil && now.Sub(*rec.LastUsedAt) < touchEvery {
			return nil // by another call at the same time
		}
		rec.LastUsedAt = &now
		return tx.UpdateToken(ctx, rec)
	})
}

// Tokens lists API tokens.
func (s *Service) Tokens(ctx context.Context, q ListQuery) (page promfleet.Page[promfleet.Token], err error) {
	err = s.view(ctx, func(tx Tx) error {
		p, err := tx.ListTokens(ctx, q)
		if err != nil {
			return err
		}
		page, err = convert(p, func(r TokenRecord) (promfleet.Token, error) { return r.Token, nil })
		return err
	})
	return page, err
}

// CreateToken makes an API token.
func (s *Service) CreateToken(ctx context.Context, by Principal, in promfleet.TokenInput) (promfleet.NewToken, error) {
	var f fields
	if f.text("body.name", in.Name, MaxName, false); in.Name == "" {
		f.add("body.name", "is missing; say what the token is for")
	}
	switch in.Role {
	case promfleet.RoleViewer, promfleet.RoleEditor, promfleet.RoleAdmin, promfleet.RoleSD:
	default:
		f.add("body.role", "must be viewer, editor, admin or sd")
	}
	now := s.now()
	if in.ExpiresAt != nil {
		f.expiry(*utc(in.ExpiresAt), now)
	}
	if err := f.err(); err != nil {
		return promfleet.NewToken{}, err
	}
	text := secret.NewToken(TokenPrefix)
	rec := &TokenRecord{Token: promfleet.Token{Name: in.Name, Role: in.Role, CreatedAt: now, ExpiresAt: utc(in.ExpiresAt)}, Hash: secret.HashToken(text)}
	err := s.update(ctx, func(tx Tx, _ *change) error {
		if err := tx.InsertToken(ctx, rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "create", tokenObject(rec.ID), "", nil, rec.Token)
	})
	return promfleet.NewToken{Token: rec.Token, Secret: text}, err
}

func (f *fields) expiry(at, now time.Time) {
	switch {
	case !at.After(now):
		f.add("body.expires_at", "is in the past")
	case at.Year() > 9999: // RFC 3339 has no later one
		f.add("body.expires_at", "is after the year 9999")
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}

// RevokeToken revokes an API token.
func (s *Service) RevokeToken(ctx context.Context, by Principal, id int64) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := tx.Token(ctx, id)
		if err == nil && rec.DeletedAt != nil {
			err = ErrNotFound
		}
		if _, err = found(rec, err, "token", id); err != nil {
			return err
		}
		return s.revoke(ctx, tx, by, rec)
	})
}

// JoinTokens lists join tokens.
func (s *Service) JoinTokens(ctx context.Context, q JoinTokenQuery) (page promfleet.Page[promfleet.JoinToken], err error) {
	q.Now = s.now()
	err = s.view(ctx, func(tx Tx) error {
		p, err := tx.ListJoinTokens(ctx, q)
		if err != nil {
			return err
		}
		page, err = convert(p, func(r JoinTokenRecord) (promfleet.JoinToken, error) { return r.JoinToken, nil })
		return err
	})
	return page, err
}

// CreateJoinToken makes a join token: by default for one node, within an hour.
func (s *Service) CreateJoinToken(ctx context.Context, by Principal, in promfleet.JoinTokenInput) (promfleet.NewJoinToken, error) {
	var f fields
	f.text("body.name", in.Name, MaxName, false)
	now := s.now()
	expires := now.Add(DefaultJoinTokenLife)
	if in.ExpiresAt != nil {
		expires = *utc(in.ExpiresAt)
	}
	f.expiry(expires, now)
	if in.MaxUses == 0 {
		in.MaxUses = 1
	}
	if in.MaxUses < 0 {
		f.add("body.max_uses", "must be at least 1")
	}
	if err := f.err(); err != nil {
		return promfleet.NewJoinToken{}, err
	}
	text := secret.NewToken(JoinTokenPrefix)
	rec := &JoinTokenRecord{JoinToken: promfleet.JoinToken{Name: in.Name, MaxUses: in.MaxUses, CreatedAt: now, ExpiresAt: expires}, Hash: secret.HashToken(text)}
	err := s.update(ctx, func(tx Tx, _ *change) error {
		if err := tx.InsertJoinToken(ctx, rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "create", joinTokenObject(rec.ID), "", nil, rec.JoinToken)
	})
	return promfleet.NewJoinToken{JoinToken: rec.JoinToken, Secret: text}, err
}

// RevokeJoinToken revokes a join token; nodes that have joined with it stay.
func (s *Service) RevokeJoinToken(ctx context.Context, by Principal, id int64) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := tx.JoinToken(ctx, id)
		if err == nil && rec.DeletedAt != nil {
			err = ErrNotFound
		}
		if _, err = found(rec, err, "join token", id); err != nil {
			return err
		}
		before, now := rec.JoinToken, s.now()
		rec.DeletedAt = &now
		if err := tx.UpdateJoinToken(ctx, rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "revoke", joinTokenObject(id), "", before, nil)
	})
}

// Events lists events.
func (s *Service) Events(ctx context.Context, q EventQuery) (page promfleet.Page[promfleet.Event], err error) {
	err = s.view(ctx, func(tx Tx) error {
		page, err = tx.ListEvents(ctx, q)
		return err
	})
	return page, err
}

// Event gives the event of an id, unless its object is of one of some kinds.
func (s *Service) Event(ctx context.Context, id int64, without []string) (promfleet.Event, error) {
	rec := new(EventRecord)
	err := s.view(ctx, func(tx Tx) (err error) {
		rec, err = tx.Event(ctx, id)
		if err == nil {
			if kind, _, _ := strings.Cut(rec.Object, "/"); slices.Contains(without, kind) {
				err = ErrNotFound
			}
		}
		_, err = found(rec, err, "event", id)
		return err
	})
	if err != nil {
		return promfleet.Event{}, err
	}
	return rec.Event, nil
}
