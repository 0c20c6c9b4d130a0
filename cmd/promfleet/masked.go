package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
)

// maskedValue is what stands for a secret, or has one in it: a URL whose password is
// not shown.
var maskedValue = regexp.MustCompile(`^<secret>$|^[a-z][a-z0-9+.-]*://[^/@]*:(xxxxx|%3Csecret%3E|<secret>)@`)

// maskedInConfig names the secrets of a prometheus.yml that it does not show, by job.
func maskedInConfig(yml []byte) ([]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(yml, &doc); err != nil {
		return nil, err
	}
	var found []string
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	root := doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i].Value, root.Content[i+1]
		if key != "scrape_configs" {
			for _, path := range maskedPaths(value, key) {
				found = append(found, "base config: "+path)
			}
			continue
		}
		for n, sc := range value.Content {
			var named struct {
				JobName string `yaml:"job_name"`
			}
			if sc.Decode(&named) != nil || named.JobName == "" {
				named.JobName = fmt.Sprintf("scrape_configs[%d]", n)
			}
			for _, path := range maskedPaths(sc, "") {
				found = append(found, "job "+named.JobName+": "+path)
			}
		}
	}
	return found, nil
}

// maskedInDocuments names the secrets of the documents of a node that are masked.
func maskedInDocuments(docs []promfleet.FleetDocument) []string {
	var found []string
	for _, d := range docs {
		name, text := "base config", ""
		switch {
		case d.Kind == promfleet.FleetJob:
			name, text = "job "+d.Key, string(d.ScrapeConfig)
		case d.BaseConfig != nil:
			text = *d.BaseConfig
		}
		for _, path := range maskedInText(text) {
			found = append(found, name+": "+path)
		}
	}
	return found
}

func maskedInText(text string) []string {
	if !strings.Contains(text, "secret") && !strings.Contains(text, "xxxxx") { // most have none, and reading costs
		return nil
	}
	var doc yaml.Node
	if json.Valid([]byte(text)) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil || doc.Encode(v) != nil {
			return nil
		}
	} else if yaml.Unmarshal([]byte(text), &doc) != nil {
		return nil
	}
	return maskedPaths(&doc, "")
}

// maskedPaths gives the paths of masked values in a document. What an alias repeats
// is named where it stands itself.
func maskedPaths(n *yaml.Node, path string) []string {
	var found []string
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			found = append(found, maskedPaths(c, path)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			found = append(found, maskedPaths(n.Content[i+1], strings.TrimPrefix(path+"."+n.Content[i].Value, "."))...)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			found = append(found, maskedPaths(c, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case yaml.ScalarNode:
		if maskedValue.MatchString(n.Value) {
			found = append(found, path)
		}
	}
	return found
}
