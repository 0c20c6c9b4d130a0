package agent

import (
	"fmt"
	"testing"

	"promfleet/internal/agent/inotify"
)

func TestRoomForWatchers(t *testing.T) {
	const sysctl = "fs.inotify.max_user_instances"
	for name, c := range map[string]struct {
		usage  inotify.Usage
		err    error
		own    int
		now    int
		learn  *learned
		budget int
		fresh  int
	}{
		"of its own":             {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, InUse: 3, ByPrometheus: 3}, now: 3, budget: 116, fresh: 119},
		"with others":            {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, InUse: 33, ByPrometheus: 3}, now: 3, budget: 86, fresh: 89},
		"with its own file_sd":   {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, InUse: 5, ByPrometheus: 5}, own: 2, now: 3, budget: 114, fresh: 117},
		"those that it closes":   {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, InUse: 100, ByPrometheus: 100}, now: 90, budget: 116, fresh: 22},
		"raised":                 {usage: inotify.Usage{Limit: 8192, Sysctl: sysctl, PID: 7}, budget: 7373, fresh: 7783},
		"unread":                 {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, Unread: 1, PrometheusUnread: true}, now: 20, budget: 116, fresh: 102},
		"unread others":          {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, Unread: 4, PrometheusUnread: true}, budget: 113, fresh: 119},
		"elsewhere":              {usage: inotify.Usage{Limit: 256, Sysctl: sysctl}, err: inotify.ErrElsewhere, budget: 192, fresh: 224},
		"no /proc":               {err: inotify.ErrNoProc, budget: 96, fresh: 112},
		"hidden processes":       {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, UID: 33}, budget: 96, fresh: 112},
		"more than there is":     {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, InUse: 128}, budget: 0, fresh: 0},
		"learned":                {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7}, learn: &learned{Files: 50, Limit: 128}, budget: 50, fresh: 50},
		"learned, then raised":   {usage: inotify.Usage{Limit: 200, Sysctl: sysctl, PID: 7}, learn: &learned{Files: 50, Limit: 128}, budget: 122, fresh: 122},
		"learned, others gone":   {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7}, learn: &learned{Files: 50, Limit: 128, Others: 20}, budget: 70, fresh: 70},
		"learned of another":     {usage: inotify.Usage{Limit: 128, Sysctl: sysctl, PID: 7, UID: 3}, learn: &learned{Files: 50, Limit: 128}, budget: 116, fresh: 122},
		"a Prometheus restarted": {usage: inotify.Usage{Limit: 128, Sysctl: sysctl}, err: inotify.ErrElsewhere, now: 116, budget: 96, fresh: 0},
	} {
		h := headroomOf(c.usage, c.err, c.own)
		r := h.room(c.now, c.learn)
		if r.Budget != c.budget || r.Fresh != c.fresh {
			t.Errorf("%s: %+v, want a budget of %d and %d fresh", name, r, c.budget, c.fresh)
		}
		if r.Most < min(c.now, 116) && name == "a Prometheus restarted" {
			t.Errorf("%s: jobs would move since it does not answer", name)
		}
	}
}

func TestEnoughIsEnough(t *testing.T) {
	for _, jobs := range []int{1, 120, 300, 480, 5000} {
		for _, others := range []int{0, 40, 600} {
			h := headroom{limit: 128, others: others, seen: true}
			n := h.enough(jobs)
			raised := headroom{limit: n, others: others, seen: true, held: -1}
			if got := assign(watchedJobs(jobs, func(int) int64 { return 1 }), sides{Inline: setOf[string](nil)}, raised.room(0, nil), nil); len(got.Inline) > 0 {
				t.Error(fmt.Sprint(jobs, " jobs, ", others, " others: with ", n, " there are still ", len(got.Inline), " inline"))
			}
		}
	}
}
