package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hostileCall is one call as it goes over the wire: it looks valid, then it is
// spoilt.
type hostileCall struct {
	op       *apiOperation
	method   string
	segments []string // of the path, escaped
	query    []string // name=value, escaped
	token    string
	header   []string // whole lines
	media    string   // Content-Type; "": none
	tree     any      // the body as JSON, nil once it is text
	body     []byte

	length    string // Content-Length instead of the right one
	chunked   bool
	unchunked bool // says that it is chunked, and is not
	host      []string
	proto     string
	broken    bool // as an HTTP message: net/http itself may answer
	hangUp    int  // leave after so many bytes of the request, without waiting for an answer; 0: no
	framed    bool // not as it should be
	spoilt    []string
	addressed record // that the path names, if any is known
}

// build makes a call that looks valid.
func (g gen) build(op *apiOperation) *hostileCall {
	c := &hostileCall{op: op, method: op.method, proto: "HTTP/1.1", token: g.caller(op.Role), host: []string{"Host: promfleet"},
		header: []string{fmt.Sprintf("X-Forwarded-For: 10.%d.%d.%d", g.IntN(256), g.IntN(256), g.IntN(256))}} // a try too many at a login is not held against all
	if op.Role == "agent" {
		g.scope = c.token
	}
	c.segments, c.addressed = g.segments(op)
	for _, p := range op.Parameters {
		switch {
		case p.In == "query" && p.Name == waitParameter:
			c.query = append(c.query, waitParameter+"=0")
		case p.In == "query" && (p.Required || g.chance(20)):
			v := g.value(p.Name, p.Schema, 0)
			list, isList := v.([]any)
			if !isList {
				list = []any{v}
			}
			for _, v := range list {
				c.query = append(c.query, url.QueryEscape(p.Name)+"="+url.QueryEscape(text(v)))
			}
		case p.In == "header" && p.Name != "Authorization" && g.chance(10):
			c.header = append(c.header, p.Name+`: "`+fmt.Sprint(g.IntN(4))+`"`)
		}
	}
	for _, r := range op.Responses {
		if len(r.Content) > 1 { // it can answer in several ways
			c.header = append(c.header, "Accept: "+pick(g, slices.Sorted(maps.Keys(r.Content))))
		}
	}
	if op.RequestBody == nil {
		return c
	}
	g.lock.Lock()
	again := pick(g, g.bodies[op.String()])
	g.lock.Unlock()
	if again.body != nil && g.chance(15) {
		c.media, c.body = again.media, again.body
		return c
	}
	content := op.RequestBody.Content
	c.media = pick(g, slices.Sorted(maps.Keys(content)))
	schema := content[c.media].Schema
	switch c.media {
	case "text/csv", "application/x-ndjson":
		if json := content["application/json"].Schema; json != nil {
			schema = json
		}
		list, _ := g.value("", schema, 0).([]any)
		c.body = g.lines(c.media, schema, list)
	case "application/yaml", "text/plain":
		c.body = []byte(pick(g, hostileYAML))
	default:
		c.tree = g.bodyTree(op, schema, c.addressed)
	}
	return c
}

// hostileYAML are files that somebody may import.
var hostileYAML = []string{
	"", "global: {scrape_interval: 20s}\n", "scrape_configs:\n- job_name: 作业\n  static_configs: [{targets: ['a:1', '[::1]:2'], labels: {dc: x}}]\n",
	"scrape_configs: [{job_name: a}, {job_name: a}]\n", "remote_write: [{url: 'http://u:xxxxx@h/'}]\n", "scrape_configs: [{job_name: b, basic_auth: {password: <secret>}}]\n",
	"a: &a [*a]\n", "<<: 1\n", "scrape_configs: {}\n", "- 1\n", "global: !!binary x\n",
}

// bodyTree makes the body of a call: for a record that is there, mostly what it
// is with a change.
func (g gen) bodyTree(op *apiOperation, schema *apiSchema, addressed record) any {
	s, kind := g.document.resolve(schema)
	if op.method == http.MethodPatch && s.Properties == nil { // a merge patch of what a PUT takes, or else a GET gives
		for _, other := range []string{"put", "get"} {
			o := g.document.Paths[op.path][other]
			if o == nil {
				continue
			}
			fields, _ := g.document.resolve(o.schema(other == "put"))
			names, patch := slices.Sorted(maps.Keys(fields.Properties)), object{}
			for range min(1+g.IntN(2), len(names)) {
				name := pick(g, names)
				patch = append(patch, member{name, g.value(name, fields.Properties[name], 0)})
			}
			return patch
		}
	}
	if addressed != nil && s.is("object") && g.chance(70) {
		return g.object(s, kind, addressed, 0)
	}
	return g.value("", schema, 0)
}

// schema gives that of the body that a request brings, or the answer.
func (o *apiOperation) schema(request bool) *apiSchema {
	if !request {
		return o.Responses["200"].Content["application/json"].Schema
	}
	if o.RequestBody == nil {
		return nil
	}
	return o.RequestBody.Content["application/json"].Schema
}

// lines are what a list is as NDJSON, or its texts as CSV.
func (g gen) lines(media string, of *apiSchema, list []any) []byte {
	item, _ := g.document.resolve(of.Items)
	var columns []string
	for _, name := range slices.Sorted(maps.Keys(item.Properties)) {
		if p := item.Properties[name]; p.is("string") && p.Format == "" {
			columns = append(columns, name)
		}
	}
	var b bytes.Buffer
	if media == "text/csv" {
		b.WriteString(strings.Join(columns, ",") + "\n")
	}
	for _, e := range list {
		if media == "text/csv" {
			o, _ := e.(object)
			for i, column := range columns {
				for _, m := range o {
					if m.name == column {
						fmt.Fprintf(&b, "%q", text(m.value))
					}
				}
				b.WriteString(map[bool]string{true: "\n", false: ","}[i == len(columns)-1])
			}
			continue
		}
		encode(&b, e)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// caller gives the credential of somebody who may make a call: mostly an admin.
func (g gen) caller(role string) string {
	switch role {
	case "viewer", "editor", "admin", "public":
		if role == "public" || g.chance(85) {
			return g.secret("admin")
		}
	case "join-token":
		if g.chance(30) {
			return g.secret("agent")
		}
	}
	return g.secret(role)
}

// text makes the body text, so that it can be spoilt as such.
func (c *hostileCall) text() []byte {
	if c.tree != nil {
		var b bytes.Buffer
		encode(&b, c.tree)
		c.body, c.tree = b.Bytes(), nil
	}
	return c.body
}

// target is path and query, as they stand in the request line.
func (c *hostileCall) target() string {
	t := strings.Join(c.segments, "/")
	if len(c.query) > 0 {
		t += "?" + strings.Join(c.query, "&")
	}
	return t
}

// bytes is the whole request.
func (c *hostileCall) bytes() []byte {
	var b bytes.Buffer
	body := c.text()
	fmt.Fprintf(&b, "%s %s %s\r\n", c.method, c.target(), c.proto)
	for _, h := range c.host {
		b.WriteString(h + "\r\n")
	}
	if c.token != "" {
		b.WriteString("Authorization: Bearer " + c.token + "\r\n")
	}
	if c.media != "" {
		b.WriteString("Content-Type: " + c.media + "\r\n")
	}
	for _, h := range c.header {
		b.WriteString(h + "\r\n")
	}
	if c.length != "" {
		b.WriteString("Content-Length: " + c.length + "\r\n")
	} else if !c.chunked && (len(body) > 0 || c.op.RequestBody != nil) {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	if c.unchunked {
		b.WriteString("Transfer-Encoding: chunked\r\n")
	}
	if c.chunked {
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for len(body) > 0 {
			n := min(len(body), 1000)
			fmt.Fprintf(&b, "%x;a=\"b\"\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		b.WriteString("0\r\nX-Trailer: t\r\n\r\n")
		return b.Bytes()
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// short tells whether the server waits for more than there is: a body may have
// changed after its length was got wrong.
func (c *hostileCall) short() bool {
	length, err := strconv.Atoi(c.length)
	return c.unchunked || !c.chunked && err == nil && length > len(c.text())
}

// spoil gets something in a call wrong.
func (g gen) spoil(c *hostileCall) {
	for {
		m := pick(g, mutations)
		if m.do(g, c) {
			c.spoilt = append(c.spoilt, m.name)
			return
		}
	}
}

// mutations are ways to spoil a call; do tells whether it could. Those of bodies
// are the most, since there is the most to get wrong.
var mutations = []struct {
	name string
	do   func(gen, *hostileCall) bool
}{
	{"json value", spoilTree}, {"json value", spoilTree}, {"json value", spoilTree}, {"json value", spoilTree}, {"json value", spoilTree},
	{"body text", spoilText}, {"body text", spoilText},
	{"content type", func(g gen, c *hostileCall) bool {
		c.media = pick(g, []string{"", "application/json", "application/json; charset=utf-16", "application/json;charset=\"utf-8\"; q=\"", "text/csv", "text/csv; header=absent",
			"application/x-ndjson", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=\"\"", "text/plain", "json", "*/*",
			"application/merge-patch+json", "application/json-patch+json", "application/cbor", "APPLICATION/JSON", "application/json, text/csv", ";", "/", strings.Repeat("a/b;", 500)})
		return true
	}},
	{"path", func(g gen, c *hostileCall) bool {
		if len(c.segments) == 1 {
			return false // a whole path already
		}
		i := 1 + g.IntN(len(c.segments)-1)
		if j := slices.IndexFunc(strings.Split(c.op.path, "/"), func(s string) bool { return strings.HasPrefix(s, "{") }); j > 0 && g.chance(70) {
			i = j
		}
		c.segments[i] = pick(g, hostileSegments)
		c.broken = true // some are no request line
		return true
	}},
	{"whole path", func(g gen, c *hostileCall) bool {
		p := strings.Join(c.segments, "/")
		p = pick(g, []string{"/" + p, p + "/", p + "/.", p + "//", strings.ToUpper(p), "/./" + p, "/x/.." + p, "/api/v1/../.." + p, "http://evil.example" + p, "//evil.example" + p,
			p + ";a=b", p + "%20", p + "%00", p + "#x", "*", "", p + ".json", strings.ReplaceAll(p, "/", "%2f"), strings.ReplaceAll(p, "/", "\\"), "/docs/../" + p, "/docs/..%2f.." + p})
		c.segments, c.broken = []string{p}, true
		return true
	}},
	{"query", spoilQuery}, {"query", spoilQuery},
	{"if-match", func(g gen, c *hostileCall) bool {
		c.header = append(c.header, pick(g, []string{"If-Match: ", "If-None-Match: "})+
			pick(g, []string{"*", `"1"`, `W/"1"`, `"1`, `1`, `"1", "2"`, `""`, `"9223372036854775808"`, `"-1"`, `"1-1"`, strings.Repeat(`"1",`, 200), strings.Repeat(`"`, 2000), "'1'", "`1`", "\"\xff\""}))
		return true
	}},
	{"method", func(g gen, c *hostileCall) bool {
		c.method = pick(g, []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", strings.ToLower(c.method), "PRI", strings.Repeat("A", 300)})
		return true
	}},
	{"principal", func(g gen, c *hostileCall) bool {
		if cookie, ok := g.word(cookieWord).(string); ok && g.chance(50) {
			c.token, c.header = "", append(c.header, "Cookie: "+cookie)
			return true
		}
		c.token = pick(g, []string{"", "nobody", "pft_nobody", g.secret("viewer"), g.secret("agent"), g.secret("join-token"), strings.Repeat("x", 3000)})
		return true
	}},
	{"authorization", func(g gen, c *hostileCall) bool {
		c.header = append(c.header, "Authorization: "+pick(g, []string{"", "Bearer", "Bearer ", "bearer " + c.token, "Basic YWRtaW46YWRtaW4=", "Basic !!!", "Digest username=\"admin\"", "Bearer \xff\xfe", "Bearer a b c", "Bearer " + strings.Repeat("a", 900)}))
		if g.chance(60) {
			c.token = ""
		}
		return true
	}},
	{"header", func(g gen, c *hostileCall) bool {
		c.header = append(c.header, pick(g, []string{
			"Accept: text/html", "Accept: */*;q=0", "Accept: application/cbor, */*;q=0.1", "Accept: text/csv", "Accept: application/x-ndjson", "Accept: ;;;,,,/", "Accept: " + strings.Repeat("a/b;q=0.1,", 800),
			"Accept-Encoding: gzip", "Accept-Encoding: zstd, br", "Accept-Encoding: gzip;q=2, identity;q=0", "Accept-Encoding: *;q=0", "Accept-Charset: utf-7", "Accept-Language: ../../etc/passwd",
			"Cookie: promfleet_session=nobody", "Cookie: promfleet_session=" + strings.Repeat("A", 5000), "Cookie: promfleet_session=\"\xff\"; promfleet_session=2", "Cookie: =; ;;=a;a", "Cookie: " + strings.Repeat("a=b; ", 4000),
			"Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "X-HTTP-Method-Override: DELETE", "X-Forwarded-For: ' OR 1=1 --", "X-Forwarded-Proto: javascript", "Forwarded: for=\"[::1\"",
			"Range: bytes=0-1", "Range: bytes=-999999999999999999999", "If-Modified-Since: Mon, 99 Foo 0000", "If-Range: x", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "Upgrade: websocket\r\nConnection: upgrade",
			"X-Original-URL: /api/v1/tokens", "Content-Language: \xff", "Prefer: return=minimal", "Traceparent: 00-ff-ff-zz", "TE: trailers", "X-Empty:", "Expect: 100-continue", "Connection: close"}))
		return true
	}},
	{"content encoding", func(g gen, c *hostileCall) bool {
		c.header = append(c.header, "Content-Encoding: "+pick(g, []string{"gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "x"}))
		c.tree, c.body = nil, bomb
		return true
	}},
	{"framing", spoilFraming}, {"framing", spoilFraming},
}

// hostileSegments stand where an id does. Some make no valid request line.
var hostileSegments = []string{
	"", ".", "..", "...", "%2e", "%2e%2e", "%2e%2e%2f%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "1%00", "1%0d%0aX-A:%20b", "%", "%zz", "%u0031", "%c0%ae%c0%ae", "%ff%fe", "%ed%a0%80", "\xff", "\x00", " ", "a b",
	"1.", "1.0", "1e0", "+1", "-1", "0", "00", "01", "0x1", "%31", "1%20", "1;a=b", "1,2", "1_0", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "NaN", "%D9%A1", "%EF%BC%91", "null", "*", "{id}", "~", "$", "'", "\"", "<x>", "\\",
	"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "%7b11111111-1111-4111-8111-111111111111%7d", "urn:uuid:11111111-1111-4111-8111-111111111111", "11111111111141118111111111111111",
	"%e2%80%ae1", "%e2%80%8b1", "%f0%9f%94%a5", strings.Repeat("a", 5000), strings.Repeat("%41", 3000), strings.Repeat("1", 400), strings.Repeat("../", 300), strings.Repeat("a/", 500), "1/restore", "1%2Frestore", "config", "targets",
}

func spoilQuery(g gen, c *hostileCall) bool {
	name := "x"
	for _, p := range c.op.Parameters {
		if p.In == "query" && (name == "x" || g.chance(40)) {
			name = p.Name
		}
	}
	if g.chance(60) { // several at once
		for _, p := range c.op.Parameters {
			if p.In == "query" && p.Name != waitParameter && g.chance(40) {
				c.query = append(c.query, p.Name+"="+url.QueryEscape(pick(g, hostileStrings)))
			}
		}
		return true
	}
	c.query = append(c.query, pick(g, []string{
		name + "=", name, "=", "&&&", name + "=1;" + name + "=2", name + "=%", name + "=%zz", name + "=%ff", name + "=%00",
		name + "[]=1&" + name + "[]=2", name + "[a]=1", name + "[$ne]=1", name + "=a&" + name + "=b", strings.Repeat(name+"=1&", 2000), name + "=" + strings.Repeat("a", 20000), name + "=" + strings.Repeat("%00", 300), "unknown=1", "%00=1", name + "=1.0", name + "=1e2", name + "=+1",
		name + "=0001-01-01T00:00:00Z", name + "=9999-12-31T23:59:59Z", name + "=2024-02-30T00:00:00Z", name + "=-9223372036854775809", name + "==", name + "?=1", strings.ToUpper(name) + "=1", "dry_run=maybe", "limit=0", "limit=1001", "deleted=1", "deleted=2", "sort=--id", "sort=id;drop", "cursor=%7B%7D", "cursor=e30"}))
	return true
}

func spoilFraming(g gen, c *hostileCall) bool {
	if c.framed {
		return false
	}
	c.framed = true
	n := len(c.text())
	switch g.IntN(12) {
	case 0, 1:
		c.chunked = true // nothing wrong with it
	case 2:
		c.length, c.broken = fmt.Sprint(n+1+g.IntN(5000)), true
	case 3:
		c.length, c.broken = fmt.Sprint(n/2), true // what is left looks like another request
	case 4:
		c.length, c.broken = pick(g, []string{"-1", "+5", "x", "", "1e3", "99999999999999999999", "0x10", "5, 5", "5\r\nContent-Length: 6"}), true
	case 5:
		c.chunked, c.length, c.broken = true, fmt.Sprint(n+7), true
	case 6:
		c.unchunked, c.broken = true, true
	case 7:
		c.host, c.broken = pick(g, [][]string{nil, {"Host: a", "Host: b"}, {"Host: a b"}, {"Host: \x00"}, {"Host: evil.example"}, {"Host: [::1"}, {"Host:"}, {"Host: " + strings.Repeat("a", 5000)}}), true
	case 8:
		c.proto, c.broken = pick(g, []string{"HTTP/1.0", "http/1.1", "HTTP/1", "", "HTTP/1.1 x"}), true
	case 9:
		c.header, c.broken = append(c.header, pick(g, []string{"X-A: b\r\n folded", "X\x00: a", "X-A: \x00", "no colon", ": empty", "X A: b", "Expect: miracles", "X-Long: " + strings.Repeat("a", 2<<20), strings.Repeat("X-Many: 1\r\n", 20000) + "X: 1"})), true
	case 10:
		c.hangUp = 1 + g.IntN(n+200)
	default:
		c.hangUp = 1 << 30 // all of it, then gone
	}
	return true
}

// bomb is 16 MiB of spaces in few bytes.
var bomb = func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_ = must(z.Write(bytes.Repeat([]byte(" "), 16<<20)))
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}()
