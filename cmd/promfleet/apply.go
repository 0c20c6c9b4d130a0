package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

func (c *command) addApply(app *kingpin.Application) {
	cmd := app.Command("apply", "Make nodes and jobs what fleet files say, all or nothing (docs/gitops.md).")
	conn, out := c.connection(cmd), c.output(cmd)
	files, how := c.fleetFiles(cmd), applyFlags(cmd)
	dryRunFlag(cmd, &how.DryRun)
	c.calls(cmd, conn, func(cl *client.Client) error {
		docs, err := files.read()
		if err != nil {
			return err
		}
		bar := c.progress("applying documents")
		change, err := cl.Apply(c.ctx, docs, *how, bar.told)
		bar.end()
		if err != nil {
			return err
		}
		return c.printChange(out, change, how.DryRun)
	})
}

func applyFlags(cmd *kingpin.CmdClause) *client.ApplyHow {
	how := &client.ApplyHow{}
	cmd.Flag("prune", "Delete the jobs of their nodes that this manager manages and they do not name.").BoolVar(&how.Prune)
	cmd.Flag("manager", "Who manages what they name: others cannot change it.").Default("fleetfile").StringVar(&how.Manager)
	cmd.Flag("take-over", "Also what another manager manages.").BoolVar(&how.TakeOver)
	allowRemovalFlag(cmd, &how.AllowRemoval)
	return how
}

func allowRemovalFlag(cmd *kingpin.CmdClause, to *bool) {
	cmd.Flag("allow-removal", "Also if more than half of the targets of a node with at least 100 go.").BoolVar(to)
}

// printChange writes what documents did, a line a change, and tells the notes.
func (c *command) printChange(o *output, change promfleet.FleetChange, dryRun bool) error {
	for _, note := range change.Notes {
		c.say("note: %s", plain(note))
	}
	if o.format != "table" {
		return o.encode(change)
	}
	w := bufio.NewWriter(o.to)
	would := ""
	if dryRun {
		would = " (dry run)"
	}
	name := objectNames(change.Changes)
	for _, x := range change.Changes {
		fmt.Fprintf(w, "%s %sd%s%s\n", plain(name(x)), x.Action, targetCounts(x.Targets), would)
	}
	fmt.Fprintln(w, summary(change)+would)
	if change.Preview != nil {
		effects(w, *change.Preview)
	}
	return w.Flush()
}

// summary counts the changes.
func summary(change promfleet.FleetChange) string {
	return fmt.Sprintf("%d created, %d updated, %d deleted, %d unchanged", counted(change)...)
}

// counted are how many are created, updated, deleted and unchanged.
func counted(change promfleet.FleetChange) []any {
	n := map[string]int{}
	for _, x := range change.Changes {
		n[x.Action]++
	}
	return []any{n["create"], n["update"], n["delete"], change.Unchanged}
}

// objectNames names what changes by hostname, and by uuid where two nodes share one.
func objectNames(changes []promfleet.FleetObjectChange) func(promfleet.FleetObjectChange) string {
	nodes := map[string][]string{}
	for _, x := range changes {
		if !slices.Contains(nodes[x.Hostname], x.Node) {
			nodes[x.Hostname] = append(nodes[x.Hostname], x.Node)
		}
	}
	return func(x promfleet.FleetObjectChange) string {
		name := x.Hostname
		if name == "" || len(nodes[name]) > 1 {
			name = x.Node
		}
		if x.Kind == promfleet.FleetJob {
			name += "/" + x.Key
		}
		return string(x.Kind) + " " + name
	}
}

func targetCounts(n promfleet.TargetSetChange) string {
	if n.Created == 0 && n.Updated == 0 && n.Deleted == 0 {
		return ""
	}
	return fmt.Sprintf(" (targets +%d -%d ~%d)", n.Created, n.Deleted, n.Updated)
}

// effects says in short what would happen on the nodes.
func effects(w io.Writer, p promfleet.Preview) {
	for _, n := range p.Nodes {
		var files []string
		for _, f := range n.Files {
			files = append(files, f.Action+" "+f.Path)
		}
		if more := n.MoreFiles + len(files) - maxEffectFiles; more > 0 {
			files = append(files[:min(len(files), maxEffectFiles)], fmt.Sprintf("%d files more", more))
		}
		reload := "no reload"
		if n.Reload {
			reload = "reload"
		}
		fmt.Fprintf(w, "on node %s: %s; %s; targets +%d -%d ~%d\n", plain(n.Hostname), plain(strings.Join(files, ", ")), reload, n.TargetsAdded, n.TargetsRemoved, n.TargetsChanged)
	}
	if p.More > 0 {
		fmt.Fprintf(w, "and on %d nodes more\n", p.More)
	}
}

// maxEffectFiles is how many files of a node are named.
const maxEffectFiles = 5
