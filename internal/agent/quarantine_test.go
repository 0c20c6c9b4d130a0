package agent

import (
	"fmt"
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
