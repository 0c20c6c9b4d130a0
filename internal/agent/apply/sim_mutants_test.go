package apply

import (
	"io/fs"
	"path"
	"slices"
	"testing"
)

// mutants are agents that are broken in one way each. The simulation must find
// every one, or it proves nothing of the agent that is not.
var mutants = []struct {
	name  string
	in    string // the scenario that finds it
	setup func(w *world)
}{
	{"no fsync of target files", "first configuration", noFileSync(targetsDir)},
	{"no fsync of prometheus.yml", "first configuration", noFileSync("etc")},
	{"no fsync of the journal", "first configuration", noFileSync("data")},
	{"no fsync of the targets directory", "first configuration", noDirSync(targetsDir, ".")},
	{"no fsync of a job's directory", "first configuration", noDirSync(targetsDir, "a")},
	{"no fsync of the directory of prometheus.yml", "job added and removed", noDirSync("etc", ".")},
	{"no fsync of the data path", "targets only", noDirSync("data", ".")},
	{"a failed fsync is tried again on the same file", "first configuration", func(w *world) {
		w.wrapFS = func(_ string, f FS) FS { return stubborn{f} }
	}},

	{"prometheus.yml before the targets", "first configuration", effects(first[putConfig])},
	{"the reload before prometheus.yml", "job added and removed", reloadFirst},
	{"old pieces go before the new ones come", "piece split", effects(first[removeFile])},
	{"removal before what is loaded is seen", "timeout, then loaded", early(func(do []Effect) []Effect { return do })},
	{"loaded is reported early", "timeout, then loaded", early(drop[removeFile])},
	{"removal before there is something to go back to", "timeout, then loaded", effects(last[keepBack])},
	{"no journal before the writing", "targets only", effects(drop[journal])},
	{"the journal after the writing", "refused, then rolled back", effects(last[journal])},
	{"no note that a reload is under way", "timeout, then loaded", effects(func(do []Effect) []Effect {
		if _, reload := lastOf[askReload](do); reload {
			return drop[journal](do)
		}
		return do
	})},
	{"the original is not kept", "take-over", effects(drop[keepOriginal])},
	{"no way back", "refused, then rolled back", effects(func(do []Effect) []Effect {
		if _, found := lastOf[fetchBack](do); found {
			return nil
		}
		return do
	})},
}

func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == m.in })
			wrong, runs := scenarios[i].everywhere(4, true, m.setup)
			if len(wrong) == 0 {
				t.Fatalf("it survives %d runs of %s", runs, m.in)
			}
			t.Logf("found in run %d of %s: %.300s", runs, m.in, wrong[0])
		})
	}
}

// effects has a change made to all that Step asks for.
func effects(change func([]Effect) []Effect) func(*world) {
	return func(w *world) {
		w.wrapStep = func(next stepFunc) stepFunc {
			return func(m Machine, e Event) (Machine, []Effect) {
				m, do := next(m, e)
				if do = change(do); do == nil {
					m.at = resting
				}
				m.doing = do
				return m, do
			}
		}
	}
}

// early has Step believe that all is seen loaded, without a look.
func early(change func([]Effect) []Effect) func(*world) {
	return func(w *world) {
		w.wrapStep = func(next stepFunc) stepFunc {
			return func(m Machine, e Event) (Machine, []Effect) {
				m, do := next(m, e)
				if m.at == settling {
					m, do = next(m, done{})
					do = change(do)
					m.doing = do
				}
				return m, do
			}
		}
	}
}

// reloadFirst has Prometheus reload before its new prometheus.yml is there.
func reloadFirst(w *world) {
	w.wrapStep = func(next stepFunc) stepFunc {
		var before results
		return func(m Machine, e Event) (Machine, []Effect) {
			if d, ok := e.(done); ok && m.at == writing {
				before = d.results
			} else if ok && m.at == reloading {
				d.outcome, d.why = before.outcome, before.why
				e = d
			}
			m, do := next(m, e)
			switch _, config := lastOf[putConfig](do); {
			case m.at == writing && config:
				do = append([]Effect{askReload{}}, do...)
			case m.at == reloading:
				do = drop[askReload](do)
			}
			m.doing = do
			return m, do
		}
	}
}

func split[E Effect](do []Effect) (these, others []Effect) {
	for _, e := range do {
		if _, is := e.(E); is {
			these = append(these, e)
		} else {
			others = append(others, e)
		}
	}
	return these, others
}

func drop[E Effect](do []Effect) []Effect {
	_, others := split[E](do)
	return others
}

func first[E Effect](do []Effect) []Effect {
	these, others := split[E](do)
	return append(these, others...)
}

func last[E Effect](do []Effect) []Effect {
	these, others := split[E](do)
	return append(others, these...)
}

func noFileSync(dir string) func(*world) {
	return func(w *world) {
		w.wrapFS = func(of string, f FS) FS {
			if of == dir {
				return hasty{FS: f}
			}
			return f
		}
	}
}

func noDirSync(dir, name string) func(*world) {
	return func(w *world) {
		w.wrapFS = func(of string, f FS) FS {
			if of == dir {
				return hasty{FS: f, dir: name}
			}
			return f
		}
	}
}

// hasty does not sync: files, or the directory with a name.
type hasty struct {
	FS
	dir string
}

func (h hasty) SyncDir(name string) error {
	if h.dir != "" && path.Clean(name) == h.dir {
		return nil
	}
	return h.FS.SyncDir(name)
}

func (h hasty) Create(name string, mode fs.FileMode, like fs.FileInfo) (Handle, error) {
	f, err := h.FS.Create(name, mode, like)
	if h.dir != "" || err != nil {
		return f, err
	}
	return handle{f, func() error { return nil }}, nil
}

// stubborn tries a failed sync again.
type stubborn struct{ FS }

func (s stubborn) Create(name string, mode fs.FileMode, like fs.FileInfo) (Handle, error) {
	f, err := s.FS.Create(name, mode, like)
	if err != nil {
		return nil, err
	}
	return handle{f, func() error {
		if f.Sync() == nil {
			return nil
		}
		return f.Sync()
	}}, nil
}

// handle is a Handle with another Sync.
type handle struct {
	Handle
	sync func() error
}

func (h handle) Sync() error { return h.sync() }
