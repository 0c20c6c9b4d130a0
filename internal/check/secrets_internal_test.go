package check

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/config"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// Every Secret that Prometheus's structs can hold, in every registered service
// discovery, is found: all structs are filled by reflection, by their Go fields
// and not by their YAML tags, and written by Prometheus's own marshaller.
func TestSecretsFindsEverySecretType(t *testing.T) {
	f := filler{}
	var c promconfig.Config
	f.fill(reflect.ValueOf(&c).Elem(), 0)
	config.MarshalSecretValue = true
	yml, err := yamlv2.Marshal(c)
	config.MarshalSecretValue = false
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(yml, &doc); err != nil {
		t.Fatal(err)
	}
	found := (&Config{root: doc.Content[0]}).Secrets()
	var inDocument []string
	scalars(doc.Content[0], "", func(path, value string) {
		if strings.HasPrefix(value, "secret-") {
			inDocument = append(inDocument, path)
		}
	})
	for _, path := range inDocument {
		if !slices.Contains(found, path) {
			t.Errorf("%s is not found", path)
		}
	}
	if len(found) != len(inDocument) {
		t.Errorf("%d are found, %d are in the document", len(found), len(inDocument))
	}
	kinds := map[string]bool{}
	for _, path := range inDocument {
		for _, name := range discovery.RegisteredConfigNames() {
			if strings.Contains(path, "."+name+"_sd_configs[") {
				kinds[name] = true
			}
		}
	}
	t.Logf("%d secrets, %d of %d service discoveries have some", len(inDocument), len(kinds), len(discovery.RegisteredConfigNames()))
	if len(inDocument) < 500 || len(kinds) < 30 {
		t.Errorf("too few: %d secrets in %d service discoveries", len(inDocument), len(kinds))
	}
}

// A filler puts a different text into every Secret that a value can hold.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value, depth int) {
	if depth > 12 || !v.CanSet() {
		return
	}
	t := v.Type()
	switch {
	case t.Kind() == reflect.String && t.Name() == "Secret":
		f.n++
		v.SetString(fmt.Sprintf("secret-%d", f.n))
		return
	case t == reflect.TypeFor[config.TLSVersion]():
		v.Set(reflect.ValueOf(config.TLSVersions["TLS12"]))
		return
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
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct && !strings.HasPrefix(t.Elem().PkgPath(), "github.com/prometheus/") {
			return
		}
		p := reflect.New(t.Elem())
		f.fill(p.Elem(), depth+1)
		v.Set(p)
	case reflect.Struct:
		if !strings.HasPrefix(t.PkgPath(), "github.com/prometheus/") {
			return
		}
		for i := range v.NumField() {
			if t.Field(i).Tag.Get("yaml") != "-" || t.Field(i).Type == reflect.TypeFor[discovery.Configs]() {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		s := reflect.MakeSlice(t, 1, 1)
		f.fill(s.Index(0), depth+1)
		v.Set(s)
	case reflect.Map:
		key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		key.SetString("k")
		f.fill(elem, depth+1)
		m := reflect.MakeMap(t)
		m.SetMapIndex(key, elem)
		v.Set(m)
	}
}

func scalars(n *yaml.Node, path string, visit func(path, value string)) {
	switch n.Kind {
	case yaml.ScalarNode:
		visit(path, n.Value)
	case yaml.SequenceNode:
		for i, c := range n.Content {
			scalars(c, withIndex(path, i), visit)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			scalars(n.Content[i+1], withKey(path, n.Content[i].Value), visit)
		}
	}
}
