package e2e

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"promfleet"
)

const docsNode = "0b5cf5a5-35a5-4a59-9a38-6a6a2f1c2a01"

// documented is a plane with one node, for what the documentation calls.
type documented struct {
	*plane
	env []string
}

func startDocumented(t *testing.T) documented {
	t.Helper()
	dir, tokenFile := t.TempDir(), filepath.Join(t.TempDir(), "token")
	token := command(t, "admin", "token", "create", "--role", "admin", "--name", "docs", "--storage.path", dir)
	p := runPlane(t, dir, token)
	if err := os.WriteFile(tokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	jt, err := p.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.WithToken(jt.Secret).Register(t.Context(), promfleet.Registration{Protocol: promfleet.ProtocolVersion,
		UUID: docsNode, Hostname: "alpha", Addr: "http://alpha:9090/"})
	if err != nil {
		t.Fatal(err)
	}
	return documented{p, append(os.Environ(), "PROMFLEET_URL="+p.url, "PROMFLEET_TOKEN="+token, "PROMFLEET_TOKEN_FILE="+tokenFile, "NODE="+docsNode)}
}

// bash runs a command line and gives what it wrote and its exit code.
func (d documented) bash(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command("bash", args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = d.env, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The script that needs curl and jq only: it plans, applies, changes nothing the
// second time, and takes away what is not wanted any more.
func TestFleetScript(t *testing.T) {
	d := startDocumented(t)
	dir := t.TempDir()
	events := func() int64 {
		t.Helper()
		page, err := d.Events().List(t.Context(), url.Values{"limit": {"1"}})
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	fleet := func(verb string, code int, want ...string) {
		t.Helper()
		before := events()
		stdout, stderr, got := d.bash(t, "../docs/examples/fleet.sh", verb, dir)
		if got != code {
			t.Fatalf("%s exits with %d, want %d\n%s%s", verb, got, code, stdout, stderr)
		}
		for _, w := range want {
			if !strings.Contains(stdout+stderr, w) {
				t.Errorf("%s does not say %q:\n%s%s", verb, w, stdout, stderr)
			}
		}
		if changed := events() != before; changed != (verb == "apply" && code == 0 && !strings.HasSuffix(stdout, "nothing to change\n")) {
			t.Errorf("%s left events: %v\n%s", verb, changed, stdout)
		}
	}
	fleet("plan", 2, "has no job")
	write(t, dir, map[string]string{
		"web.json": `{"remark": "front ends", "scrape_config": {"basic_auth": {"username": "u", "password": "hunter2"}}}`,
		"web.csv":  "addr,tags,labels.env\n1.1.1.1:80,\"开发,北京\",prod\n1.1.1.2:80,,prod\n",
		"db.json":  `{}`,
	})
	fleet("plan", 1, "job db (new)", "+  - job_name: web", "those of web.csv")
	fleet("apply", 0, "job db: created", "targets of web: 2 created, 0 updated, 0 deleted")
	fleet("apply", 0, "job db: as it should be", "targets of web: as it should be", "nothing to change")
	fleet("plan", 0, "nothing to change")

	write(t, dir, map[string]string{
		"web.json": `{"remark": "front ends", "scrape_config": {"scrape_interval": "7s", "basic_auth": {"username": "u", "password": "hunter2"}}}`,
		"web.csv":  "addr,tags,labels.env\n1.1.1.1:80,开发,dev\n1.1.1.3:80,,prod\n",
	})
	if err := os.Remove(filepath.Join(dir, "db.json")); err != nil {
		t.Fatal(err)
	}
	fleet("plan", 1, "+    scrape_interval: 7s", "targets +1 -1 ~1, no reload", "job db (to be deleted)")
	fleet("apply", 0, "job web: changed", "targets of web: 1 created, 1 updated, 1 deleted", "job db: deleted")
	fleet("apply", 0, "nothing to change")
	if page, err := d.Jobs().List(t.Context(), url.Values{"node": {docsNode}}); err != nil || page.Total != 1 {
		t.Errorf("jobs %+v, %v", page, err)
	}

	write(t, dir, map[string]string{"web.csv": "addr\n1.1.1.1:80\nb b\n"})
	fleet("apply", 2, "PUT /jobs/", "line[3].addr")
}

// The calls of docs/relations.md run as they stand there, and lead to what it says.
func TestRelationsCalls(t *testing.T) {
	d := startDocumented(t)
	page, err := os.ReadFile("../docs/relations.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	for _, block := range strings.Split(string(page), "\n```sh\n")[1:] {
		code, _, _ := strings.Cut(block, "\n```")
		script += code + "\n"
	}
	if stdout, stderr, code := d.bash(t, "-c", script); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for tags, want := range map[string]string{"开发": "1.1.1.1 1.1.1.2", "开发 北京": "1.1.1.1", "上海 线上": "1.1.1.2", "测试": "1.1.1.3"} {
		list, err := d.Targets().List(t.Context(), url.Values{"tag": strings.Fields(tags)})
		if err != nil {
			t.Fatal(err)
		}
		var addrs []string
		for _, tg := range list.Items {
			addrs = append(addrs, tg.Addr)
		}
		if got := strings.Join(addrs, " "); got != want {
			t.Errorf("targets with %s: %s, want %s", tags, got, want)
		}
	}
	contacts, err := d.AllContacts().List(t.Context(), url.Values{"job": {"1"}})
	if err != nil || contacts.Total != 2 || contacts.Items[1].Addr != "北京市朝阳区" || contacts.Items[1].UserName != "ada" {
		t.Errorf("contacts of the job: %+v, %v", contacts, err)
	}
}
