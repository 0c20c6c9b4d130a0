package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"promfleet/internal/agent"
	"promfleet/internal/agent/reload"
	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/proctest"
)

// bare is a bed of directories alone.
func bare(t *testing.T) *bed {
	t.Helper()
	dir := openDir(t)
	return &bed{t: t, dir: dir, Options: &agent.Options{
		ServerURL: "http://127.0.0.1:1", DataPath: filepath.Join(dir, "data"), ConfigFile: filepath.Join(dir, "prometheus.yml"),
		PrometheusURL: "http://127.0.0.1:1", ListenAddress: proctest.FreeAddr(t),
	}}
}

// TestPrometheusIsNotReached: each reason is told, with what to do.
func TestPrometheusIsNotReached(t *testing.T) {
	p := newBed(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	b := bare(t)
	try := func(url string, words ...string) {
		t.Helper()
		b.PrometheusURL = url
		_, lines := b.looks("prometheus")
		expect(t, lines, "prometheus", reload.Bad, words...)
	}
	try("http://"+proctest.FreeAddr(t), "nobody listens at", "--prometheus.url")
	try("http://nowhere.invalid:9090", "nowhere.invalid is not known", "--prometheus.url")
	withTLS := reloadtest.StartNginx(t, p.prom.URL, reloadtest.Front{TLS: true})
	try(withTLS.URL, "authority", "tls_config in --reload.http-config-file")
	try(strings.Replace(withTLS.URL, "https:", "http:", 1), "speaks TLS only", "https://")
	try(strings.Replace(p.prom.URL, "http:", "https:", 1), "does not speak TLS", "http://")

	b.ReloadHTTPConfigFile = filepath.Join(b.dir, "http.yml")
	b.write(b.ReloadHTTPConfigFile, "tls_config:\n  ca_file: "+withTLS.CA+"\n", 0o600)
	b.PrometheusURL = withTLS.URL
	_, lines := b.looks("prometheus")
	expect(t, lines, "prometheus", reload.Good)
	try(strings.Replace(withTLS.URL, "127.0.0.1", "localhost", 1), "for another name")

	guarded := reloadtest.StartNginx(t, p.prom.URL, reloadtest.Front{User: "agent", Password: "right"})
	b.write(b.ReloadHTTPConfigFile, "basic_auth:\n  username: agent\n  password: secret-of-ours\n", 0o600)
	try(guarded.URL, "credentials (401)", b.ReloadHTTPConfigFile)
	b.write(b.ReloadHTTPConfigFile, "basic_oauth: {}\n", 0o600)
	try(guarded.URL, b.ReloadHTTPConfigFile, "basic_oauth")
	b.ReloadHTTPConfigFile = ""
	try(guarded.URL, "credentials (401)", "--reload.http-config-file")
	withPassword := strings.Replace(guarded.URL, "//", "//agent:secret-of-ours@", 1)
	b.PrometheusURL = withPassword
	for check, l := range examine(t, *b.Options) {
		if strings.Contains(l.Found+l.Hint, "secret-of-ours") {
			t.Errorf("%s tells a secret: %+v", check, l)
		}
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	b.PrometheusURL = "http://" + silent.Addr().String()
	x, err := newExam(*b.Options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if f := x.lookAtPrometheus(ctx); f.Verdict != reload.Bad || !strings.Contains(f.Found, "no answer") {
		t.Errorf("%+v", f)
	}
}

// scripted is a Prometheus, or something like it, that can be any version.
type scripted struct {
	version string
	flags   map[string]string
	pools   int // the status of /api/v1/scrape_pools
	loaded  bool
	dir     string
	ahead   time.Duration
	page    string // answers everything
	status  int
	running string // the configuration
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(s.ahead).UTC().Format(http.TimeFormat))
	now := float64(time.Now().Add(s.ahead).UnixMilli()) / 1000
	data := func(format string, args ...any) {
		fmt.Fprintf(w, `{"status":"success","data":`+format+"}", args...)
	}
	switch {
	case s.page != "":
		w.WriteHeader(s.status)
		fmt.Fprint(w, s.page)
	case r.URL.Path == "/api/v1/status/buildinfo":
		data(`{"version":%q}`, s.version)
	case r.URL.Path == "/api/v1/status/flags":
		text := `{"x":""`
		for k, v := range s.flags {
			text += fmt.Sprintf(",%q:%q", k, v)
		}
		data("%s}", text)
	case r.URL.Path == "/api/v1/status/runtimeinfo":
		data(`{"CWD":%q,"reloadConfigSuccess":%t}`, s.dir, s.loaded)
	case r.URL.Path == "/api/v1/status/config":
		data(`{"yaml":%q}`, s.running)
	case r.URL.Path == "/api/v1/scrape_pools" && s.pools == 0:
		data(`{"scrapePools":[]}`)
	case r.URL.Path == "/api/v1/query" && s.flags["agent"] != "true":
		data(`{"resultType":"scalar","result":[%.3f,"%.3f"]}`, now, now)
	case r.URL.Path == "/metrics":
		fmt.Fprintln(w, "prometheus_config_last_reload_success_timestamp_seconds 1")
	default:
		w.WriteHeader(404)
	}
}

func (b *bed) scripted() *scripted {
	b.t.Helper()
	s := &scripted{version: "3.1.0", flags: map[string]string{"config.file": b.ConfigFile, "web.enable-lifecycle": "true"}, loaded: true, dir: "/"}
	server := httptest.NewServer(s)
	b.t.Cleanup(server.Close)
	b.PrometheusURL = server.URL
	return s
}

func TestWhichPrometheus(t *testing.T) {
	b := bare(t)
	s := b.scripted()
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		_, lines := b.looks("prometheus")
		expect(t, lines, "prometheus", result, words...)
	}
	try(reload.Good, "version 3.1.0")
	s.flags["agent"] = "true"
	try(reload.Good, "in agent mode")
	s.version = "2.41.0"
	try(reload.Bad, "2.41.0", "older", "2.42")
	s.version, s.pools = "2.28.1", 404
	try(reload.Bad, "2.28.1", "upgrade", "2.42")
	s.pools = 0
	s.version = "4.0.0"
	try(reload.Doubtful, "4.0.0", "newer")
	s.version = "HEAD-1a2b"
	try(reload.Good, "HEAD-1a2b")
	s.version, s.flags = "2.24.0", nil // as VictoriaMetrics says of itself
	try(reload.Bad, "does not tell its flags")
	s.page, s.status = "<html><head><title>Grafana</title></head></html>", 200
	try(reload.Bad, "something else", `"Grafana"`, "--prometheus.url")
	s.page, s.status = "<html>404 Not Found nginx</html>", 404
	try(reload.Bad, "something else", "404", "--web.external-url")
	s.page, s.status = "bad gateway", 502
	try(reload.Bad, "502")
	s.page, s.status = `{"status":"success","data":{}}`, 200
	try(reload.Bad, "something else")
}

func TestConfigFile(t *testing.T) {
	b := bare(t)
	s := b.scripted()
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		x, _ := b.looks("prometheus")
		x.usage.PID = os.Getpid() // which sees the same files
		x.lookAtPrometheus(t.Context())
		expect(t, x.only(t, "config file"), "config file", result, words...)
	}
	try(reload.Good, b.ConfigFile) // not there yet
	b.write(b.ConfigFile, emptyYML, 0o644)
	try(reload.Good, b.ConfigFile)
	s.flags["config.file"], s.dir = "prometheus.yml", b.dir
	try(reload.Good, b.ConfigFile)
	s.dir = ""
	try(reload.Doubtful, "absolute --config.file")
	link := filepath.Join(b.dir, "link.yml")
	if err := os.Symlink(b.ConfigFile, link); err != nil {
		t.Fatal(err)
	}
	s.flags["config.file"] = link
	try(reload.Good, link)
	other := filepath.Join(b.dir, "other.yml")
	s.flags["config.file"] = other
	try(reload.Bad, "reads "+other, "would write "+b.ConfigFile, "--config.file="+b.ConfigFile)
	b.write(other, emptyYML, 0o644)
	try(reload.Bad, "reads "+other, "--prometheus.config-file")
	x, _ := b.looks("prometheus")
	x.usage.PID = 0
	x.lookAtPrometheus(t.Context())
	expect(t, x.only(t, "config file"), "config file", reload.Doubtful, other, "container")
	x.flags = nil
	expect(t, x.only(t, "config file"), "config file", reload.Doubtful, "not known")
}

// TestWhatIsLoaded: with real ones.
func TestWhatIsLoaded(t *testing.T) {
	for _, version := range prometheuses {
		b := newBed(t, version.env, "--web.enable-lifecycle")
		b.prom.Write(t, "global: {scrape_timeout: 40s, scrape_interval: 40s}\nscrape_configs:\n- job_name: slow\n- {job_name: fast, scrape_timeout: 5s}\n")
		post(t, b.prom.URL+"/-/reload", 200)
		b.ReloadTimeout = 30 * time.Second
		lines := examine(t, *b.Options)
		expect(t, lines, "loaded config", reload.Good)
		expect(t, lines, "reload timeout", reload.Doubtful, "30s", "40s", "job slow", "--reload.timeout")
		b.ReloadTimeout = 0
		b.prom.Write(t, "nothing: {}\n")
		post(t, b.prom.URL+"/-/reload", 500)
		lines = examine(t, *b.Options)
		expect(t, lines, "reload timeout", reload.Good, "1m30s", "40s")
		expect(t, lines, "loaded config", reload.Doubtful, "last reload failed")
		expect(t, lines, "take-over", reload.Bad, "mend it", "nothing")
	}
}

func post(t *testing.T, url string, want int) {
	t.Helper()
	resp, err := http.Post(url, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		t.Fatalf("%s: %d", url, resp.StatusCode)
	}
}
