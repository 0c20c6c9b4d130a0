package checktest

import (
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
)

// Same says whether two prometheus.yml load the same: equal structs of Prometheus's,
// but for the order of jobs, and for how the targets of a job are grouped in its
// static_configs. The error names the first job, or says that it is a section.
func Same(a, b []byte) error {
	one, err := config.Load(string(a), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	two, err := config.Load(string(b), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	jobs, others := byJob(one), byJob(two)
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		x, y := jobs[name], others[name]
		switch {
		case y == nil:
			return fmt.Errorf("job %q is only in the first", name)
		case !reflect.DeepEqual(x.targets, y.targets):
			return fmt.Errorf("the targets of job %q are not the same", name)
		case !reflect.DeepEqual(x.config, y.config):
			return fmt.Errorf("job %q is not the same: %+v and %+v", name, x.config, y.config)
		}
	}
	if len(others) != len(jobs) {
		return fmt.Errorf("%d jobs and %d", len(jobs), len(others))
	}
	one.ScrapeConfigs, two.ScrapeConfigs = nil, nil
	if !reflect.DeepEqual(one, two) {
		return fmt.Errorf("the sections are not the same: %s and %s", one, two)
	}
	return nil
}

type job struct {
	config  *config.ScrapeConfig
	targets map[string]bool
}

func byJob(c *config.Config) map[string]*job {
	jobs := map[string]*job{}
	for _, sc := range c.ScrapeConfigs {
		j := &job{sc, map[string]bool{}}
		var rest discovery.Configs
		for _, sd := range sc.ServiceDiscoveryConfigs {
			static, ok := sd.(discovery.StaticConfig)
			if !ok {
				rest = append(rest, sd)
				continue
			}
			for _, g := range static {
				for _, t := range g.Targets {
					set := g.Labels.Merge(t)
					for name, value := range set {
						if value == "" || strings.HasPrefix(string(name), "__meta_promfleet_") {
							delete(set, name)
						}
					}
					j.targets[set.String()] = true
				}
			}
		}
		sc.ServiceDiscoveryConfigs = rest
		jobs[sc.JobName] = j
	}
	return jobs
}
