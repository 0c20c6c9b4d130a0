package fleet

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"promfleet"
	"promfleet/internal/secret"
)

// forgetFailures is how long a failed login counts.
const forgetFailures = 15 * time.Minute

// guard slows guessing down: from the from-th failure in a row under its key a
// login must wait 1 s, 2 s, 4 s and so on, at most most, without a look at the
// password.
type guard struct {
	key    string
	from   int64
	most   time.Duration
	clears bool // by a success: all failures, not that try alone
}

// nameGuard counts by name, be there such a user or not. It waits no longer than a
// minute, so that a stranger cannot lock a user out.
func nameGuard(name string) guard {
	hash := secret.HashToken(strings.ToLower(name))
	return guard{key: "user:" + hex.EncodeToString(hash), from: 5, most: time.Minute, clears: true}
}

// addressGuard counts by address, over all names. Of IPv6 it is the /64, which is
// what one customer is given (RFC 6177).
func addressGuard(a netip.Addr) guard {
	a = a.Unmap().WithZone("")
	key := a.String()
	if a.Is6() {
		key = netip.PrefixFrom(a, 64).Masked().String()
	}
	return guard{key: "address:" + key, from: 20, most: 5 * time.Minute}
}

// wait gives how long a login must still wait; not above 0: no longer.
func (g guard) wait(f LoginFailures, now time.Time) time.Duration {
	if f.Count < g.from {
		return 0
	}
	d := min(time.Second<<min(f.Count-g.from, 16), g.most)
	return min(d, f.Last.Add(d).Sub(now)) // the clock of another server may be ahead
}

// failures gives what has failed under each guard, or the error that says how long
// to wait.
func (s *Service) failures(ctx context.Context, tx Tx, guards []guard) ([]LoginFailures, error) {
	now := s.now()
	counts := make([]LoginFailures, len(guards))
	var wait time.Duration
	for i, g := range guards {
		f, err := tx.LoginFailures(ctx, g.key)
		if err != nil {
			return nil, err
		}
		if now.Sub(f.Last) < forgetFailures {
			counts[i] = f
			wait = max(wait, g.wait(f, now))
		}
	}
	if wait > 0 {
		seconds := (wait + time.Second - 1).Truncate(time.Second)
		return nil, &promfleet.Error{Code: promfleet.TooMany, Message: fmt.Sprintf("too many failed logins; try again in %s", seconds), RetryAfter: seconds}
	}
	return counts, nil
}

// account is what a login is held against.
type account struct {
	user   UserRecord
	hash   string
	usable bool // it is there, not disabled, and has a password
}

// accountOf reads as much for a name that nobody has as for one that somebody has.
func accountOf(ctx context.Context, tx Tx, name string) (account, error) {
	var f fields
	if f.userName("", name); f.err() != nil {
		name = "" // nobody's, and a text that every database takes
	}
	a := account{hash: nobodysHash}
	u, err := tx.UserByName(ctx, name)
	if err == nil {
		a.user = *u
	} else if !errors.Is(err, ErrNotFound) {
		return a, err
	}
	hash, err := tx.Password(ctx, a.user.ID)
	if err == nil {
		a.hash, a.usable = hash, !a.user.Disabled
	} else if !errors.Is(err, ErrNotFound) {
		return a, err
	}
	return a, nil
}

// verify tells whether a password is that of the user of a name, who may log in.
// Whatever the answer, the work is the same: one hash, the same reads and the same
// writes. A try counts as failed before the password is looked at, so that
// guessing in parallel gets no more tries than one after another. Where it is, then
// is done in the transaction that says so.
func (s *Service) verify(ctx context.Context, name, password string, from netip.Addr, then func(tx Tx, u *UserRecord) error) (ok bool, err error) {
	guards := []guard{nameGuard(name)}
	if from.IsValid() {
		guards = append(guards, addressGuard(from))
	}
	// Who must wait takes nobody's place in the queue.
	err = s.view(ctx, func(tx Tx) error {
		_, err := s.failures(ctx, tx, guards)
		return err
	})
	if err != nil {
		return false, err
	}
	leave, err := hashing.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	var before []LoginFailures
	var a account
	err = s.update(ctx, func(tx Tx, _ *change) (err error) {
		if before, err = s.failures(ctx, tx, guards); err != nil {
			return err
		}
		for i, g := range guards {
			if err := tx.PutLoginFailures(ctx, g.key, LoginFailures{Count: before[i].Count + 1, Last: s.now()}); err != nil {
				return err
			}
		}
		a, err = accountOf(ctx, tx, name)
		return err
	})
	if err != nil {
		return false, err
	}
	match, params, err := argon2id.CheckHash(password, a.hash)
	if err != nil {
		return false, fmt.Errorf("password of user %d: %w", a.user.ID, err)
	}
	var renewed string
	if match && *params != passwordParams {
		if renewed, err = argon2id.CreateHash(password, &passwordParams); err != nil {
			return false, err
		}
	}
	err = s.update(ctx, func(tx Tx, _ *change) error {
		// The user may have been changed meanwhile, the password too.
		now, err := accountOf(ctx, tx, name)
		if err != nil {
			return err
		}
		ok = match && now.usable && now.user.ID == a.user.ID && now.hash == a.hash
		for i, g := range guards {
			if err := s.settle(ctx, tx, g, before[i], ok); err != nil {
				return err
			}
		}
		if ok && renewed != "" {
			if err := tx.SetPassword(ctx, now.user.ID, renewed, s.now()); err != nil {
				return err
			}
		}
		if ok && then != nil {
			return then(tx, &now.user)
		}
		return nil
	})
	return ok && err == nil, err
}

// settle writes how a try ended: a success takes it, or all, from what has failed;
// the wait after a failure counts from now.
func (s *Service) settle(ctx context.Context, tx Tx, g guard, before LoginFailures, ok bool) error {
	f, err := tx.LoginFailures(ctx, g.key)
	if err != nil {
		return err
	}
	switch {
	case ok && g.clears:
		f = LoginFailures{}
	case ok && f.Count == before.Count+1:
		f = before
	case ok:
		f.Count = max(0, f.Count-1)
	default:
		f.Last = s.now()
	}
	return tx.PutLoginFailures(ctx, g.key, f)
}

// Login begins a session for the user whose name and password these are. begin
// makes the session: it is given the beginning that SessionUser wants, and may be
// called more than once. from is where the login comes from; invalid if that is
// not known.
func (s *Service) Login(ctx context.Context, name, password string, from netip.Addr, begin func(who Principal, began time.Time) (NewSession, error)) (Principal, error) {
	var who Principal
	ok, err := s.verify(ctx, name, password, from, func(tx Tx, u *UserRecord) error {
		who = userPrincipal(u)
		session, err := begin(who, u.SessionsFrom)
		if err != nil {
			return err
		}
		return tx.PutSession(ctx, session.Hash, session.Data, session.Expires.UTC().Truncate(time.Microsecond))
	})
	if err != nil {
		return Principal{}, err
	}
	if !ok {
		return Principal{}, promfleet.Errorf(promfleet.Unauthorized, "name or password is wrong")
	}
	return who, nil
}
