package apply

import (
	"maps"
	"path"
	"slices"
	"time"

	"promfleet"
)

// inQuestion tells whether there is anything of the set that was not seen loaded.
func (s State) inQuestion(revision int64, config promfleet.Hash) bool {
	return s.RevisionLoaded != revision || s.ReloadPending || len(s.Unseen) > 0 || s.LoadedConfig != config
}

// watch waits for what was written to be seen loaded.
func (m *Machine) watch(set Set) []Effect {
	m.set, m.how, m.hash, m.err, m.refuse = set, How{}, promfleet.HashOf(set.Config), nil, nil
	m.res, m.before = Result{}, m.State.clone()
	look := Look{}
	if m.LoadedConfig != m.hash || m.ReloadPending {
		look.Config = set.Config
	}
	for _, j := range set.Jobs {
		if paths, unseen := m.Unseen[j.Key]; unseen || look.Config != nil {
			look.Jobs = append(look.Jobs, JobLook{Job: j, Changed: m.mtimes(paths)})
		}
	}
	if look.Config == nil && len(look.Jobs) == 0 {
		return m.seen(nil)
	}
	m.at = settling
	return []Effect{verify{look}}
}

// mtimes gives the mtimes of target files, by path below the targets directory.
func (m *Machine) mtimes(paths []string) map[string]time.Time {
	if len(paths) == 0 {
		return nil
	}
	all := map[string]time.Time{}
	for _, p := range paths {
		if rec, ok := m.Files[p]; ok && rec.MTime != 0 {
			all[p] = time.Unix(0, rec.MTime)
		}
	}
	return all
}

// seen removes what nothing names any more, once all is seen loaded.
func (m *Machine) seen(missing error) []Effect {
	if missing != nil {
		m.ReloadAsked = "" // it was waited for; what was asked for is lost
		return m.close(missing)
	}
	m.ReloadPending, m.ReloadAsked, m.ReloadMark, m.Accepted = false, "", 0, m.hash
	m.at = removing
	var do []Effect
	if m.Back != m.hash {
		// First: what there is to go back to must not name what is gone.
		m.Back = m.hash
		do = append(do, keepBack{m.set.Config})
	}
	do = append(do, m.unnamed()...)
	if len(do) == 0 {
		return m.settled()
	}
	return do
}

// unnamed removes the files and directories of jobs that nothing loaded names any
// more. A directory goes only if the agent made it and it is empty.
func (m *Machine) unnamed() (do []Effect) {
	m.plan = makePlan(m.Files, m.set.Jobs, func(File) bool { return true })
	keys := map[string]bool{}
	for _, name := range m.plan.later {
		do = append(do, removeFile{name})
		keys[path.Dir(name)] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		do = append(do, syncTargets{key})
	}
	n := len(do)
	for _, key := range slices.Sorted(maps.Keys(m.Dirs)) {
		if !slices.ContainsFunc(m.set.Jobs, func(j Job) bool { return j.Key == key }) {
			do = append(do, removeDir{key})
		}
	}
	if len(do) > n {
		do = append(do, syncTargets{"."})
	}
	return do
}

// settled notes that all is as it should be.
func (m *Machine) settled() []Effect {
	m.count(m.doing)
	for _, e := range m.doing {
		switch e := e.(type) {
		case removeFile:
			delete(m.Files, e.path)
		case removeDir:
			delete(m.Dirs, e.key)
		}
	}
	clear(m.Unseen)
	m.LoadedConfig, m.TakenOver = m.hash, ""
	m.RevisionLoaded = m.set.Manifest.Revision
	return m.close(nil)
}
