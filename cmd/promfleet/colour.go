package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"promfleet"
)

// When tables are coloured: always, never, or on a terminal that wants it.
const (
	colourAuto   = "auto"
	colourAlways = "always"
	colourNever  = "never"
)

// The colours of a terminal, as SGR parameters.
const (
	green  = "32"
	yellow = "33"
	red    = "31"
)

// stateColours are those of the states of nodes: what is well, what passes or waits
// for somebody, and what is not well.
var stateColours = map[promfleet.NodeState]string{
	promfleet.StateInSync:      green,
	promfleet.StateApplying:    yellow,
	promfleet.StateWritten:     yellow,
	promfleet.StatePending:     yellow,
	promfleet.StateHeld:        yellow,
	promfleet.StateDrifted:     yellow,
	promfleet.StateQuarantined: red,
	promfleet.StateFailed:      red,
	promfleet.StateStale:       red,
}

// coloured tells whether what is written there is coloured. auto is as
// https://no-color.org has it.
func coloured(when string, to io.Writer) bool {
	if when != colourAuto {
		return when == colourAlways
	}
	f, ok := to.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// paint colours a cell of a column.
func paint(column, cell string) string {
	if colour := stateColours[promfleet.NodeState(cell)]; column == "STATE" && colour != "" {
		return "\x1b[" + colour + "m" + cell + "\x1b[0m"
	}
	return cell
}
