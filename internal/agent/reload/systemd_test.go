package reload

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/proctest"
)

func hup(p *reloadtest.Prometheus) func() error {
	return func() error { return syscall.Kill(p.PID, syscall.SIGHUP) }
}

func TestSystemd(t *testing.T) {
	for _, version := range prometheuses {
		t.Run(version.name, func(t *testing.T) {
			p, cfg := newReal(t, version.env)
			manager := reloadtest.StartSystemd(t, reloadtest.StartBus(t))
			manager.Set(DefaultUnit, reloadtest.Unit{Reload: hup(p)})
			loadsAndRefuses(t, newMethod(t, "systemd", cfg), p, cfg.Prometheus)
			if n := manager.Jobs(); n != 4 {
				t.Errorf("%d jobs for 4 reloads", n)
			}
		})
	}
}

// TestSystemdSaysNo: each of systemd's answers is told apart, and says what to do.
func TestSystemdSaysNo(t *testing.T) {
	p, cfg := newReal(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	manager := reloadtest.StartSystemd(t, reloadtest.StartBus(t))
	cfg.Timeout = time.Second
	r := newMethod(t, "systemd", cfg)

	fails(t, r, ErrDenied, "Unit prometheus.service not found", "--reload.unit")
	manager.Set(DefaultUnit, reloadtest.Unit{})
	fails(t, r, ErrDenied, "ExecReload=/bin/kill -HUP $MAINPID")
	manager.Set(DefaultUnit, reloadtest.Unit{Reload: hup(p), Inactive: true})
	fails(t, r, ErrDenied, "not active", "--reload.unit")
	manager.Set(DefaultUnit, reloadtest.Unit{Reload: hup(p), Never: true})
	fails(t, r, ErrUnknown, "job", "--reload.timeout")
	for _, result := range []string{"failed", "timeout", "canceled", "dependency"} {
		manager.Set(DefaultUnit, reloadtest.Unit{Reload: func() error { return errors.New(result) }})
		fails(t, r, ErrUnknown, "ended with "+result, "systemctl status prometheus.service")
	}
	// A job that says failed although Prometheus has read the file is not believed.
	manager.Set(DefaultUnit, reloadtest.Unit{Reload: func() error { return errors.Join(hup(p)(), errors.New("failed")) }})
	if err := r.Reload(t.Context()); err != nil {
		t.Errorf("reloaded by a job that failed: %v", err)
	}
	p.Write(t, refusedYML)
	fails(t, r, ErrRefused, "journalctl -u prometheus.service")
	// From now on one failure cannot be told from the next.
	manager.Set(DefaultUnit, reloadtest.Unit{Reload: hup(p)})
	fails(t, r, ErrRefused, "it seems", "journalctl -u prometheus.service")
	p.Write(t, firstYML)
	if err := r.Reload(t.Context()); err != nil {
		t.Errorf("back to what is good: %v", err)
	}

	for name, message := range map[string]string{
		"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": "Interactive authentication required.",
		"org.freedesktop.DBus.Error.AccessDenied":                     "Permission denied",
	} {
		manager.Refuse(name, message)
		fails(t, r, ErrDenied, message, whoAmI(), "polkit", "org.freedesktop.systemd1.manage-units")
	}
	manager.Refuse("org.freedesktop.systemd1.TransactionIsDestructive", "Transaction is destructive.")
	fails(t, r, ErrUnreachable, "Transaction is destructive.")
	manager.Refuse("org.freedesktop.DBus.Error.NoReply", "no reply")
	fails(t, r, ErrUnknown, "has not answered")
}

// TestSystemctl: where the bus is not, or systemd not on it, systemctl is called.
func TestSystemctl(t *testing.T) {
	p, cfg := newReal(t, "PROMFLEET_PROMETHEUS_CURRENT")
	bin, nowhere := t.TempDir(), t.TempDir()
	called := filepath.Join(bin, "called")
	systemctl := func(script string) {
		t.Helper()
		text := "#!/bin/sh\necho \"$LC_ALL $*\" >>" + called + "\n" + script + "\n"
		if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sigHUP := "kill -HUP " + strconv.Itoa(p.PID)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(nowhere, "bus"))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	r := newMethod(t, "systemd", cfg)
	systemctl(sigHUP)
	loadsAndRefuses(t, r, p, cfg.Prometheus)
	if text, err := os.ReadFile(called); err != nil || string(text) != strings.Repeat("C --no-ask-password reload prometheus.service\n", 4) {
		t.Errorf("systemctl was called so: %q, %v", text, err)
	}

	for _, c := range []struct {
		said string
		want error
		word string
	}{
		{"Failed to reload prometheus.service: Unit prometheus.service not found.", ErrDenied, "--reload.unit"},
		{"prometheus.service is not active, cannot reload.", ErrDenied, "--reload.unit"},
		{"Failed to reload prometheus.service: Job type reload is not applicable for unit prometheus.service.", ErrDenied, "ExecReload="},
		{"Failed to reload prometheus.service: Interactive authentication required.", ErrDenied, "polkit"},
		{"Failed to reload prometheus.service: Access denied", ErrDenied, "polkit"},
		{"System has not been booted with systemd as init system (PID 1). Can't operate.", ErrUnreachable, "--reload.method"},
	} {
		systemctl("echo \"" + c.said + "\" >&2; exit 1")
		fails(t, r, c.want, c.word)
	}
	systemctl(sigHUP + "; echo Job for prometheus.service failed. >&2; exit 1")
	if err := r.Reload(t.Context()); err != nil {
		t.Errorf("reloaded by a job that failed: %v", err)
	}

	// A bus that takes the connection and says nothing.
	dead, err := net.Listen("unix", filepath.Join(nowhere, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	cfg.Timeout = 2 * time.Second
	systemctl(sigHUP)
	if err := newMethod(t, "systemd", cfg).Reload(t.Context()); err != nil {
		t.Errorf("a bus that says nothing: %v", err)
	}

	// A bus without systemd on it.
	reloadtest.StartBus(t)
	systemctl(sigHUP)
	if err := r.Reload(t.Context()); err != nil {
		t.Errorf("a bus without systemd: %v", err)
	}
	t.Setenv("PATH", nowhere)
	fails(t, r, ErrUnreachable, "org.freedesktop.systemd1", "systemctl", "--reload.method")
}

// TestNotSignalledUnseen: SIGHUP would end a Prometheus that does not listen yet.
func TestNotSignalledUnseen(t *testing.T) {
	p, cfg := newReal(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	manager := reloadtest.StartSystemd(t, reloadtest.StartBus(t))
	manager.Set(DefaultUnit, reloadtest.Unit{Reload: hup(p)})
	var err error
	if cfg.Prometheus, err = NewPrometheus("http://"+proctest.FreeAddr(t), cfg.Client, cfg.Prometheus.log); err != nil {
		t.Fatal(err)
	}
	fails(t, newMethod(t, "systemd", cfg), ErrUnreachable, "does not answer", "not signalled")
	if n := manager.Jobs(); n != 0 {
		t.Errorf("%d jobs", n)
	}
}

func TestServiceName(t *testing.T) {
	for given, want := range map[string]string{
		"":                        "prometheus.service",
		"prometheus":              "prometheus.service",
		"prometheus.service":      "prometheus.service",
		"prometheus@eu-1.service": "prometheus@eu-1.service",
		`srv-prom\x2d2.service`:   `srv-prom\x2d2.service`,
		"prom.team":               "prom.team.service",
		"--now":                   "",
		"-H.service":              "",
		"prometheus.service -f":   "",
		"a\nb.service":            "",
		"../x.service":            "",
		"prometheus@.service":     "",
		"@1.service":              "",
		"a@b@c.service":           "",
		"普.service":               "",
		".service":                "",
		strings.Repeat("a", 248):  "",
		"*.service":               "",
	} {
		got, err := serviceName(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", given, got, err, want)
		}
	}
}
