package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"promfleet"
)

// ApplyOptions say how documents are applied.
type ApplyOptions struct {
	Manager      string // who manages what they name from now on
	Prune        bool   // delete the jobs of their nodes that Manager manages and they do not name
	TakeOver     bool   // also what another manager manages
	AllowRemoval bool   // also if more than half of a node's targets go
	// Progress is told how many of the documents are done; it may be nil.
	Progress func(done, total int)
	// At says where in the input the i-th document stands that does not say it
	// itself; nil: body[i].
	At func(i int) string

	importing bool // a prometheus.yml: nobody manages it, and it does not know keys
}

// ApplyDocuments makes nodes and jobs what documents say, all or nothing. What says
// what is there already is not written, and costs no check.
func (s *Service) ApplyDocuments(ctx context.Context, by Principal, docs []promfleet.FleetDocument, how ApplyOptions) (promfleet.FleetChange, error) {
	if !validManager.MatchString(how.Manager) {
		return promfleet.FleetChange{}, promfleet.BadField("query.manager", "must be 1 to 100 letters, digits, dots, underscores, slashes and dashes")
	}
	change, _, err := s.applied(ctx, by, docs, how)
	return change, err
}

// applied gives beside the change the keys of the jobs that no document is about.
func (s *Service) applied(ctx context.Context, by Principal, docs []promfleet.FleetDocument, how ApplyOptions) (out promfleet.FleetChange, left []string, err error) {
	given, err := validateDocuments(docs, how)
	if err != nil {
		return out, nil, err
	}
	a := &applying{s: s, by: by, how: how, given: given, verdicts: verdicts{}}
	// What takes long, the reading and the checking, is done before other writers
	// have to wait.
	if err := s.view(ctx, func(tx Tx) error { return a.plan(ctx, tx) }); err != nil {
		return out, nil, err
	}
	if a.differs() {
		err := s.update(ctx, func(tx Tx, c *change) error {
			stands, err := a.stands(ctx, tx)
			if err == nil && !stands {
				err = a.plan(ctx, tx)
			}
			if err != nil {
				return err
			}
			return a.write(ctx, tx, c)
		})
		if err != nil {
			return out, nil, err
		}
	}
	a.progress(len(given), len(given))
	for _, p := range a.nodes {
		for _, rec := range p.staying() {
			left = append(left, rec.Key)
		}
	}
	out, err = a.change()
	return out, left, err
}

// applying is documents on their way.
type applying struct {
	s        *Service
	by       Principal
	how      ApplyOptions
	given    []givenDocument
	verdicts verdicts

	nodes []*nodePlan // sorted by hostname, then uuid
	bad   fields
	// managed are documents about what others manage.
	managed fields
	losing  []string // nodes that would lose too many targets
}

// progress tells how far it is: half of the work is planning, half writing.
func (a *applying) progress(planned, written int) {
	if a.how.Progress != nil {
		a.how.Progress((planned+written)/2, len(a.given))
	}
}

// givenDocument is a document that is valid by itself.
type givenDocument struct {
	promfleet.FleetDocument
	at      string                  // before the name of a field
	tags    []string                // of a node
	job     promfleet.JobInput      // of a job
	targets []promfleet.TargetInput // of a job
}

// where says where the document stands.
func (d *givenDocument) where() string { return strings.TrimRight(d.at, ": .") }

// validateDocuments checks each document by itself.
func validateDocuments(docs []promfleet.FleetDocument, how ApplyOptions) ([]givenDocument, error) {
	given := make([]givenDocument, len(docs))
	var bad fields
	for i, doc := range docs {
		d := &given[i]
		d.FleetDocument = doc
		switch {
		case doc.At != "":
			d.at = doc.At + ": "
		case how.At != nil:
			d.at = how.At(i) + "."
		default:
			d.at = fmt.Sprintf("body[%d].", i)
		}
		if bad = append(bad, d.validate()...); len(bad) >= maxToldErrors {
			break
		}
	}
	return given, bad.told()
}

// told gives the errors, as many as are told at once.
func (f fields) told() error {
	if len(f) > maxToldErrors {
		f = append(slices.Clone(f[:maxToldErrors]), promfleet.FieldError{Location: "body", Message: "and so on: only the first errors are told"})
	}
	return f.err()
}

func (d *givenDocument) validate() fields {
	var f fields
	if d.Node == "" {
		f.add(d.at+"node", "is missing; give the uuid of a node, or its hostname")
	}
	f.text(d.at+"node", d.Node, MaxName, false)
	switch d.Kind {
	case promfleet.FleetNode:
		for name, there := range map[string]bool{"key": d.Key != "", "job_name": d.JobName != "", "remark": d.Remark != "",
			"scrape_config": d.ScrapeConfig != nil, "targets": d.Targets != nil} {
			if there {
				f.add(d.at+name, "belongs to a job, and this document is about a node")
			}
		}
		if d.Tags != nil {
			d.tags = f.tags(d.at+"tags", *d.Tags)
		}
	case promfleet.FleetJob:
		for name, there := range map[string]bool{"tags": d.Tags != nil, "base_config": d.BaseConfig != nil} {
			if there {
				f.add(d.at+name, "belongs to a node, and this document is about a job")
			}
		}
		f = append(f, d.validateJob()...)
	default:
		f.add(d.at+"kind", "must be node or job")
	}
	slices.SortStableFunc(f, func(a, b promfleet.FieldError) int { return cmp.Compare(a.Location, b.Location) })
	return f
}

func (d *givenDocument) validateJob() fields {
	d.job = promfleet.JobInput{Key: d.Key, JobName: d.JobName, Remark: d.Remark, ScrapeConfig: d.ScrapeConfig}
	f := d.located(validateJob(&d.job))
	if d.Targets == nil {
		return f
	}
	if len(*d.Targets) > MaxSet {
		f.add(d.at+"targets", "%d are too many for a job; at most %d", len(*d.Targets), MaxSet)
		return f
	}
	d.targets = make([]promfleet.TargetInput, len(*d.Targets))
	for i, t := range *d.Targets {
		d.targets[i] = promfleet.TargetInput{Name: t.Name, Remark: t.Remark, Addr: t.Addr, Labels: t.Labels, Tags: t.Tags}
	}
	return append(f, d.located(d.validateTargets())...)
}

func (d *givenDocument) validateTargets() error {
	return validateSet(0, GivenTargets{Targets: d.targets, At: func(i int) string { return fmt.Sprintf("body.targets[%d]", i) }})
}

// located gives what is wrong with an input as errors of the document that it was
// made of. Other errors are none of the document's.
func (d *givenDocument) located(err error) (f fields) {
	var bad *promfleet.Error
	if !errors.As(err, &bad) {
		return nil
	}
	for _, e := range bad.Fields {
		name, ok := strings.CutPrefix(e.Location, "body.")
		if !ok {
			name = ""
		}
		location := d.at + name
		if name == "" {
			location = d.where()
		}
		f = append(f, promfleet.FieldError{Location: location, Message: e.Message})
	}
	return f
}
