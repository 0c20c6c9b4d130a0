package agent

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/check"
)

// The removal guard: what a step would take away of the targets that the files
// have now. A target goes if its job no longer has its address; other labels, or
// another piece, are no removal. A job is known by its key, and by its name where
// the key is gone.

// removal is what a step takes away.
type removal struct {
	Gone int64 // targets
	// Fresh are those of them that were not held back already.
	Fresh int64
	Jobs  []jobRemoval // sorted by key
}

// jobRemoval is what a step takes away of one job.
type jobRemoval struct {
	Key  string `json:"key"`
	Gone int64  `json:"gone"`
	// Whole: the job goes, and no other takes its place.
	Whole bool `json:"whole,omitempty"`
}

// A pair is what the disk has and what is wanted in its place.
type pair struct {
	old  []apply.Job
	want *apply.Job // nil: the job goes
}

func (p pair) key() string {
	if p.want != nil {
		return p.want.Key
	}
	return p.old[0].Key
}

// pairs finds for each job of the disk the one that takes its place.
func pairs(old, want []apply.Job) []pair {
	byKey, byName := map[string]int{}, map[string]int{}
	all := make([]pair, len(want))
	for i := range want {
		all[i].want = &want[i]
		byKey[want[i].Key], byName[want[i].Name] = i, i
	}
	for _, j := range old {
		i, ok := byKey[j.Key]
		if !ok && j.Name != "" {
			i, ok = byName[j.Name]
		}
		if ok {
			all[i].old = append(all[i].old, j)
		} else {
			all = append(all, pair{old: []apply.Job{j}})
		}
	}
	all = slices.DeleteFunc(all, func(p pair) bool { return len(p.old) == 0 })
	slices.SortFunc(all, func(a, b pair) int { return cmp.Compare(a.key(), b.key()) })
	return all
}

// changed gives the files of the disk that do not stay as they are, and those
// wanted that are not there. Files of the disk without a hash are not as they
// were written.
func (p pair) changed() (old, want []apply.File) {
	have, keep := map[string]promfleet.Hash{}, map[string]bool{}
	for _, j := range p.old {
		for _, f := range j.Files {
			have[f.Path()] = f.Hash
		}
	}
	if p.want != nil {
		for _, f := range p.want.Files {
			if f.Hash != "" && have[f.Path()] == f.Hash {
				keep[f.Path()] = true
			} else {
				want = append(want, f)
			}
		}
	}
	for _, j := range p.old {
		for _, f := range j.Files {
			if !keep[f.Path()] {
				old = append(old, f)
			}
		}
	}
	slices.SortFunc(old, func(a, b apply.File) int { return cmp.Compare(a.Path(), b.Path()) })
	return old, want
}

// count gives how many targets there are.
func count(jobs []apply.Job) (n int64) {
	for _, j := range jobs {
		n += j.Targets()
	}
	return n
}

// mostGone gives how many targets may go at the most: all in files that do not
// stay as they are. It reads nothing.
func mostGone(all []pair) (n int64) {
	for _, p := range all {
		old, _ := p.changed()
		for _, f := range old {
			n += f.Targets
		}
	}
	return n
}

// reader reads a target file.
type reader func(apply.File) ([]check.Group, error)

// guard weighs a step.
type guard struct {
	disk reader // files as they are on the disk
	next reader // files as they are wanted
	// kept are the jobs that are there only because they were held back.
	kept map[string]bool
	// keep is handed the targets that go of jobs that stay, in order; nil: they
	// are only counted.
	keep func(want *apply.Job, addr string, labels map[string]string)
}

// weigh counts what a step takes away. Memory goes by what is on the disk, not
// by what a server sends.
func (g guard) weigh(all []pair) (removal, error) {
	var r removal
	for _, p := range all {
		gone := jobRemoval{Key: p.key(), Whole: p.want == nil}
		var fresh int64
		var err error
		if p.want == nil {
			gone.Gone = count(p.old)
			if !g.kept[p.key()] {
				fresh = gone.Gone
			}
		} else if gone.Gone, fresh, err = g.weighJob(p); err != nil {
			return r, err
		}
		if gone.Gone > 0 || gone.Whole {
			r.Jobs = append(r.Jobs, gone)
		}
		r.Gone += gone.Gone
		r.Fresh += fresh
	}
	return r, nil
}

// weighJob counts what goes of a job that stays. A target of the disk stays if
// it is wanted just so, or else if as many others with its address are wanted.
func (g guard) weighJob(p pair) (gone, fresh int64, err error) {
	oldFiles, wantFiles := p.changed()
	if len(oldFiles) == 0 {
		return 0, 0, nil
	}
	m := marks{seed: maphash.MakeSeed(), stays: map[uint64]bool{}, addrs: map[uint64]int{}}
	lost := map[string]bool{}
	for _, f := range oldFiles {
		groups, err := g.disk(f)
		if err != nil {
			// Gone from the disk already, or spoilt: nothing of it can be kept.
			lost[f.Path()] = true
			gone += f.Targets
			if !isHeld(f.Piece) {
				fresh += f.Targets
			}
			continue
		}
		for t := range m.targets(groups) {
			m.stays[t.exact] = false
			m.addrs[t.byAddr] = 0
		}
	}
	for _, f := range wantFiles {
		groups, err := g.next(f)
		if err != nil {
			return 0, 0, fmt.Errorf("target file %s: %w", f.Path(), err)
		}
		for t := range m.targets(groups) {
			if _, had := m.stays[t.exact]; had {
				m.stays[t.exact] = true
			} else if _, had := m.addrs[t.byAddr]; had {
				m.addrs[t.byAddr]++
			}
		}
	}
	for _, f := range oldFiles {
		if lost[f.Path()] {
			continue
		}
		groups, err := g.disk(f)
		if err != nil {
			return 0, 0, fmt.Errorf("target file %s: %w", f.Path(), err)
		}
		for t := range m.targets(groups) {
			if m.stays[t.exact] {
				continue
			}
			m.stays[t.exact] = true // the same once more is the same target
			if m.addrs[t.byAddr] > 0 {
				m.addrs[t.byAddr]--
				continue
			}
			gone++
			if !isHeld(f.Piece) {
				fresh++
			}
			if g.keep != nil {
				g.keep(p.want, t.addr, t.labels)
			}
		}
	}
	return gone, fresh, nil
}

// marks are what is known of the targets of a job, by hashes: a job may have a
// million.
type marks struct {
	seed  maphash.Seed
	stays map[uint64]bool // by address and labels
	addrs map[uint64]int  // others wanted, by address
}

// target is one target of a file, with its hashes.
type target struct {
	exact, byAddr uint64
	addr          string
	labels        map[string]string
}

func (m *marks) targets(groups []check.Group) iter.Seq[target] {
	return func(yield func(target) bool) {
		for _, g := range groups {
			var labels strings.Builder
			for _, name := range slices.Sorted(maps.Keys(g.Labels)) {
				fmt.Fprintf(&labels, "\x00%q=%q", name, g.Labels[name])
			}
			for _, addr := range g.Targets {
				if !yield(target{maphash.String(m.seed, addr+labels.String()), maphash.String(m.seed, addr), addr, g.Labels}) {
					return
				}
			}
		}
	}
}

// heldPrefix begins the names of the pieces that the guard makes. No server may
// send one of that name.
const heldPrefix = "held-"

func isHeld(piece string) bool { return strings.HasPrefix(piece, heldPrefix) }

// diskJobs gives the jobs that the disk has: those that were applied last, with
// the files that are there now. Files that are not as they were written have no
// hash.
func (a *Agent) diskJobs(applied *content) []apply.Job {
	var jobs []apply.Job
	at := map[string]int{}
	known := map[string]bool{}
	owned := a.disk.State().Files
	if applied != nil {
		for _, j := range applied.applyJobs() {
			j.Files = slices.Clone(j.Files)
			for i, f := range j.Files {
				known[f.Path()] = true
				if owned[f.Path()].Hash != f.Hash && !isHeld(f.Piece) {
					j.Files[i] = a.asFound(f)
				}
			}
			at[j.Key] = len(jobs)
			jobs = append(jobs, j)
		}
	}
	// What an apply that was cut short has left, and all of it if nobody knows
	// any more what was applied last.
	for _, path := range slices.Sorted(maps.Keys(owned)) {
		key, name, _ := strings.Cut(path, "/")
		i, ok := at[key]
		if known[path] || !ok && applied != nil {
			continue
		}
		if !ok {
			i = len(jobs)
			at[key] = i
			jobs = append(jobs, apply.Job{Key: key})
		}
		f := a.asFound(apply.File{Key: key, Piece: strings.TrimSuffix(name, ".json")})
		jobs[i].Files = append(jobs[i].Files, f)
	}
	return jobs
}

// asFound tells of a file that is not as it was written what is in it; if that
// cannot be read, as many targets as were.
func (a *Agent) asFound(f apply.File) apply.File {
	f.Hash = ""
	groups, err := a.readDisk(f)
	if err != nil {
		return f
	}
	f.Targets = 0
	for _, g := range groups {
		f.Targets += int64(len(g.Targets))
	}
	return f
}

// readDisk reads a target file as it is on the disk, whatever is staged for it.
// A piece of the guard's own is kept twice.
func (a *Agent) readDisk(f apply.File) ([]check.Group, error) {
	if body, ok := a.heldBody(f); ok {
		return check.TargetGroups([]byte(body))
	}
	f.Hash = ""
	return a.readNext(f)
}

// readNext reads a target file as it is wanted.
func (a *Agent) readNext(f apply.File) ([]check.Group, error) {
	body, err := a.disk.ReadTargets(f)
	if errors.Is(err, fs.ErrNotExist) && f.Hash != "" {
		return nil, errNotHere
	}
	if err != nil {
		return nil, err
	}
	return check.TargetGroups(body)
}
