package check

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"
)

// What stands in a masked text where a secret, or what may be one, stood.
const (
	masked      = "<secret>"
	maskedOther = "<another secret>" // not the one that should be there
	maskedText  = "<not shown>"
)

// masker masks ours first, and then theirs by what it has seen.
type masker struct {
	theirs   bool
	ours     map[string]bool // secrets that ours has
	comments map[string]bool // lines of comments that ours has
	seen     []string        // secrets of both
	done     map[*yaml.Node]bool
}

// MaskedPair gives two versions of a prometheus.yml as a user may compare them:
// ours, which is as it should be, and theirs, which somebody has edited and which
// may be anything. Both are written alike, so that what differs in white space or
// quotes only is the same.
//
// No secret is shown of either. Of theirs that goes for all that Prometheus does
// not know (a password may stand under a misspelt key), for comments that ours
// does not have, and, where it is no YAML, for the value of every line that is not
// one of ours. A secret that ours does not have is told from one that it has.
func MaskedPair(ours, theirs []byte) (want, have string) {
	m := masker{ours: map[string]bool{}, comments: map[string]bool{}, done: map[*yaml.Node]bool{}}
	want, ok := m.yaml(ours)
	if !ok {
		want = maskLines(string(ours), "")
	}
	m.theirs = true
	if have, ok = m.yaml(theirs); !ok {
		have = maskLines(string(theirs), want)
	}
	return m.scrub(want), m.scrub(have)
}

// leastSecret is how long a secret is, in bytes, to be looked for where Prometheus
// has none: shorter ones are found in anything.
const leastSecret = 6

// scrub masks what is left of secrets elsewhere: within another value, or in a
// comment.
func (m *masker) scrub(text string) string {
	for _, secret := range m.seen {
		if len(secret) >= leastSecret {
			text = strings.ReplaceAll(text, secret, masked)
		}
	}
	return text
}

// MaskedTargets is MaskedPair for target files; ours may be nil, if it is not known.
func MaskedTargets(ours, theirs []byte) (want, have string) {
	want, ok := targetLines(ours)
	if !ok {
		want = maskLines(string(ours), "")
	}
	if have, ok = targetLines(theirs); !ok {
		have = maskLines(string(theirs), want)
	}
	return want, have
}

// targetLines writes a target file with a line for each target and label.
func targetLines(body []byte) (string, bool) {
	if len(body) == 0 {
		return "", true
	}
	if _, err := TargetGroups(body); err != nil {
		return "", false
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return "", false
	}
	out.WriteByte('\n')
	return urlPassword.ReplaceAllString(out.String(), "$1:"+masked+"@"), true
}

func (m *masker) yaml(text []byte) (string, bool) {
	root, err := parseShown(text)
	if err != nil {
		return "", false
	}
	if root == nil {
		return "", true
	}
	m.walk(root, reflect.TypeFor[config.Config](), true)
	m.comment(root)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return "", false
	}
	return out.String(), enc.Close() == nil
}

// parseShown is parse, and never panics.
func parseShown(text []byte) (root *yaml.Node, err error) {
	defer recoverAs(&err)
	return parse(text, maxShown)
}

// walk masks a node that is read into a value of type t. Not known: Prometheus has
// no such field.
func (m *masker) walk(n *yaml.Node, t reflect.Type, known bool) {
	m.keep(n)
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	t = asWritten(t)
	switch n.Kind {
	case yaml.ScalarNode:
		m.scalar(n, t, known)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			m.walk(c, elemOf(t), known && listed(t))
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			m.pair(n.Content[i], n.Content[i+1], t, known)
		}
	}
}

func (m *masker) pair(key, value *yaml.Node, t reflect.Type, known bool) {
	m.keep(key)
	if key.Tag == "!!merge" {
		if v := resolve(value); v.Kind == yaml.SequenceNode {
			for _, c := range v.Content {
				m.walk(c, t, known)
			}
			return
		}
		m.walk(value, t, known)
		return
	}
	field := fieldType(t, key.Value)
	m.walk(value, field, known && (field != nil || mapped(t)))
	if m.theirs && key.Kind == yaml.ScalarNode && field == nil && !keyLike.MatchString(key.Value) {
		m.hide(key, maskedText)
	}
}

// keyLike is what a misspelt key may look like; anything else may be a value in
// the place of a key.
var keyLike = regexp.MustCompile(`^[a-zA-Z_]{1,32}$`)

func (m *masker) scalar(n *yaml.Node, t reflect.Type, known bool) {
	if n.Value == "" || n.Tag == "!!null" || m.done[n] {
		return
	}
	secret := isSecret(t) || hasPassword(n.Value)
	if secret {
		m.seen = append(m.seen, n.Value)
	}
	switch {
	case secret && !m.theirs:
		m.ours[n.Value] = true
		m.hide(n, masked)
	case m.theirs && m.ours[n.Value] && (secret || len(n.Value) >= leastSecret):
		m.hide(n, masked)
	case secret:
		m.hide(n, maskedOther)
	case m.theirs && (!known || compound(t)):
		m.hide(n, maskedText)
	}
}

func (m *masker) hide(n *yaml.Node, with string) {
	m.done[n] = true
	n.Value, n.Tag, n.Style = with, "!!str", 0
}

// compound: a value of this type is no scalar, so one in its place is unknown.
func compound(t reflect.Type) bool {
	if t == nil {
		return false
	}
	switch t.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array:
		return true
	case reflect.Struct:
		// A struct that is written as one word, as a URL, has no tags.
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("yaml") != "" {
				return true
			}
		}
	}
	return false
}

// asWritten gives a type that has the fields of t as they are written, where
// Prometheus's own type does not tell.
func asWritten(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[labels.Labels]():
		return reflect.TypeFor[map[string]string]()
	case reflect.TypeFor[targetgroup.Group]():
		return reflect.TypeFor[struct {
			Targets []string          `yaml:"targets"`
			Labels  map[string]string `yaml:"labels"`
		}]()
	}
	return t
}

func listed(t reflect.Type) bool {
	return t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array)
}

func mapped(t reflect.Type) bool { return t != nil && t.Kind() == reflect.Map }

// keep notes the comments of ours, and hides those of theirs that are not among
// them.
func (m *masker) keep(n *yaml.Node) {
	if n == nil {
		return
	}
	for _, c := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		if *c == "" {
			continue
		}
		lines := strings.Split(*c, "\n")
		for i, line := range lines {
			switch {
			case !m.theirs:
				m.comments[line] = true
			case line != "" && !m.comments[line]:
				lines[i] = "# " + maskedText
			}
		}
		*c = strings.Join(slices.Compact(lines), "\n")
	}
}

// comment is keep for all nodes, those of keys and of aliased values too.
func (m *masker) comment(n *yaml.Node) {
	m.keep(n)
	for _, c := range n.Content {
		m.comment(c)
	}
}

// lineKey finds the key of a line, and what is before it.
var lineKey = regexp.MustCompile(`^\s*(?:- +)*[a-zA-Z_]{1,32}:\s`)

// maskLines shows of a text of which nothing is known the lines that shown has,
// and of others a key at the most.
func maskLines(text, shown string) string {
	known := map[string]bool{}
	for line := range strings.Lines(shown) {
		known[strings.TrimRight(line, " \r\n")] = true
	}
	var out strings.Builder
	for line := range strings.Lines(strings.ToValidUTF8(text, "\uFFFD")) {
		line = strings.TrimRight(line, " \r\n")
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		key := lineKey.FindString(line + "\n")
		switch {
		case known[line], key == line+"\n":
			out.WriteString(line)
		case key != "":
			out.WriteString(strings.TrimRight(key, " \t\n") + " " + maskedText)
		default:
			out.WriteString(indent + maskedText)
		}
		out.WriteByte('\n')
	}
	return out.String()
}
