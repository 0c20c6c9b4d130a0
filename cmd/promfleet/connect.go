package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	config "github.com/prometheus/common/config"

	"promfleet/client"
)

// connection says which server a command talks to, and as whom.
type connection struct {
	url, tokenFile, httpConfig string
	tokenFileGiven             bool // on the command line
}

func (c *command) connection(cmd *kingpin.CmdClause) *connection {
	conn := &connection{}
	cmd.Flag("server.url", "URL of the server.").Envar("PROMFLEET_URL").Default("http://127.0.0.1:7090").StringVar(&conn.url)
	cmd.Flag("server.token-file", "File with an API token. Without it: PROMFLEET_TOKEN, the token itself, or PROMFLEET_TOKEN_FILE.").IsSetByUser(&conn.tokenFileGiven).StringVar(&conn.tokenFile)
	cmd.Flag("server.http-config-file", "Prometheus http_config (TLS, proxy, basic auth) for the calls.").StringVar(&conn.httpConfig)
	return conn
}

// calls says what a command does that calls the API.
func (c *command) calls(cmd *kingpin.CmdClause, conn *connection, do func(*client.Client) error) {
	c.does(cmd, func() error {
		cl, err := conn.client()
		if err != nil {
			return err
		}
		if err := do(cl); err != nil {
			return &callError{err}
		}
		return nil
	})
}

func (c *connection) client() (*client.Client, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
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

// token gives the API token: what stands on the command line goes before the
// environment. None is none: the server says what it needs one for.
func (c *connection) token() (string, error) {
	path := c.tokenFile
	if !c.tokenFileGiven {
		if token := os.Getenv("PROMFLEET_TOKEN"); token != "" {
			return token, nil
		}
		if path = os.Getenv("PROMFLEET_TOKEN_FILE"); path == "" {
			return "", nil
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the token: %w; hint: promfleet admin token create makes one", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("token file %s is empty; hint: promfleet admin token create makes a token", path)
	}
	return token, nil
}

// input reads a file, or standard input for "-".
func (c *command) input(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(c.stdin)
	}
	return os.ReadFile(path)
}
