// Package announce wakes those who wait for a node to change. An announcement
// carries no data: who hears it asks for the state. One that is lost only costs
// time, since whoever waits also looks by itself now and then.
package announce

import "sync"

// Hub wakes within one process. The zero Hub is ready for use.
type Hub struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

// Announce wakes everyone subscribed to a node. It never blocks.
func (h *Hub) Announce(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.waiting[node] {
		select {
		case c <- struct{}{}:
		default: // has been woken and not yet looked
		}
	}
}

// Subscribe gives a channel that receives after each announcement of a node;
// several may come as one. cancel ends it and must be called.
func (h *Hub) Subscribe(node string) (woken <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]map[chan struct{}]struct{}{}
	}
	if h.waiting[node] == nil {
		h.waiting[node] = map[chan struct{}]struct{}{}
	}
	h.waiting[node][c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[node], c)
		if len(h.waiting[node]) == 0 {
			delete(h.waiting, node)
		}
	}
}
