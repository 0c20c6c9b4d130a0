package reload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func init() { register("signal", newSignal) }

// hangup sends SIGHUP to the process that a pid file names.
type hangup struct {
	pidFile string
	p       *Prometheus
	timeout time.Duration
}

func newSignal(cfg Config) (Reloader, error) {
	switch {
	case cfg.PIDFile == "":
		return nil, errors.New("--reload.method=signal needs --reload.pid-file, the file in which Prometheus's process id is")
	case cfg.Prometheus == nil:
		return nil, errors.New("--reload.method=signal needs --prometheus.url, to see whether Prometheus has reloaded")
	}
	return hangup{pidFile: cfg.PIDFile, p: cfg.Prometheus, timeout: cfg.Timeout}, nil
}

func (h hangup) Reload(ctx context.Context) error {
	return h.p.nudged(ctx, h.timeout, "its words are in its log, if "+h.pidFile+" names the Prometheus of --prometheus.url", h.nudge)
}

func (h hangup) nudge(context.Context) (doubt, err error) {
	if err := h.signal(); err != nil {
		return nil, fmt.Errorf("%w: --reload.pid-file %s: %w", ErrDenied, h.pidFile, err)
	}
	return nil, nil
}

// signal opens the process before it looks at it, so that what is signalled is
// what was looked at, and not a later process with the same id.
func (h hangup) signal() error {
	process, err := h.process()
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }()
	return h.allowed(process, syscall.SIGHUP)
}

// process opens the process that the file names, which must be a Prometheus that
// runs. It is to be released.
func (h hangup) process() (*os.Process, error) {
	pid, err := h.pid()
	if err != nil {
		return nil, err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	if err := h.fits(process); err != nil {
		_ = process.Release()
		return nil, err
	}
	return process, nil
}

func (h hangup) fits(process *os.Process) error {
	if err := isPrometheus(process.Pid); err != nil {
		return err
	}
	if errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		return notRunning(process.Pid)
	}
	if err := process.WithHandle(func(uintptr) {}); errors.Is(err, os.ErrNoHandle) {
		return errors.New("this system has no process handles (Linux has them from 5.4), without which a signal may hit another process: choose another --reload.method")
	}
	return nil
}

// allowed sends a signal, and says why it could not be sent. Signal 0 only asks
// whether one may be.
func (h hangup) allowed(process *os.Process, signal syscall.Signal) error {
	switch err := process.Signal(signal); {
	case errors.Is(err, os.ErrProcessDone):
		return notRunning(process.Pid)
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%s may not signal process %d, which is another user's: run the agent as that user or as root", whoAmI(), process.Pid)
	case err != nil:
		return fmt.Errorf("cannot signal process %d: %w", process.Pid, err)
	}
	return nil
}

func (h hangup) pid() (int, error) {
	f, err := os.Open(h.pidFile)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err // the file is named already
		}
		return 0, fmt.Errorf("it cannot be read: %w", err)
	}
	defer f.Close()
	const longest = 64
	text, err := io.ReadAll(io.LimitReader(f, longest))
	if err != nil {
		return 0, fmt.Errorf("it cannot be read: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%q is not a process id", oneLine(string(text)))
	}
	// 0 and less are groups of processes, 1 is the first of all.
	if pid <= 1 {
		return 0, fmt.Errorf("%d cannot be Prometheus's process id", pid)
	}
	return pid, nil
}

func notRunning(pid int) error {
	return fmt.Errorf("process %d does not run: the file is not of now, or not Prometheus's own", pid)
}

// isPrometheus looks at a process's name and program. The program of another user
// cannot be seen, and that of an upgraded Prometheus is deleted.
func isPrometheus(pid int) error {
	const want = "prometheus"
	proc := "/proc/" + strconv.Itoa(pid)
	comm, err := os.ReadFile(proc + "/comm")
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ESRCH):
		return notRunning(pid)
	case err != nil:
		return fmt.Errorf("cannot see what process %d is: %w", pid, err)
	}
	name := strings.TrimSpace(string(comm))
	exe, _ := os.Readlink(proc + "/exe")
	if name == want || strings.TrimSuffix(filepath.Base(exe), " (deleted)") == want {
		return nil
	}
	return fmt.Errorf("process %d is not a Prometheus but %q: it is not signalled", pid, oneLine(name))
}
