package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"promfleet/internal/fleet"
)

// lockPoll is how often a process looks whether another has done its migration.
const lockPoll = 50 * time.Millisecond

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

var sqliteBackend = backend{
	dialect:   func() schema.Dialect { return sqlitedialect.New() },
	writeOpts: &sql.TxOptions{}, // BEGIN IMMEDIATE, by the writer's data source name
	readOpts:  &sql.TxOptions{ReadOnly: true},
	pin:       "SELECT 1 FROM sqlite_schema LIMIT 1",
	classify:  sqliteKind,
	explain:   sqliteExplain,
}

// OpenSQLite opens the database file at path, which is created if it is not
// there, and migrates it. Other processes may have the same file open.
//
// A commit is on disk before Update returns (WAL, synchronous=FULL). There is
// one connection that writes, so that writers of this process queue in order
// instead of polling for SQLite's lock, and there are many that read.
func OpenSQLite(ctx context.Context, path string, opts Options) (_ *Store, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open database %s: %w", path, sqliteExplain(err))
		}
	}()
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	// Locks that another open and close of the file in this process does not
	// drop. Where there are none (it is not Linux), SQLite's usual ones serve.
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return nil, err
	}
	// As SQLite is built everywhere else; a commit costs half, and is as durable.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, err
	}

	writer, err := sql.Open("sqlite", sqliteDSN(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(1000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)", "temp_store(MEMORY)", "journal_size_limit(67108864)"},
	}))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", sqliteDSN(path, url.Values{
		"_txlock": {"deferred"}, "_query_only": {"1"},
		"_pragma": {"busy_timeout(1000)", "cache_size(-16384)", "temp_store(MEMORY)"},
	}))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)

	s, err := newStore(sqliteBackend, writer, reader, opts)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), reader.Close())
	}
	migrations, err := fs.Sub(sqliteMigrations, "migrations/sqlite")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	lock := func() (func() error, error) {
		l := flock.New(path+".lock", flock.SetPermissions(0o600))
		if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
			return nil, err
		}
		return l.Unlock, nil
	}
	err = s.retry(ctx, func() error { return migrate(ctx, writer, goose.DialectSQLite3, migrations, lock) })
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// createPrivate makes the file, if it is not there, for its owner only; SQLite
// gives the files beside it the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// sqliteDSN is a URI, so that any character may be in the path.
func sqliteDSN(path string, params url.Values) string {
	params.Set("_dqs", "0")       // a mistyped column is an error, not a string
	params.Set("_defensive", "1") // SQL cannot damage the file
	params.Set("_error_rc", "1")  // no message of another operation
	return (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String()
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return sqlite3.SQLITE_OK
}

func sqliteKind(err error) kind {
	switch code := sqliteCode(err); {
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return kindUnique
	case code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return kindForeign
	case code&0xff == sqlite3.SQLITE_BUSY:
		return kindBusy
	default:
		return kindOther
	}
}

func sqliteExplain(err error) error {
	var hint string
	code := sqliteCode(err) & 0xff
	switch code {
	case sqlite3.SQLITE_FULL:
		hint = "the disk is full: make room, then try again"
	case sqlite3.SQLITE_READONLY:
		hint = "the database cannot be written: check the rights of its file and directory, and that the file system is not mounted read-only"
	case sqlite3.SQLITE_CANTOPEN:
		hint = "the database cannot be opened: check the rights of its file and directory"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		hint = "the database file is damaged or none of ours: restore it from a backup"
	case sqlite3.SQLITE_IOERR:
		hint = "the disk failed to read or write: check it and the room on it"
	default:
		return err
	}
	if code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_READONLY || code == sqlite3.SQLITE_IOERR {
		err = fmt.Errorf("%w: %w", fleet.ErrUnwritable, err)
	}
	return &hintError{hint, err}
}

// hintError says what to do about an error, once.
type hintError struct {
	hint string
	err  error
}

func (e *hintError) Error() string { return e.hint + " (" + e.err.Error() + ")" }
func (e *hintError) Unwrap() error { return e.err }
