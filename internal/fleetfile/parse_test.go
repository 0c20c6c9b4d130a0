package fleetfile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet"
	"promfleet/internal/fleetfile"
)

const both = `# a node, and a job of it
kind: node
node: prom-1
tags: [beijing, 2026]
base_config:
  # often enough
  global:
    scrape_interval: 30s # as everywhere
---
kind: job
node: prom-1
key: web
job_name: yes
remark: |
  two
  lines
scrape_config:
  honor_labels: on
  params: {module: [yes]}
targets:
- 10.0.0.1:9100
- addr: "[::1]:9100"
  name: seven
  labels: {rack: 08, on: yes}
  tags: []
`

func ptr[V any](v V) *V { return &v }

func bothDocuments() []promfleet.FleetDocument {
	return []promfleet.FleetDocument{
		{
			Kind: promfleet.FleetNode, Node: "prom-1", At: "a.yml:2", Tags: &[]string{"beijing", "2026"},
			BaseConfig: ptr("# often enough\nglobal:\n  scrape_interval: 30s # as everywhere\n"),
		},
		{
			Kind: promfleet.FleetJob, Node: "prom-1", At: "a.yml:10", Key: "web", JobName: "yes", Remark: "two\nlines\n",
			ScrapeConfig: json.RawMessage(`{"honor_labels":true,"params":{"module":["yes"]}}`),
			Targets: &[]promfleet.FleetTarget{
				{Addr: "10.0.0.1:9100"},
				{Addr: "[::1]:9100", Name: "seven", Labels: map[string]string{"rack": "08", "on": "yes"}, Tags: []string{}},
			},
		},
	}
}

func TestParse(t *testing.T) {
	job := func(more func(*promfleet.FleetDocument)) []promfleet.FleetDocument {
		d := promfleet.FleetDocument{Kind: promfleet.FleetJob, Node: "n", At: "a.yml:1", Key: "k"}
		if more != nil {
			more(&d)
		}
		return []promfleet.FleetDocument{d}
	}
	for _, c := range []struct {
		name, text string
		want       []promfleet.FleetDocument
	}{
		{"both kinds", both, bothDocuments()},
		{"a mark of the order of bytes, and lines of Windows", "\ufeff" + strings.ReplaceAll(both, "\n", "\r\n"), bothDocuments()},
		{"nothing", "", nil},
		{"comments alone", "# nothing\n---\n# more\n", nil},
		{"empty documents", "---\n---\nkind: job\nnode: n\nkey: k\n---\n", []promfleet.FleetDocument{{Kind: promfleet.FleetJob, Node: "n", At: "a.yml:3", Key: "k"}}},
		{"none at all", "{kind: job, node: n, key: k, targets: [], scrape_config: {}}", job(func(d *promfleet.FleetDocument) {
			d.Targets, d.ScrapeConfig = &[]promfleet.FleetTarget{}, json.RawMessage("{}")
		})},
		{"JSON", `{"$schema": "x", "kind": "job", "node": "n", "key": "k", "remark": "\ud83d\ude00", "scrape_config": {"sample_limit": 5}}`, job(func(d *promfleet.FleetDocument) {
			d.Remark, d.ScrapeConfig = "😀", json.RawMessage(`{"sample_limit":5}`)
		})},
		{"a list of JSON", "[{\"kind\": \"job\", \"node\": \"n\", \"key\": \"k\"},\n{\"kind\": \"node\",\n\"node\": \"n\", \"base_config\": \"a: 1\\n\"}]", append(job(nil),
			promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: "n", At: "a.yml:2", BaseConfig: ptr("a: 1\n")})},
		{"lines of JSON", "{\"kind\": \"job\", \"node\": \"n\", \"key\": \"k\"}\n{\"kind\": \"node\", \"node\": \"n\"}\n", append(job(nil),
			promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: "n", At: "a.yml:2"})},
		{"anchors", "kind: job\nnode: n\nkey: k\nscrape_config: {params: &p {a: [b]}}\ntargets:\n- &t {addr: a, labels: &l {x: y}}\n- {<<: *t, addr: b}\n- {addr: c, labels: {<<: *l, x: z, v: w}}\n",
			job(func(d *promfleet.FleetDocument) {
				d.ScrapeConfig = json.RawMessage(`{"params":{"a":["b"]}}`)
				d.Targets = &[]promfleet.FleetTarget{
					{Addr: "a", Labels: map[string]string{"x": "y"}}, {Addr: "b", Labels: map[string]string{"x": "y"}},
					{Addr: "c", Labels: map[string]string{"x": "z", "v": "w"}},
				}
			})},
		{"an anchor of elsewhere in a base_config", "kind: node\nnode: &n prom-1\nbase_config:\n  global: &g {external_labels: {a: *n}}\n  other: *g\n",
			[]promfleet.FleetDocument{{Kind: promfleet.FleetNode, Node: "prom-1", At: "a.yml:1", BaseConfig: ptr("global: &g {external_labels: {a: prom-1}}\nother: *g\n")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := fleetfile.Parse("a.yml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no kind", "node: n", "a.yml:1: kind is missing; write kind: node or kind: job"},
		{"another kind", "kind: Node\nnode: n", `a.yml:1: kind is "Node"; write node or job`},
		{"a list", "- kind: node", "a.yml:1: a document must be a mapping of fields"},
		{"a misspelt field", "kind: job\nnode: n\nkey: k\njobname: x", "a.yml:4: a job has no field jobname; did you mean job_name?"},
		{"a field of the other kind", "kind: node\nnode: n\ntargets: []", "a.yml:3: a node has no field targets: it belongs to a job"},
		{"a misspelt field of a target", "kind: job\nnode: n\nkey: k\ntargets:\n- adr: x", "a.yml:5: a target has no field adr; did you mean addr?; a.yml:5: addr of the target is missing"},
		{"all that is missing", "kind: job\n---\nkind: node", "a.yml:1: node is missing; a.yml:1: key is missing; a.yml:3: node is missing"},
		{"twice", "kind: node\nnode: n\nnode: m", "a.yml:3: field node is there twice"},
		{"two about one", "kind: node\nnode: N\n---\nkind: node\nnode: n\n---\nkind: job\nnode: n\nkey: k\n---\nkind: job\nnode: n\nkey: k",
			"a.yml:4: node n is told of at a.yml:1 already; make one document of the two; a.yml:11: job n/k is told of at a.yml:7 already; make one document of the two"},
		{"what may mean two things", "kind: node\nnode: n\ntags:\nbase_config:", `a.yml:3: tags has no value; write [] for none, or leave it out for what there is; a.yml:4: base_config has no value; write "" for none, or leave it out for what there is`},
		{"wrong types", "kind: job\nnode: [n]\nkey: k\ntargets: {}", "a.yml:2: node must be text; a.yml:4: targets must be a list"},
		{"labels of a list", "kind: job\nnode: n\nkey: k\ntargets: [{addr: a, labels: [x]}]", "a.yml:4: labels must be a mapping of fields"},
		{"a scrape_config that is none", "kind: job\nnode: n\nkey: k\nscrape_config:\n  scheme: a\n  scheme: b", "a.yml:6: scrape_config: field scheme is there twice"},
		{"no YAML", "kind: node\nnode: n\n---\nkind: [", "a.yml:4: did not find expected node content"},
		{"an anchor in itself", "kind: job\nnode: n\nkey: k\ntargets: &t [*t]", "a.yml:4: anchor t contains itself"},
		{"binary", "kind: node\nnode: !!binary aGVsbG8=", "a.yml:2: node is !!binary; write it as text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs, err := fleetfile.Parse("a.yml", []byte(c.text))
			if err == nil || err.Error() != c.want || promfleet.ErrorCode(err) != promfleet.Invalid {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if docs != nil {
				t.Errorf("an error, and documents: %v", docs)
			}
		})
	}
}

func TestParseRefusesJSON(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"broken", "{\"kind\": \"node\",\n\"node\" \"n\"}", "a.json:2: "},
		{"twice", "{\"kind\": \"node\",\n\"node\": \"n\",\n\"node\": \"n\"}", "a.json:3: field node is there twice"},
		{"cut off", "[{\"kind\": \"node\",\n", "a.json:2: unexpected EOF"},
		{"deep", strings.Repeat("[", 10_000), "a.json:1: it nests deeper than 100"},
	} {
		if _, err := fleetfile.Parse("a.json", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	bomb := "kind: job\nnode: n\nkey: k\nscrape_config:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := '1'; i <= '8'; i++ {
		bomb += "  a" + string(i) + ": &a" + string(i) + " [" + strings.Repeat("*a"+string(i-1)+", ", 9) + "*a" + string(i-1) + "]\n"
	}
	if _, err := fleetfile.Parse("a.yml", []byte(bomb)); err == nil || !strings.Contains(err.Error(), "aliases make the document") {
		t.Errorf("a bomb of aliases was answered %v", err)
	}
	_, err := fleetfile.Parse("a.yml", []byte(strings.Repeat("kind: x\n---\n", 100)))
	if err == nil || strings.Count(err.Error(), "write node or job") != 20 || !strings.HasSuffix(err.Error(), "; and 80 more") {
		t.Errorf("a hundred faults were told as %v", err)
	}
}
