package main

import (
	"fmt"
	"time"

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
	l.tags = cmd.Flag("tag", "Nodes with this tag; several: with all of them.").Strings()
	l.filter(cmd, "state", "Nodes in this state.")
	cmd.Action(func(*kingpin.ParseContext) error {
		cl, err := conn.client()
		if err != nil {
			return err
		}
		page, err := pages(c, cl.Nodes(), l)
		if err != nil {
			return err
		}
		if page.Total == 0 && out.format == "table" {
			fmt.Fprintln(c.stderr, "no nodes; hint: promfleet join-token create, then start an agent with it")
		}
		return printPage(out, statusTable, page)
	})
}

var eventTable = table[promfleet.Event]{
	columns: []string{"ID", "AT", "ACTOR", "ACTION", "OBJECT", "NODE"},
	row: func(e promfleet.Event) []string {
		return []string{id(e.ID), e.At.Format(time.RFC3339), e.Actor, e.Action, e.Object, e.Node}
	},
}

func (c *command) addEvent(app *kingpin.Application) {
	r := resource[promfleet.Event, struct{}]{c: c, noun: app.Command("event", "Who changed what."), of: (*client.Client).Events, t: eventTable, name: "event"}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.filter(cmd, "node", "Events of this node.")
		l.filter(cmd, "actor", "Events of this actor.")
		l.filter(cmd, "object", "Events of this object, as job/12.")
		l.filter(cmd, "since", "Events at or after this time (RFC 3339).")
	})
}
