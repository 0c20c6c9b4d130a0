package reload

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"promfleet/internal/agent/reload/reloadtest"
)

// replace writes a file anew, as editors and config managers do.
func replace(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// fronted gives the http method through an nginx, and what sees through it too.
func fronted(t *testing.T, n *reloadtest.Nginx, httpConfig string) (Reloader, *Prometheus) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	client, err := NewHTTPClient(httpConfig, log)
	if err != nil {
		t.Fatal(err)
	}
	prom, err := NewPrometheus(n.URL, client, log)
	if err != nil {
		t.Fatal(err)
	}
	return newMethod(t, "http", Config{URL: n.URL + "/-/reload", Client: client, Timeout: 30 * time.Second}), prom
}

// TestBasicAuth: through a real nginx that wants a password, which changes, in the
// file that the http_config names and in the http_config itself.
func TestBasicAuth(t *testing.T) {
	p, _ := newReal(t, "PROMFLEET_PROMETHEUS_DEBIAN", "--web.enable-lifecycle")
	n := reloadtest.StartNginx(t, p.URL, reloadtest.Front{User: "agent", Password: "one"})
	dir := t.TempDir()
	httpConfig, password := filepath.Join(dir, "http.yml"), filepath.Join(dir, "password")
	byFile := "basic_auth:\n  username: agent\n  password_file: password\n"
	replace(t, password, "one\n")
	replace(t, httpConfig, byFile)
	r, prom := fronted(t, n, httpConfig)
	loadsAndRefuses(t, r, p, prom)

	n.SetPassword(t, "agent", "two")
	fails(t, r, ErrDenied, "credentials (401)", httpConfig, "--reload.http-config-file", "files that it names")
	if _, err := prom.Config(t.Context()); err == nil {
		t.Error("seen without the password")
	}
	replace(t, password, "two")
	good(t, r)

	// A broken http_config leaves the one before in use, and is told of.
	replace(t, httpConfig, "basic_auth: [agent, two]\n")
	good(t, r)
	n.SetPassword(t, "agent", "three")
	fails(t, r, ErrDenied, "credentials (401)", "before a change that cannot be used", httpConfig)
	p.Write(t, refusedYML)
	n.SetPassword(t, "agent", "two")
	fails(t, r, ErrRefused, "before its last change", httpConfig)
	p.Write(t, firstYML)
	n.SetPassword(t, "agent", "three")
	replace(t, httpConfig, "basic_auth:\n  username: agent\n  password: three\n")
	good(t, r)
	if err := os.Remove(httpConfig); err != nil {
		t.Fatal(err)
	}
	good(t, r)

	bare, _ := fronted(t, n, "")
	fails(t, bare, ErrDenied, "credentials (401)", "give them", "--reload.http-config-file")
}

func good(t *testing.T, r Reloader) {
	t.Helper()
	if err := r.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTLS: through a real nginx with a certificate of its own making.
func TestTLS(t *testing.T) {
	p, _ := newReal(t, "PROMFLEET_PROMETHEUS_CURRENT", "--web.enable-lifecycle")
	n := reloadtest.StartNginx(t, p.URL, reloadtest.Front{TLS: true, User: "agent", Password: "one"})
	httpConfig := filepath.Join(t.TempDir(), "http.yml")
	auth := "basic_auth: {username: agent, password: one}\n"
	replace(t, httpConfig, auth)
	r, _ := fronted(t, n, httpConfig)
	fails(t, r, ErrUnreachable, "certificate")
	replace(t, httpConfig, auth+"tls_config: {ca_file: "+n.CA+"}\n")
	r, prom := fronted(t, n, httpConfig)
	loadsAndRefuses(t, r, p, prom)

	// A credential that cannot be read is a call that was not made.
	if err := os.Remove(n.CA); err != nil {
		t.Fatal(err)
	}
	fails(t, r, ErrUnreachable, n.CA)
}

// TestProxyAnswers: what a proxy says in Prometheus's place is not taken for its
// own words.
func TestProxyAnswers(t *testing.T) {
	p, _ := newReal(t, "PROMFLEET_PROMETHEUS_DEBIAN", "--web.enable-lifecycle")
	n := reloadtest.StartNginx(t, p.URL, reloadtest.Front{Locations: `
    location = /login { default_type text/html; return 200 "<html>log in</html>"; }
    location = /sso { return 302 /login; }
    location = /moved { return 308 /-/reload; }
    location = /down { proxy_pass http://127.0.0.1:1; }
    location = /slow { proxy_pass ` + silent(t) + `; proxy_read_timeout 200ms; }
`})
	through := func(path string) Reloader {
		t.Helper()
		return newMethod(t, "http", Config{URL: n.URL + path, Client: http.DefaultClient, Timeout: 30 * time.Second})
	}
	fails(t, through("/sso"), ErrDenied, "/sso sends on to", "/login", "login in front")
	fails(t, through("/down"), ErrUnreachable, "502")
	fails(t, through("/slow"), ErrUnknown, "504")
	good(t, through("/moved"))

	locked, _ := newReal(t, "PROMFLEET_PROMETHEUS_CURRENT")
	fails(t, newMethod(t, "http", Config{URL: locked.URL + "/-/reload", Client: http.DefaultClient, Timeout: 30 * time.Second}),
		ErrDenied, "--web.enable-lifecycle")
}
