package fleet

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"promfleet"
)

// The bounds of a password, in bytes. The least is NIST's (SP 800-63B, 5.1.1.2);
// the most only bounds the work.
const (
	MinPassword = 8
	MaxPassword = 256
)

// passwordParams are those of OWASP's Password Storage Cheat Sheet for argon2id:
// 19 MiB, two passes, one lane. A hash made with others is made anew when its user
// next logs in.
var passwordParams = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobodysHash stands in for the hash of who has none, so that a login takes as
// long: no password is known that it is of.
var nobodysHash = func() string {
	random := make([]byte, passwordParams.SaltLength+passwordParams.KeyLength)
	_, _ = rand.Read(random) // never fails
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", passwordParams.Memory, passwordParams.Iterations, passwordParams.Parallelism,
		b64.EncodeToString(random[:passwordParams.SaltLength]), b64.EncodeToString(random[passwordParams.SaltLength:]))
}()

// hashing bounds how many passwords are hashed at the same time, since each takes
// 19 MiB and a CPU. Both are the process's, and so is this.
var hashing = queue{slots: make(chan struct{}, max(2, min(4, runtime.GOMAXPROCS(0))))}

// maxQueue is how many may wait to have a password hashed: some seconds' worth.
const maxQueue = 256

// queue lets as many in as it has slots, and as many wait as maxQueue.
type queue struct {
	slots   chan struct{}
	waiting atomic.Int64
	left    atomic.Int64 // how many have left
}

// enter waits for a slot, no longer than ctx lasts; leave gives it back.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	leave = func() {
		// What a hash has used lies about until the collector comes, which takes its
		// time while there is memory to have: 200 logins at once took 370 MiB with four
		// slots. Where more are waiting it is called after every second one: 230 MiB.
		if q.waiting.Load() > 0 && q.left.Add(1)%2 == 0 {
			runtime.GC()
		}
		<-q.slots
	}
	select {
	case q.slots <- struct{}{}:
		return leave, nil
	default:
	}
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > maxQueue {
		return nil, &promfleet.Error{Code: promfleet.TooMany, Message: "too many are logging in at this moment; try again in 10s", RetryAfter: 10 * time.Second}
	}
	select {
	case q.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, storeError(ctx.Err())
	}
}

func hashPassword(ctx context.Context, password string) (string, error) {
	leave, err := hashing.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(password, &passwordParams)
}

func (f *fields) password(location, user, password string) {
	switch {
	case len(password) < MinPassword:
		f.add(location, "%d bytes are too few for a password; at least %d", len(password), MinPassword)
	case len(password) > MaxPassword:
		f.add(location, "%d bytes are too many for a password; at most %d", len(password), MaxPassword)
	case strings.EqualFold(password, user):
		f.add(location, "is the name of the user")
	}
}

// SetUserPassword gives a user a new password and ends the user's sessions, the
// caller's own too. Users who set their own, admins among them, must give the
// current one, so that an unattended browser is not enough; a wrong one counts as
// a login from that address that failed.
func (s *Service) SetUserPassword(ctx context.Context, by Principal, id int64, in promfleet.PasswordInput, from netip.Addr) error {
	user, err := s.User(ctx, id)
	if err != nil {
		return err
	}
	own := by.User == id
	var f fields
	f.password("body.password", user.Name, in.Password)
	if own && in.Current == "" {
		f.add("body.current", "is missing; who sets their own password must give the current one")
	}
	if err := f.err(); err != nil {
		return err
	}
	if own {
		ok, err := s.verify(ctx, user.Name, in.Current, from, nil)
		if err != nil {
			return err
		}
		if !ok {
			return promfleet.BadField("body.current", "is not the current password")
		}
	}
	hash, err := hashPassword(ctx, in.Password)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx Tx, _ *change) error {
		u, err := liveUser(ctx, tx, id)
		if err != nil {
			return err
		}
		return s.setPassword(ctx, tx, by, u, hash)
	})
}

// SetPassword gives the user of a name a new password, and does no more: it
// creates and enables nobody. It is for who has the database at hand.
func (s *Service) SetPassword(ctx context.Context, by Principal, name, password string) error {
	var f fields
	if f.password("password", name, password); f.err() != nil {
		return f.err()
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx Tx, _ *change) error {
		u, err := tx.UserByName(ctx, name)
		if errors.Is(err, ErrNotFound) {
			return promfleet.Errorf(promfleet.NotFound, "there is no user %q", name)
		}
		if err != nil {
			return err
		}
		return s.setPassword(ctx, tx, by, u, hash)
	})
}

// setPassword writes a new hash, ends the user's sessions and tokens, and forgets what failed
// with the password of before.
func (s *Service) setPassword(ctx context.Context, tx Tx, by Principal, u *UserRecord, hash string) error {
	u.UpdatedAt = s.now()
	s.endSessions(u)
	if err := tx.UpdateUser(ctx, u); err != nil {
		return err
	}
	if err := s.endTokens(ctx, tx, by, u.ID, ""); err != nil {
		return err
	}
	if err := tx.SetPassword(ctx, u.ID, hash, u.UpdatedAt); err != nil {
		return err
	}
	if err := tx.PutLoginFailures(ctx, nameGuard(u.Name).key, LoginFailures{}); err != nil {
		return err
	}
	return s.event(ctx, tx, by, "password", userObject(u.ID), "", nil, nil)
}
