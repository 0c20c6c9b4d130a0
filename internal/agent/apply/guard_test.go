package apply_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"promfleet"
	"promfleet/internal/agent/apply"
)

func refusedWith(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want one with %q", err, words)
	}
}

func TestNames(t *testing.T) {
	h := newHost(t)
	for _, f := range []apply.File{
		{Key: "..", Piece: "p1"}, {Key: "a/b", Piece: "p1"}, {Key: "a", Piece: "../p1"}, {Key: "a", Piece: ""},
		{Key: "1a", Piece: "p1"}, {Key: "a", Piece: strings.Repeat("p", 65)}, {Key: strings.Repeat("a", 129), Piece: "p1"},
		{Key: ".stage", Piece: "p1"}, {Key: "a", Piece: "P1"}, {Key: "a\n", Piece: "p1"},
	} {
		if err := h.disk.Stage(f, []byte("x")); err == nil {
			t.Errorf("%q was staged", f.Path())
		}
		set := apply.Set{Jobs: []apply.Job{{Key: f.Key, Files: []apply.File{f}}}}
		if _, err := h.disk.Apply(t.Context(), set, apply.How{}, h.prom); err == nil {
			t.Errorf("%q was applied", f.Path())
		}
	}
	same(t, []string(nil), h.there())
}

func TestSecondAgent(t *testing.T) {
	h := newHost(t)
	_, err := apply.OpenData(h.path("data"))
	refusedWith(t, err, "another agent works on")
	other, err := apply.OpenData(h.path("data2"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = apply.Open(apply.Options{ConfigFile: h.path("prometheus.yml"), Data: other})
	refusedWith(t, err, "another agent works on "+h.path("targets.d"))
}

func TestSymlinks(t *testing.T) {
	for _, name := range []string{"prometheus.yml", "targets.d/a/p1.json", "targets.d/a"} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			outside := filepath.Join(t.TempDir(), "outside")
			if err := os.Mkdir(outside, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside, h.path(name)); err != nil {
				t.Fatal(err)
			}
			_, err := h.apply(h.set(1, "one", jobs{"a": {"p1": "a1"}}), apply.How{})
			if err == nil {
				t.Fatal("written through a symlink")
			}
			entries, err := os.ReadDir(outside)
			if err != nil || len(entries) > 0 {
				t.Errorf("outside: %v, %v", entries, err)
			}
		})
	}
}

func TestForeignTargetFile(t *testing.T) {
	h := newHost(t)
	h.put("targets.d/a/p1.json", "theirs")
	_, err := h.apply(h.set(1, "one", jobs{"a": {"p1": "a1"}}), apply.How{})
	refusedWith(t, err, "is there and not the agent's")
	same(t, "theirs", h.read("targets.d/a/p1.json"))
}

func TestTemporaries(t *testing.T) {
	h := newHost(t)
	set := h.set(1, "one", jobs{"a": {"p1": "a1"}})
	if err := h.disk.Stage(set.Jobs[0].Files[0], []byte("a1")); err != nil {
		t.Fatal(err)
	}
	same(t, []string{"targets.d/.stage/a@p1"}, h.there())
	if err := h.disk.Discard(); err != nil {
		t.Fatal(err)
	}
	same(t, []string(nil), h.there())

	h.stop()
	h.put("targets.d/.stage/a@p1", "half")
	h.put(".promfleet/prometheus.yml", "half")
	h.put("data/.stage/state.json", "half")
	h.start()
	same(t, []string(nil), h.there())
	if _, err := os.Stat(h.path("data/.stage/state.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	h.sync(set)
	same(t, []string{"prometheus.yml", "targets.d/a/p1.json"}, h.there())
}

func TestModes(t *testing.T) {
	h := newHost(t)
	mode := func(name string, want fs.FileMode) {
		t.Helper()
		info, err := os.Stat(h.path(name))
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, info.Mode().Perm())
	}
	h.sync(h.set(1, "one", jobs{"a": {"p1": "a1"}}))
	mode("prometheus.yml", 0o644)
	mode("targets.d", 0o755)
	mode("targets.d/a", 0o755)
	mode("targets.d/a/p1.json", 0o644)
	mode("data", 0o700)
	mode("data/state.json", 0o600)
	for _, name := range []string{"prometheus.yml", "targets.d/a/p1.json"} {
		if err := os.Chmod(h.path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.sync(h.set(2, "two", jobs{"a": {"p1": "a2"}}))
	mode("prometheus.yml", 0o600)
	mode("targets.d/a/p1.json", 0o600)
}

func TestParts(t *testing.T) {
	h := newHost(t)
	keep, drop := []byte("keep"), []byte("drop")
	for _, body := range [][]byte{keep, drop} {
		if err := h.data.KeepPart(body); err != nil {
			t.Fatal(err)
		}
	}
	set := h.set(1, "one", jobs{})
	set.Parts = []promfleet.Hash{promfleet.HashOf(keep)}
	h.sync(set)
	if body, ok := h.data.Part(promfleet.HashOf(keep)); !ok || string(body) != "keep" {
		t.Errorf("a part in use is gone: %q, %v", body, ok)
	}
	if _, ok := h.data.Part(promfleet.HashOf(drop)); ok {
		t.Error("a part that nothing names is still there")
	}
	h.put("data/parts/"+string(promfleet.HashOf(keep)), "torn")
	if _, ok := h.data.Part(promfleet.HashOf(keep)); ok {
		t.Error("a torn part passes for whole")
	}
}
