package announce

import (
	"maps"
	"slices"
	"sync"
)

// maxFeed bounds the nodes that a feed keeps by name.
const maxFeed = 1000

// feed gathers the nodes that are announced or told of, each once, until they are taken.
type feed struct {
	mu    sync.Mutex
	nodes map[string]struct{}
	more  bool // there were others
	woken chan struct{}
}

// Changes tells of all nodes that are announced or told of from now on: take gives
// those since the last one, sorted, and whether any other may have changed too; woken
// receives when there is something to take. cancel ends it and must be called.
func (h *Hub) Changes() (woken <-chan struct{}, take func() (nodes []string, more bool), cancel func()) {
	f := &feed{nodes: map[string]struct{}{}, woken: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.feeds == nil {
		h.feeds = map[*feed]struct{}{}
	}
	h.feeds[f] = struct{}{}
	return f.woken, f.take, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.feeds, f)
	}
}

// any says that any node may have changed.
func (h *Hub) any() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.feeds {
		f.overflow()
	}
}

func (f *feed) add(node string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.nodes[node]; !known && len(f.nodes) >= maxFeed {
		f.more = true
	} else {
		f.nodes[node] = struct{}{}
	}
	signal(f.woken)
}

func (f *feed) overflow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.more = true
	signal(f.woken)
}

func (f *feed) take() (nodes []string, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	nodes, more = slices.Sorted(maps.Keys(f.nodes)), f.more
	clear(f.nodes)
	f.more = false
	return nodes, more
}
