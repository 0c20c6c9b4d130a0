package adopt

import "promfleet"

// What tests of properties look at.
var (
	Keys   = keysOf
	Remark = func(s string) string { return remark(s) }
)

// Verify says whether documents, a node and its jobs, load what a file does.
func Verify(text string, docs []promfleet.FleetDocument) error {
	return verify(text, *docs[0].BaseConfig, docs[1:])
}
