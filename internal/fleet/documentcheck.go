package fleet

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"promfleet"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// verdicts are those that Prometheus has given on base configs, and on
// scrape_configs beside a base config: where the secrets are of what it takes. What
// many nodes have alike is asked once.
type verdicts map[promfleet.Hash][]string

func verdictOf(base, config string) promfleet.Hash {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s%s", len(base), base, config)
	return promfleet.Hash(hex.EncodeToString(h.Sum(nil)))
}

// base gives a base config with where its secrets are.
func (v verdicts) base(text string) (sealed, error) {
	h := promfleet.HashOf([]byte(text))
	if secrets, ok := v[h]; ok {
		return sealed{Text: text, Secrets: secrets}, nil
	}
	b, err := judgeBase(text, nil)
	if err == nil {
		v[h] = b.Secrets
	}
	return b, err
}

// judged is a job with what was found of it.
type judged struct {
	in      promfleet.JobInput
	secrets []string
	err     error
}

// At most so many jobs, and bytes of them, are checked as one document.
const (
	checkedJobs = 100
	checkedSize = 1 << 20
)

// jobs asks Prometheus about jobs of one node beside its base config.
func (v verdicts) jobs(base string, jobs []*judged) {
	var ask []*judged
	asked := map[promfleet.Hash]bool{}
	for _, j := range jobs {
		if h := verdictOf(base, string(j.in.ScrapeConfig)); v[h] == nil && !asked[h] {
			asked[h] = true
			ask = append(ask, j)
		}
	}
	for len(ask) > 0 {
		n, size := 0, 0
		for n < len(ask) && n < checkedJobs && (n == 0 || size+len(ask[n].in.ScrapeConfig) <= checkedSize) {
			size += len(ask[n].in.ScrapeConfig)
			n++
		}
		v.together(base, ask[:n])
		ask = ask[n:]
	}
	for _, j := range jobs {
		if j.err != nil {
			continue
		}
		h := verdictOf(base, string(j.in.ScrapeConfig))
		if v[h] == nil { // one that is alike was refused
			if j.secrets, j.err = checkJob(base, &j.in); j.err == nil {
				v[h] = append([]string{}, j.secrets...)
			}
		}
		j.secrets = v[h]
	}
}

// together asks about jobs as one document, and where that is refused about each
// alone: only then is it clear whose fault it is.
func (v verdicts) together(base string, jobs []*judged) {
	slices.SortFunc(jobs, func(a, b *judged) int { return cmp.Compare(a.in.Key, b.in.Key) })
	list := make([]render.Job, len(jobs))
	for i, j := range jobs {
		list[i] = render.Job{JobConfig: promfleet.JobConfig{Key: j.in.Key, JobName: j.in.JobName, ScrapeConfig: j.in.ScrapeConfig}, Targets: 1}
	}
	found := make([][]string, len(jobs))
	yml, err := render.PrometheusYML([]byte(base), list, targetsDir)
	if err == nil {
		var cfg *check.Config
		if cfg, err = check.Load(yml); err == nil {
			spread(cfg.Secrets(), found)
		}
	}
	for i, j := range jobs {
		if err != nil {
			if found[i], j.err = checkJob(base, &j.in); j.err != nil {
				continue
			}
		}
		v[verdictOf(base, string(j.in.ScrapeConfig))] = append([]string{}, found[i]...)
	}
}

// spread gives each job the paths of its secrets.
func spread(paths []string, found [][]string) {
	for _, p := range paths {
		var i int
		if _, err := fmt.Sscanf(p, "scrape_configs[%d]", &i); err != nil || i >= len(found) {
			continue
		}
		if _, rest, ok := strings.Cut(p, fmt.Sprintf("[%d].", i)); ok {
			found[i] = append(found[i], rest)
		}
	}
}
