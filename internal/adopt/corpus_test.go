package adopt_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet"
	"promfleet/internal/adopt"
	"promfleet/internal/check/checktest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Every prometheus.yml that comes with Prometheus's source: those that it loads are
// taken and given back the same; the others are refused, each with a reason.
func TestPrometheusOwnFiles(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := os.DirFS(strings.TrimSpace(string(dir)))
	var names []string
	for _, below := range []string{"config/testdata", "documentation/examples"} {
		err := fs.WalkDir(root, below, func(name string, d fs.DirEntry, err error) error {
			if ext := path.Ext(name); err == nil && !d.IsDir() && (ext == ".yml" || ext == ".yaml") {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	taken := 0
	var reasons strings.Builder
	for _, name := range names {
		body, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		if bad := checktest.Verdict(body); bad == nil {
			if err := roundTrip(body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			taken++
			continue
		}
		_, err = adopt.Import(body, "n")
		if err == nil {
			t.Errorf("%s: taken, but Prometheus does not load it", name)
			continue
		}
		fmt.Fprintf(&reasons, "%s: %s\n", name, said(err))
	}
	t.Logf("FIGURE %d of Prometheus's own files: %d taken and given back the same, %d refused with it", len(names), taken, len(names)-taken)
	golden(t, "testdata/refused.golden", reasons.String())
	if taken < 50 {
		t.Errorf("only %d files were taken", taken)
	}
}

func said(err error) string { return strings.ReplaceAll(err.Error(), "\n", " ") }

// roundTrip imports a file, exports that, and imports the export: all must say the same.
func roundTrip(body []byte) error {
	first, err := adopt.Import(body, "n")
	if err != nil {
		return fmt.Errorf("import: %s", said(err))
	}
	exported, err := export(first)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := checktest.Same(body, exported); err != nil {
		return fmt.Errorf("the export does not load the same: %w\n%s", err, exported)
	}
	second, err := adopt.Import(exported, "n")
	if err != nil {
		return fmt.Errorf("import of the export: %s\n%s", said(err), exported)
	}
	if diff := cmp.Diff(first.Documents, second.Documents); diff != "" {
		return fmt.Errorf("import of the export is not the same:\n%s\n%s", diff, exported)
	}
	again, err := export(second)
	if err != nil {
		return err
	}
	if string(again) != string(exported) {
		return fmt.Errorf("the second export is not the first:\n%s", cmp.Diff(string(exported), string(again)))
	}
	return nil
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
