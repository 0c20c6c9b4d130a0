package reload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMethods(t *testing.T) {
	_, err := New("telepathy", Config{})
	if err == nil || !strings.Contains(err.Error(), "http, none") {
		t.Errorf("error %v does not list the methods", err)
	}
	r, err := New("none", Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context()); !errors.Is(err, ErrNotReloaded) {
		t.Errorf("none: %v", err)
	}
	if _, err := New("http", Config{URL: "127.0.0.1:9090"}); err == nil {
		t.Error("a URL without a scheme was taken")
	}
}

func TestHTTP(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
		words  string
	}{
		{200, "", nil, ""},
		{500, "failed to reload config: couldn't load configuration:\n  parsing YAML file p.yml: line 3\n", ErrRefused, "failed to reload config: couldn't load configuration: parsing YAML file p.yml: line 3"},
		{403, "Lifecycle API is not enabled.", ErrDenied, "--web.enable-lifecycle"},
		{404, "Lifecycle API is not enabled.", ErrDenied, "--web.enable-lifecycle"},
		{401, "Unauthorized", ErrDenied, "credentials"},
		{403, "nginx", ErrDenied, "--reload.http-config-file"},
		{407, "proxy", ErrDenied, "credentials"},
		{404, "no such page", ErrDenied, "no such page"},
		{502, "bad gateway", ErrUnreachable, "502"},
		{503, "not now", ErrUnreachable, "503"},
		{504, "too slow", ErrUnknown, "504"},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost {
					t.Errorf("method %s", r.Method)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer srv.Close()
			err := reloadAt(t, srv.URL, time.Minute)
			if !errors.Is(err, c.want) || (err != nil && !strings.Contains(err.Error(), c.words)) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.words)
			}
		})
	}
}

func TestHTTPNoAnswer(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	if err := reloadAt(t, srv.URL, 20*time.Millisecond); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "--reload.timeout") {
		t.Errorf("timeout: %v", err)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer broken.Close()
	if err := reloadAt(t, broken.URL, time.Minute); !errors.Is(err, ErrUnknown) {
		t.Errorf("broken off: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := reloadAt(t, "http://"+l.Addr().String(), time.Minute); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	if err := reloadAt(t, tls.URL, time.Minute); !errors.Is(err, ErrUnreachable) {
		t.Errorf("unknown certificate: %v", err)
	}
}

func reloadAt(t *testing.T, url string, timeout time.Duration) error {
	t.Helper()
	client, err := NewHTTPClient("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New("http", Config{URL: url, Client: client, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return r.Reload(t.Context())
}

// A new method is one new file: this one adds one.
func init() {
	register("probe", func(Config) (Reloader, error) { return probe{}, nil })
}

type probe struct{}

func (probe) Reload(context.Context) error { return nil }

func TestNewMethod(t *testing.T) {
	if !slices.Contains(Methods(), "probe") {
		t.Errorf("the methods are %v", Methods())
	}
	r, err := New("probe", Config{})
	if err != nil || r.Reload(t.Context()) != nil {
		t.Errorf("the new method gives %v, error %v", r, err)
	}
}
