package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/render"
)

// Job is a job to be exported, with all its targets.
type Job struct {
	Key, JobName, Remark string
	ScrapeConfig         json.RawMessage
	Targets              []promfleet.Target
}

// Export gives a complete prometheus.yml: the base config as it is, then the jobs
// sorted by key, their targets in static_configs and remarks as comments. Import
// takes it apart into the same again.
func Export(base string, jobs []Job) ([]byte, error) {
	base, err := trimmed(base)
	if err != nil {
		return nil, fmt.Errorf("base config: %w", err)
	}
	list, err := scrapeConfigs(jobs)
	if err != nil {
		return nil, err
	}
	if list == nil {
		return []byte(base), nil
	}
	if base == "" {
		return list, nil
	}
	whole := []byte(base + "\n" + string(list))
	if follows(base, whole) {
		return whole, nil
	}
	// The base is not written as lines that more can follow, as in one pair of braces.
	root, err := parse(base)
	if err != nil {
		return nil, fmt.Errorf("base config: %w", err)
	}
	block(root)
	if base, err = written(root, len(root.Content)); err != nil {
		return nil, err
	}
	if whole = []byte(base + "\n" + string(list)); !follows(base, whole) {
		return nil, errors.New("base config: scrape_configs cannot be added to it")
	}
	return whole, nil
}

// follows tells whether whole is base and, as one section more, the scrape configs.
func follows(base string, whole []byte) bool {
	before, err := parse(base)
	if err != nil {
		return false
	}
	after, err := parse(string(whole))
	if err != nil || after == nil || after.Kind != yaml.MappingNode {
		return false
	}
	have := 0
	if before != nil && before.Kind == yaml.MappingNode {
		have = len(before.Content)
	}
	if len(after.Content) != have+2 || after.Content[have].Value != section {
		return false
	}
	return says(base, without(after, have))
}

func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle
	for _, c := range n.Content {
		block(c)
	}
}

// scrapeConfigs gives the section of the jobs; nil if there is none.
func scrapeConfigs(jobs []Job) ([]byte, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	byName := make(map[string]*Job, len(jobs))
	in := make([]render.Job, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		byName[j.JobName] = j
		groups, err := groupsOf(j)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", j.Key, err)
		}
		in[i] = render.Job{JobConfig: promfleet.JobConfig{Key: j.Key, JobName: j.JobName, ScrapeConfig: j.ScrapeConfig},
			Targets: int64(len(j.Targets)), Inline: true, Groups: groups}
	}
	text, err := render.PrometheusYML(nil, in, "")
	if err != nil {
		return nil, err
	}
	root, err := parse(string(text))
	if err != nil {
		return nil, err
	}
	root.HeadComment = ""
	root.Content[0].HeadComment = "" // the words of an agent's file, which this is not
	for _, n := range root.Content[1].Content {
		if err := comment(n, byName[lookup(n, "job_name").Value]); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write the jobs: %w", err)
	}
	return b.Bytes(), nil
}

// groupsOf gives the targets of a job as its files would have them.
func groupsOf(j *Job) (groups []render.Group, err error) {
	body, err := render.TargetFile(j.Targets, render.MetaSeen(j.ScrapeConfig))
	if err == nil {
		err = json.Unmarshal(body, &groups)
	}
	return groups, err
}

// comment writes the remarks of a job and its targets beside them.
func comment(n *yaml.Node, j *Job) error {
	n.HeadComment = asComment(j.Remark)
	said := map[[2]string]string{}
	for _, t := range j.Targets {
		id := [2]string{t.Addr, labelText(t.Labels, nil)}
		if r := remark(said[id], t.Remark); r != "" {
			said[id] = r
		}
	}
	own, err := fields(j.ScrapeConfig)
	if err != nil {
		return err
	}
	static := lookup(n, "static_configs")
	if static == nil {
		return nil
	}
	skip, _ := own["static_configs"].([]any)
	for i, g := range static.Content {
		targetsFirst(g)
		if i < len(skip) {
			continue
		}
		var labels map[string]string
		if set := lookup(g, "labels"); set != nil {
			if err := set.Decode(&labels); err != nil {
				return err
			}
		}
		maps.DeleteFunc(labels, func(name, _ string) bool { return strings.HasPrefix(name, ourMeta) })
		text := labelText(labels, nil)
		for _, t := range lookup(g, "targets").Content {
			if c := asComment(said[[2]string{t.Value, text}]); strings.Contains(c, "\n") {
				t.HeadComment = c
			} else {
				t.LineComment = c
			}
		}
	}
	return nil
}

// targetsFirst puts the labels of a group behind its targets, where people have them.
func targetsFirst(g *yaml.Node) {
	if len(g.Content) == 4 && g.Content[0].Value == "labels" {
		g.Content = []*yaml.Node{g.Content[2], g.Content[3], g.Content[0], g.Content[1]}
	}
}
