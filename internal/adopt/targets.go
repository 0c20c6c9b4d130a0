package adopt

import (
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
	targets := []promfleet.FleetTarget{}
	kept, _ := sc["static_configs"].([]any)
	if why := ruledBy(raw); why != "" && len(kept) > 0 && !slices.ContainsFunc(kept, exported) {
		notes = append(notes, "its targets stay in the scrape_config and are edited there: "+why)
	} else {
		targets, kept, notes = takeStatic(kept, lookup(n, "static_configs"), skip)
	}
	delete(sc, "static_configs")
	if len(kept) > 0 {
		sc["static_configs"] = kept
	}
	if d.ScrapeConfig, err = encoded(sc); err != nil {
		return d, nil, err
	}
	d.Targets = &targets
	d.Remark = remarkOf(skip, n)
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
	labels string // sorted, as one text
	times  int
}

// finder collects the targets of a job.
type finder struct {
	skip   map[*yaml.Node]bool // whose comments are theirs
	byAddr map[string][]*found
	seen   map[[2]string]*found // by address and labels
}

// takeStatic makes targets of static_configs, groups as JSON and n as YAML with the
// comments. What cannot be targets is kept as it is.
func takeStatic(groups []any, n *yaml.Node, skip map[*yaml.Node]bool) (targets []promfleet.FleetTarget, kept []any, notes []string) {
	f := finder{skip, map[string][]*found{}, map[[2]string]*found{}}
	for i, g := range groups {
		addrs, labels, rest, why := groupOf(g)
		if rest != nil {
			kept = append(kept, rest)
			notes = append(notes, fmt.Sprintf("static_configs[%d]: %s", i, why))
		}
		if addrs == nil {
			continue
		}
		var node *yaml.Node
		if n != nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			node = n.Content[i]
		}
		f.add(addrs, labels, node)
	}
	targets, more := f.targets()
	return targets, kept, append(notes, more...)
}

// add takes the targets of a group, those of addrs that are not "". Comments beside a
// target are its own; those at a group of a single target are too.
func (f finder) add(addrs []string, labels map[string]string, group *yaml.Node) {
	text := labelText(labels, nil)
	list := lookup(group, "targets")
	for j, addr := range addrs {
		if addr == "" {
			continue
		}
		said := ""
		switch {
		case len(addrs) == 1 && group != nil:
			f.skip[group] = true
			said = remarkOf(nil, group, resolved(group), list)
		case list != nil && list.Kind == yaml.SequenceNode && j < len(list.Content):
			at := list.Content[j]
			f.skip[at] = true
			said = remarkOf(nil, at)
		}
		id := [2]string{addr, text}
		t := f.seen[id]
		if t == nil {
			t = &found{FleetTarget: promfleet.FleetTarget{Addr: addr, Labels: labels}, labels: text}
			f.seen[id] = t
			f.byAddr[addr] = append(f.byAddr[addr], t)
		}
		t.times++
		t.Remark = remark(t.Remark, said)
	}
}

// targets gives them by address, those with the same address named.
func (f finder) targets() (targets []promfleet.FleetTarget, notes []string) {
	targets = []promfleet.FleetTarget{}
	for _, addr := range slices.Sorted(maps.Keys(f.byAddr)) {
		same := f.byAddr[addr]
		name(same)
		slices.SortFunc(same, func(a, b *found) int { return strings.Compare(a.Name, b.Name) })
		for _, t := range same {
			if t.times > 1 {
				notes = append(notes, fmt.Sprintf("target %s is there %d times with the same labels: Prometheus scrapes it once, and it is kept once", addr, t.times))
			}
			var cut bool
			if t.Remark, cut = bounded(t.Remark); cut {
				notes = append(notes, fmt.Sprintf("target %s: its comments are longer than a remark may be; the rest of them is not kept", addr))
			}
			targets = append(targets, t.FleetTarget)
		}
	}
	return targets, notes
}

// groupOf takes a static group apart. What of it cannot be the fleet's is rest, and
// why says so; its addresses are "" in addrs.
func groupOf(v any) (addrs []string, labels map[string]string, rest any, why string) {
	g, ok := v.(map[string]any)
	if !ok {
		return nil, nil, nil, "" // null: no target
	}
	set, _ := g["labels"].(map[string]any)
	if labels, why = labelsOf(set); why != "" {
		return nil, nil, g, "its targets stay in the scrape_config and are edited there: " + why
	}
	list, _ := g["targets"].([]any)
	var refused []any
	for _, t := range list {
		addr, _ := t.(string)
		if err := check.Address(addr); err != nil {
			if refused == nil {
				why = err.Error()
			}
			refused = append(refused, t)
			addr = ""
		}
		addrs = append(addrs, addr)
	}
	if refused == nil {
		return addrs, labels, nil, ""
	}
	stay := map[string]any{"targets": refused}
	if set != nil {
		stay["labels"] = set
	}
	return addrs, labels, stay, fmt.Sprintf("%d of its targets stay in the scrape_config and are edited there: %s", len(refused), why)
}

// labelsOf gives the labels of a group, or says why a target cannot have them.
func labelsOf(set map[string]any) (labels map[string]string, why string) {
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
func name(same []*found) {
	if len(same) < 2 {
		return
	}
	differ := map[string]bool{}
	first := same[0].Labels
	for _, f := range same[1:] {
		for label, value := range f.Labels {
			differ[label] = differ[label] || first[label] != value
		}
		for label, value := range first {
			differ[label] = differ[label] || f.Labels[label] != value
		}
	}
	seen := map[string]bool{}
	hashed := false
	for _, f := range same {
		f.Name = labelText(f.Labels, differ)
		hashed = hashed || seen[f.Name] || len(f.Name) > maxName || strings.IndexFunc(f.Name, unicode.IsControl) >= 0
		seen[f.Name] = true
	}
	for _, f := range same {
		if hashed {
			sum := sha256.Sum256([]byte(f.labels))
			f.Name = hex.EncodeToString(sum[:8])
		}
	}
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
