// Package server wires the control plane together: store, fleet, API, metrics
// and the web server. It decides nothing.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"

	"promfleet/internal/announce"
	"promfleet/internal/api"
	"promfleet/internal/fleet"
	"promfleet/internal/secret"
	"promfleet/internal/store"
)

// Options say where a server keeps its data and where it listens.
type Options struct {
	StoragePath     string   // directory, created 0700 if missing
	ListenAddresses []string // host:port; port 0 for a free one
	WebConfigFile   string   // of exporter-toolkit; "" for plain HTTP
	Version         string
}

// Server is a control plane that listens already and serves in Run.
type Server struct {
	listeners []net.Listener
	http      *http.Server
	web       *web.FlagConfig
	data      io.Closer
	logger    *slog.Logger
	release   context.CancelFunc // ends the requests that are held
}

// Close and shutdown are bounded: held requests end at once, others get this long.
const shutdownTimeout = 10 * time.Second

// New opens the data and listens.
func New(ctx context.Context, o Options, logger *slog.Logger) (_ *Server, err error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), version.NewCollector("promfleet"))
	f, data, err := openFleet(ctx, o.StoragePath, reg)
	if err != nil {
		return nil, err
	}
	s := &Server{data: data, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	held, release := context.WithCancel(context.Background())
	s.release = release
	handler, err := s.handler(held, f, o.Version, reg)
	if err != nil {
		return nil, err
	}
	for _, addr := range o.ListenAddresses {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w; hint: choose another with --web.listen-address", addr, cause(err))
		}
		s.listeners = append(s.listeners, l)
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	s.web = &web.FlagConfig{WebListenAddresses: &o.ListenAddresses, WebSystemdSocket: new(bool), WebConfigFile: &o.WebConfigFile}
	return s, nil
}

// cause gives the end of a network error: the address has been said.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func (s *Server) handler(held context.Context, f *fleet.Service, version string, reg *prometheus.Registry) (http.Handler, error) {
	reg.MustRegister(newStateCollector(f, s.logger))
	apiHandler, err := api.New(held, f, version, s.logger)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", apiHandler)
	mux.Handle("/docs", apiHandler)
	mux.Handle("/docs/", apiHandler)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelError)}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "promfleet is healthy.")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, r *http.Request) {
		if err := f.Ping(r.Context()); err != nil {
			s.logger.Error("not ready", "err", err)
			http.Error(w, "The database does not answer.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "promfleet is ready.")
	})
	mux.Handle("GET /{$}", http.RedirectHandler("/docs/", http.StatusFound))
	return instrument(reg, gzhttp.GzipHandler(mux)), nil
}

// Addrs gives the addresses that the server listens on.
func (s *Server) Addrs() []string {
	addrs := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr().String()
	}
	return addrs
}

// Run serves until ctx ends, then ends what is under way and closes everything.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- web.ServeMultiple(s.listeners, s.http, s.web, s.logger) }()
	var err error
	select {
	case <-ctx.Done():
		s.logger.Info("shutting down")
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	s.release()
	bounded, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(err, s.http.Shutdown(bounded), s.Close())
}

// Close closes everything, in reverse order. It may be called more than once.
func (s *Server) Close() error {
	var errs []error
	if s.release != nil {
		s.release()
	}
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.data != nil {
		errs = append(errs, s.data.Close())
		s.data = nil
	}
	return errors.Join(errs...)
}

// OpenFleet opens the fleet that is kept in a directory, for commands that work
// on the database itself. A server may be running on it.
func OpenFleet(ctx context.Context, storagePath string) (*fleet.Service, io.Closer, error) {
	return openFleet(ctx, storagePath, nil)
}

func openFleet(ctx context.Context, dir string, reg prometheus.Registerer) (*fleet.Service, io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("create the storage directory %s: %w; hint: choose another with --storage.path", dir, err)
	}
	db := filepath.Join(dir, "promfleet.db")
	_, err := os.Stat(db)
	fresh := errors.Is(err, fs.ErrNotExist)
	box, err := secret.LoadBox(filepath.Join(dir, "secret.key"), fresh)
	if err != nil {
		return nil, nil, fmt.Errorf("%w; hint: restore the key that the database in %s was made with", err, dir)
	}
	st, err := store.OpenSQLite(ctx, db, store.Options{Registerer: reg})
	if err != nil {
		return nil, nil, err
	}
	return fleet.New(st, box, &announce.Hub{}, time.Now), st, nil
}
