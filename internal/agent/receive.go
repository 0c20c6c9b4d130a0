package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/apply"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// What a server may send. It may be somebody else's by now.
// The policy has more limits.
const (
	maxBody    = 4 << 20 // of one target file, in bytes
	maxConfig  = 1 << 20 // of the base, or of a job's configuration: a server takes no larger one
	maxIndex   = 2 << 20 // of a job's index: of 14,000 target files
	fetchBatch = 64      // parts asked for at once
	batchBytes = 1 << 20 // of them, if they are more than one
)

// refusal is a manifest or a body that this agent will not have. Asking again
// brings the same.
type refusal struct{ why string }

func (r *refusal) Error() string { return "the manifest is refused: " + r.why }

func refuse(format string, args ...any) error {
	return &refusal{why: oneLine(fmt.Sprintf(format, args...))}
}

// content is what a manifest says, its bodies checked. The target files are on
// the disk or staged beside it.
type content struct {
	manifest promfleet.Manifest
	base     []byte // nil: the node has none on the server
	jobs     []jobContent
	parts    []promfleet.Hash // kept in the data path
	// localBase: the base is the host's own, as it was when it was last seen loaded.
	localBase bool
}

type jobContent struct {
	config promfleet.JobConfig
	part   promfleet.Part // of config
	apply.Job
}

// receiver brings the parts of one manifest here.
type receiver struct {
	a      *Agent
	client *client.Client // nil: only what is here already
	inline map[promfleet.Hash]string
	total  int64
	parts  int
	memory struct{ configs, indexes int64 } // bytes that are in it together
	names  map[string]bool
	values int        // of the base and the configurations
	large  sync.Mutex // held while a large target file is decoded
}

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// receive checks a manifest and everything that it names, and fetches what is not
// here yet. Errors: *refusal; promfleet.Gone: the manifest is out of date already.
func (a *Agent) receive(ctx context.Context, c *client.Client, m promfleet.Manifest, inline []promfleet.PartBody) (*content, error) {
	r := &receiver{a: a, client: c, inline: map[promfleet.Hash]string{}, names: map[string]bool{}}
	a.leftover.begin()
	for _, b := range inline {
		r.inline[b.Hash] = b.Body
	}
	out, err := r.content(ctx, m)
	if err != nil {
		return nil, err
	}
	if c != nil {
		if err := r.counted(out.applyJobs()); err != nil {
			return nil, err
		}
	}
	// Else what was staged for manifests that came to nothing could fill the disk.
	if err := a.disk.DiscardBut(out.applyJobs()); err != nil {
		return nil, err
	}
	return out, r.targets(ctx, a.toStage(out).applyJobs())
}

// content reads what a manifest names, but the target files.
func (r *receiver) content(ctx context.Context, m promfleet.Manifest) (*content, error) {
	out := &content{manifest: m}
	if err := r.admit(m.Parts, func(n render.Name, p promfleet.Part) bool {
		return p.Index == n.Index() && (n.Base || n.Index())
	}); err != nil {
		return nil, err
	}
	top, err := r.bodies(ctx, m.Parts)
	if err != nil {
		return nil, err
	}
	var configs []promfleet.Part
	for i, p := range m.Parts {
		out.parts = append(out.parts, p.Hash)
		name, _ := render.ParseName(p.Name)
		if name.Base {
			out.base = append([]byte{}, top[i]...)
			continue
		}
		job, config, err := r.index(name.Key, top[i])
		if err != nil {
			return nil, err
		}
		out.jobs = append(out.jobs, jobContent{Job: job, part: config})
		configs = append(configs, config)
		out.parts = append(out.parts, config.Hash)
	}
	bodies, err := r.bodies(ctx, configs)
	if err != nil {
		return nil, err
	}
	for i := range out.jobs {
		if err := out.jobs[i].configure(bodies[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// applyJobs gives the jobs as the applier wants them.
func (c *content) applyJobs() []apply.Job {
	jobs := make([]apply.Job, len(c.jobs))
	for i, j := range c.jobs {
		jobs[i] = j.Job
	}
	return jobs
}

// admit checks what a list of parts says before any of it is fetched.
func (r *receiver) admit(parts []promfleet.Part, belongs func(render.Name, promfleet.Part) bool) error {
	for _, p := range parts {
		name, ok := render.ParseName(p.Name)
		r.parts++
		most := int64(maxBody)
		switch {
		case name.Base || name.Config:
			most = maxConfig
		case name.Index():
			most = maxIndex
		}
		switch {
		case !ok:
			return refuse("this agent does not know what a part %q is: upgrade it if the server is newer", cut(p.Name, 200))
		case !belongs(name, p):
			return refuse("part %q is not where it belongs", p.Name)
		case r.names[p.Name]:
			return refuse("part %q is there twice", p.Name)
		case !hashPattern.MatchString(string(p.Hash)):
			return refuse("part %q: %q is not a hash", p.Name, cut(string(p.Hash), 100))
		case p.Size < 0 || p.Size > most:
			return refuse("part %q: its size is %d bytes, allowed are %d", p.Name, p.Size, most)
		case p.Count < 0:
			return refuse("part %q: it counts %d targets", p.Name, p.Count)
		}
		if err := r.atMost(name, p.Size); err != nil {
			return err
		}
		r.names[p.Name] = true
	}
	return nil
}

// index reads the index of a job: its configuration and its target files.
func (r *receiver) index(key string, body []byte) (apply.Job, promfleet.Part, error) {
	job := apply.Job{Key: key}
	var parts []promfleet.Part
	// One after the other: a list of a million empty ones is small.
	var no error
	err := eachStrict(body, func(p promfleet.Part) error {
		no = r.admit([]promfleet.Part{p}, func(n render.Name, p promfleet.Part) bool {
			return !p.Index && n.Key == key && !n.Index() && (r.client == nil || !isHeld(n.Piece))
		})
		parts = append(parts, p)
		return no
	})
	switch {
	case no != nil:
		return job, promfleet.Part{}, no
	case err != nil:
		return job, promfleet.Part{}, refuse("the index of job %s: %s", key, err)
	}
	var config *promfleet.Part
	for i, p := range parts {
		name, _ := render.ParseName(p.Name)
		if name.Config {
			config = &parts[i]
			continue
		}
		job.Files = append(job.Files, apply.File{Key: key, Piece: name.Piece, Hash: p.Hash, Size: p.Size, Targets: p.Count})
	}
	if config == nil {
		return job, promfleet.Part{}, refuse("job %s has no configuration", key)
	}
	return job, *config, nil
}

// configure reads the configuration of a job.
func (j *jobContent) configure(body []byte) error {
	if err := strict(body, &j.config); err != nil {
		return refuse("the configuration of job %s: %s", j.Key, err)
	}
	if j.config.Key != j.Key {
		return refuse("the configuration of job %s is that of %q", j.Key, cut(j.config.Key, 200))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(j.config.ScrapeConfig, &fields); err != nil {
		return refuse("the scrape_config of job %s: %s", j.Key, err)
	}
	for field := range fields {
		if field == "static_configs" || strings.HasSuffix(field, "_sd_configs") {
			j.Shared = true
		}
	}
	j.Name = j.config.JobName
	return nil
}

// strict decodes one JSON value in which there is nothing unknown.
func strict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

// eachStrict decodes one JSON list in which there is nothing unknown.
func eachStrict[T any](body []byte, each func(T) error) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.Join(err, errors.New("it is no JSON list"))
	}
	for d.More() {
		var one T
		if err := d.Decode(&one); err != nil {
			return err
		}
		if err := each(one); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

// bodies gives the bodies of parts that are kept in the data path, in their
// order, and fetches those that are not there.
func (r *receiver) bodies(ctx context.Context, parts []promfleet.Part) ([][]byte, error) {
	got := make([][]byte, len(parts))
	if r.client != nil {
		r.a.leftover.name(parts)
	}
	var lacking []promfleet.Part
	places := map[string]int{}
	for i, p := range parts {
		if body, ok := r.a.data.Part(p.Hash); ok && int64(len(body)) == p.Size {
			got[i] = body
			continue
		}
		lacking = append(lacking, p)
		places[p.Name] = i
	}
	err := r.fetch(ctx, lacking, func(batch []promfleet.Part, bodies []string) error {
		for i, p := range batch {
			if err := r.a.data.KeepPart([]byte(bodies[i])); err != nil {
				return fmt.Errorf("--data.path %s: %w", r.a.opts.DataPath, err)
			}
			r.a.leftover.keep(p.Hash)
			got[places[p.Name]] = []byte(bodies[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		if err := r.notTooDeep(p, got[i]); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// targets stages the target files that the disk lacks.
func (r *receiver) targets(ctx context.Context, jobs []apply.Job) error {
	missing, err := r.a.disk.Missing(jobs)
	if err != nil {
		return err
	}
	missing = slices.DeleteFunc(missing, r.a.leaves)
	parts := make([]promfleet.Part, len(missing))
	files := make(map[string]apply.File, len(missing))
	for i, f := range missing {
		parts[i] = promfleet.Part{Name: render.PieceName(f.Key, f.Piece), Hash: f.Hash, Size: f.Size, Count: f.Targets}
		files[parts[i].Name] = f
	}
	return r.fetch(ctx, parts, func(batch []promfleet.Part, bodies []string) error {
		var g errgroup.Group
		g.SetLimit(16) // their fsyncs share the disk's commits
		for i, p := range batch {
			g.Go(func() error {
				if err := r.checkTargets(p, bodies[i]); err != nil {
					return err
				}
				if err := r.a.disk.Stage(files[p.Name], []byte(bodies[i])); err != nil {
					return err
				}
				r.a.keepCopy(files[p.Name], bodies[i])
				return nil
			})
		}
		return g.Wait()
	})
}

func (r *receiver) checkTargets(p promfleet.Part, body string) error {
	if err := notTooMany(p, body); err != nil {
		return err
	}
	if len(body) > largeTargets {
		r.large.Lock()
		defer r.large.Unlock()
	}
	groups, err := check.TargetGroups([]byte(body))
	if err != nil {
		return refuse("part %q: %s", p.Name, err)
	}
	var n int64
	for _, g := range groups {
		n += int64(len(g.Targets))
	}
	if n != p.Count {
		return refuse("part %q has %d targets and says %d", p.Name, n, p.Count)
	}
	return nil
}

// fetch hands the bodies of parts over in batches, each checked against its hash.
func (r *receiver) fetch(ctx context.Context, parts []promfleet.Part, take func([]promfleet.Part, []string) error) error {
	var ask []promfleet.Part
	var had []promfleet.Part
	var inline []string
	for _, p := range parts {
		body, ok := r.here(p)
		if !ok {
			ask = append(ask, p)
			continue
		}
		if err := whole(p, body); err != nil {
			return err
		}
		had, inline = append(had, p), append(inline, body)
	}
	if err := take(had, inline); err != nil {
		return err
	}
	for len(ask) > 0 {
		batch := ask[:1]
		for size := ask[0].Size; len(batch) < min(fetchBatch, len(ask)); batch = ask[:len(batch)+1] {
			if size += ask[len(batch)].Size; size > batchBytes {
				break
			}
		}
		bodies, err := r.call(ctx, batch)
		if err != nil {
			return err
		}
		if err := take(batch[:len(bodies)], bodies); err != nil {
			return err
		}
		ask = ask[len(bodies):]
	}
	return nil
}

// errNotHere: a body is not here, and there is nobody to ask.
var errNotHere = errors.New("a part is not here")

// call asks for parts, and gives the bodies of the first of them, at least one.
func (r *receiver) call(ctx context.Context, parts []promfleet.Part) ([]string, error) {
	if r.client == nil {
		return nil, errNotHere
	}
	refs := make([]promfleet.PartRef, len(parts))
	// As JSON strings they are longer, though hardly twice as long.
	most := int64(maxSmallAnswer)
	for i, p := range parts {
		refs[i] = promfleet.PartRef{Name: p.Name, Hash: p.Hash}
		most += 2*p.Size + 200
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := r.client.Within(most).Fetch(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("cannot fetch: %w", err)
	}
	if len(answer) == 0 || len(answer) > len(parts) {
		return nil, refuse("%d bodies came for %d parts", len(answer), len(parts))
	}
	bodies := make([]string, len(answer))
	for i, b := range answer {
		if err := whole(parts[i], b.Body); err != nil {
			return nil, err
		}
		bodies[i] = b.Body
	}
	return bodies, nil
}

// whole checks a body against what the manifest says of it.
func whole(p promfleet.Part, body string) error {
	switch {
	case int64(len(body)) != p.Size:
		return refuse("part %q has %d bytes and says %d", p.Name, len(body), p.Size)
	case promfleet.HashOf([]byte(body)) != p.Hash:
		return refuse("part %q does not have its hash: it was damaged or tampered with", p.Name)
	case !utf8.ValidString(body):
		return refuse("part %q is not valid UTF-8", p.Name)
	}
	return nil
}
