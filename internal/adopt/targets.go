package adopt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/check"
)

// What the fleet takes of a target. Groups beyond stay in the scrape_config.
const (
	maxLabels     = 64
	maxLabelValue = 4096
	maxName       = 512
)

// ourMeta are the labels that an export writes for relabelling to see.
const ourMeta = "__meta_promfleet_"

// takeJob makes a document of a scrape config; its key and name are the caller's.
func takeJob(n *yaml.Node, name string) (d promfleet.FleetDocument, notes []string, err error) {
	raw, err := check.ScrapeConfigJSON(n)
	if err != nil {
		return d, nil, err
	}
	sc, err := fields(raw)
	if err != nil {
		return d, nil, err
	}
	delete(sc, "job_name")
	skip := map[*yaml.Node]bool{}
	targets, kept, notes := takeStatic(sc["static_configs"], lookup(n, "static_configs"), skip, ruledBy(raw))
	delete(sc, "static_configs")
	if len(kept) > 0 {
		sc["static_configs"] = kept
	}
	if d.ScrapeConfig, err = encoded(sc); err != nil {
		return d, nil, err
	}
	d.Targets = &targets
	d.Remark = remarkOf(n, skip)
	return d, notes, nil
}

func encoded(v any) (json.RawMessage, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return json.RawMessage(strings.TrimSpace(b.String())), err
}

// found is a target with what tells it from others with its address.
type found struct {
	promfleet.FleetTarget
	said  []string // the comments beside it
	times int
}

// static is what static_configs give.
type static struct {
	byAddr map[string]map[string]*found // by labels as one text
	kept   []any
	notes  notes
}

// takeStatic makes targets of static_configs, v as JSON and n as YAML with the
// comments. Groups and addresses that cannot be targets are kept as they are; ruled
// says why all those cannot that an export did not write.
func takeStatic(v any, n *yaml.Node, skip map[*yaml.Node]bool, ruled string) (targets []promfleet.FleetTarget, kept []any, list []string) {
	groups, _ := v.([]any)
	s := static{byAddr: map[string]map[string]*found{}}
	for i, g := range groups {
		labels, why := labelsOf(g)
		if why == "" && !exported(g) {
			why = ruled
		}
		s.take(i, g, labels, why, lookup(n, i, "targets"), skip)
	}
	return s.targets(), s.kept, s.notes.list()
}

// take takes one group; why: it cannot be taken.
func (s *static) take(i int, v any, labels map[string]string, why string, n *yaml.Node, skip map[*yaml.Node]bool) {
	g, _ := v.(map[string]any) // null has no targets
	list, _ := g["targets"].([]any)
	if why != "" && len(list) > 0 {
		s.kept = append(s.kept, v)
		s.notes.add("static_configs[%d] stays in the scrape_config, and its targets are edited there: %s", i, why)
		return
	}
	text := labelText(labels, nil)
	var bad []any
	for j, t := range list {
		addr, _ := t.(string)
		if err := check.Address(addr); err != nil {
			bad = append(bad, t)
			s.notes.add("static_configs[%d].targets[%d] stays in the scrape_config, and is edited there: %v", i, j, err)
			continue
		}
		f := s.at(addr, text, labels)
		f.times++
		// The node of the target itself, not what an alias stands for, has the comment.
		if n != nil && n.Kind == yaml.SequenceNode && j < len(n.Content) {
			at := n.Content[j]
			skip[at] = true
			f.said = append(f.said, comments(at.HeadComment), comments(at.LineComment), comments(at.FootComment))
		}
	}
	switch len(bad) {
	case 0:
	case len(list):
		s.kept = append(s.kept, v)
	default:
		rest := maps.Clone(g)
		rest["targets"] = bad
		s.kept = append(s.kept, rest)
	}
}

func (s *static) at(addr, text string, labels map[string]string) *found {
	if s.byAddr[addr] == nil {
		s.byAddr[addr] = map[string]*found{}
	}
	f := s.byAddr[addr][text]
	if f == nil {
		f = &found{FleetTarget: promfleet.FleetTarget{Addr: addr, Labels: labels}}
		s.byAddr[addr][text] = f
	}
	return f
}

// targets gives what was found, sorted by address, then name.
func (s *static) targets() []promfleet.FleetTarget {
	targets := []promfleet.FleetTarget{}
	var twice []string
	for _, addr := range slices.Sorted(maps.Keys(s.byAddr)) {
		name(s.byAddr[addr])
		for _, text := range slices.Sorted(maps.Keys(s.byAddr[addr])) {
			f := s.byAddr[addr][text]
			if f.times > 1 {
				twice = append(twice, addr)
			}
			var cut bool
			if f.Remark, cut = bounded(remark(f.said...)); cut {
				s.notes.add("target %s: its comments are longer than a remark may be; the rest of them is not kept", addr)
			}
			targets = append(targets, f.FleetTarget)
		}
	}
	if len(twice) > 0 {
		s.notes.add("there more than once with the same labels, which Prometheus scrapes once, and kept once: %s", some(twice))
	}
	slices.SortFunc(targets, func(a, b promfleet.FleetTarget) int {
		return cmp.Or(strings.Compare(a.Addr, b.Addr), strings.Compare(a.Name, b.Name))
	})
	return targets
}

// exported tells whether a static group has labels that only an export writes.
func exported(v any) bool {
	g, _ := v.(map[string]any)
	set, _ := g["labels"].(map[string]any)
	for name := range set {
		if strings.HasPrefix(name, ourMeta) {
			return true
		}
	}
	return false
}

// labelsOf gives the labels of a static group, or says why its targets cannot be
// the fleet's.
func labelsOf(v any) (labels map[string]string, why string) {
	g, _ := v.(map[string]any)
	set, _ := g["labels"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		value, _ := set[name].(string)
		switch {
		case value == "", strings.HasPrefix(name, ourMeta):
			continue // to Prometheus an empty label is none
		case strings.HasPrefix(name, "__meta_"), strings.HasPrefix(name, "__tmp"), name == "__address__":
			return nil, fmt.Sprintf("the label %s is not one of a target's own", name)
		case len(value) > maxLabelValue:
			return nil, fmt.Sprintf("the value of the label %s is longer than %d bytes", name, maxLabelValue)
		case strings.ContainsRune(value, 0), strings.ContainsRune(name, 0):
			return nil, fmt.Sprintf("the label %q has a NUL character", name)
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	if len(labels) > maxLabels {
		return nil, fmt.Sprintf("it has %d labels, more than %d", len(labels), maxLabels)
	}
	return labels, ""
}

// name gives names to targets of one address, made of the labels in which they
// differ: the same whatever their order. A single one needs none.
func name(same map[string]*found) {
	if len(same) < 2 {
		return
	}
	var first *found
	differ := map[string]bool{}
	for _, f := range same {
		if first == nil {
			first = f
		}
		for _, labels := range []map[string]string{f.Labels, first.Labels} {
			for label := range labels {
				if f.Labels[label] != first.Labels[label] {
					differ[label] = true
				}
			}
		}
	}
	seen := map[string]bool{}
	hashed := false
	for _, f := range same {
		f.Name = labelText(f.Labels, differ)
		hashed = hashed || seen[f.Name] || len(f.Name) > maxName || strings.IndexFunc(f.Name, unicode.IsControl) >= 0
		seen[f.Name] = true
	}
	for text, f := range same {
		if hashed {
			sum := sha256.Sum256([]byte(text))
			f.Name = hex.EncodeToString(sum[:8])
		}
	}
}

// labelText writes labels as a=b,c=d, sorted; of only some, if these are given.
func labelText(labels map[string]string, some map[string]bool) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case some == nil:
			pairs = append(pairs, fmt.Sprintf("%q=%q", name, labels[name]))
		case some[name]:
			pairs = append(pairs, name+"="+labels[name])
		}
	}
	return strings.Join(pairs, ",")
}
