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
	for _, labels := range b.prom.pools()[job] {
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
		if got, ok := a.status.report(); !ok || got.State != promfleet.StateHeld || got.RevisionWritten != 1 {
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

// policy gives the agent a policy file.
func (b *bed) policy(text string) {
	b.put("policy.yml", text)
	b.opts.PolicyFile = filepath.Join(b.dir, "policy.yml")
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

// TestHeldCannotStay: where what would go cannot stay beside what comes, nothing
// of the revision is applied.
func TestHeldCannotStay(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		jobs := twoJobs(addrs(0, 150), addrs(200, 400))
		other := jobs["other"]
		other.config = `{"scrape_timeout":"20s","scrape_interval":"30s"}`
		jobs["other"] = wantedJob{config: `{"scrape_timeout":"20s"}`, pieces: other.pieces}
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

// TestPolicyPaths: a configuration that names what the host does not allow is
// refused before a byte of it is in its place.
func TestPolicyPaths(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		if err := os.MkdirAll(filepath.Join(b.dir, "certs"), 0o700); err != nil {
			t.Fatal(err)
		}
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		good := b.read("prometheus.yml")
		for _, c := range []struct{ config, words string }{
			{`{"tls_config":{"ca_file":"/etc/shadow"}}`, `scrape_configs[0].tls_config.ca_file: "/etc/shadow" is not allowed`},
			{`{"authorization":{"credentials_file":"data/credential"}}`, "the agent's own"},
			{`{"scrape_failure_log_file":"` + b.dir + `/x.log"}`, "allow_write_paths"},
			{`{"file_sd_configs":[{"files":["../*.json"]}]}`, "file_sd_configs[0].files[0]"},
		} {
			body, _ := json.Marshal(json.RawMessage(c.config))
			b.server.want("", map[string]wantedJob{"node": {config: string(body), pieces: map[string][]string{"all": {"h1:9100", "h2:9100"}}}})
			b.after(time.Second)
			r := b.expect(promfleet.StateFailed)
			if !strings.Contains(r.Error, c.words) || strings.Contains(r.Error, "\n") {
				t.Errorf("error %q, want one line with %q", r.Error, c.words)
			}
			same(t, good, b.read("prometheus.yml"))
		}
		b.server.want("", map[string]wantedJob{"node": {config: `{"tls_config":{"ca_file":"certs/ca.pem"}}`, pieces: map[string][]string{"all": {"h1:9100"}}}})
		b.expect(promfleet.StateInSync)
		b.stop()

		// A stricter policy; what the owner of the host wrote is not judged by it.
		b.policy("allow_paths: [/etc/prometheus]\n")
		b.put("base.yml", "rule_files: [/srv/rules/*.yml]\nglobal: {query_log_file: /var/log/q.log}\n")
		b.opts.BaseConfig = filepath.Join(b.dir, "base.yml")
		b.start()
		b.after(5 * time.Second)
		if r := b.server.last(); !strings.Contains(r.Error, "certs/ca.pem") {
			t.Errorf("%+v", r)
		}
		b.server.want("", oneJob("h1:9100"))
		b.expect(promfleet.StateInSync)
		b.server.want("rule_files: [/srv/rules/*.yml]\n", oneJob("h1:9100"))
		if r := b.expect(promfleet.StateFailed); !strings.Contains(r.Error, "rule_files[0]") {
			t.Errorf("error %q", r.Error)
		}
		b.stop()
	})
}

// TestPolicyLimits: the caps of the policy are those of the download.
func TestPolicyLimits(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9)
	for _, c := range []struct{ policy, base, config, words string }{
		{"max_files: 2", "", "", "max_files"},
		{"max_bytes: 100", "", "", "max_bytes"},
		{"max_depth: 8", "", `{"params":` + deep + `}`, "max_depth"},
		{"max_depth: 8", "a: [[[[[[[[[1]]]]]]]]]\n", "", "max_depth"},
	} {
		t.Run(c.words+c.base, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.policy(c.policy)
				b.join()
				b.server.want(c.base, map[string]wantedJob{"node": {config: c.config, pieces: map[string][]string{"all": {"h1:9100"}}}})
				b.start()
				if r := b.expect(promfleet.StateFailed); !strings.Contains(r.Error, c.words) {
					t.Errorf("error %q, want one with %q", r.Error, c.words)
				}
				b.stop()
			})
		})
	}
}

// TestPolicyUnreadable: without its policy an agent does not start.
func TestPolicyUnreadable(t *testing.T) {
	for _, file := range []string{"/nonexistent/policy.yml", "held_test.go"} {
		_, err := New(Options{ServerURL: "http://server", PolicyFile: file}, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "--policy.file") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
