package agent

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// TestQuarantineBase: a base that is refused is held back, and the job changes that
// come with it are not.
func TestQuarantineBase(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("global: {scrape_interval: 15s}\n", fresh(0))
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.set(func(p *scriptedPrometheus) {
			p.reloads = 0
			p.refuses = func(yml string) string {
				if strings.Contains(yml, "scrape_interval: 17s") {
					return "failed to reload config: no"
				}
				return silently(yml)
			}
		})
		b.server.want("global: {scrape_interval: 17s}\n", fresh(20, 7))
		r := b.expect(promfleet.StateFailed)
		for _, w := range []string{"the base config is held back", "job new007 is quarantined", "failed to reload config: no"} {
			if !strings.Contains(r.Error, w) {
				t.Errorf("error %q, want %q", r.Error, w)
			}
		}
		same(t, 20, len(b.running()))
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "scrape_interval: 15s") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		n := b.prom.counts()
		b.stop()
		b.start()
		b.after(time.Minute)
		b.expect(promfleet.StateFailed)
		same(t, n, b.prom.counts())
		b.server.want("global: {scrape_interval: 16s}\n", fresh(20))
		b.expect(promfleet.StateInSync)
		same(t, 21, len(b.running()))
		b.never("good")
		b.stop()
	})
}

// TestQuarantineLocalBase: the same for a base that is the host's own.
func TestQuarantineLocalBase(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.opts.BaseConfig = filepath.Join(b.dir, "base.yml")
		b.put("base.yml", "global: {scrape_interval: 15s}\n")
		b.refusing(func(yml string) string {
			if strings.Contains(yml, "scrape_interval: 17s") {
				return "failed to reload config: no"
			}
			return ""
		})
		b.put("base.yml", "global: {scrape_interval: 17s}\n")
		b.server.want("", fresh(2))
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "the base config is held back") {
			t.Errorf("error %q", r.Error)
		}
		n := b.prom.counts()
		b.stop()
		b.start()
		b.after(2 * time.Minute)
		same(t, n, b.prom.counts())
		same(t, 3, len(b.running()))
		b.put("base.yml", "global: {scrape_interval: 16s}\n")
		b.expect(promfleet.StateInSync)
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "scrape_interval: 16s") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		b.never("good")
		b.stop()
	})
}

// TestQuarantineForgotten: what was good is not known any more. A job that may be
// loaded is not taken away to find out: all is held back.
func TestQuarantineForgotten(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.opts.BaseConfig = filepath.Join(b.dir, "base.yml")
		b.put("base.yml", "global: {scrape_interval: 15s}\n")
		b.refusing(func(yml string) string {
			if strings.Contains(yml, "scrape_interval: 17s") && strings.Contains(yml, "job_name") {
				return "failed to reload config: no"
			}
			return ""
		})
		b.stop()
		if err := os.Remove(filepath.Join(b.dir, "data", goodFile)); err != nil {
			t.Fatal(err)
		}
		b.put("base.yml", "global: {scrape_interval: 17s}\n")
		b.server.want("", fresh(3))
		b.start()
		b.expect(promfleet.StateFailed)
		same(t, []string{"good"}, b.running())
		b.put("base.yml", "global: {scrape_interval: 16s}\n")
		b.expect(promfleet.StateInSync)
		b.never("good")
		b.stop()
	})
}

// TestQuarantineBaseAside: the last good configuration of a job does not go with a
// base that comes later, which waits then.
func TestQuarantineBaseAside(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		jobs := fresh(0)
		jobs["slow"] = wantedJob{config: `{"scrape_timeout":"20s"}`, pieces: map[string][]string{"all": {"s:1"}}}
		b.join()
		b.server.want("global: {scrape_interval: 30s}\n", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.set(func(p *scriptedPrometheus) { p.refuses = silently })
		jobs["slow"] = wantedJob{config: bad, pieces: jobs["slow"].pieces}
		b.server.want("global: {scrape_interval: 30s}\n", jobs)
		b.quarantined("job slow")
		jobs["more"] = wantedJob{pieces: map[string][]string{"all": {"m:1"}}}
		b.server.want("global: {scrape_interval: 15s}\n", jobs)
		b.quarantined("job slow", "the base config is held back too")
		same(t, []string{"good", "more", "slow"}, b.running())
		jobs["slow"] = wantedJob{pieces: jobs["slow"].pieces}
		b.server.want("global: {scrape_interval: 15s}\n", jobs)
		b.expect(promfleet.StateInSync)
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "scrape_interval: 15s") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		b.never("slow")
		b.stop()
	})
}

// TestQuarantineFirst: all jobs of a first set are bad, and there is nothing to go
// back to. What Prometheus would not have even without them is held back as a whole.
func TestQuarantineFirst(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.prom.refuses = silently
		b.join()
		jobs := fresh(3, 0, 1, 2)
		delete(jobs, "good")
		b.server.want("global: {scrape_interval: 15s}\n", jobs)
		b.start()
		r := b.quarantined("jobs new000, new001, new002 are")
		same(t, int64(0), r.RevisionLoaded)
		same(t, []string{}, b.running())
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "scrape_interval: 15s") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		b.server.want("global: {scrape_interval: 15s}\n", fresh(3, 1))
		b.quarantined("job new001 is")
		same(t, []string{"good", "new000", "new002"}, b.running())
		b.stop()
	})
	inBed(t, func(t *testing.T, b *bed) {
		b.prom.refuses = func(string) string { return "failed to reload config: no" }
		b.join()
		b.server.want("", fresh(20))
		b.start()
		b.expect(promfleet.StateFailed)
		b.after(10 * time.Minute)
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "failed to reload config: no") {
			t.Errorf("error %q", r.Error)
		}
		if n := b.prom.counts(); n > 30 {
			t.Errorf("%d reloads", n)
		}
		b.prom.set(func(p *scriptedPrometheus) { p.refuses = nil })
		b.after(longestHold)
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

// TestQuarantineHeld: a removal waits and a job is in quarantine at the same time.
// Each goes its way, and the job's own deletion is a removal as any other.
func TestQuarantineHeld(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		jobs := twoJobs(addrs(0, 150), addrs(200, 230))
		b.server.want("", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.set(func(p *scriptedPrometheus) { p.refuses = byLine })

		jobs = twoJobs(addrs(0, 20), addrs(200, 231))
		jobs["other"] = wantedJob{config: bad, pieces: jobs["other"].pieces}
		jobs["new"] = wantedJob{config: bad, pieces: map[string][]string{"all": {"n:1"}}}
		b.server.want("", jobs)
		b.held("takes 130 of 180", "jobs new, other are quarantined")
		same(t, 150, len(b.scraped("node")))
		same(t, addrs(200, 231), b.scraped("other"))
		n := b.prom.counts()
		b.stop()
		b.start()
		b.after(time.Minute)
		b.held("takes 130 of 180", "jobs new, other are quarantined")
		same(t, n, b.prom.counts())
		b.server.alter(func(m *promfleet.Manifest) { m.Confirmed = m.Revision })
		b.quarantined("jobs new, other are")
		same(t, 20, len(b.scraped("node")))
		same(t, 31, len(b.scraped("other")))

		// Deleted while it is in quarantine.
		delete(jobs, "other")
		delete(jobs, "new")
		b.server.want("", jobs)
		b.expect(promfleet.StateInSync)
		same(t, []string{"node"}, b.running())
		b.stop()
	})
}

// TestQuarantineRenamed: a job takes over the name of one that goes, and is bad:
// the one before stays.
func TestQuarantineRenamed(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.set(func(p *scriptedPrometheus) { p.refuses = silently })
		b.server.want("", map[string]wantedJob{"renamed": {name: "node", config: bad, pieces: map[string][]string{"all": {"h2:9100"}}}})
		b.quarantined("job renamed is quarantined")
		same(t, []string{"h1:9100"}, b.scraped("node"))
		b.after(2 * time.Minute)
		b.stop()
		b.start()
		b.after(2 * time.Minute)
		b.quarantined("job renamed is quarantined")
		same(t, []string{"h1:9100"}, b.scraped("node"))
		b.server.want("", map[string]wantedJob{"renamed": {name: "node", pieces: map[string][]string{"all": {"h2:9100"}}}})
		b.expect(promfleet.StateInSync)
		same(t, []string{"h2:9100"}, b.scraped("node"))
		b.never("node")
		b.stop()
	})
}

// TestQuarantinePool: a job for which Prometheus has made no scrape pool is never
// in sync, and the others count as loaded: a later refusal goes back to them.
func TestQuarantinePool(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(silently)
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = map[string]bool{"new000": true} })
		b.server.want("", fresh(2))
		r := b.quarantined("job new000 is quarantined: it has no scrape pool", "its log says why")
		same(t, []int64{2, 2, 1}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		b.after(5 * time.Minute)
		b.quarantined("job new000")
		same(t, 1, b.prom.counts())
		b.server.want("", fresh(3, 2))
		b.quarantined("job new000 is quarantined: it has no", "job new002 is quarantined: failed")
		b.never("good")
		b.prom.mu.Lock()
		for _, names := range b.prom.loads[2:] {
			if !slices.Contains(names, "new001") {
				t.Errorf("went back to %v", names)
			}
		}
		b.prom.mu.Unlock()
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = nil })
		b.after(time.Minute)
		if r := b.quarantined("job new002 is quarantined"); strings.Contains(r.Error, "new000") {
			t.Errorf("error %q", r.Error)
		}
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = map[string]bool{"new000": true} })
		b.stop()
		b.start()
		b.after(2 * time.Minute)
		b.quarantined("job new002 is quarantined")
		b.server.want("", fresh(3))
		b.quarantined("job new000")
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = nil })
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

// TestQuarantinePoolBeside: the same beside one that is refused, of which a restart
// loses nothing: when that one goes the node is not in sync.
func TestQuarantinePoolBeside(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(silently)
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = map[string]bool{"new000": true} })
		both := func() { b.quarantined("job new000 is quarantined: it has no", "job new001 is quarantined: failed") }
		b.server.want("", fresh(2, 1))
		both()
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = nil })
		b.after(time.Minute)
		if r := b.quarantined("job new001 is quarantined"); strings.Contains(r.Error, "new000") {
			t.Errorf("error %q", r.Error)
		}
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = map[string]bool{"new000": true} })
		b.stop()
		b.start()
		b.after(2 * time.Minute)
		both()
		b.server.want("", fresh(1))
		b.quarantined("job new000 is quarantined: it has no")
		b.after(5 * time.Minute)
		b.quarantined("job new000 is quarantined: it has no")
		b.prom.set(func(p *scriptedPrometheus) { p.poolless = nil })
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

// TestQuarantineDown: Prometheus goes down in the middle of the search. What it
// would start with is what it had, and the search goes on when it is back.
func TestQuarantineDown(t *testing.T) {
	for name, at := range map[string]struct {
		reload int
		words  string
	}{
		"before the one back is loaded": {3, "gone"},
		"before the next trial":         {2, ""},
		"after a trial was taken":       {5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				asked, once := 0, false
				b.refusing(func(yml string) string {
					asked++
					says := silently(yml)
					// With no words it goes down when it has taken one.
					if !once && asked >= at.reload && (at.words != "" || says == "") {
						once, b.prom.down = true, true
						return at.words
					}
					return says
				})
				b.server.want("", fresh(50, 20))
				b.after(3 * time.Minute)
				if text := b.read("prometheus.yml"); strings.Contains(text, "scrape_protocols") || !strings.Contains(text, "job_name: good") {
					t.Error("it would start with what it refuses")
				}
				if r := b.server.last(); r.State == promfleet.StateInSync {
					t.Errorf("%+v", r)
				}
				b.prom.setDown(false)
				b.after(5 * time.Minute)
				b.quarantined("job new020 is quarantined")
				same(t, 50, len(b.running()))
				b.stop()
			})
		})
	}
}

// TestQuarantineDenied: a reload that was not let through says nothing of the jobs.
func TestQuarantineDenied(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(silently)
		b.prom.script(answer(http.StatusForbidden, "Lifecycle API is not enabled."))
		b.server.want("", fresh(3))
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "--web.enable-lifecycle") {
			t.Errorf("error %q", r.Error)
		}
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

func TestQuarantineDamaged(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(silently)
		b.server.want("", fresh(1, 0))
		b.quarantined("job new000")
		b.stop()
		var all []map[string]any
		if err := json.Unmarshal([]byte(b.read("data/"+quarantineFile)), &all); err != nil || len(all) != 1 || all[0]["key"] != "new000" {
			t.Errorf("%v: %s", err, b.read("data/"+quarantineFile))
		}
		b.put("data/"+quarantineFile, "{")
		if err := b.agent().Once(t.Context()); err == nil || !strings.Contains(err.Error(), "quarantine.json is damaged") {
			t.Errorf("error %v", err)
		}
	})
}
