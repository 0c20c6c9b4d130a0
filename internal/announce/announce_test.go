package announce_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"promfleet/internal/announce"
)

func TestOnlyTheNodesOwnSubscribersAreWoken(t *testing.T) {
	var h announce.Hub
	a, cancelA := h.Subscribe("a", 0)
	defer cancelA()
	b, cancelB := h.Subscribe("b", 0)
	h.Announce("a")
	h.Announce("a") // two before anybody looks are one
	<-a
	select {
	case <-a:
		t.Error("woken twice")
	case <-b:
		t.Error("the subscriber of another node was woken")
	default:
	}
	cancelB()
	h.Announce("b")
	select {
	case <-b:
		t.Error("woken after cancel")
	default:
	}
}

// An announcement after Subscribe is never missed, however many come and go.
func TestNoAnnouncementIsMissed(t *testing.T) {
	var h announce.Hub
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 200 {
				woken, cancel := h.Subscribe("n", 0)
				h.Announce("n")
				<-woken
				cancel()
			}
		})
	}
	wg.Wait()
}

// A feed has each node once, however often it is announced or told of, and says when
// there are more than it keeps.
func TestChanges(t *testing.T) {
	var h announce.Hub
	h.Tell("before")
	woken, take, cancel := h.Changes()
	agent, cancelAgent := h.Subscribe("b", 0)
	defer cancelAgent()
	for range 3 {
		h.Announce("a")
		h.Tell("b")
	}
	<-woken
	if nodes, more := take(); !slices.Equal(nodes, []string{"a", "b"}) || more {
		t.Errorf("%v, more %v", nodes, more)
	}
	select {
	case <-woken:
		t.Error("woken twice")
	case <-agent:
		t.Error("an agent was woken by what it does not wait for")
	default:
	}
	for i := range 2000 {
		h.Tell(fmt.Sprint(i))
	}
	<-woken
	if nodes, more := take(); len(nodes) != 1000 || !more {
		t.Errorf("%d nodes, more %v", len(nodes), more)
	}
	if nodes, more := take(); len(nodes) != 0 || more {
		t.Errorf("taken again: %v, more %v", nodes, more)
	}
	cancel()
	h.Tell("after")
	if nodes, _ := take(); len(nodes) != 0 {
		t.Errorf("after cancel: %v", nodes)
	}
}
