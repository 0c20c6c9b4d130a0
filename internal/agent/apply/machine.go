package apply

import (
	"errors"
	"fmt"
	"slices"

	"promfleet"
)

// Machine is where an apply stands. Between two of them it is at rest, and only
// its State counts: that is what a restart finds again.
type Machine struct {
	State

	at     phase
	doing  []Effect // what was asked for last
	set    Set
	how    How
	hash   promfleet.Hash // of the set's prometheus.yml
	found  found
	before State // what the journal said before this apply
	plan   plan
	config bool           // prometheus.yml is to be written
	adopt  bool           // it is as wanted, and nobody knows who wrote it
	file   promfleet.Hash // of the prometheus.yml that is there, in between
	fresh  bool           // Prometheus has read it since, as its mark says
	down   bool           // Prometheus cannot be asked
	back   []byte         // the prometheus.yml to go back to
	refuse error          // why it was not loaded

	res Result
	err error
}

// phase says what the effects under way are for.
type phase int

const (
	resting phase = iota
	asking
	writing
	reloading
	fetchingBack
	goingBack
	havingNone
	seeingBack
	settling
	removing
	closing
)

// An Event is what Step is told.
type Event interface{ event() }

// The events.
type (
	// wanted: a set is wanted, and this is what the disk says now.
	wanted struct {
		set   Set
		how   How
		found found
	}
	// noticed: files of the agent's are not as it left them, or nobody knows.
	noticed struct{ files map[string]Record }
	// watched: what was written is to be seen loaded.
	watched struct{ set Set }
	// done: all effects have been done, and this is what they brought.
	done struct{ results }
	// failed: the effect with this number could not be done. Those after it were
	// not begun; those before it, and perhaps it, were done.
	failed struct {
		n   int
		err error
	}
)

func (wanted) event()  {}
func (noticed) event() {}
func (watched) event() {}
func (done) event()    {}
func (failed) event()  {}

// results are what effects bring.
type results struct {
	mark    float64
	files   map[string]Record // placed
	config  *Record           // of the prometheus.yml written
	back    []byte            // nil: there is none
	outcome Outcome
	why     error // of an outcome that is not Reloaded
	unseen  error // what Verify misses

	collected bool
}

// An Effect is something to be done, in the order given, each only if all before
// it were done. Unless it says otherwise it is on the disk for good when it is done.
type Effect interface{ effect() }

// The effects.
type (
	askMark      struct{}
	journal      struct{ state State }
	keepOriginal struct{ body []byte } // beside its place, unless one is there
	keepBack     struct{ body []byte } // as what to go back to
	keepCurrent  struct{}              // the one that is there, as what to go back to
	fetchBack    struct{}
	makeDir      struct{ key string }  // not synced
	placeFile    struct{ file File }   // the one staged; not synced
	removeFile   struct{ path string } // not synced
	removeDir    struct{ key string }  // not synced; one with anything in it stays
	syncTargets  struct{ name string }
	syncConfig   struct{}
	putConfig    struct{ body []byte }
	removeConfig struct{}
	askReload    struct{}
	verify       struct{ look Look }
	collect      struct{ keep []promfleet.Hash }
)

func (askMark) effect()      {}
func (journal) effect()      {}
func (keepOriginal) effect() {}
func (keepBack) effect()     {}
func (keepCurrent) effect()  {}
func (fetchBack) effect()    {}
func (makeDir) effect()      {}
func (placeFile) effect()    {}
func (removeFile) effect()   {}
func (removeDir) effect()    {}
func (syncTargets) effect()  {}
func (syncConfig) effect()   {}
func (putConfig) effect()    {}
func (removeConfig) effect() {}
func (askReload) effect()    {}
func (verify) effect()       {}
func (collect) effect()      {}

// Step decides what is to be done next. It is told what became of that by the next
// event, until it asks for nothing more: then the machine is at rest, and res and
// err say what came of it. It reads no clock and no disk, and changes nothing but
// what it returns.
//
//	wanted:  mark -> journal -> targets -> prometheus.yml -> reload -> journal
//	watched: verify -> what is to go back to -> removal -> journal
//	refused: journal -> prometheus.yml as it was -> reload -> verify -> journal
func Step(m Machine, e Event) (Machine, []Effect) {
	m.State = m.State.clone()
	var do []Effect
	switch e := e.(type) {
	case wanted:
		do = m.want(e)
	case noticed:
		for path, now := range e.files {
			m.Files[path] = Record{Hash: now.Hash, Size: now.Size}
		}
	case watched:
		do = m.watch(e.set)
	case done:
		do = m.goOn(e.results)
	case failed:
		m.fail(e)
	}
	m.doing = do
	if do == nil {
		m.at, m.set, m.found, m.before, m.plan, m.back = resting, Set{}, found{}, State{}, plan{}, nil
	}
	return m, do
}

func (m *Machine) goOn(r results) []Effect {
	switch m.at {
	case asking:
		m.marked(r.mark)
		return m.write()
	case writing:
		return m.written(r)
	case reloading:
		return m.reloaded(r)
	case fetchingBack:
		return m.goBack(r.back)
	case goingBack:
		return m.wentBack(r)
	case havingNone:
		m.ReloadPending, m.LoadedConfig, m.Config = false, "", nil
		return m.close(m.refuse)
	case seeingBack:
		return m.sawBack(r.unseen)
	case settling:
		return m.seen(r.unseen)
	case removing:
		return m.settled()
	case closing:
		m.res.Collected = r.collected
		return nil
	default:
		return nil
	}
}

// fail ends an apply. What was noted before it stands, and the next one goes on
// from there.
func (m *Machine) fail(e failed) {
	failedBefore := func(i int, there bool) bool { return there && e.n <= i }
	switch m.at {
	case writing:
		m.count(m.doing[:e.n])
		if failedBefore(lastOf[journal](m.doing)) {
			m.State = m.before // names are the agent's only once that is on the disk
		}
	case fetchingBack, goingBack, havingNone:
		e.err = fmt.Errorf("%w; and the previous configuration cannot be put back: %w", m.refuse, e.err)
	case seeingBack:
		e.err = m.refuse // it was not waited for
	}
	if _, asked := lastOf[askReload](m.doing); asked {
		m.ReloadAsked = "" // it was not come to
	}
	if failedBefore(lastOf[keepBack](m.doing)) || failedBefore(lastOf[keepCurrent](m.doing)) {
		m.Back = "" // unknown
	}
	m.err = errors.Join(m.err, e.err)
}

// lastOf gives the index of the last effect of a kind.
func lastOf[E Effect](all []Effect) (int, bool) {
	for i, e := range slices.Backward(all) {
		if _, ok := e.(E); ok {
			return i, true
		}
	}
	return 0, false
}

// count notes what was done to target files.
func (m *Machine) count(effects []Effect) {
	for _, e := range effects {
		switch e.(type) {
		case placeFile:
			m.res.Files++
		case removeFile:
			m.res.Removed++
		case putConfig:
			m.res.Config = true
		}
	}
}

// close saves the journal and ends with an error, or none.
func (m *Machine) close(err error) []Effect {
	m.at, m.err = closing, err
	return []Effect{journal{m.State}}
}
