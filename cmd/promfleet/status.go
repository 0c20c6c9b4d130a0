package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var statusTable = table[promfleet.Node]{
	columns: []string{"NODE", "HOSTNAME", "STATE", "WANTED", "APPLIED", "UP", "DOWN", "LAST SEEN", "LAST ERROR"},
	row: func(n promfleet.Node) []string {
		s := n.Status
		return []string{n.UUID, n.Hostname, string(s.State), id(s.RevisionWanted), id(s.RevisionApplied), id(s.TargetsUp), id(s.TargetsDown), ago(s.LastSeenAt), s.LastError}
	},
	wide: []string{"ADDR", "TAGS", "CONTACTS", "AGENT", "PROMETHEUS", "NOTICES"},
	more: func(n promfleet.Node) []string {
		s := n.Status
		return []string{n.Addr, strings.Join(n.Tags, ","), ids(n.Contacts), s.AgentVersion, s.PrometheusVersion, strings.Join(s.Notices, "; ")}
	},
}

// printNotices writes what a node has to say beside its error, of long ones the
// first line or all.
func printNotices(to io.Writer, n promfleet.Node, short bool) {
	for _, notice := range n.Status.Notices {
		lines := strings.Split(notice, "\n")
		fmt.Fprintf(to, "%s (%s): %s\n", n.UUID, plain(n.Hostname), plain(lines[0]))
		if short {
			continue
		}
		for _, line := range lines[1:] {
			fmt.Fprintf(to, "  %s\n", plain(line))
		}
	}
}

func (c *command) addStatus(app *kingpin.Application) {
	cmd := app.Command("status", "The fleet at a glance.")
	conn, out := c.connection(cmd), c.output(cmd)
	l := listFlags(cmd)
	l.tagFlag(cmd, "Nodes")
	l.flag(cmd, "state", "Nodes in this state.")
	c.calls(cmd, conn, func(cl *client.Client) error {
		g := listing[promfleet.Node]{c: c, out: out, t: statusTable, l: l,
			page: func(ctx context.Context) (*promfleet.Page[promfleet.Node], error) {
				return pages(ctx, cl, cl.Nodes(), l)
			}}
		if l.watch.on {
			return g.run()
		}
		page, err := g.page(c.ctx)
		if err != nil {
			return err
		}
		if page.Total == 0 && out.format == "table" {
			c.say("no nodes; hint: promfleet join-token create, then start an agent with it")
		}
		if err := printPage(c, out, statusTable, page); err != nil {
			return err
		}
		if out.format == "table" {
			for _, n := range page.Items {
				printNotices(out.to, n, true)
			}
		}
		return nil
	})
}
