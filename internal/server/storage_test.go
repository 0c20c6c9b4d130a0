package server_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/server"
)

// atOnce makes servers at the same time.
func atOnce(t *testing.T, options ...server.Options) []error {
	t.Helper()
	errs := make([]error, len(options))
	var wg sync.WaitGroup
	for i, o := range options {
		wg.Go(func() {
			o.ListenAddresses = []string{"127.0.0.1:0"}
			s, err := server.New(t.Context(), o, slog.New(slog.DiscardHandler))
			if err == nil {
				err = s.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

// Of servers that start at once on an empty database, each with a key of its own,
// one stays: what the others sealed, it could not read.
func TestServersWithDifferentKeys(t *testing.T) {
	db := pgtest.Start(t)
	for range 3 {
		url := db.Database(t)
		var options []server.Options
		for range 3 {
			options = append(options, server.Options{StoragePath: t.TempDir(), StorageURL: url})
		}
		started := 0
		for i, err := range atOnce(t, options...) {
			switch {
			case err == nil:
				started++
			case !strings.Contains(err.Error(), options[i].StoragePath) || !strings.Contains(err.Error(), "secret key"):
				t.Errorf("a server that is refused says: %v", err)
			}
		}
		if started != 1 {
			t.Errorf("%d servers started, each with another key", started)
		}
	}
}

// With one key all start, and one of them creates the user admin.
func TestServersWithOneKey(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	key := filepath.Join(t.TempDir(), "secret.key")
	notices := make([]bytes.Buffer, 3)
	var options []server.Options
	for i := range notices {
		options = append(options, server.Options{StorageURL: url, StorageKeyFile: key, Notices: &notices[i]})
	}
	if err := errors.Join(atOnce(t, options...)...); err != nil {
		t.Fatal(err)
	}
	var told int
	for i := range notices {
		told += strings.Count(notices[i].String(), "user admin was created")
	}
	if told != 1 {
		t.Errorf("%d servers say that they created the user admin", told)
	}
}

// A server without its database says that it is not ready, and is again when the
// database is back.
func TestReadyFollowsTheDatabase(t *testing.T) {
	db := pgtest.Start(t)
	s := startOn(t, server.Options{StoragePath: t.TempDir(), StorageURL: db.Database(t)})
	ready := func() int {
		status, _, _ := s.call(http.MethodGet, "/-/ready", "")
		return status
	}
	if st := ready(); st != http.StatusOK {
		t.Errorf("ready: %d", st)
	}
	db.Stop(t)
	if st := ready(); st != http.StatusServiceUnavailable {
		t.Errorf("ready without a database: %d", st)
	}
	if st, _, _ := s.call(http.MethodGet, "/-/healthy", ""); st != http.StatusOK {
		t.Errorf("healthy without a database: %d", st)
	}
	db.Restart(t)
	if st := ready(); st != http.StatusOK {
		t.Errorf("ready with the database back: %d", st)
	}
}

func TestOldEventsGo(t *testing.T) {
	for _, keep := range []bool{true, false} {
		o := server.Options{StoragePath: t.TempDir()}
		newToken(t, o, promfleet.RoleViewer)
		if !keep {
			o.EventsRetention = time.Microsecond
		}
		s := startOn(t, o)
		for bound := time.After(time.Minute); ; {
			page, err := s.Events().List(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if page.Total == 0 || keep && page.Total > 0 {
				break
			}
			select {
			case <-bound:
				t.Fatalf("%d events are left", page.Total)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}
