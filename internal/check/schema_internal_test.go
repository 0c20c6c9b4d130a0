package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// fieldsOf gives each field of a schema and of all that it has below, with the schema
// that it has itself: {"relabel_configs[].action": {…}}.
func fieldsOf(s Schemas, root object) map[string]object {
	all := map[string]object{}
	var visit func(schema object, path string, within []string)
	visit = func(schema object, path string, within []string) {
		if name, ok := schema["$ref"].(string); ok {
			name = strings.TrimPrefix(name, "#/$defs/")
			if slices.Contains(within, name) {
				return
			}
			visit(s.Defs[name].(object), path, append(within, name))
			return
		}
		if items, ok := schema["items"].(object); ok {
			visit(items, path+"[]", within)
		}
		if others, ok := schema["additionalProperties"].(object); ok {
			visit(others, path+".*", within)
		}
		properties, _ := schema["properties"].(object)
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			at := strings.TrimPrefix(path+"."+key, ".")
			all[at] = properties[key].(object)
			visit(all[at], at, within)
		}
	}
	visit(root, "", nil)
	return all
}

// Facts are of fields that there are: who renames or removes one finds out here.
func TestFactsAreOfFields(t *testing.T) {
	has := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for _, f := range yamlFields(t) {
			has[f.owner+"."+f.key] = true
			walk(f.typ)
		}
	}
	walk(reflect.TypeFor[config.Config]())
	for owner, of := range facts {
		for key := range of {
			if !has[owner+"."+key] {
				t.Errorf("there is no field %s.%s", owner, key)
			}
		}
	}
}

// What people use most is told of: each field of a scrape_config itself, and of what
// every job may have below it.
func TestFieldsAreDescribed(t *testing.T) {
	s := NewSchemas()
	described, of := 0, 0
	for path, f := range fieldsOf(s, s.ScrapeConfig) {
		top, _, below := strings.Cut(path, ".")
		of++
		if f["description"] != nil {
			described++
			continue
		}
		common := !strings.HasSuffix(strings.TrimSuffix(top, "[]"), "_sd_configs")
		if common || !below || slices.Contains([]string{"file_sd_configs[]", "http_sd_configs[]", "dns_sd_configs[]", "consul_sd_configs[]", "ec2_sd_configs[]"}, top) && below {
			t.Errorf("%s has no description", path)
		}
	}
	t.Logf("%d of %d fields are described", described, of)
}

// verdictOn gives Prometheus's word on a scrape_config that has a value at a path of
// the schema, with what else it needs there.
func verdictOn(path string, value any) error {
	steps := strings.Split(path, ".")
	v := value
	for i, step := range slices.Backward(steps) {
		key, list := strings.CutSuffix(step, "[]")
		if list && i < len(steps)-1 {
			v = []any{v}
		}
		o := object{key: v}
		if i == 1 { // a field of a field of the scrape_config
			for key, needed := range besides(path, value) {
				if o[key] == nil {
					o[key] = needed
				}
			}
		}
		v = o
	}
	job := v.(object)
	job["job_name"] = "j"
	yml, err := yaml.Marshal(object{"scrape_configs": []any{job}})
	if err == nil {
		_, err = Load(yml)
	}
	if err != nil {
		return fmt.Errorf("%w in\n%s", err, yml)
	}
	return nil
}

// besides is what Prometheus wants beside a value.
func besides(path string, value any) object {
	switch {
	case strings.HasSuffix(path, "relabel_configs[].action"):
		switch action := value.(string); {
		case strings.HasSuffix(action, "equal"):
			return object{"source_labels": []string{"a"}, "target_label": "b"}
		case action == "hashmod":
			return object{"source_labels": []string{"a"}, "target_label": "b", "modulus": 2}
		case action == "keep", action == "drop":
			return object{"source_labels": []string{"a"}}
		case !strings.HasPrefix(action, "label"):
			return object{"source_labels": []string{"a"}, "target_label": "b"}
		}
	case strings.HasSuffix(path, "relabel_configs[].replacement"), strings.HasSuffix(path, "relabel_configs[].separator"), strings.HasSuffix(path, "relabel_configs[].regex"):
		return object{"target_label": "b"}
	case strings.HasPrefix(path, "dns_sd_configs[]."):
		return object{"names": []string{"a"}, "port": 80}
	case strings.HasPrefix(path, "file_sd_configs[]."):
		return object{"files": []string{"a.json"}}
	case strings.HasPrefix(path, "http_sd_configs[]."):
		return object{"url": "https://a/"}
	case strings.HasPrefix(path, "ec2_sd_configs[]."):
		return object{"region": "r"}
	case path == "oauth2.grant_type" && value != "client_credentials", path == "oauth2.signature_algorithm":
		return object{"client_id": "i", "token_url": "https://a/", "client_certificate_key": "k", "client_certificate_key_id": "k",
			"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
	case strings.HasPrefix(path, "oauth2."):
		return object{"client_id": "i", "token_url": "https://a/", "client_secret": "s"}
	case strings.HasPrefix(path, "authorization."):
		return object{"credentials": "s"}
	}
	return nil
}

// offered are the words that an editor offers for a field.
func (s Schemas) offered(f object) (words []string) {
	list := func(v any) {
		for w := range reflect.ValueOf(v).Seq2() {
			words = append(words, fmt.Sprint(reflect.ValueOf(v).Index(int(w.Int()))))
		}
	}
	if f["examples"] != nil {
		list(f["examples"])
	}
	of := f
	if items, ok := f["items"].(object); ok {
		of = items
	}
	name, _ := of["$ref"].(string)
	def, _ := s.Defs[strings.TrimPrefix(name, "#/$defs/")].(object)
	if either, ok := def["anyOf"].([]object); ok && name != "#/$defs/bool" {
		def = either[0]
	}
	if def["enum"] != nil {
		list(def["enum"])
	}
	return words
}

// The words that an editor offers, and the defaults that it tells of, are what
// Prometheus takes.
func TestPrometheusTakesWhatIsOffered(t *testing.T) {
	s := NewSchemas()
	words, defaults := 0, 0
	tried := []string{"dns_sd_configs[]", "file_sd_configs[]", "http_sd_configs[]", "consul_sd_configs[]", "ec2_sd_configs[]"}
	for path, f := range fieldsOf(s, s.ScrapeConfig) {
		top, below, _ := strings.Cut(path, ".")
		// What other discoveries need beside is their own affair, and what is below
		// more than one field is the same everywhere.
		if strings.HasSuffix(top, "_sd_configs[]") && (strings.Contains(below, ".") || !slices.Contains(tried, top)) {
			continue
		}
		_, list := f["items"]
		for _, w := range s.offered(f) {
			words++
			v := any(w)
			if list {
				v = []string{w}
			}
			if err := verdictOn(path, v); err != nil {
				t.Errorf("%s: %q: %v", path, w, err)
			}
		}
		if is := f["default"]; is != nil && strings.Count(path, ".") < 2 {
			defaults++
			if err := verdictOn(path, is); err != nil {
				t.Errorf("the default of %s: %v: %v", path, is, err)
			}
		}
	}
	t.Logf("%d words and %d defaults tried", words, defaults)
	if words < 60 || defaults < 30 {
		t.Errorf("%d words and %d defaults are not all", words, defaults)
	}
}

// chineseFields has what the web UI says in Chinese instead of a description. It looks a
// description up as it is: who rewords one rewords the other too.
const chineseFields = "../../web/src/locales/zh/editor/fields.json"

func TestFieldsAreDescribedInChinese(t *testing.T) {
	b, err := os.ReadFile(chineseFields)
	if err != nil {
		t.Fatal(err)
	}
	var chinese map[string]string
	if err := json.Unmarshal(b, &chinese); err != nil {
		t.Fatalf("%s: %v", chineseFields, err)
	}
	s := NewSchemas()
	said := map[string]bool{}
	for path, f := range fieldsOf(s, s.ScrapeConfig) {
		text, ok := f["description"].(string)
		if !ok || said[text] {
			continue
		}
		said[text] = true
		if chinese[text] == "" {
			t.Errorf("%s has no Chinese for %s: %q", chineseFields, path, text)
		}
	}
	for text := range chinese {
		if !said[text] {
			t.Errorf("%s has Chinese for what no field says: %q", chineseFields, text)
		}
	}
}
