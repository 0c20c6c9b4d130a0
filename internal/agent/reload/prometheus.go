package reload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
)

// Caps of what is read from Prometheus. It is trusted more than the server, but a
// wrong URL must not fill the memory.
const (
	maxAnswer  = 1 << 20
	maxConfig  = 64 << 20
	maxMetrics = 64 << 20
	maxTargets = 1 << 30 // streamed, never held
)

// Prometheus is the running one, as its HTTP API shows it.
type Prometheus struct {
	base   *url.URL
	client *http.Client
	log    *slog.Logger
}

// NewPrometheus gives the Prometheus at a URL, which may have a path
// (--web.external-url with a sub-path, or a proxy).
func NewPrometheus(addr string, client *http.Client, log *slog.Logger) (*Prometheus, error) {
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("--prometheus.url %q is not a URL: it must look like http://127.0.0.1:9090", addr)
	}
	return &Prometheus{base: u, client: client, log: log}, nil
}

// Version gives Prometheus's version, like 2.42.0.
func (p *Prometheus) Version(ctx context.Context) (string, error) {
	var info struct {
		Version string `json:"version"`
	}
	err := p.data(ctx, "api/v1/status/buildinfo", maxAnswer, &info)
	return info.Version, err
}

// Config gives the configuration that Prometheus says it runs: YAML, with the
// defaults filled in and the secrets masked.
func (p *Prometheus) Config(ctx context.Context) ([]byte, error) {
	var status struct {
		YAML string `json:"yaml"`
	}
	err := p.data(ctx, "api/v1/status/config", maxConfig, &status)
	return []byte(status.YAML), err
}

// ScrapePools gives the job names that have a scrape pool.
func (p *Prometheus) ScrapePools(ctx context.Context) (map[string]bool, error) {
	var answer struct {
		ScrapePools []string `json:"scrapePools"`
	}
	if err := p.data(ctx, "api/v1/scrape_pools", maxConfig, &answer); err != nil {
		return nil, err
	}
	pools := make(map[string]bool, len(answer.ScrapePools))
	for _, name := range answer.ScrapePools {
		pools[name] = true
	}
	return pools, nil
}

// data gets the data of an API answer.
func (p *Prometheus) data(ctx context.Context, path string, limit int64, into any) error {
	return p.get(ctx, path, nil, limit, func(r io.Reader) error {
		answer := struct {
			Data any `json:"data"`
		}{Data: into}
		return json.NewDecoder(r).Decode(&answer)
	})
}

// get hands the body of an answer to read, at most limit bytes of it.
func (p *Prometheus) get(ctx context.Context, path string, query url.Values, limit int64, read func(io.Reader) error) error {
	u := p.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("Prometheus does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		if notAuthorized(resp.StatusCode) {
			return fmt.Errorf("%s does not accept the credentials (%d): %s", u.Redacted(), resp.StatusCode, WhichCredentials(p.client))
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
		return &statusError{u.Redacted(), resp.StatusCode, oneLine(string(body))}
	}
	limited := &capped{r: resp.Body, left: limit}
	if err := read(limited); err != nil {
		return fmt.Errorf("cannot read %s: %w", u.Redacted(), err)
	}
	return nil
}

// statusError is an answer that is none.
type statusError struct {
	url  string
	code int
	body string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("Prometheus answers %s with %d: %s", e.url, e.code, e.body)
}

// capped fails a read beyond the limit, where io.LimitReader would cut silently.
type capped struct {
	r    io.Reader
	left int64
}

var errTooLarge = errors.New("the answer is too large")

func (c *capped) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(b)) > c.left {
		b = b[:c.left]
	}
	n, err := c.r.Read(b)
	c.left -= int64(n)
	return n, err
}
