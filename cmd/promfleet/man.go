package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// addMan adds a command for packagers: whoever reads man pages has them.
func (c *command) addMan(app *kingpin.Application) {
	cmd := app.Command("man", "Write the man pages into a directory, created if missing.").Hidden()
	dir := cmd.Arg("dir", "The directory.").Required().String()
	c.does(cmd, func() error {
		if err := os.MkdirAll(*dir, 0o777); err != nil {
			return err
		}
		pages := manPages((&command{}).application().Model())
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(*dir, name), []byte(text), 0o666); err != nil {
				return err
			}
		}
		c.say("%d man pages are in %s", len(pages), *dir)
		return nil
	})
}

// manual writes one page.
type manual struct {
	roff
	app    *kingpin.ApplicationModel
	top    *kingpin.CmdModel   // nil: the page of promfleet itself
	leaves []*kingpin.CmdModel // the commands that it is about
}

// manPages makes the pages by their file names: one of promfleet, and one of each
// command of the first level.
func manPages(app *kingpin.ApplicationModel) map[string]string {
	pages := map[string]string{"promfleet.1": (&manual{app: app, leaves: notHidden(app.FlattenedCommands())}).write()}
	for _, top := range notHidden(app.Commands) {
		leaves := notHidden(top.FlattenedCommands())
		if len(leaves) == 0 {
			leaves = []*kingpin.CmdModel{top}
		}
		pages[pageName(top)+".1"] = (&manual{app: app, top: top, leaves: leaves}).write()
	}
	return pages
}

func notHidden(all []*kingpin.CmdModel) []*kingpin.CmdModel {
	return slices.DeleteFunc(slices.Clone(all), func(m *kingpin.CmdModel) bool { return m.Hidden })
}

func pageName(top *kingpin.CmdModel) string { return "promfleet-" + top.Name }

func (m *manual) write() string {
	name, help := "promfleet", m.app.Help
	if m.top != nil {
		name, help = pageName(m.top), m.top.Help
	}
	m.request("TH", strings.ToUpper(name), "1", "", "promfleet "+version, "promfleet")
	// Options are not to be broken, nor lines stretched: people copy from them.
	m.b.WriteString(".nh\n.ad l\n")
	m.request("SH", "NAME")
	m.line(m.escape(name) + ` \- ` + m.escape(brief(help)))
	m.synopsis(name)
	m.description(name, help)
	switch {
	case m.top == nil:
		m.commandList()
		m.options("OPTIONS", m.app.Flags)
	case len(m.top.Commands) == 0:
		m.arguments(m.top)
		m.options("OPTIONS", slices.Concat(m.top.Flags, m.app.Flags))
	default:
		m.subcommands()
	}
	m.exitStatus()
	m.notes("ENVIRONMENT", manEnvironment)
	m.notes("FILES", manFiles)
	m.examples(name)
	m.seeAlso()
	return m.b.String()
}

// brief makes a help text what stands behind a name.
func brief(help string) string {
	first, _, _ := strings.Cut(help, ": ")
	first, _, _ = strings.Cut(first, "; ")
	first, _, _ = strings.Cut(first, " (")
	first = strings.TrimSuffix(first, ".")
	if len(first) > 1 && first[1] >= 'a' && first[1] <= 'z' || strings.HasPrefix(first, "A ") {
		first = strings.ToLower(first[:1]) + first[1:]
	}
	return first
}

func (m *manual) synopsis(name string) {
	m.request("SH", "SYNOPSIS")
	if m.top == nil {
		m.line(m.bold(name) + " [" + m.italic("option") + " ...] " + m.italic("command") + " [" + m.italic("argument") + " ...]")
		return
	}
	for i, leaf := range m.leaves {
		if i > 0 {
			m.request("br")
		}
		m.usage(leaf)
	}
}

// usage writes how a command is called.
func (m *manual) usage(leaf *kingpin.CmdModel) {
	words := []string{m.bold("promfleet " + leaf.FullCommand)}
	optional := false
	for _, f := range shown(leaf.Flags) {
		if f.Required {
			words = append(words, m.flag(f))
		} else {
			optional = true
		}
	}
	if optional {
		words = append(words, "["+m.italic("option")+" ...]")
	}
	for _, a := range leaf.Args {
		text := m.italic(cmp.Or(a.PlaceHolder, a.Name))
		if !a.Required {
			text = "[" + text + "]"
		}
		words = append(words, text)
	}
	m.line(strings.Join(words, " "))
}

func (m *manual) description(name, help string) {
	m.request("SH", "DESCRIPTION")
	m.line(m.escape(help))
	for _, text := range manDescriptions[name] {
		m.paragraph(text)
	}
}

// commandList names the commands, each with its page.
func (m *manual) commandList() {
	m.request("SH", "COMMANDS")
	for _, top := range notHidden(m.app.Commands) {
		m.item(m.bold(top.Name), top.Help+" See "+pageName(top)+"(1).")
	}
}

func (m *manual) options(head string, flags []*kingpin.FlagModel) {
	m.request("SH", head)
	m.flagItems(flags)
}

func (m *manual) flagItems(flags []*kingpin.FlagModel) {
	for _, f := range shown(flags) {
		text := strings.TrimSuffix(f.Help, ".") + "."
		if len(f.Default) > 0 && f.Default[0] != "" && !strings.Contains(strings.ToLower(f.Help), "default") {
			text += " Default: " + strings.Join(f.Default, ", ") + "."
		}
		if f.Envar != "" {
			text += " Without it: " + f.Envar + "."
		}
		said := m.flag(f)
		if f.Short != 0 {
			said = m.bold("-"+string(f.Short)) + ", " + said
		}
		m.item(said, text)
	}
}

// flag gives a flag with its value.
func (m *manual) flag(f *kingpin.FlagModel) string {
	text := m.bold("--" + f.Name)
	if f.IsBoolFlag() {
		return text
	}
	value := f.PlaceHolder
	if value == "" {
		value = strings.ToUpper(f.Name[strings.LastIndex(f.Name, ".")+1:])
	}
	return text + "=" + m.italic(value)
}

func shown(flags []*kingpin.FlagModel) []*kingpin.FlagModel {
	return slices.DeleteFunc(slices.Clone(flags), func(f *kingpin.FlagModel) bool { return f.Hidden })
}

func (m *manual) arguments(leaf *kingpin.CmdModel) {
	for _, a := range leaf.Args {
		m.item(m.italic(cmp.Or(a.PlaceHolder, a.Name)), a.Help)
	}
}

// subcommands describes each command below the first level, and once what all of
// them take.
func (m *manual) subcommands() {
	m.request("SH", "COMMANDS")
	common := m.common()
	for _, leaf := range m.leaves {
		m.request("SS", "promfleet "+leaf.FullCommand)
		m.usage(leaf)
		m.paragraph(leaf.Help)
		m.arguments(leaf)
		m.flagItems(slices.DeleteFunc(shown(leaf.Flags), func(f *kingpin.FlagModel) bool { return contains(common, f) }))
	}
	m.options("OPTIONS OF ALL", slices.Concat(common, m.app.Flags))
}

// common are the flags that all commands of the page have, and have for the same.
func (m *manual) common() []*kingpin.FlagModel {
	if len(m.leaves) < 2 {
		return nil
	}
	return slices.DeleteFunc(shown(m.leaves[0].Flags), func(f *kingpin.FlagModel) bool {
		return slices.ContainsFunc(m.leaves, func(leaf *kingpin.CmdModel) bool { return !contains(leaf.Flags, f) })
	})
}

func contains(flags []*kingpin.FlagModel, f *kingpin.FlagModel) bool {
	return slices.ContainsFunc(flags, func(g *kingpin.FlagModel) bool { return g.Name == f.Name && g.Help == f.Help })
}

func (m *manual) exitStatus() {
	m.request("SH", "EXIT STATUS")
	m.item(m.bold("0"), "It is done.")
	m.item(m.bold("1"), "The answer is no, or different.")
	m.item(m.bold("2"), "It failed. One line on standard error says why, and behind hint: what to do.")
}

// has tells whether a command of the page has a flag, or is called so.
func (m *manual) has(name string) bool {
	return slices.ContainsFunc(m.leaves, func(leaf *kingpin.CmdModel) bool {
		return leaf.FullCommand == name || slices.ContainsFunc(leaf.Flags, func(f *kingpin.FlagModel) bool { return f.Name == name })
	})
}

// notes writes what concerns the commands and flags that the page has; nothing, if none does.
func (m *manual) notes(head string, all []manNote) {
	for _, n := range all {
		if !slices.ContainsFunc(n.flags, m.has) {
			continue
		}
		if head != "" {
			m.request("SH", head)
			head = ""
		}
		m.item(m.bold(n.name), n.text)
	}
}

func (m *manual) examples(name string) {
	for i, e := range manExamples[name] {
		if i == 0 {
			m.request("SH", "EXAMPLES")
		}
		m.paragraph(e.text)
		m.verbatim(e.lines)
	}
}

func (m *manual) seeAlso() {
	m.request("SH", "SEE ALSO")
	var names []string
	if m.top != nil {
		names = append(names, "promfleet")
	}
	for _, top := range notHidden(m.app.Commands) {
		if top != m.top {
			names = append(names, pageName(top))
		}
	}
	names = append(names, "prometheus", "promtool")
	for i, n := range names {
		sep := ","
		if i == len(names)-1 {
			sep = ""
		}
		m.line(m.bold(n) + "(1)" + sep)
	}
}
