package adopt_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"promfleet/internal/adopt"
	"promfleet/internal/proctest"
)

// Those that promtool 2.42 does not read: they have fields or label names of 3.x, or
// a service discovery that Debian builds without.
var newer = []string{"agent.yml", "chinese.yml", "consul.yml", "kubernetes.yml", "proxies.yml", "utf8.yml"}

// Files as they are found in the field: all are taken and given back the same, and
// promtool accepts what is given back.
func TestRealisticFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/realistic/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Errorf("only %d files", len(files))
	}
	promtool := filepath.Join(filepath.Dir(proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN")), "promtool")
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			takenAndGivenBack(t, body, promtool, !slices.Contains(newer, filepath.Base(name)))
		})
	}
	t.Logf("FIGURE %d realistic files taken and given back the same", len(files))
}

// takenAndGivenBack checks the round trip of a file, and with promtool, which is that
// of 2.42, what is given back.
func takenAndGivenBack(t *testing.T, body []byte, promtool string, old bool) {
	t.Helper()
	if err := roundTrip(body); err != nil {
		t.Fatal(err)
	}
	in, err := adopt.Import(body, "n")
	if err != nil {
		t.Fatal(err)
	}
	exported, err := export(in)
	if err != nil {
		t.Fatal(err)
	}
	if !old {
		return
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, exported, 0o600); err != nil {
		t.Fatal(err)
	}
	// The files that it names are not there.
	if out, err := exec.Command(promtool, "check", "config", "--syntax-only", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s\n%s", err, out, exported)
	}
}

// A file as large as they come: 200 jobs, 10,000 targets.
func TestLargeFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("global: {scrape_interval: 30s}\nscrape_configs:\n")
	for j := range 200 {
		fmt.Fprintf(&b, "# job %d of team-%d\n- job_name: team-%d/service.%d\n  metrics_path: /m%d\n  static_configs:\n", j, j%7, j%7, j, j)
		for g := range 5 {
			fmt.Fprintf(&b, "  - labels: {shard: %q, dc: dc-%d}\n    targets:\n", fmt.Sprint(g), (j+g)%3)
			for i := range 10 {
				fmt.Fprintf(&b, "    - 10.%d.%d.%d:9100 # host %d\n", j, g, i, i)
			}
		}
	}
	body := []byte(b.String())
	in, err := adopt.Import(body, "n")
	if err != nil {
		t.Fatal(err)
	}
	targets := 0
	for _, d := range in.Documents[1:] {
		targets += len(*d.Targets)
	}
	if len(in.Documents) != 201 || targets != 10_000 {
		t.Errorf("%d documents, %d targets", len(in.Documents), targets)
	}
	takenAndGivenBack(t, body, filepath.Join(filepath.Dir(proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN")), "promtool"), true)
}
