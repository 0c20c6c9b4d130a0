package agent

import (
	"context"
	"errors"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/agent/reload"
	"promfleet/internal/check"
)

// What an explanation looks at and tells, whatever the question is.
const (
	maxText = 1000 // bytes of what is told of a text; JSON makes of some a longer one
	maxSteps, maxShownLabels,
	maxWithheld = 64, 100, 100
	// maxPools is how many pools are asked for one by one: the list of all may be long.
	maxPools = 8
	// maxTwins is the size of a job in which it is looked for targets that relabelling
	// makes equal.
	maxTwins = 20_000
)

// explainer finds out what has become of an address here.
type explainer struct {
	a       *Agent
	q       promfleet.ExplainQuestion
	outline *outline
	config  *check.Config // that Prometheus runs; nil: not known
	trouble []string
	steps   bool // Prometheus walks relabelling itself
	asked   bool // whether it does is known

	files    []*fileTarget
	seen     []reload.Seen
	hidden   map[string]int64 // dropped targets that are not listed, by pool
	unlisted bool             // the targets could not be listed
}

// explain answers a question of that kind.
func (a *Agent) explain(ctx context.Context, q promfleet.ExplainQuestion) *promfleet.AgentExplanation {
	e := &explainer{a: a, q: q, outline: a.outline.Load(), hidden: map[string]int64{}}
	if e.outline == nil {
		e.outline = &outline{}
	}
	out := a.status.explained()
	out.Quarantined = e.withheld()
	version, err := a.prom.Version(ctx)
	if err != nil {
		e.trouble = append(e.trouble, err.Error())
	}
	out.PrometheusVersion = cut(oneLine(version), 100)
	e.loadConfig(ctx)
	e.lookInFiles(ctx)
	e.lookAtPools(ctx)
	found := e.join(ctx)
	best := promfleet.AddrMatch("")
	for _, c := range found {
		if c.Matched.Better(best) {
			best = c.Matched
		}
	}
	found = slices.DeleteFunc(found, func(c *located) bool { return c.Matched != best })
	out.More = max(0, len(found)-promfleet.MaxSeen)
	out.Targets = []promfleet.SeenTarget{}
	for _, c := range found[:min(len(found), promfleet.MaxSeen)] {
		e.relabel(ctx, c)
		e.lastScrape(ctx, c)
		out.Targets = append(out.Targets, shownSeen(c.SeenTarget))
		if c.State == promfleet.SeenMissing && len(e.trouble) == 0 {
			if said := a.prom.Untold(ctx); said != "" {
				e.trouble = append(e.trouble, said)
			}
		}
	}
	out.Trouble = shownOwn(strings.Join(e.trouble, "; "))
	return out
}

// located is a target as it is being looked at.
type located struct {
	promfleet.SeenTarget
	file *fileTarget
	seen *reload.Seen
}

func (e *explainer) withheld() []promfleet.WithheldJob {
	all := slices.Clone(e.outline.withheld[:min(len(e.outline.withheld), maxWithheld)])
	for i := range all {
		all[i].Why = shownOwn(all[i].Why)
	}
	return all
}

// loadConfig reads what Prometheus runs: relabelling is walked on that, and not on
// what the agent has written.
func (e *explainer) loadConfig(ctx context.Context) {
	yml, err := e.a.prom.Config(ctx)
	if err == nil {
		e.config, err = check.Load(yml)
	}
	if err != nil && len(e.trouble) == 0 {
		e.trouble = append(e.trouble, "the running configuration cannot be read: "+err.Error())
	}
}

// walk gives what the relabel_configs of a pool make of labels: by Prometheus
// itself where it can, else by the linked library.
func (e *explainer) walk(ctx context.Context, pool string, labels map[string]string) (steps []reload.RelabelStep, by string) {
	if !e.asked || e.steps {
		steps, err := e.a.prom.RelabelSteps(ctx, pool, labels)
		e.asked = true
		if e.steps = !errors.Is(err, reload.ErrNoRelabelSteps); err == nil {
			return steps, "prometheus"
		}
	}
	if e.config == nil {
		return nil, ""
	}
	walked, err := e.config.RelabelSteps(pool, labels)
	if err != nil {
		return nil, ""
	}
	for _, s := range walked {
		steps = append(steps, reload.RelabelStep{Rule: reload.RelabelRule(s.Rule), Output: s.Output, Keep: s.Keep})
	}
	return steps, "promfleet"
}

// relabel tells what relabelling does to a target.
func (e *explainer) relabel(ctx context.Context, c *located) {
	before := c.Discovered
	// Older ones show as discovered what relabelling has made of it.
	if c.file != nil && c.file.discovered != nil && (before == nil || !e.steps) {
		before = c.file.discovered
	}
	if len(before) == 0 || c.State == promfleet.SeenUnknown && e.config == nil {
		return
	}
	steps, by := e.walk(ctx, c.JobName, before)
	if by == "" {
		return
	}
	if c.file != nil && c.file.discovered != nil && !e.steps {
		before = c.file.discovered
	}
	c.Discovered, c.StepsBy = before, by
	for i, s := range steps {
		if step := stepOf(i, s, before); step.Drops || len(step.Changes) > 0 {
			c.Steps = append(c.Steps, step)
		}
		if !s.Keep {
			break
		}
		before = s.Output
	}
}

// lastScrape tells of the last scrape of an active target.
func (e *explainer) lastScrape(ctx context.Context, c *located) {
	if c.State != promfleet.SeenActive || c.seen == nil {
		return
	}
	s := c.seen
	last := &promfleet.LastScrape{URL: s.URL, Health: "unknown", Error: s.LastError, Seconds: s.Seconds, Interval: s.Interval, Timeout: s.Timeout}
	if s.Health == "up" || s.Health == "down" {
		last.Health = s.Health
	}
	if !s.LastScrape.IsZero() {
		at := s.LastScrape.UTC()
		last.At = &at
	}
	if values, err := e.a.prom.LastSamples(ctx, s.Labels); err == nil {
		last.Samples = sampleCount(values, "scrape_samples_scraped")
		last.Kept = sampleCount(values, "scrape_samples_post_metric_relabeling")
	} else {
		e.a.log.Debug("cannot ask for the samples of a target", "err", err)
	}
	c.Scrape = last
}

func sampleCount(values map[string]float64, name string) *int64 {
	v, ok := values[name]
	if !ok {
		return nil
	}
	n := int64(v)
	return &n
}
