package main

import (
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/internal/fleet"
	"promfleet/internal/server"
)

// addAdmin adds the commands that work on the database itself.
func (c *command) addAdmin(app *kingpin.Application) {
	admin := app.Command("admin", "Work on the database directly: for the first token, and for recovery.")
	create := admin.Command("token", "API tokens.").Command("create", "Create an API token and print its secret.")
	storage := create.Flag("storage.path", "The server's data directory.").Default("./data").String()
	in := tokenFlags(create)
	c.does(create, func() error {
		f, data, err := server.OpenFleet(c.ctx, *storage)
		if err != nil {
			return err
		}
		defer data.Close()
		t, err := f.CreateToken(c.ctx, fleet.Principal{Name: "admin-command", Role: promfleet.RoleAdmin}, in())
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stderr, "token %d (%s) for role %s; it is shown this once\n", t.ID, t.Name, t.Role)
		_, err = fmt.Fprintln(c.stdout, t.Secret)
		return err
	})
}
