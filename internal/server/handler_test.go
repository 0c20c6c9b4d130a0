package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"promfleet/internal/server"
)

// Behind a proxy all is below the path of the external URL, and what the pages
// refer to is there too.
func TestBelowTheExternalURL(t *testing.T) {
	external := must(url.Parse("https://monitoring.example.com/ops/promfleet"))
	s := startOn(t, server.Options{StoragePath: t.TempDir(), ExternalURL: external})
	const root = "/ops/promfleet"
	for path, want := range map[string]string{
		"/":                                 `<base href="` + root + `/"`,
		root:                                `<base href="` + root + `/"`,
		root + "/docs":                      root + "/api/v1/openapi.json",
		root + "/docs/swagger-ui.css":       ".swagger-ui",
		root + "/api/v1/openapi.json":       external.String(),
		root + "/api/v1/nodes":              `"items"`,
		root + "/api/v1/nothing":            "404",
		root + "/-/ready":                   "ready",
		root + "/-/healthy":                 "healthy",
		root + "/metrics":                   "promfleet_http_requests_in_flight",
		"//ops//promfleet/api/v1/nodes":     `"items"`,
		root + "/api/v1/../../api/v1/nodes": `"items"`,
	} {
		if _, _, body := s.call(http.MethodGet, path, ""); !strings.Contains(body, want) {
			t.Errorf("GET %s lacks %q: %.200s", path, want, body)
		}
	}
	for _, path := range []string{"/metrics", "/api/v1/nodes", "/docs/", "/-/ready", "/ops/promfleetX/-/ready"} {
		if st, _, _ := s.call(http.MethodGet, path, ""); st != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, st)
		}
	}
}
