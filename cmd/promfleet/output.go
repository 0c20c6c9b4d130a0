package main

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	"go.yaml.in/yaml/v3"
)

// output is how results are written.
type output struct {
	to     io.Writer
	format string
	wide   bool    // of a table: with the columns that a narrow one leaves out
	colour *string // when a table is coloured; nil: never
}

// wideTable is a format of its own on the command line only: to whoever writes a
// result it is a table.
const wideTable = "wide"

func (c *command) output(cmd *kingpin.CmdClause) *output {
	o := &output{to: c.stdout, colour: &c.colour}
	formats := []string{"table", wideTable, "json", "yaml"}
	cmd.Flag("output", "How to write the result: table, wide (a table with more columns), json or yaml.").Short('o').
		HintOptions(formats...).Default("table").SetValue(formatValue{o, formats})
	return o
}

// formatValue is the value of --output.
type formatValue struct {
	o       *output
	formats []string
}

// String implements kingpin.Value.
func (v formatValue) String() string {
	if v.o.wide {
		return wideTable
	}
	return v.o.format
}

// Set implements kingpin.Value.
func (v formatValue) Set(s string) error {
	if !slices.Contains(v.formats, s) {
		return errorf("enum value must be one of %s, got '%s'", strings.Join(v.formats, ","), s)
	}
	v.o.format, v.o.wide = s, false
	if s == wideTable {
		v.o.format, v.o.wide = "table", true
	}
	return nil
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

// stamp is a time as the wide tables show it.
func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

// since are the cells of what all records have; they follow dated.
func since(created, updated time.Time, deleted *time.Time) []string {
	return []string{stamp(&created), stamp(&updated), stamp(deleted)}
}

// dated are the columns of when a record was made, changed and deleted.
var dated = []string{"CREATED", "UPDATED", "DELETED"}

func ids(all []int64) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = id(n)
	}
	return strings.Join(texts, ",")
}

func labelText(labels map[string]string) string {
	b, err := json.Marshal(labels) // sorted
	if err != nil || len(labels) == 0 {
		return ""
	}
	return string(b)
}
