package check

import (
	"cmp"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/config"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"
)

// A veil hides what is or may be a secret in configurations as Prometheus writes
// them: ours first, and then theirs by what it has seen.
type veil struct {
	theirs bool
	ours   map[string]bool // secrets that ours has
	seen   []string        // those of all, which are looked for everywhere
}

// place is where a value stands.
type place struct {
	key    string // the nearest one
	free   bool   // the key is somebody's own word, as a label or parameter
	secret bool   // all values here count as secrets
}

// secretMaps have keys that are somebody's own and values that may be secrets.
var secretMaps = map[string]bool{"headers": true, "proxy_connect_header": true, "endpoint_params": true}

// secretWord is what somebody calls a secret.
var secretWord = regexp.MustCompile(`(?i)passw|passphrase|pwd|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|bearer|cookie|signature|session|(^|[_-])auth`)

// hide masks a document in place. from is what it was made of, as far as that is
// known: the library has masked some of it already.
func (m *veil) hide(root *yaml.Node, from *promconfig.Config) {
	if m.ours == nil {
		m.ours = map[string]bool{}
	}
	m.walk(root, reflect.ValueOf(from), reflect.TypeFor[promconfig.Config](), place{})
}

// walk visits a node of a value of type t; nil: of no known type.
func (m *veil) walk(n *yaml.Node, v reflect.Value, t reflect.Type, at place) {
	n = resolve(n)
	if n == nil {
		return
	}
	v, t = behind(v), asWritten(t)
	switch n.Kind {
	case yaml.ScalarNode:
		m.scalar(n, v, t, at)
	case yaml.SequenceNode:
		for i, c := range n.Content {
			m.walk(c, elementOf(v, i), elemOf(t), at)
		}
	case yaml.MappingNode:
		if re := child(n, "regex"); t == reflect.TypeFor[relabel.Config]() && re != nil && re.Value == "(.*)" {
			dropKey(n, "regex") // some versions write the default, others do not
		}
		target := child(n, "target_label")
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			below := fieldType(t, key)
			free := below == nil || mapped(t)
			in := place{key: key, free: free, secret: at.secret || !free && secretMaps[key]}
			switch {
			case at.key == "http_headers" && !at.free:
				in = place{key: oneHeader}
			case at.key == oneHeader:
				in = place{key: key, secret: key != "files"}
			case key == "replacement" && target != nil && secretWord.MatchString(target.Value):
				in.secret = true
			}
			m.walk(value, valueOf(v, key), below, in)
		}
	}
}

// oneHeader stands for the name of one of http_headers.
const oneHeader = "(header)"

// scalar masks a value if it is one that is not to be shown.
func (m *veil) scalar(n *yaml.Node, v reflect.Value, t reflect.Type, at place) {
	if n.Value == "" || n.Tag == "!!null" {
		return
	}
	text, sure := n.Value, isSecret(t) || n.Value == masked
	if v.IsValid() {
		switch u, isURL := v.Interface().(config.URL); {
		case isURL && u.URL != nil:
			text = u.String()
		case isSecret(v.Type()) && v.Len() > 0:
			text = v.String()
		}
	}
	hidden := ""
	switch {
	case sure:
		hidden = m.mark(text, true)
	case at.secret || at.free && secretWord.MatchString(at.key):
		hidden = m.mark(text, false)
	default:
		hidden = m.inText(text, at.key)
	}
	if hidden != n.Value {
		n.Value, n.Tag, n.Style = hidden, "!!str", 0
	}
}

// mark gives what stands for a secret. Sure ones are looked for in all texts.
func (m *veil) mark(secret string, sure bool) string {
	switch {
	case secret == masked || secret == redacted || secret == someUUID:
		return masked // Prometheus has masked it, so it may be any
	case !m.theirs:
		m.ours[secret] = true
	case !m.ours[secret]:
		m.remember(secret, sure)
		return maskedOther
	}
	m.remember(secret, sure)
	return masked
}

func (m *veil) remember(secret string, sure bool) {
	if sure && len(secret) >= leastSecret && !slices.Contains(m.seen, secret) {
		m.seen = append(m.seen, secret)
	}
}

// redacted is what Go puts in the place of a URL's password.
const redacted = "xxxxx"

var (
	bareUserinfo = regexp.MustCompile(`^([^\s/@:]+):([^\s@]+)@`)
	anyUserinfo  = regexp.MustCompile(`(://)([^\s"]*)@`)
)

// inText masks what a text has of URLs' users, passwords and queries.
func (m *veil) inText(s, key string) string {
	if key == "regex" {
		return s // it may look like any of these
	}
	if !strings.Contains(s, "://") {
		if parts := bareUserinfo.FindStringSubmatch(s); parts != nil {
			s = parts[1] + ":" + m.mark(parts[2], true) + "@" + s[len(parts[0]):]
		}
		if strings.HasPrefix(s, "/") {
			s = m.query(s)
		}
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		s = anyUserinfo.ReplaceAllStringFunc(s, func(found string) string {
			return "://" + m.mark(strings.TrimSuffix(strings.TrimPrefix(found, "://"), "@"), true) + "@"
		})
		return m.query(s)
	}
	scheme, rest, _ := strings.Cut(s, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, rest := rest[:end], rest[end:]
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, password, both := strings.Cut(authority[:i], ":")
		if both {
			user += ":" + m.mark(unescaped(password), true)
		} else {
			user = m.mark(unescaped(user), true)
		}
		authority = user + authority[i:]
	}
	return scheme + "://" + authority + m.query(rest)
}

func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// query masks the values of a query: what they are called says nothing about what
// they are, as InfluxDB's p is a password.
func (m *veil) query(s string) string {
	path, query, is := strings.Cut(s, "?")
	if !is {
		return s
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, named := strings.Cut(part, "=")
		switch {
		case named && value != "":
			parts[i] = name + "=" + m.mark(value, false)
		case !named && part != "":
			parts[i] = m.mark(part, false)
		}
	}
	return path + "?" + strings.Join(parts, "&")
}

// scrub masks what is left of secrets elsewhere: within another value.
func (m *veil) scrub(text string) string {
	slices.SortFunc(m.seen, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, secret := range m.seen {
		text = strings.ReplaceAll(text, secret, masked)
	}
	return text
}

// behind gives the value that a pointer or an interface leads to.
func behind(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	return v
}

// valueOf gives what a key has in a value; invalid if that is not known.
func valueOf(v reflect.Value, key string) reflect.Value {
	if !v.IsValid() {
		return v
	}
	switch v.Kind() {
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			return v.MapIndex(reflect.ValueOf(key).Convert(v.Type().Key()))
		}
	case reflect.Struct:
		return fieldOf(v, key)
	}
	return reflect.Value{}
}

func fieldOf(v reflect.Value, key string) reflect.Value {
	for _, f := range yamlFields(v.Type()) {
		switch {
		case f.index == nil && f.key == key:
			if all, ok := discoveries(v); ok {
				return reflect.ValueOf(all[key])
			}
		case f.index == nil:
		case f.key == key:
			if found, err := v.FieldByIndexErr(f.index); err == nil {
				return found
			}
		case f.key == "*":
			if found, err := v.FieldByIndexErr(f.index); err == nil {
				if found = valueOf(found, key); found.IsValid() {
					return found
				}
			}
		}
	}
	return reflect.Value{}
}

func elementOf(v reflect.Value, i int) reflect.Value {
	if v.IsValid() && (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && i < v.Len() {
		return v.Index(i)
	}
	return reflect.Value{}
}
