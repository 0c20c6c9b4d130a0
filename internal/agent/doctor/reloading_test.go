package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"promfleet/internal/agent/reload"
	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/proctest"
)

// reloads expects a line of the check of the reload, and that nothing was reloaded.
func (b *bed) reloads(result reload.Verdict, words ...string) {
	b.t.Helper()
	x, err := newExam(*b.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	x.lookAtPrometheus(b.t.Context())
	before, _ := x.prom.LastReload(b.t.Context())
	expect(b.t, x.only(b.t, "reload"), "reload", result, words...)
	if after, _ := x.prom.LastReload(b.t.Context()); after != before {
		b.t.Errorf("it has reloaded: %v, %v", before, after)
	}
}

// TestLifecycle: with real Prometheus, the lifecycle API on and off.
func TestLifecycle(t *testing.T) {
	for _, version := range prometheuses {
		on, off := newBed(t, version.env, "--web.enable-lifecycle"), newBed(t, version.env)
		on.reloads(reload.Good, "leads to a Prometheus")
		off.reloads(reload.Bad, "without its lifecycle API", "--web.enable-lifecycle", "--reload.method")
		on.ReloadURL = on.PrometheusURL + "/prefix/-/reload"
		on.reloads(reload.Bad, "404", "--web.external-url")
		on.ReloadURL = on.PrometheusURL + "/-/healthy"
		on.reloads(reload.Doubtful, "answers a GET with 200", "--reload.url")
		on.ReloadURL = "http://" + proctest.FreeAddr(t) + "/-/reload"
		on.reloads(reload.Bad, "nobody listens", "--reload.url")
	}
}

// TestReloadThroughNginx: a real one, which wants a password.
func TestReloadThroughNginx(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_DEBIAN", "--web.enable-lifecycle")
	n := reloadtest.StartNginx(t, b.prom.URL, reloadtest.Front{User: "agent", Password: "right", Locations: `
location = /only-post { limit_except POST { deny all; } auth_basic off; proxy_pass ` + b.prom.URL + `/-/reload; }
location = /login { return 302 http://127.0.0.1:1/?token=secret-of-ours; }
location = /moved { return 308 http://127.0.0.1:1/-/reload; }
location = /down { auth_basic off; proxy_pass http://127.0.0.1:1; }
`})
	b.ReloadURL = n.URL + "/-/reload"
	b.reloads(reload.Bad, "credentials (401)", "--reload.http-config-file")
	b.ReloadHTTPConfigFile = filepath.Join(b.dir, "http.yml")
	b.write(b.ReloadHTTPConfigFile, "basic_auth:\n  username: agent\n  password: wrong\n", 0o600)
	b.reloads(reload.Bad, "credentials (401)", "check those in "+b.ReloadHTTPConfigFile)
	b.write(b.ReloadHTTPConfigFile, "basic_auth:\n  username: agent\n  password: right\n", 0o600)
	b.reloads(reload.Good, "lets this agent through")
	b.PrometheusURL = n.URL
	b.expect("prometheus", reload.Good)

	for path, want := range map[string]struct {
		result reload.Verdict
		word   string
	}{
		"/only-post": {reload.Doubtful, "lets only a POST through"},
		"/login":     {reload.Bad, "is a login in front?"},
		"/moved":     {reload.Doubtful, "sends on to http://127.0.0.1:1/-/reload"},
		"/down":      {reload.Bad, "502"},
	} {
		b.ReloadURL = n.URL + path
		b.reloads(want.result, want.word)
	}
	off := newBed(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	off.ReloadURL = reloadtest.StartNginx(t, off.prom.URL, reloadtest.Front{}).URL + "/-/reload"
	off.reloads(reload.Bad, "without its lifecycle API")
	off.PrometheusURL = "http://" + proctest.FreeAddr(t)
	off.reloads(reload.Doubtful, "whether its lifecycle API is on is not known")
}

func TestSystemd(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	b.ReloadMethod = "systemd"
	hup := func() error { return errors.New("it was reloaded") }
	manager := reloadtest.StartSystemd(t, reloadtest.StartBus(t))
	b.reloads(reload.Bad, "no unit prometheus.service", "--reload.unit")
	manager.Set(reload.DefaultUnit, reloadtest.Unit{Reload: hup, PID: b.prom.PID})
	b.reloads(reload.Good, "active and can be reloaded")
	manager.Set(reload.DefaultUnit, reloadtest.Unit{Reload: hup, Inactive: true})
	b.reloads(reload.Bad, "is inactive", "--reload.unit")
	manager.Set(reload.DefaultUnit, reloadtest.Unit{})
	b.reloads(reload.Bad, "cannot be reloaded", "ExecReload=")
	manager.Set(reload.DefaultUnit, reloadtest.Unit{Reload: hup, PID: os.Getpid()})
	b.reloads(reload.Bad, fmt.Sprintf("would reload process %d, and process %d answers", os.Getpid(), b.prom.PID), "--reload.unit")
	b.ReloadUnit = "prometheus-2.service"
	manager.Set(b.ReloadUnit, reloadtest.Unit{Reload: hup, PID: b.prom.PID})
	b.reloads(reload.Good, "unit prometheus-2.service")
	if n := manager.Jobs(); n != 0 {
		t.Errorf("%d jobs", n)
	}
}

// TestSystemctl: where no bus is, systemctl is asked; a stand-in for it.
func TestSystemctl(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	b.ReloadMethod = "systemd"
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(b.dir, "no-bus"))
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	b.reloads(reload.Bad, "neither over D-Bus", "not there", "--reload.method")
	systemctl := func(script string) {
		b.write(filepath.Join(bin, "systemctl"), "#!/bin/sh\n"+script, 0o755)
	}
	systemctl(`[ "$*" = "--no-ask-password show --property=LoadState,ActiveState,CanReload,MainPID prometheus.service" ] || exit 3
echo LoadState=loaded; echo ActiveState=active; echo CanReload=yes; echo MainPID=` + strconv.Itoa(b.prom.PID))
	b.reloads(reload.Good, "active and can be reloaded")
	systemctl("echo LoadState=masked; echo ActiveState=inactive")
	b.reloads(reload.Bad, "is masked", "systemctl status")
	systemctl("echo System has not been booted with systemd >&2; exit 1")
	b.reloads(reload.Bad, "not been booted", "--reload.method")
}

func TestSignal(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	b.ReloadMethod, b.ReloadPIDFile = "signal", filepath.Join(b.dir, "pid")
	b.reloads(reload.Bad, b.ReloadPIDFile, "cannot be read")
	b.write(b.ReloadPIDFile, strconv.Itoa(b.prom.PID), 0o644)
	b.reloads(reload.Good, fmt.Sprintf("process %d", b.prom.PID))
	b.write(b.ReloadPIDFile, strconv.Itoa(os.Getpid()), 0o644)
	b.reloads(reload.Bad, "not a Prometheus")
	other := newBed(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	b.write(b.ReloadPIDFile, strconv.Itoa(other.prom.PID), 0o644)
	b.reloads(reload.Bad, "would reload process", "--reload.pid-file")
	b.write(b.ReloadPIDFile, strconv.Itoa(b.prom.PID), 0o644)
	expect(t, b.asNobody(), "reload", reload.Bad, "may not signal process", "as the user of Prometheus")
	// The processes that were asked about run still.
	for _, p := range []string{b.prom.URL, other.prom.URL} {
		resp, err := http.Get(p + "/-/healthy")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

func TestNone(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	b.ReloadMethod = "none"
	b.reloads(reload.Doubtful, "does not reload", "--reload.method")
	auto := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT", "--config.auto-reload")
	auto.expect("second reloader", reload.Doubtful, "every 30s", "--config.auto-reload")
	auto.ReloadMethod = "none"
	auto.reloads(reload.Good, "reloads by itself every 30s")
	auto.expect("second reloader", reload.Good, "none is seen")
}

// TestSecondReloader: real processes with the names of such.
func TestSecondReloader(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	b.expect("second reloader", reload.Good)
	link := filepath.Join(t.TempDir(), "prometheus-config-reloader")
	if err := os.Symlink("/bin/sleep", link); err != nil {
		t.Fatal(err)
	}
	sidecar := proctest.Start(t, link, "1000")
	b.expect("second reloader", reload.Doubtful, fmt.Sprintf("prometheus-config-reloader (process %d) runs here", sidecar.Pid), "stop it")
	_ = sidecar.Kill()
	<-sidecar.Done

	tail := proctest.Start(t, "/usr/bin/tail", "-f", b.ConfigFile)
	x, err := newExam(*b.Options)
	if err != nil {
		t.Fatal(err)
	}
	tail.WaitFor(t, "tail watches", func() bool { return len(x.processes()) > 0 })
	b.expect("second reloader", reload.Doubtful, fmt.Sprintf("tail (process %d) watches %s", tail.Pid, b.ConfigFile))
}

func TestReloaderIn(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"/bin/prometheus-config-reloader", "--config-file=x"}, "prometheus-config-reloader"},
		{[]string{"python3", "/opt/k8s-sidecar.py"}, "k8s-sidecar"},
		{[]string{"/usr/bin/consul-template", "-config", "x"}, "consul-template"},
		{[]string{"thanos", "sidecar", "--reloader.config-file=x"}, "thanos sidecar with a reloader"},
		{[]string{"thanos", "sidecar", "--prometheus.url=x"}, ""},
		{[]string{"inotifywait", "-m", "/etc/prometheus"}, "inotifywait"},
		{[]string{"inotifywait", "-m", "/etc/nginx"}, ""},
		{[]string{"vi", "/etc/prometheus/confd"}, "confd"},
		{[]string{"grep", "-r", "confd"}, ""},
		{[]string{""}, ""},
	} {
		if got := reloaderIn(c.args); got != c.want {
			t.Errorf("%q: %q, not %q", c.args, got, c.want)
		}
	}
}
