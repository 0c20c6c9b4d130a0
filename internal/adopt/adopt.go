// Package adopt takes a prometheus.yml apart into what promfleet keeps, a base
// config, jobs and targets, and puts it together again. It is pure. What it takes
// apart it compares, on Prometheus's own structs, with what would be loaded
// afterwards: an import that would change what is scraped is refused.
package adopt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// Imported is a prometheus.yml taken apart.
type Imported struct {
	// Documents is the node with its base config, then the jobs sorted by key.
	Documents []promfleet.FleetDocument
	// Notes are what whoever imports should know, one line each.
	Notes []string
	// Unseen are the secrets that the text does not show, as that of a running
	// Prometheus: job "node": basic_auth.password.
	Unseen []string
}

// Import takes the text of a prometheus.yml apart for a node. What the file says is
// kept: all but the scrape configs as the text of the base config, of each scrape
// config the job_name, static targets as targets, comments as remarks, and the rest
// as the job's scrape_config. An error is a *promfleet.Error.
func Import(yml []byte, node string) (Imported, error) {
	text := normal(yml)
	if strings.HasPrefix(text, render.Header) {
		return Imported{}, promfleet.Errorf(promfleet.Invalid,
			"an agent of promfleet wrote this file, its targets are in other files; import what promfleet export gives for its node")
	}
	cfg, err := check.LoadExisting([]byte(text))
	if err != nil {
		if root, _ := parse(text[:min(len(text), check.MaxSize)]); root != nil && root.Kind != yaml.MappingNode {
			return Imported{}, promfleet.Errorf(promfleet.Invalid,
				"this is not a prometheus.yml: its sections such as global and scrape_configs are missing")
		}
		return Imported{}, refused(err)
	}
	p, err := split(text)
	if err != nil {
		return Imported{}, promfleet.Errorf(promfleet.Invalid, "%v", err)
	}
	names := cfg.JobNames()
	if len(names) != len(p.jobs) {
		return Imported{}, promfleet.Errorf(promfleet.Invalid, "scrape_configs come in through a merge key (<<); write them out")
	}
	out := Imported{Notes: []string{}, Unseen: unseen(cfg, p, names)}
	if p.hasKey("scrape_config_files") {
		out.Notes = append(out.Notes, "the jobs in scrape_config_files stay in their files: Prometheus goes on reading them, and they are edited there")
	}
	keys := keysOf(names)
	out.Documents = []promfleet.FleetDocument{{Kind: promfleet.FleetNode, Node: node, BaseConfig: &p.base}}
	for i, n := range p.jobs {
		j, notes, err := takeJob(n, names[i])
		if err != nil {
			return Imported{}, promfleet.Errorf(promfleet.Invalid, "job %q: %v", names[i], err)
		}
		if i == 0 {
			j.Remark = remark(p.heading, j.Remark)
		}
		var cut bool
		if j.Remark, cut = bounded(j.Remark); cut {
			notes = append(notes, "its comments are longer than a remark may be; the rest of them is not kept")
		}
		j.Kind, j.Node, j.Key, j.JobName = promfleet.FleetJob, node, keys[i], names[i]
		for _, note := range notes {
			out.Notes = append(out.Notes, fmt.Sprintf("job %q: %s", names[i], note))
		}
		out.Documents = append(out.Documents, j)
	}
	jobs := out.Documents[1:]
	slices.SortFunc(jobs, func(a, b promfleet.FleetDocument) int { return strings.Compare(a.Key, b.Key) })
	if err := verify(text, p.base, jobs); err != nil {
		return Imported{}, promfleet.Errorf(promfleet.Invalid, "it cannot be taken without a difference: %v", err)
	}
	return out, nil
}

// normal gives text as UTF-8 with plain line ends and without a byte order mark,
// which is how YAML reads it.
func normal(yml []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(yml, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(yml, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	}
	text := string(yml)
	if order != nil && len(yml)%2 == 0 {
		units := make([]uint16, len(yml)/2)
		for i := range units {
			units[i] = order.Uint16(yml[2*i:])
		}
		text = string(utf16.Decode(units))
	}
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

func refused(err error) error {
	var bad *check.Error
	if !errors.As(err, &bad) {
		return promfleet.Errorf(promfleet.Invalid, "%v", err)
	}
	e := &promfleet.Error{Code: promfleet.Invalid, Message: "Prometheus would not load this file"}
	for _, one := range append([]check.Error{*bad}, bad.More...) {
		if one.Field == "" {
			e.Message += ": " + one.Message
			continue
		}
		e.Fields = append(e.Fields, promfleet.FieldError{Location: one.Field, Message: one.Message})
	}
	return e
}

// verify says whether what render would make of the parts is what the file loads.
func verify(text, base string, docs []promfleet.FleetDocument) error {
	const dir, targetsDir = "/etc/prometheus", ".promfleet-import" // no file's own
	jobs := make([]render.Job, len(docs))
	groups := make(map[string][]check.Group, len(docs))
	for i, d := range docs {
		jobs[i] = render.Job{JobConfig: promfleet.JobConfig{Key: d.Key, JobName: d.JobName, ScrapeConfig: d.ScrapeConfig}, Targets: int64(len(*d.Targets))}
		for _, t := range *d.Targets {
			groups[d.JobName] = append(groups[d.JobName], check.Group{Targets: []string{t.Addr}, Labels: t.Labels})
		}
	}
	ours, err := render.PrometheusYML([]byte(base), jobs, targetsDir)
	if err != nil {
		return err
	}
	return check.SameJobs([]byte(text), ours, dir, targetsDir, groups)
}

// unseen lists the secrets that stand in the text as <secret>, or in URLs as xxxxx,
// which is how Prometheus shows them.
func unseen(cfg *check.Config, p parts, names []string) (list []string) {
	for _, path := range cfg.Secrets() {
		steps, err := check.SplitPath(path)
		if err != nil {
			continue
		}
		n := lookup(p.root, steps...)
		if n == nil || n.Value != "<secret>" && !strings.Contains(n.Value, ":xxxxx@") && !strings.Contains(n.Value, ":%3Csecret%3E@") {
			continue
		}
		if i, ok := jobIndex(steps); ok && i < len(names) {
			_, field, _ := strings.Cut(path, "].")
			path = fmt.Sprintf("job %q: %s", names[i], field)
		}
		list = append(list, path)
	}
	return list
}

func jobIndex(steps []any) (int, bool) {
	if len(steps) < 3 || steps[0] != "scrape_configs" {
		return 0, false
	}
	i, ok := steps[1].(int)
	return i, ok
}

// lookup gives the node at a path, through aliases and merge keys; nil: there is none.
func lookup(n *yaml.Node, steps ...any) *yaml.Node {
	n = resolved(n)
	for _, step := range steps {
		if n == nil {
			return nil
		}
		switch step := step.(type) {
		case int:
			if n.Kind != yaml.SequenceNode || step >= len(n.Content) {
				return nil
			}
			n = resolved(n.Content[step])
		case string:
			n = field(n, step)
		}
	}
	return n
}

func resolved(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// field gives the value of a key, the mapping's own before what is merged into it.
func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolved(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		from := resolved(n.Content[i+1])
		if from.Kind != yaml.SequenceNode {
			from = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{from}}
		}
		for _, m := range from.Content {
			if v := field(resolved(m), key); v != nil {
				return v
			}
		}
	}
	return nil
}

// fields decodes a scrape_config, numbers as they are written.
func fields(raw json.RawMessage) (map[string]any, error) {
	sc := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	err := dec.Decode(&sc)
	return sc, err
}
