package agent

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"
)

// backoff is the pause between tries: 1 s at first, twice as long each time, 30 s
// at most, and at random up to a half less, so that a fleet does not come back to
// a restarted server in step.
type backoff struct{ last time.Duration }

const (
	firstPause = time.Second
	slowPause  = 30 * time.Second // also after an answer that says no
)

func (b *backoff) next() time.Duration {
	b.last = min(max(firstPause, 2*b.last), slowPause)
	return b.last/2 + rand.N(b.last/2+1)
}

// soon is the pause where what was asked for has changed meanwhile: 20 ms at
// first, and 2 s at most.
func (b *backoff) soon() time.Duration {
	b.last = min(max(20*time.Millisecond, 2*b.last), 2*firstPause)
	return b.last/2 + rand.N(b.last/2+1)
}

func (b *backoff) reset() { b.last = 0 }

// pause waits; an error if ctx is done first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// oneLine puts what others wrote on one line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
}

// cut shortens text to at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
