package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/agent/inotify"
)

// manyJobs are jobs of one target each.
func manyJobs(n int) map[string]wantedJob {
	jobs := map[string]wantedJob{}
	for i := range n {
		key := fmt.Sprintf("job%03d", i)
		jobs[key] = wantedJob{pieces: map[string][]string{"all": {key + ":9100"}}}
	}
	return jobs
}

// complete fails unless each job has the targets that are wanted of it.
func (b *bed) complete(jobs map[string]wantedJob) {
	b.t.Helper()
	have := b.prom.targets()
	for key, j := range jobs {
		want := map[string]bool{}
		for piece, addrs := range j.pieces {
			for _, addr := range addrs {
				want[addr+" "+piece] = true
			}
		}
		for _, labels := range have[key] {
			delete(want, labels["__address__"]+" "+labels["piece"])
		}
		if len(want) > 0 || len(have[key]) != 1 && len(j.pieces) == 1 && len(j.pieces["all"]) == 1 {
			b.t.Fatalf("job %s has %v", key, have[key])
		}
	}
}

// sides gives a job that is inline, and one that is not.
func (b *bed) sides() (inline, watched string) {
	b.t.Helper()
	for key := range manyJobs(100) {
		if strings.Contains(b.read("prometheus.yml"), "/"+key+"/*.json") {
			watched = key
		} else {
			inline = key
		}
	}
	return inline, watched
}

func TestMoreJobsThanWatchers(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.usage.Limit, b.prom.instances = 64, 64
		jobs := manyJobs(100)
		b.server.want("", jobs)
		a := b.start()
		r := b.expect(promfleet.StateInSync)
		b.complete(jobs)
		same(t, []int{1, 0}, []int{b.prom.counts(), b.prom.unwatched()})
		same(t, 1, len(r.Notices))
		for _, words := range []string{"44 of 100 jobs", "may have 64 (fs.inotify.max_user_instances)", "uid 33",
			"write fs.inotify.max_user_instances = 512 to /etc/sysctl.d/99-promfleet-inotify.conf", "sysctl --system"} {
			if !strings.Contains(r.Notices[0], words) {
				t.Errorf("the notice does not say %q: %s", words, r.Notices[0])
			}
		}
		same(t, []int{44, 64}, []int{a.status.inotify.inline, a.status.inotify.limit})

		// An edit of a job in files costs no reload, of one inline exactly one.
		inline, watched := b.sides()
		jobs[watched].pieces["all"] = []string{"edited:1"}
		b.server.want("", jobs)
		b.expect(promfleet.StateInSync)
		b.complete(jobs)
		same(t, 1, b.prom.counts())
		jobs[inline].pieces["all"] = []string{"edited:2"}
		b.server.want("", jobs)
		b.expect(promfleet.StateInSync)
		b.complete(jobs)
		same(t, 2, b.prom.counts())

		// Nothing changed, and a restart: nobody moves, nothing is written.
		before := b.tree()
		b.after(10 * time.Minute)
		b.stop()
		b.start()
		b.after(10 * time.Minute)
		same(t, before[b.prom.file], b.tree()[b.prom.file])
		same(t, 2, b.prom.counts())

		// The limit is raised: all come back with one reload.
		b.usage.Limit, b.usage.InUse, b.usage.ByPrometheus = 512, 56, 56
		b.prom.mu.Lock()
		b.prom.instances = 512
		b.prom.mu.Unlock()
		b.after(2 * time.Minute)
		r = b.expect(promfleet.StateInSync)
		b.complete(jobs)
		same(t, []int{3, 0, 0}, []int{b.prom.counts(), len(r.Notices), strings.Count(b.read("prometheus.yml"), "static_configs")})
	})
}

// Others have instances that nobody sees: the jobs whose watchers could not be made
// go inline, and nobody tries again until there is more room than then.
func TestDeadWatchersAreHealed(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.prom.instances = 40
		jobs := manyJobs(60)
		b.server.want("", jobs)
		b.start()
		r := b.expect(promfleet.StateInSync)
		b.complete(jobs)
		same(t, []int{2, 0}, []int{b.prom.counts(), b.prom.unwatched()})
		if !strings.Contains(r.Notices[0], "20 of 60 jobs") || !strings.Contains(r.Notices[0], "could not watch the files of job0") {
			t.Errorf("the notice: %s", r.Notices)
		}
		jobs["new"] = wantedJob{pieces: map[string][]string{"all": {"new:1"}}}
		b.server.want("", jobs)
		b.expect(promfleet.StateInSync)
		b.after(time.Hour)
		b.complete(jobs)
		same(t, []int{3, 0}, []int{b.prom.counts(), b.prom.unwatched()})
		same(t, 1, b.prom.watcherErrors/20)
	})
}

// A restart of Prometheus makes each watcher anew. Those that it cannot make are
// found although nothing was changed.
func TestWatchersLostInARestartAreHealed(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		jobs := manyJobs(60)
		b.server.want("", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		b.prom.restart(50)
		same(t, 10, b.prom.unwatched())
		b.after(50 * time.Second)
		b.expect(promfleet.StateInSync)
		b.complete(jobs)
		same(t, []int{2, 0}, []int{b.prom.counts(), b.prom.unwatched()})
	})
}

// Where nobody can count, what is decided is on the safe side.
func TestPrometheusThatIsNotSeen(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.usage = inotify.Usage{}
		b.prom.instances = 128
		jobs := manyJobs(100)
		jobs["own"] = wantedJob{config: `{"dns_sd_configs":[{"names":["x"]}]}`}
		b.server.want("", jobs)
		b.start()
		r := b.expect(promfleet.StateInSync)
		b.complete(manyJobs(100))
		if !strings.Contains(r.Notices[0], "4 of 100 jobs") || !strings.Contains(r.Notices[0], "three quarters of 128") {
			t.Errorf("the notice: %s", r.Notices)
		}
	})
}

// What relabelling sees of a target is the same on both sides.
func TestInlineTargetsSayTheirFileWhereItIsAskedFor(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.usage.InUse = 128
		b.server.want("", map[string]wantedJob{
			"seen": {config: `{"relabel_configs":[{"source_labels":["__meta_filepath"],"target_label":"file"}]}`, pieces: map[string][]string{"all": {"a:1"}}},
			"not":  {pieces: map[string][]string{"all": {"b:1"}}},
		})
		b.start()
		b.expect(promfleet.StateInSync)
		have := b.prom.targets()
		same(t, b.dir+"/targets.d/seen/all.json", have["seen"][0]["__meta_filepath"])
		same(t, "", have["not"][0]["__meta_filepath"])
	})
}

// A single pass heals too, before it ends.
func TestOnceHealsDeadWatchers(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.prom.instances = 10
		jobs := manyJobs(20)
		b.server.want("", jobs)
		a := b.agent()
		if err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.complete(jobs)
		same(t, promfleet.StateInSync, b.server.last().State)
		same(t, 1, len(b.server.last().Notices))
	})
}

// A file is taken over whose jobs are the same, on whichever side ours are.
func TestInlineJobsAreTakenOver(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.usage.InUse = 128
		b.put("prometheus.yml", "scrape_configs:\n- job_name: node\n  static_configs:\n  - targets: ['h1:9100', 'h2:9100']\n    labels: {piece: all}\n")
		b.prom.load()
		b.server.want("", oneJob("h1:9100", "h2:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		same(t, 2, len(b.prom.targets()["node"]))
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "static_configs") || strings.Contains(yml, "file_sd_configs") {
			t.Errorf("it is not inline: %s", yml)
		}
	})
}
