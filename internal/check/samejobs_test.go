package check_test

import (
	"strings"
	"testing"

	"promfleet/internal/check"
)

const existing = `
global: {scrape_interval: 30s}
remote_write: [{url: 'http://u:hunter2@127.0.0.1/'}]
scrape_configs:
- job_name: node exporter
  scrape_interval: 60s
  basic_auth: {username: u, password: hunter2}
  static_configs:
  - {targets: ['a:1', 'b:1'], labels: {env: prod, none: ''}}
  - {targets: ['c:1', 'c:1']}
- job_name: web
  file_sd_configs: [{files: [web/*.json]}, {files: [targets.d/other/*.json], refresh_interval: 1m}]
`

const ours = `
global: {scrape_interval: 30s}
remote_write: [{url: 'http://u:hunter2@127.0.0.1/'}]
scrape_configs:
- job_name: web
  file_sd_configs: [{files: [web/*.json]}, {files: [targets.d/other/*.json], refresh_interval: 1m}, {files: [/etc/prometheus/targets.d/web/*.json]}]
- job_name: node exporter
  scrape_interval: 1m
  basic_auth: {username: u, password: hunter2}
  file_sd_configs: [{files: [targets.d/node/*.json]}]
`

func TestSameJobs(t *testing.T) {
	targets := func() map[string][]check.Group {
		return map[string][]check.Group{"node exporter": {
			{Targets: []string{"c:1", "c:1"}},
			{Targets: []string{"b:1"}, Labels: map[string]string{"env": "prod", "__meta_promfleet_target_id": "7"}},
			{Targets: []string{"a:1"}, Labels: map[string]string{"env": "prod"}},
		}}
	}
	tests := map[string]struct {
		old, new string // in ours
		change   func(map[string][]check.Group)
		want     string
	}{
		"same":            {},
		"global":          {old: "scrape_interval: 30s", new: "scrape_interval: 31s", want: "global.scrape_interval is 30s in the existing file, 31s in ours"},
		"rules":           {old: "global:", new: "rule_files: [a.yml]\nglobal:", want: "rule_files is not set in the existing file, 1 entry in ours"},
		"field":           {old: "scrape_interval: 1m", new: "scrape_interval: 2m", want: `job "node exporter": scrape_interval is 1m in the existing file, 2m in ours`},
		"secret":          {old: "password: hunter2", new: "password: hunter3", want: `job "node exporter": basic_auth.password is <secret> in the existing file, <secret> (another one) in ours`},
		"url":             {old: "u:hunter2@", new: "u:hunter3@", want: `remote_write[0].url is http://u:xxxxx@127.0.0.1/ in the existing file, http://u:xxxxx@127.0.0.1/ (another one) in ours`},
		"job missing":     {old: "job_name: web", new: "job_name: wen", want: `job "web" is in the existing file, but not in ours`},
		"job too many":    {old: "- job_name: web\n", new: "- job_name: more\n- job_name: web\n", want: `job "more" is in ours, but not in the existing file`},
		"order of own sd": {old: "[{files: [web/*.json]}, {files: [targets.d/other/*.json], refresh_interval: 1m}", new: "[{files: [targets.d/other/*.json], refresh_interval: 1m}, {files: [web/*.json]}", want: `job "web": file_sd_configs[0].files[0] is "/etc/prometheus/web/*.json" in the existing file, "/etc/prometheus/targets.d/other/*.json" in ours`},
		"target missing": {change: func(m map[string][]check.Group) { m["node exporter"] = m["node exporter"][:2] },
			want: `job "node exporter": target a:1 {env="prod"} is in the existing file, but not in ours`},
		"target too many": {change: func(m map[string][]check.Group) { m["web"] = []check.Group{{Targets: []string{"d:1"}}} },
			want: `job "web": target d:1 is in ours, but not in the existing file`},
		"target once": {change: func(m map[string][]check.Group) { m["node exporter"][0].Targets = []string{"c:1"} },
			want: ""}, // Prometheus scrapes it once
		"inline": {old: "file_sd_configs: [{files: [targets.d/node/*.json]}]", new: "static_configs: [{targets: ['c:1']}]",
			change: func(m map[string][]check.Group) { m["node exporter"][0].Targets = []string{"c:1"} }},
		"invalid": {old: "global:", new: "globe:", want: "our configuration: globe: field globe not found in type config.plain"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			groups := targets()
			if test.change != nil {
				test.change(groups)
			}
			if test.old != "" && !strings.Contains(ours, test.old) {
				t.Fatalf("%q is not there", test.old)
			}
			err := check.SameJobs([]byte(existing), []byte(strings.Replace(ours, test.old, test.new, 1)), "/etc/prometheus", "targets.d", groups)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if strings.Contains(got, "hunter") {
				t.Error("it shows a secret")
			}
		})
	}
}
