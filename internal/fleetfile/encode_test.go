package fleetfile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	yamlv2 "go.yaml.in/yaml/v2"
	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/fleetfile"
)

func TestEncode(t *testing.T) {
	got, err := fleetfile.Encode(bothDocuments())
	if err != nil {
		t.Fatal(err)
	}
	const want = `kind: node
node: prom-1
tags:
  - beijing
  - "2026"
base_config: |
  # often enough
  global:
    scrape_interval: 30s # as everywhere
---
kind: job
node: prom-1
key: web
job_name: "yes"
remark: |
  two
  lines
scrape_config:
  honor_labels: true
  params:
    module:
      - "yes"
targets:
  - 10.0.0.1:9100
  - addr: '[::1]:9100'
    name: seven
    labels:
      "on": "yes"
      rack: "08"
    tags: []
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// nasty is text that YAML may take for something else.
func nasty() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"yes", "Off", "n", "~", "null", "010", "0x1F", "1_000", "1:30", "12:30:45.5", "1e3", ".inf", "2026-11-24", "<<", "=", "- a", "a: b", "a #b", "#", "'", `"`, "%a", "@a", "`", "!x", "&a", "*a", "|", ">", "[::1]:9100", "{a}", "a\n", "\na", " a\nb", "a\n\n\n", "a \nb", "a\tb\n", "\t", " ", "a\r\nb", "a\u2028b", "\u0085", "\ufeffa", "$1", `\d`, "---", "--- a", "...", "a\n---\nb", "?", "? a", "-", ":", "a:", "<secret>", "北京", "😀", "0o7", "+1", "0b1", "1.", "-", "True", "NaN"}),
		rapid.String(),
		rapid.StringOf(rapid.RuneFrom([]rune(" \n\t:#-'\"ab01"))),
	)
}

func scrapeValue(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Map(nasty(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.Float64(), func(n float64) any { return n }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just[any](nil),
	}
	if depth > 0 {
		below := scrapeValue(depth - 1)
		leaves = append(leaves, rapid.Map(rapid.SliceOfN(below, 0, 3), func(s []any) any { return append([]any{}, s...) }),
			rapid.Map(rapid.MapOfN(nasty(), below, 0, 3), func(m map[string]any) any { return m }))
	}
	return rapid.OneOf(leaves...)
}

func documentGen() *rapid.Generator[promfleet.FleetDocument] {
	full := nasty().Filter(func(s string) bool { return s != "" })
	list := rapid.Map(rapid.SliceOfN(full, 0, 3), func(s []string) []string { return append([]string{}, s...) })
	target := rapid.Custom(func(t *rapid.T) promfleet.FleetTarget {
		x := promfleet.FleetTarget{Addr: full.Draw(t, "addr")}
		if rapid.Bool().Draw(t, "more") {
			x.Name, x.Remark = nasty().Draw(t, "name"), nasty().Draw(t, "remark")
			x.Labels = rapid.MapOfN(nasty(), nasty(), 1, 3).Draw(t, "labels")
			if rapid.Bool().Draw(t, "tagged") {
				x.Tags = list.Draw(t, "tags")
			}
		}
		return x
	})
	return rapid.Custom(func(t *rapid.T) promfleet.FleetDocument {
		d := promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: full.Draw(t, "node")}
		if rapid.Bool().Draw(t, "is a node") {
			if rapid.Bool().Draw(t, "tagged") {
				d.Tags = ptr(list.Draw(t, "tags"))
			}
			if rapid.Bool().Draw(t, "based") {
				d.BaseConfig = ptr(nasty().Draw(t, "base_config"))
			}
			return d
		}
		d.Kind, d.Key, d.JobName, d.Remark = promfleet.FleetJob, full.Draw(t, "key"), nasty().Draw(t, "job_name"), nasty().Draw(t, "remark")
		if rapid.Bool().Draw(t, "configured") {
			// Fields of their own: those that Prometheus knows have types.
			v := map[string]any{"x": scrapeValue(3).Draw(t, "value"), "params": map[string][]string{"module": list.Draw(t, "params")}}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			d.ScrapeConfig = b
		}
		if rapid.Bool().Draw(t, "scraping") {
			d.Targets = ptr(append([]promfleet.FleetTarget{}, rapid.SliceOfN(target, 0, 3).Draw(t, "targets")...))
		}
		return d
	})
}

// What is written is read again as it was, also by a reader of YAML 1.1.
func TestEncodeIsReadAgain(t *testing.T) {
	same := cmp.Options{
		cmpopts.IgnoreFields(promfleet.FleetDocument{}, "At"),
		cmp.Transformer("JSON", func(b json.RawMessage) (v any) {
			if len(b) > 0 && json.Unmarshal(b, &v) != nil {
				return string(b)
			}
			return v
		}),
	}
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfNDistinct(documentGen(), 1, 3, func(d promfleet.FleetDocument) string { return strings.ToLower(d.Node) }).Draw(t, "documents")
		file, err := fleetfile.Encode(docs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fleetfile.Parse("a.yml", file)
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		if diff := cmp.Diff(docs, got, same); diff != "" {
			t.Fatalf("%s in\n%s", diff, file)
		}
		if again, err := fleetfile.Encode(got); err != nil || string(again) != string(file) {
			t.Fatalf("%v: it is written otherwise the second time:\n%s\n%s", err, file, again)
		}
		parts := strings.SplitAfter(string(file), "\n---\n")
		for i, part := range parts {
			if len(parts) != len(docs) {
				break // a block has such a line
			}
			var old struct {
				Node, Remark string
				Targets      []any
			}
			if err := yamlv2.Unmarshal([]byte(strings.TrimSuffix(part, "---\n")), &old); err != nil {
				t.Fatalf("YAML 1.1: %v in\n%s", err, part)
			}
			if old.Node != docs[i].Node || old.Remark != docs[i].Remark {
				t.Fatalf("YAML 1.1 reads %q and %q in\n%s", old.Node, old.Remark, part)
			}
		}
	})
}
