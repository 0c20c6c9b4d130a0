package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/policy"
)

// Drift: what somebody else has made of the files that the agent has written. It is
// looked for before anything is written, so that what is undone was told before.

// drift is what is known of it. The sync task alone uses it.
type drift struct {
	lookout *apply.Lookout
	copies  *apply.Copies
	now     []drifted
	undone  []undone
}

// drifted is a file that is not as it should be.
type drifted struct {
	apply.Drift
	since time.Time
	diff  string
}

// undone is one that was put right. It is told for a day, over restarts.
type undone struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Diff string    `json:"diff"`
}

const (
	undoneFile = "repaired.json"
	undoneFor  = 24 * time.Hour
	mostUndone = 5
	mostTold   = 8 // of the files that are not as they should be
)

func (a *Agent) openDrift() error {
	copies, err := apply.OpenCopies(a.opts.DataPath)
	if err != nil {
		return err
	}
	a.drift = &drift{copies: copies, lookout: apply.NewLookout(a.disk, copies)}
	body, err := a.data.Read(undoneFile)
	if err == nil {
		err = json.Unmarshal(body, &a.drift.undone)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("what was put right before cannot be read", "err", err)
	}
	a.tellUndone()
	return nil
}

// leaves tells whether a target file is left as somebody has made it.
func (a *Agent) leaves(f apply.File) bool {
	return a.keepsEdit(f.Path()) && slices.ContainsFunc(a.drift.now, func(d drifted) bool {
		return d.File == f.Path() && (d.Kind == apply.DriftChanged || d.Kind == apply.DriftRemoved)
	})
}

// keepsEdit tells whether a file that somebody has edited stays so. One of a job that
// is inline, which Prometheus does not read, is put right in any case.
func (a *Agent) keepsEdit(file string) bool {
	key, _, _ := strings.Cut(file, "/")
	return a.policy.Drift == policy.DriftReport && !a.inline.sides.Inline[key]
}

// keepCopy keeps a target file, to be able to put it back.
func (a *Agent) keepCopy(f apply.File, body string) {
	if err := a.drift.copies.Keep(f.Path(), f.Hash, []byte(body)); err != nil {
		a.log.Debug("cannot keep a copy of a target file", "file", f.Path(), "err", err)
	}
}

// tidy removes copies that are of no more use.
func (t *syncTask) tidy(how func(*apply.Disk) error) {
	if err := how(t.a.disk); err != nil {
		t.a.log.Debug("cannot remove old copies", "err", err)
	}
}

// lookForDrift looks at the files of the disk, and tells what is new about them,
// before anything is done about it.
func (t *syncTask) lookForDrift(ctx context.Context, c *client.Client) {
	d := t.a.drift
	found, err := t.findDrift()
	if err != nil {
		t.a.log.Warn("cannot look whether the files are as they were written", "err", err)
		return
	}
	t.a.forgetUndone(time.Now())
	if slices.EqualFunc(found, d.now, func(f apply.Drift, was drifted) bool { return f.Same(was.Drift) }) {
		return
	}
	now := make([]drifted, len(found))
	for i, f := range found {
		now[i] = t.a.drifted(f)
	}
	for _, was := range d.now {
		if !slices.ContainsFunc(now, func(n drifted) bool { return n.File == was.File }) {
			t.a.log.Info("a file is as it should be again", "file", was.Path)
		}
	}
	d.now = now
	if len(now) > 0 {
		t.setState(promfleet.StateDrifted, t.a.driftProblem())
	}
	t.a.noteDrift()
	if len(now) > 0 {
		t.tellDrift(ctx, c)
	}
}

func (t *syncTask) findDrift() ([]apply.Drift, error) {
	found, err := t.a.drift.lookout.Look(t.a.disk)
	return slices.DeleteFunc(found, t.a.isIdle), err
}

// isIdle tells of a file of others in the directory of a job that is inline:
// Prometheus reads nothing there.
func (a *Agent) isIdle(d apply.Drift) bool {
	key, _, _ := strings.Cut(d.File, "/")
	return d.Kind == apply.DriftForeign && a.inline.sides.Inline[key]
}

// drifted makes of a find what is told of it.
func (a *Agent) drifted(f apply.Drift) drifted {
	d := drifted{Drift: f, since: time.Now()}
	for _, was := range a.drift.now {
		if was.File == f.File {
			d.since = was.since
			if was.Same(f) {
				return was
			}
		}
	}
	d.diff = a.driftDiff(f)
	a.log.Warn("a file of the agent's is not as it was written", "file", f.Path, "what", d.what(), "drift", a.policy.Drift)
	return d
}

// noteDrift says what there is.
func (a *Agent) noteDrift() {
	now := a.drift.now
	a.status.setDrifted(len(now))
	for i := range mostTold + 1 {
		text := ""
		switch {
		case i < min(len(now), mostTold):
			text = fmt.Sprintf("%s %s, seen %s: %s\n%s", now[i].Path, now[i].what(), now[i].since.UTC().Format(time.RFC3339), a.driftDeed(now[i]), now[i].diff)
		case i == mostTold && len(now) > mostTold:
			text = fmt.Sprintf("%d more files are not as the agent has written them", len(now)-mostTold)
		}
		a.setNotice(fmt.Sprintf("drift %02d", i), strings.TrimRight(text, "\n"))
	}
}

// what says in words what has become of a file.
func (d drifted) what() string {
	switch d.Kind {
	case apply.DriftRemoved:
		return "was removed by hand"
	case apply.DriftMode:
		return fmt.Sprintf("has mode %04o by hand, and had %04o", d.ModeIs, d.ModeWas)
	case apply.DriftNoFile:
		return "was replaced by hand with what is no regular file"
	case apply.DriftForeign:
		return "is not the agent's, and Prometheus takes its targets from it"
	}
	if d.ModeIs != d.ModeWas {
		return fmt.Sprintf("was changed by hand, and its mode from %04o to %04o", d.ModeWas, d.ModeIs)
	}
	return "was changed by hand"
}

// driftDeed says what the agent does about a file.
func (a *Agent) driftDeed(d drifted) string {
	switch {
	case d.Kind == apply.DriftForeign:
		return "move it away; the agent touches no file of others"
	case d.Kind == apply.DriftNoFile:
		return "put a regular file there; the agent writes through nothing else"
	case a.keepsEdit(d.File):
		return "it stays, and what would rewrite it waits, since the host's policy says drift: report"
	}
	return "it is put right"
}

// driftProblem sums the files up in one line.
func (a *Agent) driftProblem() error {
	now := a.drift.now
	first := now[0]
	if len(now) == 1 {
		return fmt.Errorf("%s %s: %s", first.Path, first.what(), a.driftDeed(first))
	}
	return fmt.Errorf("%s %s: %s; and %d more files", first.Path, first.what(), a.driftDeed(first), len(now)-1)
}

// tellWithin is how long the repair waits for the server to be told of the drift.
const tellWithin = 2 * time.Second

// tellDrift reports the state as it is before it is put right. A server that is away
// hears of it later, by the notice that stays.
func (t *syncTask) tellDrift(ctx context.Context, c *client.Client) {
	r, ok := t.a.status.report()
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if c == nil {
		var err error
		if c, err = t.a.session.wait(ctx); err != nil {
			return
		}
	}
	t.a.complete(&r)
	if err := c.Report(ctx, r); err != nil {
		t.a.log.Debug("cannot report the drift before it is put right", "err", err)
	}
}

// afterApply looks again at what was written, so that it is known from then on, and
// notes what was put right.
func (t *syncTask) afterApply(res apply.Result) {
	d := t.a.drift
	before := d.now
	if len(before) == 0 && !res.Changed() {
		return
	}
	found, err := t.findDrift()
	if err != nil {
		return
	}
	// A file that was replaced or made anew may not have the mode that it had.
	if t.putModesBack(found) {
		if found, err = t.findDrift(); err != nil {
			return
		}
	}
	left := make([]drifted, len(found))
	for i, f := range found {
		left[i] = t.a.drifted(f)
	}
	for _, was := range before {
		stays := was.Kind == apply.DriftForeign || t.a.keepsEdit(was.File)
		if !stays && !slices.ContainsFunc(left, func(l drifted) bool { return l.File == was.File }) {
			t.a.putRight(was, time.Now())
		}
	}
	d.now = left
	t.a.noteDrift()
}

// putModesBack gives files the modes that they had, and tells whether it did anything.
func (t *syncTask) putModesBack(found []apply.Drift) (done bool) {
	for _, f := range found {
		if f.ModeIs == f.ModeWas || t.a.keepsEdit(f.File) || f.Kind != apply.DriftMode && f.Kind != apply.DriftChanged {
			continue
		}
		if err := t.a.disk.PutModeBack(f); err != nil {
			t.a.log.Warn("cannot give a file its mode back", "file", f.Path, "err", err)
			continue
		}
		done = true
	}
	return done
}

// putRight notes that a file was put right, so that whoever edited it finds out.
func (a *Agent) putRight(d drifted, at time.Time) {
	a.log.Info("a file was put right", "file", d.Path, "what", d.what())
	a.counters.repairs.Inc()
	a.drift.undone = append(a.drift.undone, undone{at, d.Path + " " + d.what(), d.diff})
	a.drift.undone = a.drift.undone[max(0, len(a.drift.undone)-mostUndone):]
	a.keepUndone()
}

func (a *Agent) forgetUndone(now time.Time) {
	left := slices.DeleteFunc(slices.Clone(a.drift.undone), func(u undone) bool { return now.Sub(u.At) >= undoneFor })
	if len(left) < len(a.drift.undone) {
		a.drift.undone = left
		a.keepUndone()
	}
}

func (a *Agent) keepUndone() {
	a.tellUndone()
	body, err := json.MarshalIndent(a.drift.undone, "", " ")
	if err == nil {
		err = a.data.Write(undoneFile, body)
	}
	if err != nil {
		a.log.Warn("cannot keep what was put right", "err", err)
	}
}

func (a *Agent) tellUndone() {
	for i := range mostUndone {
		text := ""
		if i < len(a.drift.undone) {
			u := a.drift.undone[i]
			text = fmt.Sprintf("%s; it was put right %s\n%s", u.What, u.At.UTC().Format(time.RFC3339), u.Diff)
		}
		a.setNotice(fmt.Sprintf("put right %02d", i), strings.TrimRight(text, "\n"))
	}
}

// leaveDrift takes from what is to be written what somebody has edited, where the
// policy says that it stays. What was written last is then not all of the revision.
func (t *syncTask) leaveDrift(set apply.Set, how apply.How) (apply.Set, apply.How) {
	if t.a.policy.Drift != policy.DriftReport {
		return set, how
	}
	set.Jobs = slices.Clone(set.Jobs)
	for _, d := range t.a.drift.now {
		if d.Kind != apply.DriftChanged && d.Kind != apply.DriftRemoved || !t.a.keepsEdit(d.File) {
			continue
		}
		set.Manifest.Revision = min(set.Manifest.Revision, t.a.disk.State().RevisionWritten)
		if d.File == apply.ConfigName {
			how.LeaveConfig = true
			continue
		}
		key, piece, _ := strings.Cut(strings.TrimSuffix(d.File, ".json"), "/")
		at := slices.IndexFunc(set.Jobs, func(j apply.Job) bool { return j.Key == key })
		if at < 0 {
			t.a.disk.Disown(d.File) // the job goes; what was made of its file stays
			continue
		}
		job := &set.Jobs[at]
		was := apply.File{Key: key, Piece: piece}
		job.Files = slices.DeleteFunc(slices.Clone(job.Files), func(f apply.File) bool {
			if f.Piece == piece {
				was = f
			}
			return f.Piece == piece
		})
		if d.Kind == apply.DriftChanged {
			was = t.a.asFound(was)
			was.Hash, was.Size = d.Is, d.Size
			job.Files = append(job.Files, was)
		}
	}
	return set, how
}
