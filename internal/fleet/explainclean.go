package fleet

import "promfleet"

// cleanExplanation takes from what an agent says what a terminal or a page must not
// get: it is text of somebody else's. How much it may be the schema has said.
func cleanExplanation(e *promfleet.AgentExplanation) {
	for _, s := range []*string{&e.Problem, &e.PrometheusVersion, &e.Trouble} {
		*s = clean(*s)
	}
	for i := range e.Quarantined {
		j := &e.Quarantined[i]
		j.Key, j.Why = clean(j.Key), clean(j.Why)
	}
	for i := range e.Targets {
		cleanSeen(&e.Targets[i])
	}
}

func cleanSeen(t *promfleet.SeenTarget) {
	for _, s := range []*string{&t.Job, &t.JobName, &t.Addr, &t.InFile, &t.MergedWith} {
		*s = clean(*s)
	}
	for _, labels := range []*map[string]string{&t.FileLabels, &t.Discovered, &t.Labels} {
		*labels = cleanLabels(*labels)
	}
	for i := range t.Steps {
		s := &t.Steps[i]
		for _, text := range []*string{&s.Action, &s.Regex, &s.TargetLabel, &s.Input} {
			*text = clean(*text)
		}
		for k := range s.SourceLabels {
			s.SourceLabels[k] = clean(s.SourceLabels[k])
		}
		for k := range s.Changes {
			c := &s.Changes[k]
			c.Label, c.Before, c.After = clean(c.Label), clean(c.Before), clean(c.After)
		}
	}
	if t.Scrape != nil {
		for _, s := range []*string{&t.Scrape.URL, &t.Scrape.Error, &t.Scrape.Interval, &t.Scrape.Timeout} {
			*s = clean(*s)
		}
	}
}

func cleanLabels(labels map[string]string) map[string]string {
	if labels == nil {
		return nil
	}
	out := make(map[string]string, len(labels))
	for name, value := range labels {
		out[clean(name)] = clean(value)
	}
	return out
}
