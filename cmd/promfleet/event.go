package main

import (
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var eventTable = table[promfleet.Event]{
	columns: []string{"ID", "AT", "ACTOR", "NAME", "ACTION", "OBJECT", "NODE"},
	row: func(e promfleet.Event) []string {
		return []string{id(e.ID), e.At.Format(time.RFC3339), e.Actor, e.ActorName, e.Action, e.Object, e.Node}
	},
	wide: []string{"REVERTS", "BEFORE", "AFTER"},
	more: func(e promfleet.Event) []string {
		reverts := ""
		if e.Reverts != 0 {
			reverts = id(e.Reverts)
		}
		return []string{reverts, string(e.Before), string(e.After)}
	},
}

func (c *command) addEvent(app *kingpin.Application) {
	r := resource[promfleet.Event, struct{}]{c: c, noun: app.Command("event", "Who changed what."), of: (*client.Client).Events, t: eventTable, name: "event"}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.flag(cmd, "node", "Events of this node.")
		l.flag(cmd, "actor", "Events of this actor, as token/3 or user/1.")
		l.flag(cmd, "object", "Events of this object, as job/12.")
		l.flag(cmd, "since", "Events at or after this time (RFC 3339).")
	})
	r.get()
	c.eventRevert(r.noun.Command("revert", "Undo what an event did, as long as it stands; that is an event of its own."))
}

func (c *command) eventRevert(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	event := cmd.Arg("id", "Of the event.").Required().Int64()
	var dry bool
	dryRunFlag(cmd, &dry)
	c.calls(cmd, conn, func(cl *client.Client) error {
		if dry {
			return out.preview(cl.Preview().Revert(c.ctx, *event))
		}
		if err := cl.Revert(c.ctx, *event); err != nil {
			return err
		}
		c.say("event %d is undone", *event)
		return nil
	})
}
