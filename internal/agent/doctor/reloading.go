package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"promfleet/internal/agent/reload"
)

// lookAtReload asks the reload method whether it would reach Prometheus.
func (x *exam) lookAtReload(ctx context.Context) reload.Finding {
	inspector, can := x.method.(reload.Inspector)
	if !can {
		return warning("watch the first reload", "method %s cannot be looked at without a reload", x.o.ReloadMethod)
	}
	f, pid := inspector.Inspect(ctx)
	if interval := x.autoReload(ctx); x.o.ReloadMethod == "none" && interval > 0 {
		return ok("method none: Prometheus reloads by itself every %s (--config.auto-reload)", interval)
	}
	if f.Verdict != reload.Bad && pid > 0 && x.usage.PID > 0 && pid != x.usage.PID {
		return failure("name the one of --prometheus.url with --reload.unit or --reload.pid-file, or correct --prometheus.url",
			"method %s would reload process %d, and process %d answers at --prometheus.url", x.o.ReloadMethod, pid, x.usage.PID)
	}
	f.Found = fmt.Sprintf("method %s: %s", x.o.ReloadMethod, f.Found)
	return f
}

// autoReload is the interval in which Prometheus reloads by itself; 0: it does not,
// or does not tell.
func (x *exam) autoReload(ctx context.Context) time.Duration {
	if x.flags == nil {
		return 0
	}
	interval, err := x.prom.AutoReload(ctx)
	if err != nil {
		return 0
	}
	return interval
}

// lookForReloaders looks for others who reload Prometheus or write its files: the
// agent would take their reload for its own.
func (x *exam) lookForReloaders(ctx context.Context) reload.Finding {
	var found, hints []string
	if interval := x.autoReload(ctx); interval > 0 && x.o.ReloadMethod != "none" {
		found = append(found, fmt.Sprintf("Prometheus reloads by itself every %s (--config.auto-reload), and the agent leaves it to that", interval))
		hints = append(hints, "start Prometheus without --config.auto-reload, unless a change of jobs may take that long")
	}
	others := x.processes()
	for _, p := range others {
		switch {
		case p.reloader != "":
			found = append(found, fmt.Sprintf("%s (process %d) runs here", p.reloader, p.pid))
		case p.watches != "":
			found = append(found, fmt.Sprintf("%s (process %d) watches %s", p.name, p.pid, p.watches))
		}
	}
	if len(others) > 0 {
		hints = append(hints, "stop it if it reloads this Prometheus or writes its files")
	}
	if len(found) > 0 {
		const most = 5
		if more := len(found) - most; more > 0 {
			found = append(found[:most], fmt.Sprintf("and %d more", more))
		}
		return warning(strings.Join(hints, "; "), "%s", strings.Join(found, "; "))
	}
	if x.flags == nil {
		return warning("see to --prometheus.url first", "none is seen among the processes; whether Prometheus reloads by itself is not known")
	}
	return ok("none is seen")
}

// reloaders are programs that are run beside a Prometheus to reload it, or to
// write its files.
var reloaders = []string{"prometheus-config-reloader", "config-reloader", "configmap-reload", "prometheus-reloader",
	"rules-configmap-reloader", "k8s-sidecar", "consul-template", "confd"}

// watchers do so only if they are told to.
var watchers = []string{"inotifywait", "entr", "watchexec", "fswatch", "incrond"}

// reloaderIn tells which of them a command line is, "" if none.
func reloaderIn(args []string) string {
	for i, arg := range args {
		if i > 2 || i > 0 && strings.HasPrefix(arg, "-") {
			break // the program, or a script after its interpreter
		}
		name := arg[strings.LastIndexByte(arg, '/')+1:]
		name = strings.TrimSuffix(name, ".py")
		name = strings.TrimSuffix(name, ".sh")
		if slices.Contains(reloaders, name) {
			return name
		}
		about := func(a string) bool { return strings.Contains(a, "prometheus") }
		if i == 0 && slices.Contains(watchers, name) && slices.ContainsFunc(args[1:], about) {
			return name
		}
		if name == "thanos" && i == 0 && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--reloader.") }) {
			return "thanos sidecar with a reloader"
		}
	}
	return ""
}
