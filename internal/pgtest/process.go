package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// How PostgreSQL is to stop.
const (
	fast      = syscall.SIGINT
	immediate = syscall.SIGQUIT
)

// command prepares one of PostgreSQL's programs. When the test is killed, so is
// PostgreSQL, by a signal that lets it remove its shared memory.
//
// They refuse to run as root: as root they run as nobody, who keeps the right to
// reach any file, because the programs and the data may lie below a private
// directory. no_setuid_fixup makes access(2), with which PostgreSQL looks for its
// own program, respect that right.
func (s *Server) command(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := filepath.Abs(s.bin)
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{filepath.Join(bin, program)}, args...)
	if uid, gid, ok := unprivileged(t); ok {
		args = append([]string{"setpriv", "--reuid", strconv.Itoa(uid), "--regid", strconv.Itoa(gid), "--clear-groups", "--securebits", "+no_setuid_fixup",
			"--inh-caps", "-all,+dac_override", "--ambient-caps", "-all,+dac_override", "--pdeathsig", "QUIT", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: immediate}
	return cmd
}

// unprivileged says whom to run as, if it is not ourselves.
func unprivileged(t testing.TB) (uid, gid int, ok bool) {
	t.Helper()
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.Atoi(nobody.Uid)
	gid, err2 := strconv.Atoi(nobody.Gid)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return uid, gid, true
}

// init makes the data directory.
func (s *Server) init(t testing.TB) {
	t.Helper()
	passwordFile := filepath.Join(s.dir, "password")
	if err := os.WriteFile(passwordFile, []byte(s.password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	if uid, gid, ok := unprivileged(t); ok {
		if err := os.Chown(s.data(), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	// The C locale is in every system. Sorting by it is no help to the store,
	// which says itself how its columns sort.
	out, err := s.command(t, "initdb", "-D", s.data(), "-U", Superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
}

// settings are those of the server.
func (s *Server) settings() map[string]string {
	onOff := map[bool]string{true: "on", false: "off"}[s.durable]
	return map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_directories": "",
		"fsync":                   onOff,
		"full_page_writes":        onOff,
		"jit":                     "off", // its library need not be there
		// Eight hours ahead, in a notation that needs no time zone files: a store
		// that relied on the server's zone would show.
		"timezone":     "<+08>-08",
		"log_timezone": "GMT",
	}
}

// run starts PostgreSQL and waits until it accepts connections. False: it ended before.
func (s *Server) run(t testing.TB) bool {
	t.Helper()
	args := []string{"-D", s.data()}
	for name, value := range s.settings() {
		args = append(args, "-c", name+"="+value)
	}
	cmd := s.command(t, "postgres", args...)
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	p := &process{cmd: cmd, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	go func() { p.err = cmd.Wait(); close(p.ended) }()
	s.process = p
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url(Superuser))
		if err == nil {
			if err = c.Close(ctx); err == nil {
				return true
			}
		}
		select {
		case <-p.ended:
			s.process = nil
			return false
		case <-ctx.Done():
			t.Fatalf("PostgreSQL accepts no connection: %v\n%s", err, s.logTail())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// process is a PostgreSQL that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // after ended
}

// end stops it and waits until it has ended.
func (p *process) end(t testing.TB, how syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(fmt.Errorf("stop PostgreSQL: %w", err))
	}
	select {
	case <-p.ended:
	case <-time.After(bound):
		t.Errorf("PostgreSQL did not stop within %s", bound)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}
