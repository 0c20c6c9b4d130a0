package fleet

import (
	"bytes"
	"context"
	"errors"
	"time"

	"promfleet"
)

// NewSession is a session to be kept: under the hash of its token, until it expires.
type NewSession struct {
	Hash    string
	Data    []byte
	Expires time.Time
}

// Session gives what is kept of a session by the hash of its token; nil if there
// is none, or it has ended.
func (s *Service) Session(ctx context.Context, hash string) (data []byte, err error) {
	err = s.view(ctx, func(tx Tx) error {
		data, err = tx.Session(ctx, hash, s.now())
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	return data, err
}

// ExtendSession keeps a session longer, if it is still what was read of it: one
// that has been ended meanwhile stays ended, and many requests at the same time
// write it once.
func (s *Service) ExtendSession(ctx context.Context, hash string, was, data []byte, expires time.Time) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		now, err := tx.Session(ctx, hash, s.now())
		if errors.Is(err, ErrNotFound) || err == nil && !bytes.Equal(now, was) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.PutSession(ctx, hash, data, expires.UTC().Truncate(time.Microsecond))
	})
}

// EndSession ends a session, if there is one.
func (s *Service) EndSession(ctx context.Context, hash string) error {
	return s.update(ctx, func(tx Tx, _ *change) error { return tx.DeleteSession(ctx, hash) })
}

// SessionUser gives the caller that a session is of. began is what Login told: it
// is the time from which the user's sessions counted then, so that a session has
// ended when that time has moved, whatever the clocks of the servers say.
func (s *Service) SessionUser(ctx context.Context, user int64, began time.Time) (Principal, error) {
	ended := promfleet.Errorf(promfleet.Unauthorized, "the session has ended; log in again")
	var u *UserRecord
	err := s.view(ctx, func(tx Tx) (err error) {
		u, err = liveUser(ctx, tx, user)
		return err
	})
	if err != nil {
		return Principal{}, refused(err, ended)
	}
	if u.Disabled || began.Before(u.SessionsFrom) {
		return Principal{}, ended
	}
	return userPrincipal(u), nil
}

func userPrincipal(u *UserRecord) Principal {
	return Principal{ID: userObject(u.ID), Name: u.Name, Role: u.Role, User: u.ID}
}
