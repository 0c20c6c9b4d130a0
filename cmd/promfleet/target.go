package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var targetTable = table[promfleet.Target]{
	columns: []string{"ID", "JOB", "ADDR", "NAME", "LABELS", "TAGS", "REMARK"},
	row: func(t promfleet.Target) []string {
		return []string{id(t.ID), id(t.Job), t.Addr, t.Name, labelText(t.Labels), strings.Join(t.Tags, ","), t.Remark}
	},
}

func (c *command) addTarget(app *kingpin.Application) {
	r := resource[promfleet.Target, promfleet.TargetInput]{c: c, noun: app.Command("target", "Endpoints that jobs scrape."), of: (*client.Client).Targets, t: targetTable, name: "target"}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.filter(cmd, "job", "Targets of the job with this id.")
		l.filter(cmd, "node", "Targets of this node.")
		l.filter(cmd, "addr", "Targets with exactly this address.")
		l.tags = cmd.Flag("tag", "Targets with this tag; several: with all of them.").Strings()
		l.deletedFlag(cmd, "The deleted targets instead of the live ones.")
	})
	r.get()
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.TargetInput, error) {
		in := promfleet.TargetInput{}
		job := cmd.Flag("job", "id of the job that scrapes it, or NODE-UUID/KEY.").Required().String()
		cmd.Flag("addr", "host, host:port, [v6]:port, or a URL for probe jobs.").Required().StringVar(&in.Addr)
		cmd.Flag("name", "Name; with addr, unique in the job.").StringVar(&in.Name)
		cmd.Flag("remark", "What it is.").StringVar(&in.Remark)
		labels := cmd.Flag("label", "Label, as name=value; may be repeated.").Strings()
		cmd.Flag("tag", "Tag; may be repeated.").StringsVar(&in.Tags)
		return func(cl *client.Client) (promfleet.TargetInput, error) {
			var err error
			if in.Labels, err = labelsOf(*labels); err != nil {
				return in, err
			}
			in.Job, err = c.jobID(cl, *job)
			return in, err
		}
	})
	r.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		addr := givenFlag(cmd, "addr", "host, host:port, [v6]:port, or a URL for probe jobs.")
		name := givenFlag(cmd, "name", "Name; with addr, unique in the job.")
		remark := givenFlag(cmd, "remark", "What it is.")
		labels := cmd.Flag("label", "Label to set, as name=value; may be repeated.").Strings()
		without := cmd.Flag("remove-label", "Label to take away; may be repeated.").Strings()
		tags := cmd.Flag("tag", "Tag, instead of those it has; may be repeated.").Strings()
		none := cmd.Flag("no-tags", "Take all tags away.").Bool()
		return func() (map[string]any, error) {
			set, err := labelsOf(*labels)
			if err != nil {
				return nil, err
			}
			patch, changed := map[string]any{}, map[string]any{}
			addr.into(patch, "addr")
			name.into(patch, "name")
			remark.into(patch, "remark")
			for k, v := range set {
				changed[k] = v
			}
			for _, k := range *without {
				changed[k] = nil
			}
			if len(changed) > 0 {
				patch["labels"] = changed
			}
			tagsInto(patch, *tags, *none)
			return patch, nil
		}
	})
	r.remove("Delete a target.")
	r.restore()
}

// labelsOf reads name=value.
func labelsOf(args []string) (map[string]string, error) {
	labels := make(map[string]string, len(args))
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("label %q is not name=value; hint: --label env=prod", arg)
		}
		if _, twice := labels[name]; twice {
			return nil, fmt.Errorf("label %s is given twice", name)
		}
		labels[name] = value
	}
	return labels, nil
}
