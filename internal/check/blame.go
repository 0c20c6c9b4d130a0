package check

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of the search for the field to blame. A load of a large document is
// slow, so the bytes that are loaded in all are bounded too.
const (
	maxLoads       = 200
	maxLoadedBytes = 16 << 20
)

// A blamer finds the field of a document that a complaint is about. Prometheus
// says where for what YAML itself finds (a wrong type, an unknown field), but not
// for what it checks afterwards. There the field is the deepest one whose removal
// silences the complaint.
type blamer struct {
	root  *yaml.Node
	text  string
	loads int // left
	bytes int // left to load
}

func newBlamer(root *yaml.Node) *blamer {
	return &blamer{root: root, loads: maxLoads, bytes: maxLoadedBytes}
}

// blame gives the path of the field, "" if it finds none.
func (b *blamer) blame(c complaint) (path string) {
	// It is only a service: no fault of it may hide the complaint.
	defer func() {
		if recover() != nil {
			path = ""
		}
	}()
	if b.root == nil {
		return ""
	}
	var atLine []string
	if c.line > 0 {
		if atLine = fieldsAtLine(b.root, c); len(atLine) == 1 {
			return atLine[0]
		}
	}
	b.text = c.text
	whole := b.root
	b.root = expand(b.root)
	defer func() { b.root = whole }()
	if !b.persists() {
		// Written out again the document says something else.
		if len(atLine) > 0 {
			return atLine[0]
		}
		return ""
	}
	return b.descend(b.root, "")
}

// said gives what the library says of the document as it is now, sorted; nil if
// it takes it.
func (b *blamer) said() (texts []string, ok bool) {
	if b.spent() {
		return nil, false
	}
	yml, err := yaml.Marshal(b.root)
	if err != nil {
		return nil, false
	}
	b.loads--
	b.bytes -= len(yml)
	if _, err := verdict(yml); err != nil {
		for _, c := range complaints(err) {
			texts = append(texts, c.text)
		}
	}
	sort.Strings(texts)
	return texts, true
}

func (b *blamer) spent() bool { return b.loads <= 0 || b.bytes <= 0 }

func (b *blamer) persists() bool {
	texts, ok := b.said()
	return ok && slices.Contains(texts, b.text)
}

// descend follows the complaint from n, which has it, down to the field.
func (b *blamer) descend(n *yaml.Node, path string) string {
	for {
		var child *yaml.Node
		var step string
		switch n.Kind {
		case yaml.SequenceNode:
			if i := b.element(n, 1); i >= 0 {
				child, step = n.Content[i], withIndex(path, i)
				b.isolate(n, child)
			}
		case yaml.MappingNode:
			if i := b.key(n); i >= 0 {
				child, step = n.Content[i+1], withKey(path, n.Content[i].Value)
			}
		}
		if child == nil {
			return path
		}
		n, path = child, step
	}
}

// element finds the element of a list, each width nodes wide, that the complaint
// is about. It gives the element's place in n.Content, or -1.
func (b *blamer) element(n *yaml.Node, width int) int {
	all := n.Content
	defer func() { n.Content = all }()
	if n.Content = nil; b.persists() {
		return -1 // it is about the list
	}
	// Halving is cheap, as what is loaded halves too, but finds only what is wrong
	// with one element alone.
	lo, hi := 0, len(all)/width
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		n.Content = all[lo*width : mid*width]
		if b.persists() {
			hi = mid
			continue
		}
		n.Content = all[mid*width : hi*width]
		if !b.persists() {
			break
		}
		lo = mid
	}
	if hi-lo != 1 {
		// Something is wrong with two together: the second is the one with which
		// the complaint appears, as the library goes through lists in order.
		count := len(all) / width
		lo = sort.Search(count, func(i int) bool {
			n.Content = all[:(i+1)*width]
			return b.persists()
		})
		if lo >= count {
			return -1
		}
	}
	if b.spent() {
		return -1
	}
	return lo * width
}

// isolate leaves a list with one element if the complaint is about that alone,
// which makes all further loads cheaper.
func (b *blamer) isolate(list, element *yaml.Node) {
	all := list.Content
	list.Content = []*yaml.Node{element}
	if len(all) > 1 && !b.persists() {
		list.Content = all
	}
}

// manyKeys is from when on the keys of a mapping are searched like a list.
const manyKeys = 40

// key finds the key of a mapping whose removal silences the complaint. It gives
// the key's place in n.Content, or -1.
func (b *blamer) key(n *yaml.Node) int {
	if len(n.Content) > 2*manyKeys {
		return b.element(n, 2)
	}
	all := n.Content
	defer func() { n.Content = all }()
	n.Content = all
	before, ok := b.said()
	if !ok {
		return -1
	}
	best, bestRank := -1, 0
	for i := 0; i+1 < len(all); i += 2 {
		n.Content = slices.Concat(all[:i], all[i+2:])
		after, ok := b.said()
		if !ok {
			break
		}
		if slices.Contains(after, b.text) {
			continue
		}
		if r := b.rank(all[i], all[i+1], before, after); best < 0 || r < bestRank {
			best, bestRank = i, r
		}
	}
	return best
}

// rank orders the keys whose removal silences the complaint: less is better.
// Where several do, the one that the complaint mentions first is meant; then one
// that has what is mentioned in it; then one with whose removal nothing else goes
// wrong; last, one that is itself required.
func (b *blamer) rank(key, value *yaml.Node, before, after []string) int {
	if at := b.mentioned(key, value); at >= 0 {
		return at
	}
	if b.within(value) {
		return maxMessage * 2
	}
	fresh := 0
	for _, s := range after {
		if !slices.Contains(before, s) {
			fresh++
			if mentions(s, key.Value) >= 0 {
				fresh++
			}
		}
	}
	return maxMessage * 2 * (2 + fresh)
}

// mentioned gives where the complaint mentions a key or its value, or -1.
func (b *blamer) mentioned(key, value *yaml.Node) int {
	at := mentions(b.text, key.Value)
	if value.Kind == yaml.ScalarNode && len(value.Value) > 1 {
		if v := mentions(b.text, oneLine(value.Value)); v >= 0 && (at < 0 || v < at) {
			at = v
		}
	}
	return at
}

// within says whether the complaint mentions anything in a mapping or list.
func (b *blamer) within(n *yaml.Node) bool {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			if b.mentioned(n.Content[i-1], c) >= 0 {
				return true
			}
		} else if b.mentioned(&yaml.Node{}, c) >= 0 {
			return true
		}
		if b.within(c) {
			return true
		}
	}
	return false
}

// mentions gives where text has a word, which may be written scrape_timeout or
// "scrape timeout"; -1 if it has not.
func mentions(text, word string) int {
	for _, w := range []string{word, strings.ReplaceAll(word, "_", " ")} {
		for from := 0; w != ""; {
			at := strings.Index(text[from:], w)
			if at < 0 {
				break
			}
			at += from
			if boundary(text, at-1) && boundary(text, at+len(w)) {
				return at
			}
			from = at + 1
		}
	}
	return -1
}

func boundary(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return true
	}
	c := text[i]
	return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

// fieldsAtLine gives the paths of the fields at the line of a complaint that fit
// what it says.
func fieldsAtLine(root *yaml.Node, c complaint) []string {
	var paths []string
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				key, value := n.Content[i], n.Content[i+1]
				p := withKey(path, key.Value)
				if key.Line == c.line && aboutKey(c.text, key.Value) || value.Line == c.line && aboutValue(c.text, value) {
					paths = append(paths, p)
				}
				walk(value, p)
			}
		case yaml.SequenceNode:
			for i, value := range n.Content {
				p := withIndex(path, i)
				if value.Line == c.line && aboutValue(c.text, value) {
					paths = append(paths, p)
				}
				walk(value, p)
			}
		}
	}
	walk(root, "")
	return slices.Compact(paths)
}

func aboutKey(text, key string) bool {
	return strings.HasPrefix(text, "field "+key+" not found in ") ||
		strings.HasPrefix(text, "field "+key+" already set in ") ||
		strings.HasPrefix(text, "key "+strconv.Quote(key)+" already set in ")
}

func aboutValue(text string, n *yaml.Node) bool {
	rest, ok := strings.CutPrefix(text, "cannot unmarshal ")
	if !ok {
		return false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return strings.HasPrefix(rest, "!!seq ")
	case yaml.MappingNode:
		return strings.HasPrefix(rest, "!!map ")
	case yaml.ScalarNode:
		value := n.Value
		if len(value) > 10 {
			value = value[:7] + "..."
		}
		return strings.Contains(rest, " `"+oneLine(value)+"` into ")
	}
	return false
}

// expand copies a node with what its aliases mean in their place, so that parts
// of it can be taken away one by one.
func expand(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c := *n
	c.Anchor, c.Content = "", make([]*yaml.Node, len(n.Content))
	// Comments cost time and say nothing.
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	for i, child := range n.Content {
		c.Content[i] = expand(child)
	}
	return &c
}
