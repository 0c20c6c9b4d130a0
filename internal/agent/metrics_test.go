package agent

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"promfleet"
)

// TestOverNetwork runs the whole agent as it is started, with its own pages, over
// real connections.
func TestOverNetwork(t *testing.T) {
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := free.Addr().String()
	_ = free.Close()
	b := &bed{t: t, dir: dir, server: newControlPlane(), prom: &scriptedPrometheus{file: filepath.Join(dir, "prometheus.yml"), ok: true}}
	server, prom := httptest.NewServer(b.server), httptest.NewServer(b.prom)
	defer server.Close()
	defer prom.Close()
	b.put("join-token", "join")
	b.opts = Options{ServerURL: server.URL, PrometheusURL: prom.URL, JoinTokenFile: filepath.Join(dir, "join-token"),
		DataPath: filepath.Join(dir, "data"), ConfigFile: b.prom.file, ListenAddress: own, Version: "1.2.3"}
	b.join()
	b.server.want("", oneJob("h1:9100"))

	a, err := New(b.opts, slog.New(slog.NewTextHandler(t.Output(), nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); b.server.last().State != promfleet.StateInSync; {
		if time.Now().After(deadline) {
			t.Fatalf("not in sync: %+v", b.server.last())
		}
		time.Sleep(10 * time.Millisecond)
	}
	for path, want := range map[string][]string{
		"/-/healthy": {"healthy"},
		"/-/ready":   {"promfleet agent is ready.", "state: in_sync", "revision: 1 wanted, 1 received, 1 written, 1 loaded", "is reachable, last answer at"},
		"/metrics": {
			`promfleet_agent_revision{stage="wanted"} 1`, `promfleet_agent_revision{stage="received"} 1`,
			`promfleet_agent_revision{stage="written"} 1`, `promfleet_agent_revision{stage="loaded"} 1`,
			`promfleet_agent_state{state="in_sync"} 1`, `promfleet_agent_state{state="failed"} 0`,
			`promfleet_agent_next_try_timestamp_seconds{what="server"} 0`, `promfleet_agent_sync_failures_total{reason="disk"} 0`,
			`promfleet_agent_reloads_total{outcome="reloaded"} 1`, `promfleet_agent_writes_total{kind="targets"} 1`, `promfleet_agent_writes_total{kind="config"} 1`,
			`promfleet_agent_applies_total{result="success"} 1`, `promfleet_agent_build_info{version="1.2.3"} 1`,
		},
	} {
		resp, err := http.Get("http://" + own + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		for _, w := range want {
			if !strings.Contains(string(body), w) {
				t.Errorf("%s lacks %q:\n%s", path, w, body)
			}
		}
	}
	second, err := New(b.opts, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "another agent works on") {
		t.Errorf("second agent: %v", err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the agent does not end")
	}
}

func TestOptions(t *testing.T) {
	for words, o := range map[string]Options{
		"--server.url":           {},
		"--prometheus.take-over": {ServerURL: "http://s", TakeOver: "maybe"},
		"there is no reload method \"smoke\": it is one of http, none, signal, systemd": {ServerURL: "http://s", ReloadMethod: "smoke"},
		"--reload.pid-file":       {ServerURL: "http://s", ReloadMethod: "signal"},
		"--reload.unit \"--now\"": {ServerURL: "http://s", ReloadMethod: "systemd", ReloadUnit: "--now"},
		"--prometheus.url":        {ServerURL: "http://s", PrometheusURL: "localhost:9090"},
		"--sync.interval":         {ServerURL: "http://s", SyncInterval: time.Millisecond},
	} {
		if _, err := New(o, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want one with %q", err, words)
		}
	}
}
