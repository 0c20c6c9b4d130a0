package agent

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet"
	"promfleet/internal/proctest"
)

// registering is an agent with a credential, and a server that answers its
// registrations as it is told to.
func registering(t *testing.T, answer func(token string) (int, promfleet.Registered)) (register func() error, credential func() string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := answer(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if status != http.StatusOK {
			problem(w, status, "no")
			return
		}
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "join-token"), []byte("join\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{
		ServerURL: s.URL, PrometheusURL: "http://" + proctest.FreeAddr(t), DataPath: filepath.Join(dir, "data"), ConfigFile: filepath.Join(dir, "prometheus.yml"),
		JoinTokenFile: filepath.Join(dir, "join-token"),
	}, slog.New(slog.NewTextHandler(t.Output(), nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	if err := a.data.Write(credentialFile, []byte("first\n")); err != nil {
		t.Fatal(err)
	}
	task := &registerTask{a: a}
	return func() error {
			err := task.register(t.Context())
			a.session.lose(a.session.client)
			return err
		}, func() string {
			text, err := a.data.Read(credentialFile)
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(text))
		}
}

// TestCredentialStays: who has a credential is given no other one, and whatever is
// no credential is not taken for one.
func TestCredentialStays(t *testing.T) {
	status, given := http.StatusOK, "second"
	register, credential := registering(t, func(token string) (int, promfleet.Registered) {
		if token == "join" {
			return http.StatusOK, promfleet.Registered{Protocol: 1, Credential: given}
		}
		return status, promfleet.Registered{Protocol: 1, Credential: "stolen"}
	})
	if err := register(); err != nil || credential() != "first" {
		t.Errorf("credential %q, error %v", credential(), err)
	}
	status = http.StatusUnauthorized
	for _, given = range []string{"", "two\nlines", "a b", "\x00", strings.Repeat("x", 5000), "ü"} {
		if err := register(); err == nil || credential() != "first" {
			t.Errorf("given %q: credential %q, error %v", cut(given, 20), credential(), err)
		}
	}
}

// TestCredentialBefore: a server that is somebody else's for a while can have the
// agent join it. The real one still knows the credential before that.
func TestCredentialBefore(t *testing.T) {
	itself, n := false, 0
	register, credential := registering(t, func(token string) (int, promfleet.Registered) {
		switch {
		case itself && token == "first", !itself && strings.HasPrefix(token, "stolen"):
			return http.StatusOK, promfleet.Registered{Protocol: 1}
		case !itself && token == "join":
			n++
			return http.StatusOK, promfleet.Registered{Protocol: 1, Credential: "stolen" + strings.Repeat("!", n)}
		}
		return http.StatusUnauthorized, promfleet.Registered{}
	})
	if err := register(); err != nil || credential() != "stolen!" {
		t.Fatalf("credential %q, error %v", credential(), err)
	}
	itself = true
	if err := register(); err != nil || credential() != "first" {
		t.Errorf("credential %q, error %v", credential(), err)
	}
	if err := register(); err != nil || credential() != "first" {
		t.Errorf("credential %q, error %v", credential(), err)
	}
}
