package agent

import (
	"cmp"
	"maps"
	"slices"
)

// Which jobs have their targets in files that Prometheus watches, and which inline,
// in prometheus.yml itself. Each change of sides restarts the scrape pool of the
// job, so a job stays where it is as long as it can.

// watched is a job that needs a watcher if it is not inline.
type watched struct {
	Key     string
	Targets int64
	Bytes   int64 // of its files
}

// sides are the jobs by where their targets are.
type sides struct {
	Files  map[string]bool // watched
	Inline map[string]bool
	// Beyond are those watched for which there is no room, since they would make
	// prometheus.yml too large.
	Beyond int
}

// room is how many jobs may be watched.
type room struct {
	// Budget is up to which number jobs come to be watched. Watched jobs go inline
	// if they are more than Most, which is somewhat larger: an instance that
	// somebody else takes for a moment moves nothing.
	Budget, Most int
	// Fresh is how many watchers may be started in one step: those that end in the
	// same step are held until Prometheus has closed them.
	Fresh int
}

const (
	// clearRoom is how many more jobs must have room before any comes back from
	// inline, and leaveFree how much of it is left free then.
	clearRoom = 16
	leaveFree = 8
	// A large job that is inline changes places with the smallest one that is
	// watched, if that is smaller by this factor.
	largeInline = 1000
	muchSmaller = 4
	// maxInline is how many bytes of target files may be inline: 70,000 plain
	// addresses. In YAML they are at most 1.8 times as many, and prometheus.yml may
	// have 4 MiB (check.MaxSize).
	maxInline = 3 << 19
)

// assignment makes sides.
type assignment struct {
	room
	files, inline []watched
	fresh         int
	bytes         int64 // of inline
	fixed         map[string]bool
}

// assign says where each job's targets are to be. Those of dead go inline: they
// have no watcher though they should.
func assign(jobs []watched, was sides, r room, dead map[string]bool) sides {
	a := &assignment{room: r, fresh: r.Fresh, fixed: dead}
	var newcomers []watched
	for _, j := range jobs {
		switch {
		case dead[j.Key], was.Inline[j.Key]:
			a.toInline(j)
		case was.Files[j.Key]:
			a.files = append(a.files, j)
		default:
			newcomers = append(newcomers, j)
		}
	}
	slices.SortFunc(newcomers, func(x, y watched) int { return bySize(y, x) })
	for _, j := range newcomers {
		if len(a.files) < r.Budget && a.fresh > 0 {
			a.fresh--
			a.files = append(a.files, j)
		} else {
			a.toInline(j)
		}
	}
	a.shrink()
	a.grow()
	a.swap()
	beyond := a.bound()
	return sides{Files: keys(a.files), Inline: keys(a.inline), Beyond: beyond}
}

// bySize orders jobs by what it costs to have them inline.
func bySize(x, y watched) int {
	return cmp.Or(cmp.Compare(x.Targets, y.Targets), cmp.Compare(x.Bytes, y.Bytes), cmp.Compare(y.Key, x.Key))
}

func keys(jobs []watched) map[string]bool {
	m := make(map[string]bool, len(jobs))
	for _, j := range jobs {
		m[j.Key] = true
	}
	return m
}

func (a *assignment) toInline(j watched) {
	a.inline = append(a.inline, j)
	a.bytes += j.Bytes
}

func (a *assignment) toFiles(i int) {
	j := a.inline[i]
	a.inline = slices.Delete(a.inline, i, i+1)
	a.files = append(a.files, j)
	a.bytes -= j.Bytes
	a.fresh--
}

// largest gives the place of the largest job that is inline and may come back.
func (a *assignment) largest() int {
	at := -1
	for i, j := range a.inline {
		if !a.fixed[j.Key] && (at < 0 || bySize(j, a.inline[at]) > 0) {
			at = i
		}
	}
	return at
}

// smallest gives the place of the smallest job that is watched.
func (a *assignment) smallest() int {
	at := -1
	for i, j := range a.files {
		if at < 0 || bySize(j, a.files[at]) < 0 {
			at = i
		}
	}
	return at
}

// shrink has watched jobs go inline, the smallest first, if there are too many.
func (a *assignment) shrink() {
	if len(a.files) <= a.Most {
		return
	}
	slices.SortFunc(a.files, bySize)
	n := len(a.files) - a.Budget
	for _, j := range a.files[:n] {
		a.toInline(j)
	}
	a.files = slices.Clone(a.files[n:])
}

// grow has jobs come back, the largest first, once there is clear room.
func (a *assignment) grow() {
	if a.Budget-len(a.files) < clearRoom {
		return
	}
	for i := a.largest(); i >= 0 && a.fresh > 0 && len(a.files) < a.Budget-leaveFree; i = a.largest() {
		a.toFiles(i)
	}
}

// swap has large jobs change places with small ones.
func (a *assignment) swap() {
	for {
		large, small := a.largest(), a.smallest()
		if large < 0 || small < 0 || a.fresh <= 0 || a.inline[large].Targets < max(largeInline, muchSmaller*a.files[small].Targets) {
			return
		}
		j := a.files[small]
		a.files = slices.Delete(a.files, small, small+1)
		a.toFiles(large)
		a.toInline(j)
	}
}

// bound keeps prometheus.yml within its size: the largest of those that are inline
// are watched all the same. It tells how many are more than there is room for.
func (a *assignment) bound() (beyond int) {
	for a.bytes > maxInline {
		i := 0
		for k, j := range a.inline {
			if j.Bytes > a.inline[i].Bytes {
				i = k
			}
		}
		a.toFiles(i)
	}
	return max(0, len(a.files)-max(a.Budget, a.Most))
}

// same tells whether nobody changes sides.
func (s sides) same(o sides) bool {
	return s.Beyond == o.Beyond && maps.Equal(s.Files, o.Files) && maps.Equal(s.Inline, o.Inline)
}
