package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"promfleet"
)

// FirstAdmin creates the user admin with a random password if there is, and was,
// no user. Of several servers that start at the same time one creates it.
func (s *Service) FirstAdmin(ctx context.Context) (password string, created bool, err error) {
	var had bool
	if err := s.view(ctx, func(tx Tx) error {
		had, err = tx.AnyUser(ctx)
		return err
	}); err != nil || had {
		return "", false, err
	}
	password = randomPassword()
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return "", false, err
	}
	err = s.update(ctx, func(tx Tx, _ *change) error {
		created = false
		if had, err := tx.AnyUser(ctx); err != nil || had {
			return err
		}
		now := s.now()
		u := &UserRecord{User: promfleet.User{Name: "admin", Role: promfleet.RoleAdmin, CreatedAt: now, UpdatedAt: now, Version: 1}, SessionsFrom: now}
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, u.ID, hash, now); err != nil {
			return err
		}
		created, u.HasPassword = true, true
		return s.event(ctx, tx, Principal{ID: "server", Name: "first start"}, "create", userObject(u.ID), "", nil, u.User)
	})
	if err != nil || !created {
		return "", false, err
	}
	return password, true, nil
}

// randomPassword makes a password of 125 random bits that is easy to type: five
// groups of five of the letters a to z and the digits 2 to 7.
func randomPassword() string {
	text := strings.ToLower(rand.Text())
	groups := make([]string, 5)
	for i := range groups {
		groups[i] = text[5*i : 5*i+5]
	}
	return strings.Join(groups, "-")
}

// keyCheck is the setting that tells whether the key is the one that the database
// was made with: a text sealed with it.
const keyCheck = "key-check"

// CheckKey refuses a secret key that is not the one that the database was made
// with. The first call on a database writes what the others check.
func (s *Service) CheckKey(ctx context.Context) error {
	wrong := func(err error) error {
		return &promfleet.Error{Code: promfleet.Conflict, Err: err,
			Message: "the secret key is not the one that the database was made with; put that one in its place: all servers of a database have the same, and a backup of the database is of use only with it"}
	}
	var sealed []byte
	read := func(tx Tx) (err error) {
		sealed, err = tx.Setting(ctx, keyCheck)
		return err
	}
	err := s.view(ctx, func(tx Tx) error {
		if err := read(tx); !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil
	})
	if err == nil && sealed == nil {
		err = s.update(ctx, func(tx Tx, _ *change) error {
			if err := read(tx); !errors.Is(err, ErrNotFound) {
				return err // another server was first
			}
			// A database that an older version made has jobs and no key-check.
			jobs, err := tx.ListJobs(ctx, JobQuery{ListQuery: ListQuery{Limit: 1}})
			if err != nil {
				return err
			}
			nodes, err := tx.ListNodes(ctx, NodeQuery{ListQuery: ListQuery{Limit: 1000}})
			if err != nil {
				return err
			}
			for _, n := range nodes.Items {
				if _, err := s.open(n.SealedBase, baseContext(n.UUID)); err != nil {
					return wrong(err)
				}
			}
			for _, j := range jobs.Items {
				if _, err := s.open(j.SealedScrapeConfig, jobContext(j.Node)); err != nil {
					return wrong(err)
				}
			}
			sealed = s.box.Seal([]byte(keyCheck), keyCheck)
			return tx.InsertSetting(ctx, keyCheck, sealed)
		})
	}
	if err != nil {
		return err
	}
	if _, err := s.box.Open(sealed, keyCheck); err != nil {
		return wrong(err)
	}
	return nil
}

// tidyBatch is how many rows a transaction of Tidy deletes, so that it does not
// keep writers waiting.
const tidyBatch = 1000

// Tidy deletes sessions that have ended, failed logins that count no more, and
// events before a time (all are kept if it is zero), until none is left or ctx ends.
func (s *Service) Tidy(ctx context.Context, eventsBefore time.Time) error {
	now := s.now()
	expired := func(tx Tx) (int64, error) { return tx.DeleteExpired(ctx, now, now.Add(-forgetFailures), tidyBatch) }
	if err := s.inBatches(ctx, expired); err != nil {
		return fmt.Errorf("delete ended sessions: %w", err)
	}
	if eventsBefore.IsZero() {
		return nil
	}
	old := func(tx Tx) (int64, error) { return tx.DeleteEvents(ctx, eventsBefore, tidyBatch) }
	if err := s.inBatches(ctx, old); err != nil {
		return fmt.Errorf("delete old events: %w", err)
	}
	return nil
}

// inBatches runs del, each time in a transaction of its own, until nothing is left.
func (s *Service) inBatches(ctx context.Context, del func(Tx) (int64, error)) error {
	for {
		var n int64
		err := s.update(ctx, func(tx Tx, _ *change) (err error) {
			n, err = del(tx)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
