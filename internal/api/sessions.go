package api

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/danielgtaylor/huma/v2"

	"promfleet"
	"promfleet/internal/fleet"
)

// How long a session lasts: a working day after the login, and an hour after the
// last call, which is noted once a minute.
const (
	sessionLifetime = 12 * time.Hour
	sessionIdle     = time.Hour
	sessionTouch    = time.Minute
)

// loginTimeout is how long a login may take: as long as a full queue of them does
// on a busy machine.
const loginTimeout = time.Minute

// What is kept in a session.
const (
	sessionUser  = "user"  // id
	sessionBegan = "began" // what fleet.Login gave, in microseconds since 1970
	sessionSeen  = "seen"  // when its last call was noted, likewise
)

// newSessions gives what the managers of requests have in common. scs.New would
// start a store in memory, and a goroutine with it.
func newSessions() scs.SessionManager {
	return scs.SessionManager{Lifetime: sessionLifetime, IdleTimeout: sessionIdle, Codec: scs.GobCodec{}, HashTokenInStore: true}
}

// requestSessions gives a manager for one request: its store remembers what that
// request has read and begun.
func (h *handlers) requestSessions() (*scs.SessionManager, *sessionStore) {
	m, store := h.sessions, &sessionStore{fleet: h.fleet}
	m.Store = store
	return &m, store
}

// sessionStore lets scs keep sessions in the fleet. A session that was read is
// written only if it is still the same, so that a call under way does not bring
// back what a logout has ended; a new one is written by the login itself.
type sessionStore struct {
	fleet *fleet.Service
	was   []byte // as it was read; nil if it was not
	begun fleet.NewSession
}

// FindCtx implements scs.CtxStore.
func (s *sessionStore) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	data, err := s.fleet.Session(ctx, hash)
	s.was = data
	return data, data != nil, err
}

// CommitCtx implements scs.CtxStore.
func (s *sessionStore) CommitCtx(ctx context.Context, hash string, data []byte, expires time.Time) error {
	if s.was == nil {
		s.begun = fleet.NewSession{Hash: hash, Data: data, Expires: expires}
		return nil
	}
	return s.fleet.ExtendSession(ctx, hash, s.was, data, expires)
}

// DeleteCtx implements scs.CtxStore.
func (s *sessionStore) DeleteCtx(ctx context.Context, hash string) error {
	return s.fleet.EndSession(ctx, hash)
}

// Find implements scs.Store, which scs does not call where there is a CtxStore.
func (s *sessionStore) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}

// Commit implements scs.Store.
func (s *sessionStore) Commit(hash string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, expires)
}

// Delete implements scs.Store.
func (s *sessionStore) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }

// sessionPrincipal gives the user whose session a token is of.
func (h *handlers) sessionPrincipal(ctx context.Context, token string) (fleet.Principal, error) {
	m, _ := h.requestSessions()
	ctx, err := m.Load(ctx, token)
	if err != nil {
		return fleet.Principal{}, err
	}
	// A session that has ended is of user 0, whom nobody is.
	p, err := h.fleet.SessionUser(ctx, m.GetInt64(ctx, sessionUser), time.UnixMicro(m.GetInt64(ctx, sessionBegan)))
	if err != nil {
		return fleet.Principal{}, err
	}
	if now := time.Now(); now.Sub(time.UnixMicro(m.GetInt64(ctx, sessionSeen))) >= sessionTouch {
		m.Put(ctx, sessionSeen, now.UnixMicro())
		_, _, _ = m.Commit(ctx) // who may read is not refused because a write failed
	}
	return p, nil
}

// beginSession makes a session with a token of its own.
func (h *handlers) beginSession(ctx context.Context, user int64, began time.Time) (token string, s fleet.NewSession, err error) {
	m, store := h.requestSessions()
	if ctx, err = m.Load(ctx, ""); err != nil {
		return "", s, err
	}
	m.Put(ctx, sessionUser, user)
	m.Put(ctx, sessionBegan, began.UnixMicro())
	m.Put(ctx, sessionSeen, time.Now().UnixMicro())
	token, _, err = m.Commit(ctx)
	return token, store.begun, err
}

// endSession ends the session that the caller's cookie names, if there is one.
func (h *handlers) endSession(ctx context.Context) error {
	token := requestOf(ctx).session
	if token == "" {
		return nil
	}
	m, _ := h.requestSessions()
	ctx, err := m.Load(ctx, token)
	if err != nil {
		return err
	}
	return m.Destroy(ctx)
}

// challenged is a problem that says how to authenticate, as each 401 must (RFC 9110, 15.5.2).
type challenged struct{ *Problem }

// GetHeaders implements huma.HeadersError.
func (c *challenged) GetHeaders() http.Header {
	h := c.Problem.GetHeaders()
	h.Set("WWW-Authenticate", challenge)
	return h
}

func (h *handlers) session(a huma.API) {
	const tag, path = "session", "/session"
	show := func(p fleet.Principal) promfleet.Session {
		return promfleet.Session{Actor: p.ID, Name: p.Name, Role: p.Role, User: p.User}
	}
	type login struct{ Body promfleet.Login }
	type loggedIn struct {
		Cookie string `header:"Set-Cookie" doc:"the session"`
		Body   promfleet.Session
	}
	serve(h, a, operation{id: "login", summary: "Log in: begin a session, which lasts 12 hours, and one hour without a call", method: http.MethodPost, path: path, who: public, tag: tag,
		timeout: loginTimeout, maxBody: 8 << 10, errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}},
		func(ctx context.Context, in *login) (*loggedIn, error) {
			address := requestOf(ctx).address
			var token string
			p, err := h.fleet.Login(ctx, in.Body.Name, in.Body.Password, address, func(p fleet.Principal, began time.Time) (s fleet.NewSession, err error) {
				token, s, err = h.beginSession(ctx, p.User, began)
				return s, err
			})
			if err != nil {
				if promfleet.ErrorCode(err) != promfleet.Unauthorized {
					return nil, err
				}
				// Without the name: some type their password there.
				h.logger.Info("login failed", "address", address)
				return nil, &challenged{h.problem(err)}
			}
			// The session takes the place of the caller's last one.
			return &loggedIn{Cookie: h.cookie(ctx, token), Body: show(p)}, h.endSession(ctx)
		})
	type current struct{ Body promfleet.Session }
	serve(h, a, operation{id: "get-session", summary: "Tell who the caller is", method: http.MethodGet, path: path, who: viewer, tag: tag, errors: queryErrors},
		func(ctx context.Context, _ *struct{}) (*current, error) {
			return &current{show(principal(ctx))}, nil
		})
	type loggedOut struct {
		Cookie string `header:"Set-Cookie" doc:"deletes the session's"`
	}
	serve(h, a, operation{id: "logout", summary: "Log out: end the session; of a token that is a user's: revoke it; of another token: nothing", method: http.MethodDelete, path: path, who: viewer, tag: tag, status: http.StatusNoContent, errors: queryErrors},
		func(ctx context.Context, _ *struct{}) (*loggedOut, error) {
			if principal(ctx).User == 0 { // a token
				return &loggedOut{}, h.fleet.RevokeOwnToken(ctx, principal(ctx))
			}
			return &loggedOut{Cookie: h.cookie(ctx, "")}, h.endSession(ctx)
		})
}
