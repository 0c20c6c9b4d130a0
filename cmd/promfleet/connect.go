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
	conn := serverFlags(cmd)
	cmd.Flag("server.token-file", "File with an API token. Without it: PROMFLEET_TOKEN, the token itself, or PROMFLEET_TOKEN_FILE, or what promfleet login has kept.").IsSetByUser(&conn.tokenFileGiven).StringVar(&conn.tokenFile)
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
			return &callError{err: err, forgets: c.forgets(cmd)}
		}
		return nil
	})
}

// forgets tells whether a command is about records whose list has none that are deleted.
func (c *command) forgets(cmd *kingpin.CmdClause) bool {
	words := strings.Fields(cmd.FullCommand())
	if len(words) == 1 {
		return false
	}
	noun := c.app.GetCommand(words[0])
	for _, word := range words[1 : len(words)-1] {
		noun = noun.GetCommand(word)
	}
	list := noun.GetCommand("list")
	return list != nil && list.GetFlag("deleted") == nil
}

func (c *connection) client() (*client.Client, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	hc, authenticates, err := c.httpClient()
	if err != nil {
		return nil, err
	}
	if token == "" && !authenticates {
		kept, err := readCredentials()
		if err != nil {
			return nil, err
		}
		token = kept.Servers[serverKey(c.url)].Token
	}
	return c.clientWith(hc, token)
}

// httpClient gives what calls are made with, and whether it says who calls.
func (c *connection) httpClient() (hc *http.Client, authenticates bool, err error) {
	if c.httpConfig == "" {
		return http.DefaultClient, false, nil
	}
	cfg, _, err := config.LoadHTTPConfigFile(c.httpConfig)
	if err != nil {
		return nil, false, fmt.Errorf("--server.http-config-file %s: %w", c.httpConfig, err)
	}
	if hc, err = config.NewClientFromConfig(*cfg, "promfleet"); err != nil {
		return nil, false, fmt.Errorf("--server.http-config-file %s: %w", c.httpConfig, err)
	}
	return hc, cfg.BasicAuth != nil || cfg.Authorization != nil || cfg.OAuth2 != nil, nil
}

// token gives the API token: what stands on the command line goes before the
// environment. None is none: client looks for a login then.
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
		return "", errorf("read the token: %w; hint: promfleet admin token create makes one", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", errorf("token file %s is empty; hint: promfleet admin token create makes a token", path)
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
