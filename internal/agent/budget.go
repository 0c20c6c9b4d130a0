package agent

import "promfleet/internal/agent/inotify"

const (
	// defaultInstances is the kernel's own fs.inotify.max_user_instances, which is
	// assumed where a host does not say.
	defaultInstances = 128
	// A tenth of the limit is left to others of the same user, at least this much: a
	// shell with tail -f needs one.
	leastReserve = 8
	// Where it cannot be seen who else has some, a quarter is left.
	unseenShare = 4
)

// headroom is what the host has for the watchers of jobs.
type headroom struct {
	limit  int
	own    int // file_sd configs that are not those of jobs
	others int // instances that are not those of jobs, own among them
	uid    uint32
	seen   bool // Prometheus, with its user
	// held is how many instances Prometheus has, -1: that cannot be seen.
	held int
}

// headroomOf weighs what was counted. Own is how many file_sd configs there are
// beside those of the jobs' targets.
func headroomOf(u inotify.Usage, err error, own int) headroom {
	h := headroom{limit: u.Limit, uid: u.UID, held: -1, own: own, others: own}
	if u.Sysctl == "" {
		h.limit = defaultInstances
	}
	if err != nil {
		return h
	}
	h.seen = u.PID != 0
	h.others += u.InUse - u.ByPrometheus
	// Of those that cannot be read it is assumed that each has one.
	h.others += u.Unread
	if u.PrometheusUnread {
		h.others--
	} else if h.seen {
		h.held = u.ByPrometheus
	}
	return h
}

func (h headroom) reserve() int {
	if !h.seen {
		return h.limit / unseenShare
	}
	return max(leastReserve, h.limit/10)
}

// learned is that watchers could not be made although there seemed to be room:
// others have instances that are not seen here.
type learned struct {
	// Files is how many jobs were watched, with this limit and these others.
	Files  int    `json:"files"`
	Limit  int    `json:"limit"`
	Others int    `json:"others"`
	UID    uint32 `json:"uid"`
	// Jobs are the keys of those that could not be watched.
	Jobs []string `json:"jobs"`
}

// room gives how many jobs may be watched, when that many are.
func (h headroom) room(now int, l *learned) room {
	free := h.limit - h.others
	r := room{Budget: free - h.reserve(), Most: free - h.reserve()/2}
	if l != nil && l.UID == h.uid {
		// As many as then, and as many more as there is more room than then.
		most := l.Files + h.limit - l.Limit + l.Others - h.others
		r.Budget, r.Most = min(r.Budget, most), min(r.Most, most)
	}
	r.Budget, r.Most = max(0, r.Budget), max(0, r.Most)
	held := now
	if h.held >= 0 {
		held = max(held, h.held-h.own)
	}
	if !h.seen { // perhaps it is only down for a moment
		r.Most = max(r.Most, now)
	}
	r.Fresh = max(0, r.Most-held)
	return r
}

// enough gives a limit under which all of that many jobs could be watched, and more
// to come: a power of two.
func (h headroom) enough(jobs int) int {
	const least = 512
	n := least
	for (headroom{limit: n, others: h.others, seen: h.seen}).room(0, nil).Budget < jobs+clearRoom {
		n *= 2
	}
	return n
}
