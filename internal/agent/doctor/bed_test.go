package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent"
	"promfleet/internal/agent/reload"
	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/fleet"
	"promfleet/internal/proctest"
	"promfleet/internal/server"
)

const emptyYML = "global:\n  scrape_interval: 15s\n"

var prometheuses = []struct{ name, env string }{
	{"debian", "PROMFLEET_PROMETHEUS_DEBIAN"},
	{"current", "PROMFLEET_PROMETHEUS_CURRENT"},
}

// bed is a host on which all is well: a real Prometheus, a real server with a join
// token, and directories.
type bed struct {
	*agent.Options
	t    *testing.T
	dir  string
	prom *reloadtest.Prometheus
	api  *client.Client // an admin's
}

// openDir gives a directory that other users may look into.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "doctor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newBed(t *testing.T, env string, flags ...string) *bed {
	t.Helper()
	b := &bed{t: t, dir: openDir(t)}
	etc := filepath.Join(b.dir, "etc")
	if err := os.Mkdir(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	b.prom = reloadtest.StartPrometheus(t, proctest.Part(t, env), etc, emptyYML, flags...)
	b.Options = &agent.Options{
		DataPath: filepath.Join(b.dir, "data"), ConfigFile: b.prom.Config, PrometheusURL: b.prom.URL,
		ListenAddress: proctest.FreeAddr(t), JoinTokenFile: filepath.Join(b.dir, "join"),
	}
	b.startServer()
	jt, err := b.api.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{Name: "host"})
	if err != nil {
		t.Fatal(err)
	}
	b.write(b.JoinTokenFile, jt.Secret+"\n", 0o600)
	return b
}

func (b *bed) startServer() {
	b.t.Helper()
	o := server.Options{StoragePath: b.t.TempDir(), ListenAddresses: []string{"127.0.0.1:0"}}
	f, data, err := server.OpenFleet(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	tok, err := f.CreateToken(b.t.Context(), fleet.Principal{ID: "test", Role: promfleet.RoleAdmin}, promfleet.TokenInput{Name: "admin", Role: promfleet.RoleAdmin})
	if err != nil {
		b.t.Fatal(err)
	}
	_ = data.Close()
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.New(ctx, o, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.t.Errorf("the server: %v", err)
		}
	})
	b.ServerURL = "http://" + s.Addrs()[0]
	if b.api, err = client.New(client.Config{URL: b.ServerURL, Token: tok.Secret}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) write(file, text string, mode os.FileMode) {
	b.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		b.t.Fatal(err)
	}
}

// examine makes all checks.
func examine(t *testing.T, o agent.Options) map[string]Line {
	t.Helper()
	lines := map[string]Line{}
	if err := Examine(t.Context(), o, func(l Line) { lines[l.Check] = l }); err != nil {
		t.Fatal(err)
	}
	if len(lines) != len(checks) {
		t.Fatalf("%d lines for %d checks", len(lines), len(checks))
	}
	return lines
}

// expect compares a line: its result, and words that stand in it.
func expect(t *testing.T, lines map[string]Line, check string, result reload.Verdict, words ...string) {
	t.Helper()
	l, is := lines[check]
	text := l.Found + "; hint: " + l.Hint
	if !is || l.Result != result {
		t.Errorf("%s is %s, not %s: %s", check, l.Result, result, text)
		return
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q: %s", check, w, text)
		}
	}
	if (result == reload.Good) != (l.Hint == "") {
		t.Errorf("%s is %s and has the hint %q", check, result, l.Hint)
	}
	if strings.ContainsAny(text, "\n\t") || strings.HasSuffix(l.Found, ".") || strings.HasSuffix(l.Hint, ".") {
		t.Errorf("%s: not one line without a full stop: %q", check, text)
	}
}

func (b *bed) expect(check string, result reload.Verdict, words ...string) {
	b.t.Helper()
	expect(b.t, examine(b.t, *b.Options), check, result, words...)
}

// looks makes one check, after those that it builds upon.
func (b *bed) looks(check string) (*exam, map[string]Line) {
	b.t.Helper()
	x, err := newExam(*b.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	lines := x.only(b.t, check)
	return x, lines
}

func (x *exam) only(t *testing.T, check string) map[string]Line {
	t.Helper()
	for _, c := range checks {
		if c.name == check {
			f := c.look(x, t.Context())
			return map[string]Line{check: {f.Verdict, check, oneLine(f.Found), oneLine(f.Hint)}}
		}
	}
	t.Fatalf("there is no check %q", check)
	return nil
}

// elsewhereEnv has the test's program make the checks as another process: as
// another user, or with mounts of its own.
const elsewhereEnv = "PROMFLEET_DOCTOR_TEST"

type child struct {
	Options agent.Options
	Mounts  []mountOf
}

type mountOf struct {
	From, To, Type, Data string
	Flags                uintptr
}

func TestMain(m *testing.M) {
	text := os.Getenv(elsewhereEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	if err := runChild(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runChild(text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	if len(c.Mounts) > 0 { // what is mounted here must not be seen outside
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return err
		}
	}
	for _, m := range c.Mounts {
		if err := syscall.Mount(m.From, m.To, m.Type, m.Flags, m.Data); err != nil {
			return fmt.Errorf("mount %v: %w", m, err)
		}
	}
	lines := map[string]Line{}
	if err := Examine(context.Background(), c.Options, func(l Line) { lines[l.Check] = l }); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(lines)
}

// nobody is a user who owns nothing.
const nobody = 65534

// asNobody makes the checks as another user than the one who has made the files.
// It takes root.
func (b *bed) asNobody() map[string]Line {
	b.t.Helper()
	return b.elsewhere(nil, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
}

// withMounts makes the checks where some things are mounted that are not for
// Prometheus.
func (b *bed) withMounts(mounts ...mountOf) map[string]Line {
	b.t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return b.elsewhere(mounts, attr)
}

func (b *bed) elsewhere(mounts []mountOf, attr *syscall.SysProcAttr) map[string]Line {
	b.t.Helper()
	text, err := json.Marshal(child{*b.Options, mounts})
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), elsewhereEnv+"="+string(text))
	cmd.SysProcAttr, cmd.Stderr = attr, b.t.Output()
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatal(err)
	}
	var lines map[string]Line
	if err := json.Unmarshal(out, &lines); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
	return lines
}
