package reload

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// DeadWatchers is that Prometheus has read no file of some jobs and never will: it
// could not make their file watchers, and does not try again. Only another service
// discovery brings them back.
type DeadWatchers struct {
	Jobs []string // job_name
	Why  error    // what is missing
}

// Error says what is missing.
func (e *DeadWatchers) Error() string { return e.Why.Error() }

// Unwrap gives what is missing.
func (e *DeadWatchers) Unwrap() error { return e.Why }

// ReadsWithin is how long after it has loaded its configuration a Prometheus takes
// at most to read the files of a job for the first time. It does so at once; the
// rest is for a host that is short of time.
const ReadsWithin = 6 * time.Second

// givenUp tells whether there is nothing to wait for: all that is missing are jobs
// without a watcher.
func (v *verification) givenUp() bool {
	if !v.config || time.Since(v.configAt) < ReadsWithin || len(v.pending) == 0 || v.values == nil {
		return false
	}
	return len(v.dead()) == len(v.pending)
}

func (v *verification) dead() (names []string) {
	for _, j := range v.pending {
		if v.values.watcherIsDead(j.Job) {
			names = append(names, j.Name)
		}
	}
	return names
}

// withDead says with an error which jobs have no watcher.
func (v *verification) withDead(err error) error {
	if !v.config || v.values == nil || time.Since(v.configAt) < ReadsWithin {
		return err
	}
	if names := v.dead(); len(names) > 0 {
		return &DeadWatchers{Jobs: names, Why: err}
	}
	return err
}

// watcherIsDead tells whether Prometheus has read no file of a job, and has failed
// to make a watcher since its start.
func (m *values) watcherIsDead(j Job) bool {
	if m.watcherErrors == 0 || j.Inline || j.Targets == 0 {
		return false
	}
	for file := range m.mtimes {
		if strings.HasPrefix(file, j.Dir+"/") {
			return false
		}
	}
	return true
}

// WithoutWatcher gives the names of the jobs of which Prometheus has read no file,
// if it has failed to make a watcher since its start. One that has only just loaded
// its configuration may still read them: what is so at two looks, some seconds
// apart, stays so.
func (p *Prometheus) WithoutWatcher(ctx context.Context, jobs []Job) ([]string, error) {
	m, err := p.metrics(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot see whether files are read: %w", err)
	}
	var names []string
	for _, j := range jobs {
		if m.watcherIsDead(j) {
			names = append(names, j.Name)
		}
	}
	return names, nil
}
