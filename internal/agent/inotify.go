package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/reload"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// inlining keeps which jobs are inline, for want of inotify instances or since
// Prometheus could not make their watcher.
type inlining struct {
	a    *Agent
	read func() (inotify.Usage, error)

	loaded  bool
	sides   sides
	learned *learned
	usage   inotify.Usage
	err     error     // of the reading
	readAt  time.Time // of it
	peak    int       // see note
	peakAt  time.Time

	mu       sync.Mutex
	dead     map[string]bool      // by key: have no watcher, and are to go inline
	suspects map[string]time.Time // by key: since when their files are not read
}

// inotifyStatus is what metrics say of it.
type inotifyStatus struct{ inline, limit, inUse int }

// inotifyFile keeps the sides, so that a restart moves no job.
const inotifyFile = "inotify.json"

type inotifyRecord struct {
	Files   []string `json:"files"`
	Inline  []string `json:"inline"`
	Learned *learned `json:"learned,omitempty"`
}

// freshUsage is how long what was counted counts: a look at all processes of a
// host may take a while.
const freshUsage = 10 * time.Second

// plan decides for each job of a content whether it is inline, and notes it.
func (in *inlining) plan(c *content) error {
	if err := in.load(); err != nil {
		return err
	}
	dead := in.takeDead()
	if time.Since(in.readAt) > freshUsage || len(dead) > 0 {
		in.usage, in.err = in.read()
		in.readAt = time.Now()
	}
	h := headroomOf(in.usage, in.err, ownFileSD(c))
	in.note(h)
	var jobs []watched
	for _, j := range c.jobs {
		if j.Targets() > 0 || !j.Shared {
			w := watched{Key: j.Key, Targets: j.Targets()}
			for _, f := range j.Files {
				w.Bytes += f.Size
			}
			jobs = append(jobs, w)
			if w.Bytes > maxInline {
				delete(dead, w.Key) // it cannot go inline, whatever it lacks
			}
		}
	}
	if len(dead) > 0 {
		in.learn(h, dead)
	}
	s := assign(jobs, in.sides, h.room(len(in.sides.Files), in.learned), dead)
	for i := range c.jobs {
		c.jobs[i].Inline = s.Inline[c.jobs[i].Key]
	}
	in.say(h, s, len(jobs))
	if s.same(in.sides) && len(dead) == 0 {
		return nil
	}
	if !maps.Equal(s.Inline, in.sides.Inline) {
		in.a.log.Info("inotify instances", "jobs_in_files", len(s.Files), "jobs_inline", len(s.Inline), "limit", h.limit, "others", h.others)
	}
	in.sides = s
	return in.save()
}

// load reads what was before a restart. An agent that knows nothing of it yet has
// written files for all jobs.
func (in *inlining) load() error {
	if in.loaded {
		return nil
	}
	body, err := in.a.data.Read(inotifyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		in.sides.Files = map[string]bool{}
		for path := range in.a.disk.State().Files {
			key, _, _ := strings.Cut(path, "/")
			in.sides.Files[key] = true
		}
	case err != nil:
		return fmt.Errorf("--data.path: %w", err)
	default:
		var r inotifyRecord
		if err := json.Unmarshal(body, &r); err != nil {
			return fmt.Errorf("--data.path: %s is damaged: %w; remove it, and the agent decides anew which jobs are inline", inotifyFile, err)
		}
		in.sides = sides{Files: setOf(r.Files), Inline: setOf(r.Inline)}
		in.learned = r.Learned
	}
	in.loaded = true
	return nil
}

func (in *inlining) save() error {
	r := inotifyRecord{Files: slices.Sorted(maps.Keys(in.sides.Files)), Inline: slices.Sorted(maps.Keys(in.sides.Inline)), Learned: in.learned}
	body, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := in.a.data.Write(inotifyFile, append(body, '\n')); err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	return nil
}

// note keeps how many instances others had at the most lately: what was lacking when
// Prometheus wanted it may be free when that is found out.
func (in *inlining) note(h headroom) {
	if h.others >= in.peak || time.Since(in.peakAt) > lately {
		in.peak, in.peakAt = h.others, time.Now()
	}
}

const lately = 2 * time.Minute

// learn notes how many watchers could be made when some could not.
func (in *inlining) learn(h headroom, dead map[string]bool) {
	l := &learned{Limit: h.limit, Others: in.peak, UID: h.uid, Jobs: slices.Sorted(maps.Keys(dead))}
	for key := range in.sides.Files {
		if !dead[key] {
			l.Files++
		}
	}
	in.a.log.Warn("Prometheus could not make the file watchers of some jobs: their targets go into prometheus.yml",
		"jobs", strings.Join(l.Jobs, " "), "limit", h.limit, "others", h.others)
	in.learned = l
}

// ownFileSD counts the file_sd configs that are not those of the jobs' targets.
func ownFileSD(c *content) (n int) {
	for _, j := range c.jobs {
		var sc struct {
			FileSD []json.RawMessage `json:"file_sd_configs"`
		}
		if json.Unmarshal(j.config.ScrapeConfig, &sc) == nil {
			n += len(sc.FileSD)
		}
	}
	var base struct {
		Alerting struct {
			Alertmanagers []struct {
				FileSD []yaml.Node `yaml:"file_sd_configs"`
			} `yaml:"alertmanagers"`
		} `yaml:"alerting"`
	}
	if yaml.Unmarshal(c.base, &base) == nil {
		for _, m := range base.Alerting.Alertmanagers {
			n += len(m.FileSD)
		}
	}
	return n
}

// inlineGroups gives the targets of a job that is inline, as its files say them,
// with the label that says which file where relabelling asks for it.
func (a *Agent) inlineGroups(j jobContent) ([]render.Group, error) {
	if !j.Inline {
		return nil, nil
	}
	filepathSeen := render.FilepathSeen(j.config.ScrapeConfig)
	var sc struct {
		Relabel []json.RawMessage `json:"relabel_configs"`
	}
	if err := json.Unmarshal(j.config.ScrapeConfig, &sc); err != nil && len(j.config.ScrapeConfig) > 0 {
		return nil, fmt.Errorf("job %s: %w", j.Key, err)
	}
	var all []render.Group
	for _, f := range j.Files {
		groups, err := a.readWanted(f)
		if err != nil {
			return nil, fmt.Errorf("target file %s: %w", f.Path(), err)
		}
		for _, g := range groups {
			if len(sc.Relabel) == 0 {
				// In a file Prometheus leaves such a target out; here it would refuse all of
				// the configuration (config.go, checkStaticTargets).
				g.Targets = slices.DeleteFunc(slices.Clone(g.Targets), isURL)
			}
			labels := g.Labels
			if filepathSeen {
				labels = maps.Clone(labels)
				if labels == nil {
					labels = map[string]string{}
				}
				labels[render.MetaFilepath] = filepath.Join(a.disk.TargetsDir(), f.Path())
			}
			all = append(all, render.Group{Targets: g.Targets, Labels: labels})
		}
	}
	return all, nil
}

func isURL(addr string) bool { return strings.Contains(addr, "/") }

// readWanted reads a target file as it is wanted, whatever somebody has made of the
// one on the disk.
func (a *Agent) readWanted(f apply.File) ([]check.Group, error) {
	body, err := a.disk.ReadTargets(f)
	if err != nil || promfleet.HashOf(body) != f.Hash {
		copied, ok := a.drift.copies.Body(f.Path(), f.Hash)
		if !ok {
			return nil, errNotHere
		}
		body = copied
	}
	return check.TargetGroups(body)
}

// verified takes from what was not seen loaded which jobs have no watcher, and has
// them go inline at once.
func (in *inlining) verified(err error, jobs []apply.Job) {
	var dead *reload.DeadWatchers
	if !errors.As(err, &dead) {
		return
	}
	in.mu.Lock()
	if in.dead == nil {
		in.dead = map[string]bool{}
	}
	for _, j := range jobs {
		if slices.Contains(dead.Jobs, j.Name) {
			in.dead[j.Key] = true
		}
	}
	in.mu.Unlock()
	in.a.lookAgain.ring()
}

func (in *inlining) anyDead() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.dead) > 0
}

func (in *inlining) takeDead() map[string]bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	dead := in.dead
	in.dead = nil
	return dead
}

// look finds jobs that have lost their watcher while nothing was changed: with a
// restart of Prometheus each is made anew.
func (in *inlining) look(ctx context.Context, c *content) {
	var jobs []reload.Job
	byName := map[string]string{}
	for _, j := range c.jobs {
		if in.sides.Files[j.Key] && j.Targets() > 0 {
			jobs = append(jobs, reload.Job{Name: j.Name, Dir: filepath.Join(in.a.disk.TargetsDir(), j.Key), Targets: j.Targets()})
			byName[j.Name] = j.Key
		}
	}
	if len(jobs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	names, err := in.a.prom.WithoutWatcher(ctx, jobs)
	if err != nil {
		in.a.log.Debug("cannot see whether Prometheus watches its files", "err", err)
		return
	}
	in.suspect(names, byName, time.Now())
}

// suspect takes those for dead that are found so at two looks.
func (in *inlining) suspect(names []string, byName map[string]string, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	suspects := map[string]time.Time{}
	soon := false
	for _, name := range names {
		key := byName[name]
		since, ok := in.suspects[key]
		switch {
		case !ok:
			suspects[key], soon = now, true
		case now.Sub(since) < reload.ReadsWithin:
			suspects[key], soon = since, true
		default:
			if in.dead == nil {
				in.dead = map[string]bool{}
			}
			in.dead[key] = true
		}
	}
	in.suspects = suspects
	if soon {
		time.AfterFunc(reload.ReadsWithin+time.Second, in.a.lookAgain.ring)
	}
}

// say has metrics and a notice say how it stands.
func (in *inlining) say(h headroom, s sides, all int) {
	in.a.status.setInotify(inotifyStatus{inline: len(s.Inline), limit: h.limit, inUse: in.usage.InUse + in.usage.Unread})
	in.a.setNotice("inotify", inotifyNotice(h, s, in.usage.Sysctl, in.learned, all))
}

// inotifyNotice says how many jobs are inline, why, and what to do about it.
func inotifyNotice(h headroom, s sides, sysctl string, l *learned, all int) string {
	if len(s.Inline) == 0 && s.Beyond == 0 {
		return ""
	}
	if sysctl == "" {
		sysctl = "fs.inotify.max_user_instances"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d jobs have their targets in prometheus.yml itself, so that each change of these costs a reload: Prometheus needs an inotify instance for every other job, and ", len(s.Inline), all)
	if h.seen {
		fmt.Fprintf(&b, "its user (uid %d) may have %d (%s)", h.uid, h.limit, sysctl)
	} else {
		fmt.Fprintf(&b, "as it is not seen from here which ones it has, three quarters of %d (%s) are counted on", h.limit, sysctl)
	}
	if l != nil && l.UID == h.uid {
		const most = 10
		names := l.Jobs
		more := ""
		if len(names) > most {
			names, more = names[:most], fmt.Sprintf(" and %d more", len(l.Jobs)-most)
		}
		fmt.Fprintf(&b, "; it could not watch the files of %s%s", strings.Join(names, ", "), more)
	}
	if s.Beyond > 0 {
		fmt.Fprintf(&b, "; %d jobs more than there is room for are watched all the same, since prometheus.yml would become too large: Prometheus may not find their targets when it restarts", s.Beyond)
	}
	n := h.enough(all)
	for n <= h.limit {
		n *= 2
	}
	fmt.Fprintf(&b, ". To have all in files, write %s = %d to /etc/sysctl.d/99-promfleet-inotify.conf and run `sysctl --system`: the agent does the rest at its next sync", sysctl, n)
	return b.String()
}
