package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
)

func dryRunFlag(cmd *kingpin.CmdClause, to *bool) {
	cmd.Flag("dry-run", "Change nothing: show what would change on which node.").BoolVar(to)
}

// preview writes what a dry run gave.
func (o *output) preview(p *promfleet.Preview, err error) error {
	if err != nil {
		return err
	}
	if o.format != "table" {
		return o.encode(p)
	}
	w := bufio.NewWriter(o.to)
	if len(p.Nodes) == 0 {
		fmt.Fprintln(w, "no file of any node would change")
	}
	for i, n := range p.Nodes {
		if i > 0 {
			fmt.Fprintln(w)
		}
		previewNode(w, n)
	}
	return w.Flush()
}

func previewNode(w io.Writer, n promfleet.NodePreview) {
	reload := "no"
	if n.Reload {
		reload = "yes"
	}
	fmt.Fprintf(w, "node %s (%s)\nreload: %s\ntargets: +%d -%d ~%d\n", n.Node, plain(n.Hostname), reload, n.TargetsAdded, n.TargetsRemoved, n.TargetsChanged)
	previewAddrs(w, "+", n.Added, n.TargetsAdded)
	previewAddrs(w, "-", n.Removed, n.TargetsRemoved)
	for _, f := range n.Files {
		fmt.Fprintf(w, "%s %s\n", f.Action, plain(f.Path))
		for line := range strings.Lines(f.Diff) {
			fmt.Fprintln(w, plain(strings.TrimSuffix(line, "\n")))
		}
		if f.Truncated {
			fmt.Fprintln(w, "(the diff goes on)")
		}
	}
}

// previewAddrs writes the addresses that come or go, which may be the first ones only.
func previewAddrs(w io.Writer, sign string, addrs []string, total int) {
	for _, a := range addrs {
		fmt.Fprintf(w, "  %s %s\n", sign, plain(a))
	}
	if more := total - len(addrs); more > 0 {
		fmt.Fprintf(w, "  %s and %d more\n", sign, more)
	}
}
