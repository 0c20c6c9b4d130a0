package adopt_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"promfleet"
	"promfleet/internal/adopt"
	"promfleet/internal/check"
	"promfleet/internal/check/checktest"
	"promfleet/internal/render"
)

// An agent that takes over a file that has been imported finds no difference, and
// finds each difference that there might be.
func TestTakeOver(t *testing.T) {
	taken, found := 0, 0
	files := goodFiles(t)
	for i, name := range slices.Sorted(maps.Keys(files)) {
		if raced && i%8 != 0 {
			continue // make test takes all of them once more without the race detector
		}
		body := files[name]
		in, err := adopt.Import(body, "n")
		if err != nil {
			t.Errorf("%s: %s", name, said(err))
			continue
		}
		if err := takeOver(body, in.Documents); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		taken++
		for what, change := range differences {
			docs := change(copyOf(t, in.Documents))
			if docs == nil {
				continue
			}
			found++
			if takeOver(body, docs) == nil {
				t.Errorf("%s: %s: no difference to an agent", name, what)
			}
			if adopt.Verify(strings.TrimPrefix(string(body), "\ufeff"), docs) == nil {
				t.Errorf("%s: %s: no difference to an import", name, what)
			}
		}
	}
	t.Logf("FIGURE an agent would take over %d files without a difference, and find %d that were put in", taken, found)
	if !raced && (taken < 100 || found < 300) {
		t.Errorf("only %d files and %d differences", taken, found)
	}
}

// takeOver compares a file with what an agent in its place would write.
func takeOver(body []byte, docs []promfleet.FleetDocument) error {
	const dir, targetsDir = "/etc/prometheus", "targets.d"
	var jobs []render.Job
	groups := map[string][]check.Group{}
	for _, d := range docs[1:] {
		jobs = append(jobs, render.Job{JobConfig: promfleet.JobConfig{Key: d.Key, JobName: d.JobName, ScrapeConfig: d.ScrapeConfig}, Targets: int64(len(*d.Targets))})
		var targets []promfleet.Target
		for i, target := range *d.Targets {
			targets = append(targets, promfleet.Target{ID: int64(i + 1), Name: target.Name, Addr: target.Addr, Labels: target.Labels})
		}
		file, err := render.TargetFile(targets, render.MetaSeen(d.ScrapeConfig))
		if err != nil {
			return err
		}
		if groups[d.JobName], err = check.TargetGroups(file); err != nil {
			return err
		}
	}
	ours, err := render.PrometheusYML([]byte(*docs[0].BaseConfig), jobs, targetsDir)
	if err != nil {
		return err
	}
	return check.SameJobs(body, ours, dir, targetsDir, groups)
}

type change func(docs []promfleet.FleetDocument) []promfleet.FleetDocument

// differences are what an import could get wrong; nil: not with these documents.
var differences = map[string]change{
	"a target is missing": onTargets(func(list []promfleet.FleetTarget) []promfleet.FleetTarget { return list[1:] }),
	"a target is new": onTargets(func(list []promfleet.FleetTarget) []promfleet.FleetTarget {
		return append(list, promfleet.FleetTarget{Addr: "new:1"})
	}),
	"a target has another address": onTargets(func(list []promfleet.FleetTarget) []promfleet.FleetTarget {
		list[0].Addr = "other:1"
		return list
	}),
	"a target has another label": onTargets(func(list []promfleet.FleetTarget) []promfleet.FleetTarget {
		list[0].Labels = maps.Clone(list[0].Labels)
		if list[0].Labels == nil {
			list[0].Labels = map[string]string{}
		}
		list[0].Labels["another"] = "x"
		return list
	}),
	"a job is missing": func(docs []promfleet.FleetDocument) []promfleet.FleetDocument {
		if len(docs) < 2 {
			return nil
		}
		return docs[:len(docs)-1]
	},
	"a job has another name": onJob(func(j *promfleet.FleetDocument) {
		j.JobName += "x"
	}),
	"a job has another field": onJob(func(j *promfleet.FleetDocument) {
		j.ScrapeConfig = withField(j.ScrapeConfig, "sample_limit", 4711)
	}),
	"a job has another rule": onJob(func(j *promfleet.FleetDocument) {
		j.ScrapeConfig = withField(j.ScrapeConfig, "metric_relabel_configs", []any{map[string]any{"action": "drop", "regex": "x", "source_labels": []string{"a"}}})
	}),
	"a job has another discovery": onJob(func(j *promfleet.FleetDocument) {
		j.ScrapeConfig = withField(j.ScrapeConfig, "http_sd_configs", []any{map[string]any{"url": "http://another/"}})
	}),
	"a section is new": func(docs []promfleet.FleetDocument) []promfleet.FleetDocument {
		base := *docs[0].BaseConfig
		if strings.Contains(base, "tracing") || strings.HasPrefix(base, "{") {
			return nil
		}
		base += "\ntracing: {endpoint: another}\n"
		docs[0].BaseConfig = &base
		return docs
	},
}

func onTargets(edit func([]promfleet.FleetTarget) []promfleet.FleetTarget) change {
	return func(docs []promfleet.FleetDocument) []promfleet.FleetDocument {
		i := slices.IndexFunc(docs, func(d promfleet.FleetDocument) bool { return d.Targets != nil && len(*d.Targets) > 0 })
		if i < 0 {
			return nil
		}
		list := edit(*docs[i].Targets)
		docs[i].Targets = &list
		return docs
	}
}

func onJob(edit func(j *promfleet.FleetDocument)) change {
	return func(docs []promfleet.FleetDocument) []promfleet.FleetDocument {
		if len(docs) < 2 {
			return nil
		}
		edit(&docs[len(docs)-1])
		return docs
	}
}

func withField(raw json.RawMessage, name string, v any) json.RawMessage {
	sc := map[string]any{}
	if err := json.Unmarshal(raw, &sc); err != nil {
		panic(err)
	}
	sc[name] = v
	b, err := json.Marshal(sc)
	if err != nil {
		panic(err)
	}
	return b
}

// goodFiles are all files that Prometheus loads.
func goodFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, body := range prometheusFiles(t) {
		files[name] = body
	}
	for _, pattern := range []string{"testdata/realistic/*.yml", "testdata/golden/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, ".txtar") {
				body = txtar.Parse(body).Files[0].Data
			}
			files[name] = body
		}
	}
	maps.DeleteFunc(files, func(name string, body []byte) bool {
		return strings.Contains(name, "refused-") || checktest.Verdict(body) != nil
	})
	return files
}

func copyOf(t *testing.T, docs []promfleet.FleetDocument) (out []promfleet.FleetDocument) {
	t.Helper()
	b, err := json.Marshal(docs)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
