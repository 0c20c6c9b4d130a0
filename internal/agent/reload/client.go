package reload

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/config"
)

// NewHTTPClient gives the client for the calls to Prometheus, with what an
// http_config file says (basic_auth, authorization, tls_config, proxies). No file
// name: Prometheus's defaults. A file that has changed is read again before the
// next call, one that is written in place when that was a second ago; if it cannot
// be used, the one before stays in use.
func NewHTTPClient(file string, log *slog.Logger) (*http.Client, error) {
	rt := &rereading{file: file, log: log}
	if file == "" {
		client, err := config.NewClientFromConfig(config.DefaultHTTPClientConfig, clientName)
		if err != nil {
			return nil, err
		}
		rt.client = client
	} else {
		rt.seen = look(file)
		if rt.client, rt.problem = readHTTPConfig(file); rt.problem != nil {
			return nil, rt.problem
		}
	}
	return &http.Client{Transport: rt, CheckRedirect: rt.checkRedirect}, nil
}

const clientName = "promfleet_agent"

// readHTTPConfig reads an http_config. The files that it names (passwords,
// credentials, headers, certificates, keys) are read by the client, at each call.
func readHTTPConfig(file string) (*http.Client, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, fmt.Errorf("--reload.http-config-file %s: %w", file, err)
	}
	cfg := config.DefaultHTTPClientConfig
	// An empty file is an http_config that sets nothing.
	if strings.TrimSpace(string(text)) != "" {
		loaded, err := config.LoadHTTPConfig(string(text))
		if err != nil {
			return nil, fmt.Errorf("--reload.http-config-file %s: %s", file, oneLine(err.Error()))
		}
		cfg = *loaded
		cfg.SetDirectory(filepath.Dir(file))
	}
	client, err := config.NewClientFromConfig(cfg, clientName)
	if err != nil {
		return nil, fmt.Errorf("--reload.http-config-file %s: %w", file, err)
	}
	return client, nil
}

// rereading is a RoundTripper after a file.
type rereading struct {
	file string // "": none
	log  *slog.Logger

	mu      sync.Mutex
	seen    appearance // of the file, when it was read last, well or not
	client  *http.Client
	problem error // why the file as it is now is not in use
}

// appearance is what changes when a file does.
type appearance struct {
	info fs.FileInfo // nil: it cannot be looked at
	size int64
	at   time.Time
}

func look(file string) appearance {
	info, err := os.Stat(file)
	if err != nil {
		return appearance{}
	}
	return appearance{info: info, size: info.Size(), at: info.ModTime()}
}

func (a appearance) same(b appearance) bool {
	if a.info == nil || b.info == nil {
		return a.info == b.info
	}
	return a.size == b.size && a.at.Equal(b.at) && os.SameFile(a.info, b.info)
}

// writtenFor is how long a file that is written in place is left in peace.
const writtenFor = time.Second

// halfWritten tells whether somebody may be about to write more of a file: it was
// changed just now, and not by putting another in its place.
func (a appearance) halfWritten(before appearance) bool {
	if a.info == nil || before.info == nil || !os.SameFile(a.info, before.info) {
		return false
	}
	age := time.Since(a.at)
	return 0 <= age && age < writtenFor
}

func (t *rereading) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.current().Transport.RoundTrip(r)
}

func (t *rereading) checkRedirect(r *http.Request, via []*http.Request) error {
	if check := t.current().CheckRedirect; check != nil {
		return check(r, via)
	}
	const most = 10 // as of a client that says nothing about it
	if len(via) >= most {
		return fmt.Errorf("stopped after %d redirects", most)
	}
	return nil
}

// current gives the client, with the file read again if it has changed.
func (t *rereading) current() *http.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == "" {
		return t.client
	}
	// The look comes first: a change while it is read is seen at the next call.
	now := look(t.file)
	if now.same(t.seen) || now.halfWritten(t.seen) {
		return t.client
	}
	t.seen = now
	client, err := readHTTPConfig(t.file)
	t.problem = err
	if err != nil {
		t.log.Warn("the changed file cannot be used; what it said before stays in use", "err", err)
		return t.client
	}
	t.log.Info("read again", "file", t.file)
	t.client.CloseIdleConnections()
	t.client = client
	return client
}

func notAuthorized(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired
}

// WhichCredentials says, of the credentials of a client that were not accepted,
// where they come from.
func WhichCredentials(c *http.Client) string {
	t, ok := c.Transport.(*rereading)
	if !ok || t.file == "" {
		return "give them in a file with --reload.http-config-file"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.problem != nil {
		return fmt.Sprintf("they are those of before a change that cannot be used: %s", t.problem)
	}
	return "check those in " + t.file + " (--reload.http-config-file) and the files that it names"
}

// unused adds to an error that a changed file is not in use.
func unused(c *http.Client, err error) error {
	t, ok := c.Transport.(*rereading)
	if err == nil || !ok {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.problem == nil || strings.Contains(err.Error(), t.problem.Error()) { // said already
		return err
	}
	return fmt.Errorf("%w; what the http_config said before its last change was used: %w", err, t.problem)
}
