package fleet

import (
	"fmt"
	"slices"

	"promfleet"
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
