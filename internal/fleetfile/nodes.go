package fleetfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// maxAliased is how many nodes aliases may add to a document.
	maxAliased = 200_000
	// maxDepth is how deep a document may nest, through aliases.
	maxDepth = 100
)

// documents gives the documents of a file as nodes that know their lines. What comes
// before a syntax error is given with it.
func documents(name string, data []byte, f *faults) []*yaml.Node {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimLeft(data, " \t\r\n")
	json := strings.EqualFold(path.Ext(name), ".json") ||
		len(start) > 0 && (start[0] == '{' || start[0] == '[') && validJSON(data)
	if json {
		return jsonDocuments(name, data, f)
	}
	var docs []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc yaml.Node
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return docs
		} else if err != nil {
			f.addYAML(name, 1, "", err)
			return docs
		}
		if len(doc.Content) > 0 && doc.Content[0].ShortTag() != "!!null" {
			docs = append(docs, doc.Content[0])
		}
	}
}

// validJSON: one value after the other, of which YAML would see one.
func validJSON(data []byte) bool {
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// jsonDocuments: JSON is no YAML where it writes characters as surrogates, and its
// documents may be items of a list.
func jsonDocuments(name string, data []byte, f *faults) []*yaml.Node {
	r := newJSONReader(data)
	var docs []*yaml.Node
	for {
		n, err := r.value(0)
		switch {
		case errors.Is(err, io.EOF):
			return docs
		case err != nil:
			line := r.line()
			if errors.Is(err, io.ErrUnexpectedEOF) {
				line = len(r.ends) + 1
			}
			f.add(place(name, line), "%v", err)
			return docs
		case n.Kind == yaml.SequenceNode:
			docs = append(docs, n.Content...)
		default:
			docs = append(docs, n)
		}
	}
}

// jsonReader makes nodes of JSON.
type jsonReader struct {
	d    *json.Decoder
	ends []int // offsets of the ends of lines
}

func newJSONReader(data []byte) *jsonReader {
	r := &jsonReader{d: json.NewDecoder(bytes.NewReader(data))}
	r.d.UseNumber()
	for i, b := range data {
		if b == '\n' {
			r.ends = append(r.ends, i)
		}
	}
	return r
}

// line is that of the token read last.
func (r *jsonReader) line() int {
	n, _ := slices.BinarySearch(r.ends, int(r.d.InputOffset()))
	return n + 1
}

// value reads a value. io.EOF: there is none.
func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	t, err := r.d.Token()
	if err != nil {
		if depth > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line()}
	switch t := t.(type) {
	case json.Delim:
		if depth > maxDepth {
			return nil, fmt.Errorf("it nests deeper than %d", maxDepth)
		}
		return n, r.items(n, t, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
		if !strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(t)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// items reads what stands in brackets or braces.
func (r *jsonReader) items(n *yaml.Node, open json.Delim, depth int) error {
	n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.d.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, item)
	}
	_, err := r.d.Token() // the closing one
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// bounded refuses aliases that make a document endless, or far larger than it is.
func bounded(n *yaml.Node) error {
	m := meter{sizes: map[*yaml.Node]int{}}
	size, err := m.size(n, 0)
	if err != nil {
		return err
	}
	if size-len(m.sizes) > maxAliased {
		return fmt.Errorf("line %d: aliases make the document %d nodes larger, more than %d", n.Line, size-len(m.sizes), maxAliased)
	}
	return nil
}

type meter struct{ sizes map[*yaml.Node]int }

// size counts nodes as if aliases were written out.
func (m *meter) size(n *yaml.Node, depth int) (int, error) {
	if size, ok := m.sizes[n]; ok {
		if size == 0 {
			return 0, fmt.Errorf("line %d: anchor %s contains itself", n.Line, n.Anchor)
		}
		return size, nil
	}
	if depth > maxDepth {
		return 0, fmt.Errorf("line %d: it nests deeper than %d", n.Line, maxDepth)
	}
	m.sizes[n] = 0
	below := n.Content
	if n.Kind == yaml.AliasNode {
		below = []*yaml.Node{n.Alias}
	}
	size := 1
	for _, c := range below {
		s, err := m.size(c, depth+1)
		if err != nil {
			return 0, err
		}
		size = min(size+s, 1<<30)
	}
	m.sizes[n] = size
	return size, nil
}

// unaliased gives what an alias stands for.
func unaliased(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// standalone gives a part of a document as one of its own: what aliases in it bring
// from elsewhere is written out.
func standalone(n *yaml.Node) *yaml.Node {
	inside := map[*yaml.Node]bool{}
	var collect func(*yaml.Node)
	collect = func(n *yaml.Node) {
		inside[n] = true
		for _, c := range n.Content {
			collect(c)
		}
	}
	collect(n)
	var clone func(n *yaml.Node, foreign bool) *yaml.Node
	clone = func(n *yaml.Node, foreign bool) *yaml.Node {
		if n.Kind == yaml.AliasNode {
			if !foreign && inside[n.Alias] {
				return n
			}
			return clone(n.Alias, true)
		}
		c := *n
		if foreign {
			c.Anchor = ""
		}
		c.Content = make([]*yaml.Node, len(n.Content))
		for i := range n.Content {
			c.Content[i] = clone(n.Content[i], foreign)
		}
		return &c
	}
	return clone(n, false)
}
