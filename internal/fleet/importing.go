package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"promfleet"
	"promfleet/internal/adopt"
)

// What tells an import from other documents: it comes from a prometheus.yml, which
// knows job_names and addresses, but neither keys nor names, tags or remarks of
// targets.

// pairByName finds the jobs that have the job_names of documents; their keys stay.
func (p *nodePlan) pairByName() {
	byName := map[string]*JobRecord{}
	for i := range p.have {
		byName[p.have[i].JobName] = &p.have[i]
	}
	for _, j := range p.jobs {
		if j.rec = byName[j.in.JobName]; j.rec != nil {
			j.in.Key = j.rec.Key
		}
	}
}

// sameBase tells whether two base configs differ in their layout at the most. What
// was exported, and imported again, is laid out anew.
func sameBase(a, b string) bool {
	x, err := parseDocument(a)
	if err != nil {
		return false
	}
	y, err := parseDocument(b)
	if err != nil {
		return false
	}
	a, errA := x.yaml()
	b, errB := y.yaml()
	return errA == nil && errB == nil && a == b
}

// freshKeys gives a key of their own to new jobs whose key is another's.
func (p *nodePlan) freshKeys() {
	taken := map[string]bool{}
	for i := range p.have {
		taken[p.have[i].Key] = true
	}
	for _, j := range p.jobs {
		if j.rec != nil {
			continue
		}
		for key, n := j.in.Key, 2; taken[j.in.Key]; n++ {
			j.in.Key = fmt.Sprintf("%s_%d", key, n)
		}
		taken[j.in.Key] = true
	}
}

// keepNames gives targets of a file the names, remarks and tags of those that are
// there: of the one with the same address and labels, else of one with the address.
func keepNames(in []promfleet.TargetInput, have []TargetRecord) []promfleet.TargetInput {
	out := make([]promfleet.TargetInput, len(in))
	copy(out, in)
	exact, byAddr := map[string]*TargetRecord{}, map[string][]*TargetRecord{}
	for i := range have {
		r := &have[i]
		exact[r.Addr+"\x00"+labelsKey(r.Labels)] = r
		byAddr[r.Addr] = append(byAddr[r.Addr], r)
	}
	used, named := map[int64]bool{}, map[identity]bool{}
	keep := func(t *promfleet.TargetInput, r *TargetRecord, name string) {
		used[r.ID], named[identity{t.Addr, name}] = true, true
		t.Name = name
		if t.Remark == "" {
			t.Remark = r.Remark
		}
		if len(t.Tags) == 0 {
			t.Tags = r.Tags
		}
	}
	var rest []*promfleet.TargetInput
	for i := range out {
		t := &out[i]
		if r := exact[t.Addr+"\x00"+labelsKey(t.Labels)]; r != nil && !used[r.ID] {
			keep(t, r, r.Name)
		} else {
			rest = append(rest, t)
		}
	}
	for _, t := range rest {
		i := slices.IndexFunc(byAddr[t.Addr], func(r *TargetRecord) bool {
			return !used[r.ID] && !named[identity{t.Addr, r.Name}] && (t.Name == "" || t.Name == r.Name)
		})
		if i >= 0 {
			keep(t, byAddr[t.Addr][i], byAddr[t.Addr][i].Name)
			continue
		}
		for name, n := t.Name, 2; named[identity{t.Addr, t.Name}]; n++ {
			t.Name = fmt.Sprintf("%s-%d", name, n)
		}
		named[identity{t.Addr, t.Name}] = true
	}
	return out
}

// ImportConfig takes a prometheus.yml apart into the base config, jobs and targets
// of a node, all or nothing. A job is known by its job_name, else by its key. Jobs
// that the file does not have stay.
func (s *Service) ImportConfig(ctx context.Context, by Principal, node string, yml []byte, allowRemoval bool) (promfleet.FleetChange, error) {
	// Before the file is looked at: that there is no such node does not depend on it.
	if err := s.view(ctx, func(tx Tx) error {
		_, err := liveNode(ctx, tx, node)
		return err
	}); err != nil {
		return promfleet.FleetChange{}, err
	}
	imported, err := adopt.Import(yml, node)
	if err != nil {
		return promfleet.FleetChange{}, inBody(err)
	}
	if err := hiddenPasswords(imported.Documents); err != nil {
		return promfleet.FleetChange{}, err
	}
	change, left, err := s.applied(ctx, by, imported.Documents, ApplyOptions{AllowRemoval: allowRemoval, importing: true,
		At: func(i int) string {
			if d := imported.Documents[i]; d.Kind == promfleet.FleetJob {
				return fmt.Sprintf("job %q", d.JobName)
			}
			return "body"
		}})
	if err != nil {
		return change, err
	}
	change.Notes = append(imported.Notes, change.Notes...)
	if len(left) > 0 {
		change.Notes = append(change.Notes, fmt.Sprintf("not in the file, and left as they are: %s; an agent does not take the file over as long as the node has jobs that it has not: delete them, or add them to the file", shortList(left)))
	}
	return change, nil
}

// inBody says of the fields of a file that they are in the body of a call.
func inBody(err error) error {
	var e *promfleet.Error
	if !errors.As(err, &e) {
		return err
	}
	for i := range e.Fields {
		e.Fields[i].Location = "body." + e.Fields[i].Location
	}
	if len(e.Fields) == 0 {
		e.Fields = []promfleet.FieldError{{Location: "body", Message: e.Message}}
		e.Message = "the file cannot be imported"
	}
	return e
}

// hiddenPassword is how Prometheus shows the password in a URL, which then stands for
// nothing that could be put back.
var hiddenPassword = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/@]*:(x{5}|%3Csecret%3E|<secret>)@`)

// hiddenPasswords refuses URLs whose passwords are not shown.
func hiddenPasswords(docs []promfleet.FleetDocument) error {
	var f fields
	for _, d := range docs {
		var v any
		at := "body"
		switch {
		case d.Kind == promfleet.FleetJob:
			v, _ = decodeJSON(string(d.ScrapeConfig)) // what is no JSON is refused later
			at = fmt.Sprintf("job %q", d.JobName)
		case d.BaseConfig != nil:
			if yaml.Unmarshal([]byte(*d.BaseConfig), &v) != nil {
				continue // as above
			}
		}
		f.passwords(at, v)
	}
	return f.err()
}

func (f *fields) passwords(at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			f.passwords(at+"."+k, v[k])
		}
	case []any:
		for i := range v {
			f.passwords(fmt.Sprintf("%s[%d]", at, i), v[i])
		}
	case string:
		if hiddenPassword.MatchString(v) {
			f.add(at, "the password in this URL is not shown; give it, or %s for the whole URL if it is to stay what it was", Masked)
		}
	}
}

// shortList names some of many.
func shortList(names []string) string {
	more := ""
	if n := len(names) - maxShownLosing; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names[:min(len(names), maxShownLosing)], ", ") + more
}
