package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aymanbagabas/go-udiff"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/fleetfile"
)

func (c *command) addDiff(app *kingpin.Application) {
	cmd := app.Command("diff", "Show what apply would change: 0 if nothing, 1 if something, 2 if it would fail.")
	conn, out := c.connection(cmd), c.output(cmd)
	files, how := c.fleetFiles(cmd), applyFlags(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		docs, err := files.read()
		if err != nil {
			return err
		}
		how.DryRun = true
		bar := c.progress("comparing documents")
		change, err := cl.Apply(c.ctx, docs, *how, bar.told)
		bar.end()
		if err != nil {
			return err
		}
		if err := c.printDiff(out, change); err != nil {
			return err
		}
		if len(change.Changes) > 0 {
			return &answerNo{errorf("they differ: %d created, %d updated, %d deleted, %d unchanged", counted(change)...)}
		}
		return nil
	})
}

func (c *command) printDiff(o *output, change promfleet.FleetChange) error {
	if o.format != "table" {
		return o.encode(change)
	}
	w := bufio.NewWriter(o.to)
	name := objectNames(change.Changes)
	for _, x := range change.Changes {
		if err := diffObject(w, name(x), x); err != nil {
			return err
		}
	}
	for _, note := range change.Notes {
		fmt.Fprintln(w, plain("note: "+note))
	}
	if change.Preview != nil {
		effects(w, *change.Preview)
	}
	return w.Flush()
}

// diffObject writes what changes of an object, as its document says it.
func diffObject(w io.Writer, name string, x promfleet.FleetObjectChange) error {
	before, err := fleetDocument(x.Before)
	if err != nil {
		return err
	}
	after, err := fleetDocument(x.After)
	if err != nil {
		return err
	}
	from, to := name+" (now)", name+" (then)"
	if x.Before == nil {
		from = "/dev/null"
	}
	if x.After == nil {
		to = "/dev/null"
	}
	diff := udiff.Unified(from, to, before, after)
	if diff == "" { // who manages it, or secrets
		diff = fmt.Sprintf("--- %s\n+++ %s\n", from, to)
	}
	for line := range strings.Lines(diff) {
		fmt.Fprintln(w, plain(strings.TrimSuffix(line, "\n")))
	}
	if x.Action == "delete" && x.Targets.Deleted > 0 {
		fmt.Fprintf(w, "and its %d targets\n", x.Targets.Deleted)
	}
	return nil
}

func fleetDocument(d *promfleet.FleetDocument) (string, error) {
	if d == nil {
		return "", nil
	}
	b, err := fleetfile.Encode([]promfleet.FleetDocument{*d})
	return string(b), err
}
