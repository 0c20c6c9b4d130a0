package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// docs serves the description of the API for people, and tells in it where the API
// is, if external is known.
func docs(mux *http.ServeMux, doc *huma.OpenAPI, external *url.URL) {
	const path = "/docs/"
	var root string // the path that all is served below, as browsers have it
	if external != nil {
		root = strings.TrimRight(external.EscapedPath(), "/")
		doc.Servers = []*huma.Server{{URL: strings.TrimRight(external.String(), "/")}}
	}
	page := v5emb.NewWithConfig(swgui.Config{InternalBasePath: path})
	mux.Handle(path, page("promfleet API", root+Prefix+"/openapi.json", root+path))
	mux.Handle("/docs", http.RedirectHandler(root+path, http.StatusFound))
}
