package agent

import (
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// holdback keeps a configuration that Prometheus would not have from being tried
// in a tight loop: first after one sync interval, then twice as long each time.
type holdback struct {
	hash  promfleet.Hash
	until time.Time
	pause time.Duration
}

const longestHold = 10 * time.Minute

func (h *holdback) restore(s apply.State, now time.Time, interval time.Duration) {
	if s.Refused != nil {
		h.refused(s.Refused.Hash, now, interval)
	}
}

func (h *holdback) refused(hash promfleet.Hash, now time.Time, interval time.Duration) {
	if h.hash != hash {
		h.hash, h.pause = hash, 0
	}
	h.pause = max(interval, min(2*h.pause, longestHold))
	h.until = now.Add(h.pause)
}

func (h *holdback) holds(hash promfleet.Hash, now time.Time) bool {
	return h.hash == hash && now.Before(h.until)
}

// next gives when what is held back is tried again; zero: at the next sync.
func (h *holdback) next(now time.Time) time.Time {
	if now.Before(h.until) {
		return h.until
	}
	return time.Time{}
}
