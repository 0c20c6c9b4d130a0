package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"promfleet/internal/fleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/store/storetest"
)

func openPostgres(t testing.TB, url string, opts Options) *Store {
	t.Helper()
	s, err := OpenPostgres(context.Background(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestPostgres(t *testing.T) {
	server := pgtest.Start(t)
	databases := &emptyDatabases{server: server}
	storetest.Run(t, func(t *testing.T) fleet.Store {
		url := databases.take(t)
		return &borrowed{Store: openPostgres(t, url, Options{}), url: url, to: databases}
	})
	t.Run("MigratedOnce", func(t *testing.T) { testPostgresMigratedOnce(t, server) })
	t.Run("Session", func(t *testing.T) { testPostgresSession(t, server) })
	t.Run("TwoServers", func(t *testing.T) { testPostgresTwoServers(t, server) })
	t.Run("Failures", func(t *testing.T) { testPostgresFailures(t, server) })
}

// emptyDatabases makes databases, and empties those that are given back, which
// costs much less.
type emptyDatabases struct {
	server *pgtest.Server
	free   []string // URLs
}

func (e *emptyDatabases) take(t testing.TB) string {
	t.Helper()
	if len(e.free) == 0 {
		return e.server.Database(t)
	}
	url := e.free[len(e.free)-1]
	e.free = e.free[:len(e.free)-1]
	cfg, err := pgConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db := pgPool(cfg, 1)
	// The ids go on: they are not used again in a real database either.
	_, err = db.ExecContext(t.Context(), `DO $$
		DECLARE r record;
		BEGIN
			SET LOCAL session_replication_role = replica; -- in any order
			FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version' LOOP
				EXECUTE format('DELETE FROM %I', r.tablename);
			END LOOP;
		END $$`)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// borrowed gives its database back when it is closed.
type borrowed struct {
	*Store
	url  string
	to   *emptyDatabases
	once sync.Once
}

func (b *borrowed) Close() error {
	err := b.Store.Close()
	b.once.Do(func() { b.to.free = append(b.to.free, b.url) })
	return err
}

// testPostgresMigratedOnce: several servers may find an empty database at once.
func testPostgresMigratedOnce(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	const servers = 8
	stores := make([]*Store, servers)
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			var err error
			if stores[i], err = OpenPostgres(t.Context(), url, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	seedNode(t, stores[0])
	for _, s := range stores {
		checkBumps(t, s, 0)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// testPostgresSession: what the queries and the contract rely on.
func testPostgresSession(t *testing.T, server *pgtest.Server) {
	dbURL := server.Database(t)
	with := func(params string) *Store { return openPostgres(t, dbURL+"?"+params, Options{}) }
	value := func(db interface {
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}, query string) string {
		t.Helper()
		var v string
		if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	check := func(s *Store, want map[string]string) {
		t.Helper()
		for name, w := range want {
			for _, db := range []*sql.DB{s.writer.DB, s.reader.DB} {
				if got := value(db, "SELECT current_setting('"+name+"')"); got != w {
					t.Errorf("%s is %q, want %q", name, got, w)
				}
			}
		}
	}
	check(with(""), map[string]string{
		"application_name": "promfleet", "client_encoding": "UTF8", "timezone": "GMT", "standard_conforming_strings": "on",
		"statement_timeout": "1min", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min",
	})
	check(with("application_name=mine&statement_timeout=5s&timezone=Asia/Shanghai&standard_conforming_strings=off"), map[string]string{
		"application_name": "mine", "statement_timeout": "5s", "timezone": "GMT", "standard_conforming_strings": "on",
	})

	s := with("")
	isolation := func(want string) func(fleet.Tx) error {
		return func(ftx fleet.Tx) error {
			const query = "SELECT current_setting('transaction_isolation') || ', read only ' || current_setting('transaction_read_only')"
			if got := value(ftx.(*tx).db, query); got != want {
				t.Errorf("a transaction is %q, want %q", got, want)
			}
			return nil
		}
	}
	if err := errors.Join(s.Update(t.Context(), isolation("serializable, read only off")), s.View(t.Context(), isolation("repeatable read, read only on"))); err != nil {
		t.Error(err)
	}
	// Nothing is prepared: no statement comes twice.
	seedNode(t, s)
	if _, err := bump(s); err != nil {
		t.Error(err)
	}
	for _, db := range []*sql.DB{s.writer.DB, s.reader.DB} {
		if got := value(db, "SELECT count(*)::text FROM pg_prepared_statements"); got != "0" {
			t.Errorf("%s prepared statements", got)
		}
	}
}

// testPostgresTwoServers: writers of two servers change one row, and lose nothing.
func testPostgresTwoServers(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	servers := []*Store{openPostgres(t, url, Options{}), openPostgres(t, url, Options{})}
	seedNode(t, servers[0])
	const writers, each = 4, 25 // of each server
	var wg sync.WaitGroup
	for _, s := range servers {
		for range writers {
			wg.Go(func() {
				for range each {
					if _, err := bump(s); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	const all = 2 * writers * each
	if got := checkBumps(t, servers[0], all); got != all {
		t.Errorf("revision %d, want %d", got, all)
	}
}
