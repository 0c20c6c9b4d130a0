package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/plugins" // registers every service discovery
	"go.yaml.in/yaml/v3"
)

// Config is a configuration that Prometheus would load.
type Config struct {
	loaded *config.Config
	root   *yaml.Node // nil: an empty document
	yml    []byte
}

// Load gives Prometheus's verdict on the text of a prometheus.yml. Any error is
// an *Error. No file that the text names is opened. References to environment
// variables in external_labels are expanded, as Prometheus does, but no answer
// of this package shows them.
func Load(yml []byte) (*Config, error) {
	return load(yml, MaxSize)
}

// LoadExisting is Load for a prometheus.yml of somebody else's, which has its targets
// in it and may therefore be larger.
func LoadExisting(yml []byte) (*Config, error) {
	return load(yml, maxShown)
}

func load(yml []byte, maxSize int) (c *Config, err error) {
	defer recoverAs(&err)
	root, err := parse(yml, maxSize)
	if err != nil {
		// What is no YAML for one reader is none for the other; prefer the words
		// of Prometheus's.
		if len(yml) <= maxSize {
			if _, theirs := verdict(yml); theirs != nil && strings.HasPrefix(theirs.Error(), "yaml: ") && !strings.HasPrefix(theirs.Error(), "yaml: unmarshal") {
				err = theirs
			}
		}
		return nil, &Error{Message: oneLine(err.Error())}
	}
	loaded, err := verdict(yml)
	if err != nil {
		return nil, newError(err, root)
	}
	return &Config{loaded: loaded, root: root, yml: yml}, nil
}

// JobNames gives the job_name of each scrape config, in the order of the document.
func (c *Config) JobNames() []string {
	names := make([]string, 0, len(c.loaded.ScrapeConfigs))
	for _, sc := range c.loaded.ScrapeConfigs {
		names = append(names, sc.JobName)
	}
	return names
}

// verdict asks the library. Its panics are errors: it has had some on input that
// nobody had thought of.
func verdict(yml []byte) (c *config.Config, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("Prometheus's configuration package failed on it: %v", r)
		}
	}()
	return config.Load(string(yml), promslog.NewNopLogger())
}

// recoverAs turns a panic into an Error.
func recoverAs(err *error) {
	if r := recover(); r != nil {
		*err = &Error{Message: oneLine(fmt.Sprintf("the configuration cannot be read: %v", r))}
	}
}

// maxErrors is how many faults are told at once: finding the field of each takes
// a walk through the document.
const maxErrors = 20

// newError says which fields are to blame for what the library said.
func newError(err error, root *yaml.Node) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	var list []Error
	b := newBlamer(root)
	said := complaints(err)
	for _, c := range said[:min(len(said), maxErrors)] {
		list = append(list, Error{Field: b.blame(c), Message: c.text})
	}
	first := list[0]
	first.More = list[1:]
	return &first
}
