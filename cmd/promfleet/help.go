package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/template"

	"github.com/alecthomas/kingpin/v2"
	"golang.org/x/term"
)

// helpHeads are the words of the parser's own in a help.
var helpHeads = []string{"usage:", "Flags:", "Args:", "Commands:", "Subcommands:"}

// heads puts the words of a language into a template of the parser's.
func (l language) heads(usage string) string {
	if l == nil {
		return usage
	}
	lines := strings.Split(usage, "\n")
	for i, line := range lines {
		for _, head := range helpHeads {
			if rest, ok := strings.CutPrefix(line, head); ok {
				lines[i] = l.of(head) + strings.TrimPrefix(rest, " ") // its colon has a space of its own
			}
		}
	}
	return strings.Join(lines, "\n")
}

// translate puts all helps into a language.
func (l language) translate(app *kingpin.Application, to io.Writer) {
	if l == nil {
		return
	}
	_, _ = app.ParseContext(nil) // adds the command help
	app.Help = l.of(app.Help)
	m := app.Model()
	for _, f := range m.Flags {
		app.GetFlag(f.Name).Help(l.of(f.Help))
	}
	for _, c := range m.Commands {
		l.translateCommand(app.GetCommand(c.Name), c)
	}
	width := helpWidth(to)
	app.UsageTemplate(l.heads(kingpin.DefaultUsageTemplate)).UsageFuncs(template.FuncMap{
		"Wrap": func(indent int, s string) string {
			margin := strings.Repeat(" ", indent)
			return margin + strings.Join(wrapped(s, width-indent), "\n"+margin) + "\n"
		},
		"FormatTwoColumns": func(rows [][2]string) string { return twoColumns(rows, 2, 2, width) },
		"FormatTwoColumnsWithIndent": func(rows [][2]string, indent, padding int) string {
			return twoColumns(rows, indent, padding, width)
		},
	})
}

func (l language) translateCommand(cmd *kingpin.CmdClause, m *kingpin.CmdModel) {
	cmd.Help(l.of(m.Help))
	for _, f := range m.Flags {
		cmd.GetFlag(f.Name).Help(l.of(f.Help))
	}
	for _, a := range m.Args {
		cmd.GetArg(a.Name).Help(l.of(a.Help))
	}
	for _, sub := range m.Commands {
		l.translateCommand(cmd.GetCommand(sub.Name), sub)
	}
}

// helpWidth is how wide a help may be; 80 where that cannot be told.
func helpWidth(to io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := to.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// widestName is how wide the names beside their helps may be; a wider one stands on
// a line of its own.
const widestName = 29

func twoColumns(rows [][2]string, indent, padding, width int) string {
	widest := 0
	for _, row := range rows {
		if n := len(row[0]); n <= widestName {
			widest = max(widest, n)
		}
	}
	var b strings.Builder
	margin, beside := strings.Repeat(" ", indent), strings.Repeat(" ", indent+widest+padding)
	for _, row := range rows {
		if len(row[0]) > widestName {
			b.WriteString(margin + row[0] + "\n" + beside)
		} else {
			fmt.Fprintf(&b, "%s%-*s", margin, widest+padding, row[0])
		}
		b.WriteString(strings.Join(wrapped(row[1], width-len(beside)), "\n"+beside) + "\n")
	}
	return b.String()
}

// What no line begins with, and what none ends with.
const (
	notFirst = "，。；：、！？）》”"
	notLast  = "（《“"
)

// wrapped breaks a text into lines that are no wider than a width, at spaces and
// between Chinese characters, which have no spaces. The parser breaks at spaces only.
func wrapped(s string, width int) []string {
	var lines []string
	line, lineWidth, space := "", 0, false
	for _, word := range strings.Fields(s) {
		for _, piece := range pieces(word) {
			n := cellWidths.StringWidth(piece)
			switch {
			case line == "":
				line, lineWidth = piece, n
			case space && lineWidth+1+n <= width:
				line, lineWidth = line+" "+piece, lineWidth+1+n
			case !space && lineWidth+n <= width:
				line, lineWidth = line+piece, lineWidth+n
			default:
				lines = append(lines, line)
				line, lineWidth = piece, n
			}
			space = false
		}
		space = true
	}
	return append(lines, line)
}

// pieces are the parts of a word that no line break may be in.
func pieces(word string) []string {
	var all []string
	var last rune
	for _, r := range word {
		wide := cellWidths.RuneWidth(r) > 1 || cellWidths.RuneWidth(last) > 1
		if last == 0 || wide && !strings.ContainsRune(notFirst, r) && !strings.ContainsRune(notLast, last) {
			all = append(all, "")
		}
		all[len(all)-1] += string(r)
		last = r
	}
	return all
}
