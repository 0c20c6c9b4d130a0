package adopt_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet"
	"promfleet/internal/adopt"
	"promfleet/internal/check/checktest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// prometheusFiles are all YAML files in the tests and examples of Prometheus's source.
func prometheusFiles(t *testing.T) map[string][]byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := os.DirFS(strings.TrimSpace(string(dir)))
	files := map[string][]byte{}
	for _, below := range []string{"config/testdata", "documentation/examples"} {
		err := fs.WalkDir(root, below, func(name string, d fs.DirEntry, err error) error {
			if ext := path.Ext(name); err == nil && !d.IsDir() && (ext == ".yml" || ext == ".yaml") {
				files[name], err = fs.ReadFile(root, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Every prometheus.yml that comes with Prometheus's source: those that it loads are
// taken and given back the same; the others are refused, each with a reason.
func TestPrometheusOwnFiles(t *testing.T) {
	files := prometheusFiles(t)
	taken := 0
	var reasons strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body := files[name]
		if bad := checktest.Verdict(body); bad == nil {
			if _, err := roundTrip(body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			taken++
			continue
		}
		_, err := adopt.Import(body, "n")
		if err == nil {
			t.Errorf("%s: taken, but Prometheus does not load it", name)
			continue
		}
		fmt.Fprintf(&reasons, "%s: %s\n", name, said(err))
	}
	t.Logf("FIGURE %d of Prometheus's own files: %d taken and given back the same, %d refused with it", len(files), taken, len(files)-taken)
	golden(t, "testdata/refused.golden", reasons.String())
	if taken < 50 {
		t.Errorf("only %d files were taken", taken)
	}
}

// Files as they are found in the field. Those that the older Prometheus takes, it
// takes again as they are exported.
func TestRealisticFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/realistic/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	promtool := filepath.Join(filepath.Dir(os.Getenv("PROMFLEET_PROMETHEUS_DEBIAN")), "promtool")
	older := 0
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			exported, err := roundTrip(body)
			if err != nil {
				t.Fatal(err)
			}
			if accepts(t, promtool, body) != nil {
				return
			}
			older++
			if err := accepts(t, promtool, exported); err != nil {
				t.Error(err)
			}
		})
	}
	t.Logf("FIGURE %d realistic files: taken and given back the same; %d of them are for promtool 2.42 too, which accepts the exports", len(files), older)
	if len(files) < 20 || older < 16 {
		t.Errorf("only %d files, %d for promtool", len(files), older)
	}
}

func accepts(t *testing.T, promtool string, yml []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, yml, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "config", "--syntax-only", file).CombinedOutput(); err != nil {
		return fmt.Errorf("promtool: %w\n%s", err, out)
	}
	return nil
}

func said(err error) string { return strings.ReplaceAll(err.Error(), "\n", " ") }

// roundTrip imports a file, exports that, and imports the export: all must say the
// same. It gives the export.
func roundTrip(body []byte) (exported []byte, err error) {
	first, err := adopt.Import(body, "n")
	if err != nil {
		return nil, fmt.Errorf("import: %s", said(err))
	}
	exported, err = export(first)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := checktest.Same(body, exported); err != nil {
		return nil, fmt.Errorf("the export does not load the same: %w\n%s", err, exported)
	}
	second, err := adopt.Import(exported, "n")
	if err != nil {
		return nil, fmt.Errorf("import of the export: %s\n%s", said(err), exported)
	}
	if diff := cmp.Diff(first.Documents, second.Documents); diff != "" {
		return nil, fmt.Errorf("import of the export is not the same:\n%s\n%s", diff, exported)
	}
	again, err := export(second)
	if err != nil {
		return nil, err
	}
	if string(again) != string(exported) {
		return nil, fmt.Errorf("the second export is not the first:\n%s", cmp.Diff(string(exported), string(again)))
	}
	return exported, nil
}

// export gives what a server with these documents would.
func export(in adopt.Imported) ([]byte, error) {
	var jobs []adopt.Job
	var id int64
	for _, d := range in.Documents[1:] {
		j := adopt.Job{Key: d.Key, JobName: d.JobName, Remark: d.Remark, ScrapeConfig: d.ScrapeConfig}
		for _, t := range *d.Targets {
			id++
			j.Targets = append(j.Targets, promfleet.Target{ID: id, Name: t.Name, Remark: t.Remark, Addr: t.Addr, Labels: t.Labels})
		}
		jobs = append(jobs, j)
	}
	return adopt.Export(*in.Documents[0].BaseConfig, jobs)
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-update rewrites it):\n%s", name, diff)
	}
}
