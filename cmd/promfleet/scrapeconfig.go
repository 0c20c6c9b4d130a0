package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"promfleet/internal/check"
)

// scrapeConfig reads a scrape_config in YAML, of which JSON is a part.
func (c *command) scrapeConfig(path string) (json.RawMessage, error) {
	b, err := c.input(path)
	if err != nil {
		return nil, errorf("read the scrape config: %w", err)
	}
	docs := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := docs.Decode(&doc); errors.Is(err, io.EOF) {
		return json.RawMessage("{}"), nil
	} else if err != nil {
		return nil, errorf("scrape config %s: %w", path, err)
	}
	if err := docs.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errorf("scrape config %s: it is more than one YAML document", path)
	}
	config, err := check.ScrapeConfigJSON(&doc)
	if err != nil {
		return nil, errorf("scrape config %s: %w", path, err)
	}
	return config, nil
}
