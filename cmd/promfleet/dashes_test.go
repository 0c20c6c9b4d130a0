package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

func TestDashes(t *testing.T) {
	app := kingpin.New("x", "")
	app.Command("a", "").Flag("yes", "").Short('f').Bool()
	app.Command("b", "").Command("c", "").Flag("file", "").Short('f').String()
	for in, want := range map[string]string{
		"":               "",
		"b c -":          "b c -- -",
		"b c - --yes":    "b c --yes -- -",
		"b c --yes -":    "b c --yes -- -",
		"b c --no-yes -": "b c --no-yes -- -",
		"b c --file -":   "b c --file=-",
		"b c --file=x -": "b c --file=x -- -",
		"b c --file - -": "b c --file=- -- -",
		"b c -f - -":     "b c --file=- -- -",
		"a -f -":         "a -f -- -",
		"b c -- -":       "b c -- -",
		"b c - -- x":     "b c -- x -",
	} {
		if got := strings.Join(dashes(app.Model(), strings.Fields(in)), " "); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
