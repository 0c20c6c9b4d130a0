package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet/internal/check"
)

func secretsOf(t *testing.T, yml []byte) []string {
	t.Helper()
	c, err := check.Load(yml)
	if err != nil {
		t.Fatal(err)
	}
	return c.Secrets()
}

func TestSecrets(t *testing.T) {
	want := map[string]string{
		"testdata/shown/full.yml": `alerting.alertmanagers[0].basic_auth.password
remote_write[0].url
remote_write[1].sigv4.secret_key
remote_write[2].oauth2.client_secret
remote_read[1].bearer_token
scrape_configs[2].basic_auth.password
scrape_configs[2].proxy_url
scrape_configs[3].bearer_token
scrape_configs[4].authorization.credentials
scrape_configs[6].http_sd_configs[0].url
scrape_configs[6].scaleway_sd_configs[0].secret_key
scrape_configs[6].openstack_sd_configs[0].password
scrape_configs[6].marathon_sd_configs[0].auth_token
scrape_configs[6].digitalocean_sd_configs[0].bearer_token
scrape_configs[6].hetzner_sd_configs[0].authorization.credentials
scrape_configs[6].uyuni_sd_configs[0].password`,
		"testdata/shown/current.yml": `alerting.alertmanagers[0].sigv4.secret_key
scrape_configs[0].http_headers.X-A.secrets[0]
scrape_configs[0].http_headers.X-A.secrets[1]
scrape_configs[0].proxy_connect_header.A[0]
scrape_configs[0].proxy_connect_header.A[1]
scrape_configs[1].aws_sd_configs[0].secret_key
scrape_configs[1].stackit_sd_configs[0].private_key
scrape_configs[1].stackit_sd_configs[0].service_account_key
scrape_configs[1].ovhcloud_sd_configs[0].application_secret
scrape_configs[1].ovhcloud_sd_configs[0].consumer_key
scrape_configs[1].linode_sd_configs[0].authorization.credentials
scrape_configs[1].consul_sd_configs[0].password
scrape_configs[1].consul_sd_configs[1].token
scrape_configs[1].kubernetes_sd_configs[0].authorization.credentials`,
	}
	for file, paths := range want {
		if diff := cmp.Diff(strings.Split(paths, "\n"), secretsOf(t, read(t, file))); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestSecretsFollowsAliasesAndMerges(t *testing.T) {
	got := secretsOf(t, []byte(`
scrape_configs:
- &base
  job_name: a
  basic_auth: &auth {username: u, password: p}
  tls_config: {key: k, cert: c}
- <<: *base
  job_name: b
- job_name: c
  basic_auth: *auth
- job_name: d
  azure_sd_configs: [{subscription_id: s, tenant_id: t, client_id: c, client_secret: 12}]
  ec2_sd_configs: [{region: r}, {region: r, access_key: a, secret_key: s}]
- job_name: e
  basic_auth: {username: u, password: ''}
  authorization:
  static_configs: [{targets: [x], labels: {"a.b": "https://u:p@h/"}}]
`))
	want := []string{
		"scrape_configs[0].basic_auth.password",
		"scrape_configs[0].tls_config.key",
		"scrape_configs[1].<<.basic_auth.password",
		"scrape_configs[1].<<.tls_config.key",
		"scrape_configs[2].basic_auth.password",
		"scrape_configs[3].azure_sd_configs[0].client_secret",
		"scrape_configs[3].ec2_sd_configs[1].secret_key",
		`scrape_configs[4].static_configs[0].labels["a.b"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, path := range got {
		if _, err := check.SplitPath(path); err != nil {
			t.Error(err)
		}
	}
}
