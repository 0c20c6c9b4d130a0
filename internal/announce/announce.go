// Package announce wakes those who wait for a node to change, in this process
// (Hub) and in all servers of one database (Relay). An announcement carries no
// data: who hears it asks for the state. One that is lost only costs time, since
// revisions are also looked at now and then.
package announce

import (
	"slices"
	"sync"
)

// Hub wakes within one process. The zero Hub is ready for use.
type Hub struct {
	mu      sync.Mutex
	waiting map[string]map[*waiter]struct{}
	feeds   map[*feed]struct{}
}

// waiter is one subscription.
type waiter struct {
	woken    chan struct{}
	revision int64 // that it knows
}

func (w *waiter) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // has been woken and not yet looked
	}
}

// Announce wakes everyone subscribed to a node, and puts it into all feeds. It never
// blocks.
func (h *Hub) Announce(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake(node)
	h.tell(node)
}

// Wake wakes everyone subscribed to a node. It never blocks.
func (h *Hub) Wake(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake(node)
}

// wake is Wake under the lock.
func (h *Hub) wake(node string) {
	for w := range h.waiting[node] {
		w.wake()
	}
}

// Tell puts a node into all feeds. It never blocks.
func (h *Hub) Tell(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tell(node)
}

// tell is Tell under the lock.
func (h *Hub) tell(node string) {
	for f := range h.feeds {
		f.add(node)
	}
}

// Subscribe gives a channel that receives after each announcement of a node;
// several may come as one. revision is the one that the subscriber knows; below 0, it
// does not care for revisions. cancel ends it and must be called.
func (h *Hub) Subscribe(node string, revision int64) (woken <-chan struct{}, cancel func()) {
	w := &waiter{woken: make(chan struct{}, 1), revision: revision}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]map[*waiter]struct{}{}
	}
	if h.waiting[node] == nil {
		h.waiting[node] = map[*waiter]struct{}{}
	}
	h.waiting[node][w] = struct{}{}
	return w.woken, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[node], w)
		if len(h.waiting[node]) == 0 {
			delete(h.waiting, node)
		}
	}
}

// nodes gives those that somebody waits for, sorted.
func (h *Hub) nodes() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	nodes := make([]string, 0, len(h.waiting))
	for node := range h.waiting {
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	return nodes
}

// compare wakes those subscribed to nodes who know another revision than the
// present one. A node without one is gone.
func (h *Hub) compare(nodes []string, present map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, node := range nodes {
		revision, there := present[node]
		woken := false
		for w := range h.waiting[node] {
			if w.revision >= 0 && (!there || w.revision != revision) {
				w.wake()
				woken = true
			}
		}
		if woken {
			h.tell(node)
		}
	}
}
