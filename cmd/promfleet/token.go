package main

import (
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var tokenTable = table[promfleet.NewToken]{
	columns: []string{"ID", "NAME", "ROLE", "EXPIRES", "LAST USED", "SECRET"},
	row: func(t promfleet.NewToken) []string {
		return []string{id(t.ID), t.Name, string(t.Role), expiry(t.ExpiresAt), ago(t.LastUsedAt), t.Secret}
	},
}

func (c *command) addToken(app *kingpin.Application) {
	r := resource[promfleet.NewToken, promfleet.TokenInput]{c: c, noun: app.Command("token", "API tokens."), of: (*client.Client).Tokens, t: tokenTable, name: "token"}
	r.list(func(*kingpin.CmdClause, *list) {})
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.TokenInput, error) {
		in := tokenFlags(cmd)
		return func(*client.Client) (promfleet.TokenInput, error) { return in(), nil }
	})
	r.remove("Revoke a token.")
}

// tokenFlags are those of every command that makes an API token.
func tokenFlags(cmd *kingpin.CmdClause) func() promfleet.TokenInput {
	in := promfleet.TokenInput{}
	cmd.Flag("name", "What it is for.").Default("admin").StringVar(&in.Name)
	role := cmd.Flag("role", "viewer, editor or admin.").Required().Enum("viewer", "editor", "admin")
	life := cmd.Flag("expires-in", "How long it serves, as 720h; 0: until it is revoked.").Duration()
	return func() promfleet.TokenInput {
		in.Role, in.ExpiresAt = promfleet.Role(*role), after(*life)
		return in
	}
}

func after(life time.Duration) *time.Time {
	if life == 0 {
		return nil
	}
	t := time.Now().Add(life)
	return &t
}

func expiry(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Format(time.RFC3339)
}

var joinTokenTable = table[promfleet.NewJoinToken]{
	columns: []string{"ID", "NAME", "USES", "OF", "EXPIRES", "SECRET"},
	row: func(t promfleet.NewJoinToken) []string {
		return []string{id(t.ID), t.Name, id(t.Uses), id(t.MaxUses), expiry(&t.ExpiresAt), t.Secret}
	},
}

func (c *command) addJoinToken(app *kingpin.Application) {
	r := resource[promfleet.NewJoinToken, promfleet.JoinTokenInput]{c: c, noun: app.Command("join-token", "Tokens that agents register with."), of: (*client.Client).JoinTokens, t: joinTokenTable, name: "join-token"}
	r.list(func(*kingpin.CmdClause, *list) {})
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.JoinTokenInput, error) {
		in := promfleet.JoinTokenInput{}
		cmd.Flag("name", "What it is for.").StringVar(&in.Name)
		cmd.Flag("max-uses", "How many nodes may join with it.").Default("1").Int64Var(&in.MaxUses)
		life := cmd.Flag("expires-in", "How long it serves.").Default("1h").Duration()
		return func(*client.Client) (promfleet.JoinTokenInput, error) {
			in.ExpiresAt = after(*life)
			return in, nil
		}
	})
	r.remove("Revoke a join token; nodes that joined with it stay.")
}
