package fleetfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"promfleet"
)

// Encode writes documents as a fleet file for people. The same documents give the
// same bytes, and Parse gives them back, but for At, which is not written, and for
// the order of the fields of scrape_config.
func Encode(docs []promfleet.FleetDocument) ([]byte, error) {
	var b bytes.Buffer
	for i, d := range docs {
		n, err := documentNode(d)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if err := e.Encode(n); err != nil {
			return nil, fmt.Errorf("%s %s: %w", d.Kind, d.Node, err)
		}
	}
	return b.Bytes(), nil
}

func documentNode(d promfleet.FleetDocument) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	put(n, "kind", text(string(d.Kind)))
	put(n, "node", text(d.Node))
	putText(n, "key", d.Key)
	putText(n, "job_name", d.JobName)
	putText(n, "remark", d.Remark)
	if d.Tags != nil {
		put(n, "tags", texts(*d.Tags))
	}
	if d.BaseConfig != nil {
		put(n, "base_config", text(*d.BaseConfig))
	}
	if d.ScrapeConfig != nil {
		config, err := configNode(d.ScrapeConfig)
		if err != nil {
			return nil, fmt.Errorf("%s %s/%s: scrape_config: %w", d.Kind, d.Node, d.Key, err)
		}
		put(n, "scrape_config", config)
	}
	if d.Targets != nil {
		targets := list()
		for _, t := range *d.Targets {
			targets.Content = append(targets.Content, targetNode(t))
		}
		put(n, "targets", flowIfEmpty(targets))
	}
	return n, nil
}

// targetNode is the address alone, if there is no more.
func targetNode(t promfleet.FleetTarget) *yaml.Node {
	if t.Name == "" && t.Remark == "" && len(t.Labels) == 0 && t.Tags == nil {
		return text(t.Addr)
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	put(n, "addr", text(t.Addr))
	putText(n, "name", t.Name)
	putText(n, "remark", t.Remark)
	if len(t.Labels) > 0 {
		labels := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range sortedKeys(t.Labels) {
			put(labels, name, text(t.Labels[name]))
		}
		put(n, "labels", labels)
	}
	if t.Tags != nil {
		put(n, "tags", texts(t.Tags))
	}
	return n
}

// configNode gives JSON as YAML, fields sorted: the order that they were given in
// must make no difference between two files.
func configNode(config json.RawMessage) (*yaml.Node, error) {
	d := json.NewDecoder(bytes.NewReader(config))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return valueNode(v), nil
}

func valueNode(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range sortedKeys(v) {
			put(n, name, valueNode(v[name]))
		}
		return flowIfEmpty(n)
	case []any:
		n := list()
		for _, item := range v {
			n.Content = append(n.Content, valueNode(item))
		}
		return flowIfEmpty(n)
	case string:
		return text(v)
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(v)} // a number or a bool, as JSON has it
}

func put(n *yaml.Node, name string, v *yaml.Node) {
	n.Content = append(n.Content, text(name), v)
}

func putText(n *yaml.Node, name, s string) {
	if s != "" {
		put(n, name, text(s))
	}
}

func list() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode} }

func texts(items []string) *yaml.Node {
	n := list()
	for _, s := range items {
		n.Content = append(n.Content, text(s))
	}
	return flowIfEmpty(n)
}

func flowIfEmpty(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

// yaml11 is text that YAML 1.1, which Prometheus and many tools read, takes for a
// bool, a number in base 60, or a value of its own.
var yaml11 = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|~|=|<<)?$|^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)

// text is a string that every reader of YAML reads as that string: lines as a
// block, quotes only where they are needed.
func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case yaml11.MatchString(s), strings.ContainsFunc(s, needsEscape), !utf8.ValidString(s):
		n.Style = yaml.DoubleQuotedStyle
	case strings.Contains(s, "\n") && strings.TrimLeft(s, " \n\t") == s:
		n.Style = yaml.LiteralStyle
	case strings.Contains(s, "\n"): // a block would need its indentation told
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// needsEscape: a line break but \n, or what is not seen.
func needsEscape(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}
