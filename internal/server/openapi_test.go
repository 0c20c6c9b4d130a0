package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	apiPrefix    = "/api/v1"
	documentPath = apiPrefix + "/openapi.json"
	documentURL  = "promfleet:openapi.json"
	problemType  = "application/problem+json"
)

// apiDocument is a server's OpenAPI document: it judges answers.
type apiDocument struct {
	Paths      map[string]map[string]*apiOperation
	Components struct{ Schemas map[string]*apiSchema }

	lock     sync.Mutex // of those below
	compiler *jsonschema.Compiler
}

// apiOperation is an operation of the document, as far as the tests want to know.
type apiOperation struct {
	ID          string `json:"operationId"`
	Role        string `json:"x-role"`
	Parameters  []apiParameter
	RequestBody *struct {
		Content map[string]apiContent
	}
	Responses map[string]struct {
		Content map[string]apiContent
	}

	method, path string
}

type apiParameter struct {
	Name, In string
	Required bool
	Schema   *apiSchema
}

type apiContent struct{ Schema *apiSchema }

func (o *apiOperation) String() string { return o.method + " " + o.path }

// readDocument asks for the document of an API; nil: there is none.
func readDocument(client *http.Client, base string) (*apiDocument, error) {
	resp, err := client.Get(base + documentPath)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return parseDocument(body)
}

func parseDocument(text []byte) (*apiDocument, error) {
	d := &apiDocument{compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	for path, item := range d.Paths {
		for method, op := range item {
			op.method, op.path = strings.ToUpper(method), path
		}
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	d.compiler.DefaultDraft(jsonschema.Draft2020) // OpenAPI 3.1: schemas are those of JSON Schema 2020-12
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(documentURL, whole)
}

// operations gives them all in a fixed order.
func (d *apiDocument) operations() []*apiOperation {
	var ops []*apiOperation
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			ops = append(ops, d.Paths[path][method])
		}
	}
	return ops
}

// find gives the operation that a request is for, nil if there is none. As in
// net/http, a path without a parameter goes before one with, and HEAD is GET.
func (d *apiDocument) find(method, escapedPath string) *apiOperation {
	if clean := path.Clean(escapedPath); clean != escapedPath {
		return nil // net/http sends the caller on
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var best *apiOperation
	for path, item := range d.Paths {
		op := item[strings.ToLower(method)]
		if op == nil || strings.ToUpper(method) != method || !matches(path, escapedPath) {
			continue
		}
		if best == nil || strings.Count(path, "{") < strings.Count(best.path, "{") {
			best = op
		}
	}
	return best
}

func matches(template, escapedPath string) bool {
	want, have := strings.Split(template, "/"), strings.Split(escapedPath, "/")
	if len(want) != len(have) {
		return false
	}
	for i, w := range want {
		h, err := url.PathUnescape(have[i])
		if err != nil || h != w && (h == "" || !strings.HasPrefix(w, "{")) {
			return false
		}
	}
	return true
}

// judge says what in an answer is not as the document says.
func (d *apiDocument) judge(method, escapedPath string, status int, header http.Header, body []byte) error {
	op, err := d.judgeHead(method, escapedPath, status, header)
	if err != nil || method == http.MethodHead {
		return err
	}
	return d.judgeBody(op, status, header, body)
}

// judgeHead looks at what is known before the body: the status and its type. It
// gives the operation that answered, nil if none did.
func (d *apiDocument) judgeHead(method, escapedPath string, status int, header http.Header) (*apiOperation, error) {
	media := mediaType(header)
	op := d.find(method, escapedPath)
	if op == nil {
		switch {
		case status >= 300 && status < 400: // net/http cleans the path
			if to := header.Get("Location"); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
				return nil, fmt.Errorf("redirects to %q", to)
			}
			return nil, nil
		case !strings.HasPrefix(escapedPath, "/api/"), strings.HasPrefix(escapedPath, apiPrefix+"/openapi"),
			status >= 400 && status < 500 && media == problemType:
			return nil, nil
		}
		return nil, fmt.Errorf("answers %d %s where the document has no operation", status, media)
	}
	r, _, err := op.response(status)
	switch {
	case err != nil:
		return op, err
	case len(r) > 0 && status == http.StatusNoContent:
		return op, errors.New("answers 204, for which the document declares a body")
	case len(r) == 0 || method == http.MethodHead:
		return op, nil
	}
	if _, ok := r[media]; !ok {
		return op, fmt.Errorf("answers %d as %q, which the document does not declare", status, media)
	}
	return op, nil
}

// response gives what a status may bring, and the key under which it is declared.
func (o *apiOperation) response(status int) (content map[string]apiContent, key string, err error) {
	for _, key := range []string{fmt.Sprint(status), fmt.Sprintf("%dXX", status/100), "default"} {
		if r, ok := o.Responses[key]; ok {
			return r.Content, key, nil
		}
	}
	return nil, "", fmt.Errorf("answers %d, which the document does not declare", status)
}

func (d *apiDocument) judgeBody(op *apiOperation, status int, header http.Header, body []byte) error {
	body, err := decoded(header.Get("Content-Encoding"), body)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) && strings.HasPrefix(header.Get("Content-Type"), "application/") {
		return errors.New("the body is not valid UTF-8")
	}
	media := mediaType(header)
	if media == problemType {
		if err := judgeProblem(status, body); err != nil {
			return err
		}
	}
	if op == nil {
		return nil
	}
	content, key, err := op.response(status)
	if err != nil {
		return err
	}
	if len(content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("%d has a body, which the document does not declare: %.200q", status, body)
		}
		return nil
	}
	at := []string{"paths", op.path, strings.ToLower(op.method), "responses", key, "content", media, "schema"}
	switch {
	case media == "text/csv":
		rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err == nil && len(rows) == 0 {
			err = errors.New("there is no header")
		}
		if err != nil {
			return fmt.Errorf("the body is not CSV: %w", err)
		}
	case media == "application/x-ndjson":
		if content[media].Schema.is("string") { // the text as a whole; its lines are what the JSON array has
			at = nil
			if s := content["application/json"].Schema; s.is("array") {
				at = []string{"paths", op.path, strings.ToLower(op.method), "responses", key, "content", "application/json", "schema", "items"}
			}
		}
		for i, line := range bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) {
			if err := d.judgeJSON(at, line); err != nil && len(body) > 0 {
				return fmt.Errorf("line %d: %w", i+1, err)
			}
		}
	case strings.HasSuffix(media, "json"):
		return d.judgeJSON(at, body)
	}
	return nil
}

// judgeJSON holds JSON against the schema at a place of the document; nil: any.
func (d *apiDocument) judgeJSON(at []string, body []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	if at == nil {
		return nil
	}
	pointer := ""
	for _, step := range at {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	d.lock.Lock()
	schema, err := d.compiler.Compile(documentURL + "#" + pointer)
	d.lock.Unlock()
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		_, where, _ := strings.Cut(strings.ReplaceAll(err.Error(), "\n", " "), "#")
		return fmt.Errorf("the body is not as its schema says: %s: %.300s", where, body)
	}
	return nil
}

// ourWords are what only we should read: of drivers, the runtime and our sources.
var ourWords = regexp.MustCompile(`(?i)sqlite|constraint failed|SQLSTATE|\bpgx?\b:|no such (table|column)|sql: |goroutine|runtime error|UnmarshalJSON|Go (struct|value)|context (canceled|deadline)|\.go:[0-9]`)

// maxProblem is the length of a problem in bytes that a short request must not
// be able to exceed, however many of its fields are bad or however long.
const maxProblem = 64 << 10

// judgeProblem holds an RFC 9457 problem to more than its schema says.
func judgeProblem(status int, body []byte) error {
	var p struct {
		Title, Detail string
		Status        int
		Errors        []struct{ Location, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("the problem is not JSON: %w", err)
	}
	text := []string{p.Detail}
	for _, e := range p.Errors {
		text = append(text, e.Message)
	}
	switch {
	case len(body) > maxProblem:
		return fmt.Errorf("the problem is far too long, %d KiB: %.200s", len(body)>>10, body)
	case p.Status != status:
		return fmt.Errorf("the problem says status %d, the answer %d", p.Status, status)
	case p.Title == "" || p.Detail == "":
		return fmt.Errorf("the problem has no title or no detail: %s", body)
	case strings.ContainsAny(p.Detail, "\n\r"):
		return fmt.Errorf("the detail is more than one line: %q", p.Detail)
	case ourWords.MatchString(strings.Join(text, "; ")):
		return fmt.Errorf("the problem tells of our inside: %.500s", body)
	}
	return nil
}

// decoded gives a body without its content coding.
func decoded(coding string, body []byte) ([]byte, error) {
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	}
	return body, nil
}

func mediaType(h http.Header) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return h.Get("Content-Type")
	}
	return media
}
