package agent

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/check"
)

// maxDriftDiff is how much of a diff is told, in bytes.
const maxDriftDiff = 6 << 10

// driftDiff is what should be in a file against what is, as a unified diff without
// secrets; "" if only its mode has changed.
func (a *Agent) driftDiff(d apply.Drift) string {
	if d.Kind == apply.DriftMode || d.Kind == apply.DriftNoFile {
		return ""
	}
	ours, known := a.asWritten(d)
	var theirs []byte
	if d.Kind != apply.DriftRemoved {
		var err error
		if theirs, err = a.disk.ReadDrifted(d); err != nil {
			return fmt.Sprintf("(what is there cannot be shown: %s)", oneLine(err.Error()))
		}
	}
	if !known && d.Kind != apply.DriftForeign {
		return "(what was there is not known here any more)"
	}
	masked := check.MaskedTargets
	if d.File == apply.ConfigName {
		masked = check.MaskedPair
	}
	want, have := masked(ours, theirs)
	if want == have {
		return "(only white space, quotes and the like differ)"
	}
	name := filepath.Base(filepath.Dir(d.Path)) + "/" + filepath.Base(d.Path)
	if d.File == apply.ConfigName {
		name = filepath.Base(d.Path)
	}
	from, to := name+" as written", name+" as it is"
	switch d.Kind {
	case apply.DriftForeign:
		from = "/dev/null"
	case apply.DriftRemoved:
		to = "/dev/null"
	}
	return shorten(udiff.Unified(from, to, want, have), maxDriftDiff)
}

// asWritten gives what the agent has written to a file, and whether that is known.
func (a *Agent) asWritten(d apply.Drift) ([]byte, bool) {
	if d.Kind == apply.DriftForeign {
		return nil, false
	}
	if body, ok := a.drift.copies.Body(d.File, d.Was); ok {
		return body, true
	}
	if d.File != apply.ConfigName {
		return nil, false
	}
	body, err := a.data.Back()
	return body, err == nil && promfleet.HashOf(body) == d.Was
}

// shorten cuts a diff at the end of a line and says how many lines are left out.
func shorten(diff string, most int) string {
	diff = strings.TrimRight(diff, "\n")
	if len(diff) <= most {
		return diff
	}
	end := strings.LastIndexByte(diff[:most], '\n')
	if end < 0 {
		return "(one line of the diff is too long to be shown)"
	}
	return fmt.Sprintf("%s\n(%d more lines are left out)", diff[:end], strings.Count(diff[end+1:], "\n")+1)
}
