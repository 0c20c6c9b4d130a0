package fleet

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"promfleet"
)

func TestNoticesAreKeptWithinBounds(t *testing.T) {
	long := strings.Repeat("线", promfleet.MaxNotice)
	got := cleanNotices(append([]string{"-a\n+b\x1b[31m", long}, make([]string, 30)...))
	if len(got) != promfleet.MaxNotices {
		t.Errorf("%d are kept", len(got))
	}
	if got[0] != "-a\n+b [31m" {
		t.Errorf("%q: its lines must stay, and what acts on a terminal must not", got[0])
	}
	if n := len(got[1]); n > promfleet.MaxNotice || n < promfleet.MaxNotice-10 || !utf8.ValidString(got[1]) || !strings.HasSuffix(got[1], "线…") {
		t.Errorf("%d bytes are left of a long one", n)
	}
	if got := cleanNotices(nil); got != nil {
		t.Errorf("of none: %q", got)
	}
	same := []string{"a", "b"}
	if got := cleanNotices(same); !slices.Equal(got, same) {
		t.Errorf("%q", got)
	}
}
