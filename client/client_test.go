package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"promfleet"
)

// serving gives a client of a server that answers with h.
func serving(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{URL: s.URL + "/below/", Token: "secret", UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What a server says as problem+json arrives as the Error that it was made of.
func TestProblem(t *testing.T) {
	for _, tc := range []struct {
		status     int
		retry      string
		body       string
		code       promfleet.Code
		message    string
		retryAfter time.Duration
	}{
		{422, "", `{"title":"Unprocessable Entity","status":422,"detail":"the input is not valid","errors":[{"location":"line[4].addr","message":"is missing"},{"location":"line[9].labels.x","message":"no"}]}`,
			promfleet.Invalid, "the input is not valid: line[4].addr: is missing; line[9].labels.x: no", 0},
		{400, "", `{"detail":"d"}`, promfleet.Invalid, "d", 0},
		{401, "", `{"detail":"d"}`, promfleet.Unauthorized, "d", 0},
		{403, "", `{"detail":"d"}`, promfleet.Forbidden, "d", 0},
		{404, "", `{"title":"Not Found"}`, promfleet.NotFound, "Not Found", 0},
		{406, "", `{"detail":"d"}`, promfleet.Unsupported, "d", 0},
		{409, "", `{"detail":"d"}`, promfleet.Conflict, "d", 0},
		{410, "", `{"detail":"d"}`, promfleet.Gone, "d", 0},
		{412, "", `{"detail":"d"}`, promfleet.Stale, "d", 0},
		{413, "", `{"detail":"d"}`, promfleet.TooLarge, "d", 0},
		{415, "", `{"detail":"d"}`, promfleet.Unsupported, "d", 0},
		{429, "4", `{"detail":"d"}`, promfleet.TooMany, "d", 4 * time.Second},
		{503, "2", `{"detail":"d"}`, promfleet.Unavailable, "d", 2 * time.Second},
		{500, "", `{"detail":"d"}`, promfleet.Internal, "d", 0},
		{502, "", `<html>`, promfleet.Unavailable, "the server answered 502 Bad Gateway", 0},
		{302, "", ``, promfleet.Invalid, "the server answered 302 Found", 0},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
				if tc.retry != "" {
					w.Header().Set("Retry-After", tc.retry)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, _, err := c.Tags().Get(t.Context(), "1")
			var e *promfleet.Error
			if !errors.As(err, &e) || e.Code != tc.code || e.Error() != tc.message || e.RetryAfter != tc.retryAfter {
				t.Errorf("%#v, want %s %q after %s", err, tc.code, tc.message, tc.retryAfter)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-5":                            0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"4000000000":                    24 * time.Hour,
		"99999999999999999999":          0,
		"Tue, 24 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Tue, 24 Nov 2026 11:59:30 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// The calls as they go over the wire.
func TestRequests(t *testing.T) {
	set, body := SetWrite{MediaType: CSV, ETag: `"3"`}, "addr\na:1\n"
	whole := set
	whole.Replace = true
	for _, tc := range []struct {
		name string
		do   func(context.Context, *Client) error
		want string // method, URI, Content-Type, If-Match, body
	}{
		{"patch", func(ctx context.Context, c *Client) error {
			_, err := c.Users().Patch(ctx, "1", `"2"`, map[string]any{"disabled": true})
			return err
		}, `PATCH /users/1 application/merge-patch+json "2" {"disabled":true}`},
		{"a dry run", func(ctx context.Context, c *Client) error {
			_, err := c.Jobs().Preview().Delete(ctx, "7", `"2"`)
			return err
		}, `DELETE /jobs/7?dry_run=true  "2" `},
		{"an odd id", func(ctx context.Context, c *Client) error {
			return c.Contacts(4).Delete(ctx, "../1?x", "")
		}, `DELETE /users/4/contacts/..%2F1%3Fx   `},
		{"upsert a stream", func(ctx context.Context, c *Client) error {
			_, err := c.WriteTargets(ctx, 5, set, strings.NewReader(body))
			return err
		}, `POST /jobs/5/targets text/csv "3" ` + body},
		{"replace by a stream", func(ctx context.Context, c *Client) error {
			_, err := c.Preview().WriteTargets(ctx, 5, whole, strings.NewReader(body))
			return err
		}, `PUT /jobs/5/targets?dry_run=true text/csv "3" ` + body},
		{"patch many", func(ctx context.Context, c *Client) error {
			_, err := c.Preview().PatchTargets(ctx, url.Values{"tag": {"开发", "北京"}}, promfleet.TargetsPatch{Labels: map[string]*string{"dc": nil}})
			return err
		}, `PATCH /targets?dry_run=true&tag=%E5%BC%80%E5%8F%91&tag=%E5%8C%97%E4%BA%AC application/json  {"labels":{"dc":null}}`},
		{"undo", func(ctx context.Context, c *Client) error { return c.Revert(ctx, 9) }, `POST /events/9/revert   `},
		{"the config of now", func(ctx context.Context, c *Client) error {
			_, err := c.NodeConfig(ctx, "u", 0)
			return err
		}, `GET /nodes/u/config   `},
		{"a config of the past", func(ctx context.Context, c *Client) error {
			_, err := c.NodeConfig(ctx, "u", 6)
			return err
		}, `GET /nodes/u/config?revision=6   `},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got string
			c := serving(t, func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil || r.Header.Get("Authorization") != "Bearer secret" {
					t.Errorf("%v, %v", err, r.Header)
				}
				uri := strings.TrimPrefix(r.RequestURI, "/below/api/v1")
				got = fmt.Sprintf("%s %s %s %s %s", r.Method, uri, r.Header.Get("Content-Type"), r.Header.Get("If-Match"), b)
				_, _ = io.WriteString(w, "{}")
			})
			if err := tc.do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// A stream that breaks off is the server's failure, one that cannot be written is
// the caller's.
func TestReadTargets(t *testing.T) {
	whole := true
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"8"`)
		_, _ = io.WriteString(w, r.Header.Get("Accept")+"\n")
		if !whole {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	var got strings.Builder
	etag, err := c.ReadTargets(t.Context(), 1, NDJSON, &got)
	if err != nil || etag != `"8"` || got.String() != NDJSON+"\n" {
		t.Errorf("%q %s, %v", got.String(), etag, err)
	}
	full := errors.New("disk full")
	if _, err := c.ReadTargets(t.Context(), 1, "", broken{full}); !errors.Is(err, full) || promfleet.ErrorCode(err) == promfleet.Unavailable {
		t.Errorf("a broken writer gives %v", err)
	}
	whole = false
	got.Reset()
	if _, err := c.ReadTargets(t.Context(), 1, "", &got); promfleet.ErrorCode(err) != promfleet.Unavailable || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("a stream cut short gives %v, and %q", err, got.String())
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

// A body that cannot be read is not the server's failure.
func TestWriteTargetsUnreadable(t *testing.T) {
	c := serving(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	_, err := c.WriteTargets(t.Context(), 1, SetWrite{}, io.MultiReader(strings.NewReader("[{"), iotest.ErrReader(errors.New("bad sector"))))
	if promfleet.ErrorCode(err) != promfleet.Invalid || !strings.Contains(err.Error(), "bad sector") {
		t.Errorf("%v", err)
	}
}

// Who may not write hears it before a large body is sent.
func TestRefusedBeforeTheBody(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"detail":"no"}`)
	})
	endless := &counter{}
	_, err := c.WriteTargets(t.Context(), 1, SetWrite{}, endless)
	if promfleet.ErrorCode(err) != promfleet.Forbidden || endless.n > 0 {
		t.Errorf("%v after %d bytes", err, endless.n)
	}
}

// counter reads without end.
type counter struct{ n int }

func (c *counter) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}
