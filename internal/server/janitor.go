package server

import (
	"context"
	"log/slog"
	"time"

	"promfleet/internal/fleet"
)

// tidyEvery is how often what has had its time is deleted. Several servers on one
// database each do it; the second finds nothing left.
const tidyEvery = time.Hour

// janitor deletes sessions that have ended, and events older than retention, at
// once and then every hour, until ctx ends. retention 0 keeps all events.
func janitor(ctx context.Context, f *fleet.Service, retention time.Duration, logger *slog.Logger) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		var before time.Time
		if retention > 0 {
			before = time.Now().Add(-retention)
		}
		if err := f.Tidy(ctx, before); err != nil && ctx.Err() == nil {
			logger.Warn("old events and sessions were not deleted; this is tried again within the hour", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
