package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet/internal/announce"
	"promfleet/internal/fleet"
	"promfleet/internal/secret"
	"promfleet/internal/store"
)

// database is the file of the SQLite database.
func (o Options) database() string { return filepath.Join(o.StoragePath, "promfleet.db") }

// KeyFile is the file of the secret key.
func (o Options) KeyFile() string {
	if o.StorageKeyFile != "" {
		return o.StorageKeyFile
	}
	return filepath.Join(o.StoragePath, "secret.key")
}

// Database names the database, without its password.
func (o Options) Database() string {
	if o.StorageURL == "" {
		return o.database()
	}
	u, err := url.Parse(o.StorageURL)
	if err != nil {
		return "PostgreSQL"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}

// OpenFleet opens the fleet of a server with these options, for commands that work
// on the database itself. Servers may be running on it.
func OpenFleet(ctx context.Context, o Options) (*fleet.Service, *store.Store, error) {
	f, st, _, err := openFleet(ctx, o, nil, slog.New(slog.DiscardHandler))
	return f, st, err
}

// openFleet opens a fleet. The Relay is nil where this server is alone.
func openFleet(ctx context.Context, o Options, reg prometheus.Registerer, logger *slog.Logger) (_ *fleet.Service, _ *store.Store, _ *announce.Relay, err error) {
	st, err := openStore(ctx, o, store.Options{Registerer: reg, Logger: logger})
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.Close())
		}
	}()
	box, err := loadKey(ctx, o, st)
	if err != nil {
		return nil, nil, nil, err
	}
	var relay *announce.Relay
	var hub fleet.Announcer = &announce.Hub{}
	if o.StorageURL != "" {
		relay = announce.NewRelay(st, revisionsOf(st), logger)
		hub = relay
	}
	f := fleet.New(st, box, hub, time.Now)
	if err := f.CheckKey(ctx); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", o.KeyFile(), err)
	}
	return f, st, relay, nil
}

func openStore(ctx context.Context, o Options, so store.Options) (*store.Store, error) {
	if o.StorageURL == "" || o.StorageKeyFile == "" {
		if err := os.MkdirAll(o.StoragePath, 0o700); err != nil {
			return nil, fmt.Errorf("create the storage directory %s: %w; hint: choose another with --storage.path", o.StoragePath, err)
		}
	}
	if o.StorageURL != "" {
		return store.OpenPostgres(ctx, o.StorageURL, so)
	}
	return store.OpenSQLite(ctx, o.database(), so)
}

// loadKey reads the secret key. A new one is made only as long as nothing was
// sealed with another.
func loadKey(ctx context.Context, o Options, st fleet.Store) (*secret.Box, error) {
	fresh, err := fleet.Fresh(ctx, st)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.Database(), err)
	}
	box, err := secret.LoadBox(o.KeyFile(), fresh)
	if errors.Is(err, fs.ErrNotExist) && !fresh {
		return nil, fmt.Errorf("%w; hint: %s was made with a key; copy it here from another server of that database, or from its backup", err, o.Database())
	}
	return box, err
}

func revisionsOf(st fleet.Store) announce.Revisions {
	return func(ctx context.Context, nodes []string) (revisions map[string]int64, err error) {
		err = st.View(ctx, func(tx fleet.Tx) error {
			revisions, err = tx.RevisionsOf(ctx, nodes)
			return err
		})
		return revisions, err
	}
}
