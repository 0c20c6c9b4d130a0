package reload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

func init() { register("http", newHTTP) }

// post calls Prometheus's lifecycle API, which a proxy may stand in front of.
type post struct {
	url     string
	client  *http.Client
	timeout time.Duration
	p       *Prometheus // nil: not known
}

func newHTTP(cfg Config) (Reloader, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("--reload.url %q is not a URL: it must look like http://127.0.0.1:9090/-/reload", cfg.URL)
	}
	return post{url: cfg.URL, client: cfg.Client, timeout: cfg.Timeout, p: cfg.Prometheus}, nil
}

func (p post) Reload(ctx context.Context) error { return unused(p.client, p.reload(ctx)) }

func (p post) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return p.notAnswered(ctx, err, connected.Load(), req.URL.Redacted())
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if resp.Request != nil && resp.Request.Method != http.MethodPost {
		// Such a redirect makes a GET of the POST: a login page answers it with 200.
		return fmt.Errorf("%w: %s sends on to %s, which is not reached by POST: is a login in front? --reload.url must lead to Prometheus itself, or to a proxy that takes the credentials of --reload.http-config-file",
			ErrDenied, req.URL.Redacted(), resp.Request.URL.Redacted())
	}
	return p.judge(resp.StatusCode, oneLine(string(body)), req.URL.Redacted())
}

// notAnswered tells a request that surely did not arrive, because there was no
// connection for it, from one that may have: only the former leaves no doubt that
// nothing was reloaded.
func (p post) notAnswered(ctx context.Context, err error, connected bool, addr string) error {
	var call *url.Error
	if errors.As(err, &call) {
		err = call.Err // the URL is in it with all that it has
	}
	timedOut := errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case !connected && timedOut:
		return fmt.Errorf("%w: no connection to %s within %s (--reload.timeout)", ErrUnreachable, addr, p.timeout)
	case !connected:
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
	case timedOut:
		return fmt.Errorf("%w: no answer from %s within %s (--reload.timeout)", ErrUnknown, addr, p.timeout)
	default:
		return fmt.Errorf("%w: %s: %w", ErrUnknown, addr, err)
	}
}

// judge says what the answer to a reload means.
func (p post) judge(status int, body, url string) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case strings.Contains(body, "Lifecycle API is not enabled"):
		return fmt.Errorf("%w: Prometheus runs without its lifecycle API: start it with --web.enable-lifecycle", ErrDenied)
	case notAuthorized(status):
		return fmt.Errorf("%w: %s does not accept the credentials (%d): %s", ErrDenied, url, status, WhichCredentials(p.client))
	case status == http.StatusInternalServerError:
		// The only status that Prometheus itself gives to a reload that failed.
		return fmt.Errorf("%w: %s", ErrRefused, body)
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %s answers %d: %s", ErrUnreachable, url, status, body)
	case status == http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %s answers %d: %s", ErrUnknown, url, status, body)
	default:
		return fmt.Errorf("%w: %s answers %d: %s", ErrDenied, url, status, body)
	}
}

// maxMessage bounds what of an answer is read for an error: Prometheus's own is
// a few hundred bytes.
const maxMessage = 4 << 10

// oneLine puts text that somebody else wrote on one line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
}
