package api

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// An operation that does not say who may call it keeps the server from starting.
func TestUndeclaredOperationDoesNotStart(t *testing.T) {
	for _, ext := range []map[string]any{nil, {roleExtension: ""}, {roleExtension: "everybody"}} {
		a := newHuma(http.NewServeMux(), "test")
		huma.Register(a, huma.Operation{OperationID: "x", Method: http.MethodGet, Path: "/x", Extensions: ext},
			func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		if err := declared(a.OpenAPI()); err == nil || !strings.Contains(err.Error(), "GET /x") {
			t.Errorf("with %v: %v", ext, err)
		}
	}
}

// The document is made of the code; this file shows a change of it in review, and
// is what clients are generated from.
func TestOpenAPIDocument(t *testing.T) {
	h, err := New(t.Context(), nil, Options{Version: "dev", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+"/openapi.json", nil))
	var doc any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the OpenAPI document changed; go test ./internal/api -update rewrites %s", golden)
	}
}

// Editors get the schema of fleet files without credentials.
func TestFleetfileSchema(t *testing.T) {
	h, err := New(t.Context(), nil, Options{Version: "dev", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for method, status := range map[string]int{http.MethodGet: http.StatusOK, http.MethodHead: http.StatusOK, http.MethodPost: http.StatusMethodNotAllowed} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, Prefix+"/fleetfile.schema.json", nil))
		if rec.Code != status {
			t.Errorf("%s is answered %d, not %d", method, rec.Code, status)
		}
		if ct := rec.Header().Get("Content-Type"); status == http.StatusOK && (ct != "application/schema+json" || !json.Valid(rec.Body.Bytes())) {
			t.Errorf("%s gives %s that is JSON: %t", method, ct, json.Valid(rec.Body.Bytes()))
		}
	}
}
