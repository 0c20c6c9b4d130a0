package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// Everything that is said or shown in a help has a Chinese text with the same
// verbs, and the catalogue has nothing else.
func TestCatalogueIsWhole(t *testing.T) {
	used := map[string]bool{}
	for _, parts := range [][]string{helpHeads, slices.Collect(maps.Keys(helps(testApp(nil)))), spoken(t), slices.Collect(maps.Keys(zhParsing)), nouns(testApp(nil))} {
		for _, english := range parts {
			used[english] = true
		}
	}
	all := chinese()
	for _, english := range slices.Sorted(maps.Keys(used)) {
		own, ok := all[english]
		switch {
		case !ok:
			t.Errorf("no Chinese for %q", english)
		case !han.MatchString(own) && has(english):
			t.Errorf("no Chinese in %q for %q", own, english)
		case !maps.Equal(verbs(t, english), verbs(t, own)):
			t.Errorf("%q has other verbs than %q", own, english)
		}
	}
	for english := range all {
		if !used[english] {
			t.Errorf("nothing says %q any more", english)
		}
	}
	if n := len(zhCommands) + len(zhFlags) + len(zhTalk) + len(zhErrors) + len(zhParsing); n != len(all) {
		t.Errorf("%d texts stand twice", n-len(all))
	}
}

var han = regexp.MustCompile(`\p{Han}`)

// has tells whether a text has words, and not only names, verbs and marks.
func has(english string) bool {
	return regexp.MustCompile(`[A-Za-z]`).MatchString(regexp.MustCompile(`--\S+|%(\[\d+\])?[a-z]|\betag\b`).ReplaceAllString(english, ""))
}

// verbs gives the verb of each argument of a format.
func verbs(t *testing.T, format string) map[int]string {
	t.Helper()
	next, all := 1, map[int]string{}
	for _, v := range regexp.MustCompile(`%(?:\[(\d+)\])?(\S)`).FindAllStringSubmatch(format, -1) {
		if v[1] != "" {
			next, _ = strconv.Atoi(v[1])
		}
		if was, twice := all[next]; twice && was != v[2] {
			t.Errorf("argument %d of %q is both %%%s and %%%s", next, format, was, v[2])
		}
		all[next] = v[2]
		next++
	}
	return all
}

func testApp(lang language) *kingpin.Application {
	c := &command{stdout: io.Discard, stderr: io.Discard, lang: lang}
	app := c.application()
	lang.translate(app, io.Discard)
	_, _ = app.ParseContext(nil) // adds the command help
	return app
}

// helps gives every text of a help, with one place where it stands.
func helps(app *kingpin.Application) map[string]string {
	m := app.Model()
	all := map[string]string{app.Help: "promfleet"}
	group := func(name string, flags []*kingpin.FlagModel, args []*kingpin.ArgModel) {
		for _, f := range flags {
			all[f.Help] = name + " --" + f.Name
		}
		for _, a := range args {
			all[a.Help] = name + " " + a.Name
		}
	}
	group("promfleet", m.Flags, m.Args)
	var walk func([]*kingpin.CmdModel)
	walk = func(cmds []*kingpin.CmdModel) {
		for _, c := range cmds {
			all[c.Help] = c.FullCommand
			group(c.FullCommand, c.Flags, c.Args)
			walk(c.Commands)
		}
	}
	walk(m.Commands)
	return all
}

// nouns are the commands that have a restore or a delete.
func nouns(app *kingpin.Application) []string {
	var all []string
	for _, c := range app.Model().Commands {
		if slices.ContainsFunc(c.Commands, func(v *kingpin.CmdModel) bool { return v.Name == "delete" }) {
			all = append(all, c.Name)
		}
	}
	return all
}

// In Chinese no help is left in English.
func TestHelpIsChinese(t *testing.T) {
	for text, where := range helps(testApp(chinese())) {
		if !han.MatchString(text) {
			t.Errorf("%s: %q", where, text)
		}
	}
	for text, where := range helps(testApp(nil)) {
		if han.MatchString(text) || text == "" {
			t.Errorf("%s: %q", where, text)
		}
	}
}

// speaks are the functions whose argument of that index is said.
var speaks = map[string]int{"say": 0, "text": 0, "errorf": 0, "progress": 0}

// spoken gives all that the source says. What is not said by these functions would
// be English for everybody: it is refused.
func spoken(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "language.go" {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			called, first := source(call.Fun), call.Args[0]
			index, speaking := speaks[called[strings.LastIndex(called, ".")+1:]]
			switch text, literal := literal(first); {
			case speaking && len(call.Args) > index && literal:
				all = append(all, text)
			case speaking:
				t.Errorf("%s: %s takes a literal text", fset.Position(call.Pos()), called)
			case strings.HasPrefix(called, "fmt.Fprint") && strings.HasSuffix(source(first), ".stderr") && (called != "fmt.Fprint" && len(call.Args) > 1):
				t.Errorf("%s: %s writes talk; take say", fset.Position(call.Pos()), called)
			case (called == "errors.New" || called == "fmt.Errorf" || called == "promfleet.Errorf") && has(text):
				t.Errorf("%s: %s makes an error in English only; take errorf", fset.Position(call.Pos()), called)
			}
			return true
		})
	}
	return all
}

func source(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return source(e.X) + "." + e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, err := strconv.Unquote(lit.Value)
		return text, err == nil
	}
	return "", false
}
