package check_test

import (
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
