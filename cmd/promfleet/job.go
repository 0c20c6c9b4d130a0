package main

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var jobTable = table[promfleet.Job]{
	columns: []string{"ID", "NODE", "KEY", "JOB_NAME", "REMARK"},
	row:     func(j promfleet.Job) []string { return []string{id(j.ID), j.Node, j.Key, j.JobName, j.Remark} },
	wide:    append([]string{"MANAGED BY", "TARGETS MANAGED BY", "CONTACTS", "TARGETS"}, dated...),
	more: func(j promfleet.Job) []string {
		targets := ""
		if j.TargetCount != nil { // an older server says none
			targets = id(*j.TargetCount)
		}
		return append([]string{j.ManagedBy, j.TargetsManagedBy, ids(j.Contacts), targets}, since(j.CreatedAt, j.UpdatedAt, j.DeletedAt)...)
	},
}

func (c *command) addJob(app *kingpin.Application) {
	r := resource[promfleet.Job, promfleet.JobInput]{c: c, noun: app.Command("job", "Scrape jobs of nodes."), of: (*client.Client).Jobs, t: jobTable, name: "job", dryRun: true}
	r.list(func(cmd *kingpin.CmdClause, l *list) {
		l.idsFlag(cmd, "id", "Jobs with this id; several: with any of them.")
		l.flag(cmd, "node", "Jobs of this node.")
		l.flag(cmd, "key", "Jobs with exactly this key.")
		l.managedFlag(cmd, "Jobs that are managed by this manager of fleet files.")
		l.deletedFlag(cmd, "The deleted jobs instead of the live ones.")
	})
	r.get()
	r.create(func(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.JobInput, error) {
		in := promfleet.JobInput{}
		cmd.Flag("node", "uuid of the node that scrapes it.").Required().StringVar(&in.Node)
		cmd.Flag("key", "Letter, then letters, digits and _.").Required().StringVar(&in.Key)
		cmd.Flag("job-name", "Prometheus's job_name; default: the key.").StringVar(&in.JobName)
		cmd.Flag("remark", "What it is for.").StringVar(&in.Remark)
		cmd.Flag("contact", "id of a contact to reach about it; may be repeated.").Int64ListVar(&in.Contacts)
		file := cmd.Flag("scrape-config", "File with the scrape_config (YAML or JSON) but job_name; - for standard input.").String()
		return func(*client.Client) (promfleet.JobInput, error) {
			if *file == "" {
				return in, nil
			}
			var err error
			in.ScrapeConfig, err = c.scrapeConfig(*file)
			return in, err
		}
	})
	c.addJobUpdate(r)
	r.remove("Delete a job; its targets are scraped no more.")
	r.restore()
}

// addJobUpdate adds an update that patches the given fields. A scrape_config is
// put as a whole instead: what the file leaves out, a merge patch would keep.
func (c *command) addJobUpdate(r resource[promfleet.Job, promfleet.JobInput]) {
	v := r.writes("update", "Change the given fields of a job.")
	id, match := v.id(), ifMatchFlag(v.cmd)
	key := givenFlag(v.cmd, "key", "Letter, then letters, digits and _.")
	name := givenFlag(v.cmd, "job-name", "Prometheus's job_name; empty: the key.")
	remark := givenFlag(v.cmd, "remark", "What it is for.")
	contacts := contactFlags(v.cmd)
	released := releaseFlag(v.cmd, "release", "Let it and its targets be edited by hand again: fleet files manage them no more.")
	releasedTargets := releaseFlag(v.cmd, "release-targets", "The same for its targets alone.")
	file := v.cmd.Flag("scrape-config", "File with the whole scrape_config (YAML or JSON) but job_name; - for standard input.").String()
	v.calls(func(_ *client.Client, res client.Resource[promfleet.Job, promfleet.JobInput]) error {
		if *file == "" {
			patch := map[string]any{}
			key.into(patch, "key")
			name.into(patch, "job_name")
			remark.into(patch, "remark")
			contacts.into(patch, "contacts")
			released.into(patch, "managed_by", "targets_managed_by")
			releasedTargets.into(patch, "targets_managed_by")
			return v.patch(res, *id, match.etag(), patch)
		}
		if released.on || releasedTargets.on {
			return errorf("--scrape-config and --release are two steps; hint: release the job first")
		}
		config, err := c.scrapeConfig(*file)
		if err != nil {
			return err
		}
		was, etag, err := res.Get(c.ctx, *id)
		if err != nil {
			return err
		}
		if match.given != "" {
			etag = match.etag()
		}
		in := promfleet.JobInput{Node: was.Node, Key: key.or(was.Key), JobName: name.or(was.JobName), Remark: remark.or(was.Remark),
			ScrapeConfig: config, Contacts: contacts.or(was.Contacts)}
		if v.dry {
			return v.out.preview(res.Preview().Put(c.ctx, *id, etag, in))
		}
		return v.print(res.Put(c.ctx, *id, etag, in))
	})
}

// jobID gives the id of a job that is named by it, or as NODE/KEY.
func (c *command) jobID(cl *client.Client, name string) (int64, error) {
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return n, nil
	}
	node, key, ok := strings.Cut(name, "/")
	if !ok {
		return 0, errorf("job %q is neither an id nor NODE-UUID/KEY; hint: promfleet job list shows both", name)
	}
	page, err := cl.Jobs().List(c.ctx, url.Values{"node": {node}, "key": {key}})
	if err != nil {
		return 0, err
	}
	if len(page.Items) == 0 {
		return 0, errorf("node %s has no job %s; hint: promfleet job list --node %s", node, key, node)
	}
	return page.Items[0].ID, nil
}
