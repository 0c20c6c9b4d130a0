package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/proctest"
)

const (
	steadyJob = "zz_steady" // nothing of it changes; the last in prometheus.yml
	movingJob = "moving"    // its targets change, its config does not
	// Of the jobs that come, go and change: churn0, churn1 …
	churnPrefix = "churn"
	// convergeWithin is what a kill may cost, from the restart of what was killed
	// until the node is seen to have all.
	convergeWithin = 10 * time.Second
)

// Agent and server are killed at random points while targets and jobs change all
// the time. No file is torn, nothing acknowledged is lost, nothing half done is
// left, and what is scraped throughout has no gap.
//
// PROMFLEET_KILLS is how often the agent is killed, the server a fifth of that,
// with a look at everything after each. Without it there are 20 and 5 kills and a
// look after each fifth. PROMFLEET_SEED repeats the choices of a run, though not
// its timing.
func TestKilled(t *testing.T) {
	kills := envInt(t, "PROMFLEET_KILLS", 0)
	serverKills, every := kills/5, 1
	if kills == 0 {
		kills, serverKills, every = 20, 5, 5
	}
	k := newKilling(t, proctest.Part(t, "PROMFLEET_PROMETHEUS_CURRENT"), uint64(envInt(t, "PROMFLEET_SEED", int(time.Now().UnixNano()%1e9))))
	k.converge()
	began := time.Now()

	k.series("agent", kills, every, func() *proctest.Process { return k.h.proc }, func() {
		k.h.proc = proctest.Start(t, proctest.Part(t, "PROMFLEET_BIN"), k.h.args...)
	})
	k.series("server", serverKills, every, func() *proctest.Process { return k.plane.proc }, k.startServer)

	k.writes.stop()
	k.converge()
	k.watch.report(t)
	k.noGaps(time.Since(began) + time.Minute)
	t.Logf("FIGURE %d writes acknowledged, %d not answered; 0 lost on the server, in the files and in Prometheus", k.writes.acknowledged, k.writes.unanswered)
	if k.watch.torn.Load() > 0 {
		t.Errorf("%d torn files were seen", k.watch.torn.Load())
	}
}

func envInt(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, s)
	}
	return n
}

// killing is a fleet of one whose processes are killed.
type killing struct {
	t        *testing.T
	rng      *rand.Rand
	plane    *plane
	server   []string // how it is started
	h        *host
	exporter string
	control  string // URL of a Prometheus that is left alone
	started  float64
	writes   *editors
	watch    *watcher
	halfDone map[string]string // temporaries that the agent had when it was killed last
}

func newKilling(t *testing.T, prometheus string, seed uint64) *killing {
	t.Logf("seed %d: PROMFLEET_SEED=%d repeats the choices", seed, seed)
	k := &killing{t: t, rng: rand.New(rand.NewPCG(seed, 0)), exporter: proctest.FreeAddr(t)}
	proctest.Start(t, proctest.Part(t, "PROMFLEET_NODE_EXPORTER"), "--web.listen-address", k.exporter, "--collector.disable-defaults", "--collector.loadavg")
	proctest.WaitFor(t, "the exporter answers", isUp("http://"+k.exporter+"/metrics"))

	dir, addr := t.TempDir(), proctest.FreeAddr(t)
	token := command(t, "admin", "token", "create", "--role", "admin", "--name", "e2e", "--storage.path", dir)
	k.server = []string{"server", "--storage.path", dir, "--web.listen-address", addr, "--log.level", "warn"}
	k.plane = &plane{url: "http://" + addr}
	k.startServer()
	var err error
	if k.plane.Client, err = client.New(client.Config{URL: k.plane.url, Token: token}); err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the server is ready", isUp(k.plane.url+"/-/ready"))

	k.h = newHost(t, k.plane, prometheus, globalSection, "--sync.interval", "1s", "--log.level", "warn")
	k.startControl(prometheus)
	k.h.start()
	k.h.settled(promfleet.StateInSync)
	for _, key := range []string{steadyJob, movingJob} {
		job, err := k.plane.Jobs().Create(t.Context(), promfleet.JobInput{Node: k.h.uuid, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.plane.Targets().Create(t.Context(), promfleet.TargetInput{Job: job.ID, Addr: k.exporter}); err != nil {
			t.Fatal(err)
		}
		if key == movingJob {
			k.writes = newEditors(t, k.plane, k.h.uuid, job.ID, seed)
		}
	}
	k.h.settled(promfleet.StateInSync)
	proctest.WaitFor(t, "both are scraped", func() bool {
		return k.h.active(steadyJob)[k.exporter].Health == "up" && k.h.active(movingJob)[k.exporter].Health == "up"
	})
	k.started = metric(t, k.h.prometheus, "process_start_time_seconds", nil)
	k.watch = startWatcher(t, k.h)
	k.writes.start()
	return k
}

func (k *killing) startServer() {
	k.plane.proc = proctest.Start(k.t, proctest.Part(k.t, "PROMFLEET_BIN"), k.server...)
}

// startControl starts a Prometheus that nobody touches and that scrapes the same
// exporter: its gaps are those of the machine.
func (k *killing) startControl(prometheus string) {
	h := &host{t: k.t, dir: k.t.TempDir(), prometheus: "http://" + proctest.FreeAddr(k.t)}
	yml := globalSection + "scrape_configs:\n  - job_name: " + steadyJob + "\n    static_configs:\n      - targets: ['" + k.exporter + "']\n"
	if err := os.WriteFile(h.config(), []byte(yml), 0o644); err != nil {
		k.t.Fatal(err)
	}
	h.startPrometheus(prometheus)
	k.control = h.prometheus
}

// series kills a process again and again. After every so many restarts the writes
// pause until all that was acknowledged is seen to be there; after the others they
// go on, and the next kill comes.
func (k *killing) series(what string, kills, every int, victim func() *proctest.Process, restart func()) {
	took := make([]time.Duration, 0, kills)
	amid := 0
	for n := range kills {
		k.await(n%2 == 1)
		if err := victim().Kill(); err != nil {
			k.t.Fatalf("the %s has ended by itself: %v\n%s", what, err, victim().Output.String())
		}
		<-victim().Done
		left := k.temporaries()
		if len(left) > 0 {
			amid++
		}
		if what == "agent" {
			k.halfDone = left
		}
		restart()
		at := time.Now()
		if (n+1)%every != 0 {
			continue
		}
		k.writes.pause()
		k.seen(at)
		took = append(took, time.Since(at))
		if k.t.Failed() {
			k.t.Fatalf("after kill %d of the %s", n+1, what)
		}
		k.writes.resume()
	}
	slices.Sort(took)
	k.t.Logf("FIGURE %d × kill -9 of the %s, %d of them with a temporary on the disk: of %d looks, converged after median %v, max %v; 0 temporaries left",
		kills, what, amid, len(took), took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
}

// await waits for a random point in time: from now on, which may be before what was
// restarted is up, or from the moment on when a file is being replaced.
func (k *killing) await(amid bool) {
	most := 700 * time.Millisecond
	if amid {
		most = 3 * time.Millisecond
		proctest.WaitFor(k.t, "the agent is ready", isUp(k.h.agent+"/-/ready"))
		k.tidied()
		for until := time.Now().Add(3 * time.Second); len(k.temporaries()) == 0 && time.Now().Before(until); {
			<-time.After(100 * time.Microsecond)
		}
	}
	<-time.After(time.Duration(k.rng.Int64N(int64(most))))
}

// converge waits until all is there, with the writes paused, and looks.
func (k *killing) converge() {
	k.t.Helper()
	k.writes.pause()
	k.seen(time.Now())
	k.writes.resume()
}

// seen waits until the agent is there and the node in sync, and then believes
// nobody: it looks at once what the server, the disk and Prometheus have.
func (k *killing) seen(since time.Time) {
	k.t.Helper()
	proctest.WaitFor(k.t, "server and agent are ready", func() bool {
		return isUp(k.plane.url+"/-/ready")() && isUp(k.h.agent+"/-/ready")()
	})
	k.h.settled(promfleet.StateInSync)
	if d := time.Since(since); d > convergeWithin {
		k.t.Errorf("converged after %v, want %v at most", d, convergeWithin)
	}
	k.tidied()
	want := k.writes.resolve()
	k.compare("the files", want, k.onDisk())
	k.compare("Prometheus", want, k.loaded())
	if left := k.temporaries(); len(left) > 0 {
		k.t.Errorf("temporaries are there while nothing is written: %v", slices.Collect(maps.Keys(left)))
	}
	if ok := metric(k.t, k.h.prometheus, "prometheus_config_last_reload_successful", nil); ok != 1 {
		k.t.Error("the last reload has failed")
	}
	select {
	case <-k.h.prom.Done:
		k.t.Fatalf("Prometheus has ended: %v", k.h.prom.Err)
	default:
	}
	if now := metric(k.t, k.h.prometheus, "process_start_time_seconds", nil); now != k.started {
		k.t.Error("Prometheus has restarted")
	}
}

// tidied looks that an agent that was restarted, and is ready, has removed what it
// had half done. What it is writing now is not that.
func (k *killing) tidied() {
	k.t.Helper()
	now := k.temporaries()
	for path, was := range k.halfDone {
		if now[path] == was {
			k.t.Errorf("%s was left half done by a killed agent", path)
		}
	}
	k.halfDone = nil
}

// fleet is what is wanted, or what is there: of each job its sample_limit, of
// each target its label v.
type fleet struct {
	limits  map[string]int
	targets map[string]string // "job addr"
}

func (k *killing) compare(where string, want, got fleet) {
	k.t.Helper()
	for _, diff := range slices.Concat(differ(want.limits, got.limits), differ(want.targets, got.targets)) {
		k.t.Errorf("%s: %s", where, diff)
	}
}

func differ[V comparable](want, got map[string]V) (all []string) {
	for key, v := range want {
		if g, ok := got[key]; !ok || g != v {
			all = append(all, fmt.Sprintf("%s is %v (there: %t), want %v", key, g, ok, v))
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			all = append(all, key+" is there and should not be")
		}
	}
	return all
}

// onDisk reads the files.
func (k *killing) onDisk() fleet {
	f := fleet{limits: limitsOf(k.t, []byte(readFile(k.h.config()))), targets: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(k.h.targets(), "*", "*.json"))
	if err != nil {
		k.t.Fatal(err)
	}
	for _, file := range files {
		var groups []struct {
			Targets []string
			Labels  map[string]string
		}
		if err := json.Unmarshal([]byte(readFile(file)), &groups); err != nil {
			k.t.Errorf("%s: %v", file, err)
		}
		for _, g := range groups {
			for _, addr := range g.Targets {
				f.add(k.t, filepath.Base(filepath.Dir(file)), addr, g.Labels["v"])
			}
		}
	}
	return f
}

// loaded asks Prometheus.
func (k *killing) loaded() fleet {
	var config struct{ Data struct{ YAML string } }
	_, body := get(k.h.prometheus + "/api/v1/status/config")
	if err := json.Unmarshal(body, &config); err != nil {
		k.t.Fatal(err)
	}
	f := fleet{limits: limitsOf(k.t, []byte(config.Data.YAML)), targets: map[string]string{}}
	var answer struct {
		Data struct {
			ActiveTargets []struct {
				ScrapePool       string
				DiscoveredLabels map[string]string
			}
		}
	}
	_, body = get(k.h.prometheus + "/api/v1/targets?state=active")
	if err := json.Unmarshal(body, &answer); err != nil {
		k.t.Fatal(err)
	}
	for _, t := range answer.Data.ActiveTargets {
		f.add(k.t, t.ScrapePool, t.DiscoveredLabels["__address__"], t.DiscoveredLabels["v"])
	}
	return f
}

// add notes a target, but those of what is only there to be scraped.
func (f fleet) add(t *testing.T, job, addr, v string) {
	if v == "" {
		return
	}
	key := job + " " + addr
	if _, twice := f.targets[key]; twice {
		t.Errorf("%s is there twice", key)
	}
	f.targets[key] = v
}

// temporaries gives what is there that is neither Prometheus's nor the agent's to
// keep, anything in a directory of its own but the lock, with what tells it from
// another one of that name.
func (k *killing) temporaries() map[string]string {
	all := map[string]string{}
	for _, root := range []string{k.h.dir, k.h.data} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // it is gone by now
			}
			if dir := filepath.Base(filepath.Dir(path)); d.IsDir() || !strings.HasPrefix(dir, ".") || d.Name() == "lock" {
				return nil
			}
			if info, err := d.Info(); err == nil {
				if st, ok := info.Sys().(*syscall.Stat_t); ok {
					all[path] = fmt.Sprint(st.Ino, st.Ctim)
				}
			}
			return nil
		})
	}
	return all
}
