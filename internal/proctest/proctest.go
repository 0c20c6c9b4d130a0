// Package proctest runs real programs for tests: a missing one fails the test, one
// that runs is ended with it, and what it said is shown if the test failed.
package proctest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		t.Fatalf("%s is not set: run the tests with make test, which fetches or builds what they need", env)
	}
	return p
}

// bound is how long anything is waited for: far beyond what is expected.
const bound = 90 * time.Second

// WaitFor polls until cond holds, and ends the test if it never does.
func WaitFor(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(bound); !cond(); time.Sleep(2 * time.Millisecond) {
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

// Buffer is written to while a test reads it.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String gives what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Process is a program that runs.
type Process struct {
	*os.Process
	Output Buffer        // standard output and error
	Done   chan struct{} // closed when it has ended
	Err    error         // how it ended; to be read after Done

	path string
}

// Start starts a program.
func Start(t testing.TB, path string, args ...string) *Process {
	t.Helper()
	cmd := exec.Command(path, args...)
	p := &Process{Done: make(chan struct{}), path: path}
	cmd.Stdout, cmd.Stderr = &p.Output, &p.Output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.Process = cmd.Process
	go func() { p.Err = cmd.Wait(); close(p.Done) }()
	t.Cleanup(func() {
		p.Stop(t)
		if t.Failed() {
			out := p.Output.String()
			t.Logf("%s %s:\n%s", filepath.Base(path), strings.Join(args, " "), out[max(0, len(out)-3000):])
		}
	})
	return p
}

// Stop asks the program to end and waits until it has.
func (p *Process) Stop(t testing.TB) {
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.Done:
	case <-time.After(30 * time.Second):
		t.Errorf("%s did not end when asked", p.path)
		_ = p.Kill()
		<-p.Done
	}
}

// WaitFor is WaitFor, and ends the test at once if the program ends.
func (p *Process) WaitFor(t testing.TB, what string, cond func() bool) {
	t.Helper()
	WaitFor(t, what, func() bool {
		select {
		case <-p.Done:
			t.Fatalf("%s has ended, awaited was: %s\n%s", p.path, what, p.Output.String())
		default:
		}
		return cond()
	})
}
