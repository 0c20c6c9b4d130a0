package agent

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"promfleet"
)

// TestBusyNode: where targets change faster than the agent can fetch what a
// manifest names, it asks anew at once, and names a revision to which a server
// brings along what has changed.
func TestBusyNode(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h0:9100"))
		gone := 0
		b.server.beforeFetch = func() {
			if gone++; gone <= 12 {
				clear(b.server.bodies)
				b.server.next("", oneJob(fmt.Sprintf("h%d:9100", gone)))
			}
		}
		start := time.Now()
		b.start()
		b.expect(promfleet.StateInSync)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("in sync after %v and %d manifests that were out of date", took, gone-1)
		}
		synctest.Wait()
		b.stop()
		if len(b.server.asked) < 13 {
			t.Fatalf("%d watches", len(b.server.asked))
		}
		// The manifest of revision 1 was the first that was out of date.
		for i, asked := range b.server.asked[1:13] {
			if want := int64(i); asked != want {
				t.Errorf("watch %d asks for what is newer than revision %d, want %d", i+1, asked, want)
			}
		}
	})
}
