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
	// Wake is Announce of what is no change of the node, and no news to those who
	// follow Changes.
	Wake(node string)
	// Subscribe gives a channel that receives after each announcement, and when the
	// node is seen to have another revision than this, or to be gone; below 0, only
	// after announcements. cancel ends it.
	Subscribe(node string, revision int64) (woken <-chan struct{}, cancel func())
	// Tell says that there is something new of a node that its agent does not wait
	// for. It is called after commit and must not block.
	Tell(node string)
	// Changes tells of all nodes that are announced or told of from now on: take
	// gives those since the last one, sorted, and whether any other may have changed
	// too; woken receives when there is something to take. cancel ends it.
	Changes() (woken <-chan struct{}, take func() (nodes []string, more bool), cancel func())
}

// Service is the fleet. Its methods may be called concurrently; the errors they
// return are *promfleet.Error where a user can do something about it.
type Service struct {
	store  Store
	box    *secret.Box
	hub    Announcer
	now    func() time.Time
	bodies *lru.Cache[promfleet.Hash, []byte]

	preview *promfleet.Preview // not nil: nothing is written, this says what would be
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
	ID   string // for events, as token/12
	Name string // for people
	Role promfleet.Role
	Node string // uuid, if it is an agent
	User int64  // id, if it is a user

	OwnToken int64 // id of the token that it calls with, if that is a user's

	reverts int64 // the event that it is undoing
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

// change collects what a transaction did.
type change struct {
	raised map[string]int64 // nodes whose revision rose, and to what
	gone   []string         // nodes that were deleted
	told   map[string]bool  // nodes that there is something new of
}

// telling notes which nodes the events of a transaction are of.
type telling struct {
	Tx
	c *change
}

// InsertEvent implements Tx.
func (t telling) InsertEvent(ctx context.Context, e *EventRecord) error {
	if e.Node != "" {
		t.c.told[e.Node] = true
	}
	return t.Tx.InsertEvent(ctx, e)
}

// errPreviewed rolls a transaction back of which a preview was made.
var errPreviewed = errors.New("previewed")

// attempts is how often a write is tried that collides with one at the same time:
// fn looks for collisions first, so the next try says what is in the way.
const attempts = 3

// update runs fn in a transaction and wakes the agents of changed nodes after commit.
func (s *Service) update(ctx context.Context, fn func(tx Tx, c *change) error) error {
	var c change
	var err error
	for range attempts {
		err = s.store.Update(ctx, func(tx Tx) error {
			c = change{raised: map[string]int64{}, told: map[string]bool{}}
			if err := fn(telling{tx, &c}, &c); err != nil || s.preview == nil {
				return err
			}
			if err := s.previewed(ctx, tx, &c); err != nil {
				return err
			}
			return errPreviewed
		})
		if !errors.Is(err, ErrExists) || promfleet.ErrorCode(err) != promfleet.Internal {
			break
		}
	}
	if errors.Is(err, errPreviewed) {
		return nil
	}
	if err != nil {
		return storeError(err)
	}
	for n := range c.raised {
		s.hub.Announce(n)
	}
	for _, n := range c.gone {
		s.hub.Announce(n)
	}
	for n := range c.told {
		if _, announced := c.raised[n]; !announced {
			s.hub.Tell(n)
		}
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
	case errors.Is(err, ErrUnreachable):
		return &promfleet.Error{Code: promfleet.Unavailable, Err: err,
			Message: "the server cannot reach its database, nothing was changed; try again (the server's log has the cause)"}
	case errors.Is(err, ErrUncertain):
		return &promfleet.Error{Code: promfleet.Unavailable, Err: err,
			Message: "the server lost its database while it made the change, which may or may not have been made; read it again before you try again"}
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
	return s.insertEvent(ctx, tx, by, EventRecord{Event: promfleet.Event{Action: action, Object: object, Node: node}}, before, after)
}

// insertEvent writes e with what is left to say of it.
func (s *Service) insertEvent(ctx context.Context, tx Tx, by Principal, e EventRecord, before, after any) error {
	e.At, e.Actor, e.ActorName = s.now(), by.ID, by.Name
	if by.reverts != 0 {
		e.Action, e.Reverts = "revert", by.reverts
	}
	for _, side := range []struct {
		from any
		to   *json.RawMessage
	}{{before, &e.Before}, {after, &e.After}} {
		if side.from == nil {
			continue
		}
		b, err := marshal(side.from)
		if err != nil {
			return fmt.Errorf("event of %s: %w", e.Object, err)
		}
		*side.to = b
	}
	return tx.InsertEvent(ctx, &e)
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
