// Package client speaks to a promfleet server. Every failure is a
// *promfleet.Error: what the server said as problem+json, or Unavailable where it
// could not be reached.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"promfleet"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 256 << 20

// Config says where the server is and who calls.
type Config struct {
	URL        string       // e.g. http://127.0.0.1:7090, a sub-path included
	Token      string       // an API token, a node's credential or a join token
	HTTPClient *http.Client // default: http.DefaultClient
	UserAgent  string       // default: promfleet
}

// Client calls one server as one principal. It may be used concurrently.
type Client struct {
	base  url.URL
	token string
	http  *http.Client
	agent string
}

// New makes a Client.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, promfleet.Errorf(promfleet.Invalid, "server URL %q is not one like http://127.0.0.1:7090", c.URL)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/api/v1"
	cl := &Client{base: *u, token: c.Token, http: c.HTTPClient, agent: c.UserAgent}
	if cl.http == nil {
		cl.http = http.DefaultClient
	}
	if cl.agent == "" {
		cl.agent = "promfleet"
	}
	return cl, nil
}

// WithToken gives a Client that calls the same server as somebody else.
func (c *Client) WithToken(token string) *Client {
	d := *c
	d.token = token
	return &d
}

// call is one request. A nil out means that no answer is wanted.
type call struct {
	method, path string
	query        url.Values
	etag         string // for If-Match
	body, out    any
}

// do makes a call and gives the status and the ETag of the answer.
func (c *Client) do(ctx context.Context, k call) (status int, etag string, err error) {
	u := c.base
	u.Path += k.path
	u.RawQuery = k.query.Encode()
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return 0, "", promfleet.Errorf(promfleet.Invalid, "the request cannot be encoded: %v", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), body)
	if err != nil {
		return 0, "", promfleet.Errorf(promfleet.Invalid, "request: %v", err)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
		if k.method == http.MethodPatch {
			req.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if k.etag != "" {
		req.Header.Set("If-Match", k.etag)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return 0, "", &promfleet.Error{Code: promfleet.Unavailable, Err: err,
			Message: fmt.Sprintf("the server at %s cannot be reached: %v", c.base.Scheme+"://"+c.base.Host, err)}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = errors.New("it is too large")
	}
	if err != nil {
		return 0, "", &promfleet.Error{Code: promfleet.Unavailable, Err: err, Message: fmt.Sprintf("the server's answer broke off: %v", err)}
	}
	if resp.StatusCode >= 300 {
		return resp.StatusCode, "", problem(resp, answer)
	}
	if k.out != nil && resp.StatusCode != http.StatusNoContent {
		if err := json.Unmarshal(answer, k.out); err != nil {
			return 0, "", &promfleet.Error{Code: promfleet.Unavailable, Err: err,
				Message: fmt.Sprintf("%s does not answer as a promfleet server: %v", c.base.Host, err)}
		}
	}
	return resp.StatusCode, resp.Header.Get("ETag"), nil
}

// problem makes an Error of an answer that is none of the expected: the inverse
// of what the API does.
func problem(resp *http.Response, body []byte) error {
	var p struct {
		Title, Detail string
		Errors        []struct{ Location, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil || (p.Detail == "" && p.Title == "") {
		p.Detail = fmt.Sprintf("the server answered %s", resp.Status)
	}
	e := &promfleet.Error{Code: codeOf(resp.StatusCode), Message: p.Detail}
	if e.Message == "" {
		e.Message = p.Title
	}
	for _, f := range p.Errors {
		e.Fields = append(e.Fields, promfleet.FieldError{Location: f.Location, Message: f.Message})
	}
	return e
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
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return promfleet.Unavailable
	}
	if status < http.StatusInternalServerError {
		return promfleet.Invalid
	}
	return promfleet.Internal
}
