package apply

import (
	"errors"
	"fmt"
	"slices"

	"promfleet"
)

// ErrUnanswered is that no reload is asked for since one is under way, perhaps: that
// of an agent that was killed.
var ErrUnanswered = errors.New("a reload that was asked for has not been answered and may still be under way: no other is asked for until Prometheus was looked at")

// want begins an apply.
func (m *Machine) want(e wanted) []Effect {
	m.set, m.how, m.found, m.hash = e.set, e.how, e.found, promfleet.HashOf(e.set.Config)
	m.res, m.err, m.refuse = Result{Outcome: NotNeeded}, nil, nil
	m.fresh, m.down = false, false
	m.before, m.file = m.State.clone(), m.found.hash()
	m.plan = makePlan(m.Files, m.set.Jobs, func(f File) bool { return m.found.files[f.Path()].Hash == f.Hash })
	stays := m.how.HoldConfig || m.how.LeaveConfig
	m.config = !stays && m.file != m.hash
	theirs := m.found.theirs != nil
	if m.config && theirs && m.how.TakeOver != m.file {
		m.err = errNotSeen
		return nil
	}
	m.adopt = theirs && !m.config && !stays
	if !theirs && m.found.config != nil || m.adopt {
		m.Config = m.found.config
	}
	m.RevisionReceived = m.set.Manifest.Revision
	if m.adopt {
		m.TakenOver, m.LoadedConfig, m.ReloadPending, m.ReloadMark = "", "", true, 0
	}
	if m.config || m.ReloadPending || m.file != m.LoadedConfig {
		m.at = asking
		return []Effect{askMark{}}
	}
	return m.write()
}

var errNotSeen = errors.New("was not written by this agent and has changed since it was looked at: it is not replaced")

// marked learns whether Prometheus has read its configuration since the mark was
// noted.
func (m *Machine) marked(mark float64) {
	switch {
	case !m.ReloadPending || mark == 0 || mark == m.ReloadMark:
	case m.ReloadMark == 0 && m.ReloadAsked != "":
		m.ReloadMark = mark // it could not be asked then: nothing to compare with
	default:
		// By a reload that was asked for, or at its start, perhaps. The watch tells
		// whether it is this file. If not, the mark stays as it is now and the next
		// apply reloads.
		m.fresh = m.ReloadAsked == "" || m.ReloadAsked == m.file
		m.ReloadMark, m.ReloadAsked = mark, ""
		if m.fresh {
			m.Read = m.file
		}
	}
	m.down = mark == 0
	switch {
	case m.config && m.down && m.Refused != nil && m.Refused.Hash == m.hash && m.wasLoaded():
		m.config, m.how.HoldConfig = false, true // it must be able to say no
	case m.config:
		if !m.ReloadPending || !m.down { // else what was noted before still tells
			m.ReloadMark = mark
		}
		m.fresh, m.LoadedConfig, m.ReloadPending = false, "", true
	case m.diedOfIt():
		m.Refused = &Refusal{Hash: m.file, Error: errDied.Error()}
		m.how.HoldConfig = true
	}
}

var errDied = errors.New("Prometheus has not answered since it was written, and may not start with it; it is tried again when Prometheus runs")

// diedOfIt tells whether Prometheus, which ran when its prometheus.yml was
// replaced, does not any more, and has never said that it can load this one. Not
// to find out why, but so that it starts in any case, it is given the one that it
// could load.
func (m *Machine) diedOfIt() bool {
	return m.down && m.ReloadMark != 0 && m.file != m.LoadedConfig && !m.how.HoldConfig && !m.how.LeaveConfig && !m.adopt &&
		m.file != m.Accepted && m.wasLoaded()
}

// wasLoaded tells whether what there is to go back to is known to have been loaded.
func (s State) wasLoaded() bool {
	if s.Back == "" {
		return s.TakenOver != ""
	}
	return s.Back == s.Accepted
}

// backHash is that of what there is to go back to.
func (s State) backHash() promfleet.Hash {
	if s.Back == "" {
		return s.TakenOver
	}
	return s.Back
}

// write brings the files to what is wanted, prometheus.yml last.
func (m *Machine) write() []Effect {
	m.at = writing
	note, do := m.note()
	if note {
		do = append(do, journal{m.State})
	}
	do = append(do, m.dirs()...)
	for _, j := range m.set.Jobs {
		do = append(do, m.files(j)...)
	}
	if _, placed := lastOf[placeFile](do); placed {
		do = append(do, syncTargets{TargetsStage})
	}
	switch {
	case m.config:
		do = append(do, putConfig{m.set.Config})
	case m.found.config != nil && !m.found.same && (m.found.theirs == nil || m.adopt || m.file == m.TakenOver && m.file != m.LoadedConfig):
		do = append(do, syncConfig{}) // a killed agent may not have come to it
	}
	if len(do) == 0 {
		return m.written(results{})
	}
	return do
}

// note puts down what is about to be written, so that an agent killed in between
// knows its own files again and that a reload is due.
func (m *Machine) note() (note bool, first []Effect) {
	for _, j := range m.plan.jobs {
		for _, f := range j.write {
			_, owned := m.Files[f.Path()]
			note = note || !owned
			m.Files[f.Path()] = Record{Hash: f.Hash, Size: f.Size}
		}
	}
	for _, j := range m.set.Jobs {
		if !m.found.dirs[j.Key] && (len(j.Files) > 0 || !j.Shared) {
			m.Dirs[j.Key], note = false, true
		}
	}
	switch {
	case m.config && m.found.theirs != nil:
		m.TakenOver, m.Back = m.file, ""
		first = []Effect{keepOriginal{m.found.theirs}, keepBack{m.found.theirs}}
	case m.config && m.file != "" && m.worthKeeping():
		m.Back = m.file
		first = []Effect{keepCurrent{}}
	}
	if m.config && (m.Config == nil || m.Config.MTime == 0) {
		m.Config = &Record{Hash: m.hash, Size: int64(len(m.set.Config))}
	}
	return note || m.config || m.adopt, first
}

// worthKeeping tells whether the prometheus.yml that is there is to be kept before
// it is replaced: it is the one last accepted, and could not be kept then; or none
// ever was, and this may be the one that Prometheus runs.
func (m *Machine) worthKeeping() bool {
	if m.Accepted != "" || m.TakenOver != "" {
		return m.file == m.Accepted && m.file != m.Back
	}
	return m.Back == "" || m.Read == m.file
}

// dirs makes the directories of jobs. Also that of a job without targets:
// Prometheus can watch only what is there, and the first target must not wait for
// a refresh.
func (m *Machine) dirs() (do []Effect) {
	doubt := false
	for _, j := range m.set.Jobs {
		if !m.found.dirs[j.Key] && (len(j.Files) > 0 || !j.Shared) {
			do = append(do, makeDir{j.Key})
		}
		there, ours := m.Dirs[j.Key]
		doubt = doubt || ours && !there
	}
	if doubt {
		do = append(do, syncTargets{"."})
	}
	return do
}

// files puts the new files of a job in place and then removes those that they
// replace: a target that moves from one to the other is there throughout.
func (m *Machine) files(j Job) (do []Effect) {
	i := slices.IndexFunc(m.plan.jobs, func(p jobPlan) bool { return p.key == j.Key })
	p := jobPlan{}
	if i >= 0 {
		p = m.plan.jobs[i]
	}
	for _, f := range p.write {
		do = append(do, placeFile{f})
	}
	if len(do) > 0 || len(m.unknown(j)) > 0 {
		do = append(do, syncTargets{j.Key})
	}
	for _, name := range p.remove {
		do = append(do, removeFile{name})
	}
	if len(p.remove) > 0 {
		do = append(do, syncTargets{j.Key})
	}
	return do
}

// unknown gives the files of a job that are as wanted, without anybody knowing
// since when: a killed agent may not have come to syncing their directory.
func (m *Machine) unknown(j Job) (all []File) {
	for _, f := range j.Files {
		if m.found.files[f.Path()].Hash == f.Hash && !m.found.known[f.Path()] {
			all = append(all, f)
		}
	}
	return all
}

// written notes what is on the disk now, and has Prometheus read it if need be.
func (m *Machine) written(r results) []Effect {
	m.count(m.doing)
	m.noteFiles(r.files)
	if r.config != nil {
		m.Config, m.file = r.config, m.hash
	}
	switch {
	case m.how.LeaveConfig && m.how.HoldConfig:
		return m.close(m.holding())
	case m.how.LeaveConfig:
		return m.close(nil)
	case m.backDue() && m.down && (m.file == m.backHash() || !m.wasLoaded() && m.file != m.Refused.Hash):
		return m.finish() // it will be seen when there is something to see
	case m.backDue():
		m.refuse = m.holding()
		return m.fetchBack()
	case m.ReloadAsked != "" && m.ReloadPending:
		m.res.Outcome, m.res.Trouble = Unknown, ErrUnanswered
		return m.finish()
	case m.ReloadPending && !m.fresh:
		m.at, m.ReloadAsked = reloading, m.file
		return []Effect{journal{m.State}, askReload{}}
	default:
		return m.finish()
	}
}

func (m *Machine) noteFiles(placed map[string]Record) {
	for _, j := range m.plan.jobs {
		changed := slices.DeleteFunc(slices.Clone(m.Unseen[j.key]), func(path string) bool { return slices.Contains(j.remove, path) })
		for _, f := range j.write {
			m.Files[f.Path()] = placed[f.Path()]
			changed = append(changed, f.Path())
		}
		for _, path := range j.remove {
			delete(m.Files, path)
		}
		m.setUnseen(j.key, changed)
	}
	for _, j := range m.set.Jobs {
		for _, f := range m.unknown(j) {
			m.Files[f.Path()] = m.found.files[f.Path()]
			m.setUnseen(j.Key, append(slices.Clone(m.Unseen[j.Key]), f.Path()))
		}
		if _, ours := m.Dirs[j.Key]; ours {
			m.Dirs[j.Key] = true
		}
	}
}

func (m *Machine) setUnseen(key string, paths []string) {
	slices.Sort(paths)
	m.Unseen[key] = slices.Compact(paths)
}

// reloaded judges a reload.
func (m *Machine) reloaded(r results) []Effect {
	m.res.Outcome, m.res.Trouble = r.outcome, r.why
	if r.outcome != Unknown {
		m.ReloadAsked = ""
	}
	switch r.outcome {
	case Reloaded:
		m.ReloadPending, m.Accepted = false, m.file
	case NotReloaded:
		m.ReloadPending = false
	case Denied, Refused:
		m.res.Trouble = nil
		m.refuse = fmt.Errorf("%w: %w", ErrRefused, r.why)
		m.Refused = &Refusal{Hash: m.file, Error: r.why.Error()}
		return m.fetchBack()
	}
	return m.finish()
}

// finish ends an apply that is left to a watch, or that holds prometheus.yml back.
func (m *Machine) finish() []Effect {
	if m.how.HoldConfig {
		return m.close(m.holding())
	}
	m.Refused = nil
	m.RevisionWritten, m.Manifest = m.set.Manifest.Revision, &m.set.Manifest
	var do []Effect
	if m.Accepted == m.hash && m.Back != m.hash {
		m.Back = m.hash
		do = append(do, keepBack{m.set.Config})
	}
	do = append(do, m.close(nil)...)
	if m.same() {
		return do // the caller may keep bodies for what it waits for
	}
	return append(do, collect{m.set.Parts})
}

// same tells whether the set is the one that was there before, and nothing was done.
func (m *Machine) same() bool {
	return len(m.plan.jobs) == 0 && m.res.Outcome == NotNeeded && !m.config && !m.adopt &&
		m.before.Manifest != nil && m.before.RevisionWritten == m.set.Manifest.Revision
}
