package adopt

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxRemark is what the fleet takes as a remark, in bytes.
const maxRemark = 10_000

// comments gives the text of comments as YAML has them, each line with its #.
func comments(c string) string {
	if c == "" {
		return ""
	}
	lines := strings.Split(c, "\n")
	for i, l := range lines {
		l = strings.TrimPrefix(strings.TrimSpace(l), "#")
		lines[i] = strings.TrimRightFunc(strings.TrimPrefix(l, " "), unicode.IsSpace)
	}
	return strings.Join(lines, "\n")
}

// remark makes one text of several, one line or more each; what is there twice is
// said once. Characters that would not stay on their line are spaces.
func remark(texts ...string) string {
	var kept []string
	seen := map[string]bool{}
	for _, t := range texts {
		if t == "" {
			continue
		}
		t = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\t':
				return r
			case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == utf8.RuneError:
				return ' '
			}
			return r
		}, t)
		t = strings.Trim(t, "\n")
		if strings.TrimSpace(t) == "" || seen[t] {
			continue
		}
		seen[t] = true
		kept = append(kept, t)
	}
	return strings.Join(kept, "\n")
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

// remarkOf collects the comments at a node and below it, but at those to skip.
func remarkOf(n *yaml.Node, skip map[*yaml.Node]bool) string {
	var all []string
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if skip[n] {
			return
		}
		all = append(all, comments(n.HeadComment), comments(n.LineComment))
		for _, c := range n.Content {
			walk(c)
		}
		all = append(all, comments(n.FootComment))
	}
	walk(n)
	return remark(all...)
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
