package agent

import (
	"context"
	"time"
)

// alone does each sync interval what can be done while the server is away: what is
// here stays, and is put right from what is here.
func (t *syncTask) alone(ctx context.Context) {
	now := time.Now()
	if now.Sub(t.synced) < t.a.opts.SyncInterval-time.Second/2 {
		return
	}
	t.synced = now
	if err := t.again(ctx, nil); err != nil && ctx.Err() == nil {
		t.a.log.Warn("cannot put the files right without the server", "err", err)
	}
}
