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

// What is kept in memory of an answer at the most, in bytes: of one, and of one that
// is an error.
const (
	maxAnswer  = 256 << 20
	maxProblem = 1 << 20
)

// The media types of the targets of a job as one body.
const (
	JSON   = "application/json"
	NDJSON = "application/x-ndjson"
	CSV    = "text/csv"
)

const mergePatch = "application/merge-patch+json"

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
	most  int64 // of an answer, in bytes
}

// New makes a Client.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, promfleet.Errorf(promfleet.Invalid, "server URL %q is not one like http://127.0.0.1:7090", c.URL)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/api/v1"
	cl := &Client{base: *u, token: c.Token, http: c.HTTPClient, agent: c.UserAgent, most: maxAnswer}
	if cl.http == nil {
		cl.http = http.DefaultClient
	}
	if cl.http.CheckRedirect == nil {
		staying := *cl.http
		staying.CheckRedirect = stay
		cl.http = &staying
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

// Within gives a Client that calls the same server and refuses an answer of more
// bytes.
func (c *Client) Within(bytes int64) *Client {
	d := *c
	d.most = bytes
	return &d
}

// call is one request. A nil out means that no answer is wanted.
type call struct {
	method, path string // the path escaped
	query        url.Values
	etag         string // for If-Match
	media        string // of the body; "": JSON
	body, out    any
	from         io.Reader // a body that is sent as it is read, instead of body
	to           io.Writer // where the answer goes as it arrives, instead of out
	accept       string    // the type of that answer

	// decode reads an answer as it arrives, instead of out. Its errors are that it
	// is not what was asked for.
	decode func(io.Reader) error
}

// do makes a call and gives the status and the ETag of the answer.
func (c *Client) do(ctx context.Context, k call) (status int, etag string, err error) {
	req, err := c.request(ctx, k)
	if err != nil {
		return 0, "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var failed readError
		if errors.As(err, &failed) {
			return 0, "", promfleet.Errorf(promfleet.Invalid, "the input cannot be read: %v", failed.error)
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return 0, "", &promfleet.Error{Code: promfleet.Unavailable, Err: err,
			Message: fmt.Sprintf("the server at %s cannot be reached: %v", c.base.Scheme+"://"+c.base.Host, err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode < http.StatusMultipleChoices && k.to != nil {
		return resp.StatusCode, resp.Header.Get("ETag"), pass(k.to, resp.Body)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		answer, err := io.ReadAll(&bounded{resp.Body, min(c.most, maxProblem)})
		if err != nil && !errors.Is(err, errTooLarge) {
			return 0, "", brokeOff(err)
		}
		return resp.StatusCode, "", problem(resp, answer)
	}
	if err := c.take(k, resp); err != nil {
		return 0, "", err
	}
	return resp.StatusCode, resp.Header.Get("ETag"), nil
}

// take reads an answer that is no error.
func (c *Client) take(k call, resp *http.Response) error {
	body := reader{&bounded{resp.Body, c.most}}
	var err error
	if k.decode != nil && resp.StatusCode != http.StatusNoContent {
		err = k.decode(body)
	} else {
		var answer []byte
		answer, err = io.ReadAll(body)
		if err == nil && k.out != nil && resp.StatusCode != http.StatusNoContent {
			err = json.Unmarshal(answer, k.out)
		}
	}
	var failed readError
	switch {
	case errors.As(err, &failed):
		return brokeOff(failed.error)
	case err != nil:
		return &promfleet.Error{Code: promfleet.Unavailable, Err: err,
			Message: fmt.Sprintf("%s does not answer as a promfleet server: %v", c.base.Host, err)}
	}
	return nil
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	u := c.base
	u.RawPath = u.EscapedPath() + k.path
	var err error
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, promfleet.Errorf(promfleet.Invalid, "request: %v", err)
	}
	u.RawQuery = k.query.Encode()
	var body io.Reader
	switch {
	case k.from != nil:
		body = reader{k.from}
	case k.body != nil:
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, promfleet.Errorf(promfleet.Invalid, "the request cannot be encoded: %v", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), body)
	if err != nil {
		return nil, promfleet.Errorf(promfleet.Invalid, "request: %v", err)
	}
	set := func(name, value, otherwise string) {
		if value == "" {
			value = otherwise
		}
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if body != nil {
		set("Content-Type", k.media, JSON)
	}
	if k.from != nil {
		// A refusal is heard before a large body is sent.
		set("Expect", "100-continue", "")
	}
	if c.token != "" {
		set("Authorization", "Bearer "+c.token, "")
	}
	set("If-Match", k.etag, "")
	set("Accept", k.accept, JSON)
	set("User-Agent", c.agent, "")
	return req, nil
}

// pass writes an answer as it arrives. An error of the writer's comes back as it is.
func pass(to io.Writer, answer io.Reader) error {
	_, err := io.Copy(to, reader{answer})
	var failed readError
	if errors.As(err, &failed) {
		return brokeOff(failed.error)
	}
	return err
}

// reader marks its errors, so that they are told from those of where it is read to.
type reader struct{ from io.Reader }

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = readError{err}
	}
	return n, err
}

type readError struct{ error }

func brokeOff(err error) error {
	return &promfleet.Error{Code: promfleet.Unavailable, Err: err, Message: fmt.Sprintf("the server's answer broke off: %v", err)}
}
