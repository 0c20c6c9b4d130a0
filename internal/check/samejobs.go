package check

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
)

// ourMeta are the meta labels that promfleet's own target files may carry.
const ourMeta = model.MetaLabelPrefix + "promfleet_"

// SameJobs says whether a prometheus.yml of somebody else's may be replaced by
// ours, both in the directory dir, because Prometheus would load the same: the
// same sections, the same jobs with the same fields and service discoveries, and
// for each job the same targets with the same labels. The error names the first
// difference.
//
// targetsDir is the targets directory as ours names it. Of ours, each job's
// file_sd_configs entry for files in it is left out and counts as targets
// instead: those of targets, the groups of our files by job_name. The existing
// file has its targets in static_configs; their order and grouping do not matter.
func SameJobs(existing, ours []byte, dir, targetsDir string, targets map[string][]Group) (err error) {
	defer recoverAs(&err)
	have, err := LoadExisting(existing)
	if err != nil {
		return fmt.Errorf("the existing configuration: %w", err)
	}
	wanted, err := Load(ours)
	if err != nil {
		return fmt.Errorf("our configuration: %w", err)
	}
	have.loaded.SetDirectory(dir)
	wanted.loaded.SetDirectory(dir)
	var d differ
	if diff := d.sections(wanted.loaded, have.loaded, wanted.root, have.root); diff != nil {
		return errors.New(differs("", diff))
	}
	theirs, mine := byName(have.loaded.ScrapeConfigs), byName(wanted.loaded.ScrapeConfigs)
	for _, sc := range have.loaded.ScrapeConfigs {
		if _, ok := mine[sc.JobName]; !ok {
			return fmt.Errorf("job %q is in the existing file, but not in ours", sc.JobName)
		}
	}
	if !filepath.IsAbs(targetsDir) {
		targetsDir = filepath.Join(dir, targetsDir)
	}
	for _, sc := range wanted.loaded.ScrapeConfigs {
		i, ok := theirs[sc.JobName]
		if !ok {
			return fmt.Errorf("job %q is in ours, but not in the existing file", sc.JobName)
		}
		other := have.loaded.ScrapeConfigs[i]
		wantedTargets := targetSet{}
		wantedTargets.addStatic(takeStatic(sc))
		wantedTargets.addGroups(targets[sc.JobName])
		haveTargets := targetSet{}
		haveTargets.addStatic(takeStatic(other))
		dropOurFiles(sc, targetsDir)
		if diff := d.job(sc, other, nil, nil); diff != nil {
			return errors.New(differs(sc.JobName, diff))
		}
		if err := wantedTargets.sameAs(haveTargets); err != nil {
			return fmt.Errorf("job %q: %w", sc.JobName, err)
		}
	}
	return nil
}

func differs(job string, d *difference) string {
	s := fmt.Sprintf("%s is %s in the existing file, %s in ours", d.path, d.have, d.wanted)
	if job != "" {
		s = fmt.Sprintf("job %q: ", job) + s
	}
	return s
}

// takeStatic removes the static_configs of a scrape config and gives them.
func takeStatic(sc *promconfig.ScrapeConfig) (static discovery.StaticConfig) {
	sc.ServiceDiscoveryConfigs = slices.DeleteFunc(sc.ServiceDiscoveryConfigs, func(c discovery.Config) bool {
		groups, ok := c.(discovery.StaticConfig)
		static = append(static, groups...)
		return ok
	})
	return static
}

// dropOurFiles removes the entry that points to our target files: the last one
// that names a KEY/*.json below the targets directory and nothing else.
func dropOurFiles(sc *promconfig.ScrapeConfig, targetsDir string) {
	for i, c := range slices.Backward(sc.ServiceDiscoveryConfigs) {
		sd, ok := c.(*file.SDConfig)
		if !ok || len(sd.Files) != 1 {
			continue
		}
		keyDir, name := filepath.Split(sd.Files[0])
		if name == "*.json" && filepath.Dir(filepath.Clean(keyDir)) == filepath.Clean(targetsDir) {
			sc.ServiceDiscoveryConfigs = slices.Delete(sc.ServiceDiscoveryConfigs, i, i+1)
			return
		}
	}
}

// targetSet is targets by address and labels. Prometheus scrapes those with the same
// labels once, however often they are there.
type targetSet map[string]bool

func (m targetSet) add(addr string, set model.LabelSet) {
	m[addr+" "+effective(set).String()] = true
}

// effective gives the labels that make a difference: Prometheus drops those
// without a value, and nobody but us sees ours.
func effective(set model.LabelSet) model.LabelSet {
	out := make(model.LabelSet, len(set))
	for name, value := range set {
		if value != "" && !strings.HasPrefix(string(name), ourMeta) {
			out[name] = value
		}
	}
	return out
}

func (m targetSet) addStatic(groups discovery.StaticConfig) {
	for _, g := range groups {
		for _, t := range g.Targets {
			m.add(string(t[model.AddressLabel]), g.Labels)
		}
	}
}

func (m targetSet) addGroups(groups []Group) {
	for _, g := range groups {
		set := make(model.LabelSet, len(g.Labels))
		for name, value := range g.Labels {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
		for _, t := range g.Targets {
			m.add(t, set)
		}
	}
}

func (m targetSet) sameAs(have targetSet) error {
	var keys []string
	for _, side := range []targetSet{m, have} {
		for k := range side {
			if m[k] != have[k] {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	k := slices.Min(keys)
	target := strings.TrimSuffix(oneLine(k), " {}")
	if have[k] {
		return fmt.Errorf("target %s is in the existing file, but not in ours", target)
	}
	return fmt.Errorf("target %s is in ours, but not in the existing file", target)
}
