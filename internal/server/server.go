// Package server wires the control plane together: store, fleet, API, metrics
// and the web server. It decides nothing.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/exporter-toolkit/web"

	"promfleet/internal/fleet"
)

// Options say where a server keeps its data, where it listens and what it is called.
type Options struct {
	StoragePath     string   // directory for the SQLite database and the secret key, created 0700 if missing
	StorageURL      string   // of a PostgreSQL database, instead of SQLite; it may hold a password
	StorageKeyFile  string   // the secret key; "" for secret.key in StoragePath
	ListenAddresses []string // host:port; port 0 for a free one
	WebConfigFile   string   // of exporter-toolkit; "" for plain HTTP
	// ExternalURL is where users reach the server; its path is the one that the
	// server serves below. nil: at the root of what it listens on.
	ExternalURL *url.URL
	// TrustedProxies are those whose word on the caller's address is taken.
	TrustedProxies  []netip.Prefix
	EventsRetention time.Duration // 0 keeps all events
	Notices         io.Writer     // gets the first password; nil: nobody does
	Version         string
}

// Server is a control plane that listens already and serves in Run.
type Server struct {
	listeners []net.Listener
	http      *http.Server
	web       *web.FlagConfig
	data      io.Closer
	tasks     []func(context.Context) // run beside serving
	logger    *slog.Logger
	release   context.CancelFunc // ends the requests that are held
}

// Close and shutdown are bounded: held requests end at once, others get this long.
const shutdownTimeout = 10 * time.Second

// New opens the data and listens.
func New(ctx context.Context, o Options, logger *slog.Logger) (_ *Server, err error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), version.NewCollector("promfleet"))
	f, data, relay, err := openFleet(ctx, o, reg, logger)
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
	handler, err := newHandler(held, f, o, reg, logger)
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
	if relay != nil {
		s.tasks = append(s.tasks, relay.Run)
	}
	s.tasks = append(s.tasks, func(ctx context.Context) { janitor(ctx, f, o.EventsRetention, logger) })
	if err := firstAdmin(ctx, f, o.Notices); err != nil {
		return nil, err
	}
	return s, nil
}

// firstAdmin tells the password of the user that a server on an empty database
// creates. It goes past the log, which others may read and which is kept.
func firstAdmin(ctx context.Context, f *fleet.Service, notices io.Writer) error {
	password, created, err := f.FirstAdmin(ctx)
	if err != nil {
		return fmt.Errorf("create the first user: %w", err)
	}
	if !created || notices == nil {
		return nil
	}
	_, err = fmt.Fprintf(notices, "user admin was created; the password, shown this once: %s\n", password)
	if err != nil {
		return fmt.Errorf("show the password of user admin: %w; hint: set another with promfleet admin user set-password admin", err)
	}
	return nil
}

// cause gives the end of a network error: the address has been said.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
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
	// The tasks outlast the requests: the last writes are announced too.
	background, end := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	for _, task := range s.tasks {
		tasks.Go(func() { task(background) })
	}
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
	err = errors.Join(err, s.http.Shutdown(bounded))
	end()
	tasks.Wait()
	return errors.Join(err, s.Close())
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
