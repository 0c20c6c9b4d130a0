package check

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/prometheus/common/config"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"
)

// A side is a value of a loaded configuration beside the node of the document
// that it was read from; nil if the document does not set it.
type side struct {
	v reflect.Value
	n *yaml.Node
}

// A difference is the first place where two configurations differ, with the
// values there as a user may see them: secrets are masked.
type difference struct {
	path         string
	wanted, have string
}

// A differ compares loaded configurations field by field, as Prometheus's own
// types have them.
type differ struct {
	// allow says that a field may differ; nil: none may.
	allow func(path string, wanted, have side) bool
}

// field compares a field and asks allow about a difference.
func (d *differ) field(path string, wanted, have side) *difference {
	diff := d.compare(path, wanted, have)
	if diff != nil && d.allow != nil && d.allow(path, wanted, have) {
		return nil
	}
	return diff
}

func (d *differ) compare(path string, wanted, have side) *difference {
	w, h := wanted.v, have.v
	if w.Kind() == reflect.Pointer || w.Kind() == reflect.Interface {
		if w.IsNil() || h.IsNil() {
			if w.IsNil() == h.IsNil() {
				return nil
			}
			return &difference{path, show(w), show(h)}
		}
		return d.compare(path, side{w.Elem(), wanted.n}, side{h.Elem(), have.n})
	}
	switch w.Interface().(type) {
	case config.URL, relabel.Regexp:
		return scalar(path, w, h)
	case labels.Labels:
		toMap := func(s side) side {
			return side{reflect.ValueOf(s.v.Interface().(labels.Labels).Map()), s.n}
		}
		return d.compare(path, toMap(wanted), toMap(have))
	case targetgroup.Group:
		toGroup := func(s side) side {
			g := s.v.Interface().(targetgroup.Group)
			return side{reflect.ValueOf(groupOf(&g)), s.n}
		}
		return d.compare(path, toGroup(wanted), toGroup(have))
	}
	switch w.Kind() {
	case reflect.Struct:
		return d.structs(path, wanted, have)
	case reflect.Map:
		return d.maps(path, wanted, have)
	case reflect.Slice:
		if w.Len() != h.Len() {
			return &difference{path, entries(w), entries(h)}
		}
		for i := range w.Len() {
			if diff := d.field(withIndex(path, i), side{w.Index(i), at(wanted.n, i)}, side{h.Index(i), at(have.n, i)}); diff != nil {
				return diff
			}
		}
		return nil
	}
	if w.Equal(h) {
		return nil
	}
	return scalar(path, w, h)
}

func (d *differ) structs(path string, wanted, have side) *difference {
	for _, f := range yamlFields(wanted.v.Type()) {
		if f.index == nil {
			continue // a service discovery, below
		}
		w, h := wanted.v.FieldByIndex(f.index), have.v.FieldByIndex(f.index)
		if f.key == "*" {
			if diff := d.maps(path, side{w, wanted.n}, side{h, have.n}); diff != nil {
				return diff
			}
			continue
		}
		if diff := d.field(withKey(path, f.key), side{w, child(wanted.n, f.key)}, side{h, child(have.n, f.key)}); diff != nil {
			return diff
		}
	}
	w, ok := discoveries(wanted.v)
	if !ok {
		return nil
	}
	h, _ := discoveries(have.v)
	for _, f := range discoveryFields() {
		diff := d.field(withKey(path, f.key),
			side{reflect.ValueOf(w[f.key]), child(wanted.n, f.key)},
			side{reflect.ValueOf(h[f.key]), child(have.n, f.key)})
		if diff != nil {
			return diff
		}
	}
	return nil
}

// discoveries gives the service discoveries of a struct by their list in YAML.
func discoveries(v reflect.Value) (map[string][]any, bool) {
	for i := range v.NumField() {
		if v.Field(i).Type() != reflect.TypeFor[discovery.Configs]() {
			continue
		}
		list := v.Field(i).Interface().(discovery.Configs)
		byKey := map[string][]any{}
		for _, c := range list {
			if groups, ok := c.(discovery.StaticConfig); ok {
				for _, g := range groups {
					byKey["static_configs"] = append(byKey["static_configs"], g)
				}
				continue
			}
			key := c.Name() + "_sd_configs"
			byKey[key] = append(byKey[key], c)
		}
		return byKey, true
	}
	return nil, false
}

func (d *differ) maps(path string, wanted, have side) *difference {
	var keys []string
	for _, m := range []reflect.Value{wanted.v, have.v} {
		for _, k := range m.MapKeys() {
			keys = append(keys, k.String())
		}
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		p := withKey(path, k)
		key := reflect.ValueOf(k).Convert(wanted.v.Type().Key())
		w, h := wanted.v.MapIndex(key), have.v.MapIndex(key)
		if !w.IsValid() || !h.IsValid() {
			return &difference{p, show(w), show(h)}
		}
		if diff := d.field(p, side{w, child(wanted.n, k)}, side{h, child(have.n, k)}); diff != nil {
			return diff
		}
	}
	return nil
}

// scalar compares two values by what they are written as.
func scalar(path string, w, h reflect.Value) *difference {
	if text(w) == text(h) {
		return nil
	}
	diff := &difference{path, show(w), show(h)}
	if diff.wanted == diff.have {
		diff.wanted += " (another one)"
	}
	return diff
}

// text is a value in full, secrets and passwords too.
func text(v reflect.Value) string {
	if u, ok := v.Interface().(config.URL); ok {
		if u.URL == nil {
			return ""
		}
		return u.URL.String()
	}
	return fmt.Sprint(v.Interface())
}

const maxShownValue = 80

// show is a value for a message.
func show(v reflect.Value) string {
	if !v.IsValid() {
		return "not set"
	}
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return "not set"
		}
		v = v.Elem()
	}
	var s string
	switch {
	case isSecret(v.Type()) && v.Len() > 0:
		return "<secret>"
	case v.Type() == reflect.TypeFor[config.URL]():
		if s = v.Interface().(config.URL).Redacted(); s == "" {
			return "not set"
		}
	case v.Type() == reflect.TypeFor[relabel.Regexp]():
		s = fmt.Sprintf("%q", text(v))
	case v.Kind() == reflect.String:
		s = fmt.Sprintf("%q", oneLine(v.String()))
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
		return entries(v)
	case v.Kind() == reflect.Struct:
		return "set"
	default:
		s = text(v)
	}
	if r := []rune(s); len(r) > maxShownValue {
		s = string(r[:maxShownValue]) + "..."
	}
	return oneLine(s)
}

func entries(v reflect.Value) string {
	switch v.Len() {
	case 0:
		return "not set"
	case 1:
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", v.Len())
}

// child gives the value of a key of a mapping, through aliases and merge keys;
// nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Tag == "!!merge":
			if v = resolve(v); v.Kind != yaml.SequenceNode {
				merged = child(v, key)
				continue
			}
			for _, m := range v.Content {
				if merged == nil {
					merged = child(m, key)
				}
			}
		case k.Value == key:
			return v
		}
	}
	return merged
}

// at gives an element of a list, nil if there is none.
func at(n *yaml.Node, i int) *yaml.Node {
	n = resolve(n)
	if n == nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
		return nil
	}
	return n.Content[i]
}

func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// sections compares all of two configurations but the scrape configs.
func (d *differ) sections(wanted, have *promconfig.Config, wantedRoot, haveRoot *yaml.Node) *difference {
	wc, hc := *wanted, *have
	wc.ScrapeConfigs, hc.ScrapeConfigs = nil, nil
	return d.compare("", side{reflect.ValueOf(wc), wantedRoot}, side{reflect.ValueOf(hc), haveRoot})
}

// job compares two scrape configs.
func (d *differ) job(wanted, have *promconfig.ScrapeConfig, wantedNode, haveNode *yaml.Node) *difference {
	return d.compare("", side{reflect.ValueOf(*wanted), wantedNode}, side{reflect.ValueOf(*have), haveNode})
}

// byName gives the places of scrape configs by job_name.
func byName(list []*promconfig.ScrapeConfig) map[string]int {
	places := make(map[string]int, len(list))
	for i, sc := range list {
		places[sc.JobName] = i
	}
	return places
}
