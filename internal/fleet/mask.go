package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/check"
)

// Masked stands where a secret is not shown. Given back, it means "as it was".
const Masked = "<secret>"

// sealed is what is kept of a configuration, encrypted as a whole: its text, and
// the paths of the secrets in it, so that they can be masked without asking
// Prometheus's parser again.
type sealed struct {
	Text    string   `json:"text"`
	Secrets []string `json:"secrets,omitempty"`
}

func (s *Service) seal(v sealed, context string) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return s.box.Seal(b, context), nil
}

func (s *Service) open(b []byte, context string) (sealed, error) {
	var v sealed
	if b == nil {
		return v, nil
	}
	plain, err := s.box.Open(b, context)
	if err == nil {
		err = json.Unmarshal(plain, &v)
	}
	return v, err
}

// A document is a configuration whose values are found by path, as
// basic_auth.password or consul_sd_configs[0].token. It is YAML, of which JSON
// is a part.
type document struct{ root yaml.Node }

func parseDocument(text string) (*document, error) {
	var d document
	if err := yaml.Unmarshal([]byte(text), &d.root); err != nil {
		return nil, err
	}
	return &d, nil
}

// at gives the node of a path (check.SplitPath), nil if there is none.
func (d *document) at(path string) *yaml.Node {
	steps, err := check.SplitPath(path)
	if err != nil || len(d.root.Content) == 0 {
		return nil
	}
	n := resolved(d.root.Content[0])
	for _, step := range steps {
		n = resolved(child(n, step))
		if n == nil {
			return nil
		}
	}
	return n
}

func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// child gives the value of a key or the element of an index, nil if there is
// none.
func child(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step]
		}
	case string:
		if n.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

func (d *document) set(path, value string) {
	if n := d.at(path); n != nil && n.Kind == yaml.ScalarNode {
		n.Value, n.Tag, n.Style = value, "!!str", yaml.DoubleQuotedStyle
	}
}

func (d *document) yaml() (string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&d.root); err != nil {
		return "", err
	}
	return b.String(), enc.Close()
}

// maskYAML gives the text with its secrets masked; as it is if it has none.
func maskYAML(v sealed) (string, error) {
	if len(v.Secrets) == 0 {
		return v.Text, nil
	}
	d, err := parseDocument(v.Text)
	if err != nil {
		return "", fmt.Errorf("mask: %w", err)
	}
	for _, p := range v.Secrets {
		d.set(p, Masked)
	}
	return d.yaml()
}

// unmaskYAML puts back the secrets of old where text says Masked.
func unmaskYAML(text string, old sealed) (string, error) {
	if len(old.Secrets) == 0 || !strings.Contains(text, Masked) {
		return text, nil
	}
	d, err := parseDocument(text)
	if err != nil {
		return text, nil //nolint:nilerr // the check that follows says what is wrong with it
	}
	was, err := parseDocument(old.Text)
	if err != nil {
		return "", fmt.Errorf("unmask: %w", err)
	}
	for _, p := range old.Secrets {
		if n, o := d.at(p), was.at(p); n != nil && o != nil && n.Value == Masked {
			d.set(p, o.Value)
		}
	}
	return d.yaml()
}

// replaceJSON puts f(value) in the place of the value at a path, if there is one.
func replaceJSON(v any, path string, f func(old any) any) any {
	steps, err := check.SplitPath(path)
	if err != nil {
		return v
	}
	return replaceAt(v, steps, f)
}

func replaceAt(v any, steps []any, f func(old any) any) any {
	if len(steps) == 0 {
		return f(v)
	}
	switch v := v.(type) {
	case []any:
		if i, ok := steps[0].(int); ok && i < len(v) {
			v[i] = replaceAt(v[i], steps[1:], f)
		}
	case map[string]any:
		if k, ok := steps[0].(string); ok {
			if old, ok := v[k]; ok {
				v[k] = replaceAt(old, steps[1:], f)
			}
		}
	}
	return v
}

// maskJSON gives the JSON object with its secrets masked.
func maskJSON(v sealed) (json.RawMessage, error) {
	if len(v.Secrets) == 0 {
		return json.RawMessage(v.Text), nil
	}
	doc, err := decodeJSON(v.Text)
	if err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	for _, p := range v.Secrets {
		doc = replaceJSON(doc, p, func(any) any { return Masked })
	}
	return json.Marshal(doc)
}

// unmaskJSON puts back the secrets of old where raw says Masked.
func unmaskJSON(raw json.RawMessage, old sealed) (json.RawMessage, error) {
	if len(old.Secrets) == 0 || !bytes.Contains(raw, []byte(Masked)) && !bytes.Contains(raw, []byte(`\u003csecret\u003e`)) {
		return raw, nil
	}
	doc, err := decodeJSON(string(raw))
	if err != nil {
		return raw, nil //nolint:nilerr // the check that follows says what is wrong with it
	}
	was, err := decodeJSON(old.Text)
	if err != nil {
		return nil, fmt.Errorf("unmask: %w", err)
	}
	for _, p := range old.Secrets {
		var value any
		replaceJSON(was, p, func(v any) any { value = v; return v })
		doc = replaceJSON(doc, p, func(v any) any {
			if v == Masked {
				return value
			}
			return v
		})
	}
	return json.Marshal(doc)
}

func decodeJSON(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// stillMasked says which secret of a new configuration has no value to stand for.
func stillMasked(value func(path string) string, secrets []string, location string) error {
	for _, p := range secrets {
		if value(p) == Masked {
			return promfleet.BadField(location+"."+p, "%s stands for a secret that is kept already, and there is none here; give the secret itself", Masked)
		}
	}
	return nil
}
