package promfleet_test

import (
	"strings"
	"testing"
)

// Every package says what it is for, in a sentence at least: "Package x ...",
// a command "Promfleet ..." or "Command ...".
func TestPackageDocs(t *testing.T) {
	for dir, p := range modulePackages(t) {
		openings := []string{"Package " + p.name + " "}
		if p.name == "main" {
			openings = []string{"Promfleet ", "Command "}
		}
		opens := false
		for _, opening := range openings {
			opens = opens || strings.HasPrefix(p.doc, opening)
		}
		first, _, whole := strings.Cut(p.doc+" ", ".")
		switch {
		case p.doc == "":
			t.Errorf("%s has no package comment: say what it does and why it is there", dir)
		case !opens:
			t.Errorf("%s: its package comment starts with %.40q; it should start with %q", dir, p.doc, openings[0])
		case !whole || len(strings.Fields(first)) < 5:
			t.Errorf("%s: its package comment is not a sentence: %q", dir, p.doc)
		}
	}
}
