package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

// lineFormat is targets by their addresses alone, one a line.
const lineFormat = "lines"

// targetCreate adds a create that takes one target from flags, or many from a file.
func (c *command) targetCreate(r resource[promfleet.Target, promfleet.TargetInput]) {
	v := r.writes("create", "Create a target, or all targets of a file, all or nothing.")
	fields := c.targetFields(v.cmd)
	path := v.cmd.Flag("file", "File with targets, - for standard input: addresses, one a line, or as CSV with a header, NDJSON or JSON.").Short('f').String()
	format := v.cmd.Flag("format", "lines, csv, ndjson or json; default: by the file's name, else by what stands in it.").Enum(lineFormat, "csv", "ndjson", "json")
	v.calls(func(cl *client.Client, res client.Resource[promfleet.Target, promfleet.TargetInput]) error {
		in, err := fields(cl)
		switch {
		case err != nil:
			return err
		case *path != "":
			return c.createMany(cl, v, in, *path, *format)
		case in.Addr == "":
			return &usageError{err: errorf("neither --addr nor --file is given"), command: "promfleet target create"}
		case *format != "":
			return &usageError{err: errorf("--format is for --file"), command: "promfleet target create"}
		case v.dry:
			return v.out.preview(res.Preview().Create(c.ctx, in))
		}
		return v.print(res.Create(c.ctx, in))
	})
}

func (c *command) targetFields(cmd *kingpin.CmdClause) func(*client.Client) (promfleet.TargetInput, error) {
	in := promfleet.TargetInput{}
	job := jobFlag(cmd)
	cmd.Flag("addr", "host, host:port, [v6]:port, or a URL for probe jobs.").StringVar(&in.Addr)
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
}

// createMany creates the targets of a file. What the API writes would change
// targets that are there already: they are looked for before, and the set must not
// have changed since then.
func (c *command) createMany(cl *client.Client, v *verb[promfleet.Target, promfleet.TargetInput], like promfleet.TargetInput, path, format string) error {
	body, err := c.input(path)
	if err != nil {
		return errorf("read the targets: %w", err)
	}
	if format == "" {
		format = targetFormat(path, body)
	}
	switch {
	case like.Addr != "" || like.Name != "":
		return errorf("--addr and --name are for one target; hint: leave them out, or --file")
	case format == lineFormat:
		if body, err = fromLines(body, like); err != nil {
			return err
		}
		format = "ndjson"
	case like.Remark != "" || len(like.Labels) > 0 || len(like.Tags) > 0:
		return errorf("--label, --tag and --remark go with addresses one a line; hint: put them into the %s", format)
	}
	given, err := identities(body, format)
	if err != nil {
		return errorf("read the targets: %w", err)
	}
	if len(given) == 0 {
		return errorf("there is no target in the input; hint: one address a line, or CSV, NDJSON or JSON")
	}
	etag, err := c.refuseKnown(cl, like.Job, given)
	if err != nil {
		return err
	}
	how := client.SetWrite{MediaType: setFormats[format], ETag: etag}
	if v.dry {
		return v.out.preview(cl.Preview().WriteTargets(c.ctx, like.Job, how, bytes.NewReader(body)))
	}
	done, err := cl.WriteTargets(c.ctx, like.Job, how, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return printOne(v.out, changeTable, done)
}

// refuseKnown refuses targets that the job has, and gives the ETag of those it has.
func (c *command) refuseKnown(cl *client.Client, job int64, given []identity) (etag string, err error) {
	var have bytes.Buffer
	if etag, err = cl.ReadTargets(c.ctx, job, client.NDJSON, &have); err != nil {
		return "", err
	}
	known, err := identities(have.Bytes(), "ndjson")
	if err != nil {
		return "", err
	}
	has := make(map[identity]bool, len(known))
	for _, id := range known {
		has[id] = true
	}
	for _, id := range given {
		if has[id] {
			return "", errorf("job %d has the target %s already, and nothing was created; hint: promfleet target import changes those that are there", job, id)
		}
	}
	return etag, nil
}

// targetFormat tells the format of targets by the name of their file, else by how
// they begin.
func targetFormat(path string, body []byte) string {
	if format, ok := setExtensions[strings.ToLower(filepath.Ext(path))]; ok {
		return format
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	first, _, _ := bytes.Cut(body, []byte("\n"))
	switch {
	case bytes.HasPrefix(body, []byte("{")):
		return "ndjson"
	case bytes.HasPrefix(body, []byte("[")) && bytes.ContainsAny(firstOf(body[1:]), "{]"): // [::1]:9100 is an address
		return "json"
	case slices.Contains(strings.FieldsFunc(string(first), func(r rune) bool { return strings.ContainsRune(",\" \r", r) }), "addr"):
		return "csv"
	}
	return lineFormat
}

// firstOf gives the first byte that is not space.
func firstOf(b []byte) []byte {
	b = bytes.TrimSpace(b)
	return b[:min(1, len(b))]
}

// fromLines makes NDJSON of addresses, one a line. Empty lines and those that begin
// with # are passed over.
func fromLines(body []byte, like promfleet.TargetInput) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	in := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	like.Job = 0
	for n := 1; in.Scan(); n++ {
		like.Addr = strings.TrimSpace(in.Text())
		if like.Addr == "" || strings.HasPrefix(like.Addr, "#") {
			continue
		}
		if strings.ContainsAny(like.Addr, " \t,") {
			return nil, errorf("line %d: %q is not one address; hint: CSV begins with a header that has addr", n, like.Addr)
		}
		if err := enc.Encode(like); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), in.Err()
}

// identity is what tells the targets of a job apart.
type identity struct{ Addr, Name string }

// String gives it as users write it.
func (id identity) String() string {
	if id.Name == "" {
		return id.Addr
	}
	return fmt.Sprintf("%s (%s)", id.Addr, id.Name)
}

// identities reads of targets what tells them apart; all else is the server's to
// judge.
func identities(body []byte, format string) (all []identity, err error) {
	switch format {
	case "csv":
		return csvIdentities(body)
	case "json":
		err = json.Unmarshal(body, &all)
		return all, err
	}
	for d := json.NewDecoder(bytes.NewReader(body)); ; {
		var id identity
		if err := d.Decode(&id); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, id)
	}
}

func csvIdentities(body []byte) (all []identity, err error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	rows, err := in.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	addr, name := slices.Index(rows[0], "addr"), slices.Index(rows[0], "name")
	for _, row := range rows[1:] {
		var id identity
		if addr >= 0 {
			id.Addr = row[addr]
		}
		if name >= 0 {
			id.Name = row[name]
		}
		all = append(all, id)
	}
	return all, nil
}
