package agent

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"promfleet"
	"promfleet/internal/check"
)

// What prometheus.yml should be, what the file says and what Prometheus has loaded,
// for a server that asks. No secret of the host leaves it: see check.Compare.

// wantedConfig is what prometheus.yml is made of for the revision that was received
// last, without what is withheld of it. Nothing in it is changed afterwards.
type wantedConfig struct {
	of      *content
	inline  sides
	content *content // of, with the host's own base where the node has none
	err     error    // why there is no base
}

// publishWanted gives what is wanted to those that ask.
func (t *syncTask) publishWanted() {
	c := t.content
	f, err := t.a.foreign()
	var base []byte
	if err == nil {
		base, err = t.a.base(c, f)
	}
	was := t.a.wanted.Load()
	if was != nil && was.of == c && was.inline.same(t.a.inline.sides) && was.err == nil && err == nil && bytes.Equal(was.content.base, base) {
		return
	}
	w := &wantedConfig{of: c, inline: t.a.inline.sides, err: err,
		content: &content{manifest: c.manifest, base: append([]byte{}, base...), jobs: slices.Clone(c.jobs)}}
	for i := range w.content.jobs {
		j := &w.content.jobs[i]
		j.Inline = w.inline.Inline[j.Key]
	}
	t.a.wanted.Store(w)
}

// configs answers a promfleet.QuestionLoaded.
func (a *Agent) configs(ctx context.Context) *promfleet.AgentConfigs {
	s := a.status.explained()
	out := &promfleet.AgentConfigs{RevisionReceived: s.RevisionReceived, RevisionWritten: s.RevisionWritten, RevisionLoaded: s.RevisionLoaded,
		State: s.State, Problem: s.Problem}
	if out.State == "" {
		out.State = promfleet.StatePending
	}
	version, err := a.prom.Version(ctx)
	if err == nil {
		out.PrometheusVersion = cut(oneLine(version), 100)
	}
	var in check.Versions
	var why [3]error
	if in.Wanted, out.RevisionWanted, why[0] = a.wantedConfig(); out.RevisionWanted != 0 && out.RevisionWanted < out.RevisionReceived {
		out.Notes = append(out.Notes, fmt.Sprintf("what is wanted is that of revision %d: of revision %d nothing was made yet", out.RevisionWanted, out.RevisionReceived))
	}
	in.Written, why[1] = readConfig(a.opts.ConfigFile)
	if in.Loaded, why[2] = a.prom.Config(ctx); why[2] == nil && in.Loaded == nil {
		why[2] = errors.New("Prometheus shows no configuration")
	}
	dir := filepath.Dir(a.opts.ConfigFile)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	c := check.Compare(in, dir)
	out.Same = c.Same
	for _, note := range c.Notes {
		out.Notes = append(out.Notes, shownOwn(note))
	}
	out.Wanted = sent(c.Wanted, why[0])
	out.Written = sent(c.Written, why[1])
	out.Loaded = sent(c.Loaded, why[2])
	switch {
	case c.Written.Err == nil && c.Wanted.Err == nil && c.Written.Text == c.Wanted.Text:
		out.Written = promfleet.AgentConfig{SameAs: "wanted"}
	case c.Loaded.Err == nil && c.Written.Err == nil && c.Loaded.Text == c.Written.Text:
		out.Loaded = promfleet.AgentConfig{SameAs: "written"}
	}
	if c.Loaded.Err == nil && c.Wanted.Err == nil && c.Loaded.Text == c.Wanted.Text {
		out.Loaded = promfleet.AgentConfig{SameAs: "wanted"}
	}
	return out
}

// wantedConfig renders what is wanted.
func (a *Agent) wantedConfig() ([]byte, int64, error) {
	w := a.wanted.Load()
	if w == nil {
		return nil, 0, errors.New("nothing was received from the server since the agent started")
	}
	revision := w.content.manifest.Revision
	if w.err != nil {
		return nil, revision, w.err
	}
	set, err := a.build(w.content, nil)
	if errors.Is(err, errNotHere) {
		err = errors.New("the targets that belong into prometheus.yml itself are not here")
	}
	return set.Config, revision, err
}

// maxConfigFile is what is read of a prometheus.yml that somebody else may have made.
const maxConfigFile = 32 << 20

func readConfig(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not have it wait
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no " + name)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	body, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxConfigFile:
		return nil, fmt.Errorf("%s has more than %d bytes", name, maxConfigFile)
	case body == nil:
		body = []byte{}
	}
	return body, nil
}

// sent makes of a version what is sent of it. why is for one that there was none of.
func sent(v check.Version, why error) promfleet.AgentConfig {
	switch {
	case why != nil:
		return promfleet.AgentConfig{Missing: shownOwn(oneLine(why.Error()))}
	case v.Err != nil:
		return promfleet.AgentConfig{Missing: shownOwn("it cannot be shown: " + v.Err.Error())}
	case len(v.Text) > promfleet.MaxConfigText: // with another indent than Prometheus's
		return promfleet.AgentConfig{Missing: "it cannot be shown: " + tooLarge(len(v.Text))}
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, v.Text); err != nil {
		return promfleet.AgentConfig{Missing: err.Error()}
	}
	if err := w.Close(); err != nil {
		return promfleet.AgentConfig{Missing: err.Error()}
	}
	return promfleet.AgentConfig{Gzip: b.Bytes()}
}

func tooLarge(bytes int) string { return fmt.Sprintf("its %d bytes are too many", bytes) }

// shortenConfigs leaves out the largest text of an answer, and tells whether it had one.
func shortenConfigs(c *promfleet.AgentConfigs) bool {
	if c == nil {
		return false
	}
	largest := &c.Wanted
	for _, o := range []*promfleet.AgentConfig{&c.Written, &c.Loaded} {
		if len(o.Gzip) > len(largest.Gzip) {
			largest = o
		}
	}
	if len(largest.Gzip) == 0 {
		return false
	}
	largest.Missing = "it cannot be shown: " + tooLarge(len(largest.Gzip)) + ", even when they are compressed"
	largest.Gzip = nil
	for _, o := range []*promfleet.AgentConfig{&c.Written, &c.Loaded} {
		if o.SameAs == "wanted" && largest == &c.Wanted || o.SameAs == "written" && largest == &c.Written {
			*o = *largest
		}
	}
	return true
}
