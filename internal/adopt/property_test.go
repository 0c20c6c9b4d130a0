package adopt_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/adopt"
	"promfleet/internal/check/checktest"
	"promfleet/internal/render"
)

var (
	jobName = rapid.OneOf(
		rapid.SampledFrom([]string{"node", "node exporter", "node.exporter", "node_exporter", "数据库", "yes", "012", "1.10", "a: b", "#1", "---", "\"", "'", " x ", "é/ü"}),
		rapid.StringMatching(`[a-z0-9_/. -]{1,12}`),
	)
	address = rapid.SampledFrom([]string{"a:1", "a:1", "b:2", "c.example.com", "[2001:db8::1]:9", "10.0.0.1:9100", ":1", "x y", "fe80::1", "h:http"})
	label   = rapid.SampledFrom([]string{"env", "dc", "team", "y", "on", "__scheme__", "__param_target", "__meta_x", "__tmp_1", "__address__", "__meta_promfleet_target_id", "a.b", "中"})
	value   = rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "b", "yes", "012", "1:30", "null", "~", "a=b,c", "# x", "x: y", "'", "\"", "line\nbreak", " lead", "trail ", "$1", "é", "🔥", "-", "|", "\t"}),
		rapid.StringMatching(`[a-z]{0,5}`),
	)
	uttered = rapid.OneOf(
		rapid.SampledFrom([]string{"", "", "", "owner: ops", "- off:1", "# more", "  indented", "{", "'", "\"", "数据库", "a # b", "...", "---", "<<: *a"}),
		rapid.StringMatching(`[ -~é中]{0,20}`),
	)
)

// writer makes the text of a prometheus.yml, with comments wherever there may be some.
type writer struct {
	strings.Builder
	t *rapid.T
}

func (w *writer) yes(name string) bool { return rapid.Bool().Draw(w.t, name) }

// line writes a line with comments above and behind it.
func (w *writer) line(indent int, text string) {
	pad := strings.Repeat(" ", indent)
	if c := uttered.Draw(w.t, "above"); c != "" {
		w.WriteString(pad + "#" + c + "\n")
		if w.yes("apart") {
			w.WriteString("\n")
		}
	}
	w.WriteString(pad + text)
	if c := uttered.Draw(w.t, "behind"); c != "" {
		w.WriteString(" #" + c)
	}
	w.WriteString("\n")
}

// flow spells a value so that it fits behind a key.
func flow(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (w *writer) job(name string) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(w.t, "scrape config"), 6))
	sc := checktest.ScrapeConfig(r)
	if rapid.IntRange(0, 2).Draw(w.t, "plain") > 0 {
		sc = map[string]any{}
	}
	w.line(2, "- job_name: "+flow(name))
	for _, key := range slices.Sorted(maps.Keys(sc)) {
		w.line(4, key+": "+flow(sc[key]))
	}
	groups := rapid.IntRange(0, 4).Draw(w.t, "groups")
	if groups == 0 {
		return
	}
	w.line(4, "static_configs:")
	for range groups {
		addrs := rapid.SliceOfN(address, 0, 3).Draw(w.t, "targets")
		labels := rapid.MapOfN(label, value, 0, 3).Draw(w.t, "labels")
		if w.yes("flow") || len(addrs) == 0 {
			w.line(6, "- {targets: "+flow(addrs)+", labels: "+flow(labels)+"}")
			continue
		}
		w.line(6, "- targets:")
		for _, a := range addrs {
			w.line(10, "- "+flow(a))
		}
		if len(labels) > 0 {
			w.line(8, "labels:")
			for _, name := range slices.Sorted(maps.Keys(labels)) {
				w.line(10, flow(name)+": "+flow(labels[name]))
			}
		}
	}
}

var sections = []string{
	"global: {scrape_interval: 30s, external_labels: {a: \"b\"}}",
	"global:\n  scrape_interval: 20s # often\n  external_labels:\n    # two\n    x: .nan\n    y: 'z'",
	"rule_files: [a.yml]",
	"rule_files:\n- a.yml\n- b.yml # the second\n# - c.yml",
	"alerting:\n  alertmanagers:\n  - static_configs: [{targets: [am:9093]}]\n\n  # no more\n",
	"remote_write:\n  - url: http://x/ # long term\n    basic_auth: {username: u, password: |\n        # no comment\n        p}",
	"remote_write:\n  - url: http://x/\n    headers:\n      a: |+\n        # no comment\n\n\n",
	"storage: {tsdb: {out_of_order_time_window: 5m}}",
}

func config(t *rapid.T) string {
	w := writer{t: t}
	if w.yes("start") {
		w.WriteString("---\n")
	}
	base := rapid.Permutation(sections).Draw(t, "sections")[:rapid.IntRange(0, 4).Draw(t, "how many")]
	at := rapid.IntRange(0, len(base)).Draw(t, "jobs at")
	names := rapid.SliceOfNDistinct(jobName, 0, 4, rapid.ID).Draw(t, "names")
	have := map[string]bool{}
	for i := range len(base) + 1 {
		if i == at {
			w.line(0, "scrape_configs:")
			for _, name := range names {
				w.job(name)
			}
		}
		if i == len(base) {
			break
		}
		key, _, _ := strings.Cut(base[i], ":")
		if have[key] {
			continue
		}
		have[key] = true
		if c := uttered.Draw(t, "above section"); c != "" {
			w.WriteString("#" + c + "\n")
		}
		w.WriteString(base[i] + "\n")
		if w.yes("gap") {
			w.WriteString("\n")
		}
	}
	if c := uttered.Draw(t, "end"); c != "" {
		w.WriteString("#" + c + "\n")
	}
	return w.String()
}

// Whatever Prometheus loads is taken, and given back the same.
func TestRoundTrip(t *testing.T) {
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		yml := config(t)
		if checktest.Verdict([]byte(yml)) != nil {
			return
		}
		valid++
		if _, err := roundTrip([]byte(yml)); err != nil {
			t.Fatalf("%v\nof:\n%s", err, yml)
		}
	})
	t.Logf("FIGURE %d random files taken and given back the same", valid)
	if valid < 30 {
		t.Errorf("only %d were valid", valid)
	}
}

// Keys are unique, valid, and do not depend on the order of the jobs.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.OneOf(jobName, rapid.StringN(1, 140, 300), rapid.StringMatching(`[ab]_?[ -.]a{0,130}`)), 1, 20, rapid.ID).Draw(t, "names")
		keys := adopt.Keys(names)
		of := map[string]string{}
		for i, key := range keys {
			if !render.ValidKey(key) {
				t.Errorf("%q: key %q is not valid", names[i], key)
			}
			if other, ok := of[key]; ok {
				t.Errorf("%q and %q: both have key %q", names[i], other, key)
			}
			if render.ValidKey(names[i]) && key != names[i] {
				t.Errorf("%q is a key, but has %q", names[i], key)
			}
			of[key] = names[i]
		}
		other := rapid.Permutation(names).Draw(t, "other order")
		for i, key := range adopt.Keys(other) {
			if of[key] != other[i] {
				t.Errorf("%q: key %q in another order", other[i], key)
			}
		}
	})
}

// A remark, whatever is in it, stays a comment and comes back.
func TestRemarks(t *testing.T) {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringOf(rapid.SampledFrom([]rune("a #:-\n\r\t\u0085\u2028\u2029\ufeff\ufffe\x00\x1b\x7f\u00a0中🔥{}'\"|>&*!%@"))),
	)
	rapid.Check(t, func(t *rapid.T) {
		job, one, two := text.Draw(t, "job"), text.Draw(t, "target"), text.Draw(t, "another")
		yml, err := adopt.Export("global: {}\n", []adopt.Job{{Key: "a", JobName: "a", Remark: job, ScrapeConfig: json.RawMessage(`{}`), Targets: []promfleet.Target{
			{ID: 1, Addr: "a:1", Remark: one},
			{ID: 2, Addr: "b:1", Remark: two, Labels: map[string]string{"x": "y"}},
			{ID: 3, Addr: "c:1", Labels: map[string]string{"x": "y"}},
		}}, {Key: "b", JobName: "b", Remark: two, ScrapeConfig: json.RawMessage(`{"scrape_interval":"1m"}`)}})
		if err != nil {
			t.Fatal(err)
		}
		in, err := adopt.Import(yml, "n")
		if err != nil {
			t.Fatalf("%v\n%s", err, yml)
		}
		want := []promfleet.FleetDocument{
			{Kind: promfleet.FleetJob, Node: "n", Key: "a", JobName: "a", Remark: adopt.Remark(job), ScrapeConfig: json.RawMessage(`{}`), Targets: &[]promfleet.FleetTarget{
				{Addr: "a:1", Remark: adopt.Remark(one)},
				{Addr: "b:1", Remark: adopt.Remark(two), Labels: map[string]string{"x": "y"}},
				{Addr: "c:1", Labels: map[string]string{"x": "y"}},
			}},
			{Kind: promfleet.FleetJob, Node: "n", Key: "b", JobName: "b", Remark: adopt.Remark(two), ScrapeConfig: json.RawMessage(`{"scrape_interval":"1m"}`), Targets: &[]promfleet.FleetTarget{}},
		}
		if diff := cmp.Diff(want, in.Documents[1:]); diff != "" {
			t.Fatalf("%s\n%s", diff, yml)
		}
	})
}

// Nothing that is not a prometheus.yml makes it fail in another way than with an
// error, and whatever it takes it gives back the same.
func FuzzImport(f *testing.F) {
	for _, pattern := range []string{"testdata/realistic/*.yml", "testdata/golden/*.txtar", "../check/testdata/shown/*.yml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, name := range files {
			body, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if archive := txtar.Parse(body); len(archive.Files) > 0 {
				body = archive.Files[0].Data
			}
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := adopt.Import(body, "n"); err != nil {
			invalid(t, err)
			return
		}
		if _, err := roundTrip(body); err != nil {
			t.Error(err)
		}
	})
}
