package apply

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"

	"promfleet/internal/agent/apply/simfs"
)

// A scenario is a change that is interrupted at every operation.
type scenario struct {
	name    string
	before  func(w *world) // what there is before; no faults yet
	change  func(w *world)
	answers []answer
	after   func(w *world) // what comes next; nil: nothing
}

var scenarios = []scenario{
	{"first configuration", nil, func(w *world) { w.want(job("a", "1", "p1", "x"), job("b", "1", "p1", "y")) }, nil, nil},
	{"first configuration, refused", func(w *world) { w.prom.up = true }, func(w *world) { w.want(job("a", "1"+bad, "p1", "x")) }, nil, nil},
	{"targets only", settledOne, func(w *world) {
		w.want(job("a", "1", "p1", "x2", "p2", "z"), job("b", "1", "p1", "y"))
	}, nil, func(w *world) {
		w.want(job("a", "1", "p1", "x3", "p2", "z2"), job("b", "1", "p1", "y"))
	}},
	{"job added and removed", settledOne, func(w *world) {
		w.want(job("a", "1", "p1", "x2"), job("c", "1", "p1", "c1"))
	}, nil, nil},
	{"piece split", settledOne, func(w *world) {
		w.want(job("a", "1", "p2", "x21", "p3", "x22"), job("b", "1", "p1", "y"))
	}, nil, nil},
	{"refused, then rolled back", settledOne, func(w *world) {
		w.want(job("a", "1", "p1", "x2"), job("c", "1"+bad, "p1", "c1"))
	}, nil, nil},
	{"half applied, the way back lost", settledOne, func(w *world) {
		w.want(job("a", "2", "p1", "x2"), job("c", "1", "p1", "c1"))
	}, []answer{half, loses}, nil},
	{"accepted, then another refused", func(w *world) {
		settledOne(w)
		w.want(job("a", "2", "p1", "x"), job("b", "1", "p1", "y"))
		w.syncCancelled()
	}, func(w *world) {
		w.want(job("a", "2", "p1", "x"), job("c", "1"+bad, "p1", "c1"))
	}, nil, nil},
	{"denied", settledOne, func(w *world) {
		w.want(job("a", "2", "p1", "x2"), job("c", "1", "p1", "c1"))
	}, []answer{denies}, nil},
	{"timeout, then loaded", settledOne, func(w *world) {
		w.want(job("a", "2", "p1", "x2"), job("c", "1", "p1", "c1"))
	}, []answer{slow}, func(w *world) {
		w.want(job("a", "3"+bad, "p1", "x2"), job("c", "1", "p1", "c1"))
	}},
	{"another while one is in flight", func(w *world) {
		settledOne(w)
		w.want(job("a", "2", "p1", "x"), job("b", "1", "p1", "y"))
		w.prom.answers = []answer{slowRead}
		w.syncCancelled()
	}, func(w *world) {
		w.want(job("a", "3", "p1", "x2"), job("c", "1", "p1", "c1"))
	}, nil, nil},
	{"take-over", func(w *world) {
		w.foreign(configFile, "job theirs 1\n"+wholeEnd)
		w.foreign(targetsDir+"/theirs/x.json", "theirs")
		w.foreign(targetsDir+"/b/mine.json", "mine")
	}, func(w *world) { w.want(job("a", "1", "p1", "x"), job("b", "1", "p1", "y")) }, nil, nil},
	{"take-over, refused", func(w *world) {
		w.foreign(configFile, "somebody's\n"+wholeEnd)
	}, func(w *world) { w.want(job("a", "1"+bad, "p1", "x")) }, nil, nil},
}

// settledOne has jobs a and b loaded.
func settledOne(w *world) {
	w.foreign(targetsDir+"/b/mine.json", "mine")
	w.foreign(targetsDir+"/other/x.json", "other")
	w.want(job("a", "1", "p1", "x"), job("b", "1", "p1", "y"))
	w.converge()
}

// syncCancelled syncs and does not wait for what comes of it.
func (w *world) syncCancelled() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.sync(ctx)
}

// A mishap is what happens at an operation: err tells what becomes of the nth one
// after it (0: itself); it may panic. It changes nothing at operations of other
// kinds.
type mishap struct {
	name  string
	kinds []string // nil: all of a disk
	calls bool     // and those of Prometheus
	err   func(after int, op simfs.Op) error
	power bool // it ends in a loss of power, which may leave many things
}

func once(err error) func(int, simfs.Op) error {
	return func(after int, _ simfs.Op) error {
		if after == 0 {
			return err
		}
		return nil
	}
}

// lasting is an error of all operations from one on, for more than a round.
func lasting(err error) func(int, simfs.Op) error {
	return func(after int, _ simfs.Op) error {
		if after < 300 {
			return err
		}
		return nil
	}
}

// of tells whether the mishap is one of an operation.
func (m mishap) of(op simfs.Op) bool {
	if op.Name == "" {
		return m.calls
	}
	return m.kinds == nil || slices.Contains(m.kinds, op.Kind)
}

func kill(after int, _ simfs.Op) error {
	if after == 0 {
		panic(killed{})
	}
	return nil
}

var mishaps = []mishap{
	{name: "kill", err: kill, calls: true},
	{name: "power", err: kill, calls: true, power: true},
	{name: "failed sync, then power", err: once(syscall.EIO), kinds: []string{"sync", "syncdir"}, power: true},
	{name: "EIO", err: once(syscall.EIO)},
	{name: "ENOSPC", err: lasting(syscall.ENOSPC), kinds: []string{"mkdir", "create", "write", "sync", "rename", "syncdir"}},
	{name: "EROFS", err: lasting(syscall.EROFS), kinds: []string{"mkdir", "create", "write", "chtimes", "rename", "remove"}},
	{name: "short write", err: once(simfs.ErrShort), kinds: []string{"write"}},
}

// run plays a scenario with a mishap at operation n, and gives the operations that
// there were. What is wrong is in the world.
func (s scenario) run(n int, m mishap, seed uint64, setup func(*world)) (w *world, ops []simfs.Op) {
	w = newWorld()
	setup(w)
	alive := w.at(func() {
		if s.before != nil {
			s.before(w)
		}
		if w.had || w.theirs[configFile] != "" {
			w.restartProm("before")
		}
		if w.d == nil {
			if err := w.start(); err != nil {
				w.violation("start: %v", err)
			}
		}
	})
	if !alive || w.d == nil {
		return w, nil
	}
	s.change(w)
	w.prom.answers = s.answers
	begin := w.ops
	w.fault = func(at int, op simfs.Op) error {
		ops = append(ops, op)
		if after := at - begin - n; after >= 0 && m.of(op) {
			return m.err(after, op)
		}
		return nil
	}
	for i := range 3 {
		alive := w.at(func() { w.round() })
		if m.power && (!alive || i == 0) {
			w.crash(rand.New(rand.NewPCG(seed, uint64(n))))
		}
		if s.after != nil && (i == 0 && seed%2 == 1 || i == 2 && seed%2 == 0) {
			s.after(w) // at once, or when all is at rest
		}
	}
	w.fault = nil
	if w.had && n%2 == 0 && n != never {
		w.restartProm("after the mishap") // which can also help
	}
	w.converge()
	return w, ops
}

// round is what happens in one interval of an agent, which is started if need be.
func (w *world) round() {
	if w.d == nil {
		if w.start() != nil {
			return
		}
		w.rest("after a start")
	}
	_ = w.sync(context.Background())
	w.rest("after a sync")
}

// never is beyond the last operation.
const never = 1 << 30

// everywhere plays the scenario with a mishap at every operation at which it makes
// a difference, losses of power with several seeds. It ends at the first thing that
// is wrong if it is told to.
func (s scenario) everywhere(seeds uint64, first bool, setup func(*world)) (wrong []string, runs int) {
	w, ops := s.run(never, mishaps[0], 0, setup)
	wrong = w.wrong
	for _, m := range mishaps {
		for n := 1; n <= len(ops); n++ {
			for seed := uint64(0); m.of(ops[n-1]) && (seed == 0 || m.power && seed < seeds); seed++ {
				if first && len(wrong) > 0 {
					return wrong, runs
				}
				w, _ := s.run(n, m, seed, setup)
				runs++
				for _, v := range w.wrong {
					wrong = append(wrong, fmt.Sprintf("%s at %d (%v), seed %d: %s", m.name, n, ops[n-1], seed, v))
				}
			}
		}
	}
	return wrong, runs
}

// TestEveryOperation: whatever happens at whichever operation of an apply, nothing
// is lost, and it ends with what is wanted.
func TestEveryOperation(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			wrong, runs := s.everywhere(soak(1, 16), false, func(*world) {})
			t.Logf("%d mishaps, %d runs", len(mishaps), runs)
			for i, v := range wrong {
				if i == 10 {
					t.Fatalf("and %d more", len(wrong)-i)
				}
				t.Error(v)
			}
		})
	}
}

// soak gives how much is done: a first number, or that of make soak.
func soak(normal, all uint64) uint64 {
	if os.Getenv("PROMFLEET_SOAK") != "" {
		return all
	}
	return normal
}
