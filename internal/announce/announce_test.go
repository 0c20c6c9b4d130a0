package announce_test

import (
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
