package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var nodeTable = table[promfleet.Node]{
	columns: []string{"UUID", "HOSTNAME", "ADDR", "STATE", "TAGS"},
	row: func(n promfleet.Node) []string {
		return []string{n.UUID, n.Hostname, n.Addr, string(n.Status.State), strings.Join(n.Tags, ",")}
	},
}

func (c *command) addNode(app *kingpin.Application) {
	r := resource[promfleet.Node, promfleet.NodeInput]{c: c, noun: app.Command("node", "Prometheus servers with their agents."), of: (*client.Client).Nodes, t: nodeTable, name: "node"}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.tags = cmd.Flag("tag", "Nodes with this tag; several: with all of them.").Strings()
		l.filter(cmd, "state", "Nodes in this state.")
		l.deletedFlag(cmd, "The deleted nodes instead of the live ones.")
	})
	r.get()
	r.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		base := cmd.Flag("base-config", "File with prometheus.yml but scrape_configs, - for standard input; an empty one removes it.").String()
		tags := cmd.Flag("tag", "Tag of the node, instead of those it has; may be repeated.").Strings()
		none := cmd.Flag("no-tags", "Take all tags away.").Bool()
		return func() (map[string]any, error) {
			patch := map[string]any{}
			if *base != "" {
				b, err := c.input(*base)
				if err != nil {
					return nil, fmt.Errorf("read the base config: %w", err)
				}
				patch["base_config"] = string(b)
			}
			tagsInto(patch, *tags, *none)
			return patch, nil
		}
	})
	r.remove("Delete a node and revoke its agent's credential; scraping goes on.")
	r.restore()

	cmd := r.noun.Command("config", "Show the prometheus.yml and the files that a node should have now.")
	conn, out := c.connection(cmd), c.output(cmd)
	uuid := cmd.Arg("uuid", "Of the node.").Required().String()
	c.calls(cmd, conn, func(cl *client.Client) error {
		cfg, err := cl.NodeConfig(c.ctx, *uuid)
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

func tagsInto(patch map[string]any, tags []string, none bool) {
	if none {
		patch["tags"] = []string{}
	} else if len(tags) > 0 {
		patch["tags"] = tags
	}
}
