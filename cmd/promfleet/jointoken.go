package main

import (
	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var joinTokenTable = table[promfleet.JoinToken]{
	columns: []string{"ID", "NAME", "USES", "OF", "EXPIRES"},
	row: func(t promfleet.JoinToken) []string {
		return []string{id(t.ID), t.Name, id(t.Uses), id(t.MaxUses), expiry(&t.ExpiresAt)}
	},
	wide: []string{"CREATED", "LAST USED", "REVOKED"},
	more: func(t promfleet.JoinToken) []string {
		return []string{stamp(&t.CreatedAt), ago(t.LastUsedAt), stamp(t.DeletedAt)}
	},
}

var newJoinTokenTable = table[promfleet.NewJoinToken]{
	columns: append(joinTokenTable.columns[:5:5], "SECRET"),
	row:     func(t promfleet.NewJoinToken) []string { return append(joinTokenTable.row(t.JoinToken), t.Secret) },
}

func (c *command) addJoinToken(app *kingpin.Application) {
	r := resource[promfleet.NewJoinToken, promfleet.JoinTokenInput]{c: c, noun: app.Command("join-token", "Tokens that agents register with."), of: (*client.Client).JoinTokens, t: newJoinTokenTable, name: "join-token"}
	r.listed = func(l listing[promfleet.NewJoinToken]) error {
		return withoutSecrets(l, joinTokenTable, func(t promfleet.NewJoinToken) promfleet.JoinToken { return t.JoinToken }).run()
	}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.flag(cmd, "state", "Live ones that are usable, or over: used up or expired.")
		l.deletedFlag(cmd, "The revoked join tokens instead of the live ones.")
	})
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.JoinTokenInput, error) {
		in := promfleet.JoinTokenInput{}
		cmd.Flag("name", "What it is for.").StringVar(&in.Name)
		cmd.Flag("max-uses", "How many nodes may join with it.").Default("1").Int64Var(&in.MaxUses)
		life := cmd.Flag("expires-in", "How long it serves.").Default("1h").Duration()
		return func(*client.Client) (promfleet.JoinTokenInput, error) {
			if in.MaxUses < 1 {
				return in, errorf("--max-uses %d: a join token serves for 1 node at least", in.MaxUses)
			}
			in.ExpiresAt = after(*life)
			return in, nil
		}
	})
	r.revoke("Revoke a join token; nodes that joined with it stay.")
}
