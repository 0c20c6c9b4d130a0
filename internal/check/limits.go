package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp/syntax"

	"go.yaml.in/yaml/v3"
)

// What Load takes at most. Prometheus has no such limits; they keep a hostile
// document from costing more than it is worth, and are far above real ones.
const (
	// MaxSize is the size of a document in bytes.
	MaxSize = 4 << 20
	// maxShown is the size of the document that a Prometheus shows: ours, with
	// every default spelled out.
	maxShown = 32 << 20
	// maxDepth is how deep mappings and lists may nest, through aliases.
	maxDepth = 64
	// maxAliased is how many nodes aliases may add to a document.
	maxAliased = 200_000
	// maxRegexp is how many instructions all regular expressions may compile to:
	// a{1000} is 7 bytes and a thousand of them.
	maxRegexp = 1_000_000
)

// parse reads a document into nodes, within the limits. The node is nil for an
// empty document.
func parse(yml []byte, maxSize int) (*yaml.Node, error) {
	if len(yml) > maxSize {
		return nil, fmt.Errorf("the configuration is %d bytes, more than %d", len(yml), maxSize)
	}
	dec := yaml.NewDecoder(bytes.NewReader(yml))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	// Prometheus ignores what follows, so nobody would see what it says.
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one YAML document: Prometheus reads only the first; remove the others")
	}
	root := doc.Content[0]
	m := meter{seen: map[*yaml.Node]extent{}}
	e, err := m.measure(root)
	if err != nil {
		return nil, err
	}
	if e.nodes-len(m.seen) > maxAliased {
		return nil, fmt.Errorf("aliases make the configuration %d nodes larger, more than %d", e.nodes-len(m.seen), maxAliased)
	}
	if m.regexp > maxRegexp {
		return nil, fmt.Errorf("the regular expressions are too large: more than %d instructions", maxRegexp)
	}
	return root, nil
}

// extent is how large a node is with all aliases replaced by what they mean.
type extent struct{ depth, nodes int }

type meter struct {
	seen   map[*yaml.Node]extent
	depth  int
	regexp int
}

func (m *meter) measure(n *yaml.Node) (extent, error) {
	if e, ok := m.seen[n]; ok {
		if e.nodes == 0 {
			return extent{}, fmt.Errorf("yaml: line %d: anchor '%s' value contains itself", n.Line, n.Anchor)
		}
		return e, nil
	}
	m.seen[n] = extent{}
	m.depth++
	defer func() { m.depth-- }()
	children := n.Content
	if n.Kind == yaml.AliasNode {
		children = []*yaml.Node{n.Alias}
	}
	e := extent{depth: 1, nodes: 1}
	for i, c := range children {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "regex" && c.Kind == yaml.ScalarNode {
			m.regexp += regexpSize(c.Value)
		}
		ce, err := m.measure(c)
		if err != nil {
			return extent{}, err
		}
		e.depth = max(e.depth, ce.depth+1)
		// Saturate: a bomb has more nodes than an int can count.
		e.nodes = min(e.nodes+ce.nodes, 1<<40)
		if e.depth > maxDepth || m.depth > maxDepth {
			return extent{}, fmt.Errorf("yaml: line %d: nested deeper than %d levels", n.Line, maxDepth)
		}
	}
	m.seen[n] = e
	return e, nil
}

// regexpSize estimates how many instructions a regular expression compiles to,
// without compiling it. A wrong one counts nothing: the library says so itself.
func regexpSize(s string) int {
	re, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return 0
	}
	return instructions(re)
}

func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Max, re.Min, 1)
	}
	return n
}

// Depth tells how deep lists and objects nest in JSON, without decoding it.
func Depth(body []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
