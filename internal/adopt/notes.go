package adopt

import (
	"fmt"
	"strings"
)

// maxNotes is how many notes a job makes, and maxNamed how many things one names. A
// file may have as many faults as it has lines.
const (
	maxNotes = 20
	maxNamed = 5
)

// notes are what whoever imports a job should know.
type notes struct {
	said []string
	more int
}

func (n *notes) add(format string, args ...any) {
	if len(n.said) == maxNotes {
		n.more++
		return
	}
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

func (n *notes) list() []string {
	if n.more == 0 {
		return n.said
	}
	return append(n.said, fmt.Sprintf("and %d notes more", n.more))
}

// some names the first of many.
func some(names []string) string {
	more := ""
	if n := len(names) - maxNamed; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names[:min(len(names), maxNamed)], ", ") + more
}
