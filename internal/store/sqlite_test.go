package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
	"promfleet/internal/store/storetest"
)

func openSQLite(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	s, err := OpenSQLite(context.Background(), path, opts)
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

func tempDB(t testing.TB) string { return filepath.Join(t.TempDir(), "promfleet.db") }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) fleet.Store { return openSQLite(t, tempDB(t), Options{}) })
}

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const testNode = "00000000-0000-4000-8000-000000000001"

// seedNode makes a node with one job.
func seedNode(t testing.TB, s *Store) (job int64) {
	t.Helper()
	j := &fleet.JobRecord{Job: promfleet.Job{Node: testNode, Key: "k", JobName: "k", CreatedAt: testTime, UpdatedAt: testTime, Version: 1}}
	err := s.Update(t.Context(), func(tx fleet.Tx) error {
		n := &fleet.NodeRecord{Node: promfleet.Node{UUID: testNode, CreatedAt: testTime, UpdatedAt: testTime, Version: 1}}
		return errors.Join(tx.InsertNode(t.Context(), n), tx.InsertJob(t.Context(), j))
	})
	if err != nil {
		t.Fatal(err)
	}
	return j.ID
}

// TestSQLiteBusy: a database that another process holds is waited for, as long as ctx lasts.
func TestSQLiteBusy(t *testing.T) {
	path := tempDB(t)
	s := openSQLite(t, path, Options{})
	seedNode(t, s)
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = s.Update(short, func(fleet.Tx) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: %v", err)
	}
	checkBumps(t, s, 0) // it can be read

	done := make(chan error)
	go func() {
		_, err := bump(s)
		done <- err
	}()
	// Longer than SQLite itself waits.
	held, cancelHeld := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancelHeld()
	select {
	case err := <-done:
		t.Fatalf("the update did not wait: %v", err)
	case <-held.Done():
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatalf("after it was released: %v", err)
	}
	checkBumps(t, s, 1)
}

func TestSQLiteNewerSchema(t *testing.T) {
	path := tempDB(t)
	s := openSQLite(t, path, Options{})
	if _, err := s.writer.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSQLite(t.Context(), path, Options{})
	if err == nil || !strings.Contains(err.Error(), "schema version 99") || !strings.Contains(err.Error(), path) {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestSQLitePragmas(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "query_only": "0"} {
		var got string
		if err := s.writer.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("PRAGMA %s is %q, want %q (%v)", pragma, got, want, err)
		}
	}
	var got string
	if err := s.reader.QueryRow("PRAGMA query_only").Scan(&got); err != nil || got != "1" {
		t.Errorf("readers can write: %q, %v", got, err)
	}
}

// TestSQLiteFiles: the files are their owner's only, and any path will do.
func TestSQLiteFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a dir? with #50% & '北京'")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := openSQLite(t, filepath.Join(dir, "promfleet.db"), Options{})
	seedNode(t, s)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name())
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if want := []string{"promfleet.db", "promfleet.db-shm", "promfleet.db-wal", "promfleet.db.lock"}; !slices.Equal(names, want) {
		t.Errorf("files: %q, want %q", names, want)
	}
}

// TestSQLiteFailures: what the operator has to mend is said in one line, with what to do.
func TestSQLiteFailures(t *testing.T) {
	open := func(path string) error {
		s, err := OpenSQLite(t.Context(), path, Options{})
		if err == nil {
			err = errors.Join(errors.New("it opened"), s.Close())
		}
		return err
	}
	want := func(what string, err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want it to say %q", what, err, w)
			}
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %q", what, err)
		}
	}

	missing := filepath.Join(t.TempDir(), "none", "promfleet.db")
	want("no directory", open(missing), missing, "no such file or directory")

	garbage := tempDB(t)
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	want("not a database", open(garbage), garbage, "restore it from a backup")

	// The second half is overwritten.
	damaged := tempDB(t)
	s := openSQLite(t, damaged, Options{})
	job := seedNode(t, s)
	insertMany(t, s, job, 2000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(body) / 2; i < len(body); i++ {
		body[i] = 0xa5
	}
	if err := os.WriteFile(damaged, body, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openSQLite(t, damaged, Options{})
	want("damaged", s.View(t.Context(), func(tx fleet.Tx) error {
		_, err := tx.ListTargets(t.Context(), fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 1000, Sort: "-id", Q: "x"}})
		return err
	}), "restore it from a backup")

	full := openSQLite(t, tempDB(t), Options{})
	job = seedNode(t, full)
	if _, err := full.writer.Exec("PRAGMA max_page_count = 60"); err != nil {
		t.Fatal(err)
	}
	err = full.Update(t.Context(), func(tx fleet.Tx) error { return tx.InsertTargets(t.Context(), manyTargets(job, 2000)) })
	want("full", err, "the disk is full", "insert")
	if !errors.Is(err, fleet.ErrUnwritable) {
		t.Errorf("a full disk is not ErrUnwritable: %v", err)
	}
	checkBumps(t, full, 0) // it goes on

	readOnly := tempDB(t)
	ro := openSQLite(t, readOnly, Options{})
	if _, err := ro.writer.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	_, err = bump(ro)
	want("not writable", err, "the database cannot be written")
}

func manyTargets(job int64, n int) []*fleet.TargetRecord {
	targets := make([]*fleet.TargetRecord, n)
	for i := range targets {
		r := &fleet.TargetRecord{Target: promfleet.Target{
			Job: job, Addr: fmt.Sprintf("10.%d.%d.%d:9100", i>>16, i>>8&255, i&255), Labels: map[string]string{"env": "prod", "rack": fmt.Sprint(i % 400)},
			CreatedAt: testTime, UpdatedAt: testTime, Version: 1,
		}}
		sum := sha256.Sum256([]byte(r.Addr))
		copy(r.Split[:], sum[:])
		targets[i] = r
	}
	return targets
}

func insertMany(t testing.TB, s *Store, job int64, n int) []*fleet.TargetRecord {
	t.Helper()
	targets := manyTargets(job, n)
	if err := s.Update(t.Context(), func(tx fleet.Tx) error { return tx.InsertTargets(t.Context(), targets) }); err != nil {
		t.Fatal(err)
	}
	return targets
}
