package main

import (
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

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
