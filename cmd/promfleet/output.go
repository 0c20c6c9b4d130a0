package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/client"
)

// output is how results are written.
type output struct {
	to     io.Writer
	format string
}

func (c *command) output(cmd *kingpin.CmdClause) *output {
	o := &output{to: c.stdout}
	cmd.Flag("output", "How to write the result: table, json or yaml.").Short('o').Default("table").EnumVar(&o.format, "table", "json", "yaml")
	return o
}

// table is how records of a type look as a table.
type table[T any] struct {
	columns []string
	row     func(T) []string
}

// printOne writes one record, printPage a page of them.
func printOne[T any](o *output, t table[T], v T) error {
	if o.format != "table" {
		return o.encode(v)
	}
	return t.write(o.to, []T{v})
}

func printPage[T any](o *output, t table[T], p *promfleet.Page[T]) error {
	if o.format != "table" {
		return o.encode(p)
	}
	if err := t.write(o.to, p.Items); err != nil {
		return err
	}
	return nil
}

func (o *output) encode(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if o.format == "yaml" {
		var n yaml.Node
		if err := yaml.Unmarshal(b, &n); err != nil { // keeps the order of the fields
			return err
		}
		block(&n)
		if b, err = yaml.Marshal(&n); err != nil {
			return err
		}
		_, err = o.to.Write(b)
		return err
	}
	_, err = fmt.Fprintln(o.to, string(b))
	return err
}

// block makes YAML of what was JSON: quotes only where they are needed.
func block(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		block(c)
	}
}

func (t table[T]) write(to io.Writer, items []T) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(t.columns, "\t"))
	for _, item := range items {
		cells := t.row(item)
		for i := range cells {
			cells[i] = plain(cells[i])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// plain takes from a cell what would break the table or the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

func ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return time.Since(*t).Round(time.Second).String() + " ago"
}

func labelText(labels map[string]string) string {
	b, err := json.Marshal(labels) // sorted
	if err != nil || len(labels) == 0 {
		return ""
	}
	return string(b)
}

// resource adds the commands that all resources have.
type resource[T, In any] struct {
	c    *command
	noun *kingpin.CmdClause
	of   func(*client.Client) client.Resource[T, In]
	t    table[T]
	name string
}

func (r resource[T, In]) list(filters func(*kingpin.CmdClause, *list)) {
	cmd := r.noun.Command("list", "List "+r.name+"s.")
	conn, out, l := r.c.connection(cmd), r.c.output(cmd), listFlags(cmd)
	filters(cmd, l)
	cmd.Action(func(*kingpin.ParseContext) error {
		cl, err := conn.client()
		if err != nil {
			return err
		}
		page, err := pages(r.c, r.of(cl), l)
		if err != nil {
			return err
		}
		if page.NextCursor != "" && out.format == "table" {
			defer fmt.Fprintf(r.c.stderr, "%d of %d shown; more with --all or --cursor %s\n", len(page.Items), page.Total, page.NextCursor)
		}
		return printPage(out, r.t, page)
	})
}

// one adds a command about one record, named by an argument.
func (r resource[T, In]) one(name, help string, do func(res client.Resource[T, In], id, etag string) (*T, error)) *kingpin.CmdClause {
	cmd := r.noun.Command(name, help)
	conn, out := r.c.connection(cmd), r.c.output(cmd)
	etag := cmd.Flag("if-match", "Only if the record has this ETag.").String()
	id := cmd.Arg("id", "Its id; of a node, its uuid.").Required().String()
	cmd.Action(func(*kingpin.ParseContext) error {
		cl, err := conn.client()
		if err != nil {
			return err
		}
		v, err := do(r.of(cl), *id, quoted(*etag))
		if err != nil {
			return err
		}
		if v == nil {
			_, err = fmt.Fprintf(r.c.stderr, "%s %s is deleted\n", r.name, *id)
			return err
		}
		return printOne(out, r.t, *v)
	})
	return cmd
}

// quoted gives an ETag as HTTP wants it, also where the shell took its quotes.
func quoted(etag string) string {
	if etag == "" || strings.HasPrefix(etag, `"`) {
		return etag
	}
	return `"` + etag + `"`
}

func (r resource[T, In]) get() {
	r.one("get", "Get one "+r.name+".", func(res client.Resource[T, In], id, _ string) (*T, error) {
		v, _, err := res.Get(r.c.ctx, id)
		return &v, err
	})
}

func (r resource[T, In]) remove(help string) {
	r.one("delete", help, func(res client.Resource[T, In], id, etag string) (*T, error) {
		return nil, res.Delete(r.c.ctx, id, etag)
	})
}

func (r resource[T, In]) restore() {
	r.one("restore", "Undo the deletion of a "+r.name+".", func(res client.Resource[T, In], id, _ string) (*T, error) {
		v, err := res.Restore(r.c.ctx, id)
		return &v, err
	})
}

// update adds a command that patches the fields whose flags were given.
func (r resource[T, In]) update(flags func(*kingpin.CmdClause) func() (map[string]any, error)) {
	var fields func() (map[string]any, error)
	cmd := r.one("update", "Change the given fields of a "+r.name+".", func(res client.Resource[T, In], id, etag string) (*T, error) {
		patch, err := fields()
		if err != nil {
			return nil, err
		}
		if len(patch) == 0 {
			return nil, promfleet.Errorf(promfleet.Invalid, "nothing to change is given; see promfleet %s update --help", r.name)
		}
		v, err := res.Patch(r.c.ctx, id, etag, patch)
		return &v, err
	})
	fields = flags(cmd)
}

// create adds a command that makes a record.
func (r resource[T, In]) create(flags func(*kingpin.CmdClause) func(*client.Client) (In, error)) {
	cmd := r.noun.Command("create", "Create a "+r.name+".")
	conn, out := r.c.connection(cmd), r.c.output(cmd)
	fields := flags(cmd)
	cmd.Action(func(*kingpin.ParseContext) error {
		cl, err := conn.client()
		if err != nil {
			return err
		}
		in, err := fields(cl)
		if err != nil {
			return err
		}
		v, err := r.of(cl).Create(r.c.ctx, in)
		if err != nil {
			return err
		}
		return printOne(out, r.t, v)
	})
}

// given is a text flag that tells whether it stood on the command line: an empty
// value is a value.
type given struct {
	set   bool
	value string
}

func givenFlag(cmd *kingpin.CmdClause, name, help string) *given {
	g := &given{}
	cmd.Flag(name, help).IsSetByUser(&g.set).StringVar(&g.value)
	return g
}

// into puts the value into a patch, if it was given.
func (g *given) into(patch map[string]any, field string) {
	if g.set {
		patch[field] = g.value
	}
}

// or gives the value, or another if it was not given.
func (g *given) or(other string) string {
	if g.set {
		return g.value
	}
	return other
}
