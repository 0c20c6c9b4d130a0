package reloadtest

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Part gives the path of a real part; a missing one fails the test.
func Part(t testing.TB, env string) string {
	t.Helper()
	p := os.Getenv(env)
	if p == "" {
		t.Fatalf("%s is not set: run the tests with make test, which fetches what they need", env)
	}
	return p
}

// process is a child that is ended with the test, its output shown if that failed.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func start(t testing.TB, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(path), p.output())
		}
	})
	return p
}

func (p *process) stop(t testing.TB) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		t.Errorf("%s did not end when asked", p.cmd.Path)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// waitFor polls until cond holds, or the process has ended.
func (p *process) waitFor(t testing.TB, what string, cond func() bool) {
	t.Helper()
	const bound = 60 * time.Second
	for deadline := time.Now().Add(bound); !cond(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.done:
			t.Fatalf("%s has ended, awaited was: %s\n%s", p.cmd.Path, what, p.output())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for: %s", bound, what)
		}
	}
}

// FreeAddr gives a host and port that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

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
	addr := FreeAddr(t)
	p.URL = "http://" + addr
	// Whatever the binary is called, the process is to be called as it is elsewhere.
	link := filepath.Join(t.TempDir(), "prometheus")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--config.file", p.Config, "--storage.tsdb.path", t.TempDir(), "--web.listen-address", addr}, flags...)
	child := start(t, link, args...)
	p.PID = child.cmd.Process.Pid
	child.waitFor(t, "Prometheus is ready", func() bool {
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
