package announce

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bus carries announcements between the servers of one database.
type Bus interface {
	// Notify tells every server that listens, this one too, that nodes changed.
	Notify(ctx context.Context, nodes []string) error
	// Listen calls wake for what servers notify, until ctx ends. It calls it with
	// nil when it begins to hear, and whenever it may have missed something: any
	// node may have changed then.
	Listen(ctx context.Context, wake func(nodes []string)) error
}

// Revisions gives the present revisions of nodes; those that are gone are missing.
type Revisions func(ctx context.Context, nodes []string) (map[string]int64, error)

const (
	// gather is how long announcements are collected behind one that was sent.
	gather = 5 * time.Millisecond
	// pollEvery bounds what a lost announcement costs.
	pollEvery = 5 * time.Second
	// pollChunk bounds the nodes of one question for revisions.
	pollChunk = 1000
	// A bus that fails is tried again after firstRetry, then longer, up to lastRetry.
	firstRetry, lastRetry = 100 * time.Millisecond, 5 * time.Second
	// sendTimeout bounds one announcement: a connection may have died unnoticed.
	sendTimeout = 5 * time.Second
	// lastSend bounds the announcement of what was left when a Relay ends.
	lastSend = time.Second
)

// Relay wakes those who wait at this server at once, and those at other servers
// through a Bus.
type Relay struct {
	hub       Hub
	bus       Bus
	revisions Revisions
	logger    *slog.Logger

	mu     sync.Mutex
	unsent map[string]struct{} // a set: no larger than the fleet
	queued chan struct{}       // something is unsent
	asked  chan struct{}       // revisions are to be looked at now
}

// NewRelay makes a Relay. What it announces before Run is sent then.
func NewRelay(bus Bus, revisions Revisions, logger *slog.Logger) *Relay {
	return &Relay{bus: bus, revisions: revisions, logger: logger, unsent: map[string]struct{}{},
		queued: make(chan struct{}, 1), asked: make(chan struct{}, 1)}
}

// Announce wakes everyone subscribed to a node, at other servers soon after. It
// never blocks.
func (r *Relay) Announce(node string) {
	r.hub.Announce(node)
	r.queue([]string{node})
}

// A mark stands before a node on the bus that was told of, not announced, as its agent
// waits for nothing; and before one of which somebody is only to be woken. Servers that
// do not know it know no such node.
const toldMark, wokenMark = "~", "?"

// Wake wakes everyone subscribed to a node, at other servers soon after, and no feed.
// It never blocks.
func (r *Relay) Wake(node string) {
	r.hub.Wake(node)
	r.queue([]string{wokenMark + node})
}

// Tell puts a node into all feeds, at other servers soon after. It never blocks.
func (r *Relay) Tell(node string) {
	r.hub.Tell(node)
	r.queue([]string{toldMark + node})
}

// Changes is that of Hub, of the nodes that any server announces or tells of.
func (r *Relay) Changes() (woken <-chan struct{}, take func() (nodes []string, more bool), cancel func()) {
	return r.hub.Changes()
}

// Subscribe gives a channel that receives after each announcement of a node at
// any server, and when the node is seen to have another revision than this or to
// be gone. cancel ends it and must be called.
func (r *Relay) Subscribe(node string, revision int64) (woken <-chan struct{}, cancel func()) {
	return r.hub.Subscribe(node, revision)
}

// Run carries announcements until ctx ends, and then sends what is left.
func (r *Relay) Run(ctx context.Context) {
	var tasks sync.WaitGroup
	tasks.Go(func() { r.notify(ctx) })
	tasks.Go(func() { r.listen(ctx) })
	tasks.Go(func() { r.poll(ctx) })
	tasks.Wait()
}

func (r *Relay) queue(nodes []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range nodes {
		r.unsent[n] = struct{}{}
	}
	signal(r.queued)
}

// take empties the queue.
func (r *Relay) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	nodes := slices.Sorted(maps.Keys(r.unsent))
	clear(r.unsent)
	return nodes
}

// notify sends what is queued: at once after a while without any, else what came
// together within gather.
func (r *Relay) notify(ctx context.Context) {
	pause := gather
	for {
		select {
		case <-r.queued:
		case <-ctx.Done():
			if err := r.send(context.WithoutCancel(ctx), lastSend); err != nil {
				r.logger.Warn("other servers were not told of the last changes; they find them by themselves", "err", err)
			}
			return
		}
		switch err := r.send(ctx, sendTimeout); {
		case err == nil:
			if pause > gather {
				r.logger.Info("other servers are told of changes again")
			}
			pause = gather
		case pause == gather:
			pause = firstRetry
			if ctx.Err() == nil {
				r.logger.Warn("other servers cannot be told of changes; they find them within seconds by themselves", "err", err)
			}
		default:
			pause = min(2*pause, lastRetry)
		}
		wait(ctx, pause)
	}
}

// send announces what is queued. What could not be sent stays in the queue.
func (r *Relay) send(ctx context.Context, timeout time.Duration) error {
	nodes := r.take()
	if len(nodes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := r.bus.Notify(ctx, nodes)
	if err != nil {
		r.queue(nodes)
	}
	return err
}

func (r *Relay) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.bus.Listen(ctx, r.heard); err != nil && ctx.Err() == nil {
			r.logger.Warn("changes at other servers are not heard of; they are found within seconds", "err", err)
		}
		wait(ctx, firstRetry)
	}
}

// heard wakes those who wait for nodes. Where any node may have changed, waking
// all would make each ask for its state: asking for the revisions is cheaper.
func (r *Relay) heard(nodes []string) {
	if nodes == nil {
		signal(r.asked)
		r.hub.any()
	}
	for _, n := range nodes {
		if told, ok := strings.CutPrefix(n, toldMark); ok {
			r.hub.Tell(told)
		} else if woken, ok := strings.CutPrefix(n, wokenMark); ok {
			r.hub.Wake(woken)
		} else {
			r.hub.Announce(n)
		}
	}
}

// poll looks at the revisions of all nodes that somebody waits for.
func (r *Relay) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for blind := false; ; {
		select {
		case <-tick.C:
		case <-r.asked:
		case <-ctx.Done():
			return
		}
		err := r.look(ctx)
		if err != nil && !blind && ctx.Err() == nil {
			r.logger.Warn("revisions cannot be looked at; those who wait are woken later", "err", err)
		}
		blind = err != nil
	}
}

func (r *Relay) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	for nodes := range slices.Chunk(r.hub.nodes(), pollChunk) {
		present, err := r.revisions(ctx, nodes)
		if err != nil {
			return err
		}
		r.hub.compare(nodes, present)
	}
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it stands already
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
