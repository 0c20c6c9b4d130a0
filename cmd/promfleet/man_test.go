package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// groff formats a page, which it must do without a warning.
func groff(t *testing.T, page string) string {
	t.Helper()
	// -P-cbou leaves the marks of bold and underlined text out. The lines are so long
	// that no flag is broken.
	cmd := exec.Command("groff", "-man", "-ww", "-Tutf8", "-rLL=500n", "-P-cbou")
	cmd.Stdin = strings.NewReader(page)
	var out, warnings bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &warnings
	if err := cmd.Run(); err != nil {
		t.Fatalf("groff: %v; scripts/tools.sh groff installs it\n%s", err, &warnings)
	}
	if warnings.Len() > 0 {
		t.Errorf("groff warns: %s", &warnings)
	}
	return out.String()
}

// Every command and every flag is in its page, and groff has no word against it.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	var out, talk bytes.Buffer
	if code := run(context.Background(), nil, []string{"man", dir}, strings.NewReader(""), &out, &talk); code != exitDone || out.Len() > 0 {
		t.Fatalf("exit code %d: %s%s", code, &out, &talk)
	}
	app := (&command{}).application().Model()
	var want []string
	for _, top := range notHidden(app.Commands) {
		name := "promfleet-" + top.Name
		want = append(want, name+".1")
		text := groff(t, readPage(t, dir, name))
		hasAll(t, name, text, []string{"NAME\n", "SYNOPSIS\n", "DESCRIPTION\n", "OPTIONS", "EXIT STATUS\n", "SEE ALSO\n", "promfleet(1),"})
		leaves := append(top.FlattenedCommands(), top)
		for _, leaf := range leaves {
			if len(leaf.Commands) == 0 {
				hasAll(t, name, text, []string{"promfleet " + leaf.FullCommand, leaf.Help})
			}
			for _, f := range leaf.Flags {
				if f.Hidden {
					if strings.Contains(text, "--"+f.Name) {
						t.Errorf("%s: --%s is hidden, and told", name, f.Name)
					}
					continue
				}
				hasAll(t, name, text, []string{"--" + f.Name, f.Help})
			}
			for _, a := range leaf.Args {
				hasAll(t, name, text, []string{a.Help})
			}
		}
	}
	text := groff(t, readPage(t, dir, "promfleet"))
	hasAll(t, "promfleet", text, []string{"ENVIRONMENT\n", "FILES\n", "EXAMPLES\n", "--color=COLOR"})
	for _, page := range want {
		hasAll(t, "promfleet", text, []string{strings.TrimSuffix(page, ".1") + "(1)"})
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(want)+1 {
		t.Errorf("%d files for %d pages: %v", len(files), len(want)+1, err)
	}
}

func readPage(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name+".1"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// hasAll looks for texts in a page as it is formatted.
func hasAll(t *testing.T, page, text string, all []string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%s(1) does not say %q", page, want)
		}
	}
}

// What roff has a meaning for is shown as it was.
func TestRoff(t *testing.T) {
	lines := []string{
		".a dot", "'an apostrophe", `a \fBbackslash\n`, `"quotes" 'and' ` + "`others`", "--flag -f a-b", "^~ ${HOME} #", "开发 é …", "<secret> | a", `\&`,
	}
	var r roff
	r.request("TH", `T"T`, "1", "", "", "")
	r.request("SH", `A "QUOTED" \HEAD`)
	r.verbatim(strings.Join(lines, "\n"))
	for _, l := range lines {
		r.item(r.bold(l), l)
	}
	text := groff(t, r.b.String())
	for _, l := range lines {
		if n := strings.Count(text, l); n < 3 {
			t.Errorf("%q is shown %d times, not 3\n%s", l, n, text)
		}
	}
	hasAll(t, "T", text, []string{`A "QUOTED" \HEAD`})
	// Debian's groff shows a bare one as a minus too; others show a hyphen, which no
	// command understands when it is copied.
	if strings.Contains(strings.ReplaceAll(r.b.String(), `\-`, ""), "-") {
		t.Errorf("a minus is not escaped: %s", &r.b)
	}
}

// The examples are command lines that promfleet takes.
func TestManExamples(t *testing.T) {
	pages := manPages((&command{}).application().Model())
	for page, examples := range manExamples {
		if pages[page+".1"] == "" {
			t.Errorf("there is no page %s", page)
		}
		for _, e := range examples {
			for l := range strings.Lines(e.lines) {
				l = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(l), "source <("), ")")
				l, _, _ = strings.Cut(l, " | ")
				words := strings.Fields(l)
				app := (&command{}).application().Terminate(nil)
				if _, err := app.Parse(dashes(app.Model(), agentRuns(words[1:]))); err != nil || words[0] != "promfleet" {
					t.Errorf("%s(1): %s: %v", page, l, err)
				}
			}
		}
	}
	for name := range manDescriptions {
		if pages[name+".1"] == "" {
			t.Errorf("there is no page %s", name)
		}
	}
	// What the notes are about is there.
	for _, n := range append(manEnvironment, manFiles...) {
		if !strings.Contains(pages["promfleet.1"], (&roff{}).bold(n.name)) {
			t.Errorf("%s: no command has any of %q", n.name, n.flags)
		}
		for _, f := range n.flags {
			if !known(f) {
				t.Errorf("%s: there is no flag or command %s", n.name, f)
			}
		}
	}
}

func known(name string) bool {
	app := (&command{}).application()
	var all []*kingpin.FlagModel
	for _, m := range app.Model().FlattenedCommands() {
		if m.FullCommand == name {
			return true
		}
		all = append(all, m.Flags...)
	}
	for _, f := range all {
		if f.Name == name {
			return true
		}
	}
	return false
}
