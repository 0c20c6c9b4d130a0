package agent

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/check"
)

// fileTarget is a target in a file of the agent's that has the address.
type fileTarget struct {
	job     *outlinedJob
	path    string // below the targets directory
	addr    string
	labels  map[string]string
	matched promfleet.AddrMatch

	// What the running configuration is to make of it; nil: not known.
	discovered map[string]string
	after      map[string]string // nil: it is dropped
	dropped    bool
}

// lookInFiles finds the address in the files of the agent.
func (e *explainer) lookInFiles(ctx context.Context) {
	if len(e.outline.jobs) == 0 {
		return
	}
	best := promfleet.AddrMatch("")
	err := e.eachFile(ctx, func(j *outlinedJob) bool { return e.q.Job == "" || j.key == e.q.Job }, func(j *outlinedJob, f apply.File, body []byte) {
		if !anyCase(body, promfleet.HostOfAddr(e.q.Addr)) {
			return
		}
		eachTarget(ctx, body, func(addr string, labels map[string]string) {
			m := promfleet.MatchOfAddr(e.q.Addr, addr)
			if labels["instance"] == e.q.Addr && promfleet.MatchInstance.Better(m) {
				m = promfleet.MatchInstance
			}
			if m == "" || best.Better(m) {
				return
			}
			if m.Better(best) {
				best, e.files = m, nil
			}
			if len(e.files) < maxTwins {
				e.files = append(e.files, &fileTarget{job: j, path: f.Path(), addr: addr, labels: labels, matched: m})
			}
		})
	})
	if err != nil {
		e.trouble = append(e.trouble, "the target files cannot be read: "+err.Error())
	}
	for i, f := range e.files {
		if i < promfleet.MaxSeen {
			e.predict(f)
		}
	}
}

// eachFile reads the files of jobs, one after the other. A file that is gone, or
// that is not as it was written, is passed over. It ends early with ctx.
func (e *explainer) eachFile(ctx context.Context, of func(*outlinedJob) bool, each func(*outlinedJob, apply.File, []byte)) error {
	root, err := os.OpenRoot(e.outline.targetsDir) // no link leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	for i := range e.outline.jobs {
		j := &e.outline.jobs[i]
		if !of(j) {
			continue
		}
		for _, f := range j.files {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if body, err := readIn(root, f); err == nil {
				each(j, f, body)
			}
		}
	}
	return ctx.Err()
}

func readIn(root *os.Root, f apply.File) ([]byte, error) {
	file, err := root.Open(f.Path())
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxBody))
}

func eachTarget(ctx context.Context, body []byte, each func(addr string, labels map[string]string)) {
	groups, err := check.TargetGroups(body)
	if err != nil {
		return
	}
	for _, g := range groups {
		for _, addr := range g.Targets {
			if ctx.Err() != nil {
				return
			}
			each(addr, g.Labels)
		}
	}
}

// anyCase tells whether a text has a word in it, in any case of letters.
func anyCase(text []byte, word string) bool {
	return bytes.Contains(text, []byte(word)) || bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(word)))
}

// predict says what the running configuration is to make of a target.
func (e *explainer) predict(f *fileTarget) {
	if e.config == nil || f.discovered != nil {
		return
	}
	discovered, err := e.config.Discovered(f.job.name, f.addr, f.labels)
	if err != nil {
		return
	}
	steps, err := e.config.RelabelSteps(f.job.name, discovered)
	if err != nil {
		return
	}
	f.discovered, f.after = discovered, discovered
	for _, s := range steps {
		f.after, f.dropped = s.Output, !s.Keep
	}
	if f.after["__address__"] == "" {
		f.after, f.dropped = nil, true
	}
}

// twin gives another target of the same job that relabelling makes the same of; nil:
// there is none, or the job is too large to look.
func (e *explainer) twin(ctx context.Context, f *fileTarget) (other *fileTarget) {
	n := int64(0)
	for _, file := range f.job.files {
		n += file.Targets
	}
	if f.after == nil || n > maxTwins {
		return nil
	}
	want := identityOf(f.after)
	_ = e.eachFile(ctx, func(j *outlinedJob) bool { return j == f.job }, func(j *outlinedJob, file apply.File, body []byte) {
		eachTarget(ctx, body, func(addr string, labels map[string]string) {
			if other != nil || addr == f.addr && sameLabels(labels, f.labels) {
				return
			}
			g := &fileTarget{job: j, path: file.Path(), addr: addr, labels: labels}
			if e.predict(g); g.after != nil && identityOf(g.after) == want {
				other = g
			}
		})
	})
	return other
}
