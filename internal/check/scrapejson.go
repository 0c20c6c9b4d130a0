package check

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// ScrapeConfigJSON gives a scrape_config, as it stands in YAML, as the JSON object
// that a job keeps: what Prometheus would read from the one, it reads from the
// other. Prometheus reads YAML 1.1 into typed fields, so yes is true where a bool
// belongs and the text "yes" where a label value does. Merge keys and aliases are
// written out; nothing is an empty object. Comments are lost.
//
// It does not judge: unknown fields and wrong types come through, for Load to
// refuse. An error names the line; it is about YAML that has no JSON, and about
// aliases that would make it endless.
func ScrapeConfigJSON(n *yaml.Node) (json.RawMessage, error) {
	v, err := toJSON(n, reflect.TypeFor[config.ScrapeConfig]())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // <secret> is to be read
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// toJSON converts a mapping that is read into a type; nil: none that is known.
func toJSON(n *yaml.Node, t reflect.Type) (map[string]any, error) {
	if n == nil {
		return map[string]any{}, nil
	}
	m := meter{seen: map[*yaml.Node]extent{}}
	if e, err := m.measure(n); err != nil {
		return nil, err
	} else if e.nodes-len(m.seen) > maxAliased {
		return nil, fmt.Errorf("yaml: line %d: aliases make it %d nodes larger, more than %d", n.Line, e.nodes-len(m.seen), maxAliased)
	}
	switch v, err := jsonValue(n, t); v := v.(type) {
	case map[string]any:
		return v, err
	case nil:
		return map[string]any{}, err
	default:
		return nil, fmt.Errorf("yaml: line %d: not a mapping of fields", n.Line)
	}
}

func jsonValue(n *yaml.Node, t reflect.Type) (any, error) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return jsonValue(n.Content[0], t)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := jsonValue(c, elemOf(t))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := map[string]any{}
		return m, addFields(m, n, t)
	case yaml.ScalarNode:
		return jsonScalar(n, t)
	}
	return nil, nil // an empty document
}

// addFields adds the fields of a mapping to m. What a merge key brings gives way to
// the mapping's own, and to what merges before it.
func addFields(m map[string]any, n *yaml.Node, t reflect.Type) error {
	var merges []*yaml.Node
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Tag == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("yaml: line %d: the name of a field is not text", key.Line)
		}
		if own[key.Value] {
			return fmt.Errorf("yaml: line %d: field %s is there twice", key.Line, key.Value)
		}
		own[key.Value] = true
		v, err := jsonValue(value, fieldType(t, key.Value))
		if err != nil {
			return err
		}
		m[key.Value] = v
	}
	for _, merge := range merges {
		if err := addMerged(m, merge, t); err != nil {
			return err
		}
	}
	return nil
}

func addMerged(m map[string]any, n *yaml.Node, t reflect.Type) error {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			if err := addMerged(m, c, t); err != nil {
				return err
			}
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("yaml: line %d: a merge key takes mappings only", n.Line)
	}
	more := map[string]any{}
	if err := addFields(more, n, t); err != nil {
		return err
	}
	for name, v := range more {
		if _, ok := m[name]; !ok {
			m[name] = v
		}
	}
	return nil
}

// The words that YAML 1.1 takes for booleans.
var yamlBools = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "true": true, "True": true, "TRUE": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "false": false, "False": false, "FALSE": false, "off": false, "Off": false, "OFF": false,
}

func jsonScalar(n *yaml.Node, t reflect.Type) (any, error) {
	if n.ShortTag() == "!!binary" {
		return nil, fmt.Errorf("yaml: line %d: write the value as text instead of !!binary", n.Line)
	}
	quoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	tagged := n.Style&yaml.TaggedStyle != 0
	switch {
	case n.ShortTag() == "!!null":
		return nil, nil
	case tagged && n.ShortTag() == "!!str", quoted && !tagged:
		return n.Value, nil
	}
	if t == nil || t.Kind() == reflect.Interface {
		if b, ok := yamlBools[n.Value]; ok {
			return b, nil
		}
		if tag := n.ShortTag(); tag == "!!int" || tag == "!!float" {
			return jsonNumber(n.Value), nil
		}
		return n.Value, nil
	}
	if readsText(t) {
		return n.Value, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		if b, ok := yamlBools[n.Value]; ok {
			return b, nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return jsonNumber(n.Value), nil
	}
	return n.Value, nil
}

// readsText: the type makes something of its own of the text that it is given.
func readsText(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) ||
		p.Implements(reflect.TypeFor[interface {
			UnmarshalYAML(unmarshal func(any) error) error
		}]())
}

// jsonNumber spells a number of YAML 1.1 (0x1F, 017, 1_000, .5) as JSON does; what is
// none stays text.
func jsonNumber(s string) any {
	if json.Valid([]byte(s)) {
		return json.Number(s)
	}
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10))
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return json.Number(strconv.FormatUint(u, 10))
	}
	if f, err := strconv.ParseFloat(digits, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	}
	return s
}
