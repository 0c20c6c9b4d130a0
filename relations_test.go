package promfleet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The models and tables in docs/relations.md are lines of the source.
func TestRelationsPage(t *testing.T) {
	page, err := os.ReadFile("docs/relations.md")
	if err != nil {
		t.Fatal(err)
	}
	for lang, pattern := range map[string]string{
		"go":  "internal/store/*models.go",
		"sql": "internal/store/migrations/sqlite/*.sql",
	} {
		source := map[string]bool{}
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(b)) {
				source[spaced(line)] = true
			}
		}
		blocks := fenced(string(page), lang)
		if len(blocks) == 0 {
			t.Errorf("no block of %s", lang)
		}
		for _, block := range blocks {
			for line := range strings.Lines(block) {
				if line = spaced(line); line != "" && !source[line] {
					t.Errorf("%q is not in %s", line, pattern)
				}
			}
		}
	}
}

// spaced gives a line with single spaces, whatever it is aligned with.
func spaced(line string) string { return strings.Join(strings.Fields(line), " ") }

// fenced gives the blocks of a language in a Markdown text.
func fenced(text, lang string) (blocks []string) {
	for {
		_, rest, ok := strings.Cut(text, "\n```"+lang+"\n")
		if !ok {
			return blocks
		}
		block, after, _ := strings.Cut(rest, "\n```")
		blocks, text = append(blocks, block), after
	}
}
