package check

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// RelabelRule is one of a job's relabel_configs, with the defaults filled in.
type RelabelRule struct {
	Action       string
	SourceLabels []string
	Separator    string
	Regex        string
	Modulus      uint64
	TargetLabel  string
	Replacement  string
}

// RelabelStep is what a rule makes of a target's labels: Output, or nothing where
// it does not keep the target.
type RelabelStep struct {
	Rule   RelabelRule
	Output map[string]string
	Keep   bool
}

// RelabelSteps walks the relabel_configs of a job as Prometheus does, up to the one
// that drops the target. set are the labels before it, address and all.
func (c *Config) RelabelSteps(job string, set map[string]string) (steps []RelabelStep, err error) {
	defer recoverAs(&err)
	sc, err := c.scrapeConfig(job)
	if err != nil {
		return nil, err
	}
	lb := labels.NewBuilder(labels.FromMap(set))
	for _, rule := range sc.RelabelConfigs {
		s := RelabelStep{Rule: ruleOf(rule), Keep: relabel.ProcessBuilder(lb, rule)}
		if s.Keep {
			s.Output = lb.Labels().Map()
		}
		if steps = append(steps, s); !s.Keep {
			break
		}
	}
	return steps, nil
}

func ruleOf(r *relabel.Config) RelabelRule {
	out := RelabelRule{Action: string(r.Action), Separator: r.Separator, Regex: r.Regex.String(), Modulus: r.Modulus,
		TargetLabel: r.TargetLabel, Replacement: r.Replacement}
	for _, name := range r.SourceLabels {
		out.SourceLabels = append(out.SourceLabels, string(name))
	}
	return out
}

// Discovered gives the labels that a target of a job has before relabelling: its
// own, and what Prometheus fills in where it has none.
func (c *Config) Discovered(job, addr string, own map[string]string) (map[string]string, error) {
	sc, err := c.scrapeConfig(job)
	if err != nil {
		return nil, err
	}
	set := map[string]string{}
	for name, value := range own {
		if value != "" {
			set[name] = value
		}
	}
	set[model.AddressLabel] = addr
	fill := func(name, value string) {
		if set[name] == "" && value != "" {
			set[name] = value
		}
	}
	fill(model.JobLabel, sc.JobName)
	fill(model.ScrapeIntervalLabel, sc.ScrapeInterval.String())
	fill(model.ScrapeTimeoutLabel, sc.ScrapeTimeout.String())
	fill(model.MetricsPathLabel, sc.MetricsPath)
	fill(model.SchemeLabel, sc.Scheme)
	for name, values := range sc.Params {
		if len(values) > 0 {
			fill(model.ParamLabelPrefix+name, values[0])
		}
	}
	return set, nil
}

func (c *Config) scrapeConfig(job string) (*config.ScrapeConfig, error) {
	for _, sc := range c.loaded.ScrapeConfigs {
		if sc.JobName == job {
			return sc, nil
		}
	}
	return nil, fmt.Errorf("there is no job %q in the configuration", job)
}
