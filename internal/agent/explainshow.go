package agent

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/agent/reload"
)

// What is told of others' texts is bounded, and shows no password of a URL.

var passwordInURL = regexp.MustCompile(`(://[^/\s:@]*):[^/\s@]*@`)

func shown(s string) string {
	return cut(passwordInURL.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "$1:<secret>@"), maxText)
}

var (
	userInURL  = regexp.MustCompile(`(://)[^/?\s"@]+@`)
	queryInURL = regexp.MustCompile(`(://[^\s?]*\?)[^\s"]+`)
)

// shownOwn is shown, for a text that may have the agent's own URLs in it: their
// user may be a token, and so may their query.
func shownOwn(s string) string { return shown(withoutTokens(s)) }

func withoutTokens(s string) string {
	return queryInURL.ReplaceAllString(userInURL.ReplaceAllString(s, "$1<secret>@"), "$1<secret>")
}

func shownLabels(labels map[string]string) map[string]string {
	if labels == nil {
		return nil
	}
	out := make(map[string]string, min(len(labels), maxShownLabels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if len(out) == maxShownLabels {
			break
		}
		out[cut(name, maxText)] = shown(labels[name])
	}
	return out
}

func shownSeen(t promfleet.SeenTarget) promfleet.SeenTarget {
	t.JobName, t.Addr, t.MergedWith = shown(t.JobName), shown(t.Addr), shown(t.MergedWith)
	t.FileLabels, t.Discovered, t.Labels = shownLabels(t.FileLabels), shownLabels(t.Discovered), shownLabels(t.Labels)
	t.Steps = slices.Clone(t.Steps[:min(len(t.Steps), maxSteps)])
	if s := t.Scrape; s != nil {
		s.URL, s.Error, s.Interval, s.Timeout = shown(s.URL), shown(s.Error), cut(s.Interval, 90), cut(s.Timeout, 90)
	}
	return t
}

// stepOf says what a rule has made of labels.
func stepOf(index int, s reload.RelabelStep, before map[string]string) promfleet.RelabelStep {
	r := s.Rule
	out := promfleet.RelabelStep{Index: index, Action: cut(r.Action, 90), Regex: shown(r.Regex), TargetLabel: shown(r.TargetLabel), Drops: !s.Keep}
	var values []string
	for _, name := range r.SourceLabels {
		values = append(values, before[name])
		if len(out.SourceLabels) < maxShownLabels {
			out.SourceLabels = append(out.SourceLabels, cut(name, maxText))
		}
	}
	out.Input = shown(strings.Join(values, r.Separator))
	if !s.Keep {
		return out
	}
	names := map[string]bool{}
	for _, labels := range []map[string]string{before, s.Output} {
		for name := range labels {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if was, is := before[name], s.Output[name]; was != is && len(out.Changes) < maxShownLabels {
			out.Changes = append(out.Changes, promfleet.LabelChange{Label: cut(name, maxText), Before: shown(was), After: shown(is)})
		}
	}
	return out
}

// explained is how far the agent is, for whoever asks.
func (s *status) explained() *promfleet.AgentExplanation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &promfleet.AgentExplanation{RevisionReceived: s.received, RevisionWritten: s.written, RevisionLoaded: s.loaded,
		State: s.stateNow(), Problem: shownOwn(cut(s.problem, 4000))}
}
