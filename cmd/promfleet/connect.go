package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	config "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/client"
)

// connection says which server a command talks to, and as whom.
type connection struct {
	url, tokenFile, httpConfig string
}

func (c *command) connection(cmd *kingpin.CmdClause) *connection {
	conn := &connection{}
	cmd.Flag("server.url", "URL of the server.").Envar("PROMFLEET_URL").Default("http://127.0.0.1:7090").StringVar(&conn.url)
	cmd.Flag("server.token-file", "File with an API token. PROMFLEET_TOKEN, with the token itself, goes before it.").Envar("PROMFLEET_TOKEN_FILE").StringVar(&conn.tokenFile)
	cmd.Flag("server.http-config-file", "Prometheus http_config (TLS, proxy, basic auth) for the calls.").StringVar(&conn.httpConfig)
	return conn
}

func (c *connection) client() (*client.Client, error) {
	token := os.Getenv("PROMFLEET_TOKEN")
	if token == "" && c.tokenFile != "" {
		b, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("read the token: %w", err)
		}
		token = strings.TrimSpace(string(b))
	}
	hc := http.DefaultClient
	if c.httpConfig != "" {
		cfg, _, err := config.LoadHTTPConfigFile(c.httpConfig)
		if err != nil {
			return nil, fmt.Errorf("--server.http-config-file %s: %w", c.httpConfig, err)
		}
		if hc, err = config.NewClientFromConfig(*cfg, "promfleet"); err != nil {
			return nil, fmt.Errorf("--server.http-config-file %s: %w", c.httpConfig, err)
		}
	}
	return client.New(client.Config{URL: c.url, Token: token, HTTPClient: hc, UserAgent: "promfleet/" + version})
}

// input reads a file, or standard input for "-".
func (c *command) input(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(c.stdin)
	}
	return os.ReadFile(path)
}

// scrapeConfig reads a scrape_config in YAML, of which JSON is a part.
func (c *command) scrapeConfig(path string) (json.RawMessage, error) {
	b, err := c.input(path)
	if err != nil {
		return nil, fmt.Errorf("read the scrape config: %w", err)
	}
	var v map[string]any
	if err := yaml.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("scrape config %s: %w", path, err)
	}
	if v == nil {
		v = map[string]any{}
	}
	return json.Marshal(v)
}

// list is what the list commands of all resources take.
type list struct {
	limit           int
	cursor, q, sort string
	deleted, all    bool
	filters         map[string]*string
	tags            *[]string
}

func listFlags(cmd *kingpin.CmdClause) *list {
	l := &list{filters: map[string]*string{}}
	cmd.Flag("limit", "How many at the most.").Default("100").IntVar(&l.limit)
	cmd.Flag("cursor", "next_cursor of the page before.").StringVar(&l.cursor)
	cmd.Flag("q", "Substring to look for.").StringVar(&l.q)
	cmd.Flag("sort", "Field to sort by, - before it for descending.").StringVar(&l.sort)
	cmd.Flag("deleted", "The deleted ones instead of the live ones.").BoolVar(&l.deleted)
	cmd.Flag("all", "All pages.").BoolVar(&l.all)
	return l
}

func (l *list) filter(cmd *kingpin.CmdClause, name, help string) {
	l.filters[name] = cmd.Flag(name, help).String()
}

func (l *list) query() url.Values {
	q := url.Values{"limit": {strconv.Itoa(l.limit)}}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("cursor", l.cursor)
	set("q", l.q)
	set("sort", l.sort)
	if l.deleted {
		q.Set("deleted", "true")
	}
	for name, value := range l.filters {
		set(name, *value)
	}
	if l.tags != nil {
		q["tag"] = *l.tags
	}
	return q
}

// pages gets one page, or all of them as one.
func pages[T, In any](c *command, r client.Resource[T, In], l *list) (*promfleet.Page[T], error) {
	q := l.query()
	if l.all {
		q.Set("limit", "1000")
	}
	page, err := r.List(c.ctx, q)
	for err == nil && l.all && page.NextCursor != "" {
		q.Set("cursor", page.NextCursor)
		var next *promfleet.Page[T]
		if next, err = r.List(c.ctx, q); err == nil {
			page.Items = append(page.Items, next.Items...)
			page.NextCursor = next.NextCursor
		}
	}
	return page, err
}
