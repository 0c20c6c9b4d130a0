package adopt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"promfleet"
	"promfleet/internal/adopt"
	"promfleet/internal/check/checktest"
)

// What becomes of each special case, as a user sees it: the documents, what is told,
// and the export.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in := txtar.Parse(text)
			got := &txtar.Archive{Comment: in.Comment, Files: in.Files[:1:1]}
			add := func(name, text string) {
				got.Files = append(got.Files, txtar.File{Name: name, Data: []byte(text)})
			}
			body := in.Files[0].Data
			imported, err := adopt.Import(body, "n")
			if err != nil {
				invalid(t, err)
				add("error", said(err)+"\n")
				golden(t, name, string(txtar.Format(got)))
				return
			}
			add("base.yml", *imported.Documents[0].BaseConfig)
			add("jobs.json", indented(t, imported.Documents[1:]))
			add("notes", lines(imported.Notes))
			add("unseen", lines(imported.Unseen))
			exported, err := roundTrip(body)
			if err != nil {
				t.Fatal(err)
			}
			add("export.yml", string(exported))
			golden(t, name, string(txtar.Format(got)))
		})
	}
}

// invalid: a refusal is an error of the input, with one line for each fault.
func invalid(t *testing.T, err error) {
	t.Helper()
	var e *promfleet.Error
	if !errors.As(err, &e) || e.Code != promfleet.Invalid {
		t.Errorf("not an invalid input: %v", err)
		return
	}
	for _, f := range e.Fields {
		if strings.Contains(f.Message, "\n") {
			t.Errorf("more than one line: %q", f.Message)
		}
	}
	if strings.Contains(e.Message, "\n") {
		t.Errorf("more than one line: %q", e.Message)
	}
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

func indented(t *testing.T, docs []promfleet.FleetDocument) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// Files that are too much are refused before they cost anything.
func TestTooMuch(t *testing.T) {
	bomb := "global: {external_labels: &a0 {x: y}}\nscrape_configs:\n  - job_name: a\n    params:\n      a0: &b0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		n := string(rune('0' + i))
		bomb += "      a" + string(rune('1'+i)) + ": &b" + string(rune('1'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*b"+n+", ", 10), ", ") + "]\n"
	}
	for name, one := range map[string]struct{ yml, want string }{
		"aliases": {bomb, "aliases make the configuration"},
		"size":    {"# " + strings.Repeat("x", 32<<20), "more than 33554432"},
		"depth":   {"global: " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "nested deeper than 64 levels"},
		"regexp":  {"scrape_configs: [{job_name: a, relabel_configs: [" + strings.Repeat(`{regex: "a{1000}", target_label: x},`, 1001) + "]}]", "regular expressions are too large"},
		"null":    {"scrape_configs: [null]", "empty or null scrape config"},
		"bytes":   {"global: {external_labels: {a: \"\xff\"}}", "UTF-8"},
	} {
		_, err := adopt.Import([]byte(one.yml), "n")
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		invalid(t, err)
		if !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s: %s", name, said(err))
		}
	}
}

// However a file is encoded, it says the same.
func TestEncodings(t *testing.T) {
	const plain = "# é 中 🔥\nglobal: {external_labels: {a: 中🔥}}\n\nscrape_configs:\n  # first\n  - job_name: a\n    static_configs:\n      - targets:\n          - a:1 # 中\n"
	want, err := adopt.Import([]byte(plain), "n")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"BOM":       []byte("\ufeff" + plain),
		"CRLF":      []byte(strings.ReplaceAll(plain, "\n", "\r\n")),
		"CR":        []byte(strings.ReplaceAll(plain, "\n", "\r")),
		"UTF-16 LE": utf16Text(plain, false),
		"UTF-16 BE": utf16Text(strings.ReplaceAll(plain, "\n", "\r\n"), true),
	} {
		if bad := checktest.Verdict(body); bad != nil {
			t.Errorf("%s: Prometheus does not load it: %v", name, bad)
		}
		got, err := adopt.Import(body, "n")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func utf16Text(s string, big bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

// To YAML there are more line ends than one: what stands behind them is not lost.
func TestLineEnds(t *testing.T) {
	for _, end := range []string{"\u0085", "\u2028", "\u2029"} {
		in, err := adopt.Import([]byte("# one"+end+"# two\nscrape_configs:\n  - job_name: a\n# rules\nrule_files: [a.yml]\n"), "n")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := *in.Documents[0].BaseConfig, "# one"+end+"# two\n\n# rules\nrule_files: [a.yml]\n"; got != want {
			t.Errorf("%q: base %q", end, got)
		}
	}
}
