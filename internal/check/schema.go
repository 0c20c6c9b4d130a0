package check

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"
)

// Schemas are JSON Schemas (2020-12) of what may stand in a configuration, made of
// Prometheus's own structs: editors complete its fields and find misspelt ones. They
// accept what Prometheus reads; they refuse unknown fields and wrong types, and leave
// the rest of the verdict to Load. Annotations say what a field is for, its default, and
// as examples what it may be where that is one of a few words.
type Schemas struct {
	Base         map[string]any // a prometheus.yml without scrape_configs
	ScrapeConfig map[string]any // a scrape_config without job_name
	Defs         map[string]any // what both refer to as #/$defs/NAME
}

// NewSchemas makes them, for the linked version of Prometheus.
func NewSchemas() Schemas {
	s := schemas{defs: maps.Clone(scalarSchemas)}
	return Schemas{
		Base:         s.object(reflect.TypeFor[config.Config](), "scrape_configs"),
		ScrapeConfig: s.object(reflect.TypeFor[config.ScrapeConfig](), "job_name"),
		Defs:         s.defs,
	}
}

type object = map[string]any

// scalarSchemas are the definitions of what has no fields. Text may look like a number
// or a bool: Prometheus takes it as it is written. So may bools look like text, as
// YAML 1.1 has them.
var scalarSchemas = object{
	"text":   object{"type": []string{"string", "number", "boolean", "null"}},
	"texts":  object{"type": "object", "additionalProperties": ref("text")},
	"bool":   object{"anyOf": []object{{"type": []string{"boolean", "null"}}, {"enum": sortedBools()}}},
	"number": object{"type": []string{"number", "null"}},
	"count":  object{"type": []string{"integer", "null"}},
	"duration": object{
		"type": []string{"string", "integer", "null"}, "minimum": 0, "maximum": 0,
		"pattern":  `^(([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?|0)$`,
		"examples": []string{"15s", "1m", "1h30m"},
	},
	"size": object{
		"type": []string{"string", "integer", "null"}, "minimum": 0, "maximum": 0,
		"pattern":  `^([0-9.]+([KMGTPE]i?)?B)+$|^0$`,
		"examples": []string{"10MB", "512KiB"},
	},
	"goDuration": object{
		"type":    []string{"string", "integer", "null"},
		"pattern": `^[+-]?([0-9.]+(ns|us|µs|μs|ms|s|m|h))+$|^0$`,
	},
	"targets": object{
		"type": "object", "additionalProperties": false,
		"properties": object{
			"targets": object{"type": []string{"array", "null"}, "items": ref("text"), "description": "Addresses: host:port."},
			"labels":  object{"anyOf": []object{ref("texts"), {"type": "null"}}, "description": "Labels of all these targets."},
		},
	},
	"action":         words(true, "replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"),
	"scheme":         words(false, "http", "https"),
	"kubernetesRole": words(false, "endpoints", "endpointslice", "ingress", "node", "pod", "service"),
	"scrapeProtocol": object{"enum": slices.Sorted(maps.Keys(config.ScrapeProtocolsHeaders))},
}

// namedSchemas are the definitions of types that are read otherwise than their fields
// say.
var namedSchemas = map[string]string{
	"common/model.Duration":                  "duration",
	"time.Duration":                          "goDuration",
	"github.com/alecthomas/units.Base2Bytes": "size",
	"prometheus/model/relabel.Action":        "action",
	"prometheus/config.ScrapeProtocol":       "scrapeProtocol",
	"prometheus/discovery/kubernetes.Role":   "kubernetesRole",
	"prometheus/discovery/targetgroup.Group": "targets",
}

// wordsOf are the fields that take one of a few words, by struct and field.
var wordsOf = map[string]string{
	"prometheus/config.ScrapeConfig.scheme":       "scheme",
	"prometheus/config.AlertmanagerConfig.scheme": "scheme",
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

// words is one of some words, in any case or as they are.
func words(anyCase bool, list ...string) object {
	one := object{"enum": list}
	if !anyCase {
		return one
	}
	var pattern strings.Builder
	for i, w := range list {
		if i > 0 {
			pattern.WriteByte('|')
		}
		for _, r := range w {
			pattern.WriteString("[" + strings.ToUpper(string(r)) + string(r) + "]")
		}
	}
	return object{"anyOf": []object{one, {"type": "string", "pattern": "^(" + pattern.String() + ")$"}}}
}

func sortedBools() []string { return slices.Sorted(maps.Keys(yamlBools)) }

type schemas struct{ defs object }

// of gives the schema of the values that are read into a type.
func (s schemas) of(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name := namedSchemas[typeName(t)]; name != "" {
		return ref(name)
	}
	switch opaqueTypes[typeName(t)] {
	case "":
	case "labels":
		return ref("texts")
	default:
		return ref("text")
	}
	switch t.Kind() {
	case reflect.Bool:
		return ref("bool")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return s.unlessText(t, "count")
	case reflect.Float32, reflect.Float64:
		return s.unlessText(t, "number")
	case reflect.String:
		return ref("text")
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return ref("text")
		}
		return object{"type": []string{"array", "null"}, "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if isURL(t) {
			return ref("text")
		}
		name := strings.NewReplacer("/", ".", "~", ".").Replace(typeName(t))
		if _, ok := s.defs[name]; !ok {
			s.defs[name] = object{} // it may have itself in it
			s.defs[name] = s.object(t, "")
		}
		return ref(name)
	}
	return object{} // anything
}

// unlessText: a number that makes something of the text that it is given.
func (s schemas) unlessText(t reflect.Type, name string) object {
	if readsText(t) {
		return ref("text")
	}
	return ref(name)
}

// isURL: the type of prometheus/common that holds a URL, which YAML has as text.
func isURL(t reflect.Type) bool { return t.Name() == "URL" }

// object gives the schema of a struct but one of its fields.
func (s schemas) object(t reflect.Type, but string) object {
	properties, others := object{}, any(false)
	for _, f := range yamlFields(t) {
		switch {
		case f.key == but:
		case f.key == "*":
			others = s.of(f.typ)
		case wordsOf[typeName(t)+"."+f.key] != "":
			properties[f.key] = described(f, ref(wordsOf[typeName(t)+"."+f.key]))
		default:
			properties[f.key] = described(f, s.of(f.typ))
		}
	}
	return object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": others}
}
