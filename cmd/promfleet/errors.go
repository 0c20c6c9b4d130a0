package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
)

// The exit codes.
const (
	exitDone   = 0
	exitNo     = 1 // the answer is "no" or "different"
	exitFailed = 2
)

// usageError is a command line that cannot be understood.
type usageError struct {
	err     error
	command string // as far as it was understood
}

// Error implements error.
func (e *usageError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *usageError) Unwrap() error { return e.err }

// callError is a failed command of the API's users. The agent and the server have
// hints of their own.
type callError struct {
	err     error
	forgets bool // it is about records that are not listed once they are gone
}

// Error implements error.
func (e *callError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *callError) Unwrap() error { return e.err }

// answerNo is no failure: what was to be found out is found out, and it is "no".
type answerNo struct{ why error }

// Error implements error.
func (e *answerNo) Error() string { return e.why.Error() }

// Unwrap gives the reason.
func (e *answerNo) Unwrap() error { return e.why }

// misunderstood makes a usageError that names the command and, where a value is to
// blame, the flag: kingpin tells neither.
func misunderstood(app *kingpin.Application, args []string, err error) error {
	u := &usageError{err: &parseError{err}, command: "promfleet"}
	parsed, _ := app.ParseContext(args) // the error is known
	if parsed == nil {
		return u
	}
	if parsed.SelectedCommand != nil {
		u.command += " " + parsed.SelectedCommand.FullCommand()
	}
	for _, e := range parsed.Elements {
		flag, ok := e.Clause.(*kingpin.FlagClause)
		if !ok || e.Value == nil {
			continue
		}
		m := flag.Model()
		if again := m.Value.Set(*e.Value); again != nil && again.Error() == err.Error() {
			var own *ownError
			if !errors.As(again, &own) {
				again = &parseError{again}
			}
			u.err = errorf("--%s %q: %w", m.Name, *e.Value, again)
			break
		}
	}
	return u
}

// report writes an error as one line and gives the exit code.
func report(ctx context.Context, lang language, to io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(to, lang.text("promfleet: interrupted"))
		return exitFailed
	}
	line := oneLine(lang.ofError(err))
	if hint := hintFor(lang, err); hint != "" && !strings.Contains(err.Error(), "hint:") {
		line += lang.text("; hint: %s", hint)
	}
	fmt.Fprintln(to, "promfleet: "+line)
	var no *answerNo
	if errors.As(err, &no) {
		return exitNo
	}
	return exitFailed
}

// oneLine is what an error says, on one line.
func oneLine(said string) string { return strings.Join(strings.Fields(plain(said)), " ") }

// hintFor says what to do about an error, where its own words do not.
func hintFor(lang language, err error) string {
	var usage *usageError
	if errors.As(err, &usage) {
		return lang.text("%s --help shows what it takes", usage.command)
	}
	var called *callError
	if !errors.As(err, &called) {
		return ""
	}
	var e *promfleet.Error
	if !errors.As(called.err, &e) {
		return ""
	}
	switch e.Code {
	case promfleet.Unavailable:
		if e.Err != nil { // it did not answer
			return lang.text("is it running? set PROMFLEET_URL or --server.url")
		}
	case promfleet.TooMany:
		if e.RetryAfter > 0 && !strings.Contains(e.Message, "try again in") {
			return lang.text("try again in %s", e.RetryAfter)
		}
	case promfleet.Unauthorized:
		return lang.text("promfleet login, or set PROMFLEET_TOKEN, PROMFLEET_TOKEN_FILE or --server.token-file")
	case promfleet.Forbidden:
		return lang.text("use the token of a higher role")
	case promfleet.NotFound:
		if called.forgets {
			return lang.text("list shows what there is")
		}
		return lang.text("list shows what there is, list --deleted what there was")
	case promfleet.Stale:
		return lang.text("get it again for its present etag")
	}
	return ""
}
