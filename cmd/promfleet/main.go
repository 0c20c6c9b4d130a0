// Command promfleet is the control plane for fleets of Prometheus servers: the
// server, the agent beside each Prometheus, and the command line that talks to
// the server. Results go to standard output, talk to standard error.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

// version is set when it is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is what every command gets: the process around it.
type command struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	app := kingpin.New("promfleet", "The control plane for fleets of Prometheus servers.")
	ended := -1
	app.HelpFlag.Short('h')
	app.UsageWriter(stdout).ErrorWriter(stderr).Terminate(func(code int) { ended = code })
	app.Command("version", "Print the version.").Action(func(*kingpin.ParseContext) error {
		_, err := fmt.Fprintln(stdout, "promfleet", version)
		return err
	})
	c.addServer(app)
	c.addAgent(app)
	c.addAdmin(app)
	c.addStatus(app)
	c.addNode(app)
	c.addJob(app)
	c.addTarget(app)
	c.addToken(app)
	c.addJoinToken(app)
	c.addEvent(app)

	_, err := app.Parse(args)
	if ended >= 0 { // help was asked for
		return ended
	}
	return report(stderr, err)
}
