package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// What is not there is looked for in lists that there are.
func TestHintOfTheMissing(t *testing.T) {
	c := &command{}
	app := c.application()
	for _, tc := range []struct {
		command []string
		forgets bool
	}{{[]string{"event", "get"}, true}, {[]string{"event", "revert"}, true}, {[]string{"user", "token", "delete"}, true}, {[]string{"tag", "get"}, false}, {[]string{"explain"}, false}} {
		cmd := app.GetCommand(tc.command[0])
		for _, word := range tc.command[1:] {
			cmd = cmd.GetCommand(word)
		}
		if got := c.forgets(cmd); got != tc.forgets {
			t.Errorf("%v: %t", tc.command, got)
		}
	}
}

// An error of the API is one line that says what to do, once.
func TestReport(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&promfleet.Error{Code: promfleet.TooMany, Message: "too many are asking", RetryAfter: 12 * time.Second}, "too many are asking; hint: try again in 12s"},
		{&promfleet.Error{Code: promfleet.TooMany, Message: "too many failed logins; try again in 4s", RetryAfter: 4 * time.Second}, "too many failed logins; try again in 4s"},
		{&promfleet.Error{Code: promfleet.TooMany, Message: "too many"}, "too many"},
		{&promfleet.Error{Code: promfleet.Unavailable, Message: "nobody there", Err: errors.New("refused")}, "nobody there; hint: is it running? set PROMFLEET_URL or --server.url"},
		{&promfleet.Error{Code: promfleet.Unavailable, Message: "no room on its disk"}, "no room on its disk"},
		{&promfleet.Error{Code: promfleet.Invalid, Message: "not valid", Fields: []promfleet.FieldError{{Location: "line[2].addr", Message: "bad\n\u202eword"}, {Location: "line[3]", Message: "x"}}},
			"not valid: line[2].addr: bad word; line[3]: x"},
	} {
		var out strings.Builder
		if code := report(t.Context(), nil, &out, &callError{err: tc.err}); code != exitFailed || out.String() != "promfleet: "+tc.want+"\n" {
			t.Errorf("%d %q, want %q", code, out.String(), tc.want)
		}
	}
}
