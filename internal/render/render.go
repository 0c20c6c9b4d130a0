// Package render turns what a node should have into the bytes of its files. It
// is pure: the same input gives the same bytes, on the server (preview, hashes)
// and on the agent alike. It also decides how the targets of a job are split
// into pieces, so that one edit changes one piece and leaves the others
// byte-identical.
package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
)

// Header is the first line of every prometheus.yml that is rendered.
const Header = "# Written by promfleet. Changes made here are overwritten: edit the node's jobs instead."

// Job is a job as its node's prometheus.yml names it.
type Job struct {
	promfleet.JobConfig
	// Targets counts the targets in its file_sd files.
	Targets int64
	// Inline writes Groups, the targets of its files, into prometheus.yml itself
	// instead of pointing at the files.
	Inline bool
	Groups []Group
}

// Group is targets with the labels that they share.
type Group struct {
	Targets []string
	Labels  map[string]string
}

// PrometheusYML renders a prometheus.yml: the sections of base (YAML without
// scrape_configs, may be empty) in their order and with their comments, then the
// jobs sorted by key. Each job finds its targets through a file_sd_configs entry
// of its own, appended to those it has: targetsDir/KEY/*.json. A job that has a
// service discovery of its own and no targets gets none, since an entry that
// matches nothing would only take one of the host's inotify instances. A job that
// is Inline has its targets in static_configs instead, as its files say them.
func PrometheusYML(base []byte, jobs []Job, targetsDir string) ([]byte, error) {
	root, err := baseMapping(base)
	if err != nil {
		return nil, err
	}
	jobs = slices.Clone(jobs)
	slices.SortFunc(jobs, func(a, b Job) int { return strings.Compare(a.Key, b.Key) })
	if len(jobs) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, j := range jobs {
			n, err := scrapeConfig(j, targetsDir)
			if err != nil {
				return nil, fmt.Errorf("job %s: %w", j.Key, err)
			}
			list.Content = append(list.Content, n)
		}
		root.Content = append(root.Content, str("scrape_configs"), list)
	}
	var b bytes.Buffer
	b.WriteString(Header + "\n")
	if len(root.Content) == 0 {
		return b.Bytes(), nil
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("encode prometheus.yml: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("encode prometheus.yml: %w", err)
	}
	return b.Bytes(), nil
}

// baseMapping parses a base config. Its errors are about the base alone.
func baseMapping(base []byte) (*yaml.Node, error) {
	empty := &yaml.Node{Kind: yaml.MappingNode}
	dec := yaml.NewDecoder(bytes.NewReader(base))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return empty, nil
	case err != nil:
		return nil, fmt.Errorf("base config: %w", err)
	}
	// Prometheus reads the first document only: the rest would be lost unseen.
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("base config: more than one YAML document; keep one")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return empty, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("base config: not a mapping of sections such as global and alerting")
	}
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value == "scrape_configs" {
			return nil, errors.New("base config: scrape_configs do not belong here; make them jobs of the node")
		}
	}
	root.Style = 0
	return root, nil
}

// ownDiscovery are the fields by which a job may find targets without ours.
func ownDiscovery(sc map[string]any) bool {
	for k := range sc {
		if k == "static_configs" || strings.HasSuffix(k, "_sd_configs") {
			return true
		}
	}
	return false
}

// TargetsGlob is the pattern by which a job's scrape config finds its files.
func TargetsGlob(targetsDir, key string) string {
	return path.Join(targetsDir, key, "*.json")
}

func scrapeConfig(j Job, targetsDir string) (*yaml.Node, error) {
	sc, err := object(j.ScrapeConfig)
	if err != nil {
		return nil, err
	}
	if _, ok := sc["job_name"]; ok {
		return nil, errors.New("scrape_config must not have job_name: it is a field of the job")
	}
	switch {
	case j.Inline:
		if err := addStatic(sc, j.Groups); err != nil {
			return nil, err
		}
	case j.Targets > 0 || !ownDiscovery(sc):
		own, ok := sc["file_sd_configs"].([]any)
		if !ok && sc["file_sd_configs"] != nil {
			return nil, errors.New("scrape_config: file_sd_configs is not a list")
		}
		sc["file_sd_configs"] = append(slices.Clone(own), map[string]any{
			"files": []any{TargetsGlob(targetsDir, j.Key)},
		})
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	n.Content = append(n.Content, str("job_name"), str(j.JobName))
	fields, err := node(sc)
	if err != nil {
		return nil, err
	}
	n.Content = append(n.Content, fields.Content...)
	return n, nil
}

// addStatic appends targets to a job's static_configs.
func addStatic(sc map[string]any, groups []Group) error {
	if len(groups) == 0 {
		return nil
	}
	own, ok := sc["static_configs"].([]any)
	if !ok && sc["static_configs"] != nil {
		return errors.New("scrape_config: static_configs is not a list")
	}
	static := slices.Clone(own)
	for _, g := range merged(groups) {
		targets := make([]any, len(g.Targets))
		for i, addr := range g.Targets {
			targets[i] = addr
		}
		entry := map[string]any{"targets": targets}
		if len(g.Labels) > 0 {
			labels := make(map[string]any, len(g.Labels))
			for name, value := range g.Labels {
				labels[name] = value
			}
			entry["labels"] = labels
		}
		static = append(static, entry)
	}
	sc["static_configs"] = static
	return nil
}

// object decodes a scrape_config, numbers as they are written. Nothing is {}.
func object(raw json.RawMessage) (map[string]any, error) {
	sc := map[string]any{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return sc, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&sc); err != nil {
		return nil, fmt.Errorf("scrape_config is not a JSON object: %w", err)
	}
	if sc == nil {
		sc = map[string]any{}
	}
	return sc, nil
}

// Canonical gives the one spelling of a scrape_config: compact JSON with sorted
// keys, numbers as written.
func Canonical(raw json.RawMessage) (json.RawMessage, error) {
	sc, err := object(raw)
	if err != nil {
		return nil, err
	}
	return encodeJSON(sc, "")
}

// node makes YAML of decoded JSON, mapping keys sorted.
func node(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}, nil
	case string:
		return str(v), nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, e := range v {
			c, err := node(e)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, c)
		}
		return n, nil
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			c, err := node(v[k])
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, str(k), c)
		}
		return n, nil
	default:
		return nil, fmt.Errorf("a %T cannot be rendered", v)
	}
}

// str makes a YAML string. Prometheus reads YAML 1.1, where much that looks like
// a word is not one (on, 012, 1:30): whatever is not plainly a word is quoted.
func str(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !plainWord(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// notWords are the words that YAML 1.1 takes for booleans, nulls and numbers.
var notWords = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true,
	"true": true, "false": true, "null": true, "nan": true, "inf": true,
}

func plainWord(s string) bool {
	if notWords[strings.ToLower(s)] {
		return false
	}
	if isDuration(s) {
		return true
	}
	for i, r := range s {
		letter := r == '_' || r == '/' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
		if !letter && (i == 0 || (r != '-' && r != '.' && (r < '0' || r > '9'))) {
			return false
		}
	}
	return s != ""
}

// isDuration tells a number with one unit, as 15s, which no YAML takes for a number.
func isDuration(s string) bool {
	digits := strings.TrimLeft(s, "0123456789")
	if digits == s {
		return false
	}
	switch digits {
	case "ms", "s", "m", "h", "d", "w":
		return true
	}
	return false
}

// encodeJSON marshals without escaping for HTML: files and hashes hold what users wrote.
func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	if indent == "" {
		return bytes.TrimRight(b.Bytes(), "\n"), nil
	}
	return b.Bytes(), nil
}
