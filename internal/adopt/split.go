package adopt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parts are a prometheus.yml without its scrape configs, and these.
type parts struct {
	base    string // text
	root    *yaml.Node
	jobs    []*yaml.Node
	heading string // comments at scrape_configs itself that no longer have a place
}

func (p parts) hasKey(key string) bool { return p.root != nil && field(p.root, key) != nil }

const section = "scrape_configs"

// split cuts the scrape configs out of a text that Prometheus would load. The rest
// stays as it is written, if that is possible.
func split(text string) (parts, error) {
	root, err := parse(text)
	if err != nil {
		return parts{}, err
	}
	p := parts{base: tidy(text), root: root}
	at := -1
	if root != nil && root.Kind == yaml.MappingNode {
		for i := 0; i < len(root.Content); i += 2 {
			if root.Content[i].Value == section {
				at = i
			}
		}
	}
	if at < 0 {
		return p, nil
	}
	want := without(root, at)
	if base, rest, ok := cutLines(text, root, at); ok && says(tidy(base), want) && says(rest, root) {
		p.base = tidy(base)
		if p.root, err = parse(rest); err != nil { // without the comments that stay in the base
			return parts{}, err
		}
		p.heading = remark(comments(p.root.Content[at].LineComment))
	} else {
		if p.base, err = written(root, at); err != nil {
			return parts{}, err
		}
		if !says(p.base, want) {
			return parts{}, errors.New("its sections cannot be told apart; write its anchors and aliases out")
		}
		key := root.Content[at]
		p.heading = remark(comments(key.HeadComment), comments(key.LineComment))
	}
	list := p.root.Content[at+1]
	p.heading = remark(p.heading, comments(list.HeadComment), comments(list.LineComment))
	p.jobs = resolved(list).Content
	return p, nil
}

// parse gives the mapping of a document, nil if there is nothing in it.
func parse(text string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// without gives the other sections.
func without(root *yaml.Node, at int) *yaml.Node {
	rest := *root
	rest.Content = slices.Delete(slices.Clone(root.Content), at, at+2)
	return &rest
}

// says tells whether a text says this, nothing being the same as an empty mapping.
func says(text string, want *yaml.Node) bool {
	got, err := parse(text)
	if err != nil {
		return false
	}
	if isNothing(got) || isNothing(want) {
		return isNothing(got) && isNothing(want)
	}
	return same(got, want)
}

func isNothing(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.MappingNode && len(n.Content) == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// same tells whether two nodes mean the same. It compares what is written, since
// decoded values have some that are not equal to themselves (.nan).
func same(a, b *yaml.Node) bool {
	a, b = resolved(a), resolved(b)
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, same)
}

// cutLines takes the lines of the section out. Comments before the next section
// belong to that one; they are blank in rest, the text without them.
func cutLines(text string, root *yaml.Node, at int) (base, rest string, ok bool) {
	key := root.Content[at]
	if root.Style&yaml.FlowStyle != 0 || key.Column != 1 {
		return "", "", false
	}
	lines := linesOf(text)
	from, to := key.Line-1, len(lines)
	if at+2 < len(root.Content) {
		to = root.Content[at+2].Line - 1
	}
	if from >= to || to > len(lines) {
		return "", "", false
	}
	end := to
	for end > from+1 && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(lines[end-1], "#")) {
		end--
	}
	var gap []string
	if from > 0 && end < len(lines) && strings.TrimSpace(lines[from-1]) != "" && strings.TrimSpace(lines[end]) != "" {
		gap = []string{"\n"} // what was above the section is not about the next one
	}
	base = strings.Join(slices.Concat(lines[:from], gap, lines[end:]), "")
	blank := slices.Clone(lines)
	for i := end; i < to; i++ {
		blank[i] = "\n"
	}
	return base, strings.Join(blank, ""), true
}

// linesOf splits a text where YAML has line ends, which stay at their lines.
func linesOf(text string) (lines []string) {
	for text != "" {
		end := len(text)
		if i := strings.IndexAny(text, "\n\r\u0085\u2028\u2029"); i >= 0 {
			_, size := utf8.DecodeRuneInString(text[i:])
			end = i + size
		}
		lines = append(lines, text[:end])
		text = text[end:]
	}
	return lines
}

// written encodes the other sections anew, aliases written out: what they stand for
// may have been in the section that is gone.
func written(root *yaml.Node, at int) (string, error) {
	rest := &yaml.Node{Kind: yaml.MappingNode, HeadComment: root.HeadComment, FootComment: root.FootComment}
	for i, c := range root.Content {
		if i != at && i != at+1 {
			rest.Content = append(rest.Content, expanded(c))
		}
	}
	if len(rest.Content) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(rest); err != nil {
		return "", fmt.Errorf("write the base config: %w", err)
	}
	return tidy(b.String()), nil
}

// trimmed is tidy for a text whose last value may be one of blank lines.
func trimmed(text string) (string, error) {
	root, err := parse(text)
	if err != nil {
		return "", err
	}
	if short := tidy(text); says(short, root) {
		return short, nil
	}
	return written(root, len(root.Content))
}

// expanded is a copy of a node without anchors and aliases, and without text that
// keeps the blank lines behind it. check has bounded what that may grow to.
func expanded(n *yaml.Node) *yaml.Node {
	c := *resolved(n)
	c.Anchor = ""
	if strings.HasSuffix(c.Value, "\n\n") {
		c.Style = yaml.DoubleQuotedStyle
	}
	c.Content = make([]*yaml.Node, len(c.Content))
	for i, child := range resolved(n).Content {
		c.Content[i] = expanded(child)
	}
	return &c
}

// tidy ends a text with one line end; blank is nothing. The mark of the end of a
// document goes, for more is to follow. A document that says nothing keeps only its
// comments: a lone --- would have Prometheus forget its defaults.
func tidy(text string) string {
	text = strings.TrimRight(text, " \t\n")
	if rest, ok := strings.CutSuffix("\n"+text, "\n..."); ok {
		text = strings.TrimRight(rest, " \t\n")
	}
	if root, err := parse(text); err == nil && root != nil && root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		text = strings.Join(slices.DeleteFunc(linesOf(text+"\n"), func(l string) bool {
			l = strings.TrimSpace(l)
			return l != "" && l[0] != '#'
		}), "")
		text = strings.TrimRight(text, " \t\n")
	}
	if text == "" {
		return ""
	}
	return strings.TrimLeft(text, "\n") + "\n"
}
