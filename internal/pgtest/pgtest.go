// Package pgtest starts a real PostgreSQL for a test, because only a real one
// conflicts, restarts and drops connections as they do. Each server is the
// test's own: in its temporary directory, on 127.0.0.1 only, ended with it.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Superuser is who the URLs of a Server log in as.
const Superuser = "postgres"

// An Option of Start.
type Option func(*Server)

// Durable makes PostgreSQL write to the disk as in production. Without it a
// commit is as atomic and as visible, and survives a kill of PostgreSQL, but
// not a loss of power.
func Durable() Option { return func(s *Server) { s.durable = true } }

// Server is a running PostgreSQL.
type Server struct {
	bin, dir  string
	password  string
	port      int
	durable   bool
	process   *process
	databases atomic.Int64
}

// Start starts a PostgreSQL with the programs of the directory that
// PROMFLEET_POSTGRES_BIN names; without one the test fails. It is stopped at the
// end of the test, and its log is shown if that failed.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	const env = "PROMFLEET_POSTGRES_BIN"
	bin := os.Getenv(env)
	if bin == "" {
		t.Fatalf("%s is not set: run the tests with make test, which builds what they need", env)
	}
	s := &Server{bin: bin, dir: t.TempDir(), password: rand.Text()}
	for _, opt := range opts {
		opt(s)
	}
	s.init(t)
	t.Cleanup(func() {
		if s.process != nil {
			s.process.end(t, immediate)
		}
		if t.Failed() {
			t.Logf("the end of PostgreSQL's log:\n%s", s.logTail())
		}
	})
	// Between the look for a free port and its use another process may take it.
	const attempts = 3
	for range attempts {
		s.port = freePort(t)
		if s.run(t) {
			return s
		}
	}
	t.Fatalf("PostgreSQL did not start:\n%s", s.logTail())
	return nil
}

// Restart is pg_ctl restart -m fast: sessions are broken off, and their
// transactions rolled back. It returns when connections are accepted again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	if !s.run(t) {
		t.Fatalf("PostgreSQL did not start again:\n%s", s.logTail())
	}
}

// Stop is pg_ctl stop -m fast. Restart starts it again.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process != nil {
		s.process.end(t, fast)
		s.process = nil
	}
}

// Database creates an empty database and gives its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	// Copied as files: less is written than through the log.
	s.Exec(t, "CREATE DATABASE "+name+" STRATEGY file_copy")
	return s.url(name)
}

func (s *Server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(Superuser, s.password), Host: s.Addr(), Path: database}
	return u.String()
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Exec runs a statement as administrator, in a database of their own.
func (s *Server) Exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	s.admin(t, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, statement, args...)
		return err
	})
}

// Query is Exec for a query; it gives the first column of the rows as text.
func (s *Server) Query(t testing.TB, query string, args ...any) []string {
	t.Helper()
	var column []string
	s.admin(t, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, query, append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
		if err != nil {
			return err
		}
		column, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) { return string(row.RawValues()[0]), nil })
		return err
	})
	return column
}

func (s *Server) admin(t testing.TB, fn func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	c, err := pgx.Connect(ctx, s.url(Superuser))
	if err != nil {
		t.Fatal(err)
	}
	if err := fn(ctx, c); err != nil {
		t.Error(err)
	}
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// bound is far beyond how long anything here is expected to take.
const bound = 60 * time.Second

// freePort gives a port below those that Linux gives to outgoing connections by
// default, so that none of them takes it while the server restarts.
func freePort(t testing.TB) int {
	t.Helper()
	const from, to, attempts = 20000, 32768, 100
	var err error
	for range attempts {
		port := from + mathrand.IntN(to-from)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			if err = l.Close(); err == nil {
				return port
			}
		}
	}
	t.Fatalf("no free port: %v", err)
	return 0
}

func (s *Server) data() string    { return filepath.Join(s.dir, "data") }
func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

func (s *Server) logTail() string {
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	const most = 4000
	return string(b[max(0, len(b)-most):])
}
