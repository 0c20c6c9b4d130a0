package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

// secretBase has a secret of each kind that a base config may have. It is on the host
// alone: the server is not to hear of any.
const secretBase = `global: {scrape_interval: 30s, external_labels: {region: eu, token: hunter2-label, home: "${HOME}"}}
remote_write:
- url: http://rw:hunter2-rw@127.0.0.1:1/write?db=x&p=hunter2-query
  headers: {X-Scope-OrgID: hunter2-tenant}
  basic_auth: {username: u, password: hunter2-basic}
remote_read:
- url: http://127.0.0.1:1/read
  bearer_token: hunter2-bearer
alerting:
  alertmanagers:
  - http_sd_configs: [{url: "http://h:hunter2-sd@127.0.0.1:1/?token=hunter2-sd-query", authorization: {credentials: hunter2-credentials}}]
`

// loaded asks until the answer is as it should be.
func (h *host) loaded(what string, is func(*promfleet.NodeLoaded) bool) *promfleet.NodeLoaded {
	h.t.Helper()
	var l *promfleet.NodeLoaded
	deadline := time.Now().Add(30 * time.Second)
	for {
		start := time.Now()
		var err error
		if l, err = h.plane.NodeLoaded(h.t.Context(), h.uuid, 10*time.Second); err != nil {
			h.t.Fatal(err)
		}
		h.discreet(l)
		if is(l) {
			h.t.Logf("%s (%s)", what, time.Since(start).Round(time.Millisecond))
			return l
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("not %s: %+v", what, l)
		}
	}
}

// discreet: nothing that the host alone knows got out.
func (h *host) discreet(v any) {
	h.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, secret := range []string{"hunter", os.Getenv("HOME") + "\\n"} {
		if strings.Contains(string(text), secret) {
			h.t.Fatalf("%s is told: %s", secret, text)
		}
	}
}

func TestLoaded(t *testing.T) {
	for _, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			compareLoaded(t, proctest.Part(t, p.env))
		})
	}
}

func compareLoaded(t *testing.T, prometheus string) {
	base := filepath.Join(t.TempDir(), "base.yml")
	policy := filepath.Join(filepath.Dir(base), "policy.yml")
	for file, text := range map[string]string{base: secretBase, policy: "drift: report\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := newHost(t, startPlane(t), prometheus, emptyConfig, "--sync.interval", "1s", "--prometheus.base-config", base, "--policy.file", policy)
	h.start()
	h.job("web", `{"basic_auth":{"username":"u","password":"hunter2-job"},"params":{"module":["http_2xx"]},"relabel_configs":[{"target_label":"team","replacement":"a"}]}`, "127.0.0.1:1")
	h.settled(promfleet.StateInSync)

	// What an older and what a newer Prometheus has loaded is shown alike.
	l := h.loaded("same", func(l *promfleet.NodeLoaded) bool { return l.Same })
	for _, words := range []string{"job_name: web", "password: <secret>", "X-Scope-OrgID: <secret>", "write?db=<secret>&p=<secret>", "- http_2xx", "region: eu", "home: ${HOME}", "scrape_interval: 30s"} {
		if !strings.Contains(l.Wanted.Text, words) {
			t.Errorf("%q is not in\n%s", words, l.Wanted.Text)
		}
	}
	if l.Agent != promfleet.AgentAnswered || l.Written != l.Wanted || l.Loaded != l.Wanted || l.RevisionWanted != l.RevisionNow || l.RevisionLoaded != l.RevisionNow || len(l.Notes) > 0 || l.State != promfleet.StateInSync {
		t.Errorf("%+v", l)
	}

	// Somebody edits the file, which stays so as the policy says, and reloads.
	text, err := os.ReadFile(h.config())
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.NewReplacer("scrape_interval: 30s", "scrape_interval: 31s", "hunter2-basic", "hunter3-basic", "hunter2-job", "hunter3-job").Replace(string(text)) +
		"  - job_name: mine\n    params: {token: [hunter3-param]}\n    static_configs: [{targets: ['127.0.0.1:1']}]\n"
	if err := os.WriteFile(h.config(), []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	l = h.loaded("drifted", func(l *promfleet.NodeLoaded) bool { return l.Written != l.Wanted })
	if l.Same || l.Loaded != l.Wanted {
		t.Errorf("%+v", l)
	}
	for _, words := range []string{"scrape_interval: 31s", "password: <another secret>", "job_name: mine", "- <another secret>"} {
		if !strings.Contains(l.Written.Text, words) {
			t.Errorf("%q is not in\n%s", words, l.Written.Text)
		}
	}
	h.settled(promfleet.StateDrifted)
	h.reload()
	l = h.loaded("loaded as edited", func(l *promfleet.NodeLoaded) bool { return l.Loaded != l.Wanted })
	if l.Same || !strings.Contains(l.Loaded.Text, "job_name: mine") || !strings.Contains(l.Loaded.Text, "scrape_interval: 31s") || l.State != promfleet.StateDrifted || !strings.Contains(l.Problem, "changed by hand") {
		t.Errorf("%+v", l)
	}

	// A file that cannot be read is told without what stands in it.
	if err := os.WriteFile(h.config(), []byte("global: hunter3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l = h.loaded("spoilt", func(l *promfleet.NodeLoaded) bool { return l.Written.Missing != "" })
	if l.Written.Text != "" || !strings.Contains(l.Written.Missing, "cannot be shown: ") || l.Loaded.Text == "" {
		t.Errorf("%+v", l)
	}
	t.Log(l.Written.Missing)
	if err := os.Remove(h.config()); err != nil {
		t.Fatal(err)
	}
	h.loaded("removed", func(l *promfleet.NodeLoaded) bool { return strings.Contains(l.Written.Missing, "there is no ") })
	if err := os.WriteFile(h.config(), text, 0o644); err != nil {
		t.Fatal(err)
	}
	h.reload()
	h.loaded("same again", func(l *promfleet.NodeLoaded) bool { return l.Same })

	h.prom.Stop(t)
	l = h.loaded("without Prometheus", func(l *promfleet.NodeLoaded) bool { return l.Loaded.Missing != "" })
	if l.Same || !strings.Contains(l.Loaded.Missing, "refused") || l.Written != l.Wanted || l.Wanted.Text == "" {
		t.Errorf("%+v", l)
	}
	h.proc.Stop(t)
	l, err = h.plane.NodeLoaded(t.Context(), h.uuid, time.Second)
	if err != nil || l.Agent != promfleet.AgentSilent || l.Same || !strings.Contains(l.Wanted.Missing, "did not answer within 1s") {
		t.Errorf("without the agent: %+v, error %v", l, err)
	}
}

// TestDoctorFromAfar: the agent that runs makes the checks of promfleet doctor, changes
// nothing by that, and tells nothing of what is in the files.
func TestDoctorFromAfar(t *testing.T) {
	h := newHost(t, startPlane(t), proctest.Part(t, "PROMFLEET_PROMETHEUS_CURRENT"), emptyConfig, "--sync.interval", "1s")
	h.start()
	h.job("web", "", "127.0.0.1:1")
	h.settled(promfleet.StateInSync)
	lastReload := func() float64 {
		return metric(t, h.prometheus, "prometheus_config_last_reload_success_timestamp_seconds", nil)
	}
	before, reloaded := h.snapshot(), lastReload()
	start := time.Now()
	d, err := h.plane.NodeDoctor(t.Context(), h.uuid, 30*time.Second)
	if err != nil || d.Agent != promfleet.AgentAnswered || len(d.Findings) != 21 || d.Failures != 0 || d.AgentSays != "" {
		t.Fatalf("%+v, error %v", d, err)
	}
	t.Logf("FIGURE doctor's %d checks from afar: %s", len(d.Findings), time.Since(start).Round(time.Millisecond))
	if changed := h.rewritten(before, h.snapshot()); len(changed) > 0 || lastReload() != reloaded {
		t.Errorf("doctor has changed %v, and Prometheus has reloaded after %v at %v", changed, reloaded, lastReload())
	}
	// The same words as on the host.
	args := slices.Concat([]string{"doctor", "-o", "json"}, h.args[1:])
	var local struct {
		Checks []struct{ Result, Check, Found, Hint string }
	}
	if err := json.Unmarshal([]byte(command(t, args...)), &local); err != nil {
		t.Fatal(err)
	}
	for i, c := range local.Checks {
		if f := d.Findings[i]; f.Check != c.Check || string(f.Level) != c.Result || c.Check != "clock" && c.Check != "disk space" && f.Found != c.Found {
			t.Errorf("%s: on the host %s %s, from afar %+v", c.Check, c.Result, c.Found, f)
		}
	}

	if err := os.WriteFile(h.config(), []byte("global: {hunter2: hunter2}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.prom.Stop(t)
	if d, err = h.plane.NodeDoctor(t.Context(), h.uuid, 30*time.Second); err != nil || d.Failures == 0 {
		t.Fatalf("%+v, error %v", d, err)
	}
	h.discreet(d)
	if i := slices.IndexFunc(d.Findings, func(f promfleet.Finding) bool { return f.Level == promfleet.FindingFailure }); d.Findings[i].Check != "prometheus" || d.Findings[i].Hint == "" {
		t.Errorf("the first failure: %+v", d.Findings[i])
	}
}

// reload has Prometheus reload, whoever asks for it.
func (h *host) reload() {
	h.t.Helper()
	resp, err := http.Post(h.prometheus+"/-/reload", "", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("Prometheus does not reload: %s", resp.Status)
	}
}
