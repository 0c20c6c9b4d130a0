package agent

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"promfleet/internal/agent/reload"
)

// promtool is that of the running Prometheus. It says without a reload what
// Prometheus would not read. What Prometheus reads and then cannot apply, it does
// not know.
type promtool struct {
	path string
	a    *Agent
}

const (
	promtoolFor = 30 * time.Second // one call
	// maxPromtool bounds its calls in one search.
	maxPromtool = 200
	// promtoolYML is what it reads, in the data path: there are secrets in it.
	promtoolYML = "promtool.yml"
)

// findPromtool looks beside the executables of the Prometheus servers that run
// here, and on PATH, for one of exactly the version of the one in question; nil if
// there is none.
func (a *Agent) findPromtool(ctx context.Context) *promtool {
	ctx, cancel := context.WithTimeout(ctx, promtoolFor)
	defer cancel()
	want, err := a.prom.Identity(ctx)
	if err != nil || want.Version == "" {
		return nil
	}
	candidates := besidePrometheus()
	if path, err := exec.LookPath("promtool"); err == nil {
		candidates = append(candidates, path)
	}
	for _, path := range candidates {
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err == nil && isVersion(string(out), want) {
			return &promtool{path: path, a: a}
		}
	}
	return nil
}

// isVersion reads what promtool --version says: "promtool, version 2.42.0
// (branch: HEAD, revision: 225c61122d88b01d1f0eaaee0e05b6f3e0567ac0)".
func isVersion(said string, want reload.Identity) bool {
	first, _, _ := strings.Cut(said, "\n")
	rest, ok := strings.CutPrefix(first, "promtool, version "+want.Version+" ")
	return ok && (want.Revision == "" || strings.Contains(rest, "revision: "+want.Revision+")"))
}

// besidePrometheus gives the promtools beside the Prometheus executables that run
// on this host. A process is only believed as far as nobody but root and the
// agent's user could have put a program there.
func besidePrometheus() []string {
	var found []string
	exes, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range exes {
		exe, err := os.Readlink(link)
		if err != nil || strings.TrimSuffix(filepath.Base(exe), " (deleted)") != "prometheus" {
			continue
		}
		path := filepath.Join(filepath.Dir(exe), "promtool")
		if !slices.Contains(found, path) && trusted(path) {
			found = append(found, path)
		}
	}
	return found
}

// trusted tells whether nobody but root and this user can change what is at an
// absolute path.
func trusted(path string) bool {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	for first := true; ; first = false {
		info, err := os.Stat(path)
		if err != nil || first && !info.Mode().IsRegular() {
			return false
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		shared := info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0
		if !ok || shared || owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
		path = filepath.Dir(path)
	}
}

// errNoVerdict: promtool did not say yes or no.
var errNoVerdict = errors.New("promtool gives no verdict")

// refuses gives the words with which a prometheus.yml is refused; "": it is not.
func (p *promtool) refuses(ctx context.Context, yml []byte) (words string, err error) {
	if err := p.a.data.Write(promtoolYML, yml); err != nil {
		return "", err
	}
	defer func() { _ = p.a.data.Remove(promtoolYML) }()
	path, err := filepath.Abs(filepath.Join(p.a.opts.DataPath, promtoolYML))
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, promtoolFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, "check", "config", "--syntax-only", path)
	cmd.Env = []string{} // nothing of it is for a configuration to see
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() == nil && errors.As(err, &exit) && exit.ExitCode() == 1 && strings.Contains(said.String(), "FAILED:"):
		_, words, _ := strings.Cut(said.String(), "FAILED:")
		return cut(oneLine(strings.ReplaceAll(words, path, "prometheus.yml")), 64<<10), nil
	default:
		return "", errNoVerdict
	}
}

// askPromtool makes the trials of a search with the running Prometheus's own
// promtool, once, as far as that goes: each is a reload less.
func (t *syncTask) askPromtool(ctx context.Context, want *content, f *foreign) error {
	q := t.a.quarantine
	whole := q.search
	if q.asked || len(whole.bad) == 0 {
		return nil
	}
	q.asked = true
	tool := t.a.findPromtool(ctx)
	if tool == nil {
		return nil
	}
	start := time.Now()
	q.search = &search{passed: whole.passed, bad: slices.Clone(whole.bad)}
	calls, err := t.trials(ctx, want, f, tool)
	found := slices.DeleteFunc(slices.Clone(whole.bad), func(x suspect) bool { return !q.isOut(x) })
	q.search = whole
	q.search.found(found...)
	t.a.log.Info("asked promtool", "path", tool.path, "calls", calls, "found", len(found), "took_ms", ms(time.Since(start)), "err", err)
	if len(found) == 0 {
		return nil
	}
	return q.save()
}

// trials goes through q.search with promtool. It has a verdict of its own only if
// it takes the ground, and refuses what Prometheus has refused.
func (t *syncTask) trials(ctx context.Context, want *content, f *foreign, tool *promtool) (calls int, err error) {
	q := t.a.quarantine
	seen := q.identity(ctx)
	all := q.search.bad
	q.search.bad, q.search.rest = nil, all
	asked := false
	for calls < maxPromtool {
		next := q.search.next()
		if next.over {
			return calls, nil
		}
		if next.culprit != nil {
			q.admit(*next.culprit, nameOf(*next.culprit, want.applyJobs()), q.words, false, seen)
			q.search.found(*next.culprit)
			continue
		}
		words := ""
		_, set, err := t.loadable(ctx, want, f)
		var no *untriable
		switch {
		case errors.As(err, &no):
			words = oneLine(no.Error())
		case err != nil:
			return calls, err
		default:
			calls++
			if words, err = tool.refuses(ctx, set.Config); err != nil {
				return calls, err
			}
		}
		switch {
		case words == "" && !asked:
			return calls, nil // Prometheus reads it, and cannot apply it
		case words == "":
			q.search.accepted()
		case next.ground:
			return calls, errNoVerdict
		default:
			asked, q.words = true, words
			q.search.refused()
			if err := t.believe(ctx, set, words); err != nil {
				return calls, err
			}
		}
	}
	return calls, nil
}
