package e2e

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
	"promfleet/internal/proctest"
)

// ordinary writes a script that runs a Prometheus as a user who has no inotify
// instance yet, under a command perhaps. The kernel counts by user: so the test has
// the limit of this machine to itself. Who is not root runs it as himself.
func ordinary(t *testing.T, uid int, prometheus string, under ...string) (path string) {
	t.Helper()
	run := "exec " + strings.Join(append(under, `"$@"`), " ")
	if os.Geteuid() == 0 {
		run = fmt.Sprintf(`chown -R %d "$DATA" && exec setpriv --reuid=%d --regid=%d --clear-groups --pdeathsig=KILL %s`,
			uid, uid, uid, strings.TrimPrefix(run, "exec "))
	}
	// A test's directories are the user's of the test alone.
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	// startPrometheus gives the data directory as the fourth argument.
	script := fmt.Sprintf("#!/bin/sh\nDATA=$4\nset -- %s \"$@\"\n%s\n", prometheus, run)
	path = filepath.Join(dir, "prometheus")
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// freshUser is one whom no other run of the tests uses.
func freshUser(n int) int { return 200_000 + os.Getpid()*4 + n }

// manyJobs has a node that waits for its agent want n jobs of one target each.
func manyJobs(t *testing.T, h *host, n int) (jobs []promfleet.Job) {
	t.Helper()
	ctx := t.Context()
	h.start()
	h.settled(promfleet.StateInSync)
	h.proc.Stop(t)
	for i := range n {
		key := fmt.Sprintf("job%03d", i)
		job, err := h.plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: key, ScrapeConfig: json.RawMessage(`{"scrape_interval":"1h"}`)})
		if err != nil {
			t.Fatal(err)
		}
		h.put(job, key+".invalid:1")
		jobs = append(jobs, job)
	}
	return jobs
}

func (h *host) put(job promfleet.Job, addr string) {
	h.t.Helper()
	in := []promfleet.TargetInput{{Addr: addr, Labels: map[string]string{"of": job.Key}}}
	if _, err := h.plane.ReplaceTargets(h.t.Context(), job.ID, in); err != nil {
		h.t.Fatal(err)
	}
}

// without names the jobs that do not have just the target that is wanted of them.
func (h *host) without(wanted map[string]string) (jobs []string) {
	var answer struct {
		Data struct{ ActiveTargets []activeTarget }
	}
	_, body := get(h.prometheus + "/api/v1/targets?state=active")
	_ = json.Unmarshal(body, &answer)
	have := map[string][]string{}
	for _, t := range answer.Data.ActiveTargets {
		have[t.ScrapePool] = append(have[t.ScrapePool], t.Labels["instance"]+" of "+t.Labels["of"])
	}
	for key, addr := range wanted {
		if !slices.Equal(have[key], []string{addr + " of " + key}) {
			jobs = append(jobs, key)
		}
	}
	slices.Sort(jobs)
	return jobs
}

func wantedOf(jobs []promfleet.Job) map[string]string {
	wanted := map[string]string{}
	for _, j := range jobs {
		wanted[j.Key] = j.Key + ".invalid:1"
	}
	return wanted
}

// inFiles gives the jobs that Prometheus finds by files, as its own API says.
func (h *host) inFiles(jobs []promfleet.Job) (files, inline []promfleet.Job) {
	_, running := get(h.prometheus + "/api/v1/status/config")
	for _, j := range jobs {
		if strings.Contains(string(running), "/"+j.Key+"/*.json") {
			files = append(files, j)
		} else {
			inline = append(inline, j)
		}
	}
	return files, inline
}

func (h *host) notice() string {
	n, _, err := h.plane.Nodes().Get(h.t.Context(), h.uuid)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(n.Status.Notices, "\n")
}

// More jobs than the kernel's default lets Prometheus watch: each has its targets.
func TestMoreJobsThanInotifyInstances(t *testing.T) {
	for i, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) { moreJobsThanInstances(t, proctest.Part(t, p.env), freshUser(i)) })
	}
}

func moreJobsThanInstances(t *testing.T, prometheus string, uid int) {
	const all = 300
	h := newHost(t, startPlane(t), ordinary(t, uid, prometheus), globalSection, "--sync.interval", "1s")
	jobs := manyJobs(t, h, all)
	wanted := wantedOf(jobs)
	loads, start := h.loads(), time.Now()
	h.restart()
	h.settled(promfleet.StateInSync)
	if missing := h.without(wanted); len(missing) > 0 {
		t.Fatalf("%d of %d jobs lack their target, like %s", len(missing), all, missing[0])
	}
	files, inline := h.inFiles(jobs)
	t.Logf("FIGURE %d jobs loaded after %s: %d in files, %d inline, limit %s", all, time.Since(start).Round(time.Millisecond),
		len(files), len(inline), strings.TrimSpace(readFile("/proc/sys/fs/inotify/max_user_instances")))
	if n := h.loads() - loads; n != 1 || metric(t, h.prometheus, "prometheus_sd_file_watcher_errors_total", nil) != 0 {
		t.Errorf("it took %d reloads, and watchers failed", n)
	}
	notice := h.notice()
	t.Log(notice)
	for _, words := range []string{fmt.Sprintf("%d of %d jobs", len(inline), all), "fs.inotify.max_user_instances = ", "/etc/sysctl.d/99-promfleet-inotify.conf"} {
		if !strings.Contains(notice, words) {
			t.Errorf("the node's notice does not say %q: %s", words, notice)
		}
	}
	if n := metric(t, h.agent, "promfleet_agent_inline_jobs", nil); int(n) != len(inline) || len(inline) == 0 || len(files) == 0 {
		t.Errorf("the agent's metrics say %v are inline", n)
	}
	for _, c := range []struct {
		name  string
		job   promfleet.Job
		loads int
	}{{"in a file", files[0], 0}, {"inline", inline[0], 1}} {
		loads, start := h.loads(), time.Now()
		wanted[c.job.Key] = "edited.invalid:2"
		h.put(c.job, "edited.invalid:2")
		proctest.WaitFor(t, "the edit is loaded", func() bool { return len(h.without(wanted)) == 0 })
		t.Logf("FIGURE an edit of a job %s is loaded after %s", c.name, time.Since(start).Round(time.Millisecond))
		h.settled(promfleet.StateInSync)
		if n := h.loads() - loads; n != c.loads {
			t.Errorf("an edit of a job %s cost %d reloads, want %d", c.name, n, c.loads)
		}
	}
	// A restart of the agent moves nobody.
	before, loads := readFile(h.config()), h.loads()
	h.proc.Stop(t)
	h.restart()
	h.settled(promfleet.StateInSync)
	if readFile(h.config()) != before || h.loads() != loads {
		t.Error("a restart of the agent moved jobs")
	}
}

// Fewer instances than the agent can know of: those of a user namespace of
// Prometheus's own. What cannot be watched goes inline with one reload more.
func TestWatchersThatCannotBeMade(t *testing.T) {
	for i, p := range prometheuses {
		t.Run(p.name, func(t *testing.T) {
			path := ordinary(t, freshUser(i), proctest.Part(t, p.env),
				"unshare", "--user", "--map-root-user", "sh", "-c", `'echo 40 > /proc/sys/user/max_inotify_instances; exec "$@"'`, "sh")
			h := newHost(t, startPlane(t), path, globalSection, "--sync.interval", "1s")
			jobs := manyJobs(t, h, 60)
			loads, start := h.loads(), time.Now()
			h.restart()
			proctest.WaitFor(t, "each job has its target", func() bool { return len(h.without(wantedOf(jobs))) == 0 })
			t.Logf("FIGURE 20 dead watchers healed after %s", time.Since(start).Round(time.Millisecond))
			h.settled(promfleet.StateInSync)
			files, inline := h.inFiles(jobs)
			if n := h.loads() - loads; n != 2 || len(inline) != 20 {
				t.Errorf("%d reloads, %d jobs in files, %d inline", n, len(files), len(inline))
			}
			if notice := h.notice(); !strings.Contains(notice, "20 of 60 jobs") || !strings.Contains(notice, "could not watch the files of "+inline[0].Key) {
				t.Errorf("the notice: %s", notice)
			}
		})
	}
}

// Somebody else of the same user takes instances, and Prometheus restarts: nothing
// of promfleet's has changed, and still no job stays empty.
func TestWatchersLostInARestart(t *testing.T) {
	uid := freshUser(0)
	path := ordinary(t, uid, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"))
	p := startPlane(t)
	h := newHost(t, p, path, globalSection, "--sync.interval", "1s")
	jobs := manyJobs(t, h, 80)
	h.restart()
	h.settled(promfleet.StateInSync)
	if n := len(h.without(wantedOf(jobs))); n > 0 || h.notice() != "" {
		t.Fatalf("%d jobs lack their target, the notice: %s", n, h.notice())
	}

	h.prom.Stop(t)
	var yml strings.Builder
	yml.WriteString("scrape_configs:\n")
	for i := range 90 {
		fmt.Fprintf(&yml, "- job_name: other%d\n  file_sd_configs:\n  - files: [other%d/*.json]\n", i, i)
	}
	other := newHost(t, p, path, yml.String())
	proctest.WaitFor(t, "the other has its instances", func() bool {
		return strings.Count(strings.Join(links(other.prom.Pid), " "), "inotify") == 90
	})
	h.startPrometheus(path)
	proctest.WaitFor(t, "some jobs have no watcher", func() bool {
		return metric(t, h.prometheus, "prometheus_sd_file_watcher_errors_total", nil) > 0
	})
	start := time.Now()
	proctest.WaitFor(t, "each job has its target", func() bool { return len(h.without(wantedOf(jobs))) == 0 })
	t.Logf("FIGURE healed %s after the restart", time.Since(start).Round(time.Millisecond))
	h.settled(promfleet.StateInSync)
	_, inline := h.inFiles(jobs)
	if !strings.Contains(h.notice(), fmt.Sprintf("%d of 80 jobs", len(inline))) || len(inline) < 42 {
		t.Errorf("%d are inline, the notice: %s", len(inline), h.notice())
	}

	// They come back when the other is gone.
	other.prom.Stop(t)
	proctest.WaitFor(t, "all are in files", func() bool { return h.notice() == "" })
	h.settled(promfleet.StateInSync)
	if missing, errs := h.without(wantedOf(jobs)), metric(t, h.prometheus, "prometheus_sd_file_watcher_errors_total", nil); len(missing) > 0 {
		t.Errorf("%d jobs lack their target, %v watchers failed", len(missing), errs)
	}
}

// links gives what the open files of a process are.
func links(pid int) (to []string) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		link, _ := os.Readlink(filepath.Join(dir, e.Name()))
		to = append(to, link)
	}
	return to
}
