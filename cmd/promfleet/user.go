package main

import (
	"bufio"
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var userTable = table[promfleet.User]{
	columns: []string{"ID", "NAME", "ROLE", "DISABLED"},
	row: func(u promfleet.User) []string {
		return []string{id(u.ID), u.Name, string(u.Role), strconv.FormatBool(u.Disabled)}
	},
	wide: append([]string{"PASSWORD"}, dated...),
	more: func(u promfleet.User) []string {
		return append([]string{strconv.FormatBool(u.HasPassword)}, since(u.CreatedAt, u.UpdatedAt, u.DeletedAt)...)
	},
}

func (c *command) addUser(app *kingpin.Application) {
	r := resource[promfleet.User, promfleet.UserInput]{c: c, noun: app.Command("user", "Users who log in."), of: (*client.Client).Users, t: userTable, name: "user"}
	const role, name, disabled = "viewer, editor or admin.", "Name to log in with.", "May not log in; its sessions end. Undone by --no-disabled."
	roles := []string{"viewer", "editor", "admin"}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.deletedFlag(cmd, "The deleted users instead of the live ones.")
	})
	r.get()
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.UserInput, error) {
		in := promfleet.UserInput{}
		cmd.Flag("name", name).Required().StringVar(&in.Name)
		cmd.Flag("role", role).Required().EnumVar((*string)(&in.Role), roles...)
		cmd.Flag("disabled", disabled).BoolVar(&in.Disabled)
		return func(*client.Client) (promfleet.UserInput, error) { return in, nil }
	})
	r.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		name := givenFlag(cmd, "name", name)
		newRole := cmd.Flag("role", role).Enum(roles...)
		var given bool
		isDisabled := cmd.Flag("disabled", disabled).IsSetByUser(&given).Bool()
		return func() (map[string]any, error) {
			patch := map[string]any{}
			name.into(patch, "name")
			if *newRole != "" {
				patch["role"] = *newRole
			}
			if given {
				patch["disabled"] = *isDisabled
			}
			return patch, nil
		}
	})
	r.remove("Delete a user and end its sessions.")
	r.restore()
	c.userSetPassword(r.noun.Command("set-password", "Give a user a new password, read from standard input; the user's sessions end."))
	c.addUserToken(r.noun)
}

func (c *command) userSetPassword(cmd *kingpin.CmdClause) {
	conn := c.connection(cmd)
	user := cmd.Arg("user", "Name or id.").Required().String()
	c.calls(cmd, conn, func(cl *client.Client) error {
		id, err := c.userID(cl, *user)
		if err != nil {
			return err
		}
		line, err := bufio.NewReader(c.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return errorf("read the password from standard input: %w", err)
		}
		if err := cl.SetPassword(c.ctx, id, promfleet.PasswordInput{Password: strings.TrimRight(line, "\r\n")}); err != nil {
			return err
		}
		c.say("user %s has a new password; the sessions of before have ended", plain(*user))
		return nil
	})
}

// userID gives the id of a user who is named by it, or by name: digits are an id.
func (c *command) userID(cl *client.Client, name string) (int64, error) {
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return n, nil
	}
	q := url.Values{"q": {name}, "limit": {"1000"}}
	for {
		page, err := cl.Users().List(c.ctx, q)
		if err != nil {
			return 0, err
		}
		for _, u := range page.Items {
			if u.Name == name {
				return u.ID, nil
			}
		}
		if page.NextCursor == "" {
			return 0, errorf("there is no user %q; hint: promfleet user list", name)
		}
		q.Set("cursor", page.NextCursor)
	}
}
