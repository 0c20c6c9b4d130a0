package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"promfleet/internal/fleetfile"
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
	mux.HandleFunc("GET "+Prefix+"/fleetfile.schema.json", fleetfileSchema)
	mux.Handle("/docs", http.RedirectHandler(root+path, http.StatusFound))
}

// fleetfileSchema is for editors, which have no credentials: it says nothing of this
// fleet.
func fleetfileSchema(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(fleetfile.Schema()) // fails only if the caller is gone
}
