package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// standInPromtool puts a promtool on PATH that refuses what the scripted
// Prometheus does, and says as little of it. It gives the file with its calls.
func standInPromtool(t *testing.T, version, refuses string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	script := fmt.Sprintf(`#!/bin/sh
if [ "$1" = --version ]; then
  echo "promtool, version %s (branch: HEAD, revision: )"
  exit
fi
echo "$*" >> %s
if grep -q %s "$4"; then
  echo "Checking $4"
  echo "  FAILED: parsing YAML file $4: it is not well"
  exit 1
fi
`, version, calls, refuses)
	if err := os.WriteFile(filepath.Join(dir, "promtool"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return calls
}

// TestQuarantinePromtool: Prometheus's own promtool saves the trials; one of
// another version, or one that knows no better, is not believed.
func TestQuarantinePromtool(t *testing.T) {
	for _, c := range []struct {
		name, version, refuses string
		asked, believed        bool
	}{
		{"its own", "2.42.0", "scrape_protocols", true, true},
		{"of another version", "2.42.1", "scrape_protocols", false, false},
		{"that takes it", "2.42.0", "nothing_of_the_kind", true, false},
		{"that refuses all", "2.42.0", "job_name", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := standInPromtool(t, c.version, c.refuses)
			inBed(t, func(t *testing.T, b *bed) {
				b.refusing(silently)
				b.server.want("", fresh(20, 3, 4, 17))
				if c.believed {
					b.quarantined("jobs new003, new004, new017 are quarantined: parsing YAML file prometheus.yml: it is not well;")
					same(t, 3, b.prom.counts())
				} else {
					b.quarantined("jobs new003, new004, new017 are quarantined: failed to reload config")
				}
				if _, err := os.Stat(calls); (err == nil) != c.asked {
					t.Errorf("asked: %v", err)
				}
				same(t, 18, len(b.running()))
				if _, err := os.Stat(filepath.Join(b.dir, "data", promtoolYML)); !os.IsNotExist(err) {
					t.Errorf("%s: %v", promtoolYML, err)
				}
				b.never("good")
				b.stop()
			})
		})
	}
}

// TestPromtoolTrusted: what others could have put beside a Prometheus is not run.
func TestPromtoolTrusted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bin")
	path := filepath.Join(dir, "promtool")
	for _, err := range []error{os.Mkdir(dir, 0o755), os.WriteFile(path, nil, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	same(t, true, trusted(path))
	same(t, false, trusted(dir))
	same(t, false, trusted(path+"x"))
	for _, target := range []string{path, dir} {
		if err := os.Chmod(target, 0o777); err != nil {
			t.Fatal(err)
		}
		same(t, false, trusted(path))
		if err := os.Chmod(target, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
