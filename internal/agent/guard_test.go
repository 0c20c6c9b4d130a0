package agent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/check"
)

// files are target files by path; a test reads them as the guard would.
type files map[string][]check.Group

func (f files) read(file apply.File) ([]check.Group, error) {
	g, ok := f[file.Path()]
	if !ok {
		return nil, errors.New("it is not there")
	}
	return g, nil
}

// with makes a job of target files.
func (f files) job(key, name string, pieces map[string][]check.Group) apply.Job {
	j := apply.Job{Key: key, Name: name}
	for _, piece := range slices.Sorted(maps.Keys(pieces)) {
		file := apply.File{Key: key, Piece: piece, Hash: promfleet.HashOf(fmt.Append(nil, pieces[piece]))}
		for _, g := range pieces[piece] {
			file.Targets += int64(len(g.Targets))
		}
		f[file.Path()] = pieces[piece]
		j.Files = append(j.Files, file)
	}
	return j
}

func hosts(from, to int, labels map[string]string) check.Group {
	g := check.Group{Labels: labels}
	for i := from; i < to; i++ {
		g.Targets = append(g.Targets, fmt.Sprintf("h%d:9100", i))
	}
	return g
}

func one(groups ...check.Group) map[string][]check.Group {
	return map[string][]check.Group{"all": groups}
}

func TestGuardWeighs(t *testing.T) {
	a, b := map[string]string{"env": "a"}, map[string]string{"env": "b"}
	for _, c := range []struct {
		name      string
		old, want func(f files) []apply.Job
		gone      int64
		jobs      string
	}{
		{"nothing",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			0, "[]"},
		{"some",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 4, a)))} },
			6, "[{j 6 false}]"},
		{"all replaced by others",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(10, 20, a)))} },
			10, "[{j 10 false}]"},
		{"other labels",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, b)))} },
			0, "[]"},
		{"one of two with an address",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a), hosts(0, 10, b)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, b)))} },
			10, "[{j 10 false}]"},
		{"other pieces",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job {
				return []apply.Job{f.job("j", "j", map[string][]check.Group{"0-1": {hosts(0, 5, a)}, "8-1": {hosts(5, 10, b)}})}
			},
			0, "[]"},
		{"the job",
			func(f files) []apply.Job {
				return []apply.Job{f.job("j", "j", one(hosts(0, 10, a))), f.job("k", "k", one(hosts(0, 3, a)))}
			},
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			3, "[{k 3 true}]"},
		{"the key, not the name",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "name", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("k", "name", one(hosts(0, 9, a)))} },
			1, "[{k 1 false}]"},
		{"key and name",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("k", "k", one(hosts(0, 10, a)))} },
			10, "[{j 10 true}]"},
		{"the same twice is one",
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 10, a), hosts(0, 10, a)))} },
			func(f files) []apply.Job { return []apply.Job{f.job("j", "j", one(hosts(0, 4, a)))} },
			6, "[{j 6 false}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk, next := files{}, files{}
			all := pairs(c.old(disk), c.want(next))
			r, err := guard{disk: disk.read, next: next.read}.weigh(all)
			if err != nil {
				t.Fatal(err)
			}
			same(t, c.gone, r.Gone)
			same(t, c.jobs, fmt.Sprint(r.Jobs))
			if most := mostGone(all); most < r.Gone {
				t.Errorf("at most %d go without reading, and %d do", most, r.Gone)
			}
		})
	}
}

// TestGuardLostFile: of a file that is spoilt nobody knows what goes, so all does.
func TestGuardLostFile(t *testing.T) {
	disk, next := files{}, files{}
	old := disk.job("j", "j", one(hosts(0, 10, nil)))
	clear(disk)
	r, err := guard{disk: disk.read, next: next.read}.weigh(pairs([]apply.Job{old}, []apply.Job{next.job("j", "j", one(hosts(0, 9, nil)))}))
	if err != nil || r.Gone != 10 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestGuardModel: for random jobs, what goes is what a plain comparison by address
// says; and kept beside what is wanted it makes the next step take away the same.
func TestGuardModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) map[string][]check.Group {
			pieces := map[string][]check.Group{}
			for _, piece := range []string{"0-1", "8-1"} {
				for range rapid.IntRange(0, 3).Draw(rt, name+" groups") {
					g := check.Group{Labels: map[string]string{"l": rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "label")}}
					for range rapid.IntRange(0, 5).Draw(rt, "targets") {
						g.Targets = append(g.Targets, fmt.Sprint("h", rapid.IntRange(0, 9).Draw(rt, "host")))
					}
					pieces[piece] = append(pieces[piece], g)
				}
			}
			return pieces
		}
		disk, next := files{}, files{}
		before, after := draw("old"), draw("want")
		old, want := disk.job("j", "j", before), next.job("j", "j", after)
		g := guard{disk: disk.read, next: next.read}
		var kept []check.Group
		g.keep = func(_ *apply.Job, addr string, labels map[string]string) {
			kept = append(kept, check.Group{Targets: []string{addr}, Labels: labels})
		}
		r, err := g.weigh(pairs([]apply.Job{old}, []apply.Job{want}))
		if err != nil {
			rt.Fatal(err)
		}
		have, left := addresses(before), addresses(after)
		for addr := range have {
			if n := have[addr] - left[addr]; n > 0 && left[addr] == 0 && r.Gone < int64(n) {
				rt.Fatalf("all %d of %s go, and the guard counts %d", n, addr, r.Gone)
			}
		}
		same := maps.Equal(have, left) && fmt.Sprint(before) == fmt.Sprint(after)
		if same && r.Gone != 0 || int64(len(kept)) != r.Gone {
			rt.Fatalf("%d go and %d are kept; the same: %t", r.Gone, len(kept), same)
		}
		// What is written now: what is wanted, and the rest.
		with := maps.Clone(after)
		with[heldPrefix+"0000"] = kept
		again := files{}
		held := again.job("j", "j", with)
		r2, err := guard{disk: again.read, next: next.read}.weigh(pairs([]apply.Job{held}, []apply.Job{want}))
		if err != nil || r2.Gone != r.Gone || r2.Fresh != 0 {
			rt.Fatalf("it holds %+v, and the next step would take %+v away (%v)", r, r2, err)
		}
		for addr, n := range addresses(with) {
			if have[addr] > 0 && n < 1 {
				rt.Fatalf("%s is gone all the same", addr)
			}
		}
	})
}

// addresses counts distinct targets by address.
func addresses(pieces map[string][]check.Group) map[string]int {
	seen := map[string]bool{}
	n := map[string]int{}
	for _, groups := range pieces {
		for _, g := range groups {
			for _, addr := range g.Targets {
				if id := addr + g.Labels["l"]; !seen[id] {
					seen[id] = true
					n[addr]++
				}
			}
		}
	}
	return n
}
