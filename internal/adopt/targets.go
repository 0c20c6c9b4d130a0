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
	labels string // sorted, as one text
	times  int
}

// takeStatic makes targets of static_configs, v as JSON and n as YAML with the
// comments. Groups that cannot be targets are kept as they are; ruled says why all
// those cannot that an export did not write.
func takeStatic(v any, n *yaml.Node, skip map[*yaml.Node]bool, ruled string) (targets []promfleet.FleetTarget, kept []any, notes []string) {
	groups, _ := v.([]any)
	byAddr := map[string][]*found{}
	for i, g := range groups {
		addrs, labels, why := groupOf(g)
		if why == "" && len(addrs) > 0 && !exported(g) {
			why = ruled
		}
		if why != "" {
			kept = append(kept, g)
			notes = append(notes, fmt.Sprintf("static_configs[%d] stays in the scrape_config, its targets are edited there: %s", i, why))
			continue
		}
		text := labelText(labels, nil)
		for j, addr := range addrs {
			at := lookupItem(n, i, j)
			said := ""
			if at != nil {
				skip[at] = true
				said = remark(comments(at.HeadComment), comments(at.LineComment), comments(at.FootComment))
			}
			k := slices.IndexFunc(byAddr[addr], func(f *found) bool { return f.labels == text })
			if k < 0 {
				k = len(byAddr[addr])
				byAddr[addr] = append(byAddr[addr], &found{FleetTarget: promfleet.FleetTarget{Addr: addr, Labels: labels}, labels: text})
			}
			f := byAddr[addr][k]
			f.times++
			var cut bool
			if f.Remark, cut = bounded(remark(f.Remark, said)); cut {
				notes = append(notes, fmt.Sprintf("target %s: its comments are longer than a remark may be; the rest of them is not kept", addr))
			}
		}
	}
	targets = []promfleet.FleetTarget{}
	for _, addr := range slices.Sorted(maps.Keys(byAddr)) {
		same := byAddr[addr]
		name(same)
		for _, f := range same {
			if f.times > 1 {
				notes = append(notes, fmt.Sprintf("target %s is there %d times with the same labels: Prometheus scrapes it once, and it is kept once", addr, f.times))
			}
			targets = append(targets, f.FleetTarget)
		}
	}
	slices.SortFunc(targets, func(a, b promfleet.FleetTarget) int {
		return cmp.Or(strings.Compare(a.Addr, b.Addr), strings.Compare(a.Name, b.Name))
	})
	return targets, kept, notes
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

// lookupItem gives the node of a target itself, not what an alias stands for: the
// comment is there.
func lookupItem(n *yaml.Node, group, target int) *yaml.Node {
	list := lookup(n, group, "targets")
	if list == nil || list.Kind != yaml.SequenceNode || target >= len(list.Content) {
		return nil
	}
	return list.Content[target]
}

// groupOf takes a static group apart, or says why its targets cannot be the fleet's.
func groupOf(v any) (addrs []string, labels map[string]string, why string) {
	g, ok := v.(map[string]any)
	if !ok {
		return nil, nil, "" // null: no target
	}
	list, _ := g["targets"].([]any)
	for _, t := range list {
		addr, _ := t.(string)
		if err := check.Address(addr); err != nil {
			return nil, nil, err.Error()
		}
		addrs = append(addrs, addr)
	}
	set, _ := g["labels"].(map[string]any)
	for name, v := range set {
		value, _ := v.(string)
		switch {
		case value == "", strings.HasPrefix(name, ourMeta):
			continue // to Prometheus an empty label is none
		case strings.HasPrefix(name, "__meta_"), strings.HasPrefix(name, "__tmp"), name == "__address__":
			return nil, nil, fmt.Sprintf("the label %s is not one of a target's own", name)
		case len(value) > maxLabelValue:
			return nil, nil, fmt.Sprintf("the value of the label %s is longer than %d bytes", name, maxLabelValue)
		case strings.ContainsRune(value, 0), strings.ContainsRune(name, 0):
			return nil, nil, fmt.Sprintf("the label %q has a NUL character", name)
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	if len(labels) > maxLabels {
		return nil, nil, fmt.Sprintf("it has %d labels, more than %d", len(labels), maxLabels)
	}
	return addrs, labels, ""
}

// name gives names to targets of one address, made of the labels in which they
// differ: the same whatever their order. A single one needs none.
func name(same []*found) {
	if len(same) < 2 {
		return
	}
	differ := map[string]bool{}
	for _, f := range same {
		for label, value := range f.Labels {
			if slices.ContainsFunc(same, func(o *found) bool { return o.Labels[label] != value }) {
				differ[label] = true
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
	for _, f := range same {
		if hashed {
			sum := sha256.Sum256([]byte(f.labels))
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
