package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"promfleet"
	"promfleet/internal/api"
	"promfleet/internal/fleet"
	"promfleet/internal/ui"
)

// newHandler makes what the server serves. Requests that agents hold end with held.
func newHandler(held context.Context, f *fleet.Service, o Options, reg *prometheus.Registry, logger *slog.Logger) (http.Handler, error) {
	reg.MustRegister(newStateCollector(f, logger))
	apiHandler, err := api.New(held, f, api.Options{Version: o.Version, ExternalURL: o.ExternalURL, TrustedProxies: o.TrustedProxies, Logger: logger})
	if err != nil {
		return nil, err
	}
	prefix := routePrefix(o.ExternalURL)
	mux := http.NewServeMux()
	mux.Handle("/api/", apiHandler)
	mux.Handle("/docs", apiHandler)
	mux.Handle("/docs/", apiHandler)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError)}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "promfleet is healthy.")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(promfleet.ProtocolHeader, strconv.Itoa(promfleet.ProtocolVersion))
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := f.Ping(ctx); err != nil {
			logger.Error("not ready", "err", err)
			http.Error(w, "The database does not answer.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "promfleet is ready.")
	})
	pages, err := ui.New(ui.Files(), prefix)
	if err != nil {
		return nil, err
	}
	mux.Handle("/", pages)
	return instrument(reg, gzhttp.GzipHandler(below(prefix, mux))), nil
}

// readyTimeout bounds the wait for a database that does not answer.
const readyTimeout = 2 * time.Second

// routePrefix gives the path that all is served below, as Prometheus takes it
// from the external URL: "" or one like "/a/b".
func routePrefix(external *url.URL) string {
	if external == nil {
		return ""
	}
	return strings.TrimRight("/"+strings.Trim(external.EscapedPath(), "/"), "/")
}

// below serves h below a path, and sends who asks for the root there.
func below(prefix string, h http.Handler) http.Handler {
	if prefix == "" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
	mux.Handle("GET /{$}", http.RedirectHandler(prefix+"/", http.StatusFound))
	return mux
}
