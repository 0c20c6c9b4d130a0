package fleet

import (
	"context"
	"fmt"
	"slices"

	"promfleet"
	"promfleet/internal/secret"
)

// MaxUserTokens is how many live tokens a user may have.
const MaxUserTokens = 100

// rank orders the roles of users: each may do what the ones below it may.
func rank(r promfleet.Role) int {
	return slices.Index([]promfleet.Role{promfleet.RoleViewer, promfleet.RoleEditor, promfleet.RoleAdmin}, r)
}

// checkOwner tells whether the user that a token is of still stands behind it. The
// token is revoked by what ends it; this is for one that was made at the same time.
func checkOwner(ctx context.Context, tx Tx, rec *TokenRecord) error {
	if rec.User == 0 {
		return nil
	}
	u, err := liveUser(ctx, tx, rec.User)
	if err != nil {
		return err
	}
	if u.Disabled || rec.Began == nil || rec.Began.Before(u.SessionsFrom) || rank(u.Role) < rank(rec.Role) {
		return ErrNotFound
	}
	return nil
}

// UserTokens lists the live tokens of a user, by id.
func (s *Service) UserTokens(ctx context.Context, user int64) (tokens []promfleet.Token, err error) {
	tokens = []promfleet.Token{}
	err = s.view(ctx, func(tx Tx) error {
		if _, err := liveUser(ctx, tx, user); err != nil {
			return err
		}
		recs, err := tx.TokensOf(ctx, user)
		for _, r := range recs {
			tokens = append(tokens, r.Token)
		}
		return err
	})
	return tokens, err
}

// CreateUserToken makes a token that is a user's: of the user's role at most, and
// ended by whatever ends the user's sessions, or gives the user a lower role.
func (s *Service) CreateUserToken(ctx context.Context, by Principal, user int64, in promfleet.UserTokenInput) (promfleet.NewToken, error) {
	var f fields
	if f.text("body.name", in.Name, MaxName, false); in.Name == "" {
		f.add("body.name", "is missing; say what the token is for")
	}
	if in.Role != "" && rank(in.Role) < 0 {
		f.add("body.role", "must be viewer, editor or admin")
	}
	now := s.now()
	if in.ExpiresAt != nil {
		f.expiry(*utc(in.ExpiresAt), now)
	}
	if err := f.err(); err != nil {
		return promfleet.NewToken{}, err
	}
	text := secret.NewToken(TokenPrefix)
	rec := &TokenRecord{Token: promfleet.Token{Name: in.Name, User: user, CreatedAt: now, ExpiresAt: utc(in.ExpiresAt)}, Hash: secret.HashToken(text)}
	err := s.update(ctx, func(tx Tx, _ *change) error {
		u, err := liveUser(ctx, tx, user)
		if err != nil {
			return err
		}
		if u.Disabled {
			return promfleet.Errorf(promfleet.Conflict, "user %q is disabled and can have no token", u.Name)
		}
		if rec.Role = in.Role; rec.Role == "" {
			rec.Role = u.Role
		}
		if rank(rec.Role) > rank(u.Role) {
			return promfleet.BadField("body.role", "is higher than the role %s of user %q", u.Role, u.Name)
		}
		others, err := tx.TokensOf(ctx, user)
		if err != nil {
			return err
		}
		if len(others) >= MaxUserTokens {
			return promfleet.Errorf(promfleet.Conflict, "user %q has %d tokens already; revoke one first", u.Name, len(others))
		}
		rec.ID, rec.Began = 0, utc(&u.SessionsFrom)
		if err := tx.InsertToken(ctx, rec); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "create", tokenObject(rec.ID), "", nil, rec.Token)
	})
	return promfleet.NewToken{Token: rec.Token, Secret: text}, err
}

// RevokeUserToken revokes a token that is a user's.
func (s *Service) RevokeUserToken(ctx context.Context, by Principal, user, id int64) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		rec, err := tx.Token(ctx, id)
		if err == nil && (rec.DeletedAt != nil || rec.User != user) {
			err = ErrNotFound
		}
		if _, err = found(rec, err, fmt.Sprintf("token of user %d:", user), id); err != nil {
			return err
		}
		return s.revoke(ctx, tx, by, rec)
	})
}

// RevokeOwnToken revokes the token that the caller holds, if it is a user's: other
// tokens serve programs, which do not log out.
func (s *Service) RevokeOwnToken(ctx context.Context, by Principal) error {
	if by.OwnToken == 0 {
		return nil
	}
	return s.RevokeToken(ctx, by, by.OwnToken)
}

// endTokens revokes the tokens of a user that stand above a role; "": all of them.
func (s *Service) endTokens(ctx context.Context, tx Tx, by Principal, user int64, above promfleet.Role) error {
	recs, err := tx.TokensOf(ctx, user)
	if err != nil {
		return err
	}
	for i := range recs {
		if rank(recs[i].Role) <= rank(above) {
			continue
		}
		if err := s.revoke(ctx, tx, by, &recs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) revoke(ctx context.Context, tx Tx, by Principal, rec *TokenRecord) error {
	before, now := rec.Token, s.now()
	rec.DeletedAt = &now
	if err := tx.UpdateToken(ctx, rec); err != nil {
		return err
	}
	return s.event(ctx, tx, by, "revoke", tokenObject(rec.ID), "", before, nil)
}
