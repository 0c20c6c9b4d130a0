//go:build race

package agent

// raced tells whether the race detector is on, under which a step costs ten times.
const raced = true
