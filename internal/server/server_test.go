package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/fleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/server"
)

// started is a real server on a free port of 127.0.0.1, with an admin's client.
type started struct {
	*client.Client
	t     *testing.T
	http  *http.Client // judges every answer by the OpenAPI document
	url   string
	token string
	data  server.Options // where its data is
}

// start starts a server on a database of its own.
func start(t *testing.T) *started {
	t.Helper()
	return startOn(t, server.Options{StoragePath: t.TempDir()})
}

func startOn(t *testing.T, o server.Options) *started {
	t.Helper()
	return startLogging(t, o, slog.New(slog.DiscardHandler))
}

func startLogging(t *testing.T, o server.Options, logger *slog.Logger) *started {
	t.Helper()
	token := newToken(t, o, promfleet.RoleAdmin)
	ctx, stop := context.WithCancel(context.Background())
	o.ListenAddresses, o.Version = []string{"127.0.0.1:0"}, "test"
	s, err := server.New(ctx, o, logger)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server ended with: %v", err)
		}
	})
	st := &started{t: t, url: "http://" + s.Addrs()[0], token: token, data: o}
	st.http = newJudging(t)
	st.Client = st.as(token)
	return st
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, s *started)) {
	t.Run("both", func(t *testing.T) { // ends when both have
		t.Run("sqlite", func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			url := pgtest.Start(t).Database(t)
			test(t, startOn(t, server.Options{StoragePath: t.TempDir(), StorageURL: url}))
		})
	})
}

func newToken(t *testing.T, o server.Options, role promfleet.Role) string {
	t.Helper()
	f, data, err := server.OpenFleet(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	tok, err := f.CreateToken(t.Context(), fleet.Principal{ID: "test", Role: promfleet.RoleAdmin}, promfleet.TokenInput{Name: string(role), Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return tok.Secret
}

func (s *started) as(token string) *client.Client {
	c, err := client.New(client.Config{URL: s.url, Token: token, HTTPClient: s.http})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// join registers a new node and gives its uuid and its agent's client.
func (s *started) join(uuid string) *client.Client {
	s.t.Helper()
	jt, err := s.JoinTokens().Create(s.t.Context(), promfleet.JoinTokenInput{})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := s.as(jt.Secret).Register(s.t.Context(), registration(uuid))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.as(r.Credential)
}

func registration(uuid string) promfleet.Registration {
	return promfleet.Registration{Protocol: promfleet.ProtocolVersion, UUID: uuid, Hostname: "prometheus-1", Addr: "http://127.0.0.1:9090/"}
}

// call makes a raw request and gives status, header and body.
func (s *started) call(method, path, body string, header ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

const nodeA = "7b0e8a2c-6f1d-4f52-9a52-1d1f0b6f7a01"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func wantCode(t *testing.T, err error, code promfleet.Code, location string) {
	t.Helper()
	if promfleet.ErrorCode(err) != code {
		t.Fatalf("error is %q (%v), want code %q", promfleet.ErrorCode(err), err, code)
	}
	var e *promfleet.Error
	if location == "" {
		return
	}
	e = err.(*promfleet.Error) //nolint:errorlint // the client gives it so
	for _, f := range e.Fields {
		if f.Location == location {
			return
		}
	}
	t.Fatalf("error names %v, want %s", e.Fields, location)
}

func TestJobAndTargetLifecycle(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web", Remark: "前端", ScrapeConfig: json.RawMessage(`{"scrape_interval":"15s"}`)}))
	if job.JobName != "web" {
		t.Errorf("job_name is %q, want the key", job.JobName)
	}
	tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "10.0.0.1:9100", Labels: map[string]string{"dc": "北京"}, Tags: []string{"开发", "北京"}}))

	w := must(agent.Watch(ctx, 0, 0))
	if len(w.Manifest.Parts) != 1 || w.Manifest.Parts[0].Name != "jobs/web" || w.Manifest.Parts[0].Count != 1 {
		t.Fatalf("manifest: %+v", w.Manifest)
	}
	first := w.Manifest.Revision
	index := must(agent.Fetch(ctx, []promfleet.PartRef{{Name: "jobs/web", Hash: w.Manifest.Parts[0].Hash}}))
	var parts []promfleet.Part
	if err := json.Unmarshal([]byte(index[0].Body), &parts); err != nil || len(parts) != 2 {
		t.Fatalf("index: %s", index[0].Body)
	}
	bodies := must(agent.Fetch(ctx, []promfleet.PartRef{{Name: parts[0].Name, Hash: parts[0].Hash}, {Name: parts[1].Name, Hash: parts[1].Hash}}))
	if !strings.Contains(bodies[1].Body, "10.0.0.1:9100") || promfleet.HashOf([]byte(bodies[1].Body)) != parts[1].Hash {
		t.Fatalf("piece: %s", bodies[1].Body)
	}

	// A remark is nothing that a file says: no new revision.
	must(s.Targets().Patch(ctx, fmt.Sprint(tg.ID), "", map[string]any{"remark": "x"}))
	must(s.Jobs().Patch(ctx, fmt.Sprint(job.ID), "", map[string]any{"remark": "y"}))
	atOnce, cancel := context.WithTimeout(ctx, 20*time.Second) // a wait of 0 is none
	defer cancel()
	if w := must(agent.Watch(atOnce, first, 0)); w != nil {
		t.Fatalf("a remark made revision %d of %d", w.Manifest.Revision, first)
	}

	// A change brings what is new along, and nothing else.
	must(s.Targets().Patch(ctx, fmt.Sprint(tg.ID), "", map[string]any{"labels": map[string]any{"dc": nil, "env": "prod"}}))
	w = must(agent.Watch(ctx, first, 0))
	if w == nil || w.Manifest.Revision != first+1 || len(w.Bodies) != 2 {
		t.Fatalf("after one edit: %+v", w)
	}
	if got := w.Bodies[1].Body; !strings.Contains(got, `"env": "prod"`) || strings.Contains(got, "北京") {
		t.Errorf("piece after the edit: %s", got)
	}

	// Delete and restore.
	if err := s.Targets().Delete(ctx, fmt.Sprint(tg.ID), ""); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Targets().Get(ctx, fmt.Sprint(tg.ID))
	wantCode(t, err, promfleet.NotFound, "")
	must(s.Targets().Restore(ctx, fmt.Sprint(tg.ID)))
	if err := s.Jobs().Delete(ctx, fmt.Sprint(job.ID), ""); err != nil {
		t.Fatal(err)
	}
	if w := must(agent.Watch(ctx, 0, 0)); len(w.Manifest.Parts) != 0 {
		t.Errorf("a deleted job is in the manifest: %+v", w.Manifest)
	}
	_, _, err = s.Targets().Get(ctx, fmt.Sprint(tg.ID))
	wantCode(t, err, promfleet.NotFound, "")
	must(s.Jobs().Restore(ctx, fmt.Sprint(job.ID)))
	if w := must(agent.Watch(ctx, 0, 0)); len(w.Manifest.Parts) != 1 || w.Manifest.Parts[0].Count != 1 {
		t.Errorf("after restore: %+v", w.Manifest)
	}

	events := must(s.Events().List(ctx, nil))
	var log bytes.Buffer
	for _, e := range events.Items {
		fmt.Fprintf(&log, "%s %s %s\n", e.Actor, e.Action, e.Object)
	}
	want := fmt.Sprintf(`token/1 restore job/%[1]d
token/1 delete job/%[1]d
token/1 restore target/%[2]d
token/1 delete target/%[2]d
token/1 update target/%[2]d
token/1 update job/%[1]d
token/1 update target/%[2]d
token/1 create target/%[2]d
token/1 create job/%[1]d
join-token/1 register node/%[3]s
token/1 create join-token/1
server create user/1
test create token/1
`, job.ID, tg.ID, nodeA)
	if log.String() != want {
		t.Errorf("events:\n%swant:\n%s", log.String(), want)
	}
}

func TestBadInputIsRefusedWhole(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
	must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1"}))
	jobIn := func(key, sc string) error {
		_, err := s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: key, ScrapeConfig: json.RawMessage(sc)})
		return err
	}
	targetIn := func(in promfleet.TargetInput) error {
		in.Job = job.ID
		_, err := s.Targets().Create(ctx, in)
		return err
	}
	for _, c := range []struct {
		name     string
		err      error
		code     promfleet.Code
		location string
	}{
		{"bad key", jobIn("1a", `{}`), promfleet.Invalid, "body.key"},
		{"unknown field", jobIn("a", `{"scrape_intervall":"1m"}`), promfleet.Invalid, "body.scrape_config.scrape_intervall"},
		{"bad duration", jobIn("a", `{"scrape_interval":"1 fortnight"}`), promfleet.Invalid, "body.scrape_config.scrape_interval"},
		{"timeout over interval", jobIn("a", `{"scrape_interval":"1s","scrape_timeout":"2s"}`), promfleet.Invalid, ""},
		{"bad regex", jobIn("a", `{"relabel_configs":[{"regex":"ok"},{"source_labels":["x"],"target_label":"y","regex":"("}]}`), promfleet.Invalid, "body.scrape_config.relabel_configs[1].regex"},
		{"job_name inside", jobIn("a", `{"job_name":"b"}`), promfleet.Invalid, "body.scrape_config"},
		{"not an object", jobIn("a", `[1]`), promfleet.Invalid, "body.scrape_config"},
		{"taken key", jobIn("web", `{}`), promfleet.Conflict, "body.key"},
		{"masked secret from nowhere", jobIn("a", `{"basic_auth":{"username":"u","password":"<secret>"}}`), promfleet.Invalid, "body.scrape_config.basic_auth.password"},
		{"no node", func() error {
			_, err := s.Jobs().Create(ctx, promfleet.JobInput{Node: strings.Replace(nodeA, "7b", "8b", 1), Key: "a"})
			return err
		}(), promfleet.Invalid, "body.node"},
		{"no addr", targetIn(promfleet.TargetInput{}), promfleet.Invalid, "body.addr"},
		{"bare v6", targetIn(promfleet.TargetInput{Addr: "fe80::1"}), promfleet.Invalid, "body.addr"},
		{"reserved label", targetIn(promfleet.TargetInput{Addr: "b:1", Labels: map[string]string{"__meta_x": "y"}}), promfleet.Invalid, "body.labels.__meta_x"},
		{"same target", targetIn(promfleet.TargetInput{Addr: "a:1"}), promfleet.Conflict, "body.addr"},
		{"same labels", targetIn(promfleet.TargetInput{Addr: "a:1", Name: "other"}), promfleet.Conflict, "body.labels"},
		{"comma in a tag", targetIn(promfleet.TargetInput{Addr: "b:1", Tags: []string{"a,b"}}), promfleet.Invalid, "body.tags"},
	} {
		t.Run(c.name, func(t *testing.T) { wantCode(t, c.err, c.code, c.location) })
	}
	if p := must(s.Jobs().List(ctx, nil)); p.Total != 1 {
		t.Errorf("%d jobs after refused input, want 1", p.Total)
	}
	if p := must(s.Targets().List(ctx, nil)); p.Total != 1 {
		t.Errorf("%d targets after refused input, want 1", p.Total)
	}
}

func TestStaleETagIsRefused(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
	id := fmt.Sprint(job.ID)
	_, tag, err := s.Jobs().Get(ctx, id)
	if err != nil || tag != `"1"` {
		t.Fatalf("etag %q, error %v", tag, err)
	}
	must(s.Jobs().Patch(ctx, id, tag, map[string]any{"remark": "first"}))
	_, err = s.Jobs().Patch(ctx, id, tag, map[string]any{"remark": "second"})
	wantCode(t, err, promfleet.Stale, "")
	wantCode(t, s.Jobs().Delete(ctx, id, tag), promfleet.Stale, "")
	if st, _, _ := s.call("DELETE", "/api/v1/jobs/"+id, "", "If-Match", `"nonsense", "2"`); st != 204 {
		t.Errorf("a list of tags with the right one gave %d", st)
	}
	if st, h, _ := s.call("GET", "/api/v1/targets", "", "Authorization", ""); st != 401 || h.Get("WWW-Authenticate") == "" {
		t.Errorf("no token gave %d", st)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	const canary = "canary-7f3a"
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web",
		ScrapeConfig: json.RawMessage(`{"proxy_url":"http://p:1","proxy_connect_header":{"X.a b":["` + canary + `"]},"basic_auth":{"username":"u","password":"` + canary + `"}}`)}))
	if !strings.Contains(string(job.ScrapeConfig), `"password":"<secret>"`) {
		t.Errorf("created job shows %s", job.ScrapeConfig)
	}
	// What was read is put back: the secret stays.
	must(s.Jobs().Put(ctx, fmt.Sprint(job.ID), "", promfleet.JobInput{Node: nodeA, Key: "web", Remark: "put", ScrapeConfig: job.ScrapeConfig}))
	must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": "# keep\nremote_write:\n  - url: http://127.0.0.1:1/w\n    headers: {X-Note: n}\n    basic_auth: {username: u, password: " + canary + "}\n  - url: http://127.0.0.1:1/x\n    proxy_url: http://u:" + canary + "@p:1\n"}))
	n, _, err := s.Nodes().Get(ctx, nodeA)
	if err != nil || !strings.Contains(n.BaseConfig, "# keep") {
		t.Errorf("base config %q, error %v", n.BaseConfig, err)
	}
	must(s.Nodes().Patch(ctx, nodeA, "", map[string]any{"base_config": n.BaseConfig + "rule_files: [a.yml]\n"}))

	var shown strings.Builder
	for _, path := range []string{"/jobs", "/nodes", "/events?limit=1000", "/nodes/" + nodeA + "/config", fmt.Sprintf("/jobs/%d", job.ID), "/nodes/" + nodeA} {
		st, _, body := s.call("GET", "/api/v1"+path, "")
		if st != 200 {
			t.Errorf("GET %s: %d %s", path, st, body)
		}
		shown.WriteString(body)
	}
	if strings.Contains(shown.String(), canary) {
		t.Error("a secret is shown")
	}
	// The node that needs it has it.
	w := must(agent.Watch(ctx, 0, 0))
	var refs []promfleet.PartRef
	for _, p := range w.Manifest.Parts {
		refs = append(refs, promfleet.PartRef{Name: p.Name, Hash: p.Hash})
	}
	got := must(agent.Fetch(ctx, refs))
	if !strings.Contains(got[0].Body, canary) || !strings.Contains(got[0].Body, "a.yml") {
		t.Errorf("the agent's base: %s", got[0].Body)
	}
	if st, _, body := s.call("GET", "/metrics", ""); st != 200 || !strings.Contains(body, "promfleet_nodes") {
		t.Errorf("/metrics: %d", st)
	}
}

func TestRegistration(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	jt := must(s.JoinTokens().Create(ctx, promfleet.JoinTokenInput{}))
	r := must(s.as(jt.Secret).Register(ctx, registration(nodeA)))
	_, err := s.as(jt.Secret).Register(ctx, registration(strings.Replace(nodeA, "7b", "8b", 1)))
	wantCode(t, err, promfleet.Unauthorized, "") // used up
	agent := s.as(r.Credential)
	again := registration(nodeA)
	again.Hostname = "renamed"
	if got := must(agent.Register(ctx, again)); got.Credential != "" {
		t.Error("a registered node got a second credential")
	}
	n, _, err := s.Nodes().Get(ctx, nodeA)
	if err != nil || n.Hostname != "renamed" || n.Status.State != promfleet.StatePending {
		t.Errorf("node %+v, error %v", n, err)
	}
	again.UUID = strings.Replace(nodeA, "7b", "8b", 1)
	_, err = agent.Register(ctx, again)
	wantCode(t, err, promfleet.Forbidden, "")
	jt2 := must(s.JoinTokens().Create(ctx, promfleet.JoinTokenInput{}))
	_, err = s.as(jt2.Secret).Register(ctx, registration(nodeA))
	wantCode(t, err, promfleet.Conflict, "") // a join token takes no live node over

	if err := agent.Report(ctx, promfleet.Report{Protocol: 1, RevisionReceived: 1, RevisionWritten: 1, RevisionLoaded: 1, State: promfleet.StateInSync}); err != nil {
		t.Fatal(err)
	}
	if n, _, _ := s.Nodes().Get(ctx, nodeA); n.Status.State != promfleet.StateInSync {
		t.Errorf("state %s", n.Status.State)
	}
	if err := s.Nodes().Delete(ctx, nodeA, ""); err != nil {
		t.Fatal(err)
	}
	_, err = agent.Watch(ctx, 0, 0)
	wantCode(t, err, promfleet.Unauthorized, "")
	must(s.as(jt2.Secret).Register(ctx, registration(nodeA))) // revived
	if p := must(s.Nodes().List(ctx, nil)); p.Total != 1 {
		t.Errorf("%d nodes", p.Total)
	}
}

func TestUnroutedAndDocs(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v1/nothing", 404}, {"PUT", "/api/v1/nodes", 405}, {"GET", "/api/v1/jobs/x", 422},
		{"GET", "/api/v1/jobs?limt=1", 422}, {"GET", "/api/v1/jobs?cursor=zzz", 422}, {"GET", "/api/v1/jobs?sort=drop", 422},
		{"GET", "/api/v1/jobs?offset=-1", 422}, {"GET", "/api/v1/jobs?offset=1000001", 422}, {"GET", "/api/v1/jobs?offset=1&cursor=zzz", 422},
		{"GET", "/api/v1/jobs?offset=1000000", 200}, {"GET", "/api/v1/events?offset=1", 200}, {"GET", "/api/v1/nodes/" + nodeA + "/revisions?offset=-1", 422},
		{"GET", "/api/v1/openapi.json", 200}, {"GET", "/api/v1/openapi.yaml", 200}, {"GET", "/docs/", 200}, {"GET", "/-/healthy", 200}, {"GET", "/-/ready", 200},
	} {
		st, h, body := s.call(c.method, c.path, "")
		if st != c.status || st >= 400 && h.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s %s", c.method, c.path, st, h.Get("Content-Type"), body)
		}
	}
	if st, _, body := s.call("POST", "/api/v1/jobs", `{"node":`); st != 400 && st != 422 {
		t.Errorf("broken JSON: %d %s", st, body)
	}
	if st, _, body := s.call("POST", "/api/v1/jobs", "a=b", "Content-Type", "application/x-www-form-urlencoded"); st != 415 {
		t.Errorf("form: %d %s", st, body)
	}
}
