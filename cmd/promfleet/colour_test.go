package main

import (
	"os"
	"strings"
	"testing"

	"promfleet"
)

// Colours take no room, are for states alone, and only where they are wanted.
func TestColour(t *testing.T) {
	nodes := []promfleet.Node{{UUID: "a", Hostname: "failed", Status: promfleet.NodeStatus{State: promfleet.StateFailed}, Tags: []string{"x"}},
		{UUID: "b", Status: promfleet.NodeStatus{State: promfleet.StateInSync}, Tags: []string{"y"}}}
	write := func(when string) string {
		var out strings.Builder
		if err := nodeTable.write(&output{to: &out, format: "table", colour: &when}, nodes); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	plain := "UUID  HOSTNAME  ADDR  STATE    TAGS\na     failed          failed   x\nb                     in_sync  y\n"
	for when, want := range map[string]string{
		colourAuto:   plain, // no terminal
		colourNever:  plain,
		colourAlways: "UUID  HOSTNAME  ADDR  STATE    TAGS\na     failed          \x1b[31mfailed\x1b[0m   x\nb                     \x1b[32min_sync\x1b[0m  y\n",
	} {
		if got := write(when); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if coloured(colourAuto, f) {
		t.Error("a file that is no terminal is coloured")
	}
	for _, s := range strings.Split(nodeStates, ",") {
		if stateColours[promfleet.NodeState(s)] == "" {
			t.Errorf("state %s has no colour", s)
		}
	}
}
