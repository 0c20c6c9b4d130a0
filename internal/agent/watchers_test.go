package agent

import "go.yaml.in/yaml/v3"

// watch makes the watchers that the configuration asks for, as the real one does:
// a glob that it has already stays as it is, dead or alive.
func (p *scriptedPrometheus) watch() {
	before := p.watches
	p.watches = map[string]bool{}
	free := p.instances
	var fresh []string
	for _, j := range p.jobs() {
		for _, sd := range j.SD {
			for _, glob := range sd.Files {
				alive, ok := before[glob]
				if !ok {
					fresh = append(fresh, glob)
					continue
				}
				p.watches[glob] = alive
				if alive {
					free--
				}
			}
		}
	}
	for _, glob := range fresh {
		p.watches[glob] = p.instances == 0 || free > 0
		free--
		if !p.watches[glob] {
			p.watcherErrors++
		}
	}
}

// restart loses all watchers and loads what is there.
func (p *scriptedPrometheus) restart(instances int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches, p.watcherErrors, p.instances = nil, 0, instances
	p.load()
}

// unwatched tells how many jobs have files that nobody watches.
func (p *scriptedPrometheus) unwatched() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, alive := range p.watches {
		if !alive {
			n++
		}
	}
	return n
}

type scriptedJob struct {
	Name string `yaml:"job_name"`
	SD   []struct {
		Files []string `yaml:"files"`
	} `yaml:"file_sd_configs"`
	Static []struct {
		Targets []string
		Labels  map[string]string
	} `yaml:"static_configs"`
}

func (p *scriptedPrometheus) jobs() []scriptedJob {
	if p.parsedFor == p.loaded {
		return p.parsed
	}
	var cfg struct {
		Jobs []scriptedJob `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(p.loaded), &cfg); err != nil {
		panic(err)
	}
	p.parsed, p.parsedFor = cfg.Jobs, p.loaded
	return cfg.Jobs
}

// targets gives a copy of what each job has.
func (p *scriptedPrometheus) targets() map[string][]map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pools()
}
