package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	"go.yaml.in/yaml/v3"
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

// encode writes JSON or YAML, fields in the order of the API.
func (o *output) encode(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // <secret> is to be read
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	if o.format == "yaml" {
		var n yaml.Node
		if err := yaml.Unmarshal(b.Bytes(), &n); err != nil { // keeps the order of the fields
			return err
		}
		block(&n)
		b.Reset()
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := enc.Encode(&n); err != nil {
			return err
		}
	}
	_, err := b.WriteTo(o.to)
	return err
}

// yaml11 is text that YAML 1.1, which Prometheus and many tools read, takes for a
// bool or a number in base 60.
var yaml11 = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$|^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)

// block makes YAML of what was JSON: quotes only where they are needed.
func block(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && yaml11.MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		block(c)
	}
}

// table is how records of a type look as a table.
type table[T any] struct {
	columns []string
	row     func(T) []string
	below   func(to io.Writer, v T) // what follows the table of a single record; nil: nothing
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

// printOne writes one record.
func printOne[T any](o *output, t table[T], v T) error {
	if o.format != "table" {
		return o.encode(v)
	}
	if err := t.write(o.to, []T{v}); err != nil || t.below == nil {
		return err
	}
	t.below(o.to, v)
	return nil
}

// plain takes from a text what would break the table or the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

func ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return time.Since(*t).Round(time.Second).String() + " ago"
}

func expiry(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Format(time.RFC3339)
}

func labelText(labels map[string]string) string {
	b, err := json.Marshal(labels) // sorted
	if err != nil || len(labels) == 0 {
		return ""
	}
	return string(b)
}
