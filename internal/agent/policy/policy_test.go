package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, text string) (*Policy, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

func TestLoad(t *testing.T) {
	p, err := load(t, "allow_paths: [/a, /b/]\nmax_removal_percent: 10\nremoval_confirm: local\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.AllowPaths, want.MaxRemovalPercent, want.RemovalConfirm = []string{"/a", "/b/"}, 10, ConfirmLocal
	if diff := cmp.Diff(want, p, cmpopts.IgnoreUnexported(Policy{})); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "# nothing\n", "{}\n"} {
		p, err := load(t, text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Default(), p, cmpopts.IgnoreUnexported(Policy{})); diff != "" {
			t.Error(diff)
		}
	}
	if p, err := Load(""); err != nil || !strings.Contains(p.String(), "default") {
		t.Errorf("%v, %v", p, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ text, words string }{
		{"allow_path: [/a]", "line 1: there is no field allow_path"},
		{"allow_paths: /a", "line 1: `/a` is of the wrong type"},
		{"allow_paths: [etc]", `allow_paths: "etc" must be an absolute path`},
		{"allow_paths: [/etc/../root]", "without . and .."},
		{"allow_write_paths: ['']", "allow_write_paths"},
		{"max_removal_percent: 101", "not between 0 and 100"},
		{"max_removal_percent: 50%", "line 1: `50%` is of the wrong type"},
		{"drift: ignore", `drift: "ignore" is neither repair nor report`},
		{"removal_min_targets: -1", "removal_min_targets"},
		{"removal_confirm: nobody", `"nobody" is neither server nor local`},
		{"max_bytes: 0", "max_bytes"},
		{"max_files: 0", "max_files"},
		{"max_depth: 65", "max_depth"},
		{"max_values: 0", "max_values"},
		{"{}\n---\n{}", "more than one YAML document"},
		{"max_files: 1\nmax_files: 2", "already defined"},
	} {
		if _, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", c.text, err, c.words)
		}
	}
	if _, err := Load("/nonexistent/policy.yml"); err == nil || !strings.Contains(err.Error(), "--policy.file") {
		t.Error(err)
	}
}

// TestExample: the example says every field, and says the defaults.
func TestExample(t *testing.T) {
	const file = "../../../deploy/policy.example.yml"
	p, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	// As for the default --prometheus.config-file.
	want.AllowPaths, want.AllowWritePaths = []string{"/etc/prometheus"}, []string{}
	if diff := cmp.Diff(want, p, cmpopts.IgnoreUnexported(Policy{})); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{}
	if err := yaml.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	out, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, said); diff != "" {
		t.Error(diff)
	}
}

func TestTooMany(t *testing.T) {
	p := Default()
	for _, c := range []struct {
		gone, of int64
		want     bool
	}{
		{0, 1000, false}, {500, 1000, false}, {501, 1000, true}, {1000, 1000, true},
		{99, 99, false}, {51, 100, true}, {50, 100, false}, {0, 0, false},
	} {
		if got := p.TooMany(c.gone, c.of); got != c.want {
			t.Errorf("%d of %d: %t", c.gone, c.of, got)
		}
	}
	p.MaxRemovalPercent, p.RemovalMinTargets = 0, 0
	if !p.TooMany(1, 1) || p.TooMany(0, 1) {
		t.Error("0 percent: every removal waits, and nothing else")
	}
	p.MaxRemovalPercent = 100
	if p.TooMany(1000, 1000) {
		t.Error("100 percent: nothing waits")
	}
}
