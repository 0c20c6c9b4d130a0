package apply

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"promfleet/internal/agent/apply/simfs"
)

// An answer is what becomes of the next reload, where that is not what the file
// deserves.
type answer string

const (
	refuses     answer = "refuses"          // 500, and nothing has changed
	half        answer = "half"             // 500, and part of it runs
	loses       answer = "loses"            // no answer: the request is lost
	slow        answer = "slow"             // no answer yet: it reloads later, what it has read now
	slowRead    answer = "slow to read"     // the same, what it reads then
	unreachable answer = "unreachable"      // not asked
	denies      answer = "denies"           // not read
	leaves      answer = "leaves it"        // the method does not reload
	unanswered  answer = "loads, no answer" // it has loaded, and that was not heard
	fine        answer = ""                 // what the file deserves
	bad                = " bad"             // in the line of a job that it rejects
	wholeEnd           = "end\n"            // of a prometheus.yml
	configFile         = "etc/prometheus.yml"
	targetsDir         = "etc/targets.d"
)

// simProm is a scripted Prometheus: it reads the files that a prometheus.yml names
// as the real one does, and answers as it is told to.
type simProm struct {
	disk    *simfs.Disk
	tick    func(call string) // before and after each call
	answers []answer
	up, ok  bool
	running string  // prometheus.yml
	mark    float64 // of the last success
	flying  func()  // the rest of a reload that has not been answered
	left    bool    // a reload was left to others, who have not done it yet
	reloads int
	faults  []string // what an agent must not do to it
}

// jobsOf gives the keys of the jobs of a prometheus.yml.
func jobsOf(config string) (keys []string) {
	for line := range strings.Lines(config) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "job" {
			keys = append(keys, fields[1])
		}
	}
	return keys
}

// read gives the prometheus.yml that is there, and whether it can be loaded.
func (p *simProm) read() (string, error) {
	text, there := p.disk.Read(configFile)
	switch {
	case !there:
		return "", errors.New("there is no prometheus.yml")
	case !strings.HasSuffix(text, wholeEnd):
		return text, fmt.Errorf("prometheus.yml is cut: %q", text)
	case strings.Contains(text, bad):
		return text, errors.New("it has a field that is not known here")
	}
	return text, nil
}

func (p *simProm) start() error {
	text, err := p.read()
	p.flying = nil
	p.up, p.ok = err == nil, err == nil
	if err != nil {
		return err
	}
	p.running = text
	p.mark++
	return nil
}

func (p *simProm) stop() { p.up, p.flying = false, nil }

// load reloads a prometheus.yml that was read.
func (p *simProm) load(text string, err error) (Outcome, error) {
	if err != nil {
		p.ok = false
		if strings.Contains(text, bad) {
			p.running += "half\n"
		}
		return Refused, err
	}
	p.running, p.ok = text, true
	p.mark++
	return Reloaded, nil
}

// others do the reload that was left to them.
func (p *simProm) others() {
	if p.left && p.up {
		p.land() // one after the other
		_, _ = p.load(p.read())
	}
	p.left = false
}

// land brings a reload to its end that was not answered.
func (p *simProm) land() {
	if land := p.flying; land != nil {
		p.flying = nil
		land()
	}
}

// targets gives the bodies of the target files of a job.
func (p *simProm) targets(key string) map[string]string {
	all := map[string]string{}
	for _, name := range p.disk.List(path.Join(targetsDir, key)) {
		if body, file := p.disk.Read(path.Join(targetsDir, key, name)); file && strings.HasSuffix(name, ".json") {
			all[key+"/"+name] = body
		}
	}
	return all
}

func (p *simProm) Mark(context.Context) float64 {
	p.tick("mark")
	if !p.up {
		return 0
	}
	return p.mark
}

func (p *simProm) Reload(context.Context) (Outcome, error) {
	p.tick("reload")
	defer p.tick("reloaded")
	if !p.up {
		return Unreachable, errors.New("scripted: down")
	}
	p.reloads++
	if p.flying != nil {
		p.faults = append(p.faults, "a second reload was asked for while one was in flight")
	}
	a := fine
	if len(p.answers) > 0 {
		a, p.answers = p.answers[0], p.answers[1:]
	}
	text, err := p.read()
	switch a {
	case refuses:
		p.ok = false
		return Refused, errors.New("scripted: 500")
	case half:
		return p.load(text+bad, errors.New("scripted: 500, half applied"))
	case loses:
		return Unknown, errors.New("scripted: no answer")
	case slow:
		p.flying = func() { _, _ = p.load(text, err) }
		return Unknown, errors.New("scripted: no answer yet")
	case slowRead:
		p.flying = func() { _, _ = p.load(p.read()) }
		return Unknown, errors.New("scripted: no answer yet")
	case unanswered:
		_, _ = p.load(text, err)
		return Unknown, errors.New("scripted: the answer was lost")
	case unreachable:
		return Unreachable, errors.New("scripted: unreachable")
	case denies:
		return Denied, errors.New("scripted: denied")
	case leaves:
		p.left = true
		return NotReloaded, errors.New("scripted: left to others")
	}
	return p.load(text, err)
}

func (p *simProm) Verify(ctx context.Context, look Look) error {
	p.tick("verify")
	defer p.tick("verified")
	if err := ctx.Err(); err != nil {
		return err
	}
	p.land() // it takes less time than this waits
	if !p.up {
		return errors.New("scripted: down")
	}
	if look.Config != nil && (p.running != string(look.Config) || !p.ok) {
		return fmt.Errorf("scripted: it runs %q, wanted is %q", p.running, look.Config)
	}
	for _, j := range look.Jobs {
		if !slices.Contains(jobsOf(p.running), j.Key) {
			return fmt.Errorf("scripted: no job %s", j.Key)
		}
		if seen := p.targets(j.Key); len(seen) < len(j.Files) {
			return fmt.Errorf("scripted: job %s has %d files, wanted are %d", j.Key, len(seen), len(j.Files))
		}
	}
	return nil
}
