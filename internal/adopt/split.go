package adopt

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

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
	want, err := plainRest(root, at)
	if err != nil {
		return parts{}, err
	}
	if base, rest, ok := cutLines(text, root, at); ok && says(base, want) {
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

// plainRest gives what the other sections say.
func plainRest(root *yaml.Node, at int) (any, error) {
	rest := *root
	rest.Content = slices.Delete(slices.Clone(root.Content), at, at+2)
	var v any
	err := rest.Decode(&v)
	return v, err
}

// says tells whether a text says this, nothing being the same as an empty mapping.
func says(text string, want any) bool {
	var got any
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		return false
	}
	if m, ok := want.(map[string]any); ok && len(m) == 0 {
		want = nil
	}
	return reflect.DeepEqual(got, want)
}

// cutLines takes the lines of the section out. Comments before the next section
// belong to that one; they are blank in rest, the text without them.
func cutLines(text string, root *yaml.Node, at int) (base, rest string, ok bool) {
	key := root.Content[at]
	if root.Style&yaml.FlowStyle != 0 || key.Column != 1 {
		return "", "", false
	}
	lines := strings.Split(text, "\n")
	from, to := key.Line-1, len(lines)
	if at+2 < len(root.Content) {
		to = root.Content[at+2].Line - 1
	}
	end := to
	for end > from+1 && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(lines[end-1], "#")) {
		end--
	}
	base = strings.Join(slices.Concat(lines[:from], lines[end:]), "\n")
	blank := slices.Clone(lines)
	for i := end; i < to; i++ {
		blank[i] = ""
	}
	return base, strings.Join(blank, "\n"), true
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
	return b.String(), nil
}

// expanded is a copy of a node without anchors and aliases. check has bounded what
// that may grow to.
func expanded(n *yaml.Node) *yaml.Node {
	c := *resolved(n)
	c.Anchor = ""
	c.Content = make([]*yaml.Node, len(c.Content))
	for i, child := range resolved(n).Content {
		c.Content[i] = expanded(child)
	}
	return &c
}

// tidy ends a text with one line end; blank is nothing.
func tidy(text string) string {
	text = strings.TrimRight(text, " \t\n")
	if text == "" {
		return ""
	}
	return strings.TrimLeft(text, "\n") + "\n"
}
