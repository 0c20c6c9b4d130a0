package adopt

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxRemark is what the fleet takes as a remark, in bytes.
const maxRemark = 10_000

// comments gives the text of comments as YAML has them, each line with its #, with
// blank lines between those that stood apart.
func comments(c string) string {
	if c == "" {
		return ""
	}
	apart := strings.Split(c, "\n\n")
	for i, one := range apart {
		apart[i] = uncommented(one)
	}
	return strings.Join(apart, "\n\n")
}

// uncommented takes the # away, and one space behind it if all lines have one: those
// of a job that has been commented out keep their indentation.
func uncommented(c string) string {
	lines := strings.Split(c, "\n")
	spaced := true
	for i, l := range lines {
		l = strings.TrimRightFunc(strings.TrimPrefix(strings.TrimSpace(l), "#"), unicode.IsSpace)
		spaced = spaced && (l == "" || l[0] == ' ')
		lines[i] = l
	}
	for i, l := range lines {
		if spaced {
			lines[i] = strings.TrimPrefix(l, " ")
		}
	}
	return strings.Join(lines, "\n")
}

// remark makes one text of several, one line or more each; what is there twice is
// said once. Characters that would not stay on their line, or that YAML does not
// take, are spaces, and lines end without any.
func remark(texts ...string) string {
	var kept []string
	for _, t := range texts {
		t = plain(t)
		if t != "" && !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, "\n")
}

func plain(t string) string {
	lines := strings.Split(strings.Map(commentRune, t), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRightFunc(l, unicode.IsSpace)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func commentRune(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == utf8.RuneError, r&0xfffe == 0xfffe:
		return ' '
	}
	return r
}

// bounded cuts a remark to what the fleet takes.
func bounded(s string) (kept string, cut bool) {
	if len(s) <= maxRemark {
		return s, false
	}
	s = s[:maxRemark-len("…")]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…", true
}

// remarkOf collects the comments at nodes and below them, each once, but at those to
// skip.
func remarkOf(skip map[*yaml.Node]bool, nodes ...*yaml.Node) string {
	c := collector{skip: skip, seen: map[*yaml.Node]bool{}}
	for _, n := range nodes {
		c.walk(n, "")
	}
	return remark(c.found...)
}

type collector struct {
	skip, seen map[*yaml.Node]bool
	found      []string
}

// walk visits a node in the field key.
func (c *collector) walk(n *yaml.Node, key string) {
	if n == nil || c.skip[n] || c.seen[n] {
		return
	}
	c.seen[n] = true
	line := comments(n.LineComment)
	switch key {
	case "", "job_name", "static_configs", "targets":
	default:
		if line != "" {
			line = key + ": " + line // what is said beside a value is about its field
		}
	}
	c.found = append(c.found, comments(n.HeadComment), line)
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode {
			key = n.Content[i&^1].Value
		}
		c.walk(child, key)
	}
	c.found = append(c.found, comments(n.FootComment))
}

// asComment gives a remark as lines of comments.
func asComment(s string) string {
	s = remark(s)
	if s == "" {
		return ""
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight("# "+l, " \t")
	}
	return strings.Join(lines, "\n")
}
