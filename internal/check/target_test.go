package check_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"pgregory.net/rapid"

	"promfleet/internal/check"
)

func TestAddress(t *testing.T) {
	good := []string{
		"a", "a:1", "10.0.0.1:9100", "10.0.0.1", "localhost:0", "h:65535", "[::1]:9100", "[::1]", "[fe80::1%eth0]:9100",
		"ünï.example:1", "a_b.example.com", "http://a/b?c=d#e", "https://u:p@[::1]:443/", "tcp://a:1", "http://a",
		strings.Repeat("a", 2048),
	}
	bad := map[string]string{
		"": "empty", " a": "space", "a b": "space", "a\n": "control", "a\x00": "control", "a\xff": "UTF-8", "a\u00a0b": "space", "a\u200eb": "control",
		"a:": "port should be", "a:x": "not a number", "a:65536": "not a number", "a:-1": "not a number", "a:+1": "not a number", ":9100": "no host",
		"::1": "write [::1]", "fe80::1": "brackets", "a:1:2": "too many colons", "a/b": "whole URL", "[::1": "brackets", "[::1]9100": ":port",
		"[1.2.3.4]:1": "IPv6", "[a]:1": "IPv6", "[::1]:": "port should be", "http://": "no host", "http://a:x/": "not a valid URL",
		"http://a:70000/": "not a number", "http://a:/": "port should be", "http://u:hunter2@/": "no host", strings.Repeat("a", 2049): "more than 2048",
	}
	for _, addr := range good {
		if err := check.Address(addr); err != nil {
			t.Errorf("%q: %v", addr, err)
		}
	}
	for addr, want := range bad {
		if err := check.Address(addr); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want %q", addr, err, want)
		}
	}
}

// What Address takes and is no URL, Prometheus scrapes; a URL it scrapes in a
// probe job.
func TestAddressIsWhatPrometheusTakes(t *testing.T) {
	loaded, err := config.Load(`scrape_configs:
- job_name: plain
- job_name: probe
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {target_label: __address__, replacement: '127.0.0.1:9115'}
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	gen := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9.\-]{1,10}(:[0-9]{1,6})?`),
		rapid.StringMatching(`\[[0-9a-f:]{2,10}\](:[0-9]{1,5})?`),
		rapid.StringMatching(`(https?|tcp)://[a-z:@0-9.\[\]]{0,12}(/[a-z]{0,3})?`),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		addr := gen.Draw(t, "addr")
		if check.Address(addr) != nil {
			return
		}
		job := loaded.ScrapeConfigs[0]
		if strings.Contains(addr, "://") {
			job = loaded.ScrapeConfigs[1]
		}
		set, err := scrape.PopulateLabels(labels.NewBuilder(labels.EmptyLabels()), job, model.LabelSet{model.AddressLabel: model.LabelValue(addr)}, nil)
		if err != nil || set.IsEmpty() {
			t.Fatalf("%q: %v", addr, err)
		}
	})
}

func TestLabelName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "name")
		if (check.LabelName(name) == nil) != (name != "" && utf8.ValidString(name)) {
			t.Fatalf("%q: %v", name, check.LabelName(name))
		}
	})
}

func TestTargetGroups(t *testing.T) {
	got, err := check.TargetGroups([]byte(`[{"targets":["a:1","b"],"labels":{"env":"开发","a.b":"null \" n"}},{"targets":[]},{"labels":{}}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []check.Group{
		{Targets: []string{"a:1", "b"}, Labels: map[string]string{"env": "开发", "a.b": `null " n`}},
		{Targets: []string{}}, {Targets: []string{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{
		"", "null", "{}", `[null]`, `[{"targets":null}]`, `[{"targets":[null]}]`, `[{"labels":null}]`, `[{"labels":{"a":null}}]`,
		`[{"target":["a"]}]`, `[{"targets":["a"],"source":"x"}]`, `[{"targets":["a"]}] x`, `[{"targets":["a"]}][]`, `[{"targets":"a"}]`,
		`[{"targets":[1]}]`, `[{"labels":{"":"x"}}]`, `[{"labels":{"a":1}}]`, "[{\"targets\":[\"\xff\"]}]", "- targets: [a]",
	} {
		if _, err := check.TargetGroups([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func FuzzTargetGroups(f *testing.F) {
	f.Add([]byte(`[{"targets":["a:1"],"labels":{"env":"x"}}]`))
	f.Add([]byte(`[null]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		groups, err := check.TargetGroups(body)
		if err != nil {
			return
		}
		var theirs []*targetgroup.Group
		if err := json.Unmarshal(body, &theirs); err != nil || len(theirs) != len(groups) {
			t.Fatalf("%d groups, Prometheus has %d: %v", len(groups), len(theirs), err)
		}
		for i, g := range theirs {
			if len(g.Targets) != len(groups[i].Targets) || len(g.Labels) != len(groups[i].Labels) {
				t.Fatalf("group %d: %v, Prometheus has %v", i, groups[i], g)
			}
		}
	})
}
