package fleet

import (
	"math"
	"testing"
	"time"

	"promfleet"
)

func TestSteps(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	before := now.Add(-time.Minute)
	ago := func(ms int64) *int64 { return &ms }
	for name, c := range map[string]struct {
		known *time.Time
		age   *int64
		again bool
		want  *time.Time
	}{
		"an agent that says nothing, and does nothing": {known: &before, want: &before},
		"an agent that says nothing, the first time":   {again: true, want: &now},
		"the same step, a little later":                {known: &before, age: ago(59_500), want: &before},
		"another step":                                 {known: &before, age: ago(0), want: &now},
		"the same time, another revision":              {known: &now, age: ago(60_000), again: true, want: &before},
		"never":                                        {},
	} {
		got := stepAt(c.known, c.age, c.again, now)
		if (got == nil) != (c.want == nil) || got != nil && !got.Equal(*c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := stepAt(nil, ago(math.MaxInt64), true, now); got.Year() < 2016 {
		t.Errorf("an age that nothing has: %v", got)
	}
}

// A report that only says that the agent is there is no news.
func TestIsNews(t *testing.T) {
	now := time.Now()
	later, muchLater := now.Add(30*time.Second), now.Add(StaleAfter+time.Second)
	was := NodeReport{State: promfleet.StateInSync, Loaded: 1, Notices: []string{"n"}, LastSeenAt: &now}
	for name, change := range map[string]struct {
		of   func(*NodeReport)
		news bool
	}{
		"nothing":           {func(r *NodeReport) { r.LastSeenAt = &later }, false},
		"state":             {func(r *NodeReport) { r.State = promfleet.StateFailed }, true},
		"revision":          {func(r *NodeReport) { r.Loaded++ }, true},
		"targets":           {func(r *NodeReport) { r.TargetsDown++ }, true},
		"notices":           {func(r *NodeReport) { r.Notices = []string{"m"} }, true},
		"after being stale": {func(r *NodeReport) { r.LastSeenAt = &muchLater }, true},
	} {
		is := was
		change.of(&is)
		if got := is.isNews(was); got != change.news {
			t.Errorf("%s: news %v", name, got)
		}
	}
	if !was.isNews(NodeReport{}) {
		t.Error("the first report is no news")
	}
}
