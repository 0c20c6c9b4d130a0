package agent

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// driftBed is an agent in sync whose node has a secret.
func driftBed(t *testing.T, policy string, test func(b *bed, jobs map[string]wantedJob)) {
	inBed(t, func(t *testing.T, b *bed) {
		if policy != "" {
			b.policy(policy)
		}
		b.join()
		jobs := map[string]wantedJob{
			"node": {config: `{"basic_auth":{"username":"u","password":"ourPassword"}}`, pieces: map[string][]string{"all": {"h1:9100", "h2:9100"}}},
			"web":  {pieces: map[string][]string{"all": {"w1:80"}}},
		}
		b.server.want("", jobs)
		b.start()
		b.expect(promfleet.StateInSync)
		test(b, jobs)
		b.stop()
		for _, r := range b.server.reports {
			text, _ := json.Marshal(r)
			for _, secret := range []string{"ourPassword", "hunter2"} {
				if strings.Contains(string(text), secret) {
					t.Errorf("a report has the secret %s: %s", secret, text)
				}
			}
		}
	})
}

// edit edits a file in its place.
func (b *bed) edit(name, old, now string) {
	b.t.Helper()
	text := b.read(name)
	if !strings.Contains(text, old) {
		b.t.Fatalf("%s has no %q:\n%s", name, old, text)
	}
	b.put(name, strings.Replace(text, old, now, 1))
}

// told gives the notices of the first report that has one with these words.
func (b *bed) told(words ...string) (promfleet.Report, bool) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	for _, r := range b.server.reports {
		if noticed(r, words...) {
			return r, true
		}
	}
	return promfleet.Report{}, false
}

func noticed(r promfleet.Report, words ...string) bool {
	for _, n := range r.Notices {
		all := true
		for _, w := range words {
			all = all && strings.Contains(n, w)
		}
		if all {
			return true
		}
	}
	return false
}

const (
	ymlFile  = "prometheus.yml"
	nodeFile = "targets.d/node/all.json"
)

// TestDriftRepaired: what somebody makes of a file is told, with a diff, while it is
// there; then it is put right, and that is told too.
func TestDriftRepaired(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *bed)
		file string
		said []string // of the notice
	}{
		"prometheus.yml": {func(b *bed) { b.edit(ymlFile, "username: u", "username: x") }, ymlFile,
			[]string{"was changed by hand", "-      username: u", "+      username: x"}},
		"a secret": {func(b *bed) { b.edit(ymlFile, "ourPassword", "hunter2") }, ymlFile,
			[]string{"was changed by hand", "-      password: <secret>", "+      password: <another secret>"}},
		"no YAML": {func(b *bed) { b.put(ymlFile, "\tpassword hunter2\n") }, ymlFile,
			[]string{"was changed by hand", "+<not shown>"}},
		"emptied": {func(b *bed) { b.put(ymlFile, "") }, ymlFile, []string{"was changed by hand", "-  - job_name: node"}},
		"removed": {func(b *bed) { b.remove(ymlFile) }, ymlFile, []string{"was removed by hand", "+++ /dev/null"}},
		"targets": {func(b *bed) { b.edit(nodeFile, `"h2:9100"`, `"h3:9100"`) }, nodeFile,
			[]string{"was changed by hand", `-      "h2:9100"`, `+      "h3:9100"`}},
		"targets removed":     {func(b *bed) { b.remove(nodeFile) }, nodeFile, []string{"was removed by hand", `-      "h2:9100"`}},
		"a directory removed": {func(b *bed) { b.remove("targets.d/node") }, nodeFile, []string{"was removed by hand"}},
		"replaced": {func(b *bed) {
			b.put("new", `[{"targets":["evil:1"]}]`)
			b.rename("new", nodeFile)
		}, nodeFile, []string{"was changed by hand", `+      "evil:1"`}},
		"as old and as large": {func(b *bed) {
			info, err := os.Stat(filepath.Join(b.dir, nodeFile))
			if err != nil {
				b.t.Fatal(err)
			}
			b.edit(nodeFile, "h2:9100", "h7:9100")
			if err := os.Chtimes(filepath.Join(b.dir, nodeFile), info.ModTime(), info.ModTime()); err != nil {
				b.t.Fatal(err)
			}
		}, nodeFile, []string{"was changed by hand", `+      "h7:9100"`}},
		"a mode": {func(b *bed) { b.chmod(ymlFile, 0o600) }, ymlFile, []string{"has mode 0600 by hand, and had 0644"}},
		"white space": {func(b *bed) { b.put(ymlFile, b.read(ymlFile)+"\n\n") }, ymlFile,
			[]string{"was changed by hand", "only white space"}},
		"long": {func(b *bed) { b.put(nodeFile, "["+strings.Repeat(`{"targets":["h:1"]},`, 2000)+`{"targets":[]}]`) }, nodeFile,
			[]string{"more lines are left out"}},
	} {
		t.Run(name, func(t *testing.T) {
			driftBed(t, "", func(b *bed, _ map[string]wantedJob) {
				want := map[string]string{ymlFile: b.read(ymlFile), nodeFile: b.read(nodeFile)}
				var atReport string
				b.server.mu.Lock()
				b.server.onReport = func(r promfleet.Report) {
					if r.State == promfleet.StateDrifted && atReport == "" {
						text, err := os.ReadFile(filepath.Join(b.dir, c.file))
						info, _ := os.Stat(filepath.Join(b.dir, c.file))
						if err != nil || string(text) != want[c.file] || info.Mode().Perm() != 0o644 {
							atReport = "as edited"
						} else {
							atReport = "put right already"
						}
					}
				}
				b.server.mu.Unlock()
				c.do(b)
				b.after(40 * time.Second)
				same(t, "as edited", atReport)
				r, ok := b.told(append(c.said, filepath.Join(b.dir, c.file), "it is put right")...)
				if !ok || r.State != promfleet.StateDrifted {
					t.Errorf("%v, %+v", ok, b.server.reports)
				}
				last := b.expect(promfleet.StateInSync)
				if !noticed(last, append(c.said, "it was put right 2000-01-01T00:")...) || len(last.Notices) != 1 {
					t.Errorf("what was put right is not told: %q", last.Notices)
				}
				for file, text := range want {
					same(t, text, b.read(file))
				}
				info, err := os.Stat(filepath.Join(b.dir, c.file))
				if err != nil || info.Mode().Perm() != 0o644 {
					t.Errorf("mode %v, error %v", info.Mode(), err)
				}
				reloads := 1
				if c.file == ymlFile && name != "a mode" { // who edits it may have had it read
					reloads++
				}
				same(t, reloads, b.prom.counts())
				if name == "a mode" { // a day later nobody need know any more
					b.after(25 * time.Hour)
					same(t, []string(nil), b.server.last().Notices)
				}
			})
		})
	}
}

// TestDriftToldFirst: the repair waits until the server has been told, whatever else
// reports.
func TestDriftToldFirst(t *testing.T) {
	driftBed(t, "", func(b *bed, _ map[string]wantedJob) {
		b.stop()
		b.startWithout("report")
		b.after(time.Minute)
		_, _, before := b.server.counts()
		want := b.read(nodeFile)
		b.edit(nodeFile, "h2:9100", "h3:9100")
		b.after(time.Minute)
		same(t, want, b.read(nodeFile))
		if _, _, now := b.server.counts(); now != before+1 || b.server.last().State != promfleet.StateDrifted || !noticed(b.server.last(), `+      "h3:9100"`) {
			t.Errorf("%d reports, the last %+v", now-before, b.server.last())
		}
	})
}

// TestDriftLoaded: an edited prometheus.yml that Prometheus has read is undone there
// too, also if only a secret differs, which Prometheus does not show.
func TestDriftLoaded(t *testing.T) {
	for _, edit := range [][2]string{{"username: u", "username: x"}, {"ourPassword", "hunter2"}} {
		driftBed(t, "", func(b *bed, _ map[string]wantedJob) {
			b.edit(ymlFile, edit[0], edit[1])
			b.prom.mu.Lock()
			b.prom.load()
			b.prom.mu.Unlock()
			b.after(40 * time.Second)
			b.expect(promfleet.StateInSync)
			same(t, 2, b.prom.counts())
			same(t, b.read(ymlFile), b.prom.loaded)
		})
	}
}

// TestDriftPrometheusDown: what is put right while Prometheus is away is not taken
// for loaded.
func TestDriftPrometheusDown(t *testing.T) {
	driftBed(t, "", func(b *bed, _ map[string]wantedJob) {
		want := b.read(ymlFile)
		b.prom.mu.Lock()
		b.prom.down = true
		b.prom.mu.Unlock()
		b.edit(ymlFile, "username: u", "username: x")
		b.after(40 * time.Second)
		same(t, want, b.read(ymlFile))
		same(t, promfleet.StateWritten, b.server.last().State)
		b.prom.setDown(false)
		b.expect(promfleet.StateInSync)
		same(t, want, b.prom.loaded)
	})
}

// TestDriftForeign: a file of others is told, and never touched.
func TestDriftForeign(t *testing.T) {
	for _, policy := range []string{"", "drift: report\n"} {
		driftBed(t, policy, func(b *bed, jobs map[string]wantedJob) {
			const foreign = "targets.d/node/mine.json"
			b.put(foreign, `[{"targets":["mine:1"]}]`)
			b.put("targets.d/node/notes.txt", "Prometheus does not read this")
			r := b.expect(promfleet.StateDrifted)
			if !noticed(r, foreign, "is not the agent's", "move it away", `+      "mine:1"`) || len(r.Notices) != 1 {
				t.Errorf("%q", r.Notices)
			}
			jobs["web"].pieces["all"] = append(jobs["web"].pieces["all"], "w2:80")
			b.server.want("", jobs)
			b.expect(promfleet.StateDrifted)
			if !strings.Contains(b.read("targets.d/web/all.json"), "w2:80") {
				t.Error("the edit of another job does not arrive")
			}
			same(t, `[{"targets":["mine:1"]}]`, b.read(foreign))
			_, _, reports := b.server.counts()
			b.after(5 * time.Minute)
			if _, _, now := b.server.counts(); now > reports+11 {
				t.Errorf("%d reports of what is no news", now-reports)
			}
			b.remove(foreign)
			b.expect(promfleet.StateInSync)
			same(t, 0, len(b.server.last().Notices))
		})
	}
}

// TestDriftReported: with drift: report an edited file stays, and so does what would
// have to rewrite it; all else goes on.
func TestDriftReported(t *testing.T) {
	driftBed(t, "drift: report\n", func(b *bed, jobs map[string]wantedJob) {
		good := b.read(nodeFile)
		b.edit(nodeFile, "h2:9100", "h3:9100")
		edited := b.read(nodeFile)
		r := b.expect(promfleet.StateDrifted)
		if !noticed(r, "it stays", "drift: report", `+      "h3:9100"`) {
			t.Errorf("%q", r.Notices)
		}
		// Another job, a new one, and the edited file itself.
		jobs["web"].pieces["all"] = []string{"w1:80", "w2:80"}
		jobs["new"] = wantedJob{pieces: map[string][]string{"all": {"n1:1"}}}
		jobs["node"].pieces["all"] = []string{"h1:9100", "h4:9100"}
		b.server.want("", jobs)
		r = b.expect(promfleet.StateDrifted)
		same(t, []int64{2, 1}, []int64{r.RevisionReceived, r.RevisionWritten})
		same(t, edited, b.read(nodeFile))
		if !strings.Contains(b.read("targets.d/web/all.json"), "w2:80") || !strings.Contains(b.prom.loaded, "job_name: new") {
			t.Error("what does not collide with the edited file waits")
		}
		b.stop()
		b.start()
		b.after(5 * time.Minute)
		same(t, edited, b.read(nodeFile))
		same(t, promfleet.StateDrifted, b.server.last().State)
		same(t, 2, b.prom.counts())
		b.put(nodeFile, good)
		b.expect(promfleet.StateInSync)
		if !strings.Contains(b.read(nodeFile), "h4:9100") {
			t.Error("the edit that waited does not arrive")
		}
	})
}

// TestDriftReportedConfig: with an edited prometheus.yml left, target edits go on and
// changes of jobs wait.
func TestDriftReportedConfig(t *testing.T) {
	driftBed(t, "drift: report\n", func(b *bed, jobs map[string]wantedJob) {
		good := b.read(ymlFile)
		b.edit(ymlFile, "username: u", "username: x")
		edited := b.read(ymlFile)
		b.expect(promfleet.StateDrifted)
		jobs["web"].pieces["all"] = []string{"w1:80", "w2:80"}
		jobs["new"] = wantedJob{pieces: map[string][]string{"all": {"n1:1"}}}
		b.server.want("", jobs)
		r := b.expect(promfleet.StateDrifted)
		same(t, []int64{2, 1, 1}, []int64{r.RevisionReceived, r.RevisionWritten, r.RevisionLoaded})
		if !strings.Contains(b.read("targets.d/web/all.json"), "w2:80") {
			t.Error("target edits wait")
		}
		b.after(5 * time.Minute)
		same(t, edited, b.read(ymlFile))
		same(t, 1, b.prom.counts())
		b.put(ymlFile, good)
		r = b.expect(promfleet.StateInSync)
		same(t, int64(2), r.RevisionLoaded)
		same(t, 2, b.prom.counts())
		if !strings.Contains(b.prom.loaded, "job_name: new") {
			t.Error("the job that waited does not arrive")
		}
	})
}

// TestDriftAtStart: what was edited while no agent ran is noticed.
func TestDriftAtStart(t *testing.T) {
	driftBed(t, "", func(b *bed, _ map[string]wantedJob) {
		want := b.read(nodeFile)
		b.stop()
		b.edit(nodeFile, "h2:9100", "h3:9100")
		b.start()
		b.after(10 * time.Second)
		b.expect(promfleet.StateInSync)
		same(t, want, b.read(nodeFile))
		if r, ok := b.told(`+      "h3:9100"`, "it is put right"); !ok || r.State != promfleet.StateDrifted {
			t.Errorf("it was not told before: %+v", b.server.reports)
		}
		b.stop()
		b.start()
		b.after(10 * time.Second)
		if !noticed(b.server.last(), `+      "h3:9100"`, "it was put right") {
			t.Errorf("a restart forgets what was put right: %q", b.server.last().Notices)
		}
	})
}

// TestDriftNotOurs: what an agent that was killed has written, or removed, is not
// taken for the work of somebody else.
func TestDriftNotOurs(t *testing.T) {
	driftBed(t, "", func(b *bed, jobs map[string]wantedJob) {
		// What the data path is while the files are in their place and the reload is not done.
		b.prom.script(func(http.ResponseWriter, *http.Request) {
			if err := os.CopyFS(filepath.Join(b.dir, "killed"), os.DirFS(filepath.Join(b.dir, "data"))); err != nil {
				b.t.Error(err)
			}
			b.prom.load()
		})
		jobs["web"] = wantedJob{pieces: map[string][]string{"a": {"w1:80"}, "b": {"w2:80"}}}
		jobs["node"].pieces["all"] = []string{"h1:9100"}
		jobs["new"] = wantedJob{pieces: map[string][]string{"all": {"n1:1"}}}
		b.server.want("", jobs)
		b.expect(promfleet.StateInSync)
		b.stop()
		b.remove("data")
		b.rename("killed", "data")
		b.start()
		b.after(time.Minute)
		b.expect(promfleet.StateInSync)
		for _, r := range b.server.reports {
			if r.State == promfleet.StateDrifted || len(r.Notices) > 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}

func (b *bed) remove(name string) {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, name)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) rename(from, to string) {
	b.t.Helper()
	if err := os.Rename(filepath.Join(b.dir, from), filepath.Join(b.dir, to)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) chmod(name string, mode os.FileMode) {
	b.t.Helper()
	if err := os.Chmod(filepath.Join(b.dir, name), mode); err != nil {
		b.t.Fatal(err)
	}
}
