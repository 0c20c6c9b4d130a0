package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// A job is bad if its scrape config has this: the library knows the field, and the
// scripted Prometheus does not.
const bad = `{"scrape_protocols":["PrometheusText0.0.4"]}`

// silently refuses bad jobs and says nothing of which.
func silently(yml string) string {
	if strings.Contains(yml, "scrape_protocols") {
		return "failed to reload config: one or more errors occurred"
	}
	return ""
}

// byLine refuses them as Prometheus does.
func byLine(yml string) string {
	var said []string
	for i, line := range strings.Split(yml, "\n") {
		if strings.Contains(line, "scrape_protocols:") {
			said = append(said, fmt.Sprintf("  line %d: field scrape_protocols not found in type config.plain", i+1))
		}
	}
	if said == nil {
		return ""
	}
	return "failed to reload config: couldn't load configuration (--config.file=\"prometheus.yml\"): parsing YAML file prometheus.yml: yaml: unmarshal errors:\n" + strings.Join(said, "\n")
}

func (p *scriptedPrometheus) set(change func(*scriptedPrometheus)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// running gives the job names that it has loaded.
func (b *bed) running() []string {
	b.prom.mu.Lock()
	defer b.prom.mu.Unlock()
	names := []string{}
	for name := range b.prom.poolsOf(none) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// never fails if a reload with success was without a job.
func (b *bed) never(job string) {
	b.t.Helper()
	b.prom.mu.Lock()
	defer b.prom.mu.Unlock()
	for i, names := range b.prom.loads {
		if !slices.Contains(names, job) {
			b.t.Errorf("load %d of %d was without job %s", i+1, len(b.prom.loads), job)
		}
	}
}

// grows fails if a reload with success was without a job that the one before had.
func (b *bed) grows() {
	b.t.Helper()
	b.prom.mu.Lock()
	defer b.prom.mu.Unlock()
	for i := 1; i < len(b.prom.loads); i++ {
		for _, name := range b.prom.loads[i-1] {
			if !slices.Contains(b.prom.loads[i], name) {
				b.t.Errorf("load %d of %d is without job %s", i+1, len(b.prom.loads), name)
				return
			}
		}
	}
}

func (b *bed) quarantined(words ...string) promfleet.Report {
	b.t.Helper()
	r := b.expect(promfleet.StateQuarantined)
	for _, w := range words {
		if !strings.Contains(r.Error, w) || strings.Contains(r.Error, "\n") {
			b.t.Errorf("error %q, want one line with %q", r.Error, w)
		}
	}
	return r
}

// fresh gives a good job and more of them, some bad.
func fresh(n int, isBad ...int) map[string]wantedJob {
	jobs := map[string]wantedJob{"good": {pieces: map[string][]string{"all": {"g:1"}}}}
	for i := range n {
		j := wantedJob{pieces: map[string][]string{"all": {fmt.Sprintf("n%d:1", i)}}}
		if slices.Contains(isBad, i) {
			j.config = bad
		}
		jobs[fmt.Sprintf("new%03d", i)] = j
	}
	return jobs
}

// refusing starts an agent with one good job, beside a Prometheus that refuses.
func (b *bed) refusing(refuses func(string) string) {
	b.t.Helper()
	b.join()
	b.server.want("", fresh(0))
	b.start()
	b.expect(promfleet.StateInSync)
	b.prom.set(func(p *scriptedPrometheus) { p.refuses, p.reloads = refuses, 0 })
}

// TestQuarantineSearch: the bad ones of many are found, within so many reloads,
// and the good ones ship. No good job is ever stopped.
func TestQuarantineSearch(t *testing.T) {
	for _, c := range []struct {
		name    string
		refuses func(string) string
		jobs    int
		bad     []int
		most    int
	}{
		{"one by its line", byLine, 60, []int{47}, 3},
		{"three by their lines", byLine, 60, []int{0, 47, 59}, 3},
		{"one of one without words", silently, 1, []int{0}, 2},
		{"one of 200 without words", silently, 200, []int{77}, 2*8 + 2 + 1},
		{"the last of 60 without words", silently, 60, []int{59}, 2*6 + 2 + 1},
		{"three of 200 without words", silently, 200, []int{0, 78, 199}, 3*(2*8+2) + 1},
		{"all of four without words", silently, 4, []int{0, 1, 2, 3}, 4 * (2*2 + 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.refusing(c.refuses)
				jobs := fresh(c.jobs, c.bad...)
				b.server.want("", jobs)
				var named []string
				for _, i := range c.bad {
					named = append(named, fmt.Sprintf("new%03d", i))
				}
				r := b.quarantined(strings.Join(named, ", ")+" ", "it heals when the job is changed or Prometheus is upgraded")
				same(t, []int64{2, 1, 1}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
				if n := b.prom.counts(); n > c.most {
					t.Errorf("%d reloads, at most %d", n, c.most)
				}
				t.Logf("%d bad of %d: %d reloads", len(c.bad), c.jobs, b.prom.counts())
				var want []string
				for key, j := range jobs {
					if j.config != bad {
						want = append(want, key)
					}
				}
				slices.Sort(want)
				same(t, want, b.running())
				for _, name := range want {
					same(t, 1, len(b.scraped(name)))
				}
				b.never("good")
				b.grows()

				// Nothing more happens, and a restart does not try them again.
				n := b.prom.counts()
				b.after(2 * time.Minute)
				b.stop()
				b.start()
				b.after(time.Minute)
				b.quarantined(named[0])
				same(t, n, b.prom.counts())
				b.stop()
			})
		})
	}
}

// TestQuarantineCap: where all of many are bad the search ends, and what it has
// not come to is held back with them.
func TestQuarantineCap(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(silently)
		all := make([]int, 100)
		for i := range all {
			all[i] = i
		}
		b.server.want("", fresh(100, all...))
		b.quarantined("did not tell which", " more are quarantined", "are quarantined: failed to reload config")
		if n := b.prom.counts(); n > maxReloads {
			t.Errorf("%d reloads", n)
		}
		same(t, []string{"good"}, b.running())
		b.never("good")
		b.stop()
	})
}

// TestQuarantineStays: a job that was loaded stays with its last good scrape
// config, and target edits in it and in others go on, without a reload; also after
// a restart. Mended, it is back.
func TestQuarantineStays(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		jobs := fresh(2)
		jobs["changed"] = wantedJob{config: `{"scrape_interval":"20s"}`, pieces: map[string][]string{"all": {"c:1"}}}
		b.join()
		b.server.want("", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.set(func(p *scriptedPrometheus) { p.refuses, p.reloads = silently, 0 })

		jobs["changed"] = wantedJob{config: `{"scrape_interval":"20s","scrape_protocols":["PrometheusText0.0.4"]}`, pieces: jobs["changed"].pieces}
		b.server.want("", jobs)
		b.quarantined("job changed is quarantined: failed to reload config")
		same(t, 2, b.prom.counts())
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "scrape_interval: 20s") || strings.Contains(yml, "scrape_protocols") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		for _, restarted := range []bool{false, true} {
			if restarted {
				b.stop()
				b.start()
			}
			edited := jobs["changed"]
			edited.pieces = map[string][]string{"all": {"c:1", fmt.Sprintf("c-%t:1", restarted)}}
			jobs["changed"] = edited
			jobs["good"] = wantedJob{pieces: map[string][]string{"all": {"g:1", fmt.Sprintf("g-%t:1", restarted)}}}
			b.server.want("", jobs)
			b.quarantined("job changed is quarantined")
			same(t, []string{"c-" + fmt.Sprint(restarted) + ":1", "c:1"}, b.scraped("changed"))
			same(t, []string{"g-" + fmt.Sprint(restarted) + ":1", "g:1"}, b.scraped("good"))
			same(t, 2, b.prom.counts())
		}
		// Another one ships, and one that goes goes.
		jobs["more"] = wantedJob{pieces: map[string][]string{"all": {"m:1"}}}
		delete(jobs, "new000")
		b.server.want("", jobs)
		b.quarantined("job changed is quarantined")
		same(t, 3, b.prom.counts())
		same(t, []string{"changed", "good", "more", "new001"}, b.running())

		jobs["changed"] = wantedJob{config: `{"scrape_interval":"10s"}`, pieces: jobs["changed"].pieces}
		b.server.want("", jobs)
		r := b.expect(promfleet.StateInSync)
		same(t, []int64{6, 6, 6}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		same(t, 4, b.prom.counts())
		if _, err := os.Stat(filepath.Join(b.dir, "data", quarantineFile)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", quarantineFile, err)
		}
		b.never("changed")
		b.stop()
	})
}

// TestQuarantineMeanwhile: a target edit that comes while the search is under way
// does not wait for its end.
func TestQuarantineMeanwhile(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		jobs := fresh(4, 0, 1, 2, 3) // each trial is refused
		asked := 0
		b.refusing(func(yml string) string {
			if asked++; asked == 3 {
				edited := fresh(4, 0, 1, 2, 3)
				edited["good"] = wantedJob{pieces: map[string][]string{"all": {"g:1", "g:2"}}}
				edited["late"] = wantedJob{config: bad, pieces: map[string][]string{"all": {"l:1"}}}
				go b.server.want("", edited)
			}
			if asked > 4 && strings.Contains(yml, "scrape_protocols") && len(b.prom.pools()["good"]) != 2 {
				b.t.Error("the edit waits")
			}
			return silently(yml)
		})
		b.server.want("", jobs)
		b.quarantined("jobs late, new000, new001, new002, new003 are")
		same(t, []string{"g:1", "g:2"}, b.scraped("good"))
		same(t, []string{"good"}, b.running())
		if n := b.prom.counts(); n > 5*(2*3+2) {
			t.Errorf("%d reloads", n)
		}
		b.never("good")
		b.stop()
	})
}

// TestQuarantineUpgrade: Prometheus is another, and knows the field.
func TestQuarantineUpgrade(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(byLine)
		b.server.want("", fresh(3, 1))
		b.quarantined("job new001 is quarantined: field scrape_protocols not found in type config.plain;")
		n := b.prom.counts()
		b.prom.set(func(p *scriptedPrometheus) { p.refuses, p.version, p.started = nil, "3.0.0", "later"; p.load() })
		b.expect(promfleet.StateInSync)
		same(t, n+1, b.prom.counts())
		same(t, []string{"good", "new000", "new001", "new002"}, b.running())
		b.stop()
	})
}

// TestQuarantineLastResort: nothing changes, and it is tried ever more rarely.
func TestQuarantineLastResort(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.refusing(silently)
		b.server.want("", fresh(1, 0))
		b.quarantined("job new000")
		n := b.prom.counts()
		b.after(24 * time.Hour)
		tries := (b.prom.counts() - n) / 2
		if tries < 23 || tries > 30 {
			t.Errorf("tried %d times in a day", tries)
		}
		b.never("good")
		b.quarantined("job new000")
		b.prom.set(func(p *scriptedPrometheus) { p.refuses = nil })
		b.after(longestQuarantine + time.Minute)
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

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
			if strings.Contains(yml, "scrape_interval: 17s") {
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

// TestQuarantineDown: Prometheus goes down in the middle of the search. What it
// would start with is what it had, and the search goes on when it is back.
func TestQuarantineDown(t *testing.T) {
	for name, at := range map[string]struct {
		reload int
		words  string
	}{
		"before the one back is loaded": {3, "gone"},
		"before the next trial":         {4, ""},
		"after a trial was taken":       {5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				asked := 0
				b.refusing(func(yml string) string {
					if asked++; asked == at.reload {
						b.prom.down = true
						return at.words
					}
					return silently(yml)
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
