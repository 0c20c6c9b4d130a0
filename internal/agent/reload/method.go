package reload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Reloader makes Prometheus read its configuration again. At most one Reload
// is in flight at a time.
type Reloader interface {
	// Reload returns nil if Prometheus says that it has reloaded. Otherwise the
	// error is one of those below, wrapped.
	Reload(ctx context.Context) error
}

// What became of a reload that did not succeed.
var (
	// ErrNotReloaded: the method does not reload at all.
	ErrNotReloaded = errors.New("nothing was reloaded")
	// ErrUnreachable: the request did not arrive. Prometheus is down, or the way
	// to it is.
	ErrUnreachable = errors.New("the reload did not reach Prometheus")
	// ErrDenied: the request was not let through; Prometheus has not read the file.
	ErrDenied = errors.New("the reload was denied")
	// ErrUnknown: there was no answer in time. Prometheus may have reloaded, may
	// be at it still, or may not.
	ErrUnknown = errors.New("it is unknown whether Prometheus has reloaded")
	// ErrRefused: Prometheus has read the file and said no. Part of it may be
	// running all the same.
	ErrRefused = errors.New("Prometheus refused the configuration")
)

// Config is what the methods need; each takes what it knows.
type Config struct {
	URL        string        // of the reload call
	Client     *http.Client  // with the credentials for it
	Unit       string        // systemd's
	PIDFile    string        // with Prometheus's process id
	Prometheus *Prometheus   // to see what came of a reload that brings no answer
	Timeout    time.Duration // of one reload
}

// methods are the known ones. Each registers itself in its own file, from init,
// so that a new method is one new file.
var methods = map[string]func(Config) (Reloader, error){}

func register(name string, build func(Config) (Reloader, error)) {
	methods[name] = build
}

// New gives the reloader of a method. An unknown name is an error that lists the
// known ones.
func New(method string, cfg Config) (Reloader, error) {
	build, ok := methods[method]
	if !ok {
		return nil, fmt.Errorf("there is no reload method %q: it is one of %s", method, strings.Join(Methods(), ", "))
	}
	return build(cfg)
}

// Methods lists the known methods, sorted.
func Methods() []string {
	names := make([]string, 0, len(methods))
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
