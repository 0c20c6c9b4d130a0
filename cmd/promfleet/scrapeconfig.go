package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// scrapeConfig reads a scrape_config in YAML, of which JSON is a part.
func (c *command) scrapeConfig(path string) (json.RawMessage, error) {
	b, err := c.input(path)
	if err != nil {
		return nil, fmt.Errorf("read the scrape config: %w", err)
	}
	docs := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := docs.Decode(&doc); errors.Is(err, io.EOF) {
		return json.RawMessage("{}"), nil
	} else if err != nil {
		return nil, fmt.Errorf("scrape config %s: %w", path, err)
	}
	fields := map[string]value{}
	err = doc.Decode(new(any)) // finds anchors within themselves, which value would follow for ever
	if err == nil {
		err = doc.Decode(&fields)
	}
	if err != nil {
		return nil, fmt.Errorf("scrape config %s: %w", path, err)
	}
	if err := docs.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("scrape config %s: it is more than one YAML document", path)
	}
	if fields == nil { // the document is null
		return json.RawMessage("{}"), nil
	}
	return json.Marshal(fields)
}

// value is YAML that becomes JSON with its scalars as they are written: 1.10 must
// not become 1.1, nor a date a time, since Prometheus may want the text.
type value struct{ v any }

// UnmarshalYAML implements yaml.Unmarshaler.
func (x *value) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]value{}
		x.v = m
		return n.Decode(&m)
	case yaml.SequenceNode:
		s := []*value{} // a value would lose nulls
		err := n.Decode(&s)
		x.v = s
		return err
	}
	switch n.ShortTag() {
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		x.v = b
		return err
	case "!!int", "!!float":
		x.v = json.Number(n.Value)
		if !json.Valid([]byte(n.Value)) {
			return fmt.Errorf("line %d: %s must be a plain decimal number or stand in quotes", n.Line, n.Value)
		}
	default:
		x.v = n.Value
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (x value) MarshalJSON() ([]byte, error) { return json.Marshal(x.v) }
