package fleetfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/check"
)

// The fields of the documents of each kind, in the order they are written.
var fieldsOf = map[promfleet.FleetKind][]string{
	promfleet.FleetNode: {"kind", "node", "tags", "base_config"},
	promfleet.FleetJob:  {"kind", "node", "key", "job_name", "remark", "scrape_config", "targets"},
}

var targetFields = []string{"addr", "name", "remark", "labels", "tags"}

// Parse reads the documents of a file. Name stands in the At of each, and in errors,
// which name the line too. Every fault is told, up to a bound, and then nothing is
// given. Two documents about the same node or job are one. Errors are
// promfleet.Invalid.
func Parse(name string, data []byte) ([]promfleet.FleetDocument, error) {
	s := newSet()
	s.parse(name, data)
	return s.given()
}

// set is documents that are read together.
type set struct {
	docs   []promfleet.FleetDocument
	firsts map[string]string // where a node or job was told of first
	faults faults
}

func newSet() *set { return &set{firsts: map[string]string{}} }

func (s *set) given() ([]promfleet.FleetDocument, error) {
	if err := s.faults.err(); err != nil {
		return nil, err
	}
	return s.docs, nil
}

func (s *set) parse(name string, data []byte) {
	for _, n := range documents(name, data, &s.faults) {
		p := parser{name: name}
		d := p.document(n)
		s.faults.join(&p.faults)
		if len(p.faults.list) > 0 {
			continue
		}
		what := fmt.Sprintf("node %s", d.Node)
		if d.Kind == promfleet.FleetJob {
			what = fmt.Sprintf("job %s/%s", d.Node, d.Key)
		}
		id := string(d.Kind) + "\x00" + strings.ToLower(d.Node) + "\x00" + d.Key
		if first := s.firsts[id]; first != "" {
			s.faults.add(d.At, "%s is told of at %s already; make one document of the two", what, first)
			continue
		}
		s.firsts[id] = d.At
		if len(s.docs) == MaxDocuments {
			s.faults.add(d.At, "more than %d documents; apply fewer nodes at a time", MaxDocuments)
		}
		if len(s.docs) <= MaxDocuments {
			s.docs = append(s.docs, d)
		}
	}
}

// parser reads one document.
type parser struct {
	name   string
	faults faults
}

func (p *parser) bad(n *yaml.Node, format string, args ...any) {
	p.faults.add(place(p.name, n.Line), format, args...)
}

func (p *parser) document(n *yaml.Node) (d promfleet.FleetDocument) {
	d.At = place(p.name, n.Line)
	if err := bounded(n); err != nil {
		p.faults.addYAML(p.name, n.Line, "", err)
		return d
	}
	fields, ok := p.mapping(n, "a document")
	if !ok {
		return d
	}
	kind := fields["kind"]
	if kind == nil {
		p.bad(n, "kind is missing; write kind: node or kind: job")
		return d
	}
	d.Kind = promfleet.FleetKind(p.text(kind, "kind"))
	known, ok := fieldsOf[d.Kind]
	if !ok {
		p.bad(kind, "kind is %q; write node or job", d.Kind)
		return d
	}
	p.unknown(n, fields, known, d.Kind)
	for _, name := range known {
		v := fields[name]
		switch {
		case v != nil:
			p.field(&d, name, v)
		case name == "node", name == "key":
			p.bad(n, "%s is missing", name)
		}
	}
	return d
}

func (p *parser) field(d *promfleet.FleetDocument, name string, v *yaml.Node) {
	switch name {
	case "node":
		d.Node = p.named(v, name)
	case "key":
		d.Key = p.named(v, name)
	case "job_name":
		d.JobName = p.text(v, name)
	case "remark":
		d.Remark = p.text(v, name)
	case "tags":
		if p.there(v, name, "[]") {
			tags := p.texts(v, name)
			d.Tags = &tags
		}
	case "base_config":
		if p.there(v, name, `""`) {
			text := p.baseConfig(v)
			d.BaseConfig = &text
		}
	case "scrape_config":
		if p.there(v, name, "{}") {
			var err error
			if d.ScrapeConfig, err = check.ScrapeConfigJSON(unaliased(v)); err != nil {
				p.faults.addYAML(p.name, v.Line, "scrape_config: ", err)
			}
		}
	case "targets":
		if p.there(v, name, "[]") {
			targets := p.targets(v)
			d.Targets = &targets
		}
	}
}

// there refuses a field without a value: it could mean none, or as it is.
func (p *parser) there(v *yaml.Node, name, none string) bool {
	if unaliased(v).ShortTag() != "!!null" {
		return true
	}
	p.bad(v, "%s has no value; write %s for none, or leave it out for what there is", name, none)
	return false
}

// baseConfig is text, or a mapping whose comments are kept.
func (p *parser) baseConfig(v *yaml.Node) string {
	n := unaliased(v)
	if n.Kind != yaml.MappingNode {
		return p.text(v, "base_config")
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	n = standalone(n)
	n.Anchor, n.HeadComment = "", ""
	if err := e.Encode(n); err != nil {
		p.bad(v, "base_config cannot be written as text: %v", err)
	}
	return b.String()
}

func (p *parser) targets(v *yaml.Node) []promfleet.FleetTarget {
	n := unaliased(v)
	targets := []promfleet.FleetTarget{}
	if n.Kind != yaml.SequenceNode {
		p.bad(v, "targets must be a list")
		return targets
	}
	for _, item := range n.Content {
		if unaliased(item).Kind == yaml.ScalarNode {
			targets = append(targets, promfleet.FleetTarget{Addr: p.named(item, "a target")})
			continue
		}
		targets = append(targets, p.target(item))
	}
	return targets
}

func (p *parser) target(n *yaml.Node) (t promfleet.FleetTarget) {
	fields, ok := p.mapping(n, "a target")
	if !ok {
		return t
	}
	p.unknown(n, fields, targetFields, "target")
	if fields["addr"] == nil {
		p.bad(n, "addr of the target is missing")
	}
	for _, name := range targetFields {
		v := fields[name]
		if v == nil {
			continue
		}
		switch name {
		case "addr":
			t.Addr = p.named(v, name)
		case "name":
			t.Name = p.text(v, name)
		case "remark":
			t.Remark = p.text(v, name)
		case "labels":
			t.Labels = p.labels(v)
		case "tags":
			t.Tags = p.texts(v, name)
		}
	}
	return t
}

func (p *parser) labels(v *yaml.Node) map[string]string {
	if unaliased(v).ShortTag() == "!!null" {
		return nil
	}
	fields, ok := p.mapping(v, "labels")
	if !ok || len(fields) == 0 {
		return nil
	}
	labels := make(map[string]string, len(fields))
	for _, name := range sortedKeys(fields) {
		labels[name] = p.text(fields[name], "label "+name)
	}
	return labels
}

func (p *parser) texts(v *yaml.Node, name string) []string {
	n := unaliased(v)
	list := []string{}
	switch {
	case n.ShortTag() == "!!null":
		return nil
	case n.Kind != yaml.SequenceNode:
		p.bad(v, "%s must be a list", name)
	}
	for _, item := range n.Content {
		list = append(list, p.named(item, "an item of "+name))
	}
	return list
}

// named is text that must not be empty.
func (p *parser) named(v *yaml.Node, name string) string {
	s := p.text(v, name)
	if s == "" && len(p.faults.list) == 0 {
		p.bad(v, "%s is empty", name)
	}
	return s
}

// text reads a scalar as Prometheus reads it into text: as it is written.
func (p *parser) text(v *yaml.Node, name string) string {
	n := unaliased(v)
	switch {
	case n.Kind != yaml.ScalarNode:
		p.bad(v, "%s must be text", name)
	case n.ShortTag() == "!!binary":
		p.bad(v, "%s is !!binary; write it as text", name)
	case n.ShortTag() == "!!null":
		return ""
	default:
		return n.Value
	}
	return ""
}

// mapping gives the fields of a mapping, with what merge keys bring.
func (p *parser) mapping(v *yaml.Node, what string) (map[string]*yaml.Node, bool) {
	n := unaliased(v)
	if n.Kind != yaml.MappingNode {
		p.bad(v, "%s must be a mapping of fields", what)
		return nil, false
	}
	fields := make(map[string]*yaml.Node, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := unaliased(n.Content[i]), n.Content[i+1]
		switch {
		case key.ShortTag() == "!!merge":
			merges = append(merges, value)
		case key.Kind != yaml.ScalarNode:
			p.bad(n.Content[i], "the name of a field of %s is not text", what)
		case fields[key.Value] != nil:
			p.bad(n.Content[i], "field %s is there twice", key.Value)
		default:
			fields[key.Value] = value
		}
	}
	for _, m := range merges {
		from := []*yaml.Node{m}
		if unaliased(m).Kind == yaml.SequenceNode {
			from = unaliased(m).Content
		}
		for _, m := range from {
			more, ok := p.mapping(m, "what << brings")
			if !ok {
				continue
			}
			for name, value := range more {
				if fields[name] == nil {
					fields[name] = value
				}
			}
		}
	}
	return fields, true
}

// unknown tells of fields that what is described does not have.
func (p *parser) unknown(n *yaml.Node, fields map[string]*yaml.Node, known []string, what promfleet.FleetKind) {
	for _, name := range sortedKeys(fields) {
		if slices.Contains(known, name) || name == "$schema" && what != "target" {
			continue
		}
		said := fmt.Sprintf("a %s has no field %s", what, name)
		for kind, others := range fieldsOf {
			if what != "target" && kind != what && slices.Contains(others, name) {
				said += fmt.Sprintf(": it belongs to a %s", kind)
			}
		}
		if near := nearest(name, known); near != "" {
			said += "; did you mean " + near + "?"
		}
		at := fields[name]
		for i := 0; i+1 < len(unaliased(n).Content); i += 2 {
			if key := unaliased(n).Content[i]; key.Value == name {
				at = key
			}
		}
		p.bad(at, "%s", said)
	}
}
