//go:build race

package adopt_test

// raced tells whether the race detector is on, under which a call costs ten times.
const raced = true
