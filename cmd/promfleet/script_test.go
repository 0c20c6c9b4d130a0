package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/pgtest"
	"promfleet/internal/proctest"
)

// The scripts run the real binary, against a real server where they start one at
// $ADDR, which nobody listens on before. Each runs on both databases; what is about
// one of them stands under the condition [sqlite] or [postgres].
func TestScripts(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { scripts(t, "sqlite", func() string { return "" }) })
	t.Run("postgres", func(t *testing.T) {
		scripts(t, "postgres", databases(t, pgtest.Start(t)))
	})
}

const scriptDir = "testdata/script"

// databases makes an empty database for each script, and gives one at each call.
func databases(t *testing.T, postgres *pgtest.Server) (next func() string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(scriptDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	urls := make(chan string, len(files))
	for range files {
		urls <- postgres.Database(t)
	}
	return func() string { return <-urls }
}

func scripts(t *testing.T, database string, storageURL func() string) {
	prometheus := proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN")
	path := filepath.Dir(proctest.Part(t, "PROMFLEET_BIN")) + string(filepath.ListSeparator) + os.Getenv("PATH")
	examples, err := filepath.Abs("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 scriptDir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			addr, err := freeAddr()
			env.Setenv("PATH", path)
			env.Setenv("ADDR", addr)
			env.Setenv("PROMFLEET_URL", "http://"+addr)
			env.Setenv("PROMFLEET_STORAGE_URL", storageURL())
			env.Setenv("PROMETHEUS_BIN", prometheus)
			env.Setenv("EXAMPLES", examples)
			return err
		},
		Condition: func(cond string) (bool, error) {
			if cond != "sqlite" && cond != "postgres" {
				return false, fmt.Errorf("unknown condition %s", cond)
			}
			return cond == database, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"applied":   applied,
			"envfile":   envFile,
			"exits":     exits,
			"explained": explained,
			"field":     field,
			"freeport":  freePort,
			"join":      join,
			"login":     login,
			"settled":   settled,
			"shows":     shows,
			"waitdown":  waitDown,
			"waitfor":   waitFor,
		},
	})
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// usage ends the script if a command was not called as it must be.
func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// freePort sets a variable to one more address that nobody listens on.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "freeport VAR")
	addr, err := freeAddr()
	ts.Check(err)
	ts.Setenv(args[0], addr)
}

// envFile sets a variable to what a file holds.
func envFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "envfile VAR FILE")
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// waitFor URL asks until it answers 200.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "waitfor URL")
	const bound = time.Minute
	for deadline := time.Now().Add(bound); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(args[0])
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has not answered 200 within %s: %v", args[0], bound, err)
		}
	}
}

// shows FILE PATTERN waits until a file, which a command in the background writes,
// has a match.
func shows(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "shows FILE PATTERN")
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	const bound = time.Minute
	for deadline := time.Now().Add(bound); ; time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && want.Match(b) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has not shown %s within %s: %v\n%s", args[0], args[1], bound, err, b)
		}
	}
}

// explained ADDR TEXT explains an address until that says a text: Prometheus takes
// seconds to discover and to scrape.
func explained(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "explained ADDR TEXT")
	const bound = time.Minute
	for deadline := time.Now().Add(bound); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec("promfleet", "explain", args[0])
		if out := ts.ReadFile("stdout"); strings.Contains(out, args[1]) {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("%s is not explained as %q within %s, but: %v %s", args[0], args[1], bound, err, out)
		}
	}
}

// settled NODE waits until the server has heard that all that a node should have is loaded.
func settled(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "settled NODE")
	const bound = time.Minute
	for deadline := time.Now().Add(bound); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec("promfleet", "node", "get", args[0], "-o", "json")
		if out := ts.ReadFile("stdout"); strings.Contains(out, `"state": "in_sync"`) {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("%s is not in sync within %s: %v %s", args[0], bound, err, out)
		}
	}
}

// waitDown NODE TEXT asks for the health of a node until that says a text: an agent
// keeps what it has seen for some seconds.
func waitDown(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "waitdown NODE TEXT")
	const bound = time.Minute
	for deadline := time.Now().Add(bound); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec("promfleet", "node", "health", args[0])
		if out := ts.ReadFile("stdout"); strings.Contains(out, args[1]) {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("the health of %s does not have %q within %s, but: %v %s", args[0], args[1], bound, err, out)
		}
	}
}

// field VAR NAME sets VAR to a field of the JSON object on the last standard output.
func field(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "field VAR NAME")
	var object map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &object))
	value, ok := object[args[1]]
	if !ok {
		ts.Fatalf("no field %s in %s", args[1], ts.ReadFile("stdout"))
	}
	text := string(value)
	if text[0] == '"' {
		ts.Check(json.Unmarshal(value, &text))
	}
	ts.Setenv(args[0], text)
}

// exits runs promfleet, which must end with an exit code that is not 0. The error
// must have the form that all have; a result comes only with an answer, which is 1.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "exits CODE ARG...")
	err := ts.Exec("promfleet", args[1:]...)
	if want := "exit status " + args[0]; err == nil || err.Error() != want {
		ts.Fatalf("%v, not %s", err, want)
	}
	line := ts.ReadFile("stderr")
	if !strings.HasPrefix(line, "promfleet: ") || strings.Index(line, "\n") != len(line)-1 || strings.HasSuffix(line, ".\n") {
		ts.Fatalf("not one line of error without a full stop: %q", line)
	}
	if out := ts.ReadFile("stdout"); out != "" && args[0] != "1" {
		ts.Fatalf("an error, and a result: %q", out)
	}
}

// join registers a node as its agent would, with a join token made for it, and
// sets CREDENTIAL to what the node got.
func join(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 1 || len(args) == 2), "join UUID [HOSTNAME]")
	hostname := "script-host"
	if len(args) == 2 {
		hostname = args[1]
	}
	call(ts, "PROMFLEET_TOKEN", func(ctx context.Context, c *client.Client) error {
		token, err := c.JoinTokens().Create(ctx, promfleet.JoinTokenInput{Name: "join"})
		if err != nil {
			return err
		}
		got, err := c.WithToken(token.Secret).Register(ctx, promfleet.Registration{Protocol: promfleet.ProtocolVersion,
			UUID: args[0], Hostname: hostname, Addr: fmt.Sprintf("http://%s:9090/", hostname)})
		if err != nil {
			return err
		}
		ts.Setenv("CREDENTIAL", got.Credential)
		return nil
	})
}

// login logs in as a browser does; negated, it must be refused.
func login(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 2, "[!] login NAME PASSWORD")
	body, err := json.Marshal(promfleet.Login{Name: args[0], Password: args[1]})
	ts.Check(err)
	resp, err := http.Post(ts.Getenv("PROMFLEET_URL")+"/api/v1/session", "application/json", bytes.NewReader(body))
	ts.Check(err)
	defer resp.Body.Close()
	if accepted := resp.StatusCode < http.StatusMultipleChoices; accepted == neg {
		ts.Fatalf("the login of %s was answered %s", args[0], resp.Status)
	}
}

// applied reports for the node that joined last that it has a revision loaded.
func applied(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 1, "applied REVISION [NOTICE…]")
	notices := args[1:]
	for i := range notices {
		notices[i] = strings.ReplaceAll(notices[i], `\n`, "\n")
	}
	revision, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	call(ts, "CREDENTIAL", func(ctx context.Context, c *client.Client) error {
		return c.Report(ctx, promfleet.Report{Protocol: promfleet.ProtocolVersion, State: promfleet.StateInSync,
			RevisionReceived: revision, RevisionWritten: revision, RevisionLoaded: revision, TargetsUp: 7, TargetsDown: 2, Notices: notices})
	})
}

// call asks the script's server as the holder of the token in a variable.
func call(ts *testscript.TestScript, tokenVar string, do func(context.Context, *client.Client) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New(client.Config{URL: ts.Getenv("PROMFLEET_URL"), Token: ts.Getenv(tokenVar)})
	ts.Check(err)
	ts.Check(do(ctx, c))
}
