//go:build race

package store

import "flag"

// Under the race detector a step costs ten times: make test takes the rest of the
// random walks without it. A flag on the command line is read later, and counts.
func init() {
	if f := flag.Lookup("rapid.checks"); f != nil {
		_ = f.Value.Set("30")
	}
}
