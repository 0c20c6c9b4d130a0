package main

import (
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
	wide: dated,
	more: func(t promfleet.Target) []string { return since(t.CreatedAt, t.UpdatedAt, t.DeletedAt) },
}

func (c *command) addTarget(app *kingpin.Application) {
	r := resource[promfleet.Target, promfleet.TargetInput]{c: c, noun: app.Command("target", "Endpoints that jobs scrape."), of: (*client.Client).Targets, t: targetTable, name: "target", dryRun: true}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		c.targetFilter(cmd, &l.filter)
		l.deletedFlag(cmd, "The deleted targets instead of the live ones.")
	})
	r.get()
	c.targetCreate(r)
	r.update(func(cmd *kingpin.CmdClause) func() (map[string]any, error) {
		addr := givenFlag(cmd, "addr", "host, host:port, [v6]:port, or a URL for probe jobs.")
		name := givenFlag(cmd, "name", "Name; with addr, unique in the job.")
		remark := givenFlag(cmd, "remark", "What it is.")
		labels, tags := newLabelEdit(cmd), tagFlags(cmd)
		return func() (map[string]any, error) {
			changed, err := labels.patch()
			if err != nil {
				return nil, err
			}
			patch := map[string]any{}
			addr.into(patch, "addr")
			name.into(patch, "name")
			remark.into(patch, "remark")
			if len(changed) > 0 {
				patch["labels"] = changed
			}
			tags.into(patch, "tags")
			return patch, nil
		}
	})
	r.remove("Delete a target.")
	r.restore()
	c.targetPatch(r.noun.Command("patch", "Change all targets that the filters select, all or nothing."))
	c.targetHealth(r.noun.Command("health", "How targets are scraped: 0 none is down or missing, 1 some are, 2 that could not be found out."))
	c.targetExport(r.noun.Command("export", "Write all targets of a job to standard output."))
	c.targetImport(r.noun.Command("import", "Create the targets of a file in a job, and change those that it has, all or nothing."))
}

func jobFlag(cmd *kingpin.CmdClause) *string {
	return cmd.Flag("job", "id of the job that scrapes it, or NODE-UUID/KEY.").Required().String()
}

// targetFilter adds the flags that select targets.
func (c *command) targetFilter(cmd *kingpin.CmdClause, f *filter) {
	f.ref(cmd, "job", "Targets of this job, by id or NODE-UUID/KEY.", c.jobID)
	f.idsFlag(cmd, "id", "Targets with this id; several: with any of them.")
	f.flag(cmd, "node", "Targets of this node.")
	f.flag(cmd, "addr", "Targets with exactly this address.")
	f.tagFlag(cmd, "Targets")
}

// labelEdit is what is to be changed of the labels of targets.
type labelEdit struct{ set, remove *[]string }

func newLabelEdit(cmd *kingpin.CmdClause) labelEdit {
	return labelEdit{
		set:    cmd.Flag("label", "Label to set, as name=value; may be repeated.").Strings(),
		remove: cmd.Flag("remove-label", "Label to take away; may be repeated.").Strings(),
	}
}

// patch gives the new values; nil removes.
func (e labelEdit) patch() (map[string]*string, error) {
	set, err := labelsOf(*e.set)
	if err != nil {
		return nil, err
	}
	patch := make(map[string]*string, len(set)+len(*e.remove))
	for name, value := range set {
		patch[name] = &value
	}
	for _, name := range *e.remove {
		if patch[name] != nil {
			return nil, errorf("label %s is to be set and to be removed; hint: give one of --label and --remove-label", name)
		}
		patch[name] = nil
	}
	return patch, nil
}

// labelsOf reads name=value.
func labelsOf(args []string) (map[string]string, error) {
	labels := make(map[string]string, len(args))
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, errorf("label %q is not name=value; hint: --label env=prod", arg)
		}
		if _, twice := labels[name]; twice {
			return nil, errorf("label %s is given twice", name)
		}
		labels[name] = value
	}
	return labels, nil
}
