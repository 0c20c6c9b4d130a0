package agent

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"promfleet"
	"promfleet/internal/agent/reload"
)

// lookAtPools finds the address among the targets of Prometheus.
func (e *explainer) lookAtPools(ctx context.Context) {
	words := []string{promfleet.HostOfAddr(e.q.Addr), e.q.Addr}
	predicted := map[string]bool{}
	for _, f := range e.files {
		if f.after != nil {
			words = append(words, cmp.Or(f.after["instance"], f.after["__address__"]))
			predicted[f.job.name+identityOf(f.after)] = true
		}
	}
	best := promfleet.AddrMatch("")
	kept := map[promfleet.AddrMatch]int{}
	for _, pool := range e.pools() {
		hidden, err := e.a.prom.Targets(ctx, pool, words, func(s reload.Seen) error {
			s.Pool = e.poolOf(s)
			if pool != "" && s.Pool != pool {
				return nil // older versions list the dropped ones of all
			}
			m := e.matchSeen(s)
			if m == "" && (s.Dropped || !predicted[s.Pool+publicIdentity(s.Labels)]) {
				return nil
			}
			if m.Better(best) {
				best = m
			}
			if kept[m]++; kept[m] <= maxTwins {
				e.seen = append(e.seen, s)
			}
			return nil
		})
		if err != nil {
			e.unlisted = true
			if len(e.trouble) == 0 {
				e.trouble = append(e.trouble, err.Error())
			}
			return
		}
		maps.Copy(e.hidden, hidden)
	}
}

// pools names those to be looked at; "": all of them.
func (e *explainer) pools() []string {
	var names []string
	for i := range e.outline.jobs {
		j := &e.outline.jobs[i]
		inFile := slices.ContainsFunc(e.files, func(f *fileTarget) bool { return f.job == j })
		if j.key == e.q.Job || e.q.Job == "" && (inFile || j.shared && len(e.files) > 0) {
			names = append(names, j.name)
		}
	}
	switch {
	case e.q.Job != "" && len(names) == 0:
		return []string{e.q.Job} // not one of the agent's; its name may be its key
	case len(names) == 0 || len(names) > maxPools:
		return []string{""}
	}
	return names
}

// poolOf gives the pool of a target. Versions before 2.48 do not say it of dropped
// ones: then the file tells, or the job label.
func (e *explainer) poolOf(s reload.Seen) string {
	if s.Pool != "" {
		return s.Pool
	}
	file := s.Discovered["__meta_filepath"]
	if j := e.outline.job(func(j outlinedJob) bool {
		return strings.HasPrefix(file, filepath.Join(e.outline.targetsDir, j.key)+"/")
	}); j != nil {
		return j.name
	}
	return s.Discovered["job"]
}

// matchSeen says in which way a target of Prometheus has the address.
func (e *explainer) matchSeen(s reload.Seen) promfleet.AddrMatch {
	m := promfleet.MatchOfAddr(e.q.Addr, s.Discovered["__address__"])
	better := func(other promfleet.AddrMatch, is bool) {
		if is && other.Better(m) {
			m = other
		}
	}
	better(promfleet.MatchScrape, s.URL != "" && promfleet.MatchOfAddr(e.q.Addr, s.URL) == promfleet.MatchURL)
	better(promfleet.MatchInstance, s.Labels["instance"] == e.q.Addr)
	better(promfleet.MatchHost, s.URL != "" && promfleet.MatchOfAddr(e.q.Addr, s.URL) == promfleet.MatchHost)
	return m
}

// join brings together what is in files and what Prometheus has.
func (e *explainer) join(ctx context.Context) (all []*located) {
	taken := map[int]bool{}
	for _, f := range e.files {
		c := &located{file: f, SeenTarget: promfleet.SeenTarget{Job: f.job.key, JobName: f.job.name, Addr: f.addr, Matched: f.matched,
			InFile: f.path, FileLabels: f.labels, Inline: f.job.inline}}
		if len(all) < promfleet.MaxSeen {
			e.locate(ctx, c, taken)
		}
		all = append(all, c)
	}
	for i := range e.seen {
		s := &e.seen[i]
		m := e.matchSeen(*s)
		if taken[i] || m == "" {
			continue
		}
		c := &located{SeenTarget: promfleet.SeenTarget{JobName: s.Pool, Addr: s.Discovered["__address__"], Matched: m}}
		if j := e.outline.job(func(j outlinedJob) bool { return j.name == s.Pool }); j != nil {
			c.Job = j.key
		}
		c.have(s)
		all = append(all, c)
	}
	return all
}

// have says that a target is one of those that Prometheus has.
func (c *located) have(s *reload.Seen) {
	c.seen, c.Discovered, c.State = s, s.Discovered, promfleet.SeenActive
	if s.Dropped {
		c.State = promfleet.SeenDropped
	} else {
		c.Labels = s.Labels
	}
}

// locate finds a target of a file among those that Prometheus has.
func (e *explainer) locate(ctx context.Context, c *located, taken map[int]bool) {
	f := c.file
	find := func(is func(s *reload.Seen) bool) bool {
		for i := range e.seen {
			if s := &e.seen[i]; !taken[i] && s.Pool == f.job.name && is(s) {
				taken[i] = true
				c.have(s)
				return true
			}
		}
		return false
	}
	switch {
	case find(func(s *reload.Seen) bool {
		return s.Discovered["__address__"] == f.addr && coversFile(s.Discovered, f.labels)
	}):
	case f.after != nil && find(func(s *reload.Seen) bool { return !s.Dropped && isThat(f.after, s) }):
		// Older versions show as discovered what relabelling has made of it: then
		// this is the target itself, unless there is another that becomes the same.
		other := e.twin(ctx, f)
		if other == nil {
			break
		}
		c.State, c.MergedWith = promfleet.SeenMerged, other.addr
	case f.dropped && find(func(s *reload.Seen) bool { return s.Dropped && s.Discovered["__address__"] == f.addr }):
	case f.dropped && e.hidden[f.job.name] > 0:
		c.State = promfleet.SeenHidden
	case e.unlisted:
		c.State = promfleet.SeenUnknown
	case f.after != nil && slices.ContainsFunc(e.seen, func(s reload.Seen) bool { return s.Pool == f.job.name && !s.Dropped && isThat(f.after, &s) }):
		// It is another's of those that were asked for.
		c.State = promfleet.SeenMerged
		if other := e.twin(ctx, f); other != nil {
			c.MergedWith = other.addr
		}
	default:
		c.State = promfleet.SeenMissing
	}
}

// coversFile tells whether discovered labels are those of a file.
func coversFile(discovered, labels map[string]string) bool {
	for name, value := range labels {
		if value != "" && discovered[name] != value {
			return false
		}
	}
	return true
}

// isThat tells whether labels after relabelling are those of an active target, its
// URL included.
func isThat(after map[string]string, s *reload.Seen) bool {
	if publicIdentity(s.Labels) != identityOf(after) {
		return false
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Path != after["__metrics_path__"] {
		return false
	}
	addr := after["__address__"]
	if u.Host != addr && promfleet.MatchOfAddr(u.Host, addr) == "" {
		return false
	}
	for name, value := range after {
		if param, ok := strings.CutPrefix(name, "__param_"); ok && u.Query().Get(param) != value {
			return false
		}
	}
	return true
}

// identityOf spells the labels that a target has at the end, from those after
// relabelling.
func identityOf(after map[string]string) string {
	set := maps.Clone(after)
	if set["instance"] == "" {
		set["instance"] = set["__address__"]
	}
	return publicIdentity(set)
}

// publicIdentity spells the labels that are seen in series.
func publicIdentity(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if value := labels[name]; value != "" && !strings.HasPrefix(name, "__") {
			b.WriteString(strconv.Quote(name) + strconv.Quote(value))
		}
	}
	return b.String()
}

func sameLabels(a, b map[string]string) bool { return maps.Equal(a, b) }
