package agent

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func watchedJobs(n int, targets func(i int) int64) (jobs []watched) {
	for i := range n {
		jobs = append(jobs, watched{Key: fmt.Sprintf("job%03d", i), Targets: targets(i), Bytes: 20 * targets(i)})
	}
	return jobs
}

func roomFor(n int) room { return room{Budget: n, Most: n + 6, Fresh: n + 6} }

func TestTheSmallestJobsAreInline(t *testing.T) {
	jobs := watchedJobs(300, func(i int) int64 { return int64(i) })
	got := assign(jobs, sides{}, roomFor(116), nil)
	same(t, []int{116, 184}, []int{len(got.Files), len(got.Inline)})
	for _, j := range jobs {
		same(t, j.Targets < 184, got.Inline[j.Key])
	}
}

// Nobody changes sides because of what is the way of a job's life: targets that
// come and go, instances that others take for a moment, a job more or less.
func TestNobodyChangesSidesWithoutNeed(t *testing.T) {
	jobs := watchedJobs(300, func(i int) int64 { return int64(1 + i%7) })
	first := assign(jobs, sides{}, roomFor(116), nil)
	for name, change := range map[string]func() ([]watched, room){
		"nothing": func() ([]watched, room) { return jobs, roomFor(116) },
		"other targets": func() ([]watched, room) {
			return watchedJobs(300, func(i int) int64 { return int64(i % 90) }), roomFor(116)
		},
		"a little less": func() ([]watched, room) { return jobs, room{Budget: 110, Most: 116, Fresh: 0} },
		"a little more": func() ([]watched, room) { return jobs, roomFor(116 + clearRoom - 1) },
		"another order": func() ([]watched, room) { r := slices.Clone(jobs); slices.Reverse(r); return r, roomFor(116) },
		"large and larger": func() ([]watched, room) {
			return watchedJobs(300, func(i int) int64 { return int64(200 + i) }), roomFor(116)
		},
		"no room for fresh": func() ([]watched, room) { return jobs, room{Budget: 200, Most: 206} },
	} {
		j, r := change()
		if got := assign(j, first, r, nil); !got.same(first) {
			t.Errorf("%s: %d are in files and %d inline, of %d", name, len(got.Files), len(got.Inline), len(j))
		}
	}
	fewer := assign(jobs[1:], first, roomFor(116), nil)
	maps.DeleteFunc(first.Files, func(k string, _ bool) bool { return k == "job000" })
	maps.DeleteFunc(first.Inline, func(k string, _ bool) bool { return k == "job000" })
	if !fewer.same(first) {
		t.Error("one job less moves others")
	}
}

func TestJobsMoveWhenTheyMust(t *testing.T) {
	jobs := watchedJobs(200, func(i int) int64 { return int64(i) })
	first := assign(jobs, sides{}, roomFor(100), nil)

	less := assign(jobs, first, roomFor(80), nil)
	same(t, 80, len(less.Files))
	for key := range less.Files {
		same(t, true, first.Files[key])
	}
	if less.Files["job100"] || !less.Files["job199"] {
		t.Error("it is not the smallest that have gone")
	}

	more := assign(jobs, less, roomFor(150), nil)
	same(t, 150-leaveFree, len(more.Files))
	same(t, true, more.Files["job119"])
	same(t, 0, len(assign(jobs, more, roomFor(1000), nil).Inline))

	dead := assign(jobs, first, roomFor(100), map[string]bool{"job150": true})
	same(t, []bool{false, true}, []bool{dead.Files["job150"], dead.Inline["job150"]})

	big := slices.Clone(jobs)
	big[3].Targets = 5000
	grown := assign(big, first, roomFor(100), nil)
	same(t, []bool{true, true}, []bool{grown.Files["job003"], grown.Inline["job100"]})
	same(t, 100, len(grown.Files))
}

func TestTheConfigurationStaysSmall(t *testing.T) {
	jobs := watchedJobs(20, func(i int) int64 { return 50_000 }) // 1 MB each
	got := assign(jobs, sides{}, roomFor(4), nil)
	same(t, []int{1, 19, 19 - 4 - 6}, []int{len(got.Inline), len(got.Files), got.Beyond})
}

// Whatever comes: each job is on one side, watchers are no more than there is room
// for, no more are started than may be, and what is decided stays decided.
func TestAssignProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was := sides{Files: map[string]bool{}, Inline: map[string]bool{}}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			n := rapid.IntRange(0, 60).Draw(t, "jobs")
			jobs := watchedJobs(n, func(i int) int64 {
				return rapid.SampledFrom([]int64{0, 1, 5, 900, 4000, 20_000}).Draw(t, "targets")
			})
			dead := map[string]bool{}
			for _, j := range jobs {
				if was.Files[j.Key] && rapid.IntRange(0, 20).Draw(t, "dead") == 0 {
					dead[j.Key] = true
				}
			}
			budget := rapid.IntRange(0, 70).Draw(t, "budget")
			r := room{Budget: budget, Most: budget + 3, Fresh: rapid.IntRange(0, 80).Draw(t, "fresh")}
			got := assign(jobs, was, r, dead)
			bytes, fresh := int64(0), 0
			for _, j := range jobs {
				if got.Files[j.Key] == got.Inline[j.Key] {
					t.Fatalf("%s is on both sides or on none", j.Key)
				}
				if got.Inline[j.Key] {
					bytes += j.Bytes
				}
				if got.Files[j.Key] && !was.Files[j.Key] {
					fresh++
				}
			}
			if len(got.Files)+len(got.Inline) != len(jobs) || bytes > maxInline {
				t.Fatalf("%d and %d of %d jobs, %d bytes", len(got.Files), len(got.Inline), len(jobs), bytes)
			}
			if got.Beyond == 0 && (len(got.Files) > r.Most || fresh > r.Fresh) {
				if bytes+20*20_000 <= maxInline { // else they are watched all the same
					t.Fatalf("%d are watched, %d of them new, with room for %+v", len(got.Files), fresh, r)
				}
			}
			for key := range dead {
				if got.Files[key] && bytes+20*20_000 <= maxInline {
					t.Fatalf("%s has no watcher and is to be watched", key)
				}
			}
			if again := assign(jobs, got, r, nil); len(dead) == 0 && fresh == 0 && !again.same(got) {
				t.Fatal("the same once more is something else")
			}
			was = got
		}
	})
}
