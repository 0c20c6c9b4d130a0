package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// migrate brings the schema up to this binary's. A schema that is up to date is
// only read, without the lock, so that a second process can open it at any time.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, migrations fs.FS, lock func() (unlock func() error, err error)) (err error) {
	p, err := goose.NewProvider(dialect, db, migrations, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version

	// On a new database the table is missing and this fails; what else may be
	// wrong with the database shows again below.
	var current sql.NullInt64
	const query = "SELECT MAX(version_id) FROM " + goose.DefaultTablename + " WHERE is_applied"
	if err := db.QueryRowContext(ctx, query).Scan(&current); err == nil && current.Int64 == newest {
		return nil
	}

	unlock, err := lock()
	if err != nil {
		return fmt.Errorf("lock the database to migrate it: %w", err)
	}
	defer func() {
		if uerr := unlock(); uerr != nil && err == nil {
			err = fmt.Errorf("unlock the database after migrating it: %w", uerr)
		}
	}()
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if have > newest {
		return fmt.Errorf("the database has schema version %d and this promfleet knows versions up to %d: run the newer promfleet, or restore a backup from before the upgrade", have, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database to schema version %d: %w", newest, err)
	}
	return nil
}
