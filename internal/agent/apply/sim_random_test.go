package apply

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/agent/apply/simfs"
)

// TestRandom plays random programs of edits, syncs, faults, kills, losses of power,
// restarts of Prometheus and answers of it.
func TestRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("PROMFLEET_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("PROMFLEET_SEED: %v", err)
		}
	}
	steps := int(soak(10_000, 1_000_000))
	t.Logf("seed %d: PROMFLEET_SEED=%d plays the same", seed, seed)
	setFlag(t, "rapid.seed", strconv.FormatUint(seed, 10))
	setFlag(t, "rapid.steps", strconv.Itoa(stepsEach))
	setFlag(t, "rapid.checks", strconv.Itoa(steps/stepsEach))
	setFlag(t, "rapid.nofailfile", "true")
	total, converged := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := &program{world: newWorld()}
		p.begin(t)
		for range stepsEach {
			total++
			p.step(t)
			p.report(t)
		}
		p.converge()
		p.report(t)
		converged++
	})
	t.Logf("%d steps in %d programs, all of which converged", total, converged)
	if total < steps {
		t.Errorf("%d steps, wanted are %d", total, steps)
	}
}

// stepsEach is how many steps a program has.
const stepsEach = 50

func setFlag(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup(name)
	before := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

// program is a world in which things happen by chance.
type program struct {
	*world
	body int // bodies are numbered
	log  []string
}

func (p *program) note(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

func (p *program) report(t *rapid.T) {
	if len(p.wrong) > 0 {
		t.Fatalf("%s\nafter:\n%s", strings.Join(p.wrong, "\n"), strings.Join(p.log, "\n"))
	}
}

// begin makes what there is at first: nothing, or what somebody else has made.
func (p *program) begin(t *rapid.T) {
	p.foreign(targetsDir+"/a/mine.json", "mine")
	p.foreign(targetsDir+"/other/x.json", "other")
	if rapid.Bool().Draw(t, "theirs") {
		p.foreign(configFile, "somebody's\n"+wholeEnd)
		p.restartProm("at first")
	}
	p.edit(t)
}

// edit has something else wanted.
func (p *program) edit(t *rapid.T) {
	var jobs []simJob
	for _, key := range []string{"a", "b", "c"} {
		if !rapid.Bool().Draw(t, "job "+key) {
			continue
		}
		line := strconv.Itoa(rapid.IntRange(1, 3).Draw(t, "line"))
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			line += bad
		}
		j := job(key, line)
		for pieces := rapid.IntRange(1, 7).Draw(t, "pieces"); pieces > 0; pieces /= 2 {
			p.body++
			j.pieces["p"+strconv.Itoa(pieces)] = "body " + strconv.Itoa(p.body)
		}
		jobs = append(jobs, j)
	}
	p.want(jobs...)
	p.note("want %q", p.set.Config)
}

// retarget changes the bodies of the pieces there are, nothing else.
func (p *program) retarget(t *rapid.T) {
	config := p.set
	var jobs []simJob
	for _, j := range config.Jobs {
		next := job(j.Key, "")
		for _, f := range j.Files {
			next.pieces[f.Piece] = p.bodies[f.Hash]
			if rapid.Bool().Draw(t, "changed") {
				p.body++
				next.pieces[f.Piece] = "body " + strconv.Itoa(p.body)
			}
		}
		jobs = append(jobs, next)
	}
	p.want(jobs...)
	p.set.Config = config.Config
	p.note("other targets")
}

func (p *program) step(t *rapid.T) {
	switch rapid.IntRange(0, 19).Draw(t, "step") {
	case 0, 1, 2:
		p.edit(t)
	case 3, 4:
		p.retarget(t)
	case 5:
		p.held = ""
		p.note("no longer held")
	case 6:
		p.note("Prometheus restarts")
		p.restartProm("restart")
	case 7:
		p.note("Prometheus stops")
		p.prom.stop()
	case 8, 9:
		a := rapid.SampledFrom([]answer{refuses, half, loses, slow, slowRead, unreachable, denies, leaves, unanswered}).Draw(t, "answer")
		p.note("the next reload: %s", a)
		p.prom.answers = append(p.prom.answers, a)
	case 10:
		p.note("a reload lands")
		p.prom.land()
		p.prom.others()
	case 11:
		p.handEdit(t)
	case 12:
		p.note("the agent is killed")
		p.d, p.data = nil, nil
	case 13:
		p.note("power")
		p.crash(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
	default:
		p.syncWith(t)
	}
	p.check("after a step")
}

// handEdit is somebody else's edit of a file of the agent's.
func (p *program) handEdit(t *rapid.T) {
	if len(p.set.Jobs) == 0 {
		return
	}
	files := rapid.SampledFrom(p.set.Jobs).Draw(t, "job").Files
	name := path.Join(targetsDir, files[0].Path())
	if _, there := p.disk.Read(name); !there {
		return
	}
	body := "by hand"
	p.bodies[promfleet.HashOf([]byte(body))] = body
	p.disk.Put(name, body)
	p.byHand = true
	p.note("%s is edited by hand", name)
}

// syncWith syncs, and something may happen at it.
func (p *program) syncWith(t *rapid.T) {
	m := rapid.SampledFrom(append([]mishap{{}, {}, {}, {}}, mishaps...)).Draw(t, "mishap")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if rapid.IntRange(0, 4).Draw(t, "cancelled") == 0 {
		cancel()
	}
	if m.name != "" {
		at := p.ops + rapid.IntRange(1, 120).Draw(t, "at")
		p.fault = func(n int, op simfs.Op) error {
			if n >= at && m.of(op) {
				return m.err(n-at, op)
			}
			return nil
		}
	}
	var err error
	alive := p.at(func() {
		if p.d == nil {
			if err = p.start(); err != nil {
				return
			}
			p.rest("after a start")
		}
		err = p.sync(ctx)
		p.rest("after a sync")
	})
	p.fault = nil
	p.note("sync (%s, held %v): alive %v, %v", m.name, p.held == promfleet.HashOf(p.set.Config), alive, err)
	if m.power && (!alive || err != nil) {
		p.crash(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
	}
}
