package reload

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestSignal(t *testing.T) {
	for _, version := range prometheuses {
		t.Run(version.name, func(t *testing.T) {
			p, cfg := newReal(t, version.env)
			cfg.PIDFile = pidFile(t, strconv.Itoa(p.PID)+"\n")
			loadsAndRefuses(t, newMethod(t, "signal", cfg), p, cfg.Prometheus)
		})
	}
}

func pidFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "prometheus.pid")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSignalRefuses: what is not Prometheus is not signalled. SIGHUP would end
// each of these processes, this test among them.
func TestSignalRefuses(t *testing.T) {
	_, cfg := newReal(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	other := exec.Command("sleep", "1000")
	other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	try := func(file, word string) {
		t.Helper()
		cfg.PIDFile = file
		fails(t, newMethod(t, "signal", cfg), ErrDenied, "--reload.pid-file "+file, word)
	}
	try(pidFile(t, strconv.Itoa(other.Process.Pid)), `not a Prometheus but "sleep"`)
	try(pidFile(t, strconv.Itoa(os.Getpid())), "not a Prometheus")
	try(pidFile(t, strconv.Itoa(ended.Process.Pid)), "does not run")
	for _, text := range []string{"1", "0", "-1", "-4711\n"} {
		try(pidFile(t, text), "cannot be Prometheus's process id")
	}
	for _, text := range []string{"", "prometheus", "12 13", "99999999999999999999"} {
		try(pidFile(t, text), "is not a process id")
	}
	try(filepath.Join(t.TempDir(), "none"), "cannot be read")
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process: %v", err)
	}
	if _, err := New("signal", Config{Prometheus: cfg.Prometheus}); err == nil {
		t.Error("a signal without a pid file")
	}
}
