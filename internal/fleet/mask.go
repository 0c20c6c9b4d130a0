package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
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
	if err != nil {
		return nil
	}
	return d.node(steps)
}

func (d *document) node(steps []any) *yaml.Node {
	if len(d.root.Content) == 0 {
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
		setNode(n, value)
	}
}

func setNode(n *yaml.Node, value string) {
	n.Value, n.Tag, n.Style = value, "!!str", yaml.DoubleQuotedStyle
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
	if hasAlias(&d.root) {
		// A secret that is put back at an anchor would show wherever an alias is.
		return "", promfleet.BadField("body.base_config", "anchors and %s do not go together; write the aliases out, or give the secrets themselves", Masked)
	}
	var now, was any
	if err := d.root.Decode(&now); err != nil {
		return text, nil //nolint:nilerr // as above
	}
	if err := yaml.Unmarshal([]byte(old.Text), &was); err != nil {
		return "", fmt.Errorf("unmask: %w", err)
	}
	puts, err := putBack(now, was, old.Secrets)
	if err != nil {
		return "", err
	}
	for _, p := range puts {
		if n := d.node(p.steps); n != nil && n.Value == Masked {
			setNode(n, fmt.Sprint(p.value))
		}
	}
	return d.yaml()
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// put is a secret to be put back: where, and what.
type put struct {
	steps []any
	value any
}

// putBack says which secrets of old stand for Masked in a new document. A secret
// inside a list goes to the element that is, secrets aside, the one it was in: not
// to whatever has its index now, which may be another host.
func putBack(now, was any, secrets []string) ([]put, error) {
	masked := clone(was)
	type element struct {
		list  string // spelled path of the list
		index int
	}
	inside := map[element][]put{}
	lists := map[string][]any{} // path of a list -> its steps
	var puts []put
	for _, path := range secrets {
		steps, err := check.SplitPath(path)
		if err != nil {
			return nil, err
		}
		value := at(was, steps)
		masked = replaceAt(masked, steps, func(any) any { return Masked })
		first := slices.IndexFunc(steps, func(s any) bool { _, ok := s.(int); return ok })
		if first < 0 {
			puts = append(puts, put{steps, value})
			continue
		}
		list := fmt.Sprintf("%q", steps[:first])
		lists[list] = steps[:first]
		e := element{list, steps[first].(int)}
		inside[e] = append(inside[e], put{steps[first+1:], value})
	}
	for name, steps := range lists {
		before, _ := at(masked, steps).([]any)
		after, _ := at(now, steps).([]any)
		taken := make([]bool, len(before))
		for j, e := range after {
			same := func(i int) bool { return i < len(before) && !taken[i] && reflect.DeepEqual(before[i], e) }
			i := j
			if !same(i) {
				i = slices.IndexFunc(before, func(o any) bool { return reflect.DeepEqual(o, e) })
			}
			if i < 0 || !same(i) {
				continue
			}
			taken[i] = true
			for _, p := range inside[element{name, i}] {
				puts = append(puts, put{slices.Concat(steps, []any{j}, p.steps), p.value})
			}
		}
	}
	return puts, nil
}

func clone(v any) any {
	switch v := v.(type) {
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	case map[string]any:
		c := make(map[string]any, len(v))
		for k := range v {
			c[k] = clone(v[k])
		}
		return c
	}
	return v
}

// at gives the value at a path, nil if there is none.
func at(v any, steps []any) (found any) {
	replaceAt(v, steps, func(old any) any { found = old; return old })
	return found
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
	return marshal(doc)
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
	puts, err := putBack(doc, was, old.Secrets)
	if err != nil {
		return nil, fmt.Errorf("unmask: %w", err)
	}
	for _, p := range puts {
		doc = replaceAt(doc, p.steps, func(v any) any {
			if v == Masked {
				return p.value
			}
			return v
		})
	}
	return marshal(doc)
}

func decodeJSON(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// stillMasked says which secrets of a new configuration have no value to stand for.
func stillMasked(value func(path string) string, secrets []string, location string) error {
	var f fields
	for _, p := range secrets {
		if value(p) == Masked {
			f.add(location+"."+p, "%s stands for a secret that is kept already, and there is none here; give the secret itself", Masked)
		}
	}
	return f.err()
}

// marshal encodes without escaping for HTML: what is shown is what was written.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
