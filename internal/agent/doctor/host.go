package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/reload"
	"promfleet/internal/render"
)

// lookAtInotify tells how many jobs can have watched target files.
func (x *exam) lookAtInotify(context.Context) reload.Finding {
	u := x.usage
	if x.unseen != nil {
		hint := "look at fs.inotify.max_user_instances where Prometheus runs: each job takes one"
		if errors.Is(x.unseen, inotify.ErrElsewhere) && u.Limit > 0 {
			return warning(hint, "Prometheus is not seen among the processes of this host, so what is in use is not known; the limit here is %d instances a user (%s)", u.Limit, u.Sysctl)
		}
		return warning(hint, "not known: %s", x.unseen)
	}
	left := max(u.Limit-u.InUse, 0)
	text := fmt.Sprintf("%d of %d instances are in use by %s, %d of them by Prometheus; there is room for %d more jobs", u.InUse, u.Limit, userName(u.UID), u.ByPrometheus, left)
	if u.Partial() || u.PrometheusUnread {
		text = fmt.Sprintf("at least %d of %d instances are in use by %s (not all of its processes could be read); there is room for at most %d more jobs", u.InUse, u.Limit, userName(u.UID), left)
	}
	jobs := x.jobs()
	need := jobs - u.ByPrometheus
	if need <= left && left >= 10 {
		return ok("%s", text)
	}
	want := max(2*u.Limit, u.InUse+2*jobs, 1024)
	what := "jobs beyond that get their targets in prometheus.yml, and each edit of a target costs a reload"
	return warning(fmt.Sprintf("sysctl -w %s=%d, and for good in /etc/sysctl.d", u.Sysctl, want), "%s; %s", text, what)
}

// jobs is how many the node has, as far as that is known here.
func (x *exam) jobs() int {
	n := 0
	if m := x.state.Manifest; m != nil {
		for _, p := range m.Parts {
			if name, is := render.ParseName(p.Name); is && name.Index() {
				n++
			}
		}
	}
	return n
}

// lookAtMounts looks whether Prometheus sees the files that the agent would write.
func (x *exam) lookAtMounts(context.Context) reload.Finding {
	const directory = "mount its directory instead"
	single := "%s is a bind mount of a single file%s: it cannot be replaced, and Prometheus would go on reading the old one"
	own, err := x.mountsOf("self")
	if err != nil {
		return warning("see that prometheus.yml is no bind mount of a single file", "not known: %s", cause(err))
	}
	if own.points[resolved(x.o.ConfigFile)] {
		return failure(directory, single, x.o.ConfigFile, "")
	}
	for _, dir := range append(x.stages(), x.keyDirs()...) {
		if own.points[resolved(dir)] {
			return failure("unmount it", "%s is a mount of its own: no file can be renamed into it or out of it", dir)
		}
	}
	if x.usage.PID == 0 {
		return warning("if Prometheus is in a container, mount the directories of prometheus.yml and of the targets into it, at the same paths, never the file alone",
			"the files are no mounts here; whether Prometheus sees the same is not known, since it is not seen among the processes of this host")
	}
	theirs, err := x.mountsOf(fmt.Sprint(x.usage.PID))
	if err != nil {
		return warning("run doctor as root once", "what Prometheus (process %d) has mounted cannot be read: %s", x.usage.PID, cause(err))
	}
	if theirs.id == own.id {
		return ok("Prometheus (process %d) sees the same files", x.usage.PID)
	}
	if file := x.theirConfig(); file != "" && theirs.points[filepath.Clean(file)] {
		return failure(directory+", at the same path", single, file, " for Prometheus")
	}
	return x.compareViews()
}

// compareViews compares what Prometheus sees in a mount namespace of its own.
func (x *exam) compareViews() reload.Finding {
	root := x.process(x.usage.PID, "root")
	who := fmt.Sprintf("Prometheus (process %d), which has mounts of its own,", x.usage.PID)
	for _, path := range []string{filepath.Dir(x.o.ConfigFile), x.o.ConfigFile, x.o.TargetsDir} {
		ours, err := os.Stat(path)
		if err != nil {
			continue
		}
		info, err := os.Stat(filepath.Join(root, path))
		switch {
		case errors.Is(err, os.ErrPermission):
			return warning("run doctor as root once", "whether %s sees %s is not known: %s", who, path, cause(err))
		case err != nil:
			return failure("mount it there, at the same path", "%s does not see %s (%s)", who, path, cause(err))
		case !os.SameFile(ours, info):
			return failure("mount this one there", "%s sees another %s than this host", who, path)
		}
	}
	return ok("%s sees the same files", who)
}

func (x *exam) stages() []string {
	return []string{filepath.Join(filepath.Dir(x.o.ConfigFile), apply.ConfigStage), filepath.Join(x.o.TargetsDir, apply.TargetsStage)}
}

func (x *exam) keyDirs() []string {
	var dirs []string
	for key := range x.state.Dirs {
		dirs = append(dirs, filepath.Join(x.o.TargetsDir, key))
	}
	return dirs
}

// mounts are those of a process. The id of its first one tells namespaces apart.
type mounts struct {
	id     string
	points map[string]bool
}

func (x *exam) mountsOf(process string) (mounts, error) {
	text, err := os.ReadFile(filepath.Join(x.proc, process, "mountinfo"))
	if err != nil {
		return mounts{}, err
	}
	points, err := apply.MountPoints(strings.NewReader(string(text)))
	id, _, _ := strings.Cut(string(text), " ")
	return mounts{id, points}, err
}

func resolved(path string) string {
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// Skews of clocks. Beyond the greater one an instant query, which looks five
// minutes back, does not find what such a host has just sampled.
const (
	muchSkew    = 30 * time.Second
	tooMuchSkew = 5 * time.Minute
)

// lookAtClock compares the clocks of this host, of Prometheus and of the server.
func (x *exam) lookAtClock(ctx context.Context) reload.Finding {
	var said []string
	worst := time.Duration(0)
	for _, c := range []struct {
		whose string
		skew  func(context.Context) (time.Duration, error)
	}{{"Prometheus's", x.prometheusSkew}, {"the server's", x.serverSkew}} {
		skew, err := c.skew(ctx)
		if err != nil {
			said = append(said, c.whose+" is not known")
			continue
		}
		text := fmt.Sprintf("%s is within a second", c.whose)
		if skew.Abs() >= 2*time.Second {
			way := "ahead of"
			if skew < 0 {
				way = "behind"
			}
			text = fmt.Sprintf("%s is %s %s this host's", c.whose, skew.Abs().Round(time.Second), way)
		}
		said = append(said, text)
		worst = max(worst, skew.Abs())
	}
	text := strings.Join(said, ", ")
	const hint = "set the clocks by NTP: timedatectl, chronyc tracking"
	switch {
	case worst >= tooMuchSkew:
		return failure(hint, "%s", text)
	case worst >= muchSkew:
		return warning(hint, "%s", text)
	case strings.HasSuffix(text, "not known"):
		return warning("see to Prometheus and the server first", "%s", text)
	}
	return ok("%s", text)
}

// prometheusSkew is by how much Prometheus's clock is ahead.
func (x *exam) prometheusSkew(ctx context.Context) (time.Duration, error) {
	if x.flags == nil {
		return 0, errors.New("it does not answer")
	}
	start := time.Now()
	now, err := x.prom.Now(ctx)
	if err == nil {
		return now.Sub(middle(start)), nil
	}
	start = time.Now()
	return dateSkew(x.ask(ctx, "api/v1/status/buildinfo"), start)
}

func middle(start time.Time) time.Time { return start.Add(time.Since(start) / 2) }

// dateSkew reads the header Date, which has whole seconds.
func dateSkew(a answer, start time.Time) (time.Duration, error) {
	if a.unreached != nil {
		return 0, errors.New("no answer")
	}
	at, err := http.ParseTime(a.header.Get("Date"))
	return at.Add(time.Second / 2).Sub(middle(start)), err
}

// lookAtListener tells whether the agent could listen.
func (x *exam) lookAtListener(context.Context) reload.Finding {
	addr := x.o.ListenAddress
	l, err := net.Listen("tcp", addr)
	var closer io.Closer = l
	switch {
	case err == nil:
		_ = closer.Close()
		return ok("%s is free", addr)
	case errors.Is(err, syscall.EADDRINUSE) && x.running > 0:
		return ok("%s is in use, as it is while an agent runs", addr)
	case errors.Is(err, syscall.EADDRINUSE):
		return failure("choose another --web.listen-address", "somebody listens at %s already", addr)
	}
	return failure("choose another --web.listen-address", "the agent could not listen at %s: %s", addr, err)
}
