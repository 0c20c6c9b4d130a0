package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"promfleet"
)

// The exit codes: 1 is an answer ("no", "different"), 2 a failure.
const (
	exitDone   = 0
	exitFailed = 2
)

// report writes an error as one line and gives the exit code.
func report(to io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	line := strings.Join(strings.Fields(err.Error()), " ")
	if hint := hintFor(err); hint != "" && !strings.Contains(line, "hint:") {
		line += "; hint: " + hint
	}
	fmt.Fprintln(to, "promfleet: "+line)
	return exitFailed
}

// hintFor says what to do about an error, where its own words do not.
func hintFor(err error) string {
	var e *promfleet.Error
	if !errors.As(err, &e) {
		if strings.Contains(err.Error(), "flag") || strings.Contains(err.Error(), "command") || strings.Contains(err.Error(), "argument") {
			return "promfleet --help lists commands and flags"
		}
		return ""
	}
	switch e.Code {
	case promfleet.Unavailable:
		return "is it running? set PROMFLEET_URL or --server.url"
	case promfleet.Unauthorized:
		return "set PROMFLEET_TOKEN, PROMFLEET_TOKEN_FILE or --server.token-file"
	case promfleet.Stale:
		return "get it again for its present ETag"
	}
	return ""
}
