package apply_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/fleet"
	"promfleet/internal/pgtest"
	"promfleet/internal/server"
)

// The fleet: nodes, jobs of each, targets of each.
const (
	nodes   = 1000
	jobs    = 10
	targets = 10
)

func node(n int) string { return fmt.Sprintf("7b0e8a2c-6f1d-4f52-9a52-%012d", n) }

// documents are the files of all nodes; round changes one job of each.
func documents(round int) (docs []promfleet.FleetDocument) {
	for n := range nodes {
		base := fmt.Sprintf("global:\n  scrape_interval: 30s\n  external_labels: {replica: %q}\nremote_write:\n- url: http://tsdb/api/v1/write\n  basic_auth: {username: u, password: secret}\n", node(n))
		tags := []string{"prod", fmt.Sprintf("rack-%d", n%40)}
		docs = append(docs, promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: node(n), Tags: &tags, BaseConfig: &base, At: fmt.Sprintf("node-%d.yml:1", n)})
		for j := range jobs {
			config := fmt.Sprintf(`{"scrape_interval":"%ds","relabel_configs":[{"source_labels":["__address__"],"regex":"(.*):%d","target_label":"host"}],"metric_relabel_configs":[{"source_labels":["__name__"],"regex":"go_.*","action":"drop"}]}`, 15+j+round*(1-min(j, 1)), 9000+j)
			ts := make([]promfleet.FleetTarget, targets)
			for i := range ts {
				ts[i] = promfleet.FleetTarget{Addr: fmt.Sprintf("10.%d.%d.%d:%d", n/250, n%250, i, 9000+j), Labels: map[string]string{"dc": fmt.Sprint(n % 7), "app": fmt.Sprint("app-", j)}}
			}
			docs = append(docs, promfleet.FleetDocument{Kind: promfleet.FleetJob, Node: node(n), Key: fmt.Sprintf("job_%d", j), ScrapeConfig: json.RawMessage(config), Targets: &ts, At: fmt.Sprintf("node-%d.yml:%d", n, 20*(j+1))})
		}
	}
	return docs
}

// start starts a server and registers the nodes.
func start(b *testing.B, o server.Options) (admin *client.Client, agents []*client.Client) {
	b.Helper()
	f, data, err := server.OpenFleet(b.Context(), o)
	check(b, err)
	token, err := f.CreateToken(b.Context(), fleet.Principal{ID: "bench", Role: promfleet.RoleAdmin}, promfleet.TokenInput{Name: "bench", Role: promfleet.RoleAdmin})
	check(b, err)
	check(b, data.Close())
	ctx, stop := context.WithCancel(context.Background())
	o.ListenAddresses = []string{"127.0.0.1:0"}
	s, err := server.New(ctx, o, slog.New(slog.DiscardHandler))
	check(b, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		check(b, <-ended)
	})
	admin, err = client.New(client.Config{URL: "http://" + s.Addrs()[0], Token: token.Secret})
	check(b, err)
	join, err := admin.JoinTokens().Create(b.Context(), promfleet.JoinTokenInput{MaxUses: nodes})
	check(b, err)
	for n := range nodes {
		r, err := admin.WithToken(join.Secret).Register(b.Context(), promfleet.Registration{Protocol: promfleet.ProtocolVersion, UUID: node(n),
			Hostname: fmt.Sprintf("prometheus-%d", n), Addr: "http://127.0.0.1:9090/"})
		check(b, err)
		agents = append(agents, admin.WithToken(r.Credential))
	}
	return admin, agents
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// reporting has one agent after another report, and says how long the longest waited.
func reporting(b *testing.B, agents []*client.Client, while func()) (longest time.Duration) {
	ctx, stop := context.WithCancel(b.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			began := time.Now()
			err := agents[n%len(agents)].Report(ctx, promfleet.Report{Protocol: promfleet.ProtocolVersion, State: promfleet.StateInSync})
			if err == nil {
				longest = max(longest, time.Since(began))
			} else if ctx.Err() == nil {
				b.Logf("a report: %v", err)
			}
		}
	})
	while()
	stop()
	all.Wait()
	return longest
}

// BenchmarkApply applies the files of the whole fleet: to nodes that have nothing,
// again as they are, and with one job in ten changed.
func BenchmarkApply(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { apply(b, server.Options{StoragePath: b.TempDir()}) })
	b.Run("postgres", func(b *testing.B) {
		url := pgtest.Start(b).Database(b)
		apply(b, server.Options{StoragePath: b.TempDir(), StorageURL: url})
	})
}

func apply(b *testing.B, o server.Options) {
	admin, agents := start(b, o)
	run := func(what string, docs []promfleet.FleetDocument, how client.ApplyHow, changes int) {
		if path := os.Getenv("PROMFLEET_PROFILE"); path != "" {
			f, err := os.Create(path + "." + what)
			check(b, err)
			check(b, pprof.StartCPUProfile(f))
			defer pprof.StopCPUProfile()
		}
		var took, waited time.Duration
		waited = reporting(b, agents, func() {
			began := time.Now()
			done, err := admin.Apply(b.Context(), docs, how, func(int, int) {})
			check(b, err)
			took = time.Since(began)
			if len(done.Changes) != changes {
				b.Fatalf("%s: %d changes, want %d", what, len(done.Changes), changes)
			}
		})
		b.Logf("FIGURE %s: %.1f s, the longest report %.1f s", what, took.Seconds(), waited.Seconds())
		b.ReportMetric(took.Seconds(), "s-"+what)
		b.ReportMetric(waited.Seconds(), "s-report-"+what)
	}
	for range b.N {
		run("first", documents(0), client.ApplyHow{}, nodes*(jobs+1))
		run("second", documents(0), client.ApplyHow{}, 0)
		run("dry", documents(1), client.ApplyHow{DryRun: true}, nodes)
		run("tenth", documents(1), client.ApplyHow{}, nodes)
		b.StopTimer()
		_, err := admin.Apply(b.Context(), empty(), client.ApplyHow{Prune: true, AllowRemoval: true}, nil)
		check(b, err)
		b.StartTimer()
	}
}

// empty are documents of nodes without jobs.
func empty() (docs []promfleet.FleetDocument) {
	for n := range nodes {
		base, tags := "", []string{}
		docs = append(docs, promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: node(n), Tags: &tags, BaseConfig: &base})
	}
	return docs
}
