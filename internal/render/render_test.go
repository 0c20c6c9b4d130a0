package render_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/render"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is the input of a golden test; targets are by job.
type golden struct {
	Jobs []struct {
		promfleet.JobConfig
		Inline  bool               `json:"inline"`
		Targets []promfleet.Target `json:"targets"`
	}
}

// Each archive in testdata has the input (base.yml, jobs.json) and every file
// that it must give.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var base []byte
			var in golden
			kept := ar.Files[:0:0]
			for _, f := range ar.Files {
				switch f.Name {
				case "base.yml":
					base = f.Data
				case "jobs.json":
					if err := json.Unmarshal(f.Data, &in.Jobs); err != nil {
						t.Fatal(err)
					}
				default:
					continue
				}
				kept = append(kept, f)
			}
			got := &txtar.Archive{Comment: ar.Comment, Files: append(kept, renderAll(t, base, in)...)}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(txtar.Format(ar)), string(txtar.Format(got))); diff != "" {
				t.Errorf("not as the golden file (-update rewrites it):\n%s", diff)
			}
		})
	}
}

func renderAll(t *testing.T, base []byte, in golden) []txtar.File {
	var jobs []render.Job
	var files []txtar.File
	for _, j := range in.Jobs {
		job := render.Job{JobConfig: j.JobConfig, Targets: int64(len(j.Targets)), Inline: j.Inline}
		body, err := render.TargetFile(j.Targets, render.MetaSeen(j.ScrapeConfig))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &job.Groups); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
		if len(j.Targets) == 0 {
			continue
		}
		files = append(files, txtar.File{Name: "want/targets.d/" + j.Key + "/all.json", Data: body})
	}
	yml, err := render.PrometheusYML(base, jobs, "targets.d")
	if err != nil {
		yml = []byte("error: " + err.Error() + "\n")
	}
	return append([]txtar.File{{Name: "want/prometheus.yml", Data: yml}}, files...)
}

// Prometheus reads YAML 1.1 with yaml.v2: whatever string is written must be
// that string there, however much it looks like something else.
func TestStringsStayStrings(t *testing.T) {
	special := []string{"yes", "No", "on", "~", "null", "012", "0x1F", "1:30", ".inf", "1_000", "=", "<<", "a: b", "#x", "- a", "", " ", "15s", "1e3", "\u0085", "a\nb", "$1", `"`, "'", "开发", "*x", "&x", "!x", "%x", "@x", "`x", "{", "[", "y", "2026-11-24"}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.SampledFrom(special), rapid.String()).Draw(t, "value")
		sc, err := json.Marshal(map[string]any{"params": map[string]any{s: []any{s}}})
		if err != nil {
			t.Fatal(err)
		}
		// What JSON made of it: invalid UTF-8 is not kept.
		var in map[string]map[string][]string
		if err := json.Unmarshal(sc, &in); err != nil {
			t.Fatal(err)
		}
		yml, err := render.PrometheusYML(nil, []render.Job{{JobConfig: promfleet.JobConfig{Key: "a", JobName: s, ScrapeConfig: sc}}}, "targets.d")
		if err != nil {
			t.Fatal(err)
		}
		for name, unmarshal := range map[string]func([]byte, any) error{"yaml.v2": yamlv2.Unmarshal, "yaml.v3": yaml.Unmarshal} {
			var out struct {
				ScrapeConfigs []struct {
					Params map[string][]string `yaml:"params"`
				} `yaml:"scrape_configs"`
			}
			if err := unmarshal(yml, &out); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, yml)
			}
			if diff := cmp.Diff(in["params"], out.ScrapeConfigs[0].Params); diff != "" {
				t.Fatalf("%s read something else:\n%s\n%s", name, diff, yml)
			}
			var untyped map[string]any
			if err := unmarshal(yml, &untyped); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		targets := drawTargets(t, 50)
		meta := render.Meta{ID: rapid.Bool().Draw(t, "id"), Tags: rapid.Bool().Draw(t, "tags")}
		a, err := render.TargetFile(targets, meta)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := slices.Clone(targets)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		b, err := render.TargetFile(shuffled, meta)
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) {
			t.Fatalf("order changed the file:\n%s\n%s", a, b)
		}
	})
}

func drawTargets(t *rapid.T, most int) []promfleet.Target {
	n := rapid.IntRange(0, most).Draw(t, "n")
	targets := make([]promfleet.Target, n)
	for i := range targets {
		targets[i] = promfleet.Target{ID: int64(i + 1), Addr: fmt.Sprintf("10.0.0.%d:9100", i),
			Labels: map[string]string{"dc": rapid.SampledFrom([]string{"北京", "上海"}).Draw(t, "dc")}}
	}
	return targets
}

// keysOf gives the sorted keys of n targets, in racks of 100 with the same labels.
func keysOf(n int, edit map[int]string) []render.SplitKey {
	keys := make([]render.SplitKey, 0, n)
	for i := range n {
		addr := fmt.Sprintf("host-%d:9100", i)
		if to, ok := edit[i]; ok {
			addr = to
		}
		keys = append(keys, render.KeyOf(map[string]string{"rack": fmt.Sprint(i / 100)}, addr, ""))
	}
	slices.SortFunc(keys, func(a, b render.SplitKey) int { return strings.Compare(string(a[:]), string(b[:])) })
	return keys
}

// One edit leaves all pieces but one, or the two that it moves between, as they were.
func TestOneEditTouchesOnePiece(t *testing.T) {
	for _, n := range []int{10, 1_024, 1_025, 50_000} {
		contents := func(keys []render.SplitKey) map[string]string {
			out := map[string]string{}
			at := 0
			for _, leaf := range render.Split(render.Range{}, keys) {
				if leaf.From != at || leaf.To-leaf.From > render.MaxPiece {
					t.Fatalf("piece %s has keys %d to %d after %d", leaf.Name(), leaf.From, leaf.To, at)
				}
				at = leaf.To
				if back, ok := render.ParseRange(leaf.Name()); !ok || back != leaf.Range {
					t.Fatalf("piece name %s reads back as %v", leaf.Name(), back)
				}
				var b strings.Builder
				hi := leaf.Hi()
				for _, k := range keys[leaf.From:leaf.To] {
					if string(k[:]) < string(leaf.Lo[:]) || string(k[:]) > string(hi[:]) {
						t.Fatalf("key outside its piece %s", leaf.Name())
					}
					b.Write(k[:])
				}
				if leaf.To > leaf.From {
					out[leaf.Name()] = b.String()
				}
			}
			if at != len(keys) {
				t.Fatalf("pieces hold %d of %d keys", at, len(keys))
			}
			return out
		}
		before := contents(keysOf(n, nil))
		after := contents(keysOf(n, map[int]string{n / 2: "edited:9100"}))
		changed := 0
		for name := range after {
			if after[name] != before[name] {
				changed++
			}
		}
		if changed > 2 {
			t.Errorf("one edit in %d targets changed %d of %d pieces", n, changed, len(after))
		}
	}
}

func TestMetaSeen(t *testing.T) {
	for _, c := range []struct {
		config string
		want   render.Meta
	}{
		{`{}`, render.Meta{}},
		{`{"relabel_configs":[{"source_labels":["__meta_promfleet_tags"],"regex":".*,prod,.*","action":"keep"}]}`, render.Meta{Tags: true}},
		{`{"relabel_configs":[{"action":"labelmap","regex":"__meta_promfleet_target_(.+)"}]}`, render.Meta{ID: true, Name: true}},
		{`{"relabel_configs":[{"action":"LabelMap"}]}`, render.Meta{ID: true, Name: true, Tags: true}},
		{`{"relabel_configs":[{"action":"labelmap","regex":"meta_promfleet"}]}`, render.Meta{}},
		{`{"metric_relabel_configs":[{"source_labels":["__meta_promfleet_tags"]}]}`, render.Meta{}},
		{`{"relabel_configs":[{"action":"keepequal","source_labels":["x"],"target_label":"__meta_promfleet_target_name"}]}`, render.Meta{Name: true}},
		{`{"relabel_configs":[{"regex":5},{"source_labels":["__meta_promfleet_target_name"]}]}`, render.Meta{Name: true}},
	} {
		if got := render.MetaSeen(json.RawMessage(c.config)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.config, got, c.want)
		}
	}
}

func TestPartNames(t *testing.T) {
	for _, name := range []string{"base", "jobs/a", "jobs/a/config", "jobs/a/targets/all", "jobs/a/targets/3f-7"} {
		if _, ok := render.ParseName(name); !ok {
			t.Errorf("%s is refused", name)
		}
	}
	for _, name := range []string{"", "jobs/", "jobs/../x", "jobs/a/targets/", "jobs/a/targets/../../x", "jobs/a/b", "rules/x", "jobs/a/targets/A", "jobs/1a", "jobs/" + strings.Repeat("a", 129)} {
		if n, ok := render.ParseName(name); ok {
			t.Errorf("%s is taken for %+v", name, n)
		}
	}
}
