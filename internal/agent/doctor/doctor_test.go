package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"promfleet"
	"promfleet/internal/agent"
	"promfleet/internal/agent/reload"
	"promfleet/internal/proctest"
)

// TestAllIsWell: where nothing is wrong each check says ok, and after all of them
// nothing has changed: no file, no directory, no reload, no use of the join token.
func TestAllIsWell(t *testing.T) {
	for _, version := range prometheuses {
		t.Run(version.name, func(t *testing.T) {
			b := newBed(t, version.env, "--web.enable-lifecycle")
			targets := filepath.Join(b.dir, "etc", "targets.d", "job")
			if err := os.MkdirAll(targets, 0o755); err != nil {
				t.Fatal(err)
			}
			prom, err := reload.NewPrometheus(b.PrometheusURL, http.DefaultClient, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := prom.LastReload(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before, changes := tree(t, b.dir), watch(t, filepath.Dir(b.ConfigFile), filepath.Dir(targets), targets)

			lines := examine(t, *b.Options)
			for check := range lines {
				expect(t, lines, check, reload.Good)
			}
			expect(t, lines, "other agents", reload.Good, "no agent")
			expect(t, lines, "take-over", reload.Good, "no scrape jobs")
			expect(t, lines, "credential", reload.Good, "has not joined yet", "was not tried")

			if diff := cmp.Diff(before, tree(t, b.dir)); diff != "" {
				t.Errorf("doctor has changed something: %s", diff)
			}
			if n := changes(); n != 0 {
				t.Errorf("%d changes were seen in watched directories", n)
			}
			if now, err := prom.LastReload(t.Context()); err != nil || now != loaded {
				t.Errorf("reloaded: %v, then %v, %v", loaded, now, err)
			}
			if _, err := os.Stat(b.DataPath); err == nil {
				t.Error("the data path was made")
			}
			// A join token of one use has it still.
			b.join()
		})
	}
}

// tree says of each file below a directory all that a write would change.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		files[path] = fmt.Sprint(st.Ino, st.Mode, st.Uid, st.Size, st.Nlink, st.Mtim, st.Ctim)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// watch counts what a file_sd of Prometheus would be told of.
func watch(t *testing.T, dirs ...string) (count func() int) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	for _, dir := range dirs {
		if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MODIFY|unix.IN_ATTRIB|unix.IN_MOVE|unix.IN_DELETE|unix.IN_CLOSE_WRITE); err != nil {
			t.Fatal(err)
		}
	}
	return func() int {
		n, _ := unix.Read(fd, make([]byte, 64<<10))
		return max(n, 0)
	}
}

// join has the node join, as its agent would.
func (b *bed) join() {
	b.t.Helper()
	o := *b.Options
	o.ReloadMethod = "none"
	a, err := agent.New(o, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := a.Once(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// TestBesideAnAgent: an agent that runs is seen, and goes on.
func TestBesideAnAgent(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT", "--web.enable-lifecycle")
	a, err := agent.New(*b.Options, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the agent: %v", err)
		}
	}()
	proctest.WaitFor(t, "the node is in sync", func() bool {
		nodes, err := b.api.Nodes().List(t.Context(), nil)
		return err == nil && len(nodes.Items) == 1 && nodes.Items[0].Status.State == promfleet.StateInSync
	})
	before := tree(t, filepath.Join(b.dir, "etc"))
	lines := examine(t, *b.Options)
	for check := range lines {
		expect(t, lines, check, reload.Good)
	}
	expect(t, lines, "other agents", reload.Good, fmt.Sprintf("an agent (process %d)", os.Getpid()))
	expect(t, lines, "take-over", reload.Good, "the agent's own already")
	expect(t, lines, "credential", reload.Good, "the server takes the one in "+b.DataPath)
	expect(t, lines, "own address", reload.Good, "while an agent runs")
	if diff := cmp.Diff(before, tree(t, filepath.Join(b.dir, "etc"))); diff != "" {
		t.Errorf("something has changed: %s", diff)
	}

	// One with another data path on the same targets would not start.
	b.DataPath = filepath.Join(b.dir, "other")
	b.expect("other agents", reload.Bad, "another agent", "--prometheus.targets-dir")
	b.expect("own address", reload.Bad, "--web.listen-address")
}

// TestBadOptions: what cannot be is no finding.
func TestBadOptions(t *testing.T) {
	for _, o := range []agent.Options{
		{},
		{ServerURL: "http://127.0.0.1:1", PrometheusURL: "localhost"},
		{ServerURL: "http://127.0.0.1:1", ReloadMethod: "signal"},
		{ServerURL: "http://127.0.0.1:1", ReloadURL: "/-/reload"},
		{ServerURL: "ftp://127.0.0.1"},
	} {
		if err := Examine(t.Context(), o, func(l Line) { t.Errorf("%+v: %+v", o, l) }); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Examine(ended, agent.Options{ServerURL: "http://127.0.0.1:1"}, func(Line) {}); err == nil {
		t.Error("an interrupted one is no error")
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a\n\tb \xff"); got != "a b ?" {
		t.Errorf("%q", got)
	}
	if got := oneLine(strings.Repeat("ä", 5000)); len(got) > 1100 {
		t.Errorf("%d bytes", len(got))
	}
}
