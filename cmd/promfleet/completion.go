package main

import (
	"context"
	_ "embed"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

// completionFlag is kingpin's: what follows it is a command line to be completed.
const completionFlag = "--completion-bash"

// completionTime is how long a server may take to tell what there is: somebody
// waits with a finger on the key.
const completionTime = 2 * time.Second

var (
	//go:embed completion/promfleet.bash
	bashCompletion string
	//go:embed completion/promfleet.zsh
	zshCompletion string
	//go:embed completion/promfleet.fish
	fishCompletion string
)

func (c *command) addCompletion(app *kingpin.Application) {
	cmd := app.Command("completion", "Print the script that completes the command line in a shell.")
	shell := cmd.Arg("shell", "bash, zsh or fish.").Required().HintOptions("bash", "zsh", "fish").Enum("bash", "zsh", "fish")
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	c.does(cmd, func() error {
		_, err := io.WriteString(c.stdout, scripts[*shell])
		return err
	})
}

// completing prepares the arguments of a completion: kingpin completes the values
// of long flags only.
func completing(app *kingpin.ApplicationModel, args []string) []string {
	if len(args) == 0 || args[0] != completionFlag {
		return args
	}
	shorts := shortFlags(app, args[1:])
	out := []string{completionFlag}
	for i, a := range args[1:] {
		if f := shorts[a]; f != nil && i < len(args)-2 {
			a = "--" + f.Name
		}
		out = append(out, a)
	}
	return out
}

// completes tells kingpin which flags and arguments name records of the server: by
// their names, so that a command that is added later has its completion.
func (c *command) completes(app *kingpin.Application, args []string) {
	if len(args) == 0 || args[0] != completionFlag {
		return
	}
	on := completion{c: c, args: args[1:]}
	for _, m := range app.Model().FlattenedCommands() {
		words := strings.Fields(m.FullCommand)
		cmd := app.GetCommand(words[0])
		for _, w := range words[1:] {
			cmd = cmd.GetCommand(w)
		}
		for _, f := range m.Flags {
			if names := on.names(f.Name); names != nil {
				cmd.GetFlag(f.Name).HintAction(names)
			}
		}
		for _, a := range m.Args {
			kind := a.Name
			if kind == "id" || kind == "uuid" {
				kind = words[0] + " id"
			}
			if names := on.names(kind); names != nil {
				cmd.GetArg(a.Name).HintAction(names)
			}
		}
	}
}

// completion asks the server for what a word may become.
type completion struct {
	c    *command
	args []string
}

// names gives what lists the records of a kind as they are named; nil: there is none.
func (on completion) names(kind string) kingpin.HintAction {
	switch kind {
	case "node", "node id":
		return named(on, (*client.Client).Nodes, func(n promfleet.Node) []string { return []string{n.UUID} })
	case "job":
		return named(on, (*client.Client).Jobs, func(j promfleet.Job) []string { return []string{id(j.ID), j.Node + "/" + j.Key} })
	case "key":
		return named(on, (*client.Client).Jobs, func(j promfleet.Job) []string { return []string{j.Key} })
	case "job id":
		return named(on, (*client.Client).Jobs, func(j promfleet.Job) []string { return []string{id(j.ID)} })
	case "target id":
		return named(on, (*client.Client).Targets, func(t promfleet.Target) []string { return []string{id(t.ID)} })
	case "tag", "add-tag", "remove-tag":
		return named(on, (*client.Client).Tags, func(t promfleet.Tag) []string { return []string{t.Name} })
	case "tag id":
		return named(on, (*client.Client).Tags, func(t promfleet.Tag) []string { return []string{id(t.ID)} })
	case "user":
		return named(on, (*client.Client).Users, func(u promfleet.User) []string { return []string{u.Name} })
	case "user id":
		return named(on, (*client.Client).Users, func(u promfleet.User) []string { return []string{id(u.ID)} })
	case "state":
		return func() []string { return strings.Split(nodeStates, ",") }
	}
	return nil
}

// nodeStates are those that nodes are listed by.
const nodeStates = "in_sync,applying,written,quarantined,held,failed,drifted,stale,pending"

// named lists records. It fails in silence: the command line that is being typed
// must stay as it is.
func named[T, In any](on completion, of func(*client.Client) client.Resource[T, In], names func(T) []string) kingpin.HintAction {
	return func() []string {
		cl, err := on.connection().client()
		if err != nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(on.c.ctx, completionTime)
		defer cancel()
		page, err := of(cl).List(ctx, url.Values{"limit": {"1000"}})
		if err != nil {
			return nil
		}
		var all []string
		for _, item := range page.Items {
			for _, n := range names(item) {
				if plain(n) == n { // what is odd is typed by whoever wants it
					all = append(all, n)
				}
			}
		}
		return all
	}
}

// connection is that of the command line as far as it is typed: kingpin has not
// taken its values yet.
func (on completion) connection() *connection {
	app := kingpin.New("", "").Terminate(nil)
	conn := on.c.connection(app.Command("x", ""))
	args := []string{"x"}
	for i, a := range on.args {
		if !strings.HasPrefix(a, "--server.") {
			continue
		}
		if args = append(args, a); !strings.Contains(a, "=") && i+1 < len(on.args) {
			args = append(args, on.args[i+1])
		}
	}
	_, _ = app.Parse(args) // what is not whole yet does not count
	return conn
}
