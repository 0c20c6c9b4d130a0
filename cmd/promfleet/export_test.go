package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet"
)

func TestFileNames(t *testing.T) {
	names := map[string]string{}
	var nodes []promfleet.Node
	for uuid, x := range map[string]struct{ hostname, want string }{
		"00000001-0000-4000-8000-000000000001": {"prom-1.example.com", "prom-1.example.com.yml"},
		"00000002-0000-4000-8000-000000000001": {"twice", "twice-00000002.yml"},
		"00000003-0000-4000-8000-000000000001": {"Twice", "Twice-00000003.yml"},
		"00000004-0000-4000-8000-000000000001": {"../../etc/passwd", "__.._etc_passwd.yml"},
		"00000005-0000-4000-8000-000000000001": {"", "_.yml"},
		"00000006-0000-4000-8000-000000000001": {"北京", "__.yml"},
		"00000007-0000-4000-8000-000000000001": {".hidden", "_hidden.yml"},
		"00000008-0000-4000-8000-000000000001": {"a\x00b/c\\d", "a_b_c_d.yml"},
		"00000009-0000-4000-8000-000000000001": {strings.Repeat("x", 300), strings.Repeat("x", 100) + ".yml"},
	} {
		nodes = append(nodes, promfleet.Node{UUID: uuid, Hostname: x.hostname})
		names[uuid] = x.want
	}
	if diff := cmp.Diff(names, fileNames(nodes)); diff != "" {
		t.Error(diff)
	}
	// The uuids may begin alike too.
	got := fileNames([]promfleet.Node{{UUID: "00000001-0000-4000-8000-000000000001", Hostname: "a"}, {UUID: "00000001-0000-4000-8000-000000000002", Hostname: "a"}})
	if got["00000001-0000-4000-8000-000000000001"] == got["00000001-0000-4000-8000-000000000002"] {
		t.Errorf("two nodes have the file %v", got)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "a.yml"), filepath.Join(dir, "link.yml")
	if err := os.Symlink("a.yml", link); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name, path, content string
		changed             bool
	}{
		{"a new one", file, "a", true},
		{"as it is", file, "a", false},
		{"another one", file, "b", true},
		{"through a link", link, "c", true},
		{"as it is, through a link", link, "c", false},
	} {
		changed, err := replace(step.path, []byte(step.content))
		if err != nil || changed != step.changed {
			t.Errorf("%s: changed %t, %v", step.name, changed, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != step.content {
			t.Errorf("%s: %q, %v", step.name, got, err)
		}
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := replace(link, []byte("d")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("who may read it has changed: %v, %v", info, err)
	}
}

func TestMasked(t *testing.T) {
	got, err := maskedInConfig([]byte(`
remote_write: [{url: "http://u:xxxxx@tsdb/"}, {url: http://tsdb, basic_auth: {password: <secret>}}]
scrape_configs:
- job_name: web
  authorization: {credentials: <secret>}
  params: {a: [not a <secret>]}
- basic_auth: {password: <secret>}
`))
	want := []string{"base config: remote_write[0].url", "base config: remote_write[1].basic_auth.password", "job web: authorization.credentials", "job scrape_configs[1]: basic_auth.password"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	base := "global: {}\nremote_write: [{basic_auth: {password: <secret>}}]\n"
	found := maskedInDocuments([]promfleet.FleetDocument{
		{Kind: promfleet.FleetNode, BaseConfig: &base},
		{Kind: promfleet.FleetJob, Key: "k", ScrapeConfig: []byte(`{"proxy_url":"http://u:%3Csecret%3E@p","bearer_token":"<secret>"}`)},
	})
	want = []string{"base config: remote_write[0].basic_auth.password", "job k: bearer_token", "job k: proxy_url"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}
