package check

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
)

// structsOf gives every struct that a configuration can hold, all registered
// service discoveries included.
func structsOf(t *testing.T) map[string]reflect.Type {
	t.Helper()
	all := map[string]reflect.Type{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			visit(typ.Elem())
		case reflect.Map:
			visit(typ.Key())
			visit(typ.Elem())
		case reflect.Struct:
			name := typeName(typ)
			if opaqueTypes[name] != "" || all[name] != nil {
				return
			}
			if !strings.HasPrefix(typ.PkgPath(), "github.com/prometheus/") {
				t.Errorf("%s is reached, and is not of Prometheus: say in opaqueTypes what it is", name)
				return
			}
			all[name] = typ
			for i := range typ.NumField() {
				visit(typ.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[config.Config]())
	for _, f := range discoveryFields() {
		visit(f.typ)
	}
	return all
}

// textIn gives the name of a type of text that values of t can hold, "" if none,
// structs aside.
func textIn(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		if t.PkgPath() == "" {
			return "string"
		}
		if plainTypes[typeName(t)] == "" {
			return typeName(t)
		}
	case reflect.Pointer, reflect.Array:
		return textIn(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "[]byte"
		}
		return textIn(t.Elem())
	case reflect.Map:
		return textIn(t.Key()) + textIn(t.Elem())
	case reflect.Interface:
		return "anything"
	}
	return ""
}

// TestEveryFieldIsClassified: a field that a new version of Prometheus brings
// must be looked at before it is trusted.
func TestEveryFieldIsClassified(t *testing.T) {
	structs := structsOf(t)
	fields, paths, writes := 0, 0, 0
	for name, typ := range structs {
		for i := range typ.NumField() {
			f := typ.Field(i)
			kind, known := kindOf(name, f.Name)
			_, reached := yamlKey(f)
			switch text := textIn(f.Type); {
			case f.Type == reflect.TypeFor[discovery.Configs](), text == "" && !known:
				continue
			case !known:
				t.Errorf("%s.%s is a %s, and pathfields.go does not say whether it is a path", name, f.Name, text)
			case text == "":
				t.Errorf("%s.%s holds no text: take it out of pathfields.go", name, f.Name)
			case kind != "" && !reached:
				t.Errorf("%s.%s is a path that Paths would not find: YAML does not reach it", name, f.Name)
			}
			fields++
			if kind != "" {
				paths++
			}
			if kind == Write {
				writes++
			}
			if kind == "" && (strings.HasSuffix(f.Name, "File") || strings.HasSuffix(f.Name, "Files") || strings.HasSuffix(f.Name, "FilePath")) {
				t.Errorf("%s.%s is called like a path, and pathfields.go says that it is none", name, f.Name)
			}
		}
	}
	t.Logf("%d structs, %d fields with text, %d of them paths, %d written", len(structs), fields, paths, writes)
	if len(structs) < 70 || paths < 25 || writes != 3 {
		t.Errorf("that is not what Prometheus has: does the walk still reach everything?")
	}
}

// TestTablesAreNotStale: what is in the tables is there, once.
func TestTablesAreNotStale(t *testing.T) {
	structs := structsOf(t)
	for name, row := range pathFields {
		typ := structs[name]
		if typ == nil {
			t.Errorf("%s is in pathfields.go and no struct of a configuration", name)
			continue
		}
		all := strings.Fields(strings.Join([]string{row.read, row.glob, row.write, row.sock, row.plain}, " "))
		for i, field := range all {
			if _, ok := typ.FieldByName(field); !ok {
				t.Errorf("%s has no field %s", name, field)
			}
			if slices.Contains(all[:i], field) {
				t.Errorf("%s.%s is there twice", name, field)
			}
		}
	}
}

// TestPathsFindsEveryPath fills every field that is a path, in every struct:
// Paths finds them all.
func TestPathsFindsEveryPath(t *testing.T) {
	f := pathFiller{want: map[string]string{}}
	var c, again config.Config
	f.fill(reflect.ValueOf(&c).Elem(), 0)
	(&pathFiller{want: map[string]string{}}).fill(reflect.ValueOf(&again).Elem(), 0)
	seen := map[string]string{}
	bare := 0
	for _, p := range pathsOf(&c, &again) {
		if f.want[p.Value] == "" {
			t.Errorf("%s: %q was not put there", p.Field, p.Value)
		}
		seen[p.Value] = p.Field
		if p.Bare {
			bare++
		}
		if _, err := SplitPath(p.Field); err != nil {
			t.Error(err)
		}
	}
	for value, field := range f.want {
		if seen[value] == "" {
			t.Errorf("%s: %s is not found", field, value)
		}
	}
	t.Logf("%d paths found, %d of them not resolved by Prometheus", len(seen), bare)
	if len(seen) < 500 || bare == 0 || bare > len(seen)/5 {
		t.Error("too few, or too many that are not resolved")
	}
}

// A pathFiller puts a different path into every field that can hold one.
type pathFiller struct {
	want map[string]string // type and field by value
}

func (f *pathFiller) fill(v reflect.Value, depth int) {
	t := v.Type()
	if depth > 12 || !v.CanSet() {
		return
	}
	switch {
	case t == reflect.TypeFor[discovery.Configs]():
		var all discovery.Configs
		for _, field := range discoveryFields() {
			sd := reflect.New(field.typ.Elem().Elem())
			if c, ok := sd.Interface().(discovery.Config); ok {
				f.fill(sd.Elem(), depth+1)
				all = append(all, c)
			}
		}
		v.Set(reflect.ValueOf(all))
	case v.Kind() == reflect.Pointer && strings.HasPrefix(t.Elem().PkgPath(), "github.com/prometheus/"):
		p := reflect.New(t.Elem())
		f.fill(p.Elem(), depth+1)
		v.Set(p)
	case v.Kind() == reflect.Struct && opaqueTypes[typeName(t)] == "":
		for i := range v.NumField() {
			if kind, _ := kindOf(typeName(t), t.Field(i).Name); kind != "" {
				f.set(v.Field(i), typeName(t)+"."+t.Field(i).Name, kind)
			} else if t.Field(i).Tag.Get("yaml") != "-" || t.Field(i).Type == reflect.TypeFor[discovery.Configs]() {
				f.fill(v.Field(i), depth+1)
			}
		}
	case v.Kind() == reflect.Slice && t.Elem().Kind() != reflect.String && t.Elem().Kind() != reflect.Uint8:
		s := reflect.MakeSlice(t, 2, 2)
		for i := range 2 {
			f.fill(s.Index(i), depth+1)
		}
		v.Set(s)
	case v.Kind() == reflect.Map && t.Elem() == reflect.TypeFor[commonconfig.Header]():
		elem := reflect.New(t.Elem()).Elem()
		f.fill(elem, depth+1)
		m := reflect.MakeMap(t)
		m.SetMapIndex(reflect.ValueOf("X-Test"), elem)
		v.Set(m)
	}
}

func (f *pathFiller) set(v reflect.Value, field string, kind PathKind) {
	next := func() string {
		name := fmt.Sprintf("path-%d", len(f.want))
		f.want[name] = field
		if kind == socket {
			return "unix://" + name
		}
		return name
	}
	if v.Kind() == reflect.String {
		v.SetString(next())
		return
	}
	v.Set(reflect.ValueOf([]string{next(), next()}).Convert(v.Type()))
}
