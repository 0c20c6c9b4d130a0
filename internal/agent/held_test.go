package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
)

func addrs(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("h%d:9100", i))
	}
	return all
}

// scraped gives the addresses of a job that Prometheus has, sorted, each once.
func (b *bed) scraped(job string) []string {
	b.prom.mu.Lock()
	defer b.prom.mu.Unlock()
	var all []string
	for _, labels := range b.prom.poolsOf(job)[job] {
		all = append(all, labels["__address__"])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

func twoJobs(a, b []string) map[string]wantedJob {
	return map[string]wantedJob{"node": {pieces: map[string][]string{"all": a}}, "other": {pieces: map[string][]string{"all": b}}}
}

// held waits for a held removal and gives its report.
func (b *bed) held(words ...string) promfleet.Report {
	b.t.Helper()
	r := b.expect(promfleet.StateHeld)
	for _, w := range words {
		if !strings.Contains(r.Error, w) || strings.Contains(r.Error, "\n") {
			b.t.Errorf("error %q, want one line with %q", r.Error, w)
		}
	}
	return r
}

// TestHeld: a removal waits, the rest of the revision does not, and a confirmation
// on the host lets it go within seconds.
func TestHeld(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("global: {scrape_interval: 15s}\n", twoJobs(addrs(0, 150), addrs(200, 230)))
		b.start()
		b.expect(promfleet.StateInSync)

		// 120 of 180 go, one is new, a job is new, the base changes, a job goes.
		jobs := oneJob(sorted(addrs(0, 60), []string{"new:1"})...)
		jobs["third"] = wantedJob{pieces: map[string][]string{"all": {"t:1"}}}
		b.server.want("global: {scrape_interval: 16s}\n", jobs)
		r := b.held("revision 2 takes 120 of 180 targets away, of job node (90), other (the job and its 30)", "promfleet agent confirm --data.path="+b.opts.DataPath, "on the server")
		same(t, []int64{2, 1, 1}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		same(t, sorted(addrs(0, 150), []string{"new:1"}), b.scraped("node"))
		same(t, addrs(200, 230), b.scraped("other"))
		same(t, []string{"t:1"}, b.scraped("third"))
		if !strings.Contains(b.read("prometheus.yml"), "16s") {
			t.Error("the rest of the revision did not arrive")
		}

		// Nothing moves while it waits, also not over a restart with the server gone.
		b.after(time.Minute)
		before := b.tree()
		b.after(10 * time.Minute)
		same(t, before, b.tree())
		b.stop()
		b.server.setDown(true)
		a := b.start()
		b.after(2 * time.Minute)
		if got, ok := a.status.report(); !ok || got.State != promfleet.StateHeld || got.RevisionReceived != 2 || got.RevisionWritten != 1 {
			t.Errorf("without the server: %+v", got)
		}
		b.server.setDown(false)
		b.after(2 * time.Minute)
		b.held("revision 2 takes 120 of 180")
		same(t, before, b.tree())

		// A later one that takes no more is covered; targets that come do not make
		// the removal small enough to pass.
		delete(jobs, "third")
		jobs["node"].pieces["all"] = sorted(addrs(0, 60), addrs(1000, 1500))
		jobs["third"] = wantedJob{pieces: map[string][]string{"all": {"t:1"}}}
		b.server.want("global: {scrape_interval: 16s}\n", jobs)
		b.held("takes 121 of 180") // new:1 too
		b.after(5 * time.Minute)
		same(t, promfleet.StateHeld, b.server.last().State)
		same(t, 150+500+1, len(b.scraped("node")))

		said, err := Confirm(b.opts.DataPath, 0)
		if err != nil || !strings.Contains(said, "revision 3 takes 121 of 180") {
			t.Errorf("%q, %v", said, err)
		}
		b.after(3 * time.Second)
		same(t, sorted(addrs(0, 60), addrs(1000, 1500)), b.scraped("node"))
		r = b.expect(promfleet.StateInSync)
		same(t, []int64{3, 3, 3}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		b.after(time.Minute)
		for _, gone := range []string{"data/held.json", "data/confirmed", "targets.d/node/held-0000.json", "targets.d/other"} {
			if _, err := os.Stat(filepath.Join(b.dir, gone)); err == nil {
				t.Errorf("%s is still there", gone)
			}
		}
		if _, err := Confirm(b.opts.DataPath, 0); promfleet.ErrorCode(err) != promfleet.NotFound {
			t.Errorf("nothing waits: %v", err)
		}
		b.stop()
	})
}

// TestHeldTakenBack: a mistake that is mended on the server needs no confirmation.
func TestHeldTakenBack(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob(addrs(0, 200)...))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.want("", map[string]wantedJob{})
		b.held("takes 200 of 200")
		same(t, 200, len(b.scraped("node")))
		same(t, 1, b.prom.counts()) // the file says the same
		b.server.want("", oneJob(addrs(0, 190)...))
		b.expect(promfleet.StateInSync)
		same(t, 190, len(b.scraped("node")))
		b.stop()
	})
}

// TestHeldSteps: which steps wait, by the policy.
func TestHeldSteps(t *testing.T) {
	for _, c := range []struct {
		name, policy  string
		before, after []string
		state         promfleet.NodeState
	}{
		{"half", "", addrs(0, 100), addrs(0, 50), promfleet.StateInSync},
		{"more than half", "", addrs(0, 100), addrs(0, 49), promfleet.StateHeld},
		{"a small node", "", addrs(0, 99), addrs(0, 1), promfleet.StateInSync},
		{"replaced", "", addrs(0, 100), addrs(100, 200), promfleet.StateHeld},
		{"stricter", "max_removal_percent: 10", addrs(0, 100), addrs(0, 89), promfleet.StateHeld},
		{"small too", "removal_min_targets: 1", addrs(0, 3), addrs(0, 1), promfleet.StateHeld},
		{"never", "max_removal_percent: 100", addrs(0, 100), []string{}, promfleet.StateInSync},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.policy(c.policy)
				b.join()
				b.server.want("", oneJob(c.before...))
				b.start()
				b.expect(promfleet.StateInSync)
				b.server.want("", oneJob(c.after...))
				b.expect(c.state)
				b.stop()
			})
		})
	}
}

// confirm has the server say that a revision was confirmed, in a new revision.
func (b *bed) confirm(revision int64) {
	b.server.alter(func(m *promfleet.Manifest) { m.Confirmed = revision })
}

// TestHeldServerConfirms: the server's word counts if the policy says so, and for
// what was confirmed only.
func TestHeldServerConfirms(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob(addrs(0, 200)...))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.want("", oneJob(addrs(0, 90)...)) // revision 2
		b.held()
		b.server.want("", oneJob(addrs(0, 80)...)) // 3 takes more
		b.held("takes 120 of 200")
		b.confirm(2)
		b.held("takes 120 of 200")
		b.after(time.Minute)
		same(t, 200, len(b.scraped("node")))
		b.server.want("", oneJob(addrs(0, 85)...)) // 5 takes less than 3
		b.held("takes 115 of 200")
		b.confirm(3)
		b.expect(promfleet.StateInSync)
		same(t, 85, len(b.scraped("node")))
		b.stop()

		b.policy("removal_confirm: local")
		b.server.want("", oneJob(addrs(0, 185)...))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.want("", oneJob("x:1"))
		r := b.held("takes 185 of 185")
		if strings.Contains(r.Error, "on the server") {
			t.Errorf("error %q", r.Error)
		}
		b.confirm(r.RevisionReceived)
		b.held()
		b.after(time.Minute)
		same(t, 186, len(b.scraped("node")))
		if _, err := Confirm(b.opts.DataPath, 0); err != nil {
			t.Error(err)
		}
		b.after(3 * time.Second)
		same(t, []string{"x:1"}, b.scraped("node"))
		b.stop()
	})
}

// TestHeldOnce: a single pass holds, and takes a confirmation with it.
func TestHeldOnce(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob(addrs(0, 200)...))
		if err := b.agent().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.server.want("", map[string]wantedJob{})
		for range 2 {
			if err := b.agent().Once(t.Context()); err == nil || !strings.Contains(err.Error(), "takes 200 of 200") {
				t.Errorf("%v", err)
			}
			same(t, promfleet.StateHeld, b.server.last().State)
			same(t, 200, len(b.scraped("node")))
		}
		if _, err := Confirm(b.opts.DataPath, 0); err != nil {
			t.Fatal(err)
		}
		if err := b.agent().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, 0, len(b.scraped("node")))
	})
}

// TestHeldSpoilt: what was kept and is removed by hand comes back where its body
// is here, and does not stand in the way where it is not.
func TestHeldSpoilt(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", twoJobs(addrs(0, 150), addrs(200, 230)))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.want("", oneJob(addrs(0, 10)...))
		b.held("takes 170 of 180")
		for _, name := range []string{"targets.d/node/held-0000.json", "targets.d/other/all.json"} {
			if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		b.after(2 * time.Minute)
		same(t, 150, len(b.scraped("node")))
		b.held("takes 170 of 180")
		b.server.want("", oneJob(addrs(0, 20)...))
		b.held()
		same(t, 150, len(b.scraped("node")))
		b.stop()
	})
}

// TestHeldCutShort: an agent that was killed while it wrote what it holds back,
// with half of it in place, does not take that for what the node has.
func TestHeldCutShort(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob(addrs(0, 150)...))
		b.start()
		b.expect(promfleet.StateInSync)
		b.stop()
		before := b.read("data/state.json")
		parts := map[string]string{}
		entries, err := os.ReadDir(filepath.Join(b.dir, "data/parts"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			parts["data/parts/"+e.Name()] = b.read("data/parts/" + e.Name())
		}
		b.server.want("", oneJob(addrs(0, 60)...))
		b.start()
		b.held("takes 90 of 150")
		b.stop()
		// As it is between the last rename and the state: the new files are there,
		// and are noted as about to be written.
		var state apply.State
		if err := json.Unmarshal([]byte(before), &state); err != nil {
			t.Fatal(err)
		}
		body := b.read("targets.d/node/held-0000.json")
		state.Files["node/held-0000.json"] = apply.Record{Hash: promfleet.HashOf([]byte(body)), Size: int64(len(body))}
		text, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		for _, heldToo := range []bool{true, false} {
			b.put("data/state.json", string(text))
			for name, body := range parts {
				b.put(name, body)
			}
			if !heldToo {
				if err := os.Remove(filepath.Join(b.dir, "data/held.json")); err != nil {
					t.Fatal(err)
				}
			}
			b.start()
			b.after(2 * time.Minute)
			b.held("takes 90 of 150")
			same(t, 150, len(b.scraped("node")))
			b.stop()
		}
	})
}

// TestHeldCannotStay: where what would go cannot stay beside what comes, nothing
// of the revision is applied.
func TestHeldCannotStay(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		jobs := twoJobs(addrs(0, 150), addrs(200, 400))
		jobs["other"] = wantedJob{config: `{"scrape_timeout":"20s"}`, pieces: jobs["other"].pieces}
		b.server.want("global: {scrape_interval: 30s}\n", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		good := b.read("prometheus.yml")
		b.server.want("global: {scrape_interval: 15s}\n", oneJob(addrs(0, 149)...))
		b.held("nothing of the revision is applied", "scrape timeout")
		same(t, good, b.read("prometheus.yml"))
		same(t, 150, len(b.scraped("node")))
		if _, err := Confirm(b.opts.DataPath, 0); err != nil {
			t.Fatal(err)
		}
		b.after(3 * time.Second)
		b.expect(promfleet.StateInSync)
		same(t, 149, len(b.scraped("node")))
		b.stop()
	})
}

// TestHeldName: a server cannot send a piece that looks like one of the guard's.
func TestHeldName(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", map[string]wantedJob{"node": {pieces: map[string][]string{"held-0000": {"h1:9100"}}}})
		b.start()
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "not where it belongs") {
			t.Errorf("error %q", r.Error)
		}
		b.stop()
	})
}

// TestOlderConfirmed: an older revision is taken if somebody on the host says so,
// once, and removes no more than that unasked.
func TestOlderConfirmed(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.manifest.Revision = 6
		b.server.want("", oneJob(addrs(0, 200)...)) // 7
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.alter(func(m *promfleet.Manifest) { m.Revision = 2 })
		b.server.want("", oneJob(addrs(0, 120)...)) // 3
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "promfleet agent confirm --revision=3 --data.path="+b.opts.DataPath) {
			t.Errorf("error %q", r.Error)
		}
		if _, err := Confirm(b.opts.DataPath, 7); promfleet.ErrorCode(err) != promfleet.NotFound {
			t.Errorf("revision 7: %v", err)
		}
		if _, err := Confirm(b.opts.DataPath, 3); err != nil {
			t.Fatal(err)
		}
		b.after(3 * time.Second)
		r = b.expect(promfleet.StateInSync)
		same(t, []int64{3, 3, 3}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		same(t, 120, len(b.scraped("node")))
		b.server.want("", oneJob(addrs(0, 121)...)) // 4: on from there
		b.expect(promfleet.StateInSync)
		b.server.alter(func(m *promfleet.Manifest) { m.Revision = 3 })
		b.expect(promfleet.StateFailed) // once
		b.stop()
	})
}
