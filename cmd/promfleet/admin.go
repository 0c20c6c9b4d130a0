package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/internal/fleet"
	"promfleet/internal/server"
	"promfleet/internal/store"
)

// addAdmin adds the commands that work on the database itself.
func (c *command) addAdmin(app *kingpin.Application) {
	admin := app.Command("admin", "Work on the database directly: for the first token, for backups and for recovery.")
	token := admin.Command("token", "API tokens.")
	c.adminTokenCreate(token.Command("create", "Create an API token and print its secret."))
	user := admin.Command("user", "Users.")
	c.adminUserSetPassword(user.Command("set-password", "Give a user a new password, read from standard input; the user's sessions end."))
	db := admin.Command("db", "The database.")
	c.adminDBCheck(db.Command("check", "Check that the database is whole and that the secret key opens it; 1 if not."))
	c.adminExport(admin.Command("export", "Print the complete prometheus.yml of a node, secrets included, from the database itself."))
	c.adminDBBackup(db.Command("backup", "Copy the SQLite database to a new file; servers may be running."))
}

// byAdmin is who does it, in events.
var byAdmin = fleet.Principal{ID: "admin-command", Name: "admin command", Role: promfleet.RoleAdmin}

func withFleet(c *command, o server.Options, do func(*fleet.Service, *store.Store) error) error {
	f, st, err := server.OpenFleet(c.ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(f, st), st.Close())
}

func (c *command) adminTokenCreate(cmd *kingpin.CmdClause) {
	in, o := tokenFlags(cmd), &server.Options{}
	storageFlags(cmd, o)
	c.does(cmd, func() error {
		// The first token may come before the first server.
		return withFleet(c, *o, func(f *fleet.Service, _ *store.Store) error {
			t, err := f.CreateToken(c.ctx, byAdmin, in())
			if err != nil {
				return err
			}
			c.say("token %d (%s) for role %s; it is shown this once", t.ID, t.Name, t.Role)
			_, err = fmt.Fprintln(c.stdout, t.Secret)
			return err
		})
	})
}

func (c *command) adminUserSetPassword(cmd *kingpin.CmdClause) {
	name := cmd.Arg("name", "Name of the user.").Required().String()
	o := &server.Options{}
	storageFlags(cmd, o)
	c.does(cmd, func() error {
		if err := existing(*o); err != nil {
			return err
		}
		line, err := bufio.NewReader(c.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return errorf("read the password from standard input: %w", err)
		}
		err = withFleet(c, *o, func(f *fleet.Service, _ *store.Store) error {
			return f.SetPassword(c.ctx, byAdmin, *name, strings.TrimRight(line, "\r\n"))
		})
		if err != nil {
			return err
		}
		c.say("user %s has a new password; the sessions of before have ended", *name)
		return nil
	})
}
