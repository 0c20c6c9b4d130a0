package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/agent/apply/simfs"
)

// killed is what an agent ends with that is killed.
type killed struct{}

// world is a host in memory: a disk, a Prometheus, an agent.
type world struct {
	disk *simfs.Disk
	prom *simProm
	data *Data
	d    *Disk // nil: no agent runs

	// What a broken agent would do otherwise.
	wrapFS   func(dir string, f FS) FS
	wrapStep func(next stepFunc) stepFunc

	bodies  map[promfleet.Hash]string
	checked map[string]bool   // every prometheus.yml that was ever handed over
	theirs  map[string]string // files of somebody else's
	had     bool              // there was a prometheus.yml that could be loaded
	byHand  bool              // somebody has edited a file since the last sync
	set     Set
	held    promfleet.Hash // prometheus.yml that is not to be tried just now

	ops    int
	fault  func(n int, op simfs.Op) error // nil: none
	dirty  bool
	writes int
	wrong  []string
}

type stepFunc = func(Machine, Event) (Machine, []Effect)

func newWorld() *world {
	w := &world{
		disk: simfs.New(), bodies: map[promfleet.Hash]string{}, checked: map[string]bool{}, theirs: map[string]string{},
		wrapFS: func(_ string, f FS) FS { return f }, wrapStep: func(s stepFunc) stepFunc { return s },
	}
	w.prom = &simProm{disk: w.disk, tick: func(call string) { _ = w.before(simfs.Op{Kind: call}) }}
	w.disk.FS(targetsDir)
	w.disk.FS("data")
	w.disk.Before = w.before
	return w
}

// foreign puts a file of somebody else's there.
func (w *world) foreign(name, body string) {
	w.disk.Put(name, body)
	w.theirs[name] = body
	w.bodies[promfleet.HashOf([]byte(body))] = body
	if name == configFile {
		w.checked[body] = true
	}
}

// before is called before all that the agent does to the world.
func (w *world) before(op simfs.Op) error {
	if w.dirty {
		w.dirty = false
		w.check("before " + op.Kind + " " + op.Name)
	}
	w.ops++
	if w.fault != nil {
		if err := w.fault(w.ops, op); err != nil {
			return err
		}
	}
	if op.Name != "" && op.Changes() {
		w.writes++
		w.dirty = op.Kind == "rename" || op.Kind == "remove" // all else is of temporaries
	}
	return nil
}

func (w *world) violation(format string, args ...any) {
	if len(w.wrong) < 5 {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// check looks whether all holds that must hold at any moment.
func (w *world) check(when string) {
	text, there := w.disk.Read(configFile)
	switch {
	case there && (!w.checked[text] || !strings.HasSuffix(text, wholeEnd)):
		w.violation("%s: prometheus.yml is not one that was checked: %q", when, text)
	case !there && w.had:
		w.violation("%s: prometheus.yml is gone", when)
	}
	named := jobsOf(text)
	if w.prom.up {
		named = append(named, jobsOf(w.prom.running)...)
	}
	for _, key := range named {
		files := w.prom.targets(key)
		mine := len(files)
		for name, body := range files {
			if _, whole := w.bodies[promfleet.HashOf([]byte(body))]; !whole {
				w.violation("%s: %s is not whole: %q", when, name, body)
			}
			if _, theirs := w.theirs[path.Join(targetsDir, name)]; theirs {
				mine--
			}
		}
		if mine == 0 && key != "theirs" {
			w.violation("%s: job %s is named and has no targets", when, key)
		}
	}
	for name, body := range w.theirs {
		now, there := w.disk.Read(name)
		if name == configFile && now != body {
			now, there = w.disk.Read(name + ".before-promfleet")
		}
		if !there || now != body {
			w.violation("%s: %s was somebody else's, and is %q now", when, name, now)
		}
	}
	if len(w.prom.faults) > 0 {
		w.violation("%s: %s", when, w.prom.faults[0])
	}
}

// at runs what an agent does; it may be killed at it.
func (w *world) at(do func()) (alive bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case killed:
			w.d, w.data, alive = nil, nil, false
		default:
			panic(r)
		}
	}()
	do()
	return true
}

// start starts the agent. It may be that it cannot yet.
func (w *world) start() error {
	fs := func(dir string) FS { return w.wrapFS(dir, w.disk.FS(dir)) }
	data, err := openData(fs("data"), "/data", io.NopCloser(nil))
	if err != nil {
		return err
	}
	d := newDisk(data, fs("etc"), fs(targetsDir), "/"+configFile, "/"+targetsDir)
	d.held = io.NopCloser(nil)
	d.step = w.wrapStep(d.step)
	if err := d.open(); err != nil {
		return err
	}
	w.data, w.d = data, d
	w.cleanStages("after a start")
	return nil
}

func (w *world) cleanStages(when string) {
	for _, stage := range []string{"data/.stage", "etc/.promfleet", targetsDir + "/.stage"} {
		if names := w.disk.List(stage); len(names) > 0 {
			w.violation("%s: temporaries in %s: %q", when, stage, names)
		}
	}
}

// sync does what the agent does with what is wanted.
func (w *world) sync(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, w.d.Discard())
		}
	}()
	missing, err := w.d.Missing(w.set.Jobs)
	if err != nil {
		return err
	}
	for _, f := range missing {
		if err := w.d.Stage(f, []byte(w.bodies[f.Hash])); err != nil {
			return err
		}
	}
	hash := promfleet.HashOf(w.set.Config)
	how := How{HoldConfig: w.held == hash}
	body, there, err := w.d.Foreign()
	if err != nil {
		return err
	}
	if there && !slices.Equal(body, w.set.Config) {
		how.TakeOver = promfleet.HashOf(body)
	}
	if _, err = w.d.Apply(ctx, w.set, how, w.prom); err != nil {
		if errors.Is(err, ErrRefused) && !how.HoldConfig {
			w.held = hash
		}
		return err
	}
	w.byHand = false
	if w.d.InQuestion(w.set) {
		_, err = w.d.Settle(ctx, w.set, w.prom)
	}
	return err
}

// rest looks at what an agent says that has nothing more to do just now.
func (w *world) rest(when string) {
	w.check(when)
	if w.d == nil || !w.prom.up || w.byHand || w.prom.flying != nil {
		return
	}
	s := w.d.State()
	if s.LoadedConfig != "" && !s.ReloadPending && s.LoadedConfig != promfleet.HashOf([]byte(w.prom.running)) {
		w.violation("%s: the journal says that another prometheus.yml is loaded than the running one: %q", when, w.prom.running)
	}
	if !w.d.InQuestion(w.set) {
		w.loaded(when)
	}
}

// loaded looks whether Prometheus runs what is wanted, and that only.
func (w *world) loaded(when string) {
	if w.prom.running != string(w.set.Config) || !w.prom.ok {
		w.violation("%s: said to be loaded, but Prometheus runs %q (ok %v), wanted is %q", when, w.prom.running, w.prom.ok, w.set.Config)
	}
	for _, j := range w.set.Jobs {
		want := map[string]string{}
		for _, f := range j.Files {
			want[f.Path()] = w.bodies[f.Hash]
		}
		got := w.prom.targets(j.Key)
		maps.DeleteFunc(got, func(name, _ string) bool { _, theirs := w.theirs[path.Join(targetsDir, name)]; return theirs })
		if !maps.Equal(want, got) {
			w.violation("%s: said to be loaded, but the targets of %s are %q, wanted are %q", when, j.Key, got, want)
		}
	}
	for _, key := range w.disk.List(targetsDir) {
		for name := range w.prom.targets(key) {
			_, theirs := w.theirs[path.Join(targetsDir, name)]
			if !theirs && !slices.Contains(jobsOf(string(w.set.Config)), key) {
				w.violation("%s: said to be loaded, but %s is still there", when, name)
			}
		}
	}
}

// restartProm starts Prometheus anew. It must come up with what is there, unless
// it is of a version that rejects that and was not asked yet.
func (w *world) restartProm(when string) {
	w.prom.stop()
	text, there := w.disk.Read(configFile)
	if err := w.prom.start(); err != nil && (there || w.had) && !strings.Contains(text, bad) {
		w.violation("%s: Prometheus does not start: %v", when, err)
	}
	w.had = w.had || w.prom.up
}

// crash takes the power away, and brings all back but the agent.
func (w *world) crash(luck *rand.Rand) {
	w.d, w.data = nil, nil
	w.disk.Crash(luck)
	w.check("after a loss of power")
	w.restartProm("after a loss of power")
}

// converge lets the world be well again: it must come to rest with what is wanted,
// or, if Prometheus rejects that, with what it had, and then with what is wanted
// once that is mended.
func (w *world) converge() {
	w.fault, w.prom.answers = nil, nil
	rejected := strings.Contains(string(w.set.Config), bad)
	for range 8 {
		if w.d == nil {
			if err := w.start(); err != nil {
				w.violation("the agent does not start: %v", err)
				return
			}
		}
		if !w.prom.up {
			w.restartProm("at the end")
		}
		w.held = ""
		w.prom.others()
		err := w.sync(context.Background())
		w.rest("at the end")
		switch {
		case rejected && w.wentBack(err):
			if w.prom.up {
				w.nothing()
			}
			w.mend()
			return
		case err == nil && !w.d.InQuestion(w.set):
			w.nothing()
			return
		}
	}
	err := w.sync(context.Background())
	s := w.d.State()
	if rejected && s.Accepted == "" && s.TakenOver == "" {
		w.mend() // nobody has ever told the agent of one that is good
		return
	}
	s.Manifest, s.Files = nil, nil
	w.violation("it does not converge: %v; Prometheus runs %q, wanted is %q; the journal %+v", err, w.prom.running, w.set.Config, s)
}

// wentBack tells whether a prometheus.yml that is rejected was undone, in whole.
func (w *world) wentBack(err error) bool {
	text, there := w.disk.Read(configFile)
	s := w.d.State()
	switch {
	case !w.prom.up:
		// It cannot start, and cannot say why. If it was down already when this one
		// was written, or there never was another, that is how it stays.
		return !w.had || s.ReloadMark == 0 || !s.wasLoaded()
	case !s.ReloadPending && s.Refused == nil && s.LoadedConfig == "":
		return true // left to others, who tell nobody
	case !errors.Is(err, ErrRefused):
		return false
	case !w.had:
		return true // to what?
	}
	return there && !strings.Contains(text, bad) && w.prom.running == text && w.prom.ok
}

// mend takes out what Prometheus rejects.
func (w *world) mend() {
	w.set.Manifest.Revision++
	w.set.Config = []byte(strings.ReplaceAll(string(w.set.Config), bad, ""))
	w.checked[string(w.set.Config)] = true
	if !w.prom.up && !w.had {
		w.prom.up = true // it was started by hand
	}
	w.converge()
}

// nothing looks whether nothing is done where nothing has changed.
func (w *world) nothing() {
	if strings.Contains(string(w.set.Config), bad) {
		w.held = promfleet.HashOf(w.set.Config)
	}
	writes, reloads := w.writes, w.prom.reloads
	_ = w.sync(context.Background())
	if w.writes != writes || w.prom.reloads != reloads {
		w.violation("nothing has changed: %d writes, %d reloads", w.writes-writes, w.prom.reloads-reloads)
	}
	w.d, w.data = nil, nil
	if err := w.start(); err != nil {
		w.violation("it does not start again: %v", err)
	}
}

// want has the agent want something else: jobs by key, each with the bodies of its
// pieces, and what else its line in prometheus.yml says.
func (w *world) want(jobs ...simJob) {
	revision := w.set.Manifest.Revision + 1
	w.set = Set{Manifest: promfleet.Manifest{Protocol: 1, Revision: revision}}
	var config strings.Builder
	for _, j := range jobs {
		fmt.Fprintf(&config, "job %s %s\n", j.key, j.line)
		job := Job{Key: j.key, Name: j.key}
		for _, name := range slices.Sorted(maps.Keys(j.pieces)) {
			body := j.pieces[name]
			hash := promfleet.HashOf([]byte(body))
			w.bodies[hash] = body
			job.Files = append(job.Files, File{Key: j.key, Piece: name, Hash: hash, Size: int64(len(body)), Targets: 1})
		}
		w.set.Jobs = append(w.set.Jobs, job)
	}
	config.WriteString(wholeEnd)
	w.set.Config = []byte(config.String())
	w.checked[config.String()] = true
}

type simJob struct {
	key, line string
	pieces    map[string]string
}

func job(key, line string, pieces ...string) simJob {
	j := simJob{key, line, map[string]string{}}
	for i := 0; i+1 < len(pieces); i += 2 {
		j.pieces[pieces[i]] = pieces[i+1]
	}
	return j
}
