package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"golang.org/x/term"

	"promfleet"
	"promfleet/client"
)

var sessionTable = table[promfleet.Session]{
	columns: []string{"ACTOR", "NAME", "ROLE"},
	row:     func(s promfleet.Session) []string { return []string{s.Actor, s.Name, string(s.Role)} },
}

// addLogin adds the commands about who the caller is.
func (c *command) addLogin(app *kingpin.Application) {
	c.login(app.Command("login", "Log in with name and password, and keep a token for the server that the other commands use."))
	c.logout(app.Command("logout", "Revoke the token that login has kept for the server, and forget it."))
	c.whoami(app.Command("whoami", "Tell who the server takes the caller for."))
}

func (c *command) login(cmd *kingpin.CmdClause) {
	conn := serverFlags(cmd)
	name := cmd.Flag("user", "Name to log in with; default: it is asked for.").String()
	life := cmd.Flag("expires-in", "How long the token serves, as 720h; 0: until it is revoked.").Default("720h").Duration()
	c.does(cmd, func() error {
		kept, err := readCredentials() // before a password is typed in vain
		if err != nil {
			return err
		}
		in, err := c.askLogin(*name)
		if err != nil {
			return err
		}
		token, err := c.newLogin(conn, in, after(*life))
		if err != nil {
			return &callError{err: err}
		}
		before := kept.Servers[serverKey(conn.url)]
		kept.set(conn.url, credential{Name: in.Name, Token: token.Secret})
		if err := kept.write(); err != nil {
			return errors.Join(err, c.revokeToken(conn, token.Secret))
		}
		if before.Token != "" {
			_ = c.revokeToken(conn, before.Token) // it may be gone long since
		}
		c.say("logged in to %s as %s (%s); the token is in %s", conn.url, plain(in.Name), token.Role, credentialsFile())
		return nil
	})
}

// newLogin opens a session and makes a token with it.
func (c *command) newLogin(conn *connection, in promfleet.Login, expires *time.Time) (token promfleet.NewToken, err error) {
	hc, _, err := conn.httpClient()
	if err != nil {
		return token, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return token, err
	}
	keeping := *hc
	keeping.Jar = jar
	cl, err := conn.clientWith(&keeping, "")
	if err != nil {
		return token, err
	}
	session, err := cl.Login(c.ctx, in)
	if err != nil {
		return token, err
	}
	// The session ends, whatever becomes of the token.
	defer func() { err = errors.Join(err, cl.Logout(context.WithoutCancel(c.ctx))) }()
	host, err := os.Hostname()
	if err != nil {
		return token, err
	}
	return cl.CreateUserToken(c.ctx, session.User, promfleet.UserTokenInput{Name: "promfleet login of " + in.Name + " on " + host, ExpiresAt: expires})
}

// revokeToken revokes a token that was made by a login.
func (c *command) revokeToken(conn *connection, token string) error {
	hc, _, err := conn.httpClient()
	if err != nil {
		return err
	}
	cl, err := conn.clientWith(hc, token)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	return cl.Logout(ctx)
}

func (c *command) logout(cmd *kingpin.CmdClause) {
	conn := serverFlags(cmd)
	c.does(cmd, func() error {
		kept, err := readCredentials()
		if err != nil {
			return err
		}
		is, ok := kept.Servers[serverKey(conn.url)]
		if !ok {
			return &answerNo{errorf("nobody is logged in to %s from here", conn.url)}
		}
		// One that the server does not know any more is revoked already.
		if err := c.revokeToken(conn, is.Token); err != nil && promfleet.ErrorCode(err) != promfleet.Unauthorized {
			return &callError{err: errorf("the token is kept, since it could not be revoked: %w", err)}
		}
		kept.set(conn.url, credential{})
		if err := kept.write(); err != nil {
			return err
		}
		c.say("logged out of %s; the token of %s is revoked", conn.url, plain(is.Name))
		return nil
	})
}

func (c *command) whoami(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		s, err := cl.Session(c.ctx)
		if err != nil {
			return err
		}
		return printOne(out, sessionTable, s)
	})
}

// askLogin asks for what is not given: on a terminal, the password without echo;
// else line by line from standard input.
func (c *command) askLogin(name string) (in promfleet.Login, err error) {
	in.Name = name
	terminal, asked := c.stdin.(*os.File)
	asked = asked && term.IsTerminal(int(terminal.Fd()))
	ask := func(question string) {
		if asked {
			fmt.Fprint(c.stderr, question)
		}
	}
	lines := bufio.NewReader(c.stdin)
	if in.Name == "" {
		ask(c.lang.text("name: "))
		if in.Name, err = line(lines); err != nil {
			return in, err
		}
	}
	ask(c.lang.text("password: "))
	if asked {
		in.Password, err = c.hidden(int(terminal.Fd()))
		fmt.Fprintln(c.stderr)
	} else {
		in.Password, err = line(lines)
	}
	if err == nil && (in.Name == "" || in.Password == "") {
		err = errorf("a name and a password are needed to log in; hint: give them on the terminal, or as two lines of standard input")
	}
	return in, err
}

// hidden reads a line without echo. Where it is interrupted, the terminal is as it was.
func (c *command) hidden(fd int) (string, error) {
	was, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type typed struct {
		text []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- typed{text, err}
	}()
	select {
	case got := <-done:
		return string(got.text), got.err
	case <-c.ctx.Done():
		return "", errors.Join(c.ctx.Err(), term.Restore(fd, was))
	}
}

func line(from *bufio.Reader) (string, error) {
	text, err := from.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", errorf("read name and password from standard input: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// serverFlags say where a server is, without a token.
func serverFlags(cmd *kingpin.CmdClause) *connection {
	conn := &connection{}
	cmd.Flag("server.url", "URL of the server.").Envar("PROMFLEET_URL").Default("http://127.0.0.1:7090").StringVar(&conn.url)
	cmd.Flag("server.http-config-file", "Prometheus http_config (TLS, proxy, basic auth) for the calls.").StringVar(&conn.httpConfig)
	return conn
}

func (c *connection) clientWith(hc *http.Client, token string) (*client.Client, error) {
	return client.New(client.Config{URL: c.url, Token: token, HTTPClient: cmp.Or(hc, http.DefaultClient), UserAgent: "promfleet/" + version})
}
