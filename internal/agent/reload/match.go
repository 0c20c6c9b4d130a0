package reload

import (
	"slices"
	"strconv"
	"strings"
)

// Target is a target as file_sd finds it.
type Target struct {
	Addr   string
	Labels map[string]string
}

// difference compares those that one pool has discovered and that are the job's
// own with what is wanted, both as multisets. Missing are the wanted ones that are not
// there, extra the found ones that are not wanted.
//
// The labels before relabelling that Prometheus shows are the file's, and with
// them those that it fills in where the file has none (job, __scheme__ and so
// on). So targets are sorted into classes by what cannot be filled in, and inside
// a class, mostly of one, the rest of the wanted labels must be there as wanted.
func difference(wanted []Target, found []map[string]string, own func(map[string]string) bool) (missing, extra []string) {
	classes := make(map[string][]map[string]string, len(found))
	for _, labels := range found {
		if !own(labels) {
			continue // of another discovery of the job's
		}
		class := classOf(labels[addressLabel], labels)
		classes[class] = append(classes[class], labels)
	}
	// Those that ask most choose first, so that none takes what another needs.
	wanted = slices.Clone(wanted)
	slices.SortStableFunc(wanted, func(a, b Target) int { return fillable(b.Labels) - fillable(a.Labels) })
	for _, t := range wanted {
		class := classOf(t.Addr, t.Labels)
		i := slices.IndexFunc(classes[class], func(found map[string]string) bool { return covers(found, t.Labels) })
		if i < 0 {
			missing = append(missing, t.Addr)
			continue
		}
		classes[class] = slices.Delete(classes[class], i, i+1)
	}
	for _, left := range classes {
		for _, labels := range left {
			what := labels[addressLabel]
			if file := labels[metaFilepath]; file != "" {
				what += " of " + file
			}
			extra = append(extra, what)
		}
	}
	slices.Sort(missing)
	slices.Sort(extra)
	return missing, extra
}

const (
	addressLabel = "__address__"
	metaFilepath = "__meta_filepath"
)

// filledIn tells whether Prometheus adds the label where a target has none: the
// job, parameters, and settings of a scrape, of which new versions have more
// (scrape.PopulateDiscoveredLabels).
func filledIn(name string) bool {
	return name == "job" || strings.HasPrefix(name, "__param_") ||
		strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
}

// classOf spells address and labels but those that may be filled in. A label with
// an empty value is none.
func classOf(addr string, labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for name, value := range labels {
		if value != "" && name != addressLabel && name != metaFilepath && !filledIn(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(strconv.Quote(addr))
	for _, name := range names {
		b.WriteString(strconv.Quote(name))
		b.WriteString(strconv.Quote(labels[name]))
	}
	return b.String()
}

func fillable(labels map[string]string) int {
	n := 0
	for name, value := range labels {
		if value != "" && filledIn(name) {
			n++
		}
	}
	return n
}

func covers(found, wanted map[string]string) bool {
	for name, value := range wanted {
		if value != "" && filledIn(name) && found[name] != value {
			return false
		}
	}
	return true
}
