package agent

import (
	"net/http"
	"testing"
	"time"

	"promfleet"
)

// TestUnansweredReload: an agent that ends while a reload is under way looks what
// came of it when it is back, and asks again at once if nothing did.
func TestUnansweredReload(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		before := b.prom.counts()
		b.prom.script(answer(http.StatusGatewayTimeout, "")) // and it is lost
		b.server.want("global: {scrape_interval: 10s}\n", oneJob("h1:9100"))
		b.after(time.Second)
		b.stop()
		b.start()
		b.after(time.Second)
		same(t, before+1, b.prom.counts()) // it may be under way
		b.after(5 * time.Second)
		same(t, before+2, b.prom.counts())
		same(t, promfleet.StateInSync, b.server.last().State)
		b.stop()
	})
}
