package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"promfleet"
	"promfleet/internal/secret"
)

// Announcer wakes those who wait for a node.
type Announcer interface {
	// Announce says that a node changed. It is called after commit and must not block.
	Announce(node string)
	// Subscribe gives a channel that receives after each announcement; cancel ends it.
	Subscribe(node string) (woken <-chan struct{}, cancel func())
}

// Service is the fleet. Its methods may be called concurrently; the errors they
// return are *promfleet.Error where a user can do something about it.
type Service struct {
	store  Store
	box    *secret.Box
	hub    Announcer
	now    func() time.Time
	bodies *lru.Cache[promfleet.Hash, []byte]
}

// cachedPieces bounds the cache of rendered pieces: at about 50 KB each, 25 MB.
const cachedPieces = 512

// New makes a Service. now is the clock.
func New(store Store, box *secret.Box, hub Announcer, now func() time.Time) *Service {
	bodies, err := lru.New[promfleet.Hash, []byte](cachedPieces)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Service{store: store, box: box, hub: hub, bodies: bodies,
		now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }}
}

// Ping says whether the store answers.
func (s *Service) Ping(ctx context.Context) error { return s.store.Ping(ctx) }

// Principal is an authenticated caller.
type Principal struct {
	Name string // for events, as token:ci
	Role promfleet.Role
	Node string // uuid, if it is an agent
}

// Match is the condition of an If-Match header: the record's version must be
// among these. An empty Match always holds.
type Match []int64

func (m Match) check(version int64) error {
	if len(m) == 0 || slices.Contains(m, version) {
		return nil
	}
	return promfleet.Errorf(promfleet.Stale, "it was changed since it was read; read it again and apply the change to that")
}

// change collects what is to be done after commit.
type change struct {
	nodes []string // whose revision rose
}

// update runs fn in a transaction and wakes the agents of changed nodes after commit.
func (s *Service) update(ctx context.Context, fn func(tx Tx, c *change) error) error {
	var c change
	err := s.store.Update(ctx, func(tx Tx) error {
		c = change{}
		return fn(tx, &c)
	})
	if err != nil {
		return storeError(err)
	}
	for _, n := range c.nodes {
		s.hub.Announce(n)
	}
	return nil
}

func (s *Service) view(ctx context.Context, fn func(tx Tx) error) error {
	return storeError(s.store.View(ctx, fn))
}

// storeError translates the errors of a Store that no method has put in better words.
func storeError(err error) error {
	var e *promfleet.Error
	switch {
	case err == nil || errors.As(err, &e):
		return err
	case errors.Is(err, ErrNotFound):
		return &promfleet.Error{Code: promfleet.NotFound, Message: "there is no such record", Err: err}
	case errors.Is(err, ErrVersion):
		return &promfleet.Error{Code: promfleet.Stale, Message: "it was changed by someone else just now; read it again", Err: err}
	case errors.Is(err, ErrExists):
		return &promfleet.Error{Code: promfleet.Conflict, Message: "it collides with a record that was created just now; read it again", Err: err}
	case errors.Is(err, ErrUnwritable):
		return &promfleet.Error{Code: promfleet.Unavailable, Err: err,
			Message: "the server cannot write to its database, nothing was changed; make room on its disk (the server's log has the cause), then try again"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &promfleet.Error{Code: promfleet.Unavailable, Message: "it took too long; try again", Err: err}
	default:
		return err
	}
}

// found puts a missing record in words.
func found[T any](v T, err error, what string, id any) (T, error) {
	if errors.Is(err, ErrNotFound) {
		err = promfleet.Errorf(promfleet.NotFound, "there is no %s %v", what, id)
	}
	return v, err
}

// event records a write. before and after are what the API shows; nil where there is none.
func (s *Service) event(ctx context.Context, tx Tx, by Principal, action, object, node string, before, after any) error {
	e := &promfleet.Event{At: s.now(), Actor: by.Name, Action: action, Object: object, Node: node}
	for _, side := range []struct {
		from any
		to   *json.RawMessage
	}{{before, &e.Before}, {after, &e.After}} {
		if side.from == nil {
			continue
		}
		b, err := marshal(side.from)
		if err != nil {
			return fmt.Errorf("event of %s: %w", object, err)
		}
		*side.to = b
	}
	return tx.InsertEvent(ctx, e)
}

// convert makes a page of another type.
func convert[A, B any](p promfleet.Page[A], f func(A) (B, error)) (promfleet.Page[B], error) {
	out := promfleet.Page[B]{Items: make([]B, 0, len(p.Items)), NextCursor: p.NextCursor, Total: p.Total}
	for _, a := range p.Items {
		b, err := f(a)
		if err != nil {
			return promfleet.Page[B]{}, err
		}
		out.Items = append(out.Items, b)
	}
	return out, nil
}
