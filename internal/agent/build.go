package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// localBaseFile keeps the sections of a prometheus.yml that was taken over.
const localBaseFile = "local-base.yml"

// foreign is a prometheus.yml that this agent did not write.
type foreign struct {
	body []byte
	base []byte // its sections without the scrape jobs
	jobs bool   // it has scrape jobs
}

// foreign looks whether there is one; nil if not.
func (a *Agent) foreign() (*foreign, error) {
	body, there, err := a.disk.Foreign()
	if err != nil || !there {
		return nil, err
	}
	base, jobs, err := withoutJobs(body)
	if err != nil {
		return nil, fmt.Errorf("%s was not written by promfleet and cannot be read: %w; mend it or move it away", a.opts.ConfigFile, err)
	}
	return &foreign{body: body, base: base, jobs: jobs}, nil
}

// base gives the sections that are not jobs: the node's own on the server, else
// those of --prometheus.base-config, else those of the file that was, or is to
// be, taken over.
func (a *Agent) base(c *content, f *foreign) ([]byte, error) {
	if c.base != nil {
		return c.base, nil
	}
	if a.opts.BaseConfig != "" {
		text, err := os.ReadFile(a.opts.BaseConfig)
		if err != nil {
			return nil, fmt.Errorf("--prometheus.base-config: %w", err)
		}
		base, _, err := withoutJobs(text)
		if err != nil {
			return nil, fmt.Errorf("--prometheus.base-config %s: %w", a.opts.BaseConfig, err)
		}
		return base, nil
	}
	if f != nil {
		return f.base, nil
	}
	base, err := a.data.Read(localBaseFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return base, err
}

// build makes the set that the disk should say, and asks Prometheus's own judge.
func (a *Agent) build(c *content, f *foreign) (apply.Set, error) {
	base, err := a.base(c, f)
	if err != nil {
		return apply.Set{}, err
	}
	jobs := make([]render.Job, len(c.jobs))
	for i, j := range c.jobs {
		jobs[i] = render.Job{JobConfig: j.config, Targets: j.Targets(), Inline: j.Inline}
		if jobs[i].Groups, err = a.inlineGroups(j); err != nil {
			return apply.Set{}, err
		}
	}
	yml, err := render.PrometheusYML(base, jobs, a.disk.TargetsDir())
	if err != nil {
		return apply.Set{}, fmt.Errorf("cannot render prometheus.yml: %w", err)
	}
	return apply.Set{Manifest: c.manifest, Config: yml, Jobs: c.applyJobs(), Parts: c.parts}, nil
}

// check asks Prometheus's own judge for its verdict on a set, and the host's
// policy, before a byte of it is in its place.
func (a *Agent) check(set apply.Set, localBase bool) error {
	c, err := check.Load(set.Config)
	if err != nil {
		return fmt.Errorf("the configuration is not valid, and Prometheus would not start with it: %w", err)
	}
	return a.allowed(c, localBase)
}

// takeOver decides whether a prometheus.yml of somebody else's may be replaced.
// Without scrape jobs it may: its other sections live on as the base. With some it
// may if the node's jobs say the same, or if the operator has said so.
func (a *Agent) takeOver(c *content, f *foreign, set apply.Set) (apply.How, error) {
	if f == nil {
		return apply.How{}, nil
	}
	mine := bytes.Equal(f.body, set.Config) // of an agent that lost its data path
	if f.jobs && !mine && a.opts.TakeOver != TakeOverDiscard {
		if err := a.sameJobs(f, set); err != nil {
			return apply.How{}, fmt.Errorf("%s has scrape jobs that promfleet did not write, and the node's jobs on the server are not the same: %w; import them, or discard them with --prometheus.take-over=discard", a.opts.ConfigFile, err)
		}
	}
	if c.base == nil && a.opts.BaseConfig == "" {
		if err := a.data.Write(localBaseFile, f.base); err != nil {
			return apply.How{}, fmt.Errorf("--data.path: %w", err)
		}
	}
	if mine {
		return apply.How{}, nil
	}
	a.log.Info("taking prometheus.yml over; the original stays beside it as .before-promfleet", "file", a.opts.ConfigFile)
	return apply.How{TakeOver: promfleet.HashOf(f.body)}, nil
}

func (a *Agent) sameJobs(f *foreign, set apply.Set) error {
	targets := map[string][]check.Group{}
	for _, j := range set.Jobs {
		if j.Inline {
			continue // they are in the configuration
		}
		for _, file := range j.Files {
			body, err := a.disk.ReadTargets(file)
			if err != nil {
				return err
			}
			groups, err := check.TargetGroups(body)
			if err != nil {
				return err
			}
			targets[j.Name] = append(targets[j.Name], groups...)
		}
	}
	return check.SameJobs(f.body, set.Config, a.disk.ConfigDir(), a.disk.TargetsDir(), targets)
}

// withoutJobs takes the scrape jobs out of a prometheus.yml and tells whether
// there were any. Comments and order of the rest stay.
func withoutJobs(yml []byte) (rest []byte, jobs bool, err error) {
	// Our own header would come twice.
	yml = bytes.TrimPrefix(yml, []byte(render.Header+"\n"))
	var doc yaml.Node
	if err := yaml.Unmarshal(yml, &doc); err != nil {
		return nil, false, errors.New(oneLine(err.Error()))
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return []byte{}, false, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, false, errors.New("it is not a YAML mapping")
	}
	kept := root.Content[:0:0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "scrape_configs" {
			jobs = jobs || len(root.Content[i+1].Content) > 0
			continue
		}
		kept = append(kept, root.Content[i], root.Content[i+1])
	}
	if len(kept) == 0 {
		return []byte{}, jobs, nil
	}
	root.Content = kept
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, false, err
	}
	return out.Bytes(), jobs, nil
}
