package main

import (
	"fmt"

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
}

func (c *command) addStatus(app *kingpin.Application) {
	cmd := app.Command("status", "The fleet at a glance.")
	conn, out := c.connection(cmd), c.output(cmd)
	l := listFlags(cmd)
	l.tagFlag(cmd, "Nodes")
	l.flag(cmd, "state", "Nodes in this state.")
	c.calls(cmd, conn, func(cl *client.Client) error {
		page, err := pages(c, cl, cl.Nodes(), l)
		if err != nil {
			return err
		}
		if page.Total == 0 && out.format == "table" {
			fmt.Fprintln(c.stderr, "no nodes; hint: promfleet join-token create, then start an agent with it")
		}
		return printPage(c, out, statusTable, page)
	})
}
