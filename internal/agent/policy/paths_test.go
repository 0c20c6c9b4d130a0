package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// host is a directory tree with what a path may lead into and out of.
func host(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"prom/rules/sub", "prom/targets.d/node", "prom/data", "prom/deep/in", "prom/deep/targets.d", "secret", "log", "real"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"prom/ca.pem", "prom/rules/a.yml", "prom/rules/sub/b.yml", "secret/key", "secret/r.yml"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"prom/out":              "../secret",
		"prom/in":               "rules",
		"prom/dangling":         dir + "/secret/later",
		"prom/loop":             "loop",
		"prom/rules/sub/x.yml":  "../../../secret/r.yml",
		"alias":                 "prom",
		"elsewhere":             "prom/rules",
		"prom/far":              "deep/in",
		"prom/deep/targets.d/x": dir + "/secret",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPaths(t *testing.T) {
	dir := host(t)
	p := Default()
	p.AllowPaths = []string{dir + "/prom", dir + "/alias"}
	p.AllowWritePaths = []string{dir + "/log", dir + "/prom"}
	judge := p.Paths(Places{ConfigFile: dir + "/prom/prometheus.yml", TargetsDir: dir + "/prom/targets.d", DataDir: dir + "/prom/data"})
	for _, c := range []struct {
		kind  Kind
		value string // DIR is dir
		words string // "": allowed
	}{
		{Read, "ca.pem", ""},
		{Read, "./rules/../ca.pem", ""},
		{Read, "DIR/prom/ca.pem", ""},
		{Read, "DIR/prom", ""},
		{Read, "DIR/prom/not/yet.pem", ""},
		{Read, "DIR/prom/in/a.yml", ""},
		{Read, "DIR/prom/in/../ca.pem", ""},
		{Read, "DIR/alias/ca.pem", ""},
		{Read, "../secret/key", "it is somewhere else"},
		{Read, "/etc/shadow", "it is somewhere else"},
		{Read, "DIR/prometheus", "it is somewhere else"},
		{Read, "DIR/prom/../secret/key", "it is somewhere else"},
		{Read, "DIR/prom/out/key", `it leads to "DIR/secret/key"`},
		{Read, "DIR/prom/out/../prom/ca.pem", ""},
		{Read, "DIR/prom/in/../../secret/key", "it is somewhere else"},
		{Read, "DIR/prom/out/../ca.pem", `it leads to "DIR/ca.pem"`},
		{Read, "DIR/prom/dangling", `it leads to "DIR/secret/later"`},
		{Read, "DIR/prom/loop", "too many symlinks"},
		{Read, "DIR/prom/no/../ca.pem", ".. behind a directory that is not there"},
		{Read, "DIR/prom/ca.pem/x", "not a directory"},
		{Read, "DIR/elsewhere/a.yml", "it is somewhere else"},
		{Read, "DIR/prom/data/credential", "the agent's own"},
		{Read, "data/credential", "the agent's own"},
		{Read, "DIR/alias/data/credential", "the agent's own"},
		{Read, " ", "blank"},
		{Read, "x\x00y", "NUL"},

		{Glob, "rules/*.yml", ""},
		{Glob, "rules/a.yml", ""},
		{Glob, "DIR/prom/targets.d/node/*.json", ""},
		{Glob, "DIR/prom/no/*.yml", ""},
		{Glob, "DIR/prom/ca.pem*", ""},
		{Glob, "DIR/prom/../x*", "it is somewhere else"},
		{Glob, "DIR/prom*/x.yml", "it is somewhere else"},
		{Glob, "/*", "it is somewhere else"},
		{Glob, "*/../../secret/*", "it is somewhere else"},
		{Glob, "DIR/prom/*/../../secret/*", ".. behind a metacharacter"},
		{Glob, "DIR/prom/out/*", `it leads to "DIR/secret"`},
		{Glob, "DIR/prom/*/r.yml", `it leads to "DIR/secret`},
		{Glob, "rules/sub/*.yml", `it finds "DIR/prom/rules/sub/x.yml": it leads to "DIR/secret/r.yml"`},
		{Glob, "rules/*/*.yml", `it leads to "DIR/secret/r.yml"`},
		{Glob, "DIR/prom/dat*/*", "the agent's own"},
		{Glob, "DIR/prom/[", "not a pattern"},
		{Glob, "DIR/prom/far/../targets.d/*/key", `it leads to "DIR/secret`},

		{Write, "DIR/log/query.log", ""},
		{Write, "query.log", ""},
		{Write, "prometheus.yml", "the agent's own"},
		{Write, "DIR/alias/prometheus.yml", "the agent's own"},
		{Write, "targets.d/node/all.json", "the agent's own"},
		{Write, "DIR/prom/out/query.log", "it leads to"},
		{Write, "/etc/cron.d/x", "it is somewhere else"},
	} {
		put := func(s string) string { return strings.ReplaceAll(s, "DIR", dir) }
		err := judge.Check(Path{Field: "f", Value: put(c.value), Kind: c.kind})
		switch {
		case c.words == "" && err != nil:
			t.Errorf("%s %s: %v", c.kind, c.value, err)
		case c.words != "" && (err == nil || !strings.Contains(err.Error(), put(c.words)) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s %s: %v, want one line with %q", c.kind, c.value, err, put(c.words))
		}
	}
	if err := judge.Check(Path{Field: "f", Value: "x", Kind: Read, Bare: true}); err == nil || !strings.Contains(err.Error(), "write the whole path") {
		t.Error(err)
	}
}

// TestMessage: field, path, what is allowed, and where to allow more.
func TestMessage(t *testing.T) {
	judge := Default().Paths(Places{ConfigFile: "/srv/prom/prometheus.yml", TargetsDir: "/srv/prom/targets.d", DataDir: "/var/lib/promfleet"})
	for _, c := range []struct {
		path Path
		want string
	}{
		{Path{Field: "scrape_configs[0].tls_config.ca_file", Value: "/root/ca", Kind: Read},
			`scrape_configs[0].tls_config.ca_file: "/root/ca" is not allowed: it is somewhere else; a configuration may have Prometheus read /srv/prom/targets.d, /srv/prom, /etc/prometheus: see allow_paths in a --policy.file`},
		{Path{Field: "global.query_log_file", Value: "q.log", Kind: Write},
			`global.query_log_file: "q.log" is not allowed: it is somewhere else; a configuration may have Prometheus write nothing: see allow_write_paths in a --policy.file`},
	} {
		if err := judge.Check(c.path); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestAllowedNeverLeadsOut: in random trees with links that lead anywhere, a path
// or pattern that is allowed opens nothing outside, now or when what it names is
// made later. What it opens is asked of the kernel.
func TestAllowedNeverLeadsOut(t *testing.T) {
	allowedOnes, made := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		base, err := os.MkdirTemp("", "policy")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(base)
		if base, err = filepath.EvalSymlinks(base); err != nil {
			rt.Fatal(err)
		}
		in := filepath.Join(base, "in")
		name := rapid.SampledFrom([]string{"a", "b", "c"})
		place := rapid.Custom(func(rt *rapid.T) string {
			parts := rapid.SliceOfN(name, 0, 3).Draw(rt, "parts")
			root := rapid.SampledFrom([]string{"in", "in", "out"}).Draw(rt, "root")
			return filepath.Join(append([]string{base, root}, parts...)...)
		})
		hop := rapid.SampledFrom([]string{"a", "b", "c", "..", "..", ".", "in", "out", ""})
		winding := rapid.Custom(func(rt *rapid.T) string {
			parts := rapid.SliceOfN(hop, 1, 6).Draw(rt, "hops")
			return strings.Join(parts, "/")
		})
		for _, d := range []string{"in", "out"} {
			if err := os.Mkdir(filepath.Join(base, d), 0o700); err != nil {
				rt.Fatal(err)
			}
		}
		for range rapid.IntRange(0, 12).Draw(rt, "entries") {
			at := place.Draw(rt, "at")
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				_ = os.MkdirAll(at, 0o700)
			case 1:
				_ = os.WriteFile(at, nil, 0o600)
			case 2:
				_ = os.Symlink(winding.Draw(rt, "to"), at)
			case 3:
				_ = os.Symlink(filepath.Join(base, "x")+"/../"+winding.Draw(rt, "to"), at)
			}
		}
		p := Default()
		p.AllowPaths = []string{in}
		judge := p.Paths(Places{ConfigFile: in + "/prometheus.yml", TargetsDir: in + "/targets.d"})
		value := winding.Draw(rt, "value")
		if rapid.Bool().Draw(rt, "absolute") {
			value = rapid.SampledFrom([]string{base, in}).Draw(rt, "from") + "/" + value
		}
		used := value
		if !filepath.IsAbs(value) {
			used = filepath.Join(in, value)
		}
		if rapid.Bool().Draw(rt, "pattern") {
			star := rapid.SampledFrom([]string{"*", "?", "[ab]", "*/*", "*/../*", "*/a"}).Draw(rt, "star")
			if judge.Check(Path{Field: "f", Value: value + "/" + star, Kind: Glob}) != nil {
				return
			}
			allowedOnes++
			found, _ := filepath.Glob(used + "/" + star)
			for _, f := range found {
				inside(rt, in, f)
			}
			return
		}
		if judge.Check(Path{Field: "f", Value: value, Kind: Read}) != nil {
			return
		}
		allowedOnes++
		if _, err := os.Stat(used); err != nil {
			// Somebody makes it later, with what is missing on the way.
			made++
			_ = os.MkdirAll(filepath.Dir(used), 0o700)
			_ = os.WriteFile(used, nil, 0o600)
		}
		inside(rt, in, used)
	})
	t.Logf("%d were allowed, %d of them made later", allowedOnes, made)
	if allowedOnes == 0 || made == 0 {
		t.Error("nothing was tried")
	}
}

// inside fails if what a path opens is not below a directory.
func inside(rt *rapid.T, dir, path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	end, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		rt.Fatal(err)
	}
	if !within([]string{dir}, end) {
		rt.Fatalf("%s is allowed and opens %s", path, end)
	}
}
