package server_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// JSON that is made: besides what encoding/json knows, an object that may have a
// name twice, and text as it stands.
type (
	member  struct{ name, value any } // name: string or raw
	object  []member
	raw     string
	record  = map[string]any
	records []record
)

func encode(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case raw:
		b.WriteString(string(v))
	case record:
		o := object{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			o = append(o, member{k, v[k]})
		}
		encode(b, o)
	case object:
		b.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			encode(b, m.name)
			b.WriteByte(':')
			encode(b, m.value)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			encode(b, e)
		}
		b.WriteByte(']')
	default:
		b.Write(must(json.Marshal(v)))
	}
}

// hostileStrings are texts that somebody may forget to think of.
var hostileStrings = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "\xc0\xaf", "\u202eabc", "a\u200bb", "\u2066x\u2069", "\ufeffx", "\u2028", "\ufffd", "\x1b[31m", "\x7f", "\r\n", "a\nb", "\t",
	"null", "true", "[]", "{}", "-0", "NaN", "Infinity", "1e400", "9223372036854775808", "-9223372036854775809", "0x10", "١", "%", "_", "%%", "\\", "'; --", "\"", "' OR ''='", "%s%n%x", "${HOME}", "{{.}}", "<secret>", "<script>", "$(id)", "`id`",
	"../../etc/passwd", "..\\..\\x", "file:///etc/passwd", "//evil.example", "con", "a,b", ",", "*", "?", "#", "&", "=", "🔥", "e\u0301", "ﬀ", "İ", "ß", "北京", "__proto__", "__address__", "__name__", "__meta_x", "job", "instance",
	"0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "2024-02-30T00:00:00Z", "2024-01-01T24:00:60Z", "1", "-1", "0", "99999", "[::1", "host:99999", "http://", "http://u:p@h:x/", "javascript:alert(1)", "00000000-0000-0000-0000-000000000000",
	strings.Repeat("a", 400), strings.Repeat("開", 3000), strings.Repeat("e\u0301", 2000),
}

// hostileJSON is text that stands where a value should; not all of it is JSON.
var hostileJSON = func() []raw {
	list := []raw{
		`null`, `true`, `false`, `""`, `[]`, `{}`, `0`, `-1`, `-0`, `-0.0`, `1.5`, `1e3`, `1E-400`, `1e400`, `-1e400`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `18446744073709551616`,
		`NaN`, `-Infinity`, `0x10`, `01`, `1.`, `.5`, `+1`, `1_000`, `'a'`, `undefined`, `/**/1`, `"\ud800"`, `"\udc00\ud800"`, `"\ud83d\ude00"`, `"\u0000"`, `"\x41"`, `"\`, `"`, `[null]`, `[[]]`, `[1,]`, `{"a":1,}`, `{"":""}`, `{"a":null}`, `{"$ref":"#"}`, `{"__proto__":{"role":"admin"}}`, `{"a":1,"a":2}`,
		`{"__address__":"x"}`, `{"__meta_x":"y"}`, `{"\u0000":"x"}`, `{"\ud800":"x"}`, `["a","a","a"]`,
		raw(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
		raw(strings.Repeat(`{"a":`, 10_000) + `1` + strings.Repeat("}", 10_000)),
		raw(strings.Repeat("[", 10_000)),
		raw(strings.Repeat("9", 100_000)),
		raw("1e" + strings.Repeat("9", 300)),
		raw("[" + strings.Repeat("1,", 20_000) + "1]"),
		raw("{" + strings.Repeat(`"a":1,`, 20_000) + `"b":1}`),
		raw(`"` + strings.Repeat("a", 100_000) + `"`),
		raw(`"` + strings.Repeat(`\u0000`, 5_000) + `"`),
		raw(`"` + strings.Repeat("a", 2<<20) + `"`),
	}
	for _, s := range hostileStrings {
		b := must(json.Marshal(strings.ToValidUTF8(s, "?")))
		list = append(list, raw(b), raw(`"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)+`"`)) // escaped, and as it is
	}
	return list
}()

// spoilTree gets one place in a body wrong.
func spoilTree(g gen, c *hostileCall) bool {
	if c.tree == nil {
		return false
	}
	c.tree = g.wrong(c.tree)
	return true
}

func (g gen) wrong(v any) any {
	switch v := v.(type) {
	case record:
		o := object{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			o = append(o, member{k, v[k]})
		}
		return g.wrong(o)
	case object:
		return g.wrongObject(slices.Clone(v))
	case []any:
		v = slices.Clone(v)
		if len(v) > 0 && g.chance(60) {
			i := g.IntN(len(v))
			v[i] = g.wrong(v[i])
			return v
		}
		switch g.IntN(4) {
		case 0:
			return append(v, pick(g, hostileJSON))
		case 1:
			return append(v, v...)
		case 2:
			for len(v) > 0 && len(v) < 500 {
				v = append(v, v...)
			}
			return v
		}
	}
	return pick(g, hostileJSON)
}

func (g gen) wrongObject(o object) any {
	if len(o) == 0 || g.chance(5) {
		if g.chance(50) {
			return pick(g, hostileJSON)
		}
		return append(o, member{pick(g, hostileStrings), pick(g, hostileJSON)})
	}
	i := g.IntN(len(o))
	switch g.IntN(10) {
	case 0: // missing
		return slices.Delete(o, i, i+1)
	case 1: // unknown
		return append(o, member{pick(g, hostileStrings), pick(g, hostileJSON)})
	case 2: // twice
		return append(o, member{o[i].name, pick(g, []any{o[i].value, pick(g, hostileJSON)})})
	case 3: // another case
		if name, ok := o[i].name.(string); ok {
			o[i].name = strings.ToUpper(name)
		}
	case 4: // of somebody else's
		o = append(o, member{pick(g, []any{"id", "role", "deleted_at", "created_at", "version", "password", "uuid", "status", "secret"}), pick(g, hostileJSON)})
	default:
		o[i].value = g.wrong(o[i].value)
	}
	return o
}

// spoilText gets the text of a body wrong.
func spoilText(g gen, c *hostileCall) bool {
	b := slices.Clone(c.text())
	if len(b) == 0 {
		b = []byte(`{"a":1}`)
	}
	at := g.IntN(len(b))
	switch g.IntN(13) {
	case 0:
		b = b[:at]
	case 1:
		b = append(b, pick(g, []string{"x", "{}", "\x00", "null", "\n\n", "]", "}"})...)
	case 2:
		b = append([]byte("\xef\xbb\xbf"), b...)
	case 3:
		b = nil
		for _, u := range utf16.Encode([]rune(string(c.body))) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
	case 4:
		b[at] ^= byte(1 + g.IntN(255))
	case 5:
		b = slices.Insert(b, at, []byte(pick(g, hostileStrings))...)
	case 6:
		b = []byte(pick(g, hostileJSON))
	case 7:
		b = append(bytes.Repeat([]byte(" "), 1<<20), b...)
	case 8:
		b = bytes.Repeat([]byte(pick(g, []string{"a", "[", "\n", `{"a":`, "\x00", "a,b\n", "{}\n", "\"", "1"})), g.IntN(200_000))
	case 9:
		b = []byte(pick(g, []string{"<a/>", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, "a=b&c=d", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--", "addr\n\"", "addr,addr\na,b\n",
			"addr,name\n=cmd|' /C calc'!A0,x\n", "a: &a [*a]\n", "\xa1aa\x01", "\x1f\x8b\x08"}))
	case 10: // everything in a long list wrong
		e := pick(g, []string{"1", "null", "{}", `{"x":1}`, `{"addr":""}`, `""`, "[]", "-1", string(b[:min(len(b), 200)])})
		b = []byte("[" + strings.Repeat(e+",", 1+g.IntN(min(50_000, (1<<20)/len(e)))) + e + "]")
	case 11:
		for len(b) > 0 && len(b) < 1<<20 {
			b = append(b, b...)
		}
	default:
		b = bytes.ReplaceAll(b, []byte(`"`), []byte(pick(g, []string{"'", "", "“", `\"`})))
	}
	c.body = b
	return true
}
