package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestServer: what a test writes is there after a restart, in its own database,
// and nobody else can reach it.
func TestServer(t *testing.T) {
	s := Start(t, Durable())
	first := s.Database(t)
	exec := func(url, statement string) {
		t.Helper()
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	exec(first, "CREATE TABLE a (b text)")
	exec(s.Database(t), "CREATE TABLE a (b text)")
	s.Restart(t)
	exec(first, "INSERT INTO a VALUES ('北京')")
	if got := s.Query(t, "SELECT name || '=' || setting FROM pg_settings WHERE name IN ('fsync', 'listen_addresses', 'unix_socket_directories') ORDER BY 1"); !slices.Equal(got, []string{"fsync=on", "listen_addresses=127.0.0.1", "unix_socket_directories="}) {
		t.Errorf("settings: %q", got)
	}
	c, err := pgx.Connect(t.Context(), strings.Replace(first, s.password, "wrong", 1))
	if err == nil {
		err = c.Close(t.Context())
		t.Errorf("it lets in whoever comes (%v)", err)
	}
	s.Stop(t)
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Errorf("it still listens at %s", c.RemoteAddr())
	}
}

// TestKilled: a test that is killed leaves no PostgreSQL behind.
func TestKilled(t *testing.T) {
	const env, said = "PGTEST_CHILD", "listening at "
	if os.Getenv(env) != "" {
		fmt.Println(said + Start(t).Addr())
		<-context.Background().Done() // until it is killed
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), env+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the child said nothing")
	}
	addr, ok := strings.CutPrefix(lines.Text(), said)
	if !ok {
		t.Fatalf("the child said %q", lines.Text())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(bound); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL still listens at %s", addr)
		}
	}
}
