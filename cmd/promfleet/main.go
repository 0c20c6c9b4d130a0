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
	"slices"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

// version is set when it is built.
var version = "dev"

func main() {
	kingpin.EnableFileExpansion = false // a value may start with @
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	lang := languageOf(os.Getenv)
	kingpin.LongHelpTemplate = lang.heads(kingpin.LongHelpTemplate) // of --help-long, which takes no other
	code := run(ctx, lang, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is what every command gets: the process around it.
type command struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	lang           language // of all talk and help

	colour string       // of tables: auto, always or never
	chosen func() error // what the command line asks for
	app    *kingpin.Application
}

// does says what a command does. It is done when all is parsed: kingpin would
// act after having shown the help.
func (c *command) does(cmd *kingpin.CmdClause, do func() error) {
	cmd.Action(func(*kingpin.ParseContext) error {
		c.chosen = do
		return nil
	})
}

func run(ctx context.Context, lang language, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, lang: lang}
	app := c.application()
	if !slices.Contains(args, "--help-man") && (len(args) == 0 || args[0] != "man") { // man pages are English
		lang.translate(app, stdout)
	}
	helped := false
	app.UsageWriter(stdout).ErrorWriter(stderr).Terminate(func(int) { helped = true })
	c.completes(app, args)
	args = completing(app.Model(), dashes(app.Model(), agentRuns(args)))
	_, err := app.Parse(args)
	switch {
	case helped:
		return exitDone
	case err != nil:
		return report(ctx, lang, stderr, misunderstood(app, args, err))
	}
	return report(ctx, lang, stderr, c.chosen())
}

// application is the command line: all commands and flags that there are.
func (c *command) application() *kingpin.Application {
	app := kingpin.New("promfleet", "The control plane for fleets of Prometheus servers.")
	c.app = app
	app.Flag("color", "Whether tables show states in colours: auto (on a terminal, unless NO_COLOR is set or TERM is dumb), always or never.").
		Default(colourAuto).EnumVar(&c.colour, colourAuto, colourAlways, colourNever)
	app.HelpFlag.Short('h')
	c.does(app.Command("version", "Print the version."), func() error {
		_, err := fmt.Fprintln(c.stdout, "promfleet", version)
		return err
	})
	for _, add := range []func(*kingpin.Application){
		c.addServer, c.addAgent, c.addDoctor, c.addAdmin, c.addLogin, c.addStatus, c.addExplain,
		c.addNode, c.addJob, c.addTarget, c.addTag, c.addUser, c.addContact, c.addToken, c.addJoinToken, c.addEvent,
		c.addApply, c.addDiff, c.addImport, c.addExport, c.addCompletion, c.addMan,
	} {
		add(app)
	}
	return app
}
