package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"promfleet"
)

// explainNode brings together what is known of an address on one node.
func (s *Service) explainNode(n *addrNode) promfleet.ExplainedNode {
	now := s.now()
	out := promfleet.ExplainedNode{Node: n.rec.UUID, Hostname: n.rec.Hostname, State: n.rec.State(now),
		Agent: n.asked.part, AgentSays: n.asked.why, Chains: []promfleet.ExplainedChain{}}
	v := &judge{now: now, node: &n.rec, part: n.asked.part, why: n.asked.why, agent: n.asked.answer.Explain}
	if v.agent == nil && v.part == promfleet.AgentAnswered {
		v.part, v.why = promfleet.AgentFailed, nothingSaid
		out.Agent, out.AgentSays = v.part, v.why
	}
	chains := v.chains(n.records)
	if v.agent != nil {
		out.More = v.agent.More
		if out.AgentSays == "" {
			out.AgentSays = v.agent.Trouble
		}
	}
	for i := range chains {
		v.judge(&chains[i])
	}
	out.More += max(0, len(chains)-maxExplainedChains)
	out.Chains = append(out.Chains, chains[:min(len(chains), maxExplainedChains)]...)
	v.whole(&out, chains)
	return out
}

// judge says where chains of a node break.
type judge struct {
	now   time.Time
	node  *NodeRecord
	part  promfleet.AgentPart
	why   string
	agent *promfleet.AgentExplanation // nil: it did not answer
}

// chains pairs the records with what the agent has seen.
func (v *judge) chains(records []addrRecord) (all []promfleet.ExplainedChain) {
	for _, r := range records {
		c := promfleet.ExplainedChain{Job: r.job.Key, JobName: r.job.JobName, Matched: r.matched, Record: &promfleet.ExplainedRecord{
			ID: r.rec.ID, Name: r.rec.Name, Addr: r.rec.Addr, Labels: showTarget(r.rec).Labels, DeletedAt: r.gone, DeletedBy: r.goneBy}}
		if r.gone == nil {
			file := r.file
			received, written, loaded := v.revisions()
			file.Received, file.Written, file.Loaded = received >= file.Revision, written >= file.Revision, loaded >= file.Revision
			c.Rendered = &file
		}
		all = append(all, c)
	}
	if v.agent == nil {
		return all
	}
	var left []promfleet.SeenTarget
	for _, seen := range v.agent.Targets {
		if c := chainOf(all, seen); c != nil {
			c.Seen = &seen
		} else {
			left = append(left, seen)
		}
	}
	for _, seen := range left {
		all = append(all, promfleet.ExplainedChain{Job: seen.Job, JobName: seen.JobName, Matched: seen.Matched, Seen: &seen})
	}
	slices.SortStableFunc(all, func(a, b promfleet.ExplainedChain) int { return strings.Compare(a.Job, b.Job) })
	return all
}

// chainOf gives the chain of the record that a target is of: the one with its
// labels, else any with its address.
func chainOf(all []promfleet.ExplainedChain, seen promfleet.SeenTarget) *promfleet.ExplainedChain {
	find := func(same func(r *promfleet.ExplainedRecord) bool) *promfleet.ExplainedChain {
		i := slices.IndexFunc(all, func(c promfleet.ExplainedChain) bool {
			return c.Seen == nil && c.Record != nil && c.Job == seen.Job && c.Record.Addr == seen.Addr && same(c.Record)
		})
		if i < 0 {
			return nil
		}
		return &all[i]
	}
	if c := find(func(r *promfleet.ExplainedRecord) bool { return sameInFile(seen.FileLabels, r.Labels) }); c != nil || seen.InFile == "" {
		return c
	}
	return find(func(*promfleet.ExplainedRecord) bool { return true })
}

// sameInFile tells whether the labels of a file are those of a record: it may have
// meta labels beside them.
func sameInFile(file, record map[string]string) bool {
	n := 0
	for name, value := range file {
		if strings.HasPrefix(name, "__meta_") {
			continue
		}
		if n++; record[name] != value {
			return false
		}
	}
	return n == len(record)
}

// revisions gives how far the agent is, by its answer or else by its last report.
func (v *judge) revisions() (received, written, loaded int64) {
	if v.agent != nil {
		return v.agent.RevisionReceived, v.agent.RevisionWritten, v.agent.RevisionLoaded
	}
	r := v.node.Report
	return r.Received, r.Written, r.Loaded
}

// state gives the node's state and why it is that.
func (v *judge) state() string {
	state, why := v.node.State(v.now), v.node.Report.Error
	if v.agent != nil {
		state, why = v.agent.State, v.agent.Problem
	}
	if why == "" {
		return string(state)
	}
	return string(state) + ": " + why
}

func (v *judge) judge(c *promfleet.ExplainedChain) {
	says := func(scraped promfleet.Scraped, stage promfleet.ExplainStage, format string, args ...any) {
		c.Scraped, c.Stage, c.Verdict = scraped, stage, fmt.Sprintf(format, args...)
	}
	switch {
	case c.Seen != nil:
		v.judgeSeen(c, says)
	case c.Record.DeletedAt != nil:
		says(promfleet.ScrapedNo, promfleet.StageRecord, "the target was deleted at %s%s", c.Record.DeletedAt.UTC().Format(time.RFC3339), by(c.Record))
	case v.node.DeletedAt != nil:
		says(promfleet.ScrapedNo, promfleet.StageRecord, "the node was deleted at %s", v.node.DeletedAt.UTC().Format(time.RFC3339))
	default:
		v.judgeUnseen(c, says)
	}
	if c.Seen != nil && c.Record != nil && c.Record.DeletedAt != nil {
		c.Verdict += fmt.Sprintf("; the target was deleted at %s%s, which is not loaded yet (%s)", c.Record.DeletedAt.UTC().Format(time.RFC3339), by(c.Record), v.state())
	}
	c.UnderWay = v.underWay(c)
}

// underWay tells whether a chain that is not whole yet goes on without anybody's doing.
func (v *judge) underWay(c *promfleet.ExplainedChain) bool {
	switch {
	case c.Scraped != promfleet.ScrapedNo || v.withheld(c.Job) != nil, c.Record != nil && c.Record.DeletedAt != nil:
		return false
	case c.Stage == promfleet.StageScraped: // its first scrape is to come
		return c.Seen != nil && c.Seen.Scrape != nil && c.Seen.Scrape.Health != "down"
	case c.Stage != promfleet.StageRendered:
		return false
	}
	state := v.node.State(v.now)
	if v.agent != nil {
		state = v.agent.State
	}
	switch state {
	case promfleet.StatePending, promfleet.StateApplying, promfleet.StateWritten:
		return true
	case promfleet.StateInSync: // one that has not heard of the change yet has all that it knows of
		return c.Rendered != nil && !c.Rendered.Received
	}
	return false
}

func by(r *promfleet.ExplainedRecord) string {
	if r.DeletedBy == "" {
		return ""
	}
	return " by " + r.DeletedBy
}

type saying func(scraped promfleet.Scraped, stage promfleet.ExplainStage, format string, args ...any)

// judgeUnseen judges a record that the agent does not have, or that it was not asked about.
func (v *judge) judgeUnseen(c *promfleet.ExplainedChain, says saying) {
	f := c.Rendered
	switch w := v.withheld(c.Job); {
	case w != nil && !w.Before:
		says(promfleet.ScrapedNo, promfleet.StageRendered, "job %s is quarantined: %s", c.Job, w.Why)
	case !f.Written:
		what := "not written"
		if !f.Received {
			what = "not received"
		}
		scraped := promfleet.ScrapedNo
		if v.away() {
			scraped = promfleet.ScrapedUnknown
		}
		says(scraped, promfleet.StageRendered, "the record is there, but revision %d is %s yet: %s%s", f.Revision, what, v.state(), v.unasked())
	case v.agent != nil:
		says(promfleet.ScrapedNo, promfleet.StageRendered, "the record is there, but the agent's files do not have it: %s", v.state())
	case !f.Loaded:
		says(promfleet.ScrapedUnknown, promfleet.StageRendered, "revision %d is written, and was not seen loaded: %s%s", f.Revision, v.state(), v.unasked())
	default:
		says(promfleet.ScrapedUnknown, promfleet.StageRendered, "Prometheus has loaded revision %d, and it is not known what became of the target%s", f.Revision, v.unasked())
	}
}

// away tells whether the agent is not there, so that what it has last reported may be long past.
func (v *judge) away() bool {
	return v.agent == nil && (v.part == promfleet.AgentSilent || v.node.State(v.now) == promfleet.StateStale)
}

func (v *judge) unasked() string {
	if v.agent != nil || v.why == "" {
		return ""
	}
	return "; " + v.why
}

func (v *judge) withheld(job string) *promfleet.WithheldJob {
	if v.agent == nil || job == "" {
		return nil
	}
	if i := slices.IndexFunc(v.agent.Quarantined, func(w promfleet.WithheldJob) bool { return w.Key == job }); i >= 0 {
		return &v.agent.Quarantined[i]
	}
	return nil
}

// judgeSeen judges what the agent has found.
func (v *judge) judgeSeen(c *promfleet.ExplainedChain, says saying) {
	switch s := c.Seen; s.State {
	case promfleet.SeenActive:
		v.judgeScrape(c, says)
	case promfleet.SeenDropped, promfleet.SeenHidden:
		says(promfleet.ScrapedNo, promfleet.StageRelabelled, "%s", droppedBy(s))
	case promfleet.SeenMerged:
		other := "another target"
		if s.MergedWith != "" {
			other = s.MergedWith
		}
		says(promfleet.ScrapedNo, promfleet.StageRelabelled, "relabelling makes it equal to %s: discovered twice with the same labels, of which Prometheus keeps one", other)
	case promfleet.SeenUnknown:
		says(promfleet.ScrapedUnknown, promfleet.StageRendered, "it is in %s, and Prometheus could not be asked: %s", s.InFile, v.agent.Trouble)
	default:
		v.judgeMissing(c, says)
	}
	if w := v.withheld(c.Job); w != nil && c.Seen.State != promfleet.SeenMissing {
		c.Verdict += fmt.Sprintf("; job %s is quarantined, and its last good configuration is loaded: %s", c.Job, w.Why)
	}
}

// judgeMissing judges a target that is in a file, and that Prometheus does not have.
func (v *judge) judgeMissing(c *promfleet.ExplainedChain, says saying) {
	s := c.Seen
	trouble := ""
	if v.agent.Trouble != "" {
		trouble = ": " + v.agent.Trouble
	}
	switch w := v.withheld(c.Job); {
	case w != nil:
		says(promfleet.ScrapedNo, promfleet.StageRendered, "job %s is quarantined: %s", c.Job, w.Why)
	case c.Rendered != nil && !c.Rendered.Loaded, v.agent.State != promfleet.StateInSync:
		says(promfleet.ScrapedNo, promfleet.StageRendered, "it is in %s, which was not seen loaded yet: %s%s", s.InFile, v.state(), trouble)
	default:
		says(promfleet.ScrapedNo, promfleet.StageDiscovered, "it is in %s, and Prometheus has not discovered it%s", s.InFile, trouble)
	}
}

func droppedBy(s *promfleet.SeenTarget) string {
	if i := slices.IndexFunc(s.Steps, func(s promfleet.RelabelStep) bool { return s.Drops }); i >= 0 {
		return "dropped by " + s.Steps[i].String()
	}
	if s.State == promfleet.SeenHidden {
		return "it is not among the targets, and Prometheus does not list all that relabelling drops (keep_dropped_targets)"
	}
	return "dropped by the relabel_configs of the job"
}

// judgeScrape judges the last scrape of an active target.
func (v *judge) judgeScrape(c *promfleet.ExplainedChain, says saying) {
	l := c.Seen.Scrape
	if l == nil {
		says(promfleet.ScrapedUnknown, promfleet.StageRelabelled, "it is active, and nothing is known of its last scrape")
		return
	}
	at := ""
	if !strings.Contains(l.URL, "://"+c.Seen.Addr+"/") {
		at = " at " + l.URL
	}
	last := ""
	if l.At != nil {
		last = ", last " + sinceText(max(0, v.now.Sub(*l.At))) + " ago"
	}
	switch l.Health {
	case "up":
		said := "scraped" + at + ", healthy" + last
		if l.Samples != nil {
			said += ", " + thousands(*l.Samples) + " samples"
			if l.Kept != nil && *l.Kept < *l.Samples {
				said += fmt.Sprintf(", of which metric_relabel_configs drop %s", thousands(*l.Samples-*l.Kept))
			}
		}
		says(promfleet.ScrapedYes, promfleet.StageScraped, "%s", said)
	case "down":
		says(promfleet.ScrapedNo, promfleet.StageScraped, "scrape%s fails: %s%s", at, cmp.Or(l.Error, "Prometheus says not why"), strings.Replace(last, ", last", ", the last one", 1))
	default:
		says(promfleet.ScrapedNo, promfleet.StageScraped, "not scraped yet: it is active, and the first scrape comes within %s", cmp.Or(l.Interval, "its interval"))
	}
}

// whole sums a node up: by the chain that is worst.
func (v *judge) whole(out *promfleet.ExplainedNode, chains []promfleet.ExplainedChain) {
	if len(chains) == 0 {
		const unknown = "no target of the node has this address, and whether Prometheus has it is not known"
		out.Scraped, out.Stage = promfleet.ScrapedUnknown, promfleet.StageRecord
		switch {
		case v.agent == nil:
			out.Verdict = unknown + v.unasked()
		case v.agent.Trouble != "":
			out.Verdict = unknown + ": " + v.agent.Trouble
		default:
			out.Scraped, out.Verdict = promfleet.ScrapedNo, "nothing has this address"
		}
		return
	}
	worst := slices.MinFunc(chains, func(a, b promfleet.ExplainedChain) int {
		return rankOf(a.Scraped, a.UnderWay) - rankOf(b.Scraped, b.UnderWay)
	})
	said := worst.Verdict
	if len(chains) > 1 {
		same := 0
		for _, c := range chains {
			if c.Scraped == worst.Scraped {
				same++
			}
		}
		said = fmt.Sprintf("job %s: %s", cmp.Or(worst.Job, worst.JobName), said)
		if same < len(chains) {
			said = fmt.Sprintf("%d of %d targets are not: %s", same, len(chains), said)
		} else {
			said = fmt.Sprintf("%d targets: %s", len(chains), said)
		}
	}
	out.Scraped, out.UnderWay, out.Stage, out.Verdict = worst.Scraped, worst.UnderWay, worst.Stage, said
}

// rankOf orders answers, the worse first.
func rankOf(s promfleet.Scraped, underWay bool) int {
	rank := 2 * slices.Index([]promfleet.Scraped{promfleet.ScrapedNo, promfleet.ScrapedUnknown, promfleet.ScrapedYes}, s)
	if underWay {
		rank++
	}
	return rank
}

// concludeFleet sums the nodes up.
func concludeFleet(out *promfleet.Explained, silent int) {
	switch {
	case len(out.Items) == 0:
		out.Scraped, out.Verdict = promfleet.ScrapedNo, "nothing has this address"
		if silent > 0 {
			out.Scraped = promfleet.ScrapedUnknown
			out.Verdict = fmt.Sprintf("no target has this address, and of %d nodes it is not known whether Prometheus has it", silent)
		}
	default:
		worst := slices.MinFunc(out.Items, func(a, b promfleet.ExplainedNode) int {
			return rankOf(a.Scraped, a.UnderWay) - rankOf(b.Scraped, b.UnderWay)
		})
		out.Scraped, out.UnderWay, out.Verdict = worst.Scraped, worst.UnderWay, worst.Verdict
		if len(out.Items) > 1 {
			good := 0
			for _, n := range out.Items {
				if n.Scraped == promfleet.ScrapedYes {
					good++
				}
			}
			out.Verdict = fmt.Sprintf("scraped on %d of %d nodes", good, len(out.Items))
			if worst.Scraped != promfleet.ScrapedYes {
				out.Verdict += "; " + worst.Hostname + ": " + worst.Verdict
			}
		}
	}
	if len(out.Nearest) > 0 {
		out.Verdict += "; nearest: " + strings.Join(out.Nearest, ", ")
	}
}

// sinceText gives a duration for people: "3 s", "5 min", "2 h".
func sinceText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	default:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
}

// thousands writes a number with commas: 1,024.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
