package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/policy"
	"promfleet/internal/render"
)

// held is a removal that waits for a confirmation. It is kept in the data path, so
// that a restart does not let it pass.
type held struct {
	// Revision is the one that takes the targets away; Since the first one that
	// took no fewer: a confirmation of one from there on counts.
	Revision int64 `json:"revision"`
	Since    int64 `json:"since"`
	// Manifest is the hash of what Revision says, and First of what the revision
	// Since said: a confirmation is of that, whatever else bears the number.
	Manifest promfleet.Hash `json:"manifest"`
	First    promfleet.Hash `json:"first"`
	// Gone of Of targets wait. Of is what the node had before.
	Gone int64        `json:"gone"`
	Of   int64        `json:"of"`
	Jobs []jobRemoval `json:"jobs"`
}

// heldFile keeps it.
const heldFile = "held.json"

// newHeld is a removal of a manifest that waits, after what waited before, if
// anything did.
func newHeld(m promfleet.Manifest, r removal, of int64, before *held) *held {
	says := saysOf(m)
	h := &held{Revision: m.Revision, Since: m.Revision, Manifest: says, First: says, Gone: r.Gone, Of: of, Jobs: r.Jobs}
	if before != nil && r.Fresh == 0 {
		h.First = before.First
		// A server may have gone back to a revision before it.
		h.Since = min(before.Since, m.Revision)
	}
	return h
}

// saysOf is the hash of what a node should have, whatever the revision is called.
func saysOf(m promfleet.Manifest) promfleet.Hash {
	parts := slices.SortedFunc(slices.Values(m.Parts), func(a, b promfleet.Part) int { return strings.Compare(a.Name, b.Name) })
	body, err := json.Marshal(parts)
	if err != nil {
		panic(err) // text and numbers
	}
	return promfleet.HashOf(body)
}

// covers tells whether a confirmation of a revision is one of what waits.
func (h *held) covers(revision int64) bool { return h.Since <= revision && revision <= h.Revision }

// contradicts tells whether a manifest bears the number of what waits, and is not it.
func (h *held) contradicts(m promfleet.Manifest) bool {
	return h != nil && h.Revision == m.Revision && h.Manifest != saysOf(m)
}

// readHeld reads it; nil: nothing waits.
func readHeld(read func(name string) ([]byte, error)) (*held, error) {
	body, err := read(heldFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &held{}
	if err := json.Unmarshal(body, h); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove it, and what waits is counted anew", heldFile, err)
	}
	return h, nil
}

// what says in words what waits.
func (h *held) what() string {
	const most = 10
	var jobs []string
	for _, j := range h.Jobs {
		if len(jobs) == most {
			jobs = append(jobs, fmt.Sprintf("%d more", len(h.Jobs)-most))
			break
		}
		if j.Whole {
			jobs = append(jobs, fmt.Sprintf("%s (the job and its %d)", j.Key, j.Gone))
		} else {
			jobs = append(jobs, fmt.Sprintf("%s (%d)", j.Key, j.Gone))
		}
	}
	return fmt.Sprintf("revision %d takes %d of %d targets away, of job %s", h.Revision, h.Gone, h.Of, strings.Join(jobs, ", "))
}

// waiting says what waits, and what to do.
func (a *Agent) waiting(h *held) string {
	how := fmt.Sprintf("run `promfleet agent confirm --data.path=%s --revision=%d` on this host", a.opts.DataPath, h.Revision)
	if a.policy.RemovalConfirm == policy.ConfirmServer {
		how = "confirm it on the server, or " + how
	}
	return fmt.Sprintf("%s, more than the %d %% that the host's policy lets go at once: they stay until that is confirmed: %s", h.what(), a.policy.MaxRemovalPercent, how)
}

// wholeHold is that nothing of a revision is applied, since what it takes away
// cannot be kept beside the rest.
type wholeHold struct{ why string }

func (e *wholeHold) Error() string { return e.why }

// guarded is what the guard has made of what is wanted.
type guarded struct {
	want, write *content
	held        *held
	whole       error // *wholeHold, instead of write
}

// guard gives what may be written of what is wanted. With a removal that is too
// large to go unseen that is all of it and, beside it, what would go.
func (t *syncTask) guard(ctx context.Context, want *content) (*content, error) {
	if t.guarded != nil && t.guarded.want == want {
		err := t.guarded.whole
		if err == nil {
			err = t.restage(ctx, t.guarded.write)
		}
		if !errors.Is(err, errNotHere) { // else somebody has removed what was kept
			return t.guarded.write, err
		}
	}
	state := t.a.disk.State()
	if state.Manifest == nil || t.restored == want {
		return want, nil
	}
	applied, err := (&receiver{a: t.a, names: map[string]bool{}}).content(ctx, *state.Manifest)
	if err != nil {
		t.a.log.Warn("what was applied last cannot be read again", "err", err)
		applied = nil
	}
	old := t.a.diskJobs(applied)
	all := pairs(old, want.applyJobs())
	of, before := count(old), t.held
	g := guard{disk: t.a.readDisk, next: t.a.readNext, kept: map[string]bool{}}
	if before != nil {
		of = before.Of
		for _, j := range before.Jobs {
			g.kept[j.Key] = j.Whole
		}
	}
	r := removal{Gone: mostGone(all)}
	if t.a.policy.TooMany(r.Gone, of) {
		if r, err = g.weigh(all); err != nil {
			return nil, err
		}
	}
	if !t.a.policy.TooMany(r.Gone, of) {
		return t.letGo(want), nil
	}
	h := newHeld(want.manifest, r, of, before)
	if by := t.confirmedBy(h, want.manifest); by != "" {
		t.a.log.Info("a large removal was confirmed", "revision", h.Revision, "targets", h.Gone, "of", h.Of, "by", by)
		return t.letGo(want), nil
	}
	write, err := t.keepBack(want, applied, g, all)
	var whole *wholeHold
	if err != nil && !errors.As(err, &whole) {
		return nil, err
	}
	if err := t.setHeld(h); err != nil {
		return nil, err
	}
	t.guarded = &guarded{want: want, write: write, held: h, whole: err}
	if err == nil {
		err = t.restage(ctx, write)
	}
	return write, err
}

// restage stages what the disk lacks of what the guard has made.
func (t *syncTask) restage(ctx context.Context, write *content) error {
	if write == t.content {
		return nil
	}
	return (&receiver{a: t.a}).targets(ctx, t.a.toStage(write).applyJobs())
}

// letGo lets all of what is wanted be written.
func (t *syncTask) letGo(want *content) *content {
	t.guarded = &guarded{want: want, write: want}
	return want
}

// setHeld notes what is held back before it is, so that a restart knows.
func (t *syncTask) setHeld(h *held) error {
	body, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	there, err := t.a.data.Read(heldFile)
	if err != nil || string(there) != string(body) {
		if err := t.a.data.Write(heldFile, body); err != nil {
			return fmt.Errorf("--data.path: %w", err)
		}
		t.a.log.Warn("a large removal waits for a confirmation", "revision", h.Revision, "targets", h.Gone, "of", h.Of)
	}
	t.held = h
	t.a.waits.Store(true)
	return nil
}

// written forgets what was held back, once all of what is wanted is on the disk.
func (t *syncTask) written() error {
	if t.held == nil || t.guarded == nil || t.guarded.want != t.content || t.guarded.held != nil {
		return nil
	}
	t.held = nil
	t.a.waits.Store(false)
	return errors.Join(t.a.data.Remove(heldFile), t.a.data.Remove(confirmedFile))
}

// What a held piece has at the most: targets, and bytes of text in them. In JSON
// these are up to six times as many, and no target file has more than maxBody.
const (
	heldChunk = 4096
	heldBytes = maxBody / 8
)

// chunks are the targets of a job that go, for one held piece each.
type chunks struct {
	all  [][]promfleet.Target
	room int // bytes in the last one
}

func (c *chunks) add(addr string, labels map[string]string) {
	size := len(addr)
	for name, value := range labels {
		size += len(name) + len(value)
	}
	last := len(c.all) - 1
	if last < 0 || len(c.all[last]) == heldChunk || size > c.room {
		c.all, c.room, last = append(c.all, nil), heldBytes, last+1
	}
	c.room -= size
	c.all[last] = append(c.all[last], promfleet.Target{Addr: addr, Labels: labels})
}

// keepBack makes what is written while a removal waits: what is wanted, with the
// targets that would go in pieces of their own, and with the jobs that would go.
// Its revision is that of what was applied last, since it is not the new one.
func (t *syncTask) keepBack(want, applied *content, g guard, all []pair) (*content, error) {
	if applied == nil {
		return nil, &wholeHold{"and what was applied last cannot be read again, so nothing of the revision is applied"}
	}
	going := map[string]*chunks{}
	g.keep = func(want *apply.Job, addr string, labels map[string]string) {
		if going[want.Key] == nil {
			going[want.Key] = &chunks{}
		}
		going[want.Key].add(addr, labels)
	}
	if _, err := g.weigh(all); err != nil {
		return nil, err
	}
	w := *want
	w.manifest.Revision = applied.manifest.Revision
	w.manifest.Parts = slices.Clone(want.manifest.Parts)
	w.jobs, w.parts = slices.Clone(want.jobs), slices.Clone(want.parts)
	for i := range w.jobs {
		if c := going[w.jobs[i].Key]; c != nil {
			if err := t.addHeld(&w, i, c.all); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range all {
		if p.want == nil {
			if err := t.keepJob(&w, applied, p.key()); err != nil {
				return nil, err
			}
		}
	}
	return &w, nil
}

// addHeld gives a job pieces with the targets that would go. They come first:
// what they hold must be on the disk before a file without it.
func (t *syncTask) addHeld(w *content, job int, chunks [][]promfleet.Target) error {
	j := &w.jobs[job]
	var files []apply.File
	for i, targets := range chunks {
		body, err := render.TargetFile(targets, render.Meta{})
		if err != nil {
			return err
		}
		hash, err := t.keepPart(w, body)
		if err != nil {
			return err
		}
		files = append(files, apply.File{Key: j.Key, Piece: fmt.Sprintf("%s%04d", heldPrefix, i), Hash: hash, Size: int64(len(body)), Targets: int64(len(targets))})
	}
	j.Files = append(files, j.Files...)
	at := slices.IndexFunc(w.manifest.Parts, func(p promfleet.Part) bool { return p.Name == render.IndexName(j.Key) })
	var parts []promfleet.Part
	index, ok := t.a.data.Part(w.manifest.Parts[at].Hash)
	if !ok {
		return fmt.Errorf("--data.path: the index of job %s is gone", j.Key)
	}
	if err := strict(index, &parts); err != nil {
		return err
	}
	for _, f := range files {
		parts = append(parts, promfleet.Part{Name: render.PieceName(f.Key, f.Piece), Hash: f.Hash, Size: f.Size, Count: f.Targets})
	}
	body, err := render.IndexBody(parts)
	if err != nil {
		return err
	}
	hash, err := t.keepPart(w, body)
	if err != nil {
		return err
	}
	p := &w.manifest.Parts[at]
	p.Hash, p.Size, p.Count = hash, int64(len(body)), j.Targets()
	return nil
}

func (t *syncTask) keepPart(w *content, body []byte) (promfleet.Hash, error) {
	hash := promfleet.HashOf(body)
	w.parts = append(w.parts, hash)
	if _, ok := t.a.data.Part(hash); ok {
		return hash, nil
	}
	if err := t.a.data.KeepPart(body); err != nil {
		return hash, fmt.Errorf("--data.path: %w", err)
	}
	return hash, nil
}

// keepJob keeps a job that would go as it was applied last.
func (t *syncTask) keepJob(w, applied *content, key string) error {
	for _, j := range applied.jobs {
		if j.Key != key {
			continue
		}
		missing, err := t.a.disk.Missing([]apply.Job{j.Job})
		if err != nil {
			return err
		}
		// What is not as it was written cannot be kept.
		j.Files = slices.DeleteFunc(slices.Clone(j.Files), func(f apply.File) bool {
			_, ok := t.a.heldBody(f)
			return !ok && slices.Contains(missing, f)
		})
		w.jobs = append(w.jobs, j)
		for _, p := range applied.manifest.Parts {
			if p.Name == render.IndexName(key) {
				w.manifest.Parts = append(w.manifest.Parts, p)
			}
		}
		w.parts = append(w.parts, applied.parts...)
		return nil
	}
	return &wholeHold{fmt.Sprintf("and the configuration of job %s is not known any more, so nothing of the revision is applied", key)}
}

// goal is the state of a node that has what is written now, and why it is not
// in_sync if it is not.
func (t *syncTask) goal() (promfleet.NodeState, error) {
	t.publish()
	state, why := t.a.quarantine.verdict()
	also := func(first error) error {
		if why == nil {
			return first
		}
		return fmt.Errorf("%w; and %w", first, why)
	}
	switch {
	case t.refused != nil: // and what was taken before it stays
		return promfleet.StateFailed, t.refused
	case t.held != nil: // also beside a drift: it waits for somebody to confirm it
		return promfleet.StateHeld, also(errors.New(t.a.waiting(t.held)))
	case len(t.a.drift.now) > 0:
		return promfleet.StateDrifted, also(t.a.driftProblem())
	}
	return state, why
}

// heldBody gives the body of a piece that the guard has made.
func (a *Agent) heldBody(f apply.File) (string, bool) {
	if !isHeld(f.Piece) {
		return "", false
	}
	body, ok := a.data.Part(f.Hash)
	return string(body), ok
}

// here gives the body of a part that came with the manifest, that the guard has
// made, or of which there is a copy.
func (r *receiver) here(p promfleet.Part) (string, bool) {
	if body, ok := r.inline[p.Hash]; ok {
		return body, true
	}
	name, _ := render.ParseName(p.Name)
	f := apply.File{Key: name.Key, Piece: name.Piece, Hash: p.Hash}
	if body, ok := r.a.heldBody(f); ok {
		return body, true
	}
	body, ok := r.a.drift.copies.Body(f.Path(), f.Hash)
	return string(body), ok
}
