package reload

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func static(addr string, labels ...string) map[string]string {
	l := found(addr, labels...)
	delete(l, "__meta_filepath")
	return l
}

// A job that is inline has no files that are read: it is loaded when its pool has
// just its targets.
func TestVerifyInline(t *testing.T) {
	inline := job(t1, t2)
	inline.Inline, inline.Changed = true, map[string]time.Time{"/t/j/p.json": time.Unix(9, 0)}
	shared := inline
	shared.Shared = true
	both := []map[string]string{static("h1:1"), static("h2:1", "env", "prod")}
	for _, c := range []struct {
		name   string
		job    Job
		active []map[string]string
		ok     bool
	}{
		{"as wanted", inline, both, true},
		{"one is missing", inline, both[:1], false},
		{"one is another", inline, []map[string]string{both[0], static("h2:1", "env", "dev")}, false},
		{"one too many", inline, append(both[:2:2], static("h3:1")), false},
		{"beside others of its own", shared, append(both[:2:2], static("own:1")), true},
		{"missing beside others", shared, []map[string]string{both[0], static("own:1"), static("own:2")}, false},
		{"with their file", inline, []map[string]string{found("h1:1"), found("h2:1", "env", "prod")}, true},
	} {
		_, _, err := verify(t, Want{SameConfig: isConfig, Jobs: []Job{c.job}}, 10*time.Second, func(time.Duration) seen {
			return seen{config: "ours", pools: []string{"j"}, active: c.active}
		})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A large one is counted, once its pool has taken something over.
func TestVerifyLargeInline(t *testing.T) {
	large := Job{Name: "j", Dir: "/t/j", Targets: MaxCompared + 1, Inline: true, Changed: map[string]time.Time{"/t/j/p.json": time.Unix(9, 0)}}
	took, _, err := verify(t, Want{SameConfig: isConfig, Jobs: []Job{large}}, 30*time.Second, func(since time.Duration) seen {
		now := seen{config: "ours", pools: []string{"j"}, poolTargets: MaxCompared + 1, syncs: 3}
		if since > 5*time.Second {
			now.syncs = 4
		}
		return now
	})
	if err != nil || took < 5*time.Second || took > 7*time.Second {
		t.Errorf("took %s: %v", took, err)
	}
	_, _, err = verify(t, Want{SameConfig: isConfig, Jobs: []Job{large}}, 30*time.Second, func(time.Duration) seen {
		return seen{config: "ours", pools: []string{"j"}, poolTargets: MaxCompared + 2}
	})
	if err == nil {
		t.Error("one target too many is taken for loaded")
	}
}

// Without a watcher there is nothing to wait for.
func TestVerifyDeadWatcher(t *testing.T) {
	jobs := Want{SameConfig: isConfig, Jobs: []Job{job(t1)}}
	took, _, err := verify(t, jobs, 30*time.Second, func(time.Duration) seen { return seen{config: "ours", watcherErrors: 1} })
	var dead *DeadWatchers
	if !errors.As(err, &dead) || !slices.Equal(dead.Jobs, []string{"j"}) || took < ReadsWithin || took > ReadsWithin+2*time.Second {
		t.Errorf("took %s: %v", took, err)
	}
	if !strings.Contains(fmt.Sprint(err), "job j: it has no scrape pool") {
		t.Errorf("it does not say what is missing: %v", err)
	}
	for name, now := range map[string]seen{
		"its files were read":     {config: "ours", watcherErrors: 1, mtime: 9},
		"no watcher has failed":   {config: "ours"},
		"it is another's config":  {config: "theirs", watcherErrors: 1},
		"its last reload was bad": {config: "ours", watcherErrors: 1, reloadFailed: true},
	} {
		took, _, err := verify(t, jobs, 30*time.Second, func(time.Duration) seen { return now })
		if err == nil || errors.As(err, &dead) || took < 28*time.Second {
			t.Errorf("%s: after %s %v", name, took, err)
		}
	}
	inline := job(t1)
	inline.Inline = true
	if _, _, err := verify(t, Want{Jobs: []Job{inline}}, 10*time.Second, func(time.Duration) seen { return seen{watcherErrors: 1} }); errors.As(err, &dead) {
		t.Error("a job that needs no watcher is said to have none")
	}
}

func TestWithoutWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{now: func(time.Duration) seen { return seen{watcherErrors: 2, mtime: 9} }}
		p, err := NewPrometheus("http://prometheus/prom/", &http.Client{Transport: s}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		names, err := p.WithoutWatcher(t.Context(), []Job{
			{Name: "read", Dir: "/t/j", Targets: 1}, {Name: "dead", Dir: "/t/d", Targets: 1}, {Name: "beside", Dir: "/t/j/p", Targets: 1},
			{Name: "empty", Dir: "/t/e"}, {Name: "inline", Dir: "/t/i", Targets: 1, Inline: true},
		})
		if err != nil || !slices.Equal(names, []string{"dead", "beside"}) {
			t.Errorf("%v, %v", names, err)
		}
	})
}
