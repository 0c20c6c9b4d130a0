package check

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"go.yaml.in/yaml/v3"
)

// Secrets gives the paths in the document of all values that are secrets: those
// whose type in Prometheus is a Secret, and URLs with a password. Empty ones are
// left out. It goes by the document and Prometheus's types, not by the loaded
// values, because loading moves some: a bearer_token becomes authorization.
func (c *Config) Secrets() []string {
	if c.root == nil {
		return nil
	}
	f := secretFinder{}
	f.walk(c.root, reflect.TypeFor[config.Config](), "")
	return f.paths
}

type secretFinder struct{ paths []string }

// walk visits a node that is read into a value of type t; nil: of no known type.
func (f *secretFinder) walk(n *yaml.Node, t reflect.Type, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if isSecret(t) && n.Value != "" && n.Tag != "!!null" || hasPassword(n.Value) {
			f.paths = append(f.paths, path)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			f.walk(c, elemOf(t), withIndex(path, i))
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Tag == "!!merge" {
				f.merged(value, t, strings.TrimPrefix(path+".<<", "."))
				continue
			}
			f.walk(value, fieldType(t, key.Value), withKey(path, key.Value))
		}
	}
}

// merged visits the value of a merge key: a mapping whose keys count as those of
// the mapping that has it, or a list of such.
func (f *secretFinder) merged(n *yaml.Node, t reflect.Type, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.SequenceNode {
		f.walk(n, t, path)
		return
	}
	for i, c := range n.Content {
		f.walk(c, t, withIndex(path, i))
	}
}

// isSecret: the type of prometheus/common, or one of the same name elsewhere.
func isSecret(t reflect.Type) bool {
	return t != nil && t.Kind() == reflect.String && t.Name() == "Secret"
}

func hasPassword(s string) bool {
	if !strings.Contains(s, "://") {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		return urlPassword.MatchString(s)
	}
	_, ok := u.User.Password()
	return ok
}

func elemOf(t reflect.Type) reflect.Type {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		return t.Elem()
	}
	return nil
}

// fieldType gives the type of the values that a key of type t has in YAML, nil
// if it has no such key.
func fieldType(t reflect.Type, key string) reflect.Type {
	if t == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Map:
		return t.Elem()
	case reflect.Struct:
		for _, f := range yamlFields(t) {
			if f.key == key || f.key == "*" {
				return f.typ
			}
		}
	}
	return nil
}

// A yamlField is a field of a struct as YAML sees it. The key "*" stands for all
// others, where a map is inlined.
type yamlField struct {
	key   string
	typ   reflect.Type
	index []int  // nil in discovery.Configs
	owner string // the struct that declares it (typeName)
}

var fieldCache sync.Map // reflect.Type -> []yamlField

// yamlFields gives the fields of a struct, inlined ones included, and the lists
// of service discoveries where it has discovery.Configs.
func yamlFields(t reflect.Type) []yamlField {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]yamlField)
	}
	var fields []yamlField
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Type == reflect.TypeFor[discovery.Configs]():
			fields = append(fields, discoveryFields()...)
		case name == "-":
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Map:
			fields = append(fields, yamlField{"*", f.Type.Elem(), f.Index, typeName(t)})
		case strings.Contains(options, "inline"):
			for _, sub := range yamlFields(f.Type) {
				if sub.index != nil {
					sub.index = append([]int{i}, sub.index...)
				}
				fields = append(fields, sub)
			}
		case name == "":
			fields = append(fields, yamlField{strings.ToLower(f.Name), f.Type, f.Index, typeName(t)})
		default:
			fields = append(fields, yamlField{name, f.Type, f.Index, typeName(t)})
		}
	}
	fieldCache.Store(t, fields)
	return fields
}

// discoveryFields gives the lists that discovery.Configs has in YAML:
// static_configs and one for each registered service discovery. The library
// keeps them to itself, but shows them to what it asks to fill them in.
var discoveryFields = sync.OnceValue(func() []yamlField {
	var t reflect.Type
	seen := errors.New("seen")
	_ = new(discovery.Configs).UnmarshalYAML(func(v any) error {
		t = reflect.TypeOf(v).Elem()
		return seen
	})
	var fields []yamlField
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		fields = append(fields, yamlField{key: name, typ: t.Field(i).Type, owner: typeName(reflect.TypeFor[discovery.Configs]())})
	}
	return fields
})
