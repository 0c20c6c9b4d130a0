package agent

import (
	"context"
	"sync/atomic"
	"testing"

	"promfleet"
)

// A new Task is one new file: this one adds one.
func init() {
	addTask("probe", 15, func(*Agent) Task { return probe{} })
}

type probe struct{}

var probeInits, probeRuns atomic.Int32

func (probe) Init(context.Context) error { probeInits.Add(1); return nil }

func (probe) Run(ctx context.Context) error {
	probeRuns.Add(1)
	<-ctx.Done()
	return nil
}

func TestNewTask(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", nil)
		inits, runs := probeInits.Load(), probeRuns.Load()
		b.start()
		b.expect(promfleet.StateInSync)
		b.stop()
		same(t, inits+1, probeInits.Load())
		same(t, runs+1, probeRuns.Load())
	})
}
