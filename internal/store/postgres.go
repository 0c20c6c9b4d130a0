package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"

	"promfleet/internal/fleet"
)

//go:embed migrations/postgres/*.sql
var pgMigrations embed.FS

var pgBackend = backend{
	dialect:   func() schema.Dialect { return pgdialect.New() },
	writeOpts: &sql.TxOptions{Isolation: sql.LevelSerializable},
	readOpts:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	pin:       "SELECT 1",
	rowLock:   "UPDATE",
	classify:  pgKind,
	explain:   pgExplain,
	uncertain: pgUncertain,
	patience:  pgPatience,
}

// pgPatience is longer than PostgreSQL takes to restart, and shorter than people
// and proxies wait.
const pgPatience = 10 * time.Second

// A server holds this many connections at most, and the one that listens. Writers
// have their own, so that readers cannot keep them waiting.
const (
	pgWriters = 8
	pgReaders = 12
)

// pgMinVersion is the oldest PostgreSQL that is accepted, as server_version_num.
const pgMinVersion = 13_00_00

// pgMigrationLock is the advisory lock of who migrates. It is the database's own,
// so any number will do: "promflet" in ASCII.
const pgMigrationLock = 0x70726f6d666c6574

// pgSettings are those of every session, for what the URL does not set itself.
var pgSettings = map[string]string{
	"application_name": "promfleet",
	// The caller's context ends what takes too long. These end what a server left
	// behind that died, or that hangs.
	"statement_timeout":                   "60s",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "60s",
	"tcp_keepalives_idle":                 "15",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
}

// pgFixed are settings that queries rely on.
var pgFixed = map[string]string{
	"client_encoding":             "UTF8",
	"standard_conforming_strings": "on", // a backslash in a string is one
	// UTC, by the one name that PostgreSQL knows without time zone files.
	"timezone": "GMT",
}

// OpenPostgres opens the PostgreSQL database at a postgres:// URL and migrates it.
// Any number of servers may have the same one open. What the URL does not say is
// taken from the environment variables and files that libpq knows (PGPASSWORD,
// ~/.pgpass and so on).
//
// A commit is on disk before Update returns, unless PostgreSQL's own
// configuration says otherwise.
func OpenPostgres(ctx context.Context, url string, opts Options) (_ *Store, err error) {
	cfg, err := pgConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open database %s: %w", pgName(cfg), pgExplain(err))
		}
	}()
	migrations, err := fs.Sub(pgMigrations, "migrations/postgres")
	if err != nil {
		return nil, err
	}
	// Migrations may take long, and wait long for another server's.
	patient := cfg.Copy()
	for _, timeout := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		patient.RuntimeParams[timeout] = "0"
	}
	migrator := pgPool(patient, 2) // one holds the lock
	defer func() { err = errors.Join(err, migrator.Close()) }()
	if err := pgCheck(ctx, migrator); err != nil {
		return nil, err
	}
	err = pgBackend.retry(ctx, func() error {
		return migrate(ctx, migrator, goose.DialectPostgres, migrations, func() (func() error, error) { return pgLock(ctx, migrator) })
	})
	if err != nil {
		return nil, err
	}

	writer, reader := pgPool(cfg, pgWriters), pgPool(cfg, pgReaders)
	s, err := newStore(pgBackend, writer, reader, opts)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), reader.Close())
	}
	s.listener = newListener(cfg, reader)
	return s, nil
}

// pgConfig reads a URL. Its errors do not show it, because it holds the password.
func pgConfig(url string) (*pgx.ConnConfig, error) {
	const shape = "postgres://USER:PASSWORD@HOST:PORT/DATABASE, with characters like @ : / ? # % in the password written as %40 and so on"
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("the URL does not begin with postgres://; it is " + shape)
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		var file *fs.PathError // of a certificate or a key
		if errors.As(err, &file) {
			return nil, fmt.Errorf("what the URL names cannot be read: %w", file)
		}
		return nil, errors.New("the URL cannot be read; it is " + shape)
	}
	// bun writes arguments into its queries: a prepared statement would serve once.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	for name, value := range pgSettings {
		if _, ok := cfg.RuntimeParams[name]; !ok {
			cfg.RuntimeParams[name] = value
		}
	}
	maps.Copy(cfg.RuntimeParams, pgFixed)
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	cfg.DialFunc = dialer.DialContext
	return cfg, nil
}

// pgName says which database it is, without the password.
func pgName(cfg *pgx.ConnConfig) string {
	hosts := []string{net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))}
	for _, f := range cfg.Fallbacks {
		if h := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	u := url.URL{Scheme: "postgres", User: url.User(cfg.User), Host: strings.Join(hosts, ","), Path: "/" + cfg.Database}
	return u.String()
}

func pgPool(cfg *pgx.ConnConfig, size int) *sql.DB {
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	return db
}

// pgCheck looks whether the database will do. One that is just starting is waited for.
func pgCheck(ctx context.Context, db *sql.DB) error {
	var version int
	var encoding, commit string
	var standby bool
	starting := backend{patience: pgPatience, classify: func(err error) kind {
		if pgCode(err) == "57P03" { // cannot_connect_now
			return kindLost
		}
		return kindOther
	}}
	err := starting.retry(ctx, func() error {
		return db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('synchronous_commit'), pg_is_in_recovery()").
			Scan(&version, &encoding, &commit, &standby)
	})
	switch {
	case err != nil:
		return err
	case version < pgMinVersion:
		return fmt.Errorf("this is PostgreSQL %d: version %d or later is needed", version/1_00_00, pgMinVersion/1_00_00)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: create it with ENCODING 'UTF8' TEMPLATE template0", encoding)
	case standby:
		return errors.New("this PostgreSQL is a standby and cannot be written: name the primary in the URL, or all hosts and target_session_attrs=read-write")
	case commit == "off":
		return errors.New("synchronous_commit is off, so a crash could lose changes that agents have seen: turn it on, or add synchronous_commit=on to the URL's parameters")
	}
	return nil
}

// pgLock waits for the right to migrate.
func pgLock(ctx context.Context, db *sql.DB) (unlock func() error, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(pgMigrationLock)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(pgMigrationLock))
		return errors.Join(err, conn.Close())
	}, nil
}

// pgCode gives the SQLSTATE of an error (PostgreSQL's documentation, appendix A);
// "" if it is not the server's.
func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func pgKind(err error) kind {
	switch code := pgCode(err); code {
	case "":
		return pgClientKind(err)
	case "23505": // unique_violation
		return kindUnique
	case "23503": // foreign_key_violation
		return kindForeign
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return kindBusy
	case "57P01", "57P02", "57P03", "57P05", // admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout
		"25P03", "53300": // idle_in_transaction_session_timeout, too_many_connections
		return kindLost
	default:
		if strings.HasPrefix(code, "08") { // connection_exception
			return kindLost
		}
		return kindOther
	}
}

// pgClientKind is the kind of an error that arose on our side.
func pgClientKind(err error) kind {
	var (
		certificate *tls.CertificateVerificationError
		connect     *pgconn.ConnectError
		network     net.Error
	)
	switch {
	case errors.As(err, &certificate):
		return kindOther
	case errors.As(err, &connect): // its own time-out is a context's, too
		return kindLost
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return kindOther
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, pgconn.ErrConnClosed), errors.As(err, &network),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return kindLost
	default:
		return kindOther
	}
}

// pgUncertain: if the answer is that the commit failed, it did. In all other cases
// the connection broke off before the answer came. pgconn.SafeToRetry is no help:
// in the simple protocol it holds every lost answer for a query that was not sent.
func pgUncertain(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.SeverityUnlocalized != "ERROR" // but FATAL, which ends the connection
	}
	return !errors.Is(err, pgx.ErrTxCommitRollback) && !errors.Is(err, sql.ErrTxDone)
}

func pgExplain(err error) error {
	var told *hintError
	if errors.As(err, &told) {
		return err
	}
	var hint string
	var is error
	switch code := pgCode(err); code {
	case "28P01", "28000": // invalid_password, invalid_authorization_specification
		hint = "PostgreSQL does not let this user in: check user and password, and pg_hba.conf"
	case "3D000": // invalid_catalog_name
		hint = "there is no such database: create it, with the user as its owner"
	case "42501": // insufficient_privilege
		hint = "the user lacks a right: make it the owner of the database"
	case "53100": // disk_full
		hint, is = "the disk of PostgreSQL is full: make room, then try again", fleet.ErrUnwritable
	case "58030": // io_error
		hint, is = "the disk of PostgreSQL failed to read or write: check it and the room on it", fleet.ErrUnwritable
	case "25006": // read_only_sql_transaction
		hint, is = "PostgreSQL takes no writes here: it is a standby, or default_transaction_read_only is on", fleet.ErrUnwritable
	case "XX001", "XX002": // data_corrupted, index_corrupted
		hint = "the database is damaged: restore it from a backup"
	case "57014": // query_canceled
		hint, is = "a statement took longer than its statement_timeout", context.DeadlineExceeded
	case "53300": // too_many_connections
		hint, is = "PostgreSQL has no connection left: raise its max_connections", fleet.ErrUnreachable
	default:
		var certificate *tls.CertificateVerificationError
		switch {
		case errors.As(err, &certificate):
			hint = "the certificate of PostgreSQL was not accepted: check sslmode and sslrootcert in the URL"
		case pgKind(err) == kindLost:
			hint, is = "PostgreSQL cannot be reached: check that it runs, and host and port", fleet.ErrUnreachable
		default:
			return err
		}
	}
	err = &pgFailure{err}
	if is != nil {
		err = fmt.Errorf("%w: %w", is, err)
	}
	return &hintError{hint, err}
}

// pgFailure says a driver's error in one line. A failure to connect has one for
// each address and each way that was tried, much the same.
type pgFailure struct{ err error }

func (e *pgFailure) Unwrap() error { return e.err }

func (e *pgFailure) Error() string {
	var connect *pgconn.ConnectError
	if !errors.As(e.err, &connect) {
		return e.err.Error()
	}
	var server *pgconn.PgError
	if errors.As(connect, &server) {
		return server.Error()
	}
	var network *net.OpError
	if errors.As(connect, &network) {
		return network.Error()
	}
	return strings.Join(strings.Fields(connect.Unwrap().Error()), " ")
}
