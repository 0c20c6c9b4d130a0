package fleetfile_test

import (
	"os"
	"strings"
	"testing"

	"promfleet/internal/fleetfile"
)

// The examples are fleet files, by the parser and by the schema.
func TestExamples(t *testing.T) {
	s := compiled(t)
	files, err := fleetfile.Dir("docs/examples/fleet", os.DirFS("../../docs/examples/fleet"))
	if err != nil {
		t.Fatal(err)
	}
	docs, err := fleetfile.Read(files, nil)
	if err != nil || len(files) != 3 || len(docs) != 5 {
		t.Errorf("%d files with %d documents: %v", len(files), len(docs), err)
	}
	for _, f := range files {
		text, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range strings.Split(string(text), "---\n") {
			if err := s.Validate(value(t, doc)); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
}

// So are those that are written out for readers.
func TestExamplesInTheText(t *testing.T) {
	s := compiled(t)
	text, err := os.ReadFile("../../docs/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		if !strings.Contains(block, "kind: ") {
			continue
		}
		docs, err := fleetfile.Parse("gitops.md", []byte(block))
		if err != nil {
			t.Error(err)
		}
		found += len(docs)
		for _, doc := range strings.Split(block, "---\n") {
			if err := s.Validate(value(t, doc)); err != nil {
				t.Error(err)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d documents found, not 2", found)
	}
}
