package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"promfleet/internal/fleet"
)

// Options of a Store.
type Options struct {
	// Registerer takes the store's metrics; nil: there are none.
	Registerer prometheus.Registerer
	// Logger is told when the connection that listens is lost; nil: nobody is.
	Logger *slog.Logger
}

// backend is what differs from one database to another.
type backend struct {
	dialect func() schema.Dialect
	// writeOpts give serializable transactions, readOpts a snapshot.
	writeOpts, readOpts *sql.TxOptions
	// pin is a cheap query that fixes the snapshot of a read transaction.
	pin string
	// rowLock is how a query locks the rows that it reads; "": one writer at a time
	// has the database for itself.
	rowLock string
	// classify says what kind of failure a driver's error is.
	classify func(error) kind
	// explain adds what to do to an error that the operator has to mend.
	explain func(error) error
	// uncertain tells whether the transaction may have been committed though the
	// commit gave this error; nil: never.
	uncertain func(error) bool
	// patience is how long lost connections are tried again.
	patience time.Duration
}

// kind is what a driver's error means to us.
type kind int

const (
	kindOther   kind = iota
	kindUnique       // a unique key is taken
	kindForeign      // a row that is referred to is not there
	kindBusy         // try the transaction again
	kindLost         // the connection is gone, or there is none; try again on another
)

// Store is a fleet.Store on an SQL database.
type Store struct {
	backend
	writer, reader *bun.DB
	listener       *listener // nil: no other server shares the database
	log            *slog.Logger
}

var _ fleet.Store = (*Store)(nil)

func newStore(b backend, writer, reader *sql.DB, opts Options) (*Store, error) {
	s := &Store{backend: b, log: opts.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var hook *rowCounter
	if opts.Registerer != nil {
		var err error
		if hook, err = newRowCounter(opts.Registerer); err != nil {
			return nil, err
		}
	}
	open := func(db *sql.DB) *bun.DB {
		bdb := bun.NewDB(db, b.dialect())
		bdb.RegisterModel((*nodeTag)(nil), (*targetTag)(nil), (*nodeContact)(nil), (*jobContact)(nil))
		if hook != nil {
			bdb = bdb.WithQueryHook(hook)
		}
		return bdb
	}
	s.writer, s.reader = open(writer), open(reader)
	return s, nil
}

// View implements fleet.Store.
func (s *Store) View(ctx context.Context, fn func(fleet.Tx) error) error {
	var btx bun.Tx
	// Only the start is tried again, so that fn runs once.
	err := s.retry(ctx, func() (err error) {
		if btx, err = s.reader.BeginTx(ctx, s.readOpts); err != nil {
			return err
		}
		if _, err = btx.ExecContext(ctx, s.pin); err != nil {
			_ = btx.Rollback()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("begin to read: %w", s.explain(err))
	}
	defer func() { _ = btx.Rollback() }()
	return fn(&tx{store: s, db: btx})
}

// Update implements fleet.Store.
//
// fn runs again after a conflict with another writer, and after a loss of the
// connection before the commit. If the connection is lost while the commit is
// under way nothing is tried again, because it may have been made: the error is
// fleet.ErrUncertain.
func (s *Store) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.retry(ctx, func() error { return s.update(ctx, fn) })
}

func (s *Store) update(ctx context.Context, fn func(fleet.Tx) error) error {
	btx, err := s.writer.BeginTx(ctx, s.writeOpts)
	if err != nil {
		return fmt.Errorf("begin to write: %w", s.explain(err))
	}
	// After a commit this does nothing; it is for a failed or panicking fn.
	defer func() { _ = btx.Rollback() }()
	t := &tx{store: s, db: btx}
	err = fn(t)
	switch {
	case t.failed != nil && s.passing(t.failed):
		return t.failed // whatever fn made of it
	case err != nil:
		return err
	case t.failed != nil:
		return fmt.Errorf("commit refused, because a statement had failed: %w", t.failed)
	case ctx.Err() != nil:
		return fmt.Errorf("commit: %w", ctx.Err())
	}
	if err := btx.Commit(); err != nil {
		return s.commitFailed(ctx, err)
	}
	return nil
}

func (s *Store) commitFailed(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil: // rolled back for ctx just before
		err = ctx.Err()
	case s.uncertain != nil && s.uncertain(err):
		return fmt.Errorf("commit: %w: %w", fleet.ErrUncertain, err)
	}
	return fmt.Errorf("commit: %w", s.explain(err))
}

// passing tells whether a transaction that met this error may be run again.
func (b *backend) passing(err error) bool {
	k := b.classify(err)
	return (k == kindBusy || k == kindLost) && !errors.Is(err, fleet.ErrUncertain)
}

// retry runs attempt again as long as the database is busy and ctx lasts, and
// for a while if it cannot be reached.
func (b *backend) retry(ctx context.Context, attempt func() error) error {
	const first, longest = 2 * time.Millisecond, 200 * time.Millisecond
	var lost time.Time // since when
	for wait := first; ; wait = min(2*wait, longest) {
		err := attempt()
		if err == nil || !b.passing(err) {
			return err
		}
		state := "stayed busy"
		if b.classify(err) == kindLost {
			state = "could not be reached"
			if lost.IsZero() {
				lost = time.Now()
			} else if time.Since(lost) > b.patience {
				return err
			}
		}
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the database %s: %w: %w", state, ctx.Err(), err)
		}
	}
}

// Ping implements fleet.Store.
func (s *Store) Ping(ctx context.Context) error {
	return s.View(ctx, func(fleet.Tx) error { return nil })
}

// Close implements fleet.Store. It may be called more than once.
func (s *Store) Close() error {
	// The writer last: on SQLite the last connection checkpoints.
	return errors.Join(s.reader.Close(), s.writer.Close())
}

// tx implements fleet.Tx.
type tx struct {
	store  *Store
	db     bun.IDB
	failed error // of a statement, after which nothing may be committed
}

// fail gives the error of an operation, as fleet knows it.
func (t *tx) fail(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	op := fmt.Sprintf(format, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", op, fleet.ErrNotFound)
	}
	if t.failed != nil { // this is but a consequence
		return fmt.Errorf("%s: the transaction had failed: %w", op, t.failed)
	}
	switch t.store.classify(err) {
	case kindUnique:
		err = fmt.Errorf("%s: %w: %w", op, fleet.ErrExists, err)
	case kindForeign:
		err = fmt.Errorf("%s: what it belongs to: %w: %w", op, fleet.ErrNotFound, err)
	default:
		err = fmt.Errorf("%s: %w", op, t.store.explain(err))
	}
	t.failed = err
	return err
}

// touched is ErrNotFound if a statement changed no row.
func (t *tx) touched(res sql.Result, err error, format string, args ...any) error {
	if err == nil {
		var n int64
		if n, err = res.RowsAffected(); err == nil && n == 0 {
			err = sql.ErrNoRows
		}
	}
	return t.fail(err, format, args...)
}

// updateVersioned runs an update that is bound to a version of a row. If it
// changed nothing, the row is either of another version or not there.
func (t *tx) updateVersioned(ctx context.Context, q *bun.UpdateQuery, model any, version int64, format string, args ...any) error {
	res, err := q.Where("version = ?", version).WherePK().WhereAllWithDeleted().Exec(ctx)
	err = t.touched(res, err, format, args...)
	if !errors.Is(err, fleet.ErrNotFound) || t.failed != nil {
		return err
	}
	there, existsErr := t.db.NewSelect().Model(model).WherePK().WhereAllWithDeleted().Exists(ctx)
	if existsErr != nil {
		return t.fail(existsErr, format, args...)
	}
	if there {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), fleet.ErrVersion)
	}
	return err
}
