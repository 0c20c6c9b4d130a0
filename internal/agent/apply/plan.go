package apply

import (
	"maps"
	"slices"
	"strings"
)

// plan is what must be done to the target files. It is made from facts alone.
type plan struct {
	jobs  []jobPlan
	later []string // files of jobs no longer named: removed once that is loaded
}

// jobPlan is what must be done to the files of a job that stays.
type jobPlan struct {
	key    string
	write  []File
	remove []string // after the writes: pieces that were split or merged
}

// makePlan compares the files owned with those wanted; good tells of a wanted one
// whether the disk has it as it should be.
func makePlan(owned map[string]Record, jobs []Job, good func(File) bool) plan {
	var p plan
	named := make(map[string]int, len(jobs))
	wanted := map[string]bool{}
	all := make([]jobPlan, len(jobs))
	for i, j := range jobs {
		named[j.Key] = i
		all[i].key = j.Key
		for _, f := range j.Files {
			wanted[f.Path()] = true
			if !good(f) {
				all[i].write = append(all[i].write, f)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(owned)) {
		if wanted[path] {
			continue
		}
		key, _, _ := strings.Cut(path, "/")
		if i, ok := named[key]; ok {
			all[i].remove = append(all[i].remove, path)
		} else {
			p.later = append(p.later, path)
		}
	}
	for _, j := range all {
		if len(j.write)+len(j.remove) > 0 {
			p.jobs = append(p.jobs, j)
		}
	}
	return p
}
