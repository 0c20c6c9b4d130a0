package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// channel is what servers on one database notify each other on.
	channel = "promfleet_nodes"
	// maxPayload is less than what PostgreSQL takes: 7999 bytes.
	maxPayload = 7900
	// silence is how long the listener's connection may say nothing before it is
	// tried, and then how long it has to answer.
	silence = 5 * time.Second
)

// listener is how a server tells the others that nodes changed, and hears of it.
type listener struct {
	cfg     *pgx.ConnConfig // of the connection that listens
	pool    *sql.DB         // to notify on
	silence time.Duration
}

func newListener(cfg *pgx.ConnConfig, pool *sql.DB) *listener {
	cfg = cfg.Copy()
	cfg.RuntimeParams["application_name"] += " listener"
	return &listener{cfg: cfg, pool: pool, silence: silence}
}

// Listen hears what Notify says, on this server and on others, until ctx ends,
// whose error it returns. wake is given the nodes that changed; nil: any may have,
// because nothing was heard for a while. So it is called first, and each time
// after the connection was lost. wake must not block.
//
// No more than a wake-up: what is said may come twice, or late, or for nodes that
// there are not. On SQLite nothing is ever heard.
func (s *Store) Listen(ctx context.Context, wake func(nodes []string)) error {
	if s.listener == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	const first, longest = 50 * time.Millisecond, 5 * time.Second
	wait, deaf := first, false
	for {
		err := s.listener.listen(ctx, func() {
			if deaf {
				s.log.Info("Listening for changes by other servers again")
			}
			wait, deaf = first, false
			wake(nil)
		}, wake)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !deaf {
			s.log.Warn("Lost the connection that listens for changes by other servers; they are seen later until it is back", "err", s.explain(err))
			deaf = true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		wait = min(2*wait, longest)
	}
}

// listen listens on one connection, until it is lost or ctx ends.
func (l *listener) listen(ctx context.Context, connected func(), wake func(nodes []string)) (err error) {
	conn, err := pgx.ConnectConfig(ctx, l.cfg)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.silence)
		defer cancel()
		_ = conn.Close(ctx) // it is lost, or no longer needed
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	connected()
	for {
		n, err := l.next(ctx, conn)
		if err != nil {
			return err
		}
		if n != nil {
			wake(nodesOf(n.Payload))
		}
	}
}

// next waits for a notification; nil if none came for a while and the connection
// still answers.
func (l *listener) next(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	quiet, cancel := context.WithTimeout(ctx, l.silence)
	defer cancel()
	n, err := conn.WaitForNotification(quiet)
	if n != nil {
		return n, nil // a lost connection shows the next time
	}
	if quiet.Err() == nil || ctx.Err() != nil {
		return nil, err
	}
	answer, cancel := context.WithTimeout(ctx, l.silence)
	defer cancel()
	return nil, conn.Ping(answer)
}

// Notify tells all servers that nodes changed. It is called after the commit and
// outside any transaction: PostgreSQL lets one notifier at a time commit.
func (s *Store) Notify(ctx context.Context, nodes []string) error {
	if s.listener == nil || len(nodes) == 0 {
		return nil
	}
	// There is nothing to be made durable, so the commit does not wait for the disk.
	const query = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, p) FROM unnest(string_to_array($2, ' ')) AS p"
	_, err := s.listener.pool.ExecContext(ctx, query, channel, strings.Join(payloads(nodes), " "))
	return s.explain(err)
}

// payloads says nodes, each once, in as few payloads as can be.
func payloads(nodes []string) []string {
	nodes = slices.Compact(slices.Sorted(slices.Values(nodes)))
	var all []string
	var b strings.Builder
	for _, n := range nodes {
		if b.Len() > 0 && b.Len()+1+len(n) > maxPayload {
			all = append(all, b.String())
			b.Reset()
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(n)
	}
	return append(all, b.String())
}

// nodesOf is the inverse; nil, which means any, of an empty payload.
func nodesOf(payload string) []string {
	if payload == "" {
		return nil
	}
	return strings.Split(payload, ",")
}
