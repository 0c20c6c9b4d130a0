package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"promfleet"
	"promfleet/internal/agent/reload"
)

// quarantine keeps what the running Prometheus will not have away from it, so
// that all else of a revision is applied.
type quarantine struct {
	a        *Agent
	good     good
	patients map[string]*patient // by key; the base under ""
	search   *search             // under way; nil: none
	words    string              // with which Prometheus has refused last
	whole    promfleet.Hash      // of the prometheus.yml with which the search began
	// suspended: Prometheus does not answer, and so the search waits.
	suspended bool
	asked     bool // promtool, in this search
	// poolless are jobs that were loaded and for which Prometheus has made no
	// scrape pool; poolWords say it.
	poolless  map[string]promfleet.Hash
	poolWords string
	// aside says why the base is held back too, if a job's last good configuration
	// does not go with it.
	aside string
}

// patient is a job, or the base, in quarantine. It is kept in the data path.
type patient struct {
	suspect
	Name string `json:"job_name,omitempty"`
	Why  string `json:"why"` // Prometheus's words, on one line
	// Untold: it is one of several, of which it is not known which.
	Untold bool `json:"untold,omitempty"`
	// The Prometheus that would not have it, and when it was last asked.
	Version string    `json:"prometheus_version"`
	Started string    `json:"prometheus_started"`
	Tried   time.Time `json:"tried"`
	Pause   float64   `json:"pause_seconds"` // until it is tried again, as a last resort

	trying bool
}

const quarantineFile = "quarantine.json"

// How long a patient is left alone, if neither it nor Prometheus changes.
const (
	firstQuarantine   = 5 * time.Minute
	longestQuarantine = time.Hour
)

func newQuarantine(a *Agent) (*quarantine, error) {
	q := &quarantine{a: a, patients: map[string]*patient{}}
	var err error
	if q.good, err = readGood(a.data); err != nil {
		return nil, err
	}
	body, err := a.data.Read(quarantineFile)
	if errors.Is(err, fs.ErrNotExist) {
		return q, nil
	}
	if err != nil {
		return nil, err
	}
	var all []*patient
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", quarantineFile, err)
	}
	for _, p := range all {
		q.patients[p.Key] = p
	}
	a.status.setQuarantined(len(q.patients))
	return q, nil
}

// save brings the patients to the disk, before anything is done that goes by them.
func (q *quarantine) save() error {
	q.a.status.setQuarantined(len(q.patients))
	if len(q.patients) == 0 {
		return q.a.data.Remove(quarantineFile)
	}
	body, err := json.MarshalIndent(q.inOrder(), "", " ")
	if err != nil {
		return err
	}
	if err := q.a.data.Write(quarantineFile, body); err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	return nil
}

func (q *quarantine) inOrder() []*patient {
	all := make([]*patient, 0, len(q.patients))
	for _, key := range slices.Sorted(maps.Keys(q.patients)) {
		all = append(all, q.patients[key])
	}
	return all
}

// admit takes a suspect in, or in again.
func (q *quarantine) admit(s suspect, name, why string, untold bool, seen reload.Identity) {
	pause := firstQuarantine.Seconds()
	before := q.patients[s.Key]
	if before != nil && before.suspect == s && before.Version == seen.Version {
		pause = min(2*before.Pause, longestQuarantine.Seconds())
	}
	q.patients[s.Key] = &patient{suspect: s, Name: name, Why: cut(oneLine(why), 500), Untold: untold,
		Version: seen.Version, Started: seen.Started, Tried: time.Now().Round(0), Pause: pause}
	q.a.log.Warn("quarantined", "job", s.Key, "base", s.isBase(), "why", q.patients[s.Key].Why)
}

// isOut tells whether a suspect is in quarantine and not on trial.
func (q *quarantine) isOut(s suspect) bool {
	p := q.patients[s.Key]
	return p != nil && p.suspect == s && !p.trying
}

// discharge lets those go that Prometheus has taken.
func (q *quarantine) discharge() error {
	return q.release(func(p *patient) bool { return q.good.has(p.suspect) }, "Prometheus has taken it")
}

func (q *quarantine) release(which func(*patient) bool, why string) error {
	before := len(q.patients)
	for key, p := range q.patients {
		if which(p) {
			delete(q.patients, key)
			q.a.log.Info("no longer quarantined", "job", p.Key, "base", p.isBase(), "why", why)
		}
	}
	if len(q.patients) == before {
		return nil
	}
	return q.save()
}

// review lets those go that are not wanted any more as they were, and brings the
// search to what is wanted now.
func (q *quarantine) review(c *content, base promfleet.Hash) error {
	wanted := map[suspect]bool{{Config: base}: true}
	for _, j := range c.jobs {
		wanted[suspect{j.Key, j.part.Hash}] = true
	}
	for key, config := range q.poolless {
		if !wanted[suspect{key, config}] {
			delete(q.poolless, key)
		}
	}
	if q.search != nil {
		q.search.review(q.suspects(c, base))
	}
	before := len(q.patients)
	err := q.release(func(p *patient) bool { return !wanted[p.suspect] }, "something else is wanted in its place")
	if p := q.patients[""]; p != nil && len(q.patients) < before {
		p.trying = true // it may be that only the job did not go with it
	}
	return err
}

// suspects gives what of a content Prometheus was not seen to have, and may have
// been asked to take.
func (q *quarantine) suspects(c *content, base promfleet.Hash) []suspect {
	var all []suspect
	add := func(s suspect) {
		if !q.good.has(s) && !q.isOut(s) {
			all = append(all, s)
		}
	}
	if q.good.known() { // else there is no other to go back to
		add(suspect{Config: base})
	}
	for _, j := range c.jobs {
		add(suspect{j.Key, j.part.Hash})
	}
	return all
}

// wake puts those on trial again for whom that may end well now: Prometheus is
// another, or a long time has passed.
func (q *quarantine) wake(ctx context.Context) {
	if len(q.patients) == 0 || q.search != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	now, err := q.a.prom.Identity(ctx)
	if err != nil {
		return
	}
	var due *patient
	for _, p := range q.inOrder() {
		waits := time.Since(p.Tried)
		switch {
		case p.Version != now.Version, p.Started != now.Started && waits >= firstQuarantine:
			p.trying = true
		case waits.Seconds() >= p.Pause && p.Untold:
			p.trying = true
		case waits.Seconds() >= p.Pause && (due == nil || p.Tried.Before(due.Tried)):
			due = p // one at a time: each may cost two reloads
		}
	}
	if due != nil {
		due.trying = true
	}
}

// next gives when one of them is tried again at the latest; zero: there is none.
func (q *quarantine) next() (at time.Time) {
	for _, p := range q.patients {
		due := p.Tried.Add(time.Duration(p.Pause * float64(time.Second)))
		if at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at
}

// sleep ends all trials.
func (q *quarantine) sleep() {
	for _, p := range q.patients {
		p.trying = false
	}
}

func (q *quarantine) onTrial() bool {
	return slices.ContainsFunc(q.inOrder(), func(p *patient) bool { return p.trying })
}

// searching tells whether there is a trial to be made at once.
func (q *quarantine) searching() bool { return q.search != nil && !q.suspended }

func (q *quarantine) endSearch() {
	q.search, q.suspended, q.asked = nil, false, false
}

// leftOut tells whether nothing of a job is written, as it is in quarantine and
// has no last good configuration.
func (q *quarantine) leftOut(j jobContent) bool {
	s := suspect{j.Key, j.part.Hash}
	if q == nil || !q.isOut(s) || q.good.goesBack(s) {
		return false
	}
	_, instead := q.good.named(j.Name)
	return !instead
}

// toStage gives the jobs of a content whose target files are needed.
func (a *Agent) toStage(c *content) *content {
	w := *c
	w.jobs = slices.DeleteFunc(slices.Clone(c.jobs), a.quarantine.leftOut)
	return &w
}

// verdict says what is in quarantine, and how a node stands with it.
func (q *quarantine) verdict() (promfleet.NodeState, error) {
	var said []string
	state := promfleet.StateQuarantined
	byWhy := map[string][]string{}
	var order []string
	for _, p := range q.inOrder() {
		if p.isBase() {
			state = promfleet.StateFailed
			said = append(said, "the base config is held back, and the last good one stays: "+p.Why)
			continue
		}
		if byWhy[p.Why] == nil {
			order = append(order, p.Why)
		}
		byWhy[p.Why] = append(byWhy[p.Why], p.Key)
	}
	if q.aside != "" {
		said = append(said, q.aside)
	}
	for _, why := range order {
		said = append(said, fmt.Sprintf("%s quarantined: %s", jobsAre(byWhy[why]), why))
	}
	if len(said) > 0 {
		said = append(said, "it heals when the job is changed or Prometheus is upgraded")
		if len(order) == 0 {
			said[len(said)-1] = "it heals when the base config is changed or Prometheus is upgraded"
		}
	}
	if len(q.poolless) > 0 {
		said = append(said, fmt.Sprintf("%s quarantined: %s; it heals when the job, or a file that it names, is mended", jobsAre(slices.Sorted(maps.Keys(q.poolless))), q.poolWords))
	}
	if q.search != nil {
		state = promfleet.StateFailed
		said = append(said, "Prometheus refused the configuration, and does not answer while it is looked for why: "+q.words)
	}
	if len(said) == 0 {
		return promfleet.StateInSync, nil
	}
	return state, errors.New(strings.Join(said, "; "))
}

// looking says what a search is about.
func (q *quarantine) looking() error {
	return fmt.Errorf("Prometheus refused the configuration: %s; it is looked for which of %d changes that is, after %d reloads", q.words, len(q.search.open()), q.search.spent)
}

// jobsAre names jobs.
func jobsAre(keys []string) string {
	const most = 10
	if len(keys) == 1 {
		return "job " + keys[0] + " is"
	}
	names := strings.Join(keys[:min(most, len(keys))], ", ")
	if len(keys) > most {
		names += fmt.Sprintf(" and %d more", len(keys)-most)
	}
	return "jobs " + names + " are"
}
