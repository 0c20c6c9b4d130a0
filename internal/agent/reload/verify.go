package reload

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Want is what is to be seen loaded.
type Want struct {
	// SameConfig says whether the configuration that Prometheus runs is the one
	// wanted. Nil: the configuration is not in question, only targets are.
	SameConfig func(running []byte) error
	// Jobs are those whose targets are in question.
	Jobs []Job
}

// Job is a scrape job whose targets are to be seen.
type Job struct {
	Name    string // job_name
	Dir     string // of its files, as file_sd names them
	Targets int64  // in its files
	// Shared: the job has a service discovery of its own, which fills the same pool.
	Shared bool
	// Inline: its targets are in the configuration itself, and nobody reads its files.
	Inline bool
	// Load gives the targets in its files. It is called if there are at most
	// MaxCompared.
	Load func() ([]Target, error)
	// Changed are the files that were just written, by path, with their mtime.
	Changed map[string]time.Time
	// Files are all of them, looked at where it is not known which were just written.
	Files map[string]time.Time
}

// MaxCompared is the size of a pool up to which its targets are compared one by
// one. The targets of larger ones are counted: the list of a pool of 100,000 is
// 60 MB, and Prometheus would have to make it at every look.
const MaxCompared = 2000

// settle is how long it takes at most, after file_sd has read a file, until the
// scrape pool has its targets: up to Prometheus 3.11 two tickers of 5 s, one
// after the other, then a back-off of up to 7.5 s and one ticker.
const settle = 14 * time.Second

// Verify waits until all that is wanted is seen loaded, at most for a time. Its
// error says in one line what is missing. Looks are 50 ms to 1 s apart: a scrape
// pool may appear only 10 s after a reload, so what is not there yet is waited for.
func (p *Prometheus) Verify(ctx context.Context, want Want, within time.Duration) error {
	v := &verification{p: p, config: want.SameConfig == nil, pending: make([]*pendingJob, 0, len(want.Jobs)), want: want}
	for _, j := range want.Jobs {
		pending := &pendingJob{Job: j}
		if within == 0 {
			pending.assumeRead()
		}
		v.pending = append(v.pending, pending)
	}
	deadline := time.Now().Add(within)
	for pause := 50 * time.Millisecond; ; pause = min(pause*8/5, time.Second) {
		err := v.look(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !time.Now().Add(pause).Before(deadline), v.givenUp():
			return v.withDead(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// verification is one Verify: what was seen once is not looked at again.
type verification struct {
	p       *Prometheus
	want    Want
	config  bool // seen
	pending []*pendingJob

	configAt time.Time // when the configuration was first seen
	values   *values   // of the last look
}

// pendingJob is a job not seen loaded yet.
type pendingJob struct {
	Job
	readAt      time.Time // when its changed files were first seen read
	syncsAtRead float64
}

// look looks once, in the order in which Prometheus loads: configuration, pools,
// targets.
func (v *verification) look(ctx context.Context) error {
	if v.config && len(v.pending) == 0 {
		return nil
	}
	m, err := v.p.metrics(ctx)
	if err != nil {
		return err
	}
	v.values = m
	if !v.config {
		if err := v.lookAtConfig(ctx, m); err != nil {
			return err
		}
		v.config = true
	}
	if v.configAt.IsZero() {
		v.configAt = time.Now()
	}
	if len(v.pending) == 0 {
		return nil
	}
	pools, err := v.p.ScrapePools(ctx)
	if err != nil {
		return err
	}
	var left []*pendingJob
	var first error
	var poolless []string
	for _, j := range v.pending {
		if err := v.lookAtJob(ctx, j, pools, m); err != nil {
			left = append(left, j)
			if m.poolsFailed > 0 && !pools[j.Name] {
				poolless = append(poolless, j.Name)
			}
			if first == nil {
				first = fmt.Errorf("job %s: %w", j.Name, err)
			}
		}
	}
	v.pending = left
	switch {
	case len(left) > 0 && len(poolless) == len(left):
		return &NoPoolError{Jobs: poolless, Why: "it has no scrape pool" + why(m)}
	case len(left) > 1:
		return fmt.Errorf("%w; and %d more jobs", first, len(left)-1)
	}
	return first
}

func (v *verification) lookAtConfig(ctx context.Context, m *values) error {
	running, err := v.p.Config(ctx)
	if err != nil {
		return err
	}
	if err := v.want.SameConfig(running); err != nil {
		return fmt.Errorf("Prometheus runs another configuration: %w", err)
	}
	// A reload that failed half way may show the new configuration all the same.
	if !m.lastReloadSuccessful {
		return errors.New("Prometheus's last reload failed (prometheus_config_last_reload_successful is 0): its log says why")
	}
	return nil
}

func (v *verification) lookAtJob(ctx context.Context, j *pendingJob, pools map[string]bool, m *values) error {
	unread := j.unread(m)
	if unread == "" && j.readAt.IsZero() {
		j.readAt, j.syncsAtRead = time.Now(), m.syncs[j.Name]
	}
	if !pools[j.Name] {
		if j.Targets == 0 {
			return nil
		}
		return errors.New("it has no scrape pool" + why(m))
	}
	if j.Targets > MaxCompared {
		return v.count(ctx, j, m, unread)
	}
	return v.compare(ctx, j, m, unread)
}

// NoPoolError is that all is loaded but some jobs, for which Prometheus has made no
// scrape pool, and that it could not make some: a file that they name may be bad.
type NoPoolError struct {
	Jobs []string // their names
	Why  string
}

func (e *NoPoolError) Error() string {
	const most = 10
	names := strings.Join(e.Jobs[:min(most, len(e.Jobs))], ", ")
	if len(e.Jobs) > most {
		names += fmt.Sprintf(" and %d more", len(e.Jobs)-most)
	}
	return "job " + names + ": " + e.Why
}

// why adds what Prometheus counts of the two failures that it does not tell a
// reload about.
func why(m *values) string {
	var said []string
	if m.poolsFailed > 0 {
		said = append(said, fmt.Sprintf("Prometheus could not create %.0f scrape pools since its start: its log says why", m.poolsFailed))
	}
	if m.watcherErrors > 0 {
		said = append(said, fmt.Sprintf("it had %.0f file watcher errors: raise fs.inotify.max_user_instances", m.watcherErrors))
	}
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, "; ") + ")"
}

// unread names a changed file that file_sd has not read yet, "" if it has read
// all. The metric has whole seconds.
func (j *pendingJob) unread(m *values) string {
	if j.Inline {
		return ""
	}
	files := j.Changed
	if len(files) == 0 {
		files = j.Files
	}
	for file, mtime := range files {
		if m.mtimes[file] != mtime.Unix() {
			return file
		}
	}
	return ""
}

// assumeRead takes the mtimes of the changed files for when they were read, where
// there is but one look.
func (j *pendingJob) assumeRead() {
	for _, mtime := range j.Changed {
		if mtime.After(j.readAt) {
			j.readAt = mtime
		}
	}
}

// own tells of what a pool has discovered whether it is from the job's files, or
// where nobody reads them whether it may be.
func (j *pendingJob) own() func(labels map[string]string) bool {
	if j.Inline {
		return func(map[string]string) bool { return true }
	}
	return func(labels map[string]string) bool { return strings.HasPrefix(labels[metaFilepath], j.Dir+"/") }
}

// compare looks at a pool target by target.
func (v *verification) compare(ctx context.Context, j *pendingJob, m *values, unread string) error {
	wanted, err := j.Load()
	if err != nil {
		return err
	}
	found, err := v.p.pool(ctx, j.Name)
	if err != nil {
		return err
	}
	missing, extra := difference(wanted, found.discovered, j.own())
	if j.Inline && j.Shared {
		extra = nil // they may be of the job's own discovery
	}
	lacking := int64(len(missing)) - found.unlisted
	switch {
	case len(extra) == 0 && lacking <= 0:
		return nil
	case int64(len(extra)) <= lacking && lacking-int64(len(extra)) < j.Targets && j.taken(m, unread):
		v.p.log.Info("Prometheus does not show all targets as they are in the files", "job", j.Name, "targets", j.Targets,
			"merged", lacking-int64(len(extra)), "shown_relabelled", len(extra))
		return nil
	case unread != "":
		return fmt.Errorf("Prometheus has not read %s%s", unread, why(m))
	case len(extra) > 0:
		return fmt.Errorf("target %s is there and not wanted so", extra[0])
	default:
		return fmt.Errorf("%d of %d targets are not there, like %s%s", lacking, j.Targets, missing[0], why(m))
	}
}

// count looks at the number of targets of a pool, and whether Prometheus has
// taken the changed files over.
func (v *verification) count(ctx context.Context, j *pendingJob, m *values, unread string) error {
	if unread != "" {
		return fmt.Errorf("Prometheus has not read %s%s", unread, why(m))
	}
	if len(j.Changed) > 0 && m.syncs[j.Name] == j.syncsAtRead && !j.settled() {
		return errors.New("Prometheus has read its files and not taken them over yet")
	}
	seen := m.active[j.Name]
	if seen != j.Targets || j.Shared {
		dropped, err := v.p.droppedCount(ctx, j.Name)
		if err != nil {
			return err
		}
		seen += dropped
	}
	switch {
	case seen == j.Targets, seen > j.Targets && j.Shared:
		return nil
	case 0 < seen && seen < j.Targets && j.taken(m, unread):
		v.p.log.Info("Prometheus merges targets that are the same after relabelling", "job", j.Name, "targets", j.Targets, "merged", j.Targets-seen)
		return nil
	default:
		return fmt.Errorf("it has %d targets, wanted are %d%s", seen, j.Targets, why(m))
	}
}

func (j *pendingJob) settled() bool {
	return !j.readAt.IsZero() && time.Since(j.readAt) >= settle
}

// taken tells whether Prometheus must have taken the files over, though it does
// not show their targets as they are: it had the time to, and could create all of
// them. There are two reasons. It merges targets that are the same after
// relabelling, and says nothing. And old versions (2.42 for one) show a label that
// relabelling has replaced as if it had been so before.
func (j *pendingJob) taken(m *values, unread string) bool {
	return unread == "" && m.syncFailures[j.Name] == 0 && j.settled()
}
