package main

import (
	"strings"
	"testing"
)

func TestScrapeConfig(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"nothing", "", `{}`},
		{"null", "null", `{}`},
		{"JSON", `{"a": {"b": [1, "2", null, true]}}`, `{"a":{"b":[1,"2",null,true]}}`},
		{"numbers as written", "a: 1.10\nb: 1e3\nc: -0.50", `{"a":1.10,"b":1e3,"c":-0.50}`},
		{"text that looks like more", "params: {a: [2026-11-24, 010, yes, 15s, 12:30]}", `{"params":{"a":["2026-11-24","010","yes","15s","12:30"]}}`},
		{"anchors and merges", "a: &x {s: 1}\nb: *x\nc: {<<: *x, t: 2}", `{"a":{"s":1},"b":{"s":1},"c":{"s":1,"t":2}}`},
		{"lines of text", "a: |\n  x\n  y\n", `{"a":"x\ny\n"}`},
	} {
		c := &command{stdin: strings.NewReader(tc.yaml)}
		got, err := c.scrapeConfig("-")
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
}

func TestScrapeConfigRefused(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"key twice", "a: 1\na: 2", "line 2: field a is there twice"},
		{"a list", "- a", "line 1"},
		{"broken", "a: [", "line 1"},
		{"an anchor in itself", "a: &x [*x]", "contains itself"},
		{"two documents", "a: 1\n---\nb: 1", "more than one"},
	} {
		c := &command{stdin: strings.NewReader(tc.yaml)}
		got, err := c.scrapeConfig("-")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %s, %v; want an error with %q", tc.name, got, err, tc.want)
		}
	}
}
