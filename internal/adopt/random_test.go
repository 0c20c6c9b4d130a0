package adopt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/adopt"
	"promfleet/internal/check/checktest"
)

// Whatever Prometheus loads is taken, and given back the same, in whatever style it
// is written and wherever it has comments.
func TestAnyConfigurationComesBack(t *testing.T) {
	taken, jobs, targets := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := writer{rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))}
		body := w.file()
		if checktest.Verdict(body) != nil {
			t.Skip("Prometheus does not load it")
		}
		if err := roundTrip(body); err != nil {
			t.Fatalf("%v\nof\n%s", err, body)
		}
		in, err := adopt.Import(body, "n")
		if err != nil {
			t.Fatal(err)
		}
		taken++
		for _, d := range in.Documents[1:] {
			jobs++
			targets += len(*d.Targets)
		}
	})
	t.Logf("FIGURE %d random configurations with %d jobs and %d targets taken and given back the same", taken, jobs, targets)
	if targets < taken {
		t.Errorf("only %d targets in %d configurations", targets, taken)
	}
}

// In another order of jobs, groups and addresses, the parts are the same.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		w := writer{r}
		list := w.jobs()
		import1, err := imported(list)
		if err != nil {
			t.Skip("Prometheus does not load it")
		}
		shuffle(r, list)
		for _, j := range list {
			groups, _ := j.(map[string]any)["static_configs"].([]any)
			shuffle(r, groups)
			for _, g := range groups {
				shuffle(r, g.(map[string]any)["targets"].([]any))
			}
		}
		import2, err := imported(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []adopt.Imported{import1, import2} {
			for i := range in.Documents {
				in.Documents[i].ScrapeConfig = nil // groups that are kept keep their order
			}
		}
		if diff := cmp.Diff(import1.Documents, import2.Documents); diff != "" {
			t.Error(diff)
		}
	})
}

func imported(jobs []any) (adopt.Imported, error) {
	body, err := json.Marshal(map[string]any{"scrape_configs": jobs})
	if err != nil {
		return adopt.Imported{}, err
	}
	return adopt.Import(body, "n")
}

func shuffle(r *rand.Rand, list []any) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// What anybody sends: an error is one that says why, and what is taken comes back.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"", "---", "# a", "scrape_configs:", "scrape_configs: [{job_name: a}]", "global: &a {}\nscrape_configs: *a", "<<: {scrape_configs: [{job_name: a}]}",
		"scrape_configs:\n- job_name: a # x\n  static_configs:\n  - targets: [a:1, a:1, 'http://a/'] # y\n    labels: {a: b, __meta_x: y}\n",
		"{\"scrape_configs\": [{\"job_name\": \"a\"}], \"global\": {}}", "%YAML 1.1\n---\nscrape_configs: [{job_name: a}]\n...\n",
		"scrape_configs:\r\n- &a\r\n  job_name: a\r\n- <<: *a\r\n  job_name: b\r\nrule_files: [a.yml]\r\n", "? scrape_configs\n: - job_name: a",
		"scrape_configs:\n- job_name: a\n  relabel_configs: [{action: labelmap, regex: __meta_(.+)}]\n  static_configs: [{targets: [a]}]", "\xff\xfea\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := adopt.Import(body, "n")
		var known *promfleet.Error
		switch {
		case err == nil:
			if err := roundTrip(body); err != nil {
				t.Error(err)
			}
		case !errors.As(err, &known) || known.Code != promfleet.Invalid:
			t.Errorf("%v", err)
		}
	})
}

// A writer makes a prometheus.yml as many hands have written it.
type writer struct{ *rand.Rand }

func (w writer) file() []byte {
	root := &yaml.Node{Kind: yaml.MappingNode}
	var list yaml.Node
	must(list.Encode(w.jobs()))
	sections := map[string]any{
		"global":     map[string]any{"scrape_interval": "2m", "external_labels": map[string]any{"a": "$X", "b": w.text()}},
		"rule_files": []any{"a.yml", "b/*.yml"},
		"alerting":   map[string]any{"alertmanagers": []any{map[string]any{"static_configs": []any{map[string]any{"targets": []any{"am:9093"}}}}}},
		"remote_write": []any{map[string]any{"url": "http://tsdb/write", "bearer_token": "abc",
			"write_relabel_configs": []any{map[string]any{"source_labels": []any{"a"}, "regex": "a|b", "action": "drop"}}}},
	}
	names := []string{"global", "rule_files", "alerting", "remote_write", "scrape_configs"}
	w.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		value := &list
		if name != "scrape_configs" {
			if w.IntN(2) == 0 {
				continue
			}
			value = new(yaml.Node)
			must(value.Encode(sections[name]))
		}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
	}
	w.dress(root)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2 + 2*w.IntN(2))
	must(enc.Encode(root))
	body := b.Bytes()
	if w.IntN(5) == 0 {
		body = bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
	}
	return body
}

func must(err error) {
	if err != nil {
		panic(err) // it is made of plain values
	}
}

// dress gives nodes styles and comments.
func (w writer) dress(n *yaml.Node) {
	comment := func() string {
		if w.IntN(12) > 0 {
			return ""
		}
		return w.one("# a", "#b", "# 开发: x", "# two\n# lines", "#\n# \"quoted\"", "# - job_name: old", "##", "#  indented\n#\ttab")
	}
	n.HeadComment, n.LineComment = comment(), comment()
	if n.Kind == yaml.ScalarNode {
		n.LineComment, _, _ = cut(n.LineComment)
		if n.Tag == "!!str" && n.Style == 0 && w.IntN(3) == 0 {
			n.Style = []yaml.Style{yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle}[w.IntN(2)]
		}
		return
	}
	n.LineComment = ""
	if w.IntN(8) == 0 {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		w.dress(c)
	}
}

func cut(s string) (string, string, bool) {
	before, after, ok := bytes.Cut([]byte(s), []byte("\n"))
	return string(before), string(after), ok
}

func (w writer) one(of ...string) string { return of[w.IntN(len(of))] }

func (w writer) text() string {
	return w.one("a", "yes", "012", "1.10", "1:30", "~", "", "a: b", "#c", "x\ny", "$1", "it's", `"q"`, "开发", " s ", "0x1F", "<secret>", `\`, "a,b=c")
}

func (w writer) jobs() []any {
	names := []string{"node", "Node", "node-exporter", "node_exporter", "node.exporter", "节点", "開発", "9100", "yes", "a b", "a: b", "/", "x#y", "'"}
	var list []any
	for i := range 1 + w.IntN(4) {
		w.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
		sc := checktest.ScrapeConfig(w.Rand)
		sc["job_name"] = names[0]
		names = names[1:]
		if i == 0 || w.IntN(4) > 0 {
			sc["static_configs"] = w.groups()
		}
		list = append(list, sc)
	}
	return list
}

func (w writer) groups() []any {
	var groups []any
	for range w.IntN(6) {
		targets := []any{}
		for range w.IntN(5) {
			targets = append(targets, w.one("a:1", "b:1", "c", "[::1]:9100", "[2001:db8::1]", "10.0.0.1:9100", "münchen.example:1", "::1", " x:1"))
		}
		g := map[string]any{"targets": targets}
		if w.IntN(3) > 0 {
			labels := map[string]any{}
			for range 1 + w.IntN(3) {
				labels[w.one("env", "dc", "机房", "a.b", "__param_x", "__scheme__", "job")] = w.one("http", "https", w.text())
			}
			if w.IntN(10) == 0 {
				labels[w.one("__meta_x", "__tmp_y", "__address__")] = w.text()
			}
			g["labels"] = labels
		}
		groups = append(groups, g)
	}
	return slices.Clip(groups)
}
