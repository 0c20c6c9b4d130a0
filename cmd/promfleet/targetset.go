package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var changeTable = table[promfleet.TargetSetChange]{
	columns: []string{"CREATED", "UPDATED", "DELETED", "KEPT"},
	row: func(n promfleet.TargetSetChange) []string {
		return []string{id(int64(n.Created)), id(int64(n.Updated)), id(int64(n.Deleted)), id(int64(n.Kept))}
	},
}

var patchedTable = table[promfleet.TargetsPatched]{
	columns: []string{"MATCHED", "UPDATED"},
	row: func(n promfleet.TargetsPatched) []string {
		return []string{id(int64(n.Matched)), id(int64(n.Updated))}
	},
}

// setFormats are the formats of the targets of a job, and setExtensions those of
// files by their names.
var (
	setFormats    = map[string]string{"csv": client.CSV, "ndjson": client.NDJSON, "json": client.JSON}
	setExtensions = map[string]string{".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}
)

func (c *command) targetPatch(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	var f filter
	c.targetFilter(cmd, &f)
	f.qFlag(cmd)
	labels := newLabelEdit(cmd)
	add := cmd.Flag("add-tag", "Tag to add; may be repeated.").Strings()
	remove := cmd.Flag("remove-tag", "Tag to take away; may be repeated.").Strings()
	remark := givenFlag(cmd, "remark", "What they are.")
	deleted := cmd.Flag("delete", "Delete them.").Bool()
	var dry bool
	dryRunFlag(cmd, &dry)
	c.calls(cmd, conn, func(cl *client.Client) error {
		patch := promfleet.TargetsPatch{AddTags: *add, RemoveTags: *remove, Deleted: *deleted}
		if remark.set {
			patch.Remark = &remark.value
		}
		var err error
		if patch.Labels, err = labels.patch(); err != nil {
			return err
		}
		selected, err := f.query(cl)
		if err != nil {
			return err
		}
		if len(selected) == 0 {
			return errorf("this would change every target; hint: select some by --id, --job, --node, --tag, --addr or --q")
		}
		if dry {
			return out.preview(cl.Preview().PatchTargets(c.ctx, selected, patch))
		}
		done, err := cl.PatchTargets(c.ctx, selected, patch)
		if err != nil {
			return err
		}
		return printOne(out, patchedTable, done)
	})
}

func (c *command) targetExport(cmd *kingpin.CmdClause) {
	conn := c.connection(cmd)
	job := jobFlag(cmd)
	format := cmd.Flag("format", "csv, ndjson or json.").Default("json").Enum("csv", "ndjson", "json")
	c.calls(cmd, conn, func(cl *client.Client) error {
		id, err := c.jobID(cl, *job)
		if err != nil {
			return err
		}
		etag, err := cl.ReadTargets(c.ctx, id, setFormats[*format], c.stdout)
		if err != nil {
			return err
		}
		c.tellETag(etag)
		return nil
	})
}

func (c *command) targetImport(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	job, match := jobFlag(cmd), ifMatchFlag(cmd)
	replace := cmd.Flag("replace", "Delete the job's other targets.").Bool()
	format := cmd.Flag("format", "csv, ndjson or json; default: by the file's name.").Enum("csv", "ndjson", "json")
	path := cmd.Arg("file", "The file, - for standard input.").Required().String()
	var dry bool
	dryRunFlag(cmd, &dry)
	c.calls(cmd, conn, func(cl *client.Client) error {
		how := client.SetWrite{Replace: *replace, MediaType: setFormats[*format], ETag: match.etag()}
		if how.MediaType == "" {
			how.MediaType = setFormats[setExtensions[strings.ToLower(filepath.Ext(*path))]]
		}
		if how.MediaType == "" {
			return errorf("the format of %q is not known by its name; hint: give --format", *path)
		}
		from, err := c.opened(*path)
		if err != nil {
			return err
		}
		defer from.Close()
		id, err := c.jobID(cl, *job)
		if err != nil {
			return err
		}
		if dry {
			return out.preview(cl.Preview().WriteTargets(c.ctx, id, how, from))
		}
		done, err := cl.WriteTargets(c.ctx, id, how, from)
		if err != nil {
			return err
		}
		return printOne(out, changeTable, done)
	})
}

// opened opens a file, or standard input for "-".
func (c *command) opened(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(c.stdin), nil
	}
	return os.Open(path)
}
