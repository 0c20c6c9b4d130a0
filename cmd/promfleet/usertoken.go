package main

import (
	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

// addUserToken adds the commands for the tokens that are a user's.
func (c *command) addUserToken(user *kingpin.CmdClause) {
	noun := user.Command("token", "Tokens of a user, as promfleet login makes them: what ends the user's sessions ends them.")
	c.userTokenList(noun.Command("list", "List the tokens of a user."))
	c.userTokenCreate(noun.Command("create", "Create a token of a user; its secret is shown once."))
	c.userTokenDelete(noun.Command("delete", "Revoke a token of a user."))
}

func userArg(cmd *kingpin.CmdClause) *string {
	return cmd.Arg("user", "Name or id of the user.").Required().String()
}

func (c *command) userTokenList(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	user := userArg(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		id, err := c.userID(cl, *user)
		if err != nil {
			return err
		}
		tokens, err := cl.UserTokens(c.ctx, id)
		if err != nil {
			return err
		}
		if out.format != "table" {
			return out.encode(tokens)
		}
		return tokenTable.write(out, tokens)
	})
}

func (c *command) userTokenCreate(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	user := userArg(cmd)
	in := promfleet.UserTokenInput{}
	cmd.Flag("name", "What it is for.").Required().StringVar(&in.Name)
	cmd.Flag("role", "viewer, editor or admin, at most the user's; default: the user's.").EnumVar((*string)(&in.Role), "viewer", "editor", "admin")
	life := cmd.Flag("expires-in", "How long it serves, as 720h; 0: until it is revoked.").Duration()
	c.calls(cmd, conn, func(cl *client.Client) error {
		id, err := c.userID(cl, *user)
		if err != nil {
			return err
		}
		in.ExpiresAt = after(*life)
		token, err := cl.CreateUserToken(c.ctx, id, in)
		if err != nil {
			return err
		}
		return printOne(out, newTokenTable, token)
	})
}

func (c *command) userTokenDelete(cmd *kingpin.CmdClause) {
	conn := c.connection(cmd)
	user := userArg(cmd)
	token := cmd.Arg("token", "Id of the token.").Required().Int64()
	c.calls(cmd, conn, func(cl *client.Client) error {
		id, err := c.userID(cl, *user)
		if err != nil {
			return err
		}
		if err := cl.RevokeUserToken(c.ctx, id, *token); err != nil {
			return err
		}
		c.say("token %d of user %s is revoked", *token, plain(*user))
		return nil
	})
}
