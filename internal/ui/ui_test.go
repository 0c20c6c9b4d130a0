package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func zipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const script = "console.info(1)"

// build is what a build of the UI leaves.
func build(t *testing.T) fstest.MapFS {
	return fstest.MapFS{
		".gitignore":            {Data: []byte("*")},
		"index.html":            {Data: []byte(`<base href="__PROMFLEET_BASE__"><meta name="csp-nonce" content="__PROMFLEET_NONCE__">`)},
		"assets/app-1a2b.js.gz": {Data: zipped(t, script)},
		"assets/app-1a2b.js.br": {Data: []byte("brotli")},
		"assets/x-3c4d.woff2":   {Data: []byte("font")},
		"favicon.svg":           {Data: []byte("<svg/>")},
	}
}

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func handlerOf(t *testing.T, files fstest.MapFS, prefix string) http.Handler {
	t.Helper()
	h, err := New(files, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var navigates = []string{"Accept", "text/html,application/xhtml+xml", "Sec-Fetch-Mode", "navigate"}

// Pages are the index, whatever their path; what is no page is not found.
func TestPages(t *testing.T) {
	h := handlerOf(t, build(t), "")
	for _, path := range []string{"/", "/nodes/7b", "/login?to=%2Fa", "/apis", "/sdx"} {
		if w := get(t, h, path, navigates...); w.Code != 200 || !strings.Contains(w.Body.String(), `<base href="/">`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := get(t, h, "/nodes/7b", "Accept", "text/html"); w.Code != 200 { // an old browser
		t.Errorf("without Sec-Fetch-Mode: %d", w.Code)
	}
	for _, path := range []string{"/api", "/api/v1/nothing", "/docs/x", "/metrics", "/metrics/x", "/-/x", "/sd/x", "/assets/app-old.js"} {
		if w := get(t, h, path, navigates...); w.Code != 404 || strings.Contains(w.Body.String(), "base") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, header := range [][]string{{"Accept", "application/json"}, {"Accept", "*/*"}, {"Accept", "text/html", "Sec-Fetch-Mode", "cors"}} {
		if w := get(t, h, "/nodes/7b", header...); w.Code != 404 {
			t.Errorf("%v is taken for a page: %d", header, w.Code)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/", nil))
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "HEAD", "/", nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := get(t, h, "/.gitignore"); w.Code != 404 {
		t.Errorf("a dot file is served: %s", w.Body)
	}
}

// The base is the path that browsers have, and nobody's word that is not a path.
func TestBase(t *testing.T) {
	for _, c := range []struct{ prefix, header, want string }{
		{"", "", "/"}, {"/ops/promfleet", "", "/ops/promfleet/"}, {"", "/a/b", "/a/b/"}, {"", "/a/", "/a/"},
		{"/ops", "/a", "/ops/"}, // the flag is the operator's word
		{"", "//evil.example", "/"}, {"", `/"><script>`, "/"}, {"", "https://evil.example", "/"}, {"", "/a//b", "/"}, {"", "a", "/"},
		{"", "/" + strings.Repeat("a", 300), "/"},
	} {
		w := get(t, handlerOf(t, build(t), c.prefix), "/", "X-Forwarded-Prefix", c.header)
		if !strings.Contains(w.Body.String(), `<base href="`+c.want+`">`) || !strings.Contains(w.Header().Get("Vary"), "X-Forwarded-Prefix") {
			t.Errorf("%+v: %s", c, w.Body)
		}
	}
}

// The policy allows no inline script or style, but style with the nonce of the very page.
func TestPolicy(t *testing.T) {
	h := handlerOf(t, build(t), "")
	first, second := get(t, h, "/"), get(t, h, "/")
	csp := first.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "img-src 'self' data:", "frame-ancestors 'none'", "base-uri 'self'", "form-action 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s: %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	nonce := regexp.MustCompile(`style-src 'self' 'nonce-([A-Z0-9]{20,})'`).FindStringSubmatch(csp)
	if len(nonce) != 2 || !strings.Contains(first.Body.String(), `content="`+nonce[1]+`"`) {
		t.Fatalf("%s\n%s", csp, first.Body)
	}
	if second.Header().Get("Content-Security-Policy") == csp {
		t.Error("two answers have one nonce")
	}
	for _, w := range []*httptest.ResponseRecorder{first, get(t, h, "/assets/app-1a2b.js"), get(t, h, "/api/x")} {
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") != "same-origin" {
			t.Errorf("headers: %v", w.Header())
		}
	}
	// A 304 keeps the policy that the browser has with the page.
	w := get(t, h, "/", "If-None-Match", first.Header().Get("ETag"))
	if w.Code != 304 || w.Header().Get("Content-Security-Policy") != "" || first.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("asked again: %d %v", w.Code, w.Header())
	}
	if w := get(t, h, "/", "If-None-Match", first.Header().Get("ETag"), "X-Forwarded-Prefix", "/a"); w.Code != 200 {
		t.Errorf("below another path: %d", w.Code)
	}
}

// Files come in the best form that the browser takes; with a hash in the name, for good.
func TestFiles(t *testing.T) {
	h := handlerOf(t, build(t), "")
	for accept, want := range map[string]string{"gzip, deflate, br": "br", "gzip": "gzip", "": "", "br;q=0, gzip;q=0.5": "gzip", "identity": "", "br;q=0": ""} {
		w := get(t, h, "/assets/app-1a2b.js", "Accept-Encoding", accept)
		body := w.Body.Bytes()
		if want == "gzip" {
			r, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.Header().Get("Content-Encoding"); got != want || want != "br" && string(body) != script {
			t.Errorf("%q: %q %q", accept, got, body)
		}
		if w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || !strings.Contains(w.Header().Get("Content-Type"), "javascript") || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("headers: %v", w.Header())
		}
		if again := get(t, h, "/assets/app-1a2b.js", "Accept-Encoding", accept, "If-None-Match", w.Header().Get("ETag")); again.Code != 304 {
			t.Errorf("%q asked again: %d", accept, again.Code)
		}
	}
	if w := get(t, h, "/favicon.svg"); w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("Content-Type") != "image/svg+xml" || w.Header().Get("Vary") != "" {
		t.Errorf("favicon: %v", w.Header())
	}
}

// A binary without the UI says so, and what to do.
func TestNotBuilt(t *testing.T) {
	w := get(t, handlerOf(t, fstest.MapFS{".gitignore": {Data: []byte("*")}}, "/ops"), "/")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "make build") || !strings.Contains(w.Body.String(), `<base href="/ops/">`) || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What cannot be unpacked keeps the server from starting.
func TestBroken(t *testing.T) {
	if _, err := New(fstest.MapFS{"assets/a-1.js.gz": {Data: []byte("no")}}, ""); err == nil || !strings.Contains(err.Error(), "assets/a-1.js") {
		t.Errorf("err %v", err)
	}
}

// What is embedded can be served, built or not.
func TestEmbedded(t *testing.T) {
	h, err := New(Files(), "")
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "/"); w.Code != 200 || strings.Contains(w.Body.String(), "__PROMFLEET") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
