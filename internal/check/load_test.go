package check_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"

	"promfleet/internal/check"
	"promfleet/internal/check/checktest"
)

// document writes a configuration that has one job.
func document(t testing.TB, sc map[string]any) []byte {
	t.Helper()
	job := map[string]any{"job_name": "web"}
	for k, v := range sc {
		job[k] = v
	}
	yml, err := yaml.Marshal(map[string]any{"scrape_configs": []any{job}})
	if err != nil {
		t.Fatal(err)
	}
	return yml
}

func TestLoadAcceptsRandomConfigs(t *testing.T) {
	for seed := range uint64(3000) {
		sc := checktest.ScrapeConfig(rand.New(rand.NewPCG(seed, 1)))
		yml := document(t, sc)
		if _, err := check.Load(yml); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, yml)
		}
	}
}

// What Prometheus's package says is what Load says, but for the depth limit, and
// nearly every refusal names a field.
func TestLoadAgreesWithPrometheus(t *testing.T) {
	refused, named := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 2))
		yml := document(t, checktest.Mutate(r, checktest.ScrapeConfig(r)))
		_, want := config.Load(string(yml), promslog.NewNopLogger())
		_, err := check.Load(yml)
		if (err == nil) != (want == nil) {
			t.Fatalf("seed %d: Load says %v, Prometheus says %v\n%s", seed, err, want, yml)
		}
		if err == nil {
			continue
		}
		refused++
		var bad *check.Error
		if !errors.As(err, &bad) {
			t.Fatalf("seed %d: %T is no *check.Error", seed, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("seed %d: more than one line: %q", seed, err)
		}
		if len(bad.Field) > len("scrape_configs[0]") {
			named++
		} else if testing.Verbose() {
			t.Logf("seed %d: field %q: %s", seed, bad.Field, bad.Message)
		}
	}
	if named*100 < refused*95 {
		t.Errorf("of %d refusals %d name a field", refused, named)
	}
	t.Logf("of %d refusals %d name a field", refused, named)
}

func TestLoadBlames(t *testing.T) {
	const job = "scrape_configs:\n- job_name: a\n- job_name: web\n"
	tests := map[string]struct{ yml, field, message string }{
		"unknown field":       {job + "  scrape_intervall: 15s", "scrape_configs[1].scrape_intervall", "field scrape_intervall not found in type config.ScrapeConfig"},
		"wrong type":          {job + "  sample_limit: ten", "scrape_configs[1].sample_limit", "cannot unmarshal !!str `ten` into uint"},
		"twice":               {job + "  scheme: http\n  scheme: https", "scrape_configs[1].scheme", "field scheme already set in type config.ScrapeConfig"},
		"duration":            {job + "  scrape_interval: 15", "scrape_configs[1].scrape_interval", `not a valid duration string: "15"`},
		"regex":               {job + "  relabel_configs: [{action: keep, regex: a}, {action: keep, regex: '('}]", "scrape_configs[1].relabel_configs[1].regex", ""},
		"action":              {job + "  relabel_configs: [{action: explode}]", "scrape_configs[1].relabel_configs[0].action", `unknown relabel action "explode"`},
		"modulus":             {job + "  relabel_configs: [{action: hashmod, target_label: a}]", "scrape_configs[1].relabel_configs[0].action", "relabel configuration for hashmod requires non-zero modulus"},
		"target_label":        {job + "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: underscores\n  relabel_configs: [{action: lowercase, target_label: a-b}]", "scrape_configs[1].relabel_configs[0].target_label", `"a-b" is invalid 'target_label' for lowercase action`},
		"timeout":             {job + "  scrape_interval: 5s\n  scrape_timeout: 6s", "scrape_configs[1].scrape_timeout", `scrape timeout greater than scrape interval for scrape config with job name "web"`},
		"global timeout":      {"global: {scrape_interval: 5s, scrape_timeout: 6s}", "global.scrape_timeout", "global scrape timeout greater than scrape interval"},
		"two auths":           {job + "  basic_auth: {username: u}\n  authorization: {credentials: c}", "scrape_configs[1].basic_auth", ""},
		"job twice":           {job + "- job_name: a", "scrape_configs[2].job_name", `found multiple scrape configs with job name "a"`},
		"no job_name":         {job + "- scheme: http", "scrape_configs[2]", "job_name is empty"},
		"null job":            {job + "-", "scrape_configs[2]", "empty or null scrape config section"},
		"target":              {job + "  static_configs: [{targets: [a, b, 'c/d']}]", "scrape_configs[1].static_configs[0].targets[2]", `"c/d" is not a valid hostname`},
		"file_sd":             {job + "  file_sd_configs: [{files: [a.json, b.txt]}]", "scrape_configs[1].file_sd_configs[0].files[1]", `path name "b.txt" is not valid for file discovery`},
		"label name":          {job + "  static_configs: [{targets: [a], labels: {a: b, '': c}}]", `scrape_configs[1].static_configs[0].labels[""]`, `"" is not a valid label name`},
		"sd role":             {job + "  kubernetes_sd_configs: [{role: pod}, {role: Pods}]", "scrape_configs[1].kubernetes_sd_configs[1].role", `unknown Kubernetes SD role "Pods"`},
		"header":              {job + "  http_headers: {X-A: {values: [b]}, Host: {values: [a]}}", "scrape_configs[1].http_headers.Host", `setting header "Host" is not allowed`},
		"rule file":           {"rule_files: [a.yml, 'a*/b*/c.yml']", "rule_files[1]", `invalid rule file path "a*/b*/c.yml"`},
		"remote_write url":    {"remote_write: [{name: a}]", "remote_write[0]", "url for remote_write is empty"},
		"unknown section":     {"globals: {}", "globals", "field globals not found in type config.plain"},
		"url with a password": {job + "  proxy_url: 'http://u:hunter2@[::1'", "scrape_configs[1].proxy_url", ""},
		"syntax":              {"a: b: c", "", "yaml: mapping values are not allowed in this context"},
		"not a mapping":       {"[1]", "", ""},
		"through an alias":    {"scrape_configs:\n- job_name: a\n  relabel_configs: &r [{action: keep, regex: a}]\n- job_name: b\n  relabel_configs: *r\n  scheme: x\n  sample_limit: -1", "scrape_configs[1].sample_limit", "cannot unmarshal !!int `-1` into uint"},
		"two documents":       {"global: {}\n---\nglobal: {}", "", "more than one YAML document: Prometheus reads only the first; remove the others"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := check.Load([]byte(test.yml))
			var bad *check.Error
			if !errors.As(err, &bad) {
				t.Fatalf("got %v", err)
			}
			if bad.Field != test.field || test.message != "" && bad.Message != test.message {
				t.Errorf("got  %s: %s\nwant %s: %s", bad.Field, bad.Message, test.field, test.message)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message shows a password: %v", err)
			}
		})
	}
}

func TestLoadNamesSeveralFields(t *testing.T) {
	_, err := check.Load([]byte("scrape_configs:\n- job_name: a\n  x: 1\n  y: 2\n"))
	want := "scrape_configs[0].x: field x not found in type config.ScrapeConfig; scrape_configs[0].y: field y not found in type config.ScrapeConfig"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestLoadBoundsItself(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 20 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 10))
	}
	var regexes strings.Builder
	var unknown strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&unknown, "unknown%d: 1\n", i)
	}
	regexes.WriteString("scrape_configs:\n- job_name: a\n  relabel_configs:\n")
	for range 20 {
		regexes.WriteString("  - regex: '" + strings.Repeat("[a-z]{1000}", 50) + "'\n    action: labeldrop\n")
	}
	tests := map[string]struct{ yml, message string }{
		"size":     {strings.Repeat("#\n", check.MaxSize/2+1), "more than 4194304"},
		"depth":    {"a: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "nested deeper than 64 levels"},
		"abyss":    {strings.Repeat("[", 3<<20), ""},
		"aliases":  {bomb, "aliases make the configuration"},
		"cycle":    {"a: &a [*a]", "contains itself"},
		"unknown":  {unknown.String(), "unknown19: field unknown19 not found"},
		"regexes":  {regexes.String(), "regular expressions are too large"},
		"not YAML": {"\x00\xff\xfe", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := check.Load([]byte(test.yml)); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A document at the limit with a fault at its end is refused without loading it
// hundreds of times.
func TestLoadBoundsTheSearch(t *testing.T) {
	var b strings.Builder
	b.WriteString("scrape_configs:\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "- job_name: j%d\n  static_configs: [{targets: [a, b, c]}]\n", i)
	}
	b.WriteString("- job_name: last\n  scrape_interval: 1x\n")
	_, err := check.Load([]byte(b.String()))
	var bad *check.Error
	if !errors.As(err, &bad) || bad.Field != "scrape_configs[3000].scrape_interval" {
		t.Errorf("got %v", err)
	}
}

func TestLoadOpensNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.yml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile("testdata/files.yml")
	if err != nil {
		t.Fatal(err)
	}
	// Opening a FIFO that nobody writes to blocks; a missing file would fail.
	for _, file := range []string{fifo, filepath.Join(dir, "missing.yml")} {
		if _, err := check.Load([]byte(strings.ReplaceAll(string(template), "FILE", file))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestJobNames(t *testing.T) {
	c, err := check.Load([]byte("scrape_configs: [{job_name: b}, {job_name: '开发'}, {job_name: a}]"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "开发", "a"}, c.JobNames()); diff != "" {
		t.Error(diff)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "null\n", "{}"} {
		c, err := check.Load([]byte(empty))
		if err != nil {
			t.Errorf("%q: %v", empty, err)
			continue
		}
		if len(c.JobNames()) != 0 || len(c.Secrets()) != 0 {
			t.Errorf("%q: %v %v", empty, c.JobNames(), c.Secrets())
		}
	}
}

func TestSplitPath(t *testing.T) {
	steps, err := check.SplitPath(`scrape_configs[0].params["match[]"][2].<<.a`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"scrape_configs", 0, "params", "match[]", 2, "<<", "a"}, steps); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"a..b", "a[", "a[x]", "a[-1]", `a["b`, ".a", "a[0]b"} {
		if _, err := check.SplitPath(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, file := range []string{"full", "minimal", "empty", "current"} {
		f.Add(read(f, "testdata/shown/"+file+".yml"))
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		f.Add(document(f, checktest.Mutate(r, checktest.ScrapeConfig(r))))
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("<<: {global: {}}"))
	f.Fuzz(func(t *testing.T, yml []byte) {
		c, err := check.Load(yml)
		if err == nil {
			for _, path := range c.Secrets() {
				if _, err := check.SplitPath(path); err != nil {
					t.Fatal(err)
				}
			}
			return
		}
		var bad *check.Error
		if !errors.As(err, &bad) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%T %v", err, err)
		}
		if _, err := check.SplitPath(bad.Field); err != nil {
			t.Fatal(err)
		}
	})
}
