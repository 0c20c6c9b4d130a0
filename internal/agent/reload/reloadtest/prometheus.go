package reloadtest

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"promfleet/internal/proctest"
)

// Prometheus is a real one.
type Prometheus struct {
	URL    string
	Config string // its prometheus.yml
	PID    int
}

// StartPrometheus starts the Prometheus at a path, with prometheus.yml in dir.
func StartPrometheus(t testing.TB, path, dir, yml string, flags ...string) *Prometheus {
	t.Helper()
	p := &Prometheus{Config: filepath.Join(dir, "prometheus.yml")}
	p.Write(t, yml)
	addr := proctest.FreeAddr(t)
	p.URL = "http://" + addr
	// Whatever the binary is called, the process is to be called as it is elsewhere.
	link := filepath.Join(t.TempDir(), "prometheus")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--config.file", p.Config, "--storage.tsdb.path", t.TempDir(), "--web.listen-address", addr}, flags...)
	child := proctest.Start(t, link, args...)
	p.PID = child.Pid
	child.WaitFor(t, "Prometheus is ready", func() bool {
		resp, err := http.Get(p.URL + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// Write puts a prometheus.yml in place, at once and in whole.
func (p *Prometheus) Write(t testing.TB, yml string) {
	t.Helper()
	if err := os.WriteFile(p.Config+".new", []byte(yml), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.Config+".new", p.Config); err != nil {
		t.Fatal(err)
	}
}
