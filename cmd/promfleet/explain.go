package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

func (c *command) addExplain(app *kingpin.Application) {
	cmd := app.Command("explain", "Why an address is, or is not, scraped, from the record to the last scrape: 0 it is, 1 it is not, 2 that could not be found out.")
	var in promfleet.ExplainRequest
	var wait time.Duration
	cmd.Arg("addr", "Address of a target, as 10.0.0.1:9100; a host, a URL or an instance label is looked for where no target has exactly this.").Required().StringVar(&in.Addr)
	cmd.Flag("node", "On this node, by uuid or hostname. Default: on all that have the address.").StringVar(&in.Node)
	cmd.Flag("job", "In the job with this key.").StringVar(&in.Job)
	cmd.Flag("wait", "How long agents are given to answer, 30s at the most; 0s: they are not asked.").Default("10s").DurationVar(&wait)
	conn, out := c.connection(cmd), c.output(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		if wait < 0 || wait > 30*time.Second || wait%time.Second != 0 {
			return errorf("--wait must be whole seconds from 0s to 30s")
		}
		e, err := cl.Explain(c.ctx, in, wait)
		if err != nil {
			return err
		}
		if out.format != "table" {
			err = out.encode(e)
		} else {
			err = drawExplained(out.to, e, marksFor(out.to))
		}
		switch {
		case err != nil:
			return err
		case e.Scraped == promfleet.ScrapedYes:
			return nil
		case e.UnderWay:
			return &answerNo{errorf("%s is not scraped yet: %s", in.Addr, e.Verdict)}
		case e.Scraped == promfleet.ScrapedNo:
			return &answerNo{errorf("%s is not scraped: %s", in.Addr, e.Verdict)}
		}
		return errorf("it could not be found out whether %s is scraped: %s", in.Addr, e.Verdict)
	})
}

// marks stand before the stages of a chain.
type marks struct{ good, bad, soon, open, note string }

// marksFor gives plain ones, and coloured ones for a terminal that has colours.
func marksFor(to io.Writer) marks {
	f, ok := to.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return marks{"ok", "NO", "..", "??", "--"}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return marks{"ok", "NO", "..", "??", "--"}
	}
	return marks{"\x1b[32m✔ \x1b[0m", "\x1b[1;31m✘ \x1b[0m", "\x1b[33m… \x1b[0m", "\x1b[33m? \x1b[0m", "· "}
}

var stages = []promfleet.ExplainStage{promfleet.StageRecord, promfleet.StageRendered, promfleet.StageDiscovered, promfleet.StageRelabelled, promfleet.StageScraped}

// drawExplained draws the chains as text.
func drawExplained(to io.Writer, e *promfleet.Explained, m marks) error {
	w := &lines{to: to}
	for _, n := range e.Items {
		w.line("%s (%s): %s", n.Hostname, n.Node, n.Verdict)
		for _, c := range n.Chains {
			w.chain(c, m)
		}
		if n.More > 0 {
			w.line("  and %d more targets", n.More)
		}
		if n.AgentSays != "" && n.Agent != promfleet.AgentNotAsked {
			w.line("  agent: %s", n.AgentSays)
		}
	}
	if len(e.Items) != 1 {
		w.line("%s", e.Verdict)
	}
	if len(e.Items) == 1 && len(e.Nearest) > 0 {
		w.line("nearest: %s", strings.Join(e.Nearest, ", "))
	}
	for _, note := range e.Notes {
		w.line("note: %s", note)
	}
	return w.err
}

// lines writes lines, without what would break a terminal.
type lines struct {
	to  io.Writer
	err error
}

func (w *lines) line(format string, args ...any) { w.marked("", format, args...) }

func (w *lines) marked(mark, format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintln(w.to, mark+plain(fmt.Sprintf(format, args...)))
	}
}

// chain draws one chain, a line a stage; what is behind a break is not drawn.
func (w *lines) chain(c promfleet.ExplainedChain, m marks) {
	w.line("  job %s", cmp.Or(c.Job, c.JobName+", which the server does not know"))
	ends := slices.Index(stages, c.Stage)
	for i, stage := range stages[:max(0, ends)+1] {
		mark, said := m.good, stageText(c, stage)
		switch {
		case i == ends && c.UnderWay:
			mark, said = m.soon, c.Verdict
		case i == ends && c.Scraped == promfleet.ScrapedNo:
			mark, said = m.bad, c.Verdict
		case i == ends && c.Scraped == promfleet.ScrapedUnknown:
			mark, said = m.open, c.Verdict
		case i == ends:
			said = c.Verdict
		case stage == promfleet.StageRecord && c.Record == nil, stage == promfleet.StageRendered && c.Rendered == nil:
			mark = m.note
		}
		w.marked("    "+mark+" ", "%-10s  %s", stage, said)
		if stage == promfleet.StageRelabelled {
			w.steps(c.Seen, m)
		}
	}
}

// stageText says what is known of a stage that is passed.
func stageText(c promfleet.ExplainedChain, stage promfleet.ExplainStage) string {
	switch stage {
	case promfleet.StageRecord:
		if c.Record == nil {
			return "no target on the server: the job's own service discovery has found it, or it is deleted"
		}
		text := fmt.Sprintf("target %d %s", c.Record.ID, c.Record.Addr)
		if c.Record.Name != "" {
			text += " " + c.Record.Name
		}
		return strings.TrimSpace(text + " " + labelText(c.Record.Labels))
	case promfleet.StageRendered:
		switch {
		case c.Seen != nil && c.Seen.Inline:
			return "in prometheus.yml itself, as " + c.Seen.InFile
		case c.Seen != nil && c.Seen.InFile != "":
			return "in " + c.Seen.InFile
		case c.Rendered != nil:
			return fmt.Sprintf("in %s, revision %d", c.Rendered.Path, c.Rendered.Revision)
		}
		return "in none of the agent's target files"
	case promfleet.StageDiscovered:
		if c.Seen == nil {
			return ""
		}
		return visible(c.Seen.Discovered)
	case promfleet.StageRelabelled:
		if c.Seen == nil {
			return ""
		}
		return visible(c.Seen.Labels)
	}
	return c.Verdict
}

// visible gives labels as they are written in Prometheus, the address first.
func visible(labels map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__address__" && strings.HasPrefix(name, "__") && !strings.HasPrefix(name, "__param_") {
			continue // they are in -o json
		}
		all = append(all, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func (w *lines) steps(s *promfleet.SeenTarget, m marks) {
	if s == nil {
		return
	}
	for _, step := range s.Steps {
		if step.Drops {
			w.marked("      "+m.bad+" ", "%s", step)
			continue
		}
		for _, c := range step.Changes {
			w.line("         [%d] %s: %s: %q -> %q", step.Index, step.Action, c.Label, c.Before, c.After)
		}
	}
}
