package doctor

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/agent"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/reload"
	"promfleet/internal/proctest"
)

func TestInotify(t *testing.T) {
	b := bare(t)
	b.mkdir("data", 0o700)
	var m promfleet.Manifest
	for i := range 60 {
		m.Parts = append(m.Parts, promfleet.Part{Name: fmt.Sprintf("jobs/job%d", i), Index: true})
	}
	try := func(u inotify.Usage, unseen error, result reload.Verdict, words ...string) {
		t.Helper()
		x, _ := b.looks("inotify")
		x.usage, x.unseen = u, unseen
		expect(t, x.only(t, "inotify"), "inotify", result, words...)
	}
	u := inotify.Usage{Limit: 128, Sysctl: "fs.inotify.max_user_instances", UID: 33, PID: 7, InUse: 80, ByPrometheus: 3}
	try(u, nil, reload.Good, "80 of 128", "3 of them by Prometheus", "48 more jobs")
	text, err := json.Marshal(map[string]any{"manifest": m})
	if err != nil {
		t.Fatal(err)
	}
	b.write(filepath.Join(b.DataPath, "state.json"), string(text), 0o600)
	try(u, nil, reload.Doubtful, "48 more jobs", "costs a reload", "sysctl -w fs.inotify.max_user_instances=1024")
	u.ByPrometheus = 60
	try(u, nil, reload.Good)
	u.InUse, u.PrometheusUnread, u.Unread = 125, true, 1
	try(u, nil, reload.Doubtful, "at least 125 of 128", "at most 3 more jobs")
	try(u, fmt.Errorf("%w: x", inotify.ErrElsewhere), reload.Doubtful, "not seen among the processes", "128")
	try(inotify.Usage{}, inotify.ErrNoProc, reload.Doubtful, "not known")
}

// TestClock: of a Prometheus and a server whose clocks are another.
func TestClock(t *testing.T) {
	b := bare(t)
	p := b.scripted()
	ahead := time.Duration(0)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
	}))
	defer server.Close()
	b.ServerURL = server.URL
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		x, _ := b.looks("prometheus")
		x.lookAtPrometheus(t.Context())
		expect(t, x.only(t, "clock"), "clock", result, words...)
	}
	try(reload.Good, "Prometheus's is within a second", "the server's is within a second")
	ahead = 20 * time.Second
	try(reload.Good, "the server's is 20s ahead of this host's")
	ahead = -45 * time.Second
	try(reload.Doubtful, "the server's is 45s behind", "NTP")
	ahead = 0
	p.ahead = 24 * time.Hour
	try(reload.Bad, "Prometheus's is 24h0m0s ahead", "NTP")
	p.flags["agent"] = "true" // which has no queries: by the header
	try(reload.Bad, "Prometheus's is 24h0m0s ahead")
	p.ahead = 0
	server.Close()
	try(reload.Doubtful, "the server's is not known")
}

// TestServer: each reason why the agent could not work with what answers.
func TestServer(t *testing.T) {
	b := bare(t)
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		_, lines := b.looks("server")
		expect(t, lines, "server", result, words...)
	}
	b.ServerURL = "http://" + proctest.FreeAddr(t)
	try(reload.Bad, "nobody listens", "--server.url")
	b.ServerURL = "https://nowhere.invalid/promfleet"
	try(reload.Bad, "nowhere.invalid is not known")

	status, body, protocol := 200, "promfleet is ready.\n", "1"
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(promfleet.ProtocolHeader, protocol)
		if r.URL.Path != "/sub/-/ready" {
			status = 404
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	s, withTLS := httptest.NewServer(h), httptest.NewTLSServer(h)
	defer s.Close()
	defer withTLS.Close()
	b.ServerURL = withTLS.URL + "/sub/"
	try(reload.Bad, "authority", "SSL_CERT_FILE")
	b.ServerURL = strings.Replace(withTLS.URL, "https:", "http:", 1)
	try(reload.Bad, "speaks TLS only", "https:// in --server.url")
	b.ServerURL = strings.Replace(s.URL, "http:", "https:", 1)
	try(reload.Bad, "does not speak TLS", "http:// in --server.url")
	b.ServerURL = s.URL + "/sub/"
	try(reload.Good, "speaks protocol 1")
	protocol = "0"
	try(reload.Bad, "protocol 0", "upgrade the server")
	protocol = ""
	try(reload.Doubtful, "does not tell which protocol")
	status, body = 503, "The database does not answer."
	try(reload.Bad, "503", "The database does not answer")
	status, body = 200, "<title>Welcome to nginx!</title>"
	try(reload.Bad, "something else", "Welcome to nginx!")
	b.ServerURL = s.URL
	try(reload.Bad, "404", "--web.external-url")
	onward := httptest.NewServer(http.RedirectHandler(s.URL+"/sub/-/ready?x=secret-of-ours", http.StatusFound))
	defer onward.Close()
	b.ServerURL = onward.URL
	try(reload.Bad, "sent on to "+s.URL+"/sub/-/ready;", "--server.url")

	if own := notLoopback(t); own != "" { // a secret would go over the network
		l, err := net.Listen("tcp", net.JoinHostPort(own, "0"))
		if err != nil {
			t.Fatal(err)
		}
		plain := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
		plain.Start()
		defer plain.Close()
		status, body, protocol = 200, "promfleet is ready.", "1"
		b.ServerURL = plain.URL + "/sub"
		try(reload.Doubtful, "without TLS", "https://")
	}
}

func notLoopback(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, is := a.(*net.IPNet); is && !n.IP.IsLoopback() && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}

// TestCredential: with a real server.
func TestCredential(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		_, lines := b.looks("credential")
		expect(t, lines, "credential", result, words...)
	}
	token := b.JoinTokenFile
	try(reload.Good, "will be used")
	if err := os.Chmod(token, 0o644); err != nil {
		t.Fatal(err)
	}
	try(reload.Doubtful, "0644", "chmod 600 "+token)
	b.JoinTokenFile = ""
	try(reload.Bad, "needs a join token", "promfleet join-token create", "--join.token-file")
	b.JoinTokenFile = filepath.Join(b.dir, "empty")
	try(reload.Bad, "cannot be read")
	b.write(b.JoinTokenFile, "\n", 0o600)
	try(reload.Bad, "is empty")
	b.write(b.JoinTokenFile, "token: abc\n", 0o600)
	try(reload.Bad, "more than a token")

	b.JoinTokenFile = token
	b.join()
	nodes, err := b.api.Nodes().List(t.Context(), nil)
	if err != nil || len(nodes.Items) != 1 {
		t.Fatal(nodes, err)
	}
	b.JoinTokenFile = ""
	there, err := url.Parse(b.ServerURL)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	proxy := httputil.NewSingleHostReverseProxy(there)
	recording := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Method+" "+r.URL.Path)
		proxy.ServeHTTP(w, r)
	}))
	defer recording.Close()
	b.ServerURL = recording.URL
	try(reload.Good, "the server takes the one in "+filepath.Join(b.DataPath, agent.CredentialFile))
	// A watch or a report would be taken for a sign of life of the agent.
	if want := []string{"POST /api/v1/agent/fetch"}; !slices.Equal(calls, want) {
		t.Errorf("called: %q, want %q", calls, want)
	}
	b.ServerURL = there.String()
	if err := b.api.Nodes().Delete(t.Context(), nodes.Items[0].UUID, ""); err != nil {
		t.Fatal(err)
	}
	try(reload.Bad, "does not know the credential", "join again")
	b.JoinTokenFile = token
	try(reload.Doubtful, "does not know the credential", token, "0644")
	b.ServerURL = "http://" + proctest.FreeAddr(t)
	try(reload.Doubtful, "not known", "see to the server first")
}
