package main

import (
	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var contactTable = table[promfleet.Contact]{
	columns: []string{"ID", "USER", "NAME", "ADDR", "TEL"},
	row: func(t promfleet.Contact) []string {
		return []string{id(t.ID), id(t.User), t.UserName, t.Addr, t.Tel}
	},
	wide: dated,
	more: func(t promfleet.Contact) []string { return since(t.CreatedAt, t.UpdatedAt, t.DeletedAt) },
}

func (c *command) addContact(app *kingpin.Application) {
	noun := app.Command("contact", "Ways to reach users; nodes and jobs name those to reach about them.")
	const name = "contact"
	all := resource[promfleet.Contact, struct{}]{c: c, noun: noun, of: (*client.Client).AllContacts, t: contactTable, name: name}
	all.list(func(cmd *kingpin.CmdClause, l *list) {
		l.ref(cmd, "user", "Contacts of this user, by name or id.", c.userID)
		l.flag(cmd, "node", "Contacts that this node names.")
		l.ref(cmd, "job", "Contacts that this job names, by id or NODE-UUID/KEY.", c.jobID)
		l.deletedFlag(cmd, "The deleted contacts instead of the live ones.")
	})
	r := resource[promfleet.Contact, promfleet.ContactInput]{c: c, noun: noun, t: contactTable, name: name,
		within: func(cmd *kingpin.CmdClause) func(*client.Client) (client.Resource[promfleet.Contact, promfleet.ContactInput], error) {
			user := cmd.Flag("user", "Name or id of the user.").Required().String()
			return func(cl *client.Client) (client.Resource[promfleet.Contact, promfleet.ContactInput], error) {
				id, err := c.userID(cl, *user)
				return cl.Contacts(id), err
			}
		}}
	const addr, tel = "Postal address, e-mail address or the like.", "Telephone number."
	r.get()
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.ContactInput, error) {
		in := promfleet.ContactInput{}
		cmd.Flag("addr", addr).StringVar(&in.Addr)
		cmd.Flag("tel", tel).StringVar(&in.Tel)
		return func(*client.Client) (promfleet.ContactInput, error) { return in, nil }
	})
	r.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		newAddr, newTel := givenFlag(cmd, "addr", addr), givenFlag(cmd, "tel", tel)
		return func() (map[string]any, error) {
			patch := map[string]any{}
			newAddr.into(patch, "addr")
			newTel.into(patch, "tel")
			return patch, nil
		}
	})
	r.remove("Delete a contact.")
	r.restore()
}
