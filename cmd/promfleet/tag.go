package main

import (
	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var tagTable = table[promfleet.Tag]{
	columns: []string{"ID", "NAME", "REMARK"},
	row:     func(t promfleet.Tag) []string { return []string{id(t.ID), t.Name, t.Remark} },
	wide:    dated,
	more:    func(t promfleet.Tag) []string { return since(t.CreatedAt, t.UpdatedAt, t.DeletedAt) },
}

func (c *command) addTag(app *kingpin.Application) {
	r := resource[promfleet.Tag, promfleet.TagInput]{c: c, noun: app.Command("tag", "Names that nodes and targets have."), of: (*client.Client).Tags, t: tagTable, name: "tag", dryRun: true}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.deletedFlag(cmd, "The deleted tags instead of the live ones.")
	})
	r.get()
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.TagInput, error) {
		in := promfleet.TagInput{}
		cmd.Flag("name", "Any text without a comma.").Required().StringVar(&in.Name)
		cmd.Flag("remark", "What it means.").StringVar(&in.Remark)
		return func(*client.Client) (promfleet.TagInput, error) { return in, nil }
	})
	r.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		name := givenFlag(cmd, "name", "Another name, for everything that has the tag.")
		remark := givenFlag(cmd, "remark", "What it means.")
		return func() (map[string]any, error) {
			patch := map[string]any{}
			name.into(patch, "name")
			remark.into(patch, "remark")
			return patch, nil
		}
	})
	r.remove("Delete a tag: nothing has it any more.")
	r.restore()
}
