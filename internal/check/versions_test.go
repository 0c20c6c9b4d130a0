package check_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"promfleet/internal/check"
	"promfleet/internal/check/checktest"
)

// What real Prometheuses, older and newer ones, have loaded is shown equal to what
// they were given, and unequal to all else.
func TestCompareOnRealPrometheuses(t *testing.T) {
	shown, err := filepath.Glob("testdata/shown/*.shown")
	if err != nil || len(shown) < 10 {
		t.Fatalf("%d files: %v", len(shown), err)
	}
	for _, file := range shown {
		t.Run(filepath.Base(file), func(t *testing.T) {
			name, _, _ := strings.Cut(filepath.Base(file), ".")
			ours, running := read(t, "testdata/shown/"+name+".yml"), read(t, file)
			c := check.Compare(check.Versions{Wanted: ours, Written: ours, Loaded: running}, shownDir)
			if !c.Same || len(c.Notes) > 0 || c.Wanted.Err != nil || c.Written.Err != nil || c.Loaded.Err != nil {
				t.Fatalf("same %v, notes %v, errors %v, %v, %v", c.Same, c.Notes, c.Wanted.Err, c.Written.Err, c.Loaded.Err)
			}
			noSecrets(t, c)
			// With another line in it, it is the rest that is the same.
			other := strings.Replace(string(ours), "job_name: plain", "job_name: plane", 1)
			c = check.Compare(check.Versions{Wanted: []byte(other), Written: ours, Loaded: running}, shownDir)
			if strings.Contains(string(ours), "job_name: plain") {
				if c.Same || c.Wanted.Text == c.Loaded.Text {
					t.Error("a renamed job is the same")
				}
				if asSecret(c.Written.Text) != asSecret(c.Loaded.Text) {
					t.Errorf("what is written and loaded differs in form:\n%s", diff(asSecret(c.Written.Text), asSecret(c.Loaded.Text)))
				}
			}
		})
	}
}

// Texts are equal where the judge says that the configurations are, and differ else.
func TestCompareAgreesWithSameConfig(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		one, two := document(t, checktest.ScrapeConfig(r)), document(t, checktest.ScrapeConfig(r))
		shown := shownBy(t, one, "/etc/prometheus")
		c := check.Compare(check.Versions{Wanted: one, Written: one, Loaded: shown}, "/etc/prometheus")
		if !c.Same || c.Loaded.Text != c.Wanted.Text || c.Written.Text != c.Wanted.Text {
			t.Fatalf("seed %d: not the same: %v %v %v\n%s", seed, c.Wanted.Err, c.Written.Err, c.Loaded.Err, one)
		}
		c = check.Compare(check.Versions{Wanted: two, Written: one, Loaded: shown}, "/etc/prometheus")
		if same := check.SameConfig(two, shown, "/etc/prometheus") == nil; same != (c.Loaded.Text == c.Wanted.Text) && len(c.Notes) == 0 {
			t.Errorf("seed %d: the judge says same %v, and the texts %v", seed, same, !same)
		}
		if asSecret(c.Loaded.Text) != asSecret(c.Written.Text) {
			t.Errorf("seed %d: what is written was loaded, and is shown differently:\n%s", seed, diff(asSecret(c.Written.Text), asSecret(c.Loaded.Text)))
		}
	}
}

const secretive = `global:
  external_labels: {region: eu, api_key: hunter2-label, home: "${HOME}"}
remote_write:
- url: https://rw:hunter2-rw@rw.example/write?db=x&p=hunter2-query
  headers: {X-Scope-OrgID: tenant, X-Token: hunter2-header}
  oauth2: {client_id: id, client_secret: hunter2-oauth, token_url: "https://t.example/?key=hunter2-token-url", endpoint_params: {assertion: hunter2-assertion}}
- url: https://hunter2-userinfo@rw.example/write
  basic_auth: {username: u, password: hunter2-basic}
remote_read:
- url: http://r.example/read
  headers: {X-Read: hunter2-read}
  bearer_token: hunter2-bearer
alerting:
  alertmanagers:
  - basic_auth: {username: u, password: hunter2-am}
    static_configs: [{targets: ["am:9093"]}]
scrape_configs:
- job_name: web
  metrics_path: /metrics
  params: {module: [http_2xx], token: [hunter2-param], target: ["http://u:hunter2-nested@x/?a=hunter2-nested-query"]}
  authorization: {credentials: hunter2-credentials}
  proxy_url: http://p:hunter2-proxy@proxy.example:3128
  proxy_connect_header: {Proxy-Authorization: [hunter2-connect]}
  http_headers: {X-Key: {values: [hunter2-values], secrets: [hunter2-secrets]}}
  static_configs:
  - targets: ["a:1"]
    labels: {env: prod, __param_password: hunter2-target-label, note: "see http://u:hunter2-note@x"}
  relabel_configs:
  - {target_label: __param_token, replacement: hunter2-replacement}
  - {source_labels: [a], regex: 'http://(.*):(.*)@x\?b=c', target_label: b}
- job_name: consul
  consul_sd_configs: [{server: "user:hunter2-server@consul:8500", token: hunter2-consul}]
- job_name: clouds
  ec2_sd_configs: [{region: eu, access_key: key, secret_key: hunter2-ec2}]
  openstack_sd_configs: [{region: eu, role: instance, password: hunter2-openstack, application_credential_secret: hunter2-app}]
  azure_sd_configs: [{subscription_id: s, tenant_id: t, client_id: c, client_secret: hunter2-azure}]
  digitalocean_sd_configs: [{authorization: {credentials: hunter2-ocean}}]
  http_sd_configs: [{url: "http://h:hunter2-sd@h.example/?token=hunter2-sd-query"}]
`

func noSecrets(t *testing.T, c check.Compared) {
	t.Helper()
	for name, text := range map[string]string{"wanted": c.Wanted.Text, "written": c.Written.Text, "loaded": c.Loaded.Text, "notes": strings.Join(c.Notes, "\n")} {
		for _, secret := range []string{"hunter2", "hunter3", "rw-password"} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s shows %s", name, text[max(0, i-60):min(len(text), i+40)])
			}
		}
	}
	for _, err := range []error{c.Wanted.Err, c.Written.Err, c.Loaded.Err} {
		if err != nil && (strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %v", err)
		}
	}
}

// No secret is shown of any version, whoever put it there.
func TestCompareShowsNoSecret(t *testing.T) {
	t.Setenv("HOME", "/home/hunter2-home")
	edited := strings.ReplaceAll(secretive, "hunter2", "hunter3")
	for name, in := range map[string]check.Versions{
		"same":           {Wanted: []byte(secretive), Written: []byte(secretive), Loaded: shownBy(t, []byte(secretive), "/")},
		"edited":         {Wanted: []byte(secretive), Written: []byte(edited), Loaded: shownBy(t, []byte(edited), "/")},
		"edited only":    {Wanted: []byte("{}"), Written: []byte(edited), Loaded: shownBy(t, []byte(secretive), "/")},
		"no prometheus":  {Wanted: []byte(secretive), Written: []byte(edited)},
		"wanted is bad":  {Wanted: []byte(secretive + "- job_name: [hunter2]\n"), Written: []byte(edited), Loaded: []byte(secretive)},
		"clear is shown": {Wanted: []byte(secretive), Written: []byte(edited), Loaded: []byte(secretive)}, // by one that masks nothing
	} {
		t.Run(name, func(t *testing.T) {
			c := check.Compare(in, "/")
			noSecrets(t, c)
			if name == "same" {
				if !c.Same {
					t.Errorf("not the same: %v\n%s", c.Notes, diff(c.Wanted.Text, c.Loaded.Text))
				}
				for _, kept := range []string{"module:", "http_2xx", "rw.example/write?db=<secret>&p=<secret>", "X-Scope-OrgID: <secret>", "username: u", `regex: http://(.*):(.*)@x\?b=c`, "region: eu", "${HOME}", "access_key: key", "user:<secret>@consul:8500", "client_id: id"} {
					if !strings.Contains(c.Wanted.Text, kept) {
						t.Errorf("%s is not shown", kept)
					}
				}
			}
			if name == "edited" {
				if c.Same || !strings.Contains(c.Written.Text, "password: <another secret>") || !strings.Contains(c.Loaded.Text, "X-Token: <another secret>") {
					t.Errorf("same %v, notes %v\n%s", c.Same, c.Notes, diff(c.Wanted.Text, c.Written.Text))
				}
				if strings.Contains(c.Loaded.Text, " password: <another secret>") {
					t.Error("of a secret that Prometheus has masked it is said that it is another")
				}
			}
		})
	}
	for _, bad := range []string{
		"scrape_configs:\n- job_name: hunter2\n  scrape_interval: hunter2\n",
		"scrape_configs:\n- job_name: web\n  hunter2 is here: x\n",
		"scrape_configs:\n- job_name: web\n  static_configs: hunter2\n",
		"hunter2", "a: [hunter2",
		"scrape_configs: [{job_name: a, hunter2: x}]",
		"scrape_configs: [{job_name: a, relabel_configs: [{action: hunter2}]}]",
		"scrape_configs: [{job_name: a, relabel_configs: [{regex: '(hunter2'}]}]",
		"remote_write: [{url: 'http://u:hunter2@x:hunter2/'}]",
	} {
		c := check.Compare(check.Versions{Wanted: []byte("{}"), Written: []byte(bad), Loaded: []byte(bad)}, "/")
		if c.Written.Err == nil {
			t.Errorf("%q can be read", bad)
		}
		t.Log(c.Written.Err)
		noSecrets(t, c)
	}
}

// What only a comment, quotes or the order of keys change is told as such.
func TestCompareOfWhatMeansTheSame(t *testing.T) {
	wanted := "scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: p1}\n- job_name: b\n  basic_auth: {username: u, password: p2}\n"
	edited := "# by hand\nscrape_configs:\n- job_name: 'b'\n  basic_auth: {password: p2, username: u}\n- job_name: \"a\"\n  basic_auth: {username: u, password: p1}\n"
	c := check.Compare(check.Versions{Wanted: []byte(wanted), Written: []byte(edited), Loaded: shownBy(t, []byte(edited), "/")}, "/")
	if !c.Same || c.Written.Text != c.Wanted.Text || len(c.Notes) != 1 {
		t.Errorf("same %v, notes %v\n%s", c.Same, c.Notes, diff(c.Wanted.Text, c.Written.Text))
	}
	// Two secrets that change places are both there, and each is another one there.
	swapped := strings.NewReplacer("p1", "p2", "p2", "p1").Replace(wanted)
	c = check.Compare(check.Versions{Wanted: []byte(wanted), Written: []byte(swapped), Loaded: shownBy(t, []byte(swapped), "/")}, "/")
	if c.Same || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "in what is not shown") {
		t.Errorf("same %v, notes %v", c.Same, c.Notes)
	}
}

func TestCompareWithoutSome(t *testing.T) {
	c := check.Compare(check.Versions{}, "/")
	if c.Same || c.Wanted.Err == nil || c.Written.Err == nil || c.Loaded.Err == nil {
		t.Errorf("%+v", c)
	}
	c = check.Compare(check.Versions{Written: []byte(""), Wanted: []byte("")}, "/")
	if c.Same || c.Written.Err != nil || c.Written.Text != c.Wanted.Text || c.Loaded.Err == nil {
		t.Errorf("%+v", c)
	}
}

// asSecret makes of secrets that ours does not have such that may be any, as those
// that Prometheus has masked are.
func asSecret(text string) string { return strings.ReplaceAll(text, "<another secret>", "<secret>") }

// diff names the lines that only one has.
func diff(a, b string) string {
	var out strings.Builder
	for _, side := range []struct{ mark, a, b string }{{"- ", a, b}, {"+ ", b, a}} {
		have := map[string]bool{}
		for line := range strings.Lines(side.b) {
			have[line] = true
		}
		for line := range strings.Lines(side.a) {
			if !have[line] {
				out.WriteString(side.mark + line)
			}
		}
	}
	return out.String()
}
