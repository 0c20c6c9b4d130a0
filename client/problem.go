package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"promfleet"
)

// problem makes an Error of an answer that is none of the expected: the inverse
// of what the API does.
func problem(resp *http.Response, body []byte) error {
	var p struct {
		Title, Detail string
		Errors        []struct{ Location, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil || (p.Detail == "" && p.Title == "") {
		// Not resp.Status: the words in it are the server's.
		p.Detail = strings.TrimSpace(fmt.Sprintf("the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	}
	e := &promfleet.Error{Code: codeOf(resp.StatusCode), Message: p.Detail, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	if e.Message == "" {
		e.Message = p.Title
	}
	for _, f := range p.Errors {
		e.Fields = append(e.Fields, promfleet.FieldError{Location: f.Location, Message: f.Message})
	}
	return e
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds or a date. It
// gives 0 where it says nothing, or a time that has passed.
func retryAfter(header string, now time.Time) time.Duration {
	const most = 24 * time.Hour // no more is believed
	var d time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), most)
}

func codeOf(status int) promfleet.Code {
	switch status {
	case http.StatusUnauthorized:
		return promfleet.Unauthorized
	case http.StatusForbidden:
		return promfleet.Forbidden
	case http.StatusNotFound:
		return promfleet.NotFound
	case http.StatusConflict:
		return promfleet.Conflict
	case http.StatusPreconditionFailed:
		return promfleet.Stale
	case http.StatusGone:
		return promfleet.Gone
	case http.StatusRequestEntityTooLarge:
		return promfleet.TooLarge
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return promfleet.Unsupported
	case http.StatusTooManyRequests:
		return promfleet.TooMany
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return promfleet.Unavailable
	}
	if status < http.StatusInternalServerError {
		return promfleet.Invalid
	}
	return promfleet.Internal
}
