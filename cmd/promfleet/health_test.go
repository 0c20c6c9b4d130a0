package main

import (
	"errors"
	"testing"

	"promfleet"
)

// Only where it is known of every job of the node that nothing is down or missing is
// nothing said.
func TestHealthVerdict(t *testing.T) {
	none := new(int64)
	well := promfleet.JobHealth{Job: "web", Active: 1, Up: 1, Missing: none}
	down := []promfleet.DownTarget{{State: promfleet.HealthDown}}
	for _, tt := range []struct {
		name string
		h    promfleet.NodeHealth
		code int
	}{
		{"no jobs", promfleet.NodeHealth{}, 0},
		{"well", promfleet.NodeHealth{Jobs: []promfleet.JobHealth{well, {JobName: "own", Active: 1, Up: 1}}}, 0},
		{"down", promfleet.NodeHealth{Jobs: []promfleet.JobHealth{well}, Down: down}, 1},
		{"not told", promfleet.NodeHealth{MoreDown: 1}, 1},
		{"down, and another not known", promfleet.NodeHealth{Jobs: []promfleet.JobHealth{{Job: "db"}}, Down: down}, 1},
		{"not known", promfleet.NodeHealth{Jobs: []promfleet.JobHealth{well, {Job: "db", Active: 1, Up: 1}}}, 2},
		{"withheld", promfleet.NodeHealth{Jobs: []promfleet.JobHealth{{Job: "db", Withheld: "no such field", Missing: none}}}, 2},
		{"more jobs", promfleet.NodeHealth{Jobs: []promfleet.JobHealth{well}, MoreJobs: 1}, 2},
		{"no answer", promfleet.NodeHealth{AgentSays: "it was not to be asked"}, 2},
	} {
		err, code := healthVerdict(&tt.h), 0
		var no *answerNo
		switch {
		case errors.As(err, &no):
			code = 1
		case err != nil:
			code = 2
		}
		if code != tt.code {
			t.Errorf("%s: %d, want %d: %v", tt.name, code, tt.code, err)
		}
	}
}
