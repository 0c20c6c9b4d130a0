// Package policy is what the owner of a host allows the server to have the agent
// do: which files a configuration may name, how much may be downloaded, how many
// targets may go at once. It is read from a file of the host's, and nothing that
// comes over the network changes it.
package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Policy is a policy file. The zero value is none: see Default.
type Policy struct {
	// AllowPaths are the directories, or single files, that a configuration may
	// name in fields that Prometheus reads. The agent's targets directory is
	// always among them. Nil: the directory of the prometheus.yml, and
	// /etc/prometheus.
	AllowPaths []string `yaml:"allow_paths"`
	// AllowWritePaths are those for the fields that Prometheus writes. Nil: none.
	AllowWritePaths []string `yaml:"allow_write_paths"`

	// A step that takes away more than so many percent of a node's targets waits
	// for a confirmation, if the node has at least RemovalMinTargets of them.
	MaxRemovalPercent int           `yaml:"max_removal_percent"`
	RemovalMinTargets int64         `yaml:"removal_min_targets"`
	RemovalConfirm    ConfirmPolicy `yaml:"removal_confirm"`

	// MaxBytes is the size of all parts of a revision together, MaxFiles their
	// number, MaxDepth how deep YAML and JSON in them may nest, and MaxValues how
	// many values the base and all jobs' configurations may have together.
	MaxBytes int64 `yaml:"max_bytes"`
	MaxFiles int   `yaml:"max_files"`
	MaxDepth int   `yaml:"max_depth"`
	// A value takes two bytes of YAML and hundreds of the agent's memory.
	MaxValues int `yaml:"max_values"`

	// Drift is what becomes of a hand edit of a file of the agent's.
	Drift DriftPolicy `yaml:"drift"`

	file string // where it comes from; "": nowhere
}

// ConfirmPolicy says whose confirmation of a large removal counts.
type ConfirmPolicy string

// Who may confirm.
const (
	ConfirmServer ConfirmPolicy = "server" // an editor on the server, and whoever is on the host
	ConfirmLocal  ConfirmPolicy = "local"  // whoever is on the host
)

// DriftPolicy says what becomes of a hand edit.
type DriftPolicy string

// What may become of a hand edit.
const (
	DriftRepair DriftPolicy = "repair" // it is shown, and undone
	DriftReport DriftPolicy = "report" // it is shown, and stays
)

// Default is the policy of a host without a policy file.
func Default() *Policy {
	return &Policy{
		MaxRemovalPercent: 50,
		RemovalMinTargets: 100,
		RemovalConfirm:    ConfirmServer,
		// A million targets, each with labels of its own, are about 0.4 GiB: this
		// leaves room for long labels, and is less than any disk for Prometheus.
		MaxBytes: 2 << 30,
		MaxFiles: 100_000,
		MaxDepth: 64,
		// A thousand jobs of a hundred fields.
		MaxValues: 100_000,
		Drift:     DriftRepair,
	}
}

// Load reads a policy file; "": the default. What the file does not say is as in
// the default.
func Load(file string) (*Policy, error) {
	p := Default()
	if file == "" {
		return p, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--policy.file: %w", err)
	}
	if p.file, err = filepath.Abs(file); err != nil {
		return nil, fmt.Errorf("--policy.file: %w", err)
	}
	if err := p.parse(text); err != nil {
		return nil, fmt.Errorf("--policy.file %s: %s", file, strings.Join(strings.Fields(err.Error()), " "))
	}
	return p, nil
}

func (p *Policy) parse(text []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil && !errors.Is(err, io.EOF) {
		return said(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("more than one YAML document: keep one")
	}
	return p.valid()
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongType    = regexp.MustCompile("cannot unmarshal !!\\w+ (`[^`]*` )?into \\S+")
)

// said puts what the YAML decoder says without Go's words.
func said(err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:")
	text = unknownField.ReplaceAllString(strings.TrimSpace(text), "there is no field $1")
	return errors.New(wrongType.ReplaceAllString(text, "${1}is of the wrong type"))
}

func (p *Policy) valid() error {
	for _, list := range []struct {
		name  string
		paths []string
	}{{"allow_paths", p.AllowPaths}, {"allow_write_paths", p.AllowWritePaths}} {
		for _, dir := range list.paths {
			if !filepath.IsAbs(dir) || dir != filepath.Clean(dir) && dir != filepath.Clean(dir)+"/" {
				return fmt.Errorf("%s: %q must be an absolute path, without . and .. in it", list.name, dir)
			}
		}
	}
	switch {
	case p.MaxRemovalPercent < 0 || p.MaxRemovalPercent > 100:
		return fmt.Errorf("max_removal_percent: %d is not between 0 and 100", p.MaxRemovalPercent)
	case p.RemovalMinTargets < 0:
		return fmt.Errorf("removal_min_targets: %d is less than 0", p.RemovalMinTargets)
	case p.RemovalConfirm != ConfirmServer && p.RemovalConfirm != ConfirmLocal:
		return fmt.Errorf("removal_confirm: %q is neither %s nor %s", p.RemovalConfirm, ConfirmServer, ConfirmLocal)
	case p.MaxBytes < 1:
		return fmt.Errorf("max_bytes: %d is less than 1", p.MaxBytes)
	case p.MaxFiles < 1:
		return fmt.Errorf("max_files: %d is less than 1", p.MaxFiles)
	case p.MaxValues < 1:
		return fmt.Errorf("max_values: %d is less than 1", p.MaxValues)
	case p.MaxDepth < minDepth || p.MaxDepth > maxDepth:
		return fmt.Errorf("max_depth: %d is not between %d, which every configuration needs, and %d, which is the most", p.MaxDepth, minDepth, maxDepth)
	case p.Drift != DriftRepair && p.Drift != DriftReport:
		return fmt.Errorf("drift: %q is neither %s nor %s", p.Drift, DriftRepair, DriftReport)
	}
	return nil
}

const (
	minDepth = 8
	maxDepth = 64 // what the check of a configuration takes at the most
)

// TooMany tells whether a step that takes gone of a node's targets away must wait
// for a confirmation.
func (p *Policy) TooMany(gone, of int64) bool {
	return gone > 0 && of >= p.RemovalMinTargets && gone*100 > of*int64(p.MaxRemovalPercent)
}

// File is the policy file; "": there is none.
func (p *Policy) File() string { return p.file }

// String says where the policy comes from.
func (p *Policy) String() string {
	if p.file == "" {
		return "the default, since there is no --policy.file"
	}
	return p.file
}
