package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"promfleet/internal/check/checktest"
)

// apiSchema is what the tests read of a JSON schema to make values of it.
type apiSchema struct {
	Ref         string `json:"$ref"`
	Type        any    // a string or a list of them
	Format      string
	Enum        []any
	Properties  map[string]*apiSchema
	Required    []string
	Items       *apiSchema
	Additional  *apiSchema `json:"additionalProperties"`
	OneOf       []*apiSchema
	AnyOf       []*apiSchema
	AllOf       []*apiSchema
	Minimum     *float64
	Maximum     *float64
	MinLength   int
	MaxLength   *int
	MinItems    int
	Description string
}

// UnmarshalJSON takes true and false as schemas too: they say nothing here.
func (s *apiSchema) UnmarshalJSON(b []byte) error {
	type plain apiSchema
	if !bytes.HasPrefix(b, []byte("{")) {
		return nil
	}
	return json.Unmarshal(b, (*plain)(s))
}

func (s *apiSchema) is(t string) bool {
	if s == nil {
		return false
	}
	list, _ := s.Type.([]any)
	return s.Type == t || slices.Contains(list, any(t))
}

func (d *apiDocument) resolve(s *apiSchema) (_ *apiSchema, name string) {
	for s != nil && s.Ref != "" {
		name = strings.TrimPrefix(s.Ref, "#/components/schemas/")
		s = d.Components.Schemas[name]
	}
	if s == nil {
		s = &apiSchema{}
	}
	return s, name
}

// gen makes input that looks valid.
type gen struct {
	*rand.Rand
	*world
	scope string // whose records it takes
}

func (g gen) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g gen, list []T) (v T) {
	if len(list) > 0 {
		v = list[g.IntN(len(list))]
	}
	return v
}

// known gives a record of the resource that a name is for: job, jobs, join-tokens.
// It is one of those that belong to something of the kind owner, if any does: not
// every token is a user's.
func (g gen) known(name, owner string) record {
	g.lock.Lock()
	defer g.lock.Unlock()
	kind := strings.TrimSuffix(strings.ReplaceAll(name, "-", ""), "s")
	list := g.records[g.scope+kind]
	if len(list) == 0 {
		list = g.records[kind]
	}
	if owned := slices.DeleteFunc(slices.Clone(list), func(r record) bool { return r[owner] == nil }); len(owned) > 0 {
		list = owned
	}
	if len(list) == 0 {
		return nil
	}
	return list[max(g.IntN(len(list)), g.IntN(len(list)))] // rather the newer ones, which are there
}

// word gives a value that a field of this name had in an answer.
func (g gen) word(names ...string) any {
	g.lock.Lock()
	defer g.lock.Unlock()
	for _, n := range names {
		if len(g.words[n]) > 0 {
			return pick(g, g.words[n])
		}
	}
	return nil
}

// secret gives a credential of a role.
func (g gen) secret(role string) string {
	g.lock.Lock()
	defer g.lock.Unlock()
	return pick(g, g.secrets[role])
}

// segments fills a path in, escaped. Several parameters are those of one record:
// a contact and the user whose it is. It gives that record too.
func (g gen) segments(op *apiOperation) ([]string, record) {
	segs := strings.Split(op.path, "/")
	var last record
	for i := len(segs) - 1; i > 0; i-- {
		name, isParam := strings.CutPrefix(segs[i], "{")
		if !isParam {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		var schema *apiSchema
		for _, p := range op.Parameters {
			if p.In == "path" && p.Name == name {
				schema = p.Schema
			}
		}
		before := strings.TrimSuffix(segs[i-1], "s")
		value, ok := last[before]
		if !ok {
			value, ok = last[name]
		}
		if !ok {
			owner := ""
			if i >= 3 && strings.HasPrefix(segs[i-2], "{") {
				owner = strings.TrimSuffix(segs[i-3], "s")
			}
			r := g.known(segs[i-1], owner)
			if r != nil && op.method == http.MethodPost && op.RequestBody == nil && g.chance(50) {
				r = g.known(goneKind+segs[i-1], owner) // to be restored, say
			}
			if r == nil {
				r = g.known(name, owner) // a path that names records otherwise than by collection and id
			}
			if value = identity(r, name, schema); value == nil {
				value = g.value(name, schema, 0)
			} else {
				last = r
			}
		}
		segs[i] = url.PathEscape(text(value))
	}
	return segs, last
}

// identity gives what a record is known by: the field, else its id, uuid or key.
func identity(r record, field string, s *apiSchema) any {
	for _, f := range []string{field, "id", "uuid", "key", "name"} {
		if _, isText := r[f].(string); r[f] != nil && isText == s.is("string") {
			return r[f]
		}
	}
	return nil
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b bytes.Buffer
	encode(&b, v)
	return b.String()
}

// hints are for fields of which no schema can say what is valid.
var hints = map[string]func(gen) any{
	"scrape_config": func(g gen) any {
		sc := record{}
		if g.chance(70) {
			sc = checktest.ScrapeConfig(g.Rand)
		}
		if g.chance(20) {
			sc = checktest.Mutate(g.Rand, sc)
		}
		return sc
	},
	"base_config": func(g gen) any {
		return pick(g, []any{"", "global: {scrape_interval: 30s}\n", "# 北京\nrule_files: [rules/*.yml]\n", "global:\n  external_labels: {region: eu}\n",
			"remote_write:\n- url: http://127.0.0.1:1/w\n  basic_auth: {username: u, password: s3cret}\n", "a: &a [b]\nc: [*a, *a]\n", "global: {scrape_interval: <secret>}\n"})
	},
	"addr": func(g gen) any {
		return pick(g, []any{fmt.Sprintf("host-%d:9100", g.IntN(3000)), fmt.Sprintf("10.0.%d.%d", g.IntN(256), g.IntN(256)), fmt.Sprintf("[fd00::%x]:443", g.IntN(5000)),
			fmt.Sprintf("https://example.com/%d?q=1", g.IntN(1000))})
	},
	"key": func(g gen) any { return ident(g) + ident(g) },
	"sort": func(g gen) any {
		return pick(g, []any{"id", "-id", "created_at", "-updated_at", "name", "addr", "key"})
	},
	"cursor":   func(g gen) any { return g.word("next_cursor") },
	"password": func(g gen) any { return pick(g, []any{password, password, password, "正确的马电池订书钉"}) },
	"current":  func(gen) any { return password },
}

func ident(g gen) string {
	b := make([]byte, 1+g.IntN(8))
	for i := range b {
		b[i] = byte('a' + g.IntN(26))
	}
	return string(b)
}

// value makes one that a schema accepts; name is that of the field.
func (g gen) value(name string, s *apiSchema, depth int) any {
	s, kind := g.document.resolve(s)
	if alternatives := slices.Concat(s.OneOf, s.AnyOf, s.AllOf); len(alternatives) > 0 {
		return g.value(name, pick(g, alternatives), depth+1)
	}
	if len(s.Enum) > 0 {
		return pick(g, s.Enum)
	}
	if hint := hints[name]; hint != nil && (s.Format == "" || s.Format == "int64") {
		if v := hint(g); v != nil {
			return v
		}
	}
	if v := identity(g.known(name, ""), "", s); v != nil && !s.is("object") && !s.is("array") && g.chance(90) {
		return v
	}
	if v := g.word(name); v != nil && (s.is("string") || s.is("integer")) && g.chance(15) {
		return v
	}
	switch {
	case depth > 8:
		return nil
	case s.is("object"), s.Properties != nil:
		return g.object(s, kind, nil, depth)
	case s.is("array"):
		list := []any{}
		for range s.MinItems + max(0, g.IntN(6)-2) {
			list = append(list, g.value(name, s.Items, depth+1))
		}
		return list
	case s.is("string"):
		return g.text(s)
	case s.is("integer"), s.is("number"):
		low, high := int64(0), int64(1000)
		if s.Minimum != nil {
			low = int64(*s.Minimum)
		}
		if s.Maximum != nil {
			high = int64(*s.Maximum)
		}
		if g.chance(60) {
			return low
		}
		return low + g.Int64N(min(high-low, 9)+1)
	case s.is("boolean"):
		return g.chance(25)
	}
	return record{}
}

// object makes one that is as old, where that is given, but for a field or two.
func (g gen) object(s *apiSchema, kind string, old record, depth int) any {
	reading := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(kind), "input"), "ref") // what a PartRef refers to is a Part
	if old == nil && g.chance(40) || strings.HasSuffix(kind, "Ref") {
		old = g.known(reading, "")
	}
	o := object{}
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[field]
		have, isOld := old[field]
		switch {
		case isOld && have != nil && !g.chance(20):
			o = append(o, member{field, have})
		case strings.HasPrefix(p.Description, "ignored"):
		case slices.Contains(s.Required, field) || g.chance(40):
			o = append(o, member{field, g.value(field, p, depth+1)})
		}
	}
	if s.Properties == nil && (s.Additional.is("string") || s.Additional.is("integer")) {
		for range g.IntN(4) {
			o = append(o, member{ident(g), g.value("", s.Additional, depth+1)})
		}
	}
	return o
}

func (g gen) text(s *apiSchema) string {
	switch s.Format {
	case "uuid":
		return must(uuid.FromBytes(g.sixteen())).String()
	case "date-time":
		return time.Now().Add(time.Duration(g.IntN(1000)-100) * time.Hour).UTC().Format(time.RFC3339)
	case "uri":
		return fmt.Sprintf("http://%s.example.com:%d/", ident(g), 1+g.IntN(65535))
	}
	t := ident(g)
	if g.chance(20) {
		t = pick(g, []string{"开发", "测试", "线上", "北京", "上海", "é", "🔥", "a b", "A.b-c", "user@example.com"})
	}
	for len(t) < s.MinLength {
		t += ident(g)
	}
	if s.MaxLength != nil && len(t) > *s.MaxLength {
		t = t[:*s.MaxLength]
	}
	return t
}

// sixteen gives the bytes of a random UUID (RFC 9562, version 4).
func (g gen) sixteen() []byte {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return b
}
