package check_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"

	"promfleet/internal/check"
	"promfleet/internal/check/checktest"
)

// shownDir is the directory from which the files in testdata/shown were loaded.
// NAME.VERSION.shown and NAME.HOW.VERSION.shown are what a Prometheus of that
// version showed after loading NAME.yml: "relative" with a relative
// --config.file, "flags" with feature flags, --storage.tsdb.retention.time and
// --log.level. PROMFLEET_REGION was set to eu.
const shownDir = "/tmp/promfleet-check"

func TestSameConfigOnRealPrometheuses(t *testing.T) {
	shown, err := filepath.Glob("testdata/shown/*.shown")
	if err != nil || len(shown) < 10 {
		t.Fatalf("%d files: %v", len(shown), err)
	}
	for _, file := range shown {
		t.Run(filepath.Base(file), func(t *testing.T) {
			name, _, _ := strings.Cut(filepath.Base(file), ".")
			ours, running := read(t, "testdata/shown/"+name+".yml"), read(t, file)
			if err := check.SameConfig(ours, running, shownDir); err != nil {
				t.Error(err)
			}
			// And it is none of the others.
			for _, other := range []string{"full", "minimal", "empty", "current"} {
				if other == name {
					continue
				}
				if err := check.SameConfig(read(t, "testdata/shown/"+other+".yml"), running, shownDir); err == nil {
					t.Errorf("it is taken for %s.yml", other)
				}
			}
		})
	}
}

// Every change of a line of the configuration is seen in what both versions show.
func TestSameConfigNamesTheFirstDifference(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"interval":          {"scrape_interval: 1m30s", "scrape_interval: 2m", `job "relabel": scrape_interval is 1m30s, wanted 2m`},
		"global interval":   {"scrape_interval: 60s", "scrape_interval: 59s", `global.scrape_interval is 1m, wanted 59s`},
		"external label":    {`plain: "yes"`, `plain: "no"`, `global.external_labels.plain is "yes", wanted "no"`},
		"no label":          {`plain: "yes"`, ``, `global.external_labels.plain is "yes", wanted not set`},
		"another regex":     {`regex: __meta_(.+)`, `regex: __meta_(.*)`, `job "relabel": relabel_configs[6].regex is "__meta_(.+)", wanted "__meta_(.*)"`},
		"dollar":            {`replacement: ${1}:$$9100`, `replacement: ${1}:$9100`, `job "relabel": relabel_configs[1].replacement is "${1}:$$9100", wanted "${1}:$9100"`},
		"rule":              {"  - action: keepequal\n    source_labels: [a]\n    target_label: b\n", "", `job "relabel": relabel_configs is 10 entries, wanted 9 entries`},
		"limit gone":        {"  sample_limit: 100\n", "", `job "relabel": sample_limit is 100, wanted 0`},
		"switch":            {"honor_timestamps: false", "honor_timestamps: true", `job "relabel": honor_timestamps is false, wanted true`},
		"target":            {"targets: [b]", "targets: [c]", `job "relabel": static_configs[1].targets[0] is "b", wanted "c"`},
		"secret gone":       {"    password: p\n  proxy_url", "  proxy_url", `job "odd \"name\": 开发": basic_auth.password is <secret>, wanted ""`},
		"job renamed":       {"job_name: plain", "job_name: plane", `job "plane" is not loaded`},
		"job gone":          {"- job_name: bearer\n  bearer_token: old\n", "", `job "bearer" is loaded, but not in the file`},
		"file_sd":           {"files: [own/a.json, own/b.yml]", "files: [own/a.json, own/c.yml]", ""},
		"sd gone":           {"  - server: http://127.0.0.1:1/eureka\n", "  - server: http://127.0.0.1:1/eureka2\n", `job "discoveries": eureka_sd_configs[0].server is "http://127.0.0.1:1/eureka", wanted "http://127.0.0.1:1/eureka2"`},
		"url":               {"u:rw-password@127.0.0.1:1/write", "u:rw-password@127.0.0.1:2/write", "remote_write[0].url is http://u:xxxxx@127.0.0.1:1/write?x=$y, wanted http://u:xxxxx@127.0.0.1:2/write?x=$y"},
		"queue":             {"capacity: 1000", "capacity: 2500", "remote_write[1].queue_config.capacity is 1000, wanted 2500"},
		"rule file":         {"- rules/*.yml", "- rules/*.yaml", ""},
		"alertmanager":      {"path_prefix: /am", "path_prefix: /an", `alerting.alertmanagers[0].path_prefix is "/am", wanted "/an"`},
		"label":             {"{env: 开发,", "{env: 开发2,", `job "relabel": static_configs[0].labels.env is "开发", wanted "开发2"`},
		"alertmanager gone": {"  - api_version: v2\n    file_sd_configs:\n    - files: [am/*.json]\n", "", "alerting.alertmanagers is 2 entries, wanted 1 entry"},
	}
	full := string(read(t, "testdata/shown/full.yml"))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if strings.Count(full, test.old) == 0 {
				t.Fatalf("%q is not in full.yml", test.old)
			}
			ours := []byte(strings.Replace(full, test.old, test.new, 1))
			for _, version := range []string{"2.42", "3.16"} {
				err := check.SameConfig(ours, read(t, "testdata/shown/full."+version+".shown"), shownDir)
				if err == nil || test.want != "" && err.Error() != test.want {
					t.Errorf("%s: got %v, want %s", version, err, test.want)
				}
			}
		})
	}
}

func TestSameConfigPassesOverNewerFields(t *testing.T) {
	ours := []byte("scrape_configs: [{job_name: a, sample_limit: 5}]")
	running := "global:\n  new_in_global: 5\nnew_section:\n  a: b\nscrape_configs:\n- job_name: a\n  new_in_job: [1, 2]\n  sample_limit: 5\n  enable_compression: true\n"
	if err := check.SameConfig(ours, []byte(running), "/"); err != nil {
		t.Error(err)
	}
	if err := check.SameConfig(ours, []byte(strings.ReplaceAll(running, "limit: 5", "limit: 6")), "/"); err == nil {
		t.Error("a limit of 6 is taken for one of 5")
	}
	for _, bad := range []string{"a: [", "scrape_configs: [{job_name: ''}]", strings.Repeat("x", 33<<20)} {
		if err := check.SameConfig(ours, []byte(bad), "/"); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
	}
}

// Whatever Prometheus of the linked version loads is the same as what it shows.
func TestSameConfigOnRandomConfigs(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 3))
		one, two := document(t, checktest.ScrapeConfig(r)), document(t, checktest.ScrapeConfig(r))
		shown := shownBy(t, one, "/etc/prometheus")
		if err := check.SameConfig(one, shown, "/etc/prometheus"); err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, one, shown)
		}
		same := check.SameConfig(two, shown, "/etc/prometheus") == nil
		if equal := string(shown) == string(shownBy(t, two, "/etc/prometheus")); same != equal && !equal {
			t.Errorf("seed %d: two are taken for one:\n%s\n%s", seed, one, two)
		}
	}
}

// shownBy gives what a Prometheus of the linked version shows after loading yml.
func shownBy(t testing.TB, yml []byte, dir string) []byte {
	t.Helper()
	c, err := config.Load(string(yml), promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDirectory(dir)
	return []byte(c.String())
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
