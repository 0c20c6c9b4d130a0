package reload

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestHTTPConfigHalfWritten: a file that is being written in place, as editors and
// shells do, is used when it is whole. Half of one may be an http_config too, without
// the password, and nothing is one that sets nothing: a reload with it would be
// denied, and what was written undone.
func TestHTTPConfigHalfWritten(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		_, _ = io.WriteString(w, user+":"+password)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "http.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("basic_auth: {username: agent, password: one}\n")
	client, err := NewHTTPClient(file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	sends := func(want string) {
		t.Helper()
		resp, err := client.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != want {
			t.Errorf("it sends %q, want %q", body, want)
		}
	}
	sends("agent:one")
	for _, half := range []string{"", "basic_auth:\n  username: agent\n", "basic_auth: {username: agent, password: two"} {
		write(half)
		sends("agent:one")
	}
	write("basic_auth: {username: agent, password: two}\n")
	sends("agent:one") // it may not be all
	before := time.Now().Add(-time.Minute)
	if err := os.Chtimes(file, before, before); err != nil {
		t.Fatal(err)
	}
	sends("agent:two")

	// One that was put in its place is whole.
	replace(t, file, "basic_auth: {username: agent, password: three}\n")
	sends("agent:three")
}

// TestHTTPConfigOfLater: a clock that was set back does not keep a file from being read.
func TestHTTPConfigOfLater(t *testing.T) {
	file := filepath.Join(t.TempDir(), "http.yml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	seen := look(file)
	if err := os.WriteFile(file, []byte("follow_redirects: false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(file, later, later); err != nil {
		t.Fatal(err)
	}
	if now := look(file); now.halfWritten(seen) {
		t.Error("it waits for an hour")
	}
}
