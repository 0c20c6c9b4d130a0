package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"promfleet"
	"promfleet/internal/proctest"
	"promfleet/internal/server"
)

// A secret is seen nowhere but where it is needed: not in an answer, an event, a
// diff, a preview, an error or the log, and not in the files of the database.
func TestSecretsShowNowhere(t *testing.T) {
	const canary = "canary7f3a91"
	var logged proctest.Buffer
	s := startLogging(t, server.Options{StoragePath: t.TempDir()}, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx := t.Context()
	agent := s.join(nodeA)

	var seen strings.Builder
	answers := 0
	call := func(method, path, body string, header ...string) string {
		t.Helper()
		st, h, answer := s.call(method, "/api/v1"+path, body, header...)
		answers++
		fmt.Fprintf(&seen, "%s %s: %d %v %s\n", method, path, st, h, answer)
		return answer
	}
	secret := func(n int) string { return fmt.Sprintf("%s-%d", canary, n) }
	config := func(n int) string {
		return `{"basic_auth":{"username":"u","password":"` + secret(n) + `"},"proxy_url":"http://u:` + secret(n) + `@p:1","http_headers":{"X-Key":{"secrets":["` + secret(n) + `"]}},"consul_sd_configs":[{"server":"c:1","token":"` + secret(n) + `"}]}`
	}
	base := func(n int) string {
		b, err := json.Marshal("# a comment\nremote_write:\n- url: http://u:" + secret(n) + "@w:1/\n  bearer_token: " + secret(n) + "\nalerting:\n  alertmanagers:\n  - authorization: {credentials: " + secret(n) + "}\n    static_configs: [{targets: ['a:1']}]\n")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}

	// Writes, each as a preview first, and ones that are refused.
	job := func() string {
		in := `{"node":"` + nodeA + `","key":"web","scrape_config":` + config(1) + `}`
		call("POST", "/jobs?dry_run=true", in)
		created := decode[promfleet.Job](t, call("POST", "/jobs", in))
		call("POST", "/jobs", in) // taken
		return fmt.Sprint("/jobs/", created.ID)
	}()
	for n, bad := range []string{`{"basic_auth":{"username":"u","password":["%s"]}}`, `{"basic_auth":{"pass":"%s"}}`, `{"authorization":{"credentials":"%s","credentials_file":"x"}}`,
		`{"basic_auth":{"password":"%s"}`, `{"http_headers":{"authorization":{"secrets":["%s"]}}}`, `{"proxy_url":"://u:%s@p"}`, `{"oauth2":{"client_id":"c","client_secret":"%s","token_url":":"}}`} {
		call("POST", "/jobs", `{"node":"`+nodeA+`","key":"bad","scrape_config":`+fmt.Sprintf(bad, secret(100+n))+`}`)
		call("PATCH", job, `{"scrape_config":`+fmt.Sprintf(bad, secret(200+n))+`}`)
	}
	for n := 2; n < 5; n++ {
		for _, query := range []string{"?dry_run=true", ""} {
			call("PATCH", job+query, `{"remark":"r","scrape_config":`+config(n)+`}`)
			call("PATCH", "/nodes/"+nodeA+query, `{"base_config":`+base(10+n)+`}`)
		}
	}
	call("PATCH", "/nodes/"+nodeA, `{"base_config":"remote_write: [{url: ':', bearer_token: `+secret(20)+`}]"}`)
	call("PATCH", "/nodes/"+nodeA, `{"base_config":"remote_write:\n - bearer_token: `+secret(21)+`\n  x"}`)
	call("POST", "/targets", `{"job":1,"addr":"a:1","labels":{"x":"y"}}`)
	for _, e := range must(s.Events().List(ctx, nil)).Items[:4] {
		call("POST", fmt.Sprintf("/events/%d/revert?dry_run=true", e.ID), "")
	}
	newest := must(s.Events().List(ctx, nil)).Items
	call("POST", fmt.Sprintf("/events/%d/revert", newest[1].ID), "")
	call("DELETE", job+"?dry_run=true", "")
	call("DELETE", job, "")
	call("POST", job+"/restore", "")

	// People: passwords, and tokens that are wrong.
	user := fmt.Sprint("/users/", decode[promfleet.User](t, call("POST", "/users", `{"name":"alice","role":"editor"}`)).ID)
	call("PUT", user+"/password", `{"password":"`+secret(30)+`"}`)
	call("PUT", user+"/password", `{"password":"`+secret(31)+`","extra":1}`)
	call("POST", "/session", `{"name":"alice","password":"`+secret(32)+`"}`)
	call("POST", "/session", `{"name":"alice","password":"`+secret(30)+`"}`)
	call("GET", "/jobs", "", "Authorization", "Bearer pft_"+secret(33))
	call("GET", "/jobs", "", "Cookie", "promfleet_session="+secret(34), "Authorization", "")

	// Everything that can be read.
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(call("GET", "/openapi.json", "")), &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		if get, readable := item["get"]; readable {
			path = strings.TrimPrefix(path, "/api/v1")
			if slices.ContainsFunc(get.Parameters, func(p struct{ Name string }) bool { return p.Name == "wait" }) {
				path += "?wait=1" // it would go on, or wait for an agent
			}
			call("GET", strings.NewReplacer("{uuid}", nodeA, "{node}", nodeA, "{job}", "web", "{id}", "1", "{contact}", "1").Replace(path), "")
		}
	}
	for revision := range must(agent.Watch(ctx, 0, 0)).Manifest.Revision {
		call("GET", fmt.Sprintf("/nodes/%s/config?revision=%d", nodeA, revision+1), "")
	}
	call("GET", "/events?limit=1000", "")
	call("GET", "/jobs?deleted=true", "")
	if st, _, metrics := s.call("GET", "/metrics", ""); st == 200 {
		seen.WriteString(metrics)
	}
	for where, text := range map[string]string{"an answer": seen.String(), "the log": logged.String()} {
		if i := strings.Index(text, canary); i >= 0 {
			t.Errorf("%s shows a secret: ...%s...", where, text[max(0, i-300):min(len(text), i+60)])
		}
	}

	// The files of the database, and the node that needs the secrets.
	files := 0
	err := filepath.WalkDir(s.data.StoragePath, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s has a secret in clear", path)
		}
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("%d files, error %v", files, err)
	}
	got := map[string]string{} // bodies by part
	var fetch func(parts []promfleet.Part)
	fetch = func(parts []promfleet.Part) {
		for _, p := range parts {
			got[p.Name] = must(agent.Fetch(ctx, []promfleet.PartRef{{Name: p.Name, Hash: p.Hash}}))[0].Body
			if p.Index {
				fetch(decode[[]promfleet.Part](t, got[p.Name]))
			}
		}
	}
	fetch(must(agent.Watch(ctx, 0, 0)).Manifest.Parts)
	if !strings.Contains(got["base"], canary) || strings.Count(got["jobs/web/config"], canary) != 4 {
		t.Errorf("the node that needs the secrets has not got them: %s %s", got["base"], got["jobs/web/config"])
	}
	t.Logf("FIGURE %d answers, %d bytes of log, %d files: the secret is in none", answers, len(logged.String()), files)
}
