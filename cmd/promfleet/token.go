package main

import (
	"context"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var tokenTable = table[promfleet.Token]{
	columns: []string{"ID", "NAME", "ROLE", "EXPIRES", "LAST USED"},
	row: func(t promfleet.Token) []string {
		return []string{id(t.ID), t.Name, string(t.Role), expiry(t.ExpiresAt), ago(t.LastUsedAt)}
	},
	wide: []string{"USER", "CREATED", "REVOKED"},
	more: func(t promfleet.Token) []string {
		user := ""
		if t.User != 0 {
			user = id(t.User)
		}
		return []string{user, stamp(&t.CreatedAt), stamp(t.DeletedAt)}
	},
}

var newTokenTable = table[promfleet.NewToken]{
	columns: append(tokenTable.columns[:4:4], "SECRET"),
	row:     func(t promfleet.NewToken) []string { return append(tokenTable.row(t.Token)[:4], t.Secret) },
}

func (c *command) addToken(app *kingpin.Application) {
	r := resource[promfleet.NewToken, promfleet.TokenInput]{c: c, noun: app.Command("token", "API tokens."), of: (*client.Client).Tokens, t: newTokenTable, name: "token"}
	r.listed = func(l listing[promfleet.NewToken]) error {
		return withoutSecrets(l, tokenTable, func(t promfleet.NewToken) promfleet.Token { return t.Token }).run()
	}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.deletedFlag(cmd, "The revoked tokens instead of the live ones.")
	})
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.TokenInput, error) {
		in := tokenFlags(cmd)
		return func(*client.Client) (promfleet.TokenInput, error) { return in(), nil }
	})
	r.revoke("Revoke a token.")
}

// withoutSecrets makes a list show no secret, not an empty one either.
func withoutSecrets[New, Old any](l listing[New], t table[Old], old func(New) Old) listing[Old] {
	return listing[Old]{c: l.c, out: l.out, t: t, l: l.l, changes: l.changes, page: func(ctx context.Context) (*promfleet.Page[Old], error) {
		p, err := l.page(ctx)
		if err != nil {
			return nil, err
		}
		q := &promfleet.Page[Old]{Items: make([]Old, 0, len(p.Items)), NextCursor: p.NextCursor, Total: p.Total}
		for _, item := range p.Items {
			q.Items = append(q.Items, old(item))
		}
		return q, nil
	}}
}

// tokenFlags are those of every command that makes an API token.
func tokenFlags(cmd *kingpin.CmdClause) func() promfleet.TokenInput {
	in := promfleet.TokenInput{}
	cmd.Flag("name", "What it is for; default: the role.").StringVar(&in.Name)
	role := cmd.Flag("role", "viewer, editor, admin, or sd: for HTTP SD and nothing else.").Required().Enum("viewer", "editor", "admin", "sd")
	life := cmd.Flag("expires-in", "How long it serves, as 720h; 0: until it is revoked.").Duration()
	return func() promfleet.TokenInput {
		in.Role, in.ExpiresAt = promfleet.Role(*role), after(*life)
		if in.Name == "" {
			in.Name = *role
		}
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
