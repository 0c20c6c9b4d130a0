package agent

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

// TestDiskTrouble: with each of its directories full or read-only the agent says so,
// goes on, leaves nothing half written, over a restart too, and is well again by itself
// as soon as the disk is.
func TestDiskTrouble(t *testing.T) {
	proctest.InOwnMounts(t, func(t *testing.T) {
		for _, dir := range []string{"data", "etc", "targets"} {
			for _, kind := range []string{"full", "read-only"} {
				t.Run(dir+" "+kind, func(t *testing.T) { inBed(t, func(t *testing.T, b *bed) { b.diskTrouble(dir, kind) }) })
			}
		}
	})
}

func (b *bed) diskTrouble(dir, kind string) {
	t := b.t
	for _, d := range []string{"data", "etc", "targets"} {
		if err := os.MkdirAll(filepath.Join(b.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	disk := proctest.NewDisk(t, filepath.Join(b.dir, dir), 256<<10)
	b.opts.ConfigFile = filepath.Join(b.dir, "etc/prometheus.yml")
	b.opts.TargetsDir = filepath.Join(b.dir, "targets")
	b.prom.file = b.opts.ConfigFile
	b.join()
	jobs := oneJob("h1:9100")
	b.server.want("", jobs)
	a := b.start()
	b.expect(promfleet.StateInSync)
	yml, targets := b.read("etc/prometheus.yml"), b.read("targets/node/all.json")

	trouble, words := disk.Fill, "no space left on device"
	well := disk.Empty
	if kind == "read-only" {
		trouble, words = func() { disk.ReadOnly(true) }, "read-only file system"
		well = func() { disk.ReadOnly(false) }
	}
	// A filesystem on which the running agent has its lock open is not remounted.
	locked := kind == "read-only" && dir != "etc"
	if locked {
		b.stop()
	}
	trouble()
	if locked {
		a = b.start()
	}
	jobs["node"].pieces["all"] = []string{"h1:9100", "h2:9100"}
	jobs["new"] = wantedJob{config: `{"scrape_interval":"10s"}`, pieces: map[string][]string{"all": {"n1:1"}}}
	b.server.want("global: {scrape_interval: 20s}\n", jobs)
	check := func() {
		t.Helper()
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, words) || !strings.Contains(r.Error, filepath.Join(b.dir, dir)) || strings.Contains(r.Error, "\n") {
			t.Errorf("error %q, want one line with %q and the path", r.Error, words)
		}
		b.whole(yml, targets)
		says(t, a, "/-/healthy", http.StatusOK, "healthy")
		says(t, a, "/metrics", http.StatusOK, `promfleet_agent_state{state="failed"} 1`)
		if _, text := page(a, "/metrics"); strings.Contains(text, `promfleet_agent_sync_failures_total{reason="disk"} 0`) {
			t.Error("the failure was not counted")
		}
	}
	troubled := func() {
		t.Helper()
		b.after(2 * time.Minute)
		if locked { // it cannot take its lock, and says so on its pages
			says(t, a, "/-/healthy", http.StatusOK, "healthy")
			says(t, a, "/-/ready", http.StatusServiceUnavailable, "state: failed: ", words, filepath.Join(b.dir, dir))
			b.whole(yml, targets)
			return
		}
		check()
		says(t, a, "/-/ready", http.StatusOK, "state: failed: ", words)
	}
	troubled()
	if b.prom.loaded != b.read("etc/prometheus.yml") {
		t.Error("Prometheus runs something that is not on the disk")
	}
	b.stop()
	a = b.start()
	troubled()
	well()
	r := b.expect(promfleet.StateInSync)
	same(t, int64(2), r.RevisionLoaded)
	if !strings.Contains(b.read("targets/node/all.json"), "h2:9100") || !strings.Contains(b.prom.loaded, "job_name: new") {
		t.Error("what was wanted has not arrived")
	}
	says(t, a, "/-/ready", http.StatusOK, "promfleet agent is ready.\nstate: in_sync\n")
	b.stop()
	b.whole("", "")
}

// whole checks that the files are what they were or what is wanted, and nothing is
// left half written.
func (b *bed) whole(yml, targets string) {
	b.t.Helper()
	if text := b.read("etc/prometheus.yml"); text != yml && !strings.Contains(text, "scrape_interval: 20s") {
		b.t.Errorf("prometheus.yml is torn:\n%s", text)
	}
	if text := b.read("targets/node/all.json"); text != targets && !strings.Contains(text, "h2:9100") {
		b.t.Errorf("the target file is torn:\n%s", text)
	}
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		in := filepath.Base(filepath.Dir(path))
		if (in == ".stage" || in == ".promfleet") && d.Name() != "lock" || strings.HasPrefix(d.Name(), "tmp-") {
			return fmt.Errorf("%s is left over", path)
		}
		return nil
	})
	if err != nil {
		b.t.Error(err)
	}
}
