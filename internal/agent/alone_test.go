package agent

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// page gives status and text of one of the agent's pages.
func page(a *Agent, path string) (int, string) {
	w := httptest.NewRecorder()
	a.pages().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// says checks that a page has lines with these words.
func says(t *testing.T, a *Agent, path string, status int, words ...string) {
	t.Helper()
	code, text := page(a, path)
	if code != status {
		t.Errorf("%s is %d, want %d:\n%s", path, code, status, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", path, w, text)
		}
	}
}

// TestAlone: without its server an agent keeps what it has, over its own restart and
// Prometheus's, puts right what is damaged, and says how it stands.
func TestAlone(t *testing.T) {
	driftBed(t, "", func(b *bed, jobs map[string]wantedJob) {
		yml, targets := b.read(ymlFile), b.read(nodeFile)
		kept := func(when string) {
			b.t.Helper()
			if b.read(ymlFile) != yml || b.read(nodeFile) != targets {
				t.Errorf("%s: the files are not what they were", when)
			}
		}
		b.server.setDown(true)
		b.after(10 * time.Minute)
		kept("after ten minutes")
		b.put(nodeFile, "[]")
		b.edit(ymlFile, "username: u", "username: x")
		b.after(2 * time.Minute)
		kept("damaged")
		b.stop()

		b.put(nodeFile, "[")
		a := b.start()
		b.after(time.Minute)
		kept("damaged while no agent ran")
		says(t, a, "/-/healthy", http.StatusOK, "healthy")
		says(t, a, "/-/ready", http.StatusOK, "promfleet agent is ready.\nstate: in_sync\nrevision: 1 wanted, 1 received, 1 written, 1 loaded\n",
			"server: http://server is not reachable since 2000-01-01T00:12:", "next try at 2000-01-01T00:13:", ": down")
		says(t, a, "/metrics", http.StatusOK, `promfleet_agent_state{state="in_sync"} 1`, `promfleet_agent_revision{stage="loaded"} 1`,
			`promfleet_agent_next_try_timestamp_seconds{what="server"} 9.46`, "promfleet_agent_drift_repairs_total 1")

		b.prom.setDown(true)
		b.put(ymlFile, "")
		b.after(time.Minute)
		kept("damaged while Prometheus was down")
		says(t, a, "/-/ready", http.StatusOK, "state: written: ")
		b.prom.setDown(false)
		b.after(time.Minute)
		says(t, a, "/-/ready", http.StatusOK, "state: in_sync\n")
		same(t, yml, b.prom.loaded)

		// What has happened meanwhile is told when the server is back, at once.
		_, _, before := b.server.counts()
		jobs["web"].pieces["all"] = []string{"w1:80", "w2:80"}
		b.server.want("", jobs)
		b.server.setDown(false)
		r := b.expect(promfleet.StateInSync)
		if !noticed(r, "prometheus.yml was changed by hand; it was put right") || !noticed(r, "node/all.json was changed by hand; it was put right") {
			t.Errorf("what happened meanwhile is not told: %q", r.Notices)
		}
		if _, _, now := b.server.counts(); now == before {
			t.Error("nothing is reported")
		}
		says(t, a, "/-/ready", http.StatusOK, "server: http://server is reachable, last answer at")
		says(t, a, "/metrics", http.StatusOK, `promfleet_agent_next_try_timestamp_seconds{what="server"} 0`)
		if _, text := page(a, "/metrics"); strings.Contains(text, `promfleet_agent_sync_failures_total{reason="unreachable"} 0`) {
			t.Error("the server's absence was not counted")
		}
	})
}

// TestBackAtOnce: a server that is back need not wait for the next report to be due.
func TestBackAtOnce(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.opts.SyncInterval = time.Hour
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.setDown(true)
		b.after(5 * time.Minute)
		_, _, before := b.server.counts()
		b.server.setDown(false)
		b.after(2 * time.Minute)
		if _, _, now := b.server.counts(); now != before+1 {
			t.Errorf("%d reports since it is back", now-before)
		}
		b.stop()
	})
}

// TestNotReady: an agent that has applied nothing says what it waits for.
func TestNotReady(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.server.setDown(true)
		a := b.start()
		b.after(time.Minute)
		says(t, a, "/-/ready", http.StatusServiceUnavailable, "is not ready: nothing has been applied yet", "state: pending",
			"server: http://server is not reachable since 2000-01-01T00:00:00Z, next try at")
		says(t, a, "/-/healthy", http.StatusOK, "healthy")
		says(t, a, "/metrics", http.StatusOK, `promfleet_agent_state{state="pending"} 1`)
		b.server.mu.Lock()
		b.server.down, b.server.joins = false, 0
		b.server.mu.Unlock()
		b.after(time.Minute)
		says(t, a, "/-/ready", http.StatusServiceUnavailable, "does not let this node in since", "join-token create")
		says(t, a, "/metrics", http.StatusOK, `promfleet_agent_sync_failures_total{reason="denied"} `)
		b.server.mu.Lock()
		b.server.joins = 1
		b.server.mu.Unlock()
		b.after(time.Minute)
		says(t, a, "/-/ready", http.StatusOK, "promfleet agent is ready.")
		b.stop()
	})
}

// TestHeldBackReload: when Prometheus is asked again is told.
func TestHeldBackReload(t *testing.T) {
	for name, c := range map[string]struct {
		answer int
		after  time.Duration
	}{
		"denied":  {http.StatusForbidden, 30 * time.Second},
		"refused": {http.StatusInternalServerError, firstQuarantine}, // the base is in quarantine
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.join()
				b.server.want("", oneJob("h1:9100"))
				a := b.start()
				b.expect(promfleet.StateInSync)
				b.prom.script(answer(c.answer, "no such field"))
				b.server.want("global: {scrape_interval: 10s}\n", oneJob("h1:9100"))
				b.expect(promfleet.StateFailed)
				at := time.Now().Add(c.after)
				says(t, a, "/-/ready", http.StatusOK, "state: failed: ", "reload: held back, next try at "+clock(at))
				says(t, a, "/metrics", http.StatusOK, fmt.Sprintf(`promfleet_agent_next_try_timestamp_seconds{what="reload"} %g`, float64(at.Unix())))
				b.after(c.after)
				b.expect(promfleet.StateInSync)
				says(t, a, "/metrics", http.StatusOK, `promfleet_agent_next_try_timestamp_seconds{what="reload"} 0`)
				b.stop()
			})
		})
	}
}

// TestCopiesAreNoNeed: an agent that has lost its copies goes on, and fetches.
func TestCopiesAreNoNeed(t *testing.T) {
	driftBed(t, "", func(b *bed, _ map[string]wantedJob) {
		b.stop()
		targets := b.read(nodeFile)
		b.remove("data/written")
		b.start()
		b.after(time.Minute)
		b.expect(promfleet.StateInSync)
		b.put(nodeFile, "[]")
		b.after(time.Minute)
		same(t, targets, b.read(nodeFile))
		b.stop()
		files, err := os.ReadDir(b.dir + "/data/written")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b.put("data/written/"+f.Name(), "damaged")
		}
		b.put(nodeFile, "[]")
		b.start()
		b.after(time.Minute)
		b.expect(promfleet.StateInSync)
		same(t, targets, b.read(nodeFile))
	})
}
