package apply_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// host is a host with a Prometheus, as far as its files go, in a directory of its own.
type host struct {
	t      *testing.T
	dir    string
	data   *apply.Data
	disk   *apply.Disk
	prom   *prometheus
	bodies map[promfleet.Hash]string
}

func newHost(t *testing.T) *host {
	h := &host{t: t, dir: t.TempDir(), bodies: map[promfleet.Hash]string{}}
	h.prom = &prometheus{h: h, mark: 1}
	h.start()
	t.Cleanup(func() { h.stop() })
	return h
}

func (h *host) open() (err error) {
	if h.data, err = apply.OpenData(h.path("data")); err != nil {
		return err
	}
	h.disk, err = apply.Open(apply.Options{ConfigFile: h.path("prometheus.yml"), Data: h.data})
	if err != nil {
		_ = h.data.Close()
	}
	return err
}

func (h *host) start() {
	h.t.Helper()
	if err := h.open(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) stop() {
	_ = h.disk.Close()
	_ = h.data.Close()
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) read(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

func (h *host) put(name, body string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.path(name), []byte(body), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// there lists the files below the directory of Prometheus but the agent's locks.
func (h *host) there() []string {
	var files []string
	_ = filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(h.dir, path)
		if d.IsDir() && rel == "data" {
			return filepath.SkipDir
		}
		if !d.IsDir() && d.Name() != "lock" {
			files = append(files, rel)
		}
		return nil
	})
	return files
}

// tree tells of everything below the directory what a write would change.
func (h *host) tree() map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		all[path] = fmt.Sprint(info.ModTime().UnixNano(), st.Ino, st.Ctim.Nano())
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// set makes a set of jobs, each with pieces: "a" -> {"p1": body}.
func (h *host) set(revision int64, config string, jobs map[string]map[string]string) apply.Set {
	set := apply.Set{Manifest: promfleet.Manifest{Protocol: 1, Revision: revision}, Config: []byte(config)}
	for _, key := range []string{"a", "b", "c"} {
		pieces, ok := jobs[key]
		if !ok {
			continue
		}
		job := apply.Job{Key: key, Name: key}
		for _, name := range []string{"p1", "p2", "p3"} {
			body, ok := pieces[name]
			if !ok {
				continue
			}
			hash := promfleet.HashOf([]byte(body))
			h.bodies[hash] = body
			job.Files = append(job.Files, apply.File{Key: key, Piece: name, Hash: hash, Size: int64(len(body)), Targets: 1})
		}
		set.Jobs = append(set.Jobs, job)
	}
	return set
}

func (h *host) apply(set apply.Set, how apply.How) (apply.Result, error) {
	h.t.Helper()
	missing, err := h.disk.Missing(set.Jobs)
	if err != nil {
		return apply.Result{}, err
	}
	for _, f := range missing {
		if err := h.disk.Stage(f, []byte(h.bodies[f.Hash])); err != nil {
			return apply.Result{}, err
		}
	}
	return h.disk.Apply(h.t.Context(), set, how, h.prom)
}

// sync applies a set and sees it loaded.
func (h *host) sync(set apply.Set) apply.Result {
	h.t.Helper()
	res, err := h.apply(set, apply.How{})
	if err != nil {
		h.t.Fatal(err)
	}
	if h.disk.InQuestion(set) {
		if _, err := h.disk.Settle(h.t.Context(), set, h.prom); err != nil {
			h.t.Fatal(err)
		}
	}
	return res
}

// prometheus is the scripted one: only of it can failures be chosen.
type prometheus struct {
	h        *host
	mark     float64
	answers  []apply.Outcome // to the next reloads; then Reloaded
	reloads  []string        // the prometheus.yml that each reload found
	atReload func()
	verified []apply.Look
	missing  error // answer to Verify
}

func (p *prometheus) Mark(context.Context) float64 { return p.mark }

func (p *prometheus) Reload(context.Context) (apply.Outcome, error) {
	p.reloads = append(p.reloads, p.h.read("prometheus.yml"))
	if p.atReload != nil {
		p.atReload()
	}
	outcome := apply.Reloaded
	if len(p.answers) > 0 {
		outcome, p.answers = p.answers[0], p.answers[1:]
	}
	if outcome == apply.Reloaded {
		p.mark++
		return outcome, nil
	}
	return outcome, fmt.Errorf("scripted: %s", outcome)
}

func (p *prometheus) Verify(_ context.Context, look apply.Look) error {
	p.verified = append(p.verified, look)
	return p.missing
}

type jobs = map[string]map[string]string

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOrder(t *testing.T) {
	h := newHost(t)
	h.sync(h.set(1, "one", jobs{"a": {"p1": "a1"}, "b": {"p1": "b1"}}))
	h.put("targets.d/b/mine.json", "foreign")
	h.put("targets.d/other/x.json", "foreign")

	// Job c comes, job b goes, a piece of a changes.
	var atReload []string
	h.prom.atReload = func() {
		atReload = h.there()
		same(t, "c1", h.read("targets.d/c/p1.json"))
		same(t, "a2", h.read("targets.d/a/p1.json"))
	}
	set := h.set(2, "two", jobs{"a": {"p1": "a2"}, "c": {"p1": "c1"}})
	res, err := h.apply(set, apply.How{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, []string{"one", "two"}, h.prom.reloads)
	same(t, apply.Reloaded, res.Outcome)
	// What the old configuration names is there when the new one is loaded.
	before := []string{"prometheus.yml", "targets.d/a/p1.json", "targets.d/b/mine.json", "targets.d/b/p1.json", "targets.d/c/p1.json", "targets.d/other/x.json"}
	same(t, before, atReload)

	h.prom.missing = errors.New("job c: it has no scrape pool")
	if _, err := h.disk.Settle(t.Context(), set, h.prom); err == nil {
		t.Fatal("settled though nothing was seen loaded")
	}
	same(t, before, h.there())
	same(t, int64(1), h.disk.State().RevisionLoaded)

	h.prom.missing = nil
	removed, err := h.disk.Settle(t.Context(), set, h.prom)
	if err != nil {
		t.Fatal(err)
	}
	same(t, 1, removed)
	same(t, []string{"prometheus.yml", "targets.d/a/p1.json", "targets.d/b/mine.json", "targets.d/c/p1.json", "targets.d/other/x.json"}, h.there())
	same(t, int64(2), h.disk.State().RevisionLoaded)
	if h.disk.InQuestion(set) {
		t.Error("in question after it was seen loaded")
	}
}

func TestNothingChanged(t *testing.T) {
	h := newHost(t)
	set := h.set(1, "one", jobs{"a": {"p1": "a1", "p2": "a2"}, "b": {}})
	h.sync(set)
	before := h.tree()
	for range 20 {
		if res := h.sync(set); res.Changed() {
			t.Fatalf("changed: %+v", res)
		}
	}
	same(t, before, h.tree())
	same(t, 1, len(h.prom.reloads))
	same(t, 1, len(h.prom.verified))

	// The same after a restart, but for the locks and the stages.
	h.stop()
	h.start()
	if res := h.sync(set); res.Changed() {
		t.Fatalf("changed after a restart: %+v", res)
	}
	after := h.tree()
	for _, name := range []string{"prometheus.yml", "targets.d", "targets.d/a", "targets.d/a/p1.json", "targets.d/a/p2.json", "targets.d/b", "data/state.json"} {
		same(t, before[h.path(name)], after[h.path(name)])
	}
	same(t, 1, len(h.prom.reloads))

	// A revision that says the same touches no file of Prometheus's.
	set.Manifest.Revision = 2
	h.sync(set)
	same(t, 1, len(h.prom.reloads))
	same(t, before[h.path("prometheus.yml")], h.tree()[h.path("prometheus.yml")])
	same(t, before[h.path("targets.d/a")], h.tree()[h.path("targets.d/a")])
	same(t, int64(2), h.disk.State().RevisionLoaded)
}

func TestTargetsChanged(t *testing.T) {
	h := newHost(t)
	h.sync(h.set(1, "one", jobs{"a": {"p1": "a1", "p2": "a2"}, "b": {"p1": "b1"}}))
	before := h.tree()
	old, err := os.Stat(h.path("targets.d/a/p2.json"))
	if err != nil {
		t.Fatal(err)
	}

	res := h.sync(h.set(2, "one", jobs{"a": {"p1": "a1", "p2": "a2, edited"}, "b": {"p1": "b1"}}))
	same(t, 1, res.Files)
	same(t, 1, len(h.prom.reloads))
	after := h.tree()
	for _, name := range []string{"prometheus.yml", "targets.d", "targets.d/a/p1.json", "targets.d/b", "targets.d/b/p1.json"} {
		same(t, before[h.path(name)], after[h.path(name)])
	}
	// Prometheus tells in whole seconds which version of a file it has read.
	now, err := os.Stat(h.path("targets.d/a/p2.json"))
	if err != nil {
		t.Fatal(err)
	}
	if now.ModTime().Unix() <= old.ModTime().Unix() {
		t.Errorf("mtime %s is not of a later second than %s", now.ModTime(), old.ModTime())
	}
	// Only the pool concerned is looked at.
	look := h.prom.verified[len(h.prom.verified)-1]
	same(t, []byte(nil), look.Config)
	same(t, 1, len(look.Jobs))
	same(t, map[string]time.Time{h.path("targets.d/a/p2.json"): now.ModTime()}, look.Jobs[0].Changed)

	// A split: the new pieces come, the old one goes, and there is no reload.
	res = h.sync(h.set(3, "one", jobs{"a": {"p1": "a1", "p3": "a3"}, "b": {"p1": "b1"}}))
	same(t, 1, res.Files)
	same(t, 1, res.Removed)
	same(t, 1, len(h.prom.reloads))
	same(t, []string{"prometheus.yml", "targets.d/a/p1.json", "targets.d/a/p3.json", "targets.d/b/p1.json"}, h.there())
}

func TestHandEdits(t *testing.T) {
	h := newHost(t)
	set := h.set(1, "one", jobs{"a": {"p1": "a1"}})
	h.sync(set)
	h.put("targets.d/a/p1.json", "by hand")
	res := h.sync(set)
	same(t, 1, res.Files)
	same(t, "a1", h.read("targets.d/a/p1.json"))
	same(t, 1, len(h.prom.reloads))

	h.put("prometheus.yml", "by hand")
	res = h.sync(set)
	same(t, true, res.Config)
	same(t, "one", h.read("prometheus.yml"))
	same(t, 2, len(h.prom.reloads))

	if err := os.RemoveAll(h.path("targets.d/a")); err != nil {
		t.Fatal(err)
	}
	h.sync(set)
	same(t, "a1", h.read("targets.d/a/p1.json"))
	same(t, 2, len(h.prom.reloads))
}

func TestRefused(t *testing.T) {
	h := newHost(t)
	h.sync(h.set(1, "one", jobs{"a": {"p1": "a1"}}))
	h.prom.answers = []apply.Outcome{apply.Refused}
	set := h.set(2, "two", jobs{"a": {"p1": "a2"}, "b": {"p1": "b1"}})
	_, err := h.apply(set, apply.How{})
	if !errors.Is(err, apply.ErrRefused) {
		t.Fatalf("error %v, want ErrRefused", err)
	}
	same(t, []string{"one", "two", "one"}, h.prom.reloads)
	same(t, "one", h.read("prometheus.yml"))
	same(t, "a2", h.read("targets.d/a/p1.json"))
	state := h.disk.State()
	same(t, []int64{2, 1, 1}, []int64{state.RevisionReceived, state.RevisionWritten, state.RevisionLoaded})

	// Held back, its target edits still arrive, and nothing is reloaded.
	set = h.set(3, "two", jobs{"a": {"p1": "a3"}, "b": {"p1": "b1"}})
	if _, err := h.apply(set, apply.How{HoldConfig: true}); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "scripted: refused") {
		t.Fatalf("error %v", err)
	}
	same(t, "a3", h.read("targets.d/a/p1.json"))
	same(t, 3, len(h.prom.reloads))

	// The next try may go well.
	h.sync(set)
	same(t, "two", h.read("prometheus.yml"))
	same(t, int64(3), h.disk.State().RevisionLoaded)
}

func TestRefusedAtFirst(t *testing.T) {
	h := newHost(t)
	h.prom.answers = []apply.Outcome{apply.Refused}
	if _, err := h.apply(h.set(1, "one", jobs{"a": {"p1": "a1"}}), apply.How{}); !errors.Is(err, apply.ErrRefused) {
		t.Fatalf("error %v, want ErrRefused", err)
	}
	if _, err := os.Stat(h.path("prometheus.yml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("prometheus.yml was not there before, and is now: %v", err)
	}
}

// TestNotReloadedYet: whatever keeps a reload from happening, the next sync looks
// whether Prometheus has loaded the file since, and asks it again only if not. One
// that may still be at it is not asked again.
func TestNotReloadedYet(t *testing.T) {
	for outcome, reloads := range map[apply.Outcome]int{apply.Unreachable: 3, apply.Unknown: 2} {
		t.Run(string(outcome), func(t *testing.T) {
			h := newHost(t)
			h.sync(h.set(1, "one", jobs{}))
			h.prom.answers = []apply.Outcome{outcome, outcome}
			set := h.set(2, "two", jobs{})
			for range 2 {
				res, err := h.apply(set, apply.How{})
				if err != nil {
					t.Fatal(err)
				}
				same(t, outcome, res.Outcome)
				same(t, "two", h.read("prometheus.yml"))
			}
			same(t, reloads, len(h.prom.reloads))
			h.stop()
			h.start()
			h.prom.mark = 7 // it has started anew, with the new file
			same(t, apply.NotNeeded, h.sync(set).Outcome)
			same(t, reloads, len(h.prom.reloads))
			same(t, int64(2), h.disk.State().RevisionLoaded)
		})
	}
}

func TestTakeOver(t *testing.T) {
	h := newHost(t)
	h.put("prometheus.yml", "theirs")
	if err := os.Chmod(h.path("prometheus.yml"), 0o640); err != nil {
		t.Fatal(err)
	}
	set := h.set(1, "ours", jobs{})
	if _, err := h.apply(set, apply.How{}); err == nil {
		t.Fatal("a prometheus.yml of somebody else's was replaced unseen")
	}
	same(t, "theirs", h.read("prometheus.yml"))
	body, there, err := h.disk.Foreign()
	if err != nil || !there {
		t.Fatal(there, err)
	}
	how := apply.How{TakeOver: promfleet.HashOf(body)}

	h.prom.answers = []apply.Outcome{apply.Denied}
	if _, err := h.apply(set, how); !errors.Is(err, apply.ErrRefused) {
		t.Fatal(err)
	}
	same(t, "theirs", h.read("prometheus.yml"))
	same(t, 1, len(h.prom.reloads)) // it did not take part: no need to go back

	h.put("prometheus.yml", "theirs, edited")
	if _, err := h.apply(set, how); err == nil {
		t.Fatal("it has changed since it was looked at, and was replaced")
	}
	how.TakeOver = promfleet.HashOf([]byte("theirs, edited"))
	if _, err := h.apply(set, how); err != nil {
		t.Fatal(err)
	}
	same(t, "ours", h.read("prometheus.yml"))
	same(t, "theirs", h.read("prometheus.yml.before-promfleet")) // the first is never overwritten
	info, err := os.Stat(h.path("prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, fs.FileMode(0o640), info.Mode().Perm())
}
