// Package ui serves the web UI, which is built from web/ into dist and embedded.
// It knows files and paths only: what the pages show, they ask the API for.
package ui

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed all:dist
var embedded embed.FS

// Files are the embedded ones. Without a build of the UI there is none but a .gitignore.
func Files() fs.FS {
	sub, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // only for a path that is not one
	}
	return sub
}

// What stands in index.html for what is only known at a request.
const (
	indexFile   = "index.html"
	basePlace   = "__PROMFLEET_BASE__"
	noncePlace  = "__PROMFLEET_NONCE__"
	hashedFiles = "assets/" // have a hash of their content in their name
)

// reserved are the paths, and those below them, that are never pages: whoever asks
// there for something that is not there must be told so.
var reserved = []string{"/api", "/docs", "/metrics", "/-", "/sd", "/assets"}

// handler serves the files of a build.
type handler struct {
	prefix string           // of the path, as browsers have it, if no header says another
	files  map[string]*file // by path, without a leading slash
	index  []byte           // with the places in it
	etag   string           // of index
}

// file is a file as it can be sent.
type file struct {
	media  string
	etag   string
	forms  map[string][]byte // by Content-Encoding; "": as it is
	hashed bool
}

// New makes the handler of the UI, of which files is a build. prefix is the path
// that all is served below, as browsers have it: "" or one like "/a/b". The
// handler itself gets paths without it.
func New(files fs.FS, prefix string) (http.Handler, error) {
	h := &handler{prefix: prefix, files: map[string]*file{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name == indexFile {
			h.index, h.etag = body, tagOf(body)
			return nil
		}
		h.add(name, body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web UI: %w", err)
	}
	if h.index == nil {
		h.index = []byte(missing)
		h.etag = tagOf(h.index)
	}
	for name, f := range h.files {
		if err := f.complete(); err != nil {
			return nil, fmt.Errorf("read %s of the web UI: %w", name, err)
		}
	}
	return h, nil
}

// encodings are the forms that the build leaves beside a file, or instead of it, by
// the ends of their names; the first that a browser takes is sent.
var encodings = []struct{ suffix, coding string }{{".br", "br"}, {".gz", "gzip"}}

func (h *handler) add(name string, body []byte) {
	coding := ""
	for _, e := range encodings {
		if plain, ok := strings.CutSuffix(name, e.suffix); ok {
			name, coding = plain, e.coding
		}
	}
	f := h.files[name]
	if f == nil {
		f = &file{forms: map[string][]byte{}, hashed: strings.HasPrefix(name, hashedFiles),
			media: cmp.Or(mime.TypeByExtension(path.Ext(name)), "application/octet-stream")}
		h.files[name] = f
	}
	f.forms[coding] = body
}

// complete makes the plain form where there is a compressed one only, and the tag.
func (f *file) complete() error {
	if f.forms[""] == nil {
		r, err := gzip.NewReader(bytes.NewReader(f.forms["gzip"]))
		if err != nil {
			return err
		}
		if f.forms[""], err = io.ReadAll(r); err != nil {
			return err
		}
	}
	f.etag = tagOf(f.forms[""])
	return nil
}

func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:12])
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this path takes GET", http.StatusMethodNotAllowed)
		return
	}
	protect(w.Header())
	if f := h.files[strings.TrimPrefix(r.URL.Path, "/")]; f != nil {
		f.serve(w, r)
		return
	}
	if !isPage(r) {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	h.serveIndex(w, r)
}

// protect sets what every answer has.
func protect(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// isPage tells whether a browser goes to a page of the UI, which the UI knows by
// its path, rather than to a file or to something else of the server's.
func isPage(r *http.Request) bool {
	if r.URL.Path == "/" {
		return true
	}
	for _, p := range reserved {
		if r.URL.Path == p || strings.HasPrefix(r.URL.Path, p+"/") {
			return false
		}
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	coding := f.choose(r.Header.Get("Accept-Encoding"))
	tag := `"` + f.etag + strings.TrimRight("-"+coding, "-") + `"`
	head := w.Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "no-cache")
	if f.hashed {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if len(f.forms) > 1 {
		head.Add("Vary", "Accept-Encoding")
	}
	if has(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if coding != "" {
		head.Set("Content-Encoding", coding)
	}
	send(w, r, f.media, f.forms[coding])
}

// choose gives the first form that an Accept-Encoding header takes.
func (f *file) choose(accept string) string {
	for _, e := range encodings {
		if f.forms[e.coding] == nil {
			continue
		}
		for part := range strings.SplitSeq(accept, ",") {
			name, q, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
			if strings.EqualFold(name, e.coding) && !refusedQuality.MatchString(q) {
				return e.coding
			}
		}
	}
	return ""
}

// refusedQuality is a weight that means "not" (RFC 9110, 12.4.2).
var refusedQuality = regexp.MustCompile(`^q=0(\.0*)?$`)

// serveIndex answers with the page that the UI begins with.
func (h *handler) serveIndex(w http.ResponseWriter, r *http.Request) {
	base := h.base(r) + "/"
	tag := `W/"` + tagOf([]byte(h.etag+" "+base)) + `"`
	head := w.Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "private, no-cache")
	head.Add("Vary", forwardedPrefix)
	if has(r, tag) {
		// Without a policy: the browser keeps the one that came with the page, whose
		// nonce is in it.
		w.WriteHeader(http.StatusNotModified)
		return
	}
	nonce := rand.Text()
	head.Set("Content-Security-Policy", policy(nonce))
	head.Set("X-Frame-Options", "DENY")
	page := strings.NewReplacer(basePlace, html.EscapeString(base), noncePlace, nonce).Replace(string(h.index))
	send(w, r, "text/html; charset=utf-8", []byte(page))
}

// policy lets the page run and show what this server gives, and nothing else. The
// nonce is for the style elements that components make: no style stands in a page.
func policy(nonce string) string {
	directives := map[string]string{
		"default-src": "'none'", "script-src": "'self'", "style-src": "'self' 'nonce-" + nonce + "'", "connect-src": "'self'",
		"img-src": "'self' data:", "font-src": "'self'", "manifest-src": "'self'", "worker-src": "'self'",
		"base-uri": "'self'", "form-action": "'self'", "frame-ancestors": "'none'",
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(directives)) {
		parts = append(parts, name+" "+directives[name])
	}
	return strings.Join(parts, "; ")
}

// forwardedPrefix is where a proxy says which path it has taken away.
const forwardedPrefix = "X-Forwarded-Prefix"

// pathPrefix is what is believed of that header: a path of this origin. Two slashes
// would be another host.
var pathPrefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+/?$`)

// base gives the path that the pages are below, as the browser has it.
func (h *handler) base(r *http.Request) string {
	if p := r.Header.Get(forwardedPrefix); h.prefix == "" && len(p) <= 200 && pathPrefix.MatchString(p) {
		return strings.TrimRight(p, "/")
	}
	return h.prefix
}

// has tells whether the browser has what has a tag.
func has(r *http.Request, tag string) bool {
	for have := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(have), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func send(w http.ResponseWriter, r *http.Request, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // fails only if the caller is gone
	}
}

// missing is the page of a binary that was built without the UI.
const missing = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><base href="` + basePlace + `"><title>promfleet</title></head>
<body>
<h1>The web UI is not in this binary</h1>
<p>It was built by <code>go build</code> alone. Run <code>make build</code>, which builds the web UI first, and start the server again.</p>
<p>The API is here all the same: see <a href="docs/">its description</a>.</p>
</body>
</html>
`
