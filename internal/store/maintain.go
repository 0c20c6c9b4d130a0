package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// errDamaged: a database file is not as SQLite wrote it.
var errDamaged = errors.New("the database is damaged; restore it from a backup")

// Damaged tells whether an error says that a SQLite database is damaged, or none
// at all.
func Damaged(err error) bool {
	code := sqliteCode(err) & 0xff
	return errors.Is(err, errDamaged) || code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// CheckIntegrity reads a whole SQLite database and tells whether it is as it was
// written: its pages, its indexes, and that every row has what it belongs to.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	var faults []string
	if err := s.reader.NewRaw("PRAGMA integrity_check(1)").Scan(ctx, &faults); err != nil {
		return fmt.Errorf("check the database: %w", s.explain(err))
	}
	if len(faults) != 1 || faults[0] != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, faults)
	}
	var orphans []string // their tables
	if err := s.reader.NewRaw(`SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(ctx, &orphans); err != nil {
		return fmt.Errorf("check the database: %w", s.explain(err))
	}
	if len(orphans) > 0 {
		return fmt.Errorf("%w: a row of table %s belongs to one that is not there", errDamaged, orphans[0])
	}
	return nil
}

// Backup copies a SQLite database, as it is at one moment, to a new file for its
// owner only. Others may write meanwhile. It gives the size of the copy in bytes.
// The file is whole and on disk, or not there.
func (s *Store) Backup(ctx context.Context, path string) (size int64, err error) {
	// Taken now, so that a file that is there is never replaced.
	taken, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%s is there already; name a new file", path)
	}
	if err != nil {
		return 0, fmt.Errorf("create the copy: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if err := taken.Close(); err != nil {
		return 0, fmt.Errorf("create the copy: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".backup-*") // 0600; SQLite fills it, as it is empty
	if err != nil {
		return 0, fmt.Errorf("create the copy: %w", err)
	}
	defer part.Close()
	defer os.Remove(part.Name())
	if _, err := s.writer.ExecContext(ctx, "VACUUM INTO ?", part.Name()); err != nil {
		return 0, fmt.Errorf("copy the database to %s: %w", path, s.explain(err))
	}
	if err := part.Sync(); err != nil {
		return 0, fmt.Errorf("write the copy to disk: %w", err)
	}
	info, err := part.Stat()
	if err != nil {
		return 0, fmt.Errorf("read the copy: %w", err)
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return 0, fmt.Errorf("name the copy: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return 0, fmt.Errorf("write the copy to disk: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return 0, fmt.Errorf("write the copy to disk: %w", err)
	}
	return info.Size(), nil
}
