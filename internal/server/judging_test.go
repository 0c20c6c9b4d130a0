package server_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// judging is a transport that holds every answer against the document of the server
// that gave it. All tests of this package speak through it, so that each is a test
// of the document too.
type judging struct {
	t         *testing.T
	lock      sync.Mutex
	documents map[string]*apiDocument // by where the API is; nil: there is none
}

func newJudging(t *testing.T) *http.Client {
	return &http.Client{Transport: &judging{t: t, documents: map[string]*apiDocument{}}}
}

// documentOf gives the document of the API that a request is for, and the path there.
func (j *judging) documentOf(req *http.Request) (*apiDocument, string, error) {
	escaped := req.URL.EscapedPath()
	before, _, found := strings.Cut(escaped, "/api/")
	if !found || strings.Contains(before, "//") { // not there, or sent on to where it is
		return nil, "", nil
	}
	j.lock.Lock()
	defer j.lock.Unlock()
	base := req.URL.Scheme + "://" + req.URL.Host + before
	d, known := j.documents[base]
	if !known {
		var err error
		if d, err = readDocument(http.DefaultClient, base); err != nil {
			return nil, "", err
		}
		j.documents[base] = d
	}
	return d, strings.TrimPrefix(escaped, before), nil
}

func (j *judging) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	d, path, err := j.documentOf(req)
	if err != nil || d == nil {
		return resp, err
	}
	op, err := d.judgeHead(req.Method, path, resp.StatusCode, resp.Header)
	switch {
	case err != nil:
		j.t.Errorf("%s %s %v", req.Method, path, err)
	case req.Method != http.MethodHead:
		resp.Body = &judgedBody{ReadCloser: resp.Body, end: func(body []byte) {
			if err := d.judgeBody(op, resp.StatusCode, resp.Header, body); err != nil {
				j.t.Errorf("%s %s %v", req.Method, path, err)
			}
		}}
	}
	return resp, nil
}

// maxJudged bounds the bodies that are held against a schema, in bytes: of larger
// ones the head must do, or the tests would need gigabytes.
const maxJudged = 8 << 20

// judgedBody passes a body on as it comes, so that a stream stays one, and judges
// it at its end.
type judgedBody struct {
	io.ReadCloser
	seen bytes.Buffer
	end  func([]byte)
}

func (b *judgedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.seen.Len() <= maxJudged {
		b.seen.Write(p[:n])
	}
	if err == io.EOF && b.end != nil {
		if b.seen.Len() <= maxJudged {
			b.end(b.seen.Bytes())
		}
		b.end = nil
	}
	return n, err
}

// What judges all answers is judged itself, by answers that are wrong.
func TestJudging(t *testing.T) {
	s := start(t)
	s.join(nodeA)
	d, err := readDocument(s.http, s.url)
	if err != nil {
		t.Fatal(err)
	}
	_, _, node := s.call("GET", "/api/v1/nodes/"+nodeA, "")
	const problem = `{"title":"Not Found","status":404,"detail":"there is no such node"}`
	nodePath := "/api/v1/nodes/" + nodeA
	for _, c := range []struct {
		name, method, path string
		status             int
		media, body        string
		wrong              string // of what it is told; "": it is as it should be
	}{
		{"a node", "GET", nodePath, 200, "application/json", node, ""},
		{"its head", "HEAD", nodePath, 200, "application/json", "", ""},
		{"a problem", "GET", nodePath, 404, problemType, problem, ""},
		{"no operation", "GET", "/api/v1/nothing", 404, problemType, problem, ""},
		{"no body", "DELETE", nodePath, 204, "", "", ""},
		{"a body for nothing", "DELETE", nodePath, 204, "", "x", "has a body"},
		{"another status", "GET", nodePath, 201, "application/json", node, "answers 201"},
		{"another type", "GET", nodePath, 200, "text/plain", node, "text/plain"},
		{"an answer from nowhere", "GET", "/api/v1/nothing", 200, "application/json", `{}`, "no operation"},
		{"a page of a proxy", "GET", "/api/v1/nothing", 404, "text/html", `<p>`, "no operation"},
		{"no JSON", "GET", nodePath, 200, "application/json", node + "x", "not JSON"},
		{"no UTF-8", "GET", nodePath, 200, "application/json", strings.Replace(node, "prometheus-1", "\xff", 1), "UTF-8"},
		{"a field more", "GET", nodePath, 200, "application/json", strings.Replace(node, "{", `{"x":1,`, 1), "'x'"},
		{"a field less", "GET", nodePath, 200, "application/json", strings.Replace(node, `"hostname":"prometheus-1",`, "", 1), "'hostname'"},
		{"another type of a field", "GET", nodePath, 200, "application/json", strings.Replace(node, `"prometheus-1"`, "1", 1), "hostname"},
		{"a field of a part", "GET", nodePath, 200, "application/json", strings.Replace(node, `"pending"`, `"odd"`, 1), "state"},
		{"a time", "GET", nodePath, 200, "application/json", strings.Replace(node, `"created_at":"2`, `"created_at":"x2`, 1), "date-time"},
		{"a uuid", "GET", nodePath, 200, "application/json", strings.Replace(node, nodeA, "x", 1), "uuid"},
		{"another status in a problem", "GET", nodePath, 404, problemType, strings.Replace(problem, "404", "400", 1), "status"},
		{"an empty problem", "GET", nodePath, 404, problemType, `{}`, "status 0"},
		{"a problem without a detail", "GET", nodePath, 404, problemType, `{"title":"Not Found","status":404,"detail":""}`, "no detail"},
		{"a driver's text", "GET", nodePath, 404, problemType, strings.Replace(problem, "there", "sqlite3: there", 1), "inside"},
		{"an open redirect", "GET", "//evil.example/api", 301, "text/html", "", "redirects to"},
	} {
		err := d.judge(c.method, c.path, c.status, http.Header{"Content-Type": {c.media}, "Location": {c.path}}, []byte(c.body))
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: judged %v, want %q", c.name, err, c.wrong)
		}
	}
}
