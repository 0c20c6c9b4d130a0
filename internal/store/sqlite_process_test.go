package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"promfleet"
	"promfleet/internal/fleet"
)

// The child processes of the tests below are this binary again.
func TestMain(m *testing.M) {
	if path := os.Getenv("PROMFLEET_TEST_CHILD"); path != "" {
		if err := child(path, os.Getenv("PROMFLEET_TEST_WRITES")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child makes a number of changes and prints each one's revision once it is committed.
func child(path, writes string) error {
	n, err := strconv.Atoi(writes)
	if err != nil {
		return err
	}
	s, err := OpenSQLite(context.Background(), path, Options{})
	if err != nil {
		return err
	}
	for range n {
		rev, err := bump(s)
		if err != nil {
			return err
		}
		fmt.Println(rev)
	}
	return s.Close()
}

// bump is a change of several tables: it raises the revision and inserts an
// event that names it.
func bump(s *Store) (rev int64, err error) {
	ctx := context.Background()
	err = s.Update(ctx, func(tx fleet.Tx) error {
		n, err := tx.Node(ctx, testNode)
		if err != nil {
			return err
		}
		n.Hostname += "x"
		if rev, err = tx.AddRevision(ctx, testNode, promfleet.Revision{At: testTime}); err != nil {
			return err
		}
		return errors.Join(tx.UpdateNode(ctx, n), tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: testTime, Object: fmt.Sprint(rev)}}))
	})
	return rev, err
}

// checkBumps requires at least this many changes, each of them whole.
func checkBumps(t *testing.T, s *Store, least int64) int64 {
	t.Helper()
	var revision int64
	err := s.View(t.Context(), func(tx fleet.Tx) error {
		n, err := tx.Node(t.Context(), testNode)
		if err != nil {
			return err
		}
		revision = n.Revision
		events, err := tx.ListEvents(t.Context(), fleet.EventQuery{ListQuery: fleet.ListQuery{Limit: 1}})
		if err != nil {
			return err
		}
		if revision < least || int64(len(n.Hostname)) != revision || n.Version != revision+1 || events.Total != revision {
			t.Errorf("revision %d, %d events, %d edits, version %d; acknowledged: %d", revision, events.Total, len(n.Hostname), n.Version, least)
		}
		if revision > 0 && events.Items[0].Object != fmt.Sprint(revision) {
			t.Errorf("the last event is of revision %s, want %d", events.Items[0].Object, revision)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func startChild(t *testing.T, path string, writes int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROMFLEET_TEST_CHILD="+path, "PROMFLEET_TEST_WRITES="+strconv.Itoa(writes))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestSQLiteKilled: what was acknowledged is there after kill -9, and nothing is there in part.
func TestSQLiteKilled(t *testing.T) {
	path := tempDB(t)
	s := openSQLite(t, path, Options{})
	seedNode(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var acknowledged int64
	for range 20 {
		cmd, out := startChild(t, path, 1_000_000)
		for n := rand.IntN(40); n >= 0 && out.Scan(); n-- {
			if n == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			acknowledged = scanned(t, out)
		}
		for out.Scan() { // what it said before it died
			acknowledged = scanned(t, out)
		}
		_ = cmd.Wait()
		s := openSQLite(t, path, Options{})
		checkBumps(t, s, acknowledged)
		var verdict string
		if err := s.writer.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("integrity_check: %q, %v", verdict, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d changes acknowledged over 20 kills", acknowledged)
}

func scanned(t *testing.T, out *bufio.Scanner) int64 {
	t.Helper()
	n, err := strconv.ParseInt(out.Text(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSQLiteTwoProcesses: two processes write to one file, and none loses a change.
func TestSQLiteTwoProcesses(t *testing.T) {
	const each = 100
	path := tempDB(t)
	s := openSQLite(t, path, Options{})
	seedNode(t, s)
	cmd, out := startChild(t, path, each)
	for range each {
		if _, err := bump(s); err != nil {
			t.Fatal(err)
		}
	}
	for out.Scan() {
		scanned(t, out)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := checkBumps(t, s, 2*each); got != 2*each {
		t.Errorf("revision %d, want %d", got, 2*each)
	}
}

// TestSQLiteMigratedOnce: several processes may find an empty file at once.
func TestSQLiteMigratedOnce(t *testing.T) {
	path := tempDB(t)
	var cmds []*exec.Cmd
	for range 4 {
		cmd, _ := startChild(t, path, 0)
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	seedNode(t, openSQLite(t, path, Options{}))
}
