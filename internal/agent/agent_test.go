package agent

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"promfleet"
)

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func oneJob(addrs ...string) map[string]wantedJob {
	return map[string]wantedJob{"node": {pieces: map[string][]string{"all": addrs}}}
}

func TestMainJob(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("global:\n  scrape_interval: 15s\n", oneJob("h1:9100"))
		b.start()
		r := b.expect(promfleet.StateInSync)
		same(t, []int64{1, 1, 1}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		same(t, "2.42.0", r.PrometheusVersion)
		same(t, "test", b.server.node.AgentVersion)
		same(t, "http://prometheus", b.server.node.Addr)
		same(t, 1, b.prom.counts())
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "scrape_interval: 15s") || !strings.Contains(yml, b.dir+"/targets.d/node/*.json") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}

		// A target: its file and nothing else, no reload.
		before := b.tree()
		b.server.want("global:\n  scrape_interval: 15s\n", oneJob("h1:9100", "h2:9100"))
		b.expect(promfleet.StateInSync)
		same(t, 1, b.prom.counts())
		same(t, before[b.prom.file], b.tree()[b.prom.file])

		// A job: one reload.
		jobs := oneJob("h1:9100", "h2:9100")
		jobs["probe"] = wantedJob{config: `{"scrape_interval":"1m"}`, pieces: map[string][]string{"all": {"p:1"}}}
		b.server.want("global:\n  scrape_interval: 15s\n", jobs)
		b.expect(promfleet.StateInSync)
		same(t, 2, b.prom.counts())

		// The same once more, as after a remark; and then 20 syncs of nothing.
		_, fetched, _ := b.server.counts()
		before = b.tree()
		b.server.want("global:\n  scrape_interval: 15s\n", jobs)
		b.expect(promfleet.StateInSync)
		quiet := b.tree()
		watches, _, reports := b.server.counts()
		b.after(10 * time.Minute)
		if w, _, r := b.server.counts(); w < watches+20 || r < reports+20 {
			t.Errorf("%d watches and %d reports in 20 sync intervals", w-watches, r-reports)
		}
		same(t, quiet, b.tree())
		state := filepath.Join(b.dir, "data/state.json")
		delete(before, state)
		delete(quiet, state)
		same(t, before, quiet)
		_, now, _ := b.server.counts()
		same(t, fetched, now)
		same(t, 2, b.prom.counts())
		same(t, int64(3), b.server.last().TargetsUp)
		b.stop()
	})
}

func TestRestart(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("global: {}\n", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.stop()
		before := b.tree()
		_, fetched, _ := b.server.counts()

		b.start()
		b.after(time.Minute)
		b.expect(promfleet.StateInSync)
		b.stop()
		same(t, before, b.tree())
		_, now, _ := b.server.counts()
		same(t, fetched, now)
		same(t, 1, b.prom.counts())

		// With the server gone, what is here is enough to put the files right.
		b.server.setDown(true)
		yml, targets := b.read("prometheus.yml"), b.read("targets.d/node/all.json")
		b.put("prometheus.yml", "by: hand\n")
		b.start()
		b.after(5 * time.Second)
		same(t, yml, b.read("prometheus.yml"))
		same(t, 2, b.prom.counts())
		b.stop()
		b.put("targets.d/node/all.json", "[]")
		b.start()
		b.after(5 * time.Second)
		same(t, targets, b.read("targets.d/node/all.json"))
		b.server.setDown(false)
		b.after(2 * time.Minute)
		same(t, promfleet.StateInSync, b.server.last().State)
		b.stop()
		same(t, 2, b.prom.counts())
	})
}

func TestHandEdit(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		want := b.read("targets.d/node/all.json")
		b.put("targets.d/node/all.json", "[]")
		b.after(time.Minute)
		same(t, want, b.read("targets.d/node/all.json"))
		same(t, 1, b.prom.counts())
		b.stop()
	})
}

func TestOnce(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		for range 3 {
			if err := b.agent().Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, promfleet.StateInSync, b.server.last().State)
		}
		same(t, 1, b.prom.counts())

		b.prom.setDown(true)
		b.server.want("", map[string]wantedJob{})
		if err := b.agent().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, promfleet.StateWritten, b.server.last().State)
		// Its files stay as long as they may be in use.
		b.read("targets.d/node/all.json")

		b.prom.setDown(false)
		if err := b.agent().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, promfleet.StateInSync, b.server.last().State)
		if _, err := os.Stat(filepath.Join(b.dir, "targets.d/node")); err == nil {
			t.Error("the directory of a job that is gone is still there")
		}

		b.server.setDown(true)
		if err := b.agent().Once(t.Context()); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("server down: %v", err)
		}
	})
}

func TestNoReload(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.opts.ReloadMethod = "none"
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		r := b.expect(promfleet.StateWritten)
		same(t, []int64{1, 0}, []int64{r.RevisionWritten, r.RevisionLoaded})
		if !strings.Contains(r.Error, "nothing was reloaded") {
			t.Errorf("error %q", r.Error)
		}
		b.prom.mu.Lock()
		b.prom.load() // somebody else reloads
		b.prom.mu.Unlock()
		b.expect(promfleet.StateInSync)
		same(t, 0, b.prom.counts())
		b.stop()
	})
}

func answer(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintln(w, body)
	}
}

func TestReloadRefused(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		good := b.read("prometheus.yml")

		no := answer(http.StatusInternalServerError, "failed to reload config: unknown field")
		b.prom.script(no)
		jobs := oneJob("h1:9100", "h2:9100")
		jobs["new"] = wantedJob{pieces: map[string][]string{"all": {"n:1"}}}
		b.server.want("", jobs)
		r := b.expect(promfleet.StateQuarantined)
		same(t, []int64{2, 1, 1}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		if !strings.Contains(r.Error, "failed to reload config: unknown field") {
			t.Errorf("error %q", r.Error)
		}
		same(t, good, b.read("prometheus.yml"))
		same(t, 3, b.prom.counts()) // and the old one again
		if !strings.Contains(b.read("targets.d/node/all.json"), "h2:9100") {
			t.Error("the target edit of a job that stays did not arrive")
		}

		// One more try as a last resort, after five minutes, and it goes well.
		b.after(firstQuarantine - 10*time.Second)
		same(t, 3, b.prom.counts())
		b.expect(promfleet.StateInSync)
		same(t, 4, b.prom.counts())
		b.stop()
	})
}

func TestReloadDenied(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.prom.script(answer(http.StatusForbidden, "Lifecycle API is not enabled."))
		b.start()
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "--web.enable-lifecycle") {
			t.Errorf("error %q", r.Error)
		}
		b.stop()
	})
}

// TestReloadUnknown: an answer that does not come in time is looked for, not
// taken for a failure, and not asked for again.
func TestReloadUnknown(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.prom.script(func(w http.ResponseWriter, r *http.Request) {
			b.prom.load()
			b.prom.mu.Unlock()
			<-r.Context().Done()
			b.prom.mu.Lock()
		})
		b.start()
		b.after(100 * time.Second)
		b.expect(promfleet.StateInSync)
		same(t, 1, b.prom.counts())
		b.stop()
	})
}

func TestServerDown(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.setDown(true)
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.after(5 * time.Minute)
		b.server.setDown(false)
		b.expect(promfleet.StateInSync)
		b.server.setDown(true)
		b.after(5 * time.Minute)
		b.server.setDown(false)
		b.server.want("", oneJob("h1:9100", "h2:9100"))
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

func TestBackoff(t *testing.T) {
	var w backoff
	for _, most := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if d := w.next(); d < most*time.Second/2 || d > most*time.Second {
			t.Errorf("pause %s, want between %ds and %ds", d, most/2, most)
		}
	}
}

// TestCredentialLost: the node was deleted, and a join token is there.
func TestCredentialLost(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.mu.Lock()
		b.server.token, b.server.joins = "", 2
		b.server.mu.Unlock()
		b.after(2 * time.Minute)
		b.server.want("", oneJob("h2:9100"))
		b.expect(promfleet.StateInSync)
		same(t, "credential-1\n", b.read("data/credential"))
		b.stop()
	})
}

func TestNotLetIn(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.server.joins = 0
		if err := b.agent().Once(t.Context()); err == nil || !strings.Contains(err.Error(), "hint: create a join token") {
			t.Errorf("error %v", err)
		}
		b.opts.JoinTokenFile = ""
		if err := b.agent().Once(t.Context()); err == nil || !strings.Contains(err.Error(), "--join.token-file") {
			t.Errorf("error %v", err)
		}
		info, err := os.Stat(filepath.Join(b.dir, "data/uuid"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

// TestBurst: what comes while Prometheus's tickers are waited for does not wait.
func TestBurst(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.mu.Lock()
		b.prom.ok = false // nothing is seen loaded for now
		b.prom.mu.Unlock()
		b.server.want("global:\n  scrape_interval: 10s\n", oneJob("h1:9100"))
		b.prom.script(answer(http.StatusOK, ""))
		b.after(time.Second)
		b.server.want("global:\n  scrape_interval: 10s\n", oneJob("h1:9100", "h2:9100"))
		b.after(10 * time.Millisecond)
		if !strings.Contains(b.read("targets.d/node/all.json"), "h2:9100") {
			t.Error("an edit waits for the one before it to be seen loaded")
		}
		b.prom.mu.Lock()
		b.prom.load()
		b.prom.mu.Unlock()
		r := b.expect(promfleet.StateInSync)
		same(t, int64(3), r.RevisionLoaded)
		b.stop()
	})
}
