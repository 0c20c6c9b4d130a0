package promfleet

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code says what kind of failure an Error is. HTTP status and exit code follow
// from it, each in one function.
type Code string

// The kinds of failure.
const (
	Invalid      Code = "invalid"      // the input is wrong; Fields say where
	Unauthorized Code = "unauthorized" // no credential, or none that is known
	Forbidden    Code = "forbidden"    // known, but not allowed
	NotFound     Code = "not_found"    // there is no such thing
	Conflict     Code = "conflict"     // it collides with what is there
	Stale        Code = "stale"        // it was changed since it was read
	Gone         Code = "gone"         // a part was replaced; ask for the manifest again
	TooLarge     Code = "too_large"    // beyond a limit
	TooMany      Code = "too_many"     // too often; RetryAfter says when to try again
	Unsupported  Code = "unsupported"  // a media type that is not taken or given
	Unavailable  Code = "unavailable"  // try again later
	Internal     Code = "internal"     // a defect of ours
)

// Error is a failure that can be told to a user.
type Error struct {
	Code    Code
	Message string       // one line: what was wrong, where, what to do
	Fields  []FieldError // each bad field, where the input is to blame
	Err     error        // the cause, for logs only

	RetryAfter time.Duration // when to try again; 0: not known
}

// FieldError says what is wrong with one field of the input.
type FieldError struct {
	Location string // e.g. body.scrape_config.scrape_interval
	Message  string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		if i == 0 && e.Message != "" {
			b.WriteString(": ")
		} else if i > 0 {
			b.WriteString("; ")
		}
		if f.Location != "" {
			b.WriteString(f.Location + ": ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// BadField makes an Invalid error about one field.
func BadField(location, format string, args ...any) *Error {
	return &Error{Code: Invalid, Message: "the input is not valid", Fields: []FieldError{{Location: location, Message: fmt.Sprintf(format, args...)}}}
}

// ErrorCode gives the code of err: Internal if it is not an Error, "" if it is nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
