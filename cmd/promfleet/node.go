package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var nodeTable = table[promfleet.Node]{
	columns: []string{"UUID", "HOSTNAME", "ADDR", "STATE", "TAGS"},
	row: func(n promfleet.Node) []string {
		return []string{n.UUID, n.Hostname, n.Addr, string(n.Status.State), strings.Join(n.Tags, ",")}
	},
	wide: append([]string{"MANAGED BY", "CONTACTS", "JOBS", "WANTED", "APPLIED", "AGENT", "PROMETHEUS", "LAST SEEN", "LAST ERROR"}, dated...),
	more: func(n promfleet.Node) []string {
		s := n.Status
		return append([]string{n.ManagedBy, ids(n.Contacts), id(n.JobCount), id(s.RevisionWanted), id(s.RevisionApplied), s.AgentVersion, s.PrometheusVersion, ago(s.LastSeenAt), s.LastError},
			since(n.CreatedAt, n.UpdatedAt, n.DeletedAt)...)
	},
	below: func(to io.Writer, n promfleet.Node) { printNotices(to, n, false) },
}

var revisionTable = table[promfleet.Revision]{
	columns: []string{"NUMBER", "AT", "ACTOR", "NAME"},
	row: func(r promfleet.Revision) []string {
		return []string{id(r.Number), r.At.Format(time.RFC3339), r.Actor, r.ActorName}
	},
}

func (c *command) addNode(app *kingpin.Application) {
	r := resource[promfleet.Node, promfleet.NodeInput]{c: c, noun: app.Command("node", "Prometheus servers with their agents."), of: (*client.Client).Nodes, t: nodeTable, name: "node", beats: true}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.idsFlag(cmd, "uuid", "Nodes with this uuid; several: with any of them.")
		l.tagFlag(cmd, "Nodes")
		l.flag(cmd, "state", "Nodes in this state.")
		l.managedFlag(cmd, "Nodes that are managed by this manager of fleet files.")
		l.deletedFlag(cmd, "The deleted nodes instead of the live ones.")
	})
	r.get()
	edited := r
	edited.dryRun = true
	edited.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		base := cmd.Flag("base-config", "File with prometheus.yml but scrape_configs, - for standard input; an empty one removes it.").String()
		tags, contacts := tagFlags(cmd), contactFlags(cmd)
		release := releaseFlag(cmd, "release", "Let it be edited by hand again: fleet files manage it no more.")
		return func() (map[string]any, error) {
			patch := map[string]any{}
			if *base != "" {
				b, err := c.input(*base)
				if err != nil {
					return nil, errorf("read the base config: %w", err)
				}
				patch["base_config"] = string(b)
			}
			tags.into(patch, "tags")
			contacts.into(patch, "contacts")
			release.into(patch, "managed_by")
			return patch, nil
		}
	})
	r.remove("Delete a node and revoke its agent's credential; scraping goes on.")
	r.restore()
	c.nodeConfig(r.noun.Command("config", "Show the prometheus.yml and the files that a node should have now, or at an earlier revision."))
	c.nodeLoaded(r.noun)
	c.nodeDoctor(r.noun)
	c.nodeRevisions(r.noun)
	c.nodeConfirm(r)
	c.nodeHealth(r.noun.Command("health", "How the targets of a node are scraped, job by job, and which are down: 0 all are up, 1 some are down or missing, 2 that could not be found out."))
}

func (c *command) nodeConfirm(r resource[promfleet.Node, promfleet.NodeInput]) {
	cmd := r.noun.Command("confirm", "Let the agent of a node take away the targets that it holds back (state held).")
	conn, out := c.connection(cmd), c.output(cmd)
	uuid := cmd.Arg("uuid", "Of the node.").Required().String()
	revision := cmd.Flag("revision", "Only if it is the removal of this revision that waits, as the node's last error says; default: whichever waits.").Int64()
	c.calls(cmd, conn, func(cl *client.Client) error {
		n, err := cl.ConfirmRemoval(c.ctx, *uuid, *revision)
		if err != nil {
			return err
		}
		return printOne(out, r.t, n)
	})
}

func (c *command) nodeConfig(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	uuid := cmd.Arg("uuid", "Of the node.").Required().String()
	revision := cmd.Flag("revision", "One of the node's revisions that are kept; default: the one of now.").Int64()
	c.calls(cmd, conn, func(cl *client.Client) error {
		cfg, err := cl.NodeConfig(c.ctx, *uuid, *revision)
		if err != nil {
			return err
		}
		if out.format != "table" {
			return out.encode(cfg)
		}
		fmt.Fprintf(c.stdout, "# revision %d\n%s", cfg.Revision, cfg.PrometheusYML)
		for _, f := range cfg.Files {
			fmt.Fprintf(c.stdout, "# %s: %d targets, %d bytes\n", f.Path, f.Targets, f.Size)
		}
		return nil
	})
}

func (c *command) nodeRevisions(noun *kingpin.CmdClause) {
	type revisions = client.Resource[promfleet.Revision, struct{}]
	v := resource[promfleet.Revision, struct{}]{c: c, noun: noun, t: revisionTable,
		within: func(cmd *kingpin.CmdClause) func(*client.Client) (revisions, error) {
			uuid := cmd.Arg("uuid", "Of the node.").Required().String()
			return func(cl *client.Client) (revisions, error) { return cl.Revisions(*uuid), nil }
		}}.verb("revisions", "List the revisions of a node that are kept, newest first.")
	l := pageFlags(v.cmd)
	v.calls(func(cl *client.Client, res revisions) error {
		return v.list(cl, res, l)
	})
}
