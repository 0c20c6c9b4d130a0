package agent

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// What one part of the agent does while another is at work.

// TestInlineURL: a URL for an address harms its target only, inline as in a file.
func TestInlineURL(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.usage.Limit, b.prom.instances = 64, 64
		jobs := manyJobs(100)
		b.server.want("", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		inline, watched := b.sides()
		jobs[inline].pieces["all"] = []string{"http://x/y", "good:1"}
		jobs[watched].pieces["all"] = []string{"edited:1"}
		b.server.want("", jobs)
		b.after(time.Minute)
		have := b.prom.targets()
		same(t, "edited:1", have[watched][0]["__address__"])
		same(t, 1, len(have[inline]))
		same(t, "good:1", have[inline][0]["__address__"])
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

// TestInlineDriftReported: what somebody makes of a file that nobody watches
// changes no target, holds nothing up, and is put right whatever the policy.
func TestInlineDriftReported(t *testing.T) {
	for name, do := range map[string]func(b *bed, file string){
		"removed": func(b *bed, file string) { b.remove(file) },
		"edited":  func(b *bed, file string) { b.put(file, `[{"targets":["evil:1"]}]`) },
		"no JSON": func(b *bed, file string) { b.put(file, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.policy("drift: report\n")
				b.join()
				b.usage.Limit, b.prom.instances = 64, 64
				jobs := manyJobs(100)
				b.server.want("", jobs)
				b.start()
				b.expect(promfleet.StateInSync)
				inline, watched := b.sides()
				file := "targets.d/" + inline + "/all.json"
				was := b.read(file)
				do(b, file)
				b.after(time.Minute)
				same(t, was, b.read(file))
				if !noticed(b.server.last(), "by hand", "it was put right") {
					t.Errorf("%q", b.server.last().Notices)
				}
				jobs[watched].pieces["all"] = []string{"edited:1"}
				b.server.want("", jobs)
				b.after(time.Minute)
				have := b.prom.targets()
				same(t, "edited:1", have[watched][0]["__address__"])
				same(t, jobs[inline].pieces["all"], []string{have[inline][0]["__address__"]})
				same(t, 1, b.prom.counts())
				b.stop()
			})
		})
	}
}

// TestEditDuringSearch: prometheus.yml is edited while it is looked for what
// Prometheus refuses, and is to stay so: the search ends, and goes on once it is
// put right.
func TestEditDuringSearch(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.policy("drift: report\n")
		b.join()
		b.server.want("", fresh(0))
		b.start()
		b.expect(promfleet.StateInSync)
		edits := 0
		b.prom.set(func(p *scriptedPrometheus) {
			p.refuses = func(yml string) string {
				words := silently(yml)
				if words != "" {
					edits++
				} else if edits == 2 { // the second way back: in the middle of the search
					edits++
					b.put("prometheus.yml", yml+"# by hand\n")
				}
				return words
			}
		})
		b.server.want("", fresh(20, 3, 11))
		b.after(5 * time.Minute)
		same(t, 3, edits)
		good, edited := strings.CutSuffix(b.read("prometheus.yml"), "# by hand\n")
		same(t, true, edited)
		b.put("prometheus.yml", good)
		b.quarantined("new003", "new011")
		same(t, 19, len(b.running()))
		b.stop()
	})
}

// TestRefusedSetsLeaveNothing: manifests that come to nothing do not fill the disk.
func TestRefusedSetsLeaveNothing(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		files := func() (n int) {
			for _, dir := range []string{"data/written", "data/parts", "targets.d/.stage"} {
				entries, err := os.ReadDir(filepath.Join(b.dir, dir))
				if err != nil {
					t.Fatal(err)
				}
				n += len(entries)
			}
			return n
		}
		before := files()
		for i := range 20 {
			b.server.want("", map[string]wantedJob{fmt.Sprintf("bad%d", i): {config: `{"bearer_token_file":"/root/secret"}`,
				pieces: map[string][]string{"all": {fmt.Sprintf("x%d:1", i)}}}})
			b.after(time.Minute)
		}
		b.expect(promfleet.StateFailed)
		if now := files(); now > before+4 {
			t.Errorf("%d files, %d before", now, before)
		}
		b.stop()
	})
}

// TestRepairWhileHeldBack: what is put right while a configuration is held back is
// told like any other.
func TestRepairWhileHeldBack(t *testing.T) {
	driftBed(t, "", func(b *bed, jobs map[string]wantedJob) {
		b.prom.set(func(p *scriptedPrometheus) {
			for range 20 {
				p.answers = append(p.answers, answer(http.StatusForbidden, "no"))
			}
		})
		b.server.want("global: {scrape_interval: 10s}\n", jobs)
		b.expect(promfleet.StateFailed)
		b.edit(nodeFile, "h2:9100", "h7:9100")
		b.after(time.Minute)
		if !strings.Contains(b.read(nodeFile), "h2:9100") || !noticed(b.server.last(), "it was put right") {
			t.Errorf("%+v", b.server.last())
		}
	})
}
