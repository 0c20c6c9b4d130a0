package fleetfile_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"promfleet/internal/check"
	"promfleet/internal/fleetfile"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(fleetfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("fleetfile.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("fleetfile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value gives YAML as an editor checks it.
func value(t *testing.T, text string) (v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchema(t *testing.T) {
	s := compiled(t)
	for _, text := range strings.Split(both, "---\n") {
		if err := s.Validate(value(t, text)); err != nil {
			t.Errorf("%v for\n%s", err, text)
		}
	}
	for name, text := range map[string]string{
		"no kind":                          "node: n",
		"another kind":                     "{kind: x, node: n}",
		"no key":                           "{kind: job, node: n}",
		"a misspelt field":                 "{kind: job, node: n, key: k, jobname: x}",
		"a field of the other kind":        "{kind: node, node: n, targets: []}",
		"a misspelt field of a target":     "{kind: job, node: n, key: k, targets: [{adr: x}]}",
		"a target without an address":      "{kind: job, node: n, key: k, targets: [{labels: {a: b}}]}",
		"a misspelt field of Prometheus's": "{kind: job, node: n, key: k, scrape_config: {scrape_intervall: 5s}}",
		"one of a discovery":               "{kind: job, node: n, key: k, scrape_config: {consul_sd_configs: [{servr: x}]}}",
		"one of a base config":             "{kind: node, node: n, base_config: {globl: {}}}",
		"no duration":                      "{kind: job, node: n, key: k, scrape_config: {scrape_interval: often}}",
		"no action":                        "{kind: job, node: n, key: k, scrape_config: {relabel_configs: [{action: kep}]}}",
		"no scheme":                        "{kind: job, node: n, key: k, scrape_config: {scheme: ftp}}",
		"job_name in the scrape_config":    "{kind: job, node: n, key: k, scrape_config: {job_name: x}}",
		"jobs in the base config":          "{kind: node, node: n, base_config: {scrape_configs: []}}",
		"no value":                         "{kind: job, node: n, key: k, scrape_config: }",
	} {
		if s.Validate(value(t, text)) == nil {
			t.Errorf("%s: %s is accepted", name, text)
		}
	}
}

// prometheusFiles gives test data of the linked version of Prometheus.
func prometheusFiles(t *testing.T, pattern string) []string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "config/testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	return files
}

// asDocuments gives a prometheus.yml as the documents of a node and of its jobs.
func asDocuments(yml map[string]any) []any {
	base := maps.Clone(yml)
	delete(base, "scrape_configs")
	docs := []any{map[string]any{"kind": "node", "node": "n", "base_config": base}}
	list, _ := yml["scrape_configs"].([]any)
	for _, job := range list {
		config := maps.Clone(job.(map[string]any))
		delete(config, "job_name")
		docs = append(docs, map[string]any{"kind": "job", "node": "n", "key": "k", "scrape_config": config})
	}
	return docs
}

// What Prometheus takes of its own test data, the schema takes.
func TestSchemaTakesWhatPrometheusTakes(t *testing.T) {
	files := prometheusFiles(t, "*.yml")
	s := compiled(t)
	good, jobs := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Load(text); err != nil {
			continue
		}
		base, ok := value(t, string(text)).(map[string]any)
		if !ok {
			continue // an empty file
		}
		good++
		docs := asDocuments(base)
		jobs += len(docs) - 1
		for _, d := range docs {
			if err := s.Validate(d); err != nil {
				t.Errorf("%s: %v", filepath.Base(file), err)
			}
		}
	}
	t.Logf("%d files with %d jobs", good, jobs)
	if good < 60 || jobs < 60 {
		t.Errorf("%d files with %d jobs are not what Prometheus has", good, jobs)
	}
}

// A misspelt field is refused where Prometheus refuses it, and nowhere else.
func TestSchemaRefusesWhatPrometheusRefuses(t *testing.T) {
	text, err := os.ReadFile(prometheusFiles(t, "conf.good.yml")[0])
	if err != nil {
		t.Fatal(err)
	}
	yml := value(t, string(text)).(map[string]any)
	s := compiled(t)
	tried, refused := 0, 0
	var visit func(v any, path string)
	visit = func(v any, path string) {
		switch v := v.(type) {
		case []any:
			for i := range v {
				visit(v[i], fmt.Sprintf("%s[%d]", path, i))
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				visit(v[key], path+"."+key)
			}
			v["misspelt"] = "x"
			defer delete(v, "misspelt")
			whole, err := yaml.Marshal(yml)
			if err != nil {
				t.Fatal(err)
			}
			_, theirs := check.Load(whole)
			if theirs != nil && !strings.Contains(theirs.Error(), "misspelt") {
				return // another word than the one looked for
			}
			ours := slices.ContainsFunc(asDocuments(yml), func(d any) bool { return s.Validate(d) != nil })
			if tried++; ours {
				refused++
			}
			if ours != (theirs != nil) {
				t.Errorf("%s.misspelt: refused by the schema: %t; Prometheus says %v", path, ours, theirs)
			}
		}
	}
	visit(yml, "")
	t.Logf("%d places tried, %d refused", tried, refused)
	if refused < 100 || tried == refused {
		t.Errorf("%d places tried, %d refused: the walk does not reach everything", tried, refused)
	}
}
