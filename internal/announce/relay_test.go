package announce_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"promfleet/internal/announce"
)

// cluster is the database of several servers: revisions, and a bus that can be
// made to lose, to refuse and to break.
type cluster struct {
	mu        sync.Mutex
	revisions map[string]int64
	asked     int // for revisions
	listeners map[chan struct{}]func([]string)
	sent      [][]string
	lossy     bool
	failing   int // times
}

func newCluster() *cluster {
	return &cluster{revisions: map[string]int64{}, listeners: map[chan struct{}]func([]string){}}
}

var errBus = errors.New("the bus is down")

func (c *cluster) Notify(_ context.Context, nodes []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing > 0 {
		c.failing--
		return errBus
	}
	c.sent = append(c.sent, nodes)
	if !c.lossy {
		for _, wake := range c.listeners {
			wake(nodes)
		}
	}
	return nil
}

func (c *cluster) Listen(ctx context.Context, wake func([]string)) error {
	broken := make(chan struct{})
	c.mu.Lock()
	c.listeners[broken] = wake
	c.mu.Unlock()
	wake(nil)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.listeners, broken)
	}()
	select {
	case <-broken:
		return errBus
	case <-ctx.Done():
		return nil
	}
}

func (c *cluster) breakListeners() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for broken := range c.listeners {
		close(broken)
		delete(c.listeners, broken)
	}
}

func (c *cluster) present(_ context.Context, nodes []string) (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	out := map[string]int64{}
	for _, n := range nodes {
		if rev, ok := c.revisions[n]; ok {
			out[n] = rev
		}
	}
	return out, nil
}

// raise is a write: it gives the node its next revision.
func (c *cluster) raise(node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revisions[node]++
}

// server runs a Relay until the test's end.
func (c *cluster) server(t *testing.T) *announce.Relay {
	r := announce.NewRelay(c, c.present, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	synctest.Wait()
	return r
}

// woken says whether a subscriber is woken within a time, which is the bubble's.
func woken(c <-chan struct{}, within time.Duration) (after time.Duration, ok bool) {
	start := time.Now()
	select {
	case <-c:
		return time.Since(start), true
	case <-time.After(within):
		return 0, false
	}
}

const pollEvery = 5 * time.Second

func TestOtherServersAreWokenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := c.server(t), c.server(t)
		here, cancelHere := a.Subscribe("n", 0)
		defer cancelHere()
		there, cancelThere := b.Subscribe("n", 0)
		defer cancelThere()
		c.raise("n")
		a.Announce("n")
		for server, sub := range map[string]<-chan struct{}{"the same": here, "another": there} {
			if after, ok := woken(sub, time.Second); !ok || after > 0 {
				t.Errorf("a subscriber at %s server was woken: %v, after %v", server, ok, after)
			}
		}
	})
}

func TestALostNotificationCostsOnePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.lossy = true
		a, b := c.server(t), c.server(t)
		changed, cancelChanged := b.Subscribe("changed", 0)
		defer cancelChanged()
		gone, cancelGone := b.Subscribe("gone", 0) // it has no revision
		defer cancelGone()
		c.raise("same")
		same, cancelSame := b.Subscribe("same", 1)
		defer cancelSame()
		c.raise("changed")
		a.Announce("changed")
		for name, sub := range map[string]<-chan struct{}{"changed": changed, "gone": gone} {
			if _, ok := woken(sub, pollEvery+time.Millisecond); !ok {
				t.Errorf("a subscriber of the node %q was not woken", name)
			}
		}
		if _, ok := woken(same, 10*pollEvery); ok {
			t.Error("a subscriber of a node that is as it was has been woken")
		}
	})
}

// A listener that was away finds what it missed as soon as it is back, and wakes
// no others.
func TestABrokenListenerMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		b := c.server(t)
		for _, n := range []string{"changed", "same"} {
			c.raise(n)
		}
		changed, cancelChanged := b.Subscribe("changed", 1)
		defer cancelChanged()
		same, cancelSame := b.Subscribe("same", 1)
		defer cancelSame()
		c.breakListeners()
		c.raise("changed")
		if after, ok := woken(changed, time.Minute); !ok || after > time.Second {
			t.Errorf("woken: %v, after %v", ok, after)
		}
		if _, ok := woken(same, time.Minute); ok {
			t.Error("a subscriber of a node that is as it was has been woken")
		}
	})
}

func TestABurstIsFewNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := c.server(t), c.server(t)
		var subs []<-chan struct{}
		for i := range 100 {
			sub, cancel := b.Subscribe(fmt.Sprint(i), 0)
			t.Cleanup(cancel)
			subs = append(subs, sub)
		}
		start := time.Now()
		for i := range 10_000 {
			a.Announce(fmt.Sprint(i % 100))
			if i%100 == 99 {
				time.Sleep(200 * time.Microsecond)
			}
		}
		took := time.Since(start)
		for i, sub := range subs {
			if _, ok := woken(sub, time.Second); !ok {
				t.Errorf("the subscriber of node %d was not woken", i)
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if most := int(took/(5*time.Millisecond)) + 2; len(c.sent) > most {
			t.Errorf("10,000 announcements in %v were %d notifications, want %d at most", took, len(c.sent), most)
		}
		for _, nodes := range c.sent {
			if len(nodes) > 100 || !slices.IsSorted(nodes) {
				t.Errorf("a notification names %d nodes: %v", len(nodes), nodes)
			}
		}
	})
}

func TestWhatCannotBeSentIsSentLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.failing = 5
		a := c.server(t)
		a.Announce("x")
		synctest.Wait()
		a.Announce("y")
		time.Sleep(time.Minute)
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.sent) != 1 || !slices.Equal(c.sent[0], []string{"x", "y"}) {
			t.Errorf("sent %v", c.sent)
		}
	})
}

// What was announced just before the end is sent, even if a send is under way
// that fails; and nothing is left running, or the bubble would not end.
func TestTheLastAnnouncementIsSent(t *testing.T) {
	for _, failing := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster()
			c.failing = failing
			r := announce.NewRelay(c, c.present, slog.New(slog.DiscardHandler))
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { r.Run(ctx) })
			synctest.Wait()
			r.Announce("x")
			r.Announce("y")
			stop()
			running.Wait()
			told := map[string]bool{}
			for _, nodes := range c.sent {
				for _, n := range nodes {
					told[n] = true
				}
			}
			if !maps.Equal(told, map[string]bool{"x": true, "y": true}) {
				t.Errorf("told %v", told)
			}
		})
	}
}

// Many who wait are asked about together.
func TestOnePollAsksAboutMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		b := c.server(t)
		for i := range 2500 {
			_, cancel := b.Subscribe(fmt.Sprint(i), 0)
			t.Cleanup(cancel)
		}
		c.mu.Lock()
		before := c.asked
		c.mu.Unlock()
		time.Sleep(pollEvery)
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if n := c.asked - before; n != 3 {
			t.Errorf("a poll of 2,500 nodes asked %d times, want 3", n)
		}
	})
}

// What is told of a node at one server is in the feeds of all, and wakes no agent.
func TestOtherServersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := c.server(t), c.server(t)
		agent, cancelAgent := b.Subscribe("n", 0)
		defer cancelAgent()
		feed, take, cancel := b.Changes()
		defer cancel()
		a.Tell("n")
		if _, ok := woken(feed, time.Second); !ok {
			t.Fatal("the other server was not told")
		}
		if nodes, more := take(); !slices.Equal(nodes, []string{"n"}) || more {
			t.Errorf("%v, more %v", nodes, more)
		}
		if _, ok := woken(agent, 0); ok {
			t.Error("the node's agent was woken")
		}
		// After it was deaf, any node may have changed.
		c.breakListeners()
		if _, ok := woken(feed, time.Second); !ok {
			t.Fatal("not woken after the listener broke")
		}
		if _, more := take(); !more {
			t.Error("what may have been missed is not said")
		}
	})
}

// Whoever waits for a node is woken at all servers without a word to those who follow
// changes; and who does not care for revisions is not woken by them.
func TestOtherServersAreOnlyWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		a, b := c.server(t), c.server(t)
		agent, cancelAgent := b.Subscribe("n", -1)
		defer cancelAgent()
		feed, _, cancel := b.Changes()
		defer cancel()
		woken(feed, time.Second) // it has begun to hear
		a.Wake("n")
		if _, ok := woken(agent, time.Second); !ok {
			t.Error("not woken")
		}
		if _, ok := woken(agent, time.Minute); ok {
			t.Error("woken by a revision")
		}
		if _, ok := woken(feed, 0); ok {
			t.Error("those who follow changes are told")
		}
	})
}
