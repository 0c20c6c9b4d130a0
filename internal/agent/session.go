package agent

import (
	"context"
	"sync"
	"time"

	"promfleet/client"
)

// session hands the registered client from the register task to the others, and
// back when the server no longer knows its credential.
type session struct {
	mu     sync.Mutex
	client *client.Client // nil: not registered
	got    chan struct{}  // closed once there is a client
	lost   chan struct{}  // closed once there is none again
}

func newSession() *session {
	return &session{got: make(chan struct{}), lost: make(chan struct{})}
}

// set gives the others a client.
func (s *session) set(c *client.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
	s.lost = make(chan struct{})
	close(s.got)
}

// lose takes a client back. That of an earlier registration is gone already.
func (s *session) lose(c *client.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil || s.client != c {
		return
	}
	s.client = nil
	s.got = make(chan struct{})
	close(s.lost)
}

// wait gives the client as soon as there is one.
func (s *session) wait(ctx context.Context) (*client.Client, error) {
	for {
		s.mu.Lock()
		c, got := s.client, s.got
		s.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-got:
		}
	}
}

// lostC is closed when the present client is lost.
func (s *session) lostC() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// waitFor is wait for a time; nil: there is none yet.
func (s *session) waitFor(ctx context.Context, d time.Duration) *client.Client {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	c, err := s.wait(ctx)
	if err != nil {
		return nil
	}
	return c
}
