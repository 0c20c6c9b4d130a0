package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"promfleet"
	"promfleet/internal/render"
)

// The bounds of what a preview shows.
const (
	maxShownNodes = 100
	maxShownFiles = 1000      // of all nodes
	maxShownAddrs = 100       // of a node
	maxDiff       = 64 << 10  // bytes, of one file
	maxDiffs      = 512 << 10 // bytes, of all files
)

// Preview says what writes would change on which node. The writes are done, by the
// Service that they are given, in a transaction that is rolled back.
func (s *Service) Preview(write func(*Service) error) (promfleet.Preview, error) {
	p := promfleet.Preview{Nodes: []promfleet.NodePreview{}}
	dry := *s
	dry.preview = &p
	err := write(&dry)
	return p, err
}

// previewed compares the files of the nodes that a transaction changed with those
// that were committed before.
func (s *Service) previewed(ctx context.Context, tx Tx, c *change) error {
	s.preview.Nodes, s.preview.More = s.preview.Nodes[:0], 0
	nodes := slices.Sorted(maps.Keys(c.raised))
	if len(nodes) > maxShownNodes {
		s.preview.More, nodes = len(nodes)-maxShownNodes, nodes[:maxShownNodes]
	}
	if len(nodes) == 0 {
		return nil
	}
	var room room
	return s.store.View(ctx, func(committed Tx) error {
		for _, uuid := range nodes {
			rec, err := tx.Node(ctx, uuid)
			if err != nil {
				return err
			}
			d := nodeDiff{s: s, before: committed, after: tx, room: &room, out: promfleet.NodePreview{Node: uuid, Hostname: rec.Hostname,
				Files: []promfleet.FileChange{}, Added: []string{}, Removed: []string{}}}
			if err := d.compare(ctx, uuid); err != nil {
				return err
			}
			s.preview.Nodes = append(s.preview.Nodes, d.out)
		}
		return nil
	})
}

// room is what a preview has shown so far: files, and bytes of diffs.
type room struct{ files, diffs int }

// nodeDiff compares the files of one node in two transactions.
type nodeDiff struct {
	s             *Service
	before, after Tx
	room          *room
	out           promfleet.NodePreview
}

func (d *nodeDiff) compare(ctx context.Context, uuid string) error {
	was, err := d.s.filesOf(ctx, d.before, uuid)
	if err != nil {
		return err
	}
	is, err := d.s.filesOf(ctx, d.after, uuid)
	if err != nil {
		return err
	}
	if err := d.config(was, is); err != nil {
		return err
	}
	wasJobs, isJobs := byKey(was.jobs), byKey(is.jobs)
	for _, key := range slices.Sorted(maps.Keys(merged(wasJobs, isJobs))) {
		if err := d.job(ctx, wasJobs[key], isJobs[key]); err != nil {
			return err
		}
	}
	slices.SortFunc(d.out.Files, func(a, b promfleet.FileChange) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(d.out.Added)
	slices.Sort(d.out.Removed)
	return nil
}

func byKey(jobs []jobFiles) map[string]*jobFiles {
	m := make(map[string]*jobFiles, len(jobs))
	for i := range jobs {
		m[jobs[i].key] = &jobs[i]
	}
	return m
}

func merged[K comparable, V any](a, b map[K]V) map[K]V {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// config compares the prometheus.yml, as Prometheus gets it and as it is shown.
func (d *nodeDiff) config(was, is nodeFiles) error {
	var full, shown [2]string
	for i, f := range []nodeFiles{was, is} {
		var err error
		if full[i], err = d.s.prometheusYML(f, false); err != nil {
			return err
		}
		if shown[i], err = d.s.prometheusYML(f, true); err != nil {
			return err
		}
	}
	if full[0] == full[1] {
		return nil
	}
	d.out.Reload = true
	if shown[0] == shown[1] {
		d.add("prometheus.yml", "update", "(only secrets change, which are not shown)\n")
		return nil
	}
	d.add("prometheus.yml", "update", unified("prometheus.yml", shown[0], shown[1]))
	return nil
}

func unified(path, before, after string) string {
	const dev = "/dev/null"
	from, to := path, path
	if before == "" {
		from = dev
	}
	if after == "" {
		to = dev
	}
	return udiff.Unified(from, to, before, after)
}

// add notes a changed file, its diff within bounds.
func (d *nodeDiff) add(path, action, diff string) {
	f := promfleet.FileChange{Path: path, Action: action, Diff: diff}
	if room := max(0, min(maxDiff, maxDiffs-d.room.diffs)); len(diff) > room {
		f.Diff, f.Truncated = diff[:max(0, strings.LastIndexByte(diff[:room], '\n')+1)], true
	}
	d.room.diffs += len(f.Diff)
	d.room.files++
	d.out.Files = append(d.out.Files, f)
}

// job compares the target files of a job; either side may be missing.
func (d *nodeDiff) job(ctx context.Context, was, is *jobFiles) error {
	before, after := piecesByName(was), piecesByName(is)
	var gone, come []promfleet.Part
	for _, name := range slices.Sorted(maps.Keys(merged(before, after))) {
		b, hadOne := before[name]
		a, hasOne := after[name]
		if b.Hash == a.Hash {
			continue
		}
		if hadOne {
			gone = append(gone, b)
		}
		if hasOne {
			come = append(come, a)
		}
		if err := d.file(ctx, was, is, b, a); err != nil {
			return err
		}
	}
	return d.targets(ctx, was, is, gone, come)
}

func piecesByName(j *jobFiles) map[string]promfleet.Part {
	m := map[string]promfleet.Part{}
	if j != nil {
		for _, p := range j.pieces() {
			m[p.Name] = p
		}
	}
	return m
}

// file notes a changed target file; a part without a name is missing.
func (d *nodeDiff) file(ctx context.Context, was, is *jobFiles, before, after promfleet.Part) error {
	if d.room.files >= maxShownFiles {
		d.out.MoreFiles++
		return nil
	}
	action := "update"
	switch {
	case before.Name == "":
		action = "create"
	case after.Name == "":
		action = "delete"
	}
	path := targetsDir + "/" + filePath(cmp.Or(after, before))
	if d.room.diffs >= maxDiffs-maxDiff { // not worth reading the targets
		d.room.files++
		d.out.Files = append(d.out.Files, promfleet.FileChange{Path: path, Action: action, Truncated: true})
		return nil
	}
	old, err := d.body(ctx, d.before, was, before)
	if err != nil {
		return err
	}
	now, err := d.body(ctx, d.after, is, after)
	if err != nil {
		return err
	}
	d.add(path, action, unified(path, old, now))
	return nil
}

func (d *nodeDiff) body(ctx context.Context, tx Tx, j *jobFiles, p promfleet.Part) (string, error) {
	if p.Name == "" {
		return "", nil
	}
	name, _ := render.ParseName(p.Name)
	b, err := d.s.body(ctx, tx, nil, j.rec, name)
	return string(b), err
}

// targets counts what a job's changed pieces gain and lose.
func (d *nodeDiff) targets(ctx context.Context, was, is *jobFiles, gone, come []promfleet.Part) error {
	// What comes or goes as a whole needs no comparison.
	if was == nil || is == nil || len(gone) == 0 || len(come) == 0 {
		for _, p := range gone {
			d.out.TargetsRemoved += int(p.Count)
		}
		for _, p := range come {
			d.out.TargetsAdded += int(p.Count)
		}
		if err := d.sample(ctx, d.before, was, gone, &d.out.Removed); err != nil {
			return err
		}
		return d.sample(ctx, d.after, is, come, &d.out.Added)
	}
	config, err := d.s.open(is.sealed, jobContext(is.rec.Node))
	if err != nil {
		return err
	}
	meta := render.MetaSeen(json.RawMessage(config.Text))
	old, err := read(ctx, d.before, was, gone)
	if err != nil {
		return err
	}
	now, err := read(ctx, d.after, is, come)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(merged(old, now))) {
		o, had := old[id]
		t, has := now[id]
		switch {
		case had && has && o.Addr == t.Addr:
			if shows(&o, &t, meta) {
				d.out.TargetsChanged++
			}
			continue
		case has:
			d.out.TargetsAdded++
			d.show(&d.out.Added, t.Addr)
		}
		if had {
			d.out.TargetsRemoved++
			d.show(&d.out.Removed, o.Addr)
		}
	}
	return nil
}

func (d *nodeDiff) show(list *[]string, addr string) {
	if len(*list) < maxShownAddrs {
		*list = append(*list, addr)
	}
}

func (d *nodeDiff) sample(ctx context.Context, tx Tx, j *jobFiles, pieces []promfleet.Part, to *[]string) error {
	for _, p := range pieces {
		if len(*to) >= maxShownAddrs {
			return nil
		}
		recs, err := read(ctx, tx, j, []promfleet.Part{p})
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(recs)) {
			d.show(to, recs[id].Addr)
		}
	}
	return nil
}

// read gives the targets of pieces by id.
func read(ctx context.Context, tx Tx, j *jobFiles, pieces []promfleet.Part) (map[int64]TargetRecord, error) {
	all := map[int64]TargetRecord{}
	for _, p := range pieces {
		name, _ := render.ParseName(p.Name)
		r, ok := render.ParseRange(name.Piece)
		if !ok {
			continue
		}
		recs, err := tx.TargetsInRange(ctx, j.rec.ID, r.Lo, r.Hi())
		if err != nil {
			return nil, err
		}
		for _, rec := range recs {
			all[rec.ID] = rec
		}
	}
	return all, nil
}
