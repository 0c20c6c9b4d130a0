package agent

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/policy"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// paths gives the judge of the paths that a configuration names.
func (a *Agent) paths() *policy.Paths {
	data := a.opts.DataPath
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	return a.policy.Paths(policy.Places{
		ConfigFile: filepath.Join(a.disk.ConfigDir(), filepath.Base(a.opts.ConfigFile)),
		TargetsDir: a.disk.TargetsDir(),
		DataDir:    data,
	})
}

// saidPolicy is the policy as reports have it.
func (a *Agent) saidPolicy() *promfleet.Policy {
	p, paths := a.policy, a.paths()
	return &promfleet.Policy{
		File:       cut(p.File(), mostOfPath),
		AllowPaths: saidPaths(paths.Allowed()), AllowWritePaths: saidPaths(paths.Writable()),
		MaxRemovalPercent: p.MaxRemovalPercent, RemovalMinTargets: p.RemovalMinTargets, RemovalConfirm: string(p.RemovalConfirm),
		MaxBytes: p.MaxBytes, Drift: string(p.Drift),
	}
}

// mostOfPath is how much of a path is said, in bytes: a server takes 1,000 characters.
const mostOfPath = 1000 - len("…")

func saidPaths(paths []string) []string {
	said := make([]string, 0, len(paths))
	for _, path := range paths[:min(len(paths), 100)] {
		said = append(said, cut(path, mostOfPath))
	}
	return said
}

// allowed asks the policy about each path that a configuration names. What stands
// in a base of this host's own, its owner has written: that needs no leave.
func (a *Agent) allowed(c *check.Config, localBase bool) error {
	named, err := c.Paths()
	if err != nil {
		return err
	}
	judge := a.paths()
	for _, p := range named {
		if localBase && !strings.HasPrefix(p.Field, "scrape_configs[") {
			continue
		}
		if err := judge.Check(policy.Path{Field: p.Field, Value: p.Value, Kind: policy.Kind(p.Kind), Bare: p.Bare}); err != nil {
			return err
		}
	}
	return nil
}

// What is in memory together, in bytes. Configurations must fit into one
// prometheus.yml; a part in an index is about 150 bytes.
const (
	maxConfigs = 2 * check.MaxSize
	maxIndexes = 32 << 20
)

// atMost counts a part, and holds what a server has named so far against the policy
// and what this agent takes.
func (r *receiver) atMost(name render.Name, size int64) error {
	r.total += size
	switch {
	case name.Index():
		r.memory.indexes += size
	case name.Base || name.Config:
		r.memory.configs += size
	}
	switch limits := r.a.policy; {
	case r.client == nil: // it is here already
	case r.memory.configs > maxConfigs:
		return refuse("its configurations are more than %d bytes together, and no prometheus.yml may be as large", maxConfigs)
	case r.memory.indexes > maxIndexes:
		return refuse("its indexes are more than %d bytes together", maxIndexes)
	case r.parts > limits.MaxFiles:
		return refuse("it has more than %d parts, which max_files of the host's policy allows", limits.MaxFiles)
	case r.total > limits.MaxBytes:
		return refuse("its parts are more than the %d bytes together that max_bytes of the host's policy allows", limits.MaxBytes)
	}
	return nil
}

// counted holds what a server says of the pieces that are here already against what
// is in them. Only those that come are counted as they come, and the guard goes by
// all of the numbers. Those that were applied with the same numbers were counted then.
func (r *receiver) counted(jobs []apply.Job) error {
	missing, err := r.a.disk.Missing(jobs)
	if err != nil {
		return err
	}
	known := r.a.applied()
	for _, f := range missing {
		known[f] = true // to come
	}
	for _, j := range jobs {
		for _, f := range j.Files {
			if known[f] {
				continue
			}
			body, err := r.a.disk.ReadTargets(f)
			if err != nil {
				return err
			}
			if err := r.checkTargets(promfleet.Part{Name: render.PieceName(f.Key, f.Piece), Count: f.Targets}, string(body)); err != nil {
				return err
			}
		}
	}
	return nil
}

// applied gives the target files that were applied last, as their indexes say. An
// index that cannot be read names none.
func (a *Agent) applied() map[apply.File]bool {
	files := map[apply.File]bool{}
	state := a.disk.State()
	if state.Manifest == nil {
		return files
	}
	for _, p := range state.Manifest.Parts {
		name, ok := render.ParseName(p.Name)
		if !ok || !name.Index() {
			continue
		}
		body, _ := a.data.Part(p.Hash)
		job, _, err := (&receiver{a: a, names: map[string]bool{}}).index(name.Key, body)
		if err != nil {
			continue
		}
		for _, f := range job.Files {
			files[f] = true
		}
	}
	return files
}

// What may be in a body, whatever its size: a value takes two bytes of JSON or
// YAML, and hundreds in memory.
const (
	// maxTargets are those of a piece: a server makes a quarter of it, and the
	// guard all of it.
	maxTargets = 4 * render.MaxPiece
	// maxLabels are those of a piece, each group's counted.
	maxLabels = 100_000
	// largeTargets is the size of a target file of which one at a time is decoded.
	largeTargets = 256 << 10
)

// values counts the values in a base or a configuration before it is decoded: no
// more than there are marks that may end one.
func values(p promfleet.Part, body []byte) (n int) {
	marks := ",:\n[{-?"
	if p.Name != render.BasePart {
		marks = ",:"
	}
	for _, c := range body {
		if strings.IndexByte(marks, c) >= 0 {
			n++
		}
	}
	return n
}

// notTooMany counts what is in a target file before it is decoded: a list of
// groups, each with a list of targets and an object of labels.
func notTooMany(p promfleet.Part, body string) error {
	var open []byte // the lists and objects around
	inString := false
	groups, targets, labels := 1, 0, 0
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if len(open) > 8 {
				return refuse("part %q nests deeper than a target file does", p.Name)
			}
			open = append(open, c)
			if len(open) == 3 && c == '[' {
				targets++
			} else if len(open) == 3 {
				labels++
			}
		case (c == ']' || c == '}') && len(open) > 0:
			open = open[:len(open)-1]
		case c != ',':
		case len(open) == 1:
			groups++
		case len(open) == 3 && open[2] == '[':
			targets++
		case len(open) == 3:
			labels++
		}
	}
	switch {
	case groups > maxTargets || targets > maxTargets:
		return refuse("part %q has %d groups and %d targets, allowed are %d", p.Name, groups, targets, maxTargets)
	case labels > maxLabels:
		return refuse("part %q has %d labels, allowed are %d", p.Name, labels, maxLabels)
	}
	return nil
}

// notTooDeep holds the nesting of a body against the policy, and what is in it
// against what this agent has memory for.
func (r *receiver) notTooDeep(p promfleet.Part, body []byte) error {
	if !p.Index {
		if r.values += values(p, body); r.client != nil && r.values > r.a.policy.MaxValues {
			return refuse("part %q: with it the base config and the jobs' configurations have more than the %d values that max_values of the host's policy allows", p.Name, r.a.policy.MaxValues)
		}
	}
	depth := 0
	if p.Name == render.BasePart {
		var doc yaml.Node
		if err := yaml.Unmarshal(body, &doc); err != nil {
			return nil // whoever uses it says so
		}
		depth = yamlDepth(&doc, r.a.policy.MaxDepth+2) - 1 // the document itself
	} else {
		depth = check.Depth(body)
	}
	if most := r.a.policy.MaxDepth; depth > most {
		return refuse("part %q nests deeper than the %d levels that max_depth of the host's policy allows", p.Name, most)
	}
	return nil
}

// yamlDepth tells how deep nodes nest, up to a limit. Aliases are not followed:
// the check of the whole configuration does that.
func yamlDepth(n *yaml.Node, limit int) int {
	deepest := 0
	if limit == 0 {
		return 1
	}
	for _, c := range n.Content {
		deepest = max(deepest, yamlDepth(c, limit-1))
	}
	if n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode {
		return 0
	}
	return deepest + 1
}
