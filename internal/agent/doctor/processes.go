package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
)

// process is one that may reload Prometheus.
type process struct {
	pid      int
	name     string
	reloader string // what it is known as
	watches  string // the path of Prometheus's that it watches
}

// processes finds those that are known to reload, or that watch the configuration,
// but Prometheus and agents of this kind.
func (x *exam) processes() []process {
	entries, err := os.ReadDir(x.proc)
	if err != nil {
		return nil
	}
	watched := map[string]string{}
	for _, path := range []string{x.o.ConfigFile, filepath.Dir(x.o.ConfigFile)} {
		if key := inodeKey(path); key != "" {
			watched[key] = path
		}
	}
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || pid == x.usage.PID || pid == x.running {
			continue
		}
		line, _ := os.ReadFile(x.process(pid, "cmdline"))
		comm, _ := os.ReadFile(x.process(pid, "comm"))
		p := process{pid: pid, name: strings.TrimSpace(string(comm))}
		p.reloader = reloaderIn(strings.Split(strings.TrimRight(string(line), "\x00"), "\x00"))
		if p.reloader == "" {
			p.watches = x.watches(pid, watched)
		}
		if p.reloader != "" || p.watches != "" {
			found = append(found, p)
		}
	}
	return found
}

// watches tells which of the paths a process watches by inotify, "" if none, or
// if that cannot be read.
func (x *exam) watches(pid int, watched map[string]string) string {
	files, err := os.ReadDir(x.process(pid, "fd"))
	if err != nil {
		return ""
	}
	for _, f := range files {
		to, err := os.Readlink(filepath.Join(x.process(pid, "fd"), f.Name()))
		if err != nil || to != "anon_inode:inotify" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(x.process(pid, "fdinfo"), f.Name()))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if path := watched[watchKey(line)]; path != "" {
				return path
			}
		}
	}
	return ""
}

// watchKey reads "inotify wd:1 ino:9e7e sdev:800013 …", of proc_pid_fdinfo(5).
func watchKey(line string) string {
	f := strings.Fields(line)
	if len(f) < 4 || f[0] != "inotify" {
		return ""
	}
	return strings.TrimPrefix(f[2], "ino:") + "@" + strings.TrimPrefix(f[3], "sdev:")
}

// inodeKey is the same of a path.
func inodeKey(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	f, is := fileOf(info)
	if !is {
		return ""
	}
	// The kernel's own numbering of devices.
	return fmt.Sprintf("%x@%x", f.inode, f.major<<20|f.minor)
}

// lookForAgents tells whether an agent works here already: the checks must then
// not be taken for those of a fresh host.
func (x *exam) lookForAgents(context.Context) reload.Finding {
	data, known := x.holder(x.o.DataPath)
	targets, seen := x.holder(x.o.TargetsDir)
	switch {
	case !known && targets == 0, !seen && data == 0:
		return warning("see that no agent runs on these directories, or run doctor as its user", "not known: %s may not see who holds the locks of %s and %s", me(), x.o.DataPath, x.o.TargetsDir)
	case data == 0 && targets == 0:
		return ok("no agent works on %s and %s", x.o.DataPath, x.o.TargetsDir)
	case data == 0 && !known:
		return warning("run doctor as the user of that agent", "an agent (process %d) works on %s; whether on %s too, %s may not see", targets, x.o.TargetsDir, x.o.DataPath, me())
	case data == 0:
		return failure("stop it, or give this one another --prometheus.targets-dir", "another agent (process %d), with another --data.path, works on %s", targets, x.o.TargetsDir)
	}
	x.running = data
	return ok("an agent (process %d) works on %s; this is looked at beside it", data, x.o.DataPath)
}

// holder gives the process that holds the agent's lock of a directory, 0 if none
// does. The lock is not tried: an agent that starts just then would find it taken.
func (x *exam) holder(dir string) (pid int, known bool) {
	text, err := os.ReadFile(filepath.Join(x.proc, "locks"))
	if err != nil {
		return 0, false
	}
	info, err := os.Stat(filepath.Join(dir, apply.LockFile))
	if err != nil { // no lock yet, or not to be seen
		return 0, !errors.Is(err, fs.ErrPermission)
	}
	f, is := fileOf(info)
	if !is {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if pid, at, is := flock(line); is && at.same(f) {
			return pid, true
		}
	}
	return 0, true
}

// flock reads a line of /proc/locks: "1: FLOCK ADVISORY WRITE 233 fe:00:1234 0 EOF".
func flock(line string) (pid int, at file, is bool) {
	f := strings.Fields(line)
	if len(f) < 6 || f[1] != "FLOCK" || f[3] != "WRITE" {
		return 0, file{}, false
	}
	pid, err := strconv.Atoi(f[4])
	if err != nil {
		return 0, file{}, false
	}
	_, err = fmt.Sscanf(f[5], "%x:%x:%d", &at.major, &at.minor, &at.inode)
	return pid, at, err == nil
}

// file is what tells a file from all others of the host.
type file struct{ major, minor, inode uint64 }

// same tells whether a lock is that of a file. Filesystems without a device of
// their own (btrfs, overlay) show another number there than stat does.
func (f file) same(g file) bool {
	sameDevice := f.major == g.major && f.minor == g.minor
	return f.inode == g.inode && (sameDevice || f.major == 0 && g.major == 0)
}
