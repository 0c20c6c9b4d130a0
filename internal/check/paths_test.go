package check_test

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet/internal/check"
)

// TestPaths: sockets, aliases, merge keys, what loading moves, and the log of the
// global section, which every job inherits and which stands there once.
func TestPaths(t *testing.T) {
	c, err := check.Load([]byte(`
global: {query_log_file: q.log, scrape_failure_log_file: /var/log/f.log}
rule_files: ["rules/*.yml", /etc/r.yml]
tracing: {endpoint: "unix:///run/otel.sock", tls_config: {ca_file: ca}}
alerting:
  alertmanagers:
  - basic_auth: {username: u, password_file: am-pass}
remote_write:
- url: http://w/
  azuread: {oauth: {client_id: 00000000-0000-0000-0000-000000000000, client_secret: s, tenant_id: 00000000-0000-0000-0000-000000000000}}
scrape_configs:
- &base
  job_name: a
  tls_config: {cert_file: a.crt, key_file: /k}
- <<: *base
  job_name: b
- job_name: c
  bearer_token_file: token
  scrape_failure_log_file: own.log
  http_headers: {X-A: {files: [h1, h2]}}
  file_sd_configs: [{files: [x.json]}, {files: ["t/*.json", y.yml]}]
  docker_sd_configs: [{host: "unix:///var/run/docker.sock"}, {host: "http://d:1"}]
  kubernetes_sd_configs: [{role: pod, kubeconfig_file: kube}]
  azure_sd_configs: [{subscription_id: s, authentication_method: ManagedIdentity, tls_config: {ca_file: ca}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Paths()
	if err != nil {
		t.Fatal(err)
	}
	want := []check.Path{
		{Field: "global.query_log_file", Value: "q.log", Kind: check.Write},
		{Field: "global.scrape_failure_log_file", Value: "/var/log/f.log", Kind: check.Write},
		{Field: "alerting.alertmanagers[0].basic_auth.password_file", Value: "am-pass", Kind: check.Read},
		{Field: "rule_files[0]", Value: "rules/*.yml", Kind: check.Glob},
		{Field: "rule_files[1]", Value: "/etc/r.yml", Kind: check.Glob},
		{Field: "scrape_configs[0].tls_config.cert_file", Value: "a.crt", Kind: check.Read},
		{Field: "scrape_configs[0].tls_config.key_file", Value: "/k", Kind: check.Read},
		{Field: "scrape_configs[1].tls_config.cert_file", Value: "a.crt", Kind: check.Read},
		{Field: "scrape_configs[1].tls_config.key_file", Value: "/k", Kind: check.Read},
		{Field: "scrape_configs[2].scrape_failure_log_file", Value: "own.log", Kind: check.Write},
		{Field: "scrape_configs[2].azure_sd_configs[0].tls_config.ca_file", Value: "ca", Kind: check.Read, Bare: true},
		{Field: "scrape_configs[2].docker_sd_configs[0].host", Value: "/var/run/docker.sock", Kind: check.Read},
		{Field: "scrape_configs[2].file_sd_configs[0].files[0]", Value: "x.json", Kind: check.Glob},
		{Field: "scrape_configs[2].file_sd_configs[1].files[0]", Value: "t/*.json", Kind: check.Glob},
		{Field: "scrape_configs[2].file_sd_configs[1].files[1]", Value: "y.yml", Kind: check.Glob},
		{Field: "scrape_configs[2].kubernetes_sd_configs[0].kubeconfig_file", Value: "kube", Kind: check.Read},
		{Field: "scrape_configs[2].authorization.credentials_file", Value: "token", Kind: check.Read},
		{Field: "scrape_configs[2].http_headers.X-A.files[0]", Value: "h1", Kind: check.Read},
		{Field: "scrape_configs[2].http_headers.X-A.files[1]", Value: "h2", Kind: check.Read},
		{Field: "tracing.endpoint", Value: "/run/otel.sock", Kind: check.Read},
		{Field: "tracing.tls_config.ca_file", Value: "ca", Kind: check.Read},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPathsOfSockets: what gRPC takes for a unix socket counts as one, however it
// is spelled. Its ways were tried with a real Prometheus.
func TestPathsOfSockets(t *testing.T) {
	for endpoint, want := range map[string]string{
		"unix:///run/otel.sock":                     "/run/otel.sock",
		"UNIX:/run/otel.sock":                       "/run/otel.sock",
		"unix:run.sock":                             "run.sock",
		"unix-abstract:x":                           "x",
		"passthrough:///unix:///run/otel.sock":      "/run/otel.sock",
		"passthrough:unix:/run/otel.sock":           "/run/otel.sock",
		"Passthrough://x/UNIX:///run/otel.sock":     "/run/otel.sock",
		"unix:///etc/prometheus/%2e%2e/x.sock":      "unix:///etc/prometheus/%2e%2e/x.sock",
		"passthrough:///unix:%2f%2f%2frun%2fx.sock": "passthrough:///unix:%2f%2f%2frun%2fx.sock",
		"passthrough:///%75nix:///run/x.sock":       "passthrough:///%75nix:///run/x.sock",
		"collector:4317":                            "",
		"dns:///unix.example.com:4317":              "",
		"unix.example.com:4317":                     "",
		"passthrough:///collector:4317":             "",
	} {
		c, err := check.Load([]byte("tracing: {endpoint: \"" + endpoint + "\"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		paths, err := c.Paths()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range paths {
			if got = p.Value; p.Bare == path.IsAbs(p.Value) {
				t.Errorf("%s: %+v", endpoint, p)
			}
		}
		if got != want {
			t.Errorf("%s: path %q, want %q", endpoint, got, want)
		}
	}
}

// TestPathsBesideInherited: a log that resolves to the one of the global section
// does not lead the eye to the wrong path.
func TestPathsBesideInherited(t *testing.T) {
	c, err := check.Load([]byte(`
global: {scrape_failure_log_file: f.log}
scrape_configs:
- job_name: a
  scrape_failure_log_file: ./f.log
  azure_sd_configs: [{subscription_id: s, authentication_method: ManagedIdentity, tls_config: {ca_file: ca}}]
  tls_config: {cert_file: c, key_file: k}
`))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := c.Paths()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if p.Bare != strings.Contains(p.Field, "azure") {
			t.Errorf("%+v", p)
		}
	}
	if len(paths) != 5 {
		t.Errorf("%d paths: %+v", len(paths), paths)
	}
}
