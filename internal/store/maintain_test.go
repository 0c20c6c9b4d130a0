package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"promfleet/internal/fleet"
)

func TestBackup(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	job := seedNode(t, s)
	dir := t.TempDir()
	path := filepath.Join(dir, "copy's %.db")
	size, err := s.Backup(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != size || info.Mode() != 0o600 {
		t.Errorf("%v, error %v, said to have %d bytes", info, err, size)
	}
	if _, err := s.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second time: %v", err)
	}
	if _, err := s.Backup(t.Context(), filepath.Join(dir, "none", "copy.db")); err == nil {
		t.Error("in a directory that is not there: no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, error %v", left, err)
	}
	restored := openSQLite(t, path, Options{})
	if err := restored.CheckIntegrity(t.Context()); err != nil {
		t.Error(err)
	}
	err = restored.View(t.Context(), func(tx fleet.Tx) error {
		_, err := tx.Job(t.Context(), job)
		return err
	})
	if err != nil {
		t.Errorf("the copy lacks a job: %v", err)
	}
}

func TestDamage(t *testing.T) {
	path := tempDB(t)
	s := openSQLite(t, path, Options{})
	seedNode(t, s)
	if err := s.CheckIntegrity(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.ExecContext(t.Context(), "PRAGMA foreign_keys(0)"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.ExecContext(t.Context(), "DELETE FROM nodes"); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckIntegrity(t.Context()); !Damaged(err) || !strings.Contains(err.Error(), "jobs") {
		t.Errorf("a job without its node: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The last pages are of tables or indexes; what was zeroed is not what they say.
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[len(b)/2:])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = OpenSQLite(t.Context(), path, Options{})
	if err == nil {
		err = s.CheckIntegrity(t.Context())
		defer s.Close()
	}
	if !Damaged(err) {
		t.Errorf("half of the file is zero: %v", err)
	}
	none := tempDB(t)
	if err := os.WriteFile(none, []byte(strings.Repeat("this is no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), none, Options{}); !Damaged(err) {
		t.Errorf("no database: %v", err)
	}
}
