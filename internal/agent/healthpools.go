package agent

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"promfleet"
	"promfleet/internal/agent/reload"
	"promfleet/internal/check"
)

// Limits of what is kept of pools, for the questions that follow soon.
const (
	maxKept     = 200_000 // targets, some 50 bytes each
	maxKeptText = 8 << 20 // bytes of the messages of failed scrapes
	maxMessages = 1000    // different ones of a pool that are counted
)

// seenPools is what was seen of pools at one time.
type seenPools struct {
	at        time.Time
	revisions [2]int64 // written, loaded
	config    *check.Config
	all       bool
	text      int                    // bytes of messages in it
	pools     map[string]*poolHealth // by name
}

// healthSeen keeps the last looks for a moment.
type healthSeen struct {
	sync.Mutex
	looks []*seenPools // the oldest first
}

// find gives the last look at pools; nil: there is none of now, or for single targets
// none that has kept all of them.
func (h *healthSeen) find(revisions [2]int64, names []string, single bool) *seenPools {
	h.looks = slices.DeleteFunc(h.looks, func(s *seenPools) bool {
		return time.Since(s.at) >= healthKept || s.revisions != revisions
	})
	for _, s := range slices.Backward(h.looks) {
		if s.has(names) && (!single || s.whole(names)) {
			return s
		}
	}
	return nil
}

// keep keeps a look, and of those before as many as there is room for. The caller
// holds the lock.
func (h *healthSeen) keep(s *seenPools) {
	h.looks = append(h.looks, s)
	time.AfterFunc(healthKept, h.forget) // also if nobody asks again
	for size, text, i := 0, 0, len(h.looks)-1; i >= 0; i-- {
		size, text = size+h.looks[i].size(), text+h.looks[i].text
		if (size > maxKept || text > maxKeptText) && i < len(h.looks)-1 {
			h.looks = slices.Delete(h.looks, 0, i+1)
			return
		}
	}
}

// forget lets go of what is too old to answer anything.
func (h *healthSeen) forget() {
	h.Lock()
	defer h.Unlock()
	h.looks = slices.DeleteFunc(h.looks, func(s *seenPools) bool { return time.Since(s.at) >= healthKept })
}

func (s *seenPools) size() (n int) {
	for _, p := range s.pools {
		n += len(p.scrapes) + len(p.gone) + len(p.messages) + len(p.failed) + 1
	}
	return n
}

func (s *seenPools) has(names []string) bool {
	return s.all || !slices.ContainsFunc(names, func(n string) bool { return n == "" || s.pools[n] == nil })
}

// whole tells whether every target of pools is kept.
func (s *seenPools) whole(names []string) bool {
	for name, p := range s.pools {
		if p.partial && (slices.Contains(names, name) || slices.Contains(names, "")) {
			return false
		}
	}
	return true
}

// poolHealth is what was seen of one scrape pool.
type poolHealth struct {
	up, down, unknown, dropped int64
	unlisted                   bool // not all dropped ones are listed
	partial                    bool // not all targets are kept
	messages                   map[string]*promfleet.ScrapeErrors
	others                     int64
	slowest                    *promfleet.SlowestScrape
	failed                     []failedTarget // the first

	scrapes    map[uint64]scraped // by the sum of the labels before relabelling
	identities map[uint64]uint64  // to those, by Identity
	gone       map[uint64]bool    // dropped ones, by that sum

	reconciled bool
	missing    *int64
	lost       []promfleet.AgentTarget
}

// scraped is the last scrape of a target.
type scraped struct {
	state   promfleet.HealthState
	at      int64 // Unix ms
	seconds float32
	message string
}

// failedTarget is one whose last scrape failed.
type failedTarget struct {
	promfleet.AgentTarget
	before, identity uint64
}

func (p *poolHealth) active() int64 { return p.up + p.down + p.unknown }

// seePools asks Prometheus for the targets of pools. Those of interest are kept in
// any case, the others as long as there are not too many: for a question about
// single targets more than for one about jobs.
func (a *Agent) seePools(ctx context.Context, names []string, interest map[uint64]bool, poolOf func(pool, file, job string) string, single bool) (*seenPools, error) {
	s := &seenPools{at: time.Now(), pools: map[string]*poolHealth{}}
	room, text, ofPool := maxKept, maxKeptText, maxTwins
	if single {
		ofPool = maxKept
	}
	of := func(name string) *poolHealth {
		p := s.pools[name]
		if p == nil {
			p = &poolHealth{messages: map[string]*promfleet.ScrapeErrors{}, scrapes: map[uint64]scraped{}, identities: map[uint64]uint64{}, gone: map[uint64]bool{}}
			s.pools[name] = p
		}
		return p
	}
	for _, name := range names {
		s.all = s.all || name == ""
		listed := map[string]int64{}
		if name != "" {
			of(name)
		}
		counts, err := a.prom.Scrapes(ctx, name, func(t *reload.Scrape) {
			pool := poolOf(t.Pool, t.Before.File, t.Before.Job)
			if name != "" && pool != name {
				return // older versions list the dropped ones of all
			}
			p := of(pool)
			keep := room > 0 && text > 0 && len(p.scrapes)+len(p.gone) < ofPool
			identity := uint64(0)
			if !t.Dropped && (keep || len(interest) > 0 || t.Health == "down" && len(p.failed) < promfleet.MaxHealthDown) {
				identity = t.Identity()
			}
			if !keep {
				keep = interest[t.Before.Sum] || interest[identity] || t.Dropped && len(interest) > 0 && interest[addrSum(t.Before.Addr)]
				p.partial = p.partial || !keep
			}
			if t.Dropped {
				listed[pool]++
				p.dropped++
				if keep {
					room--
					p.gone[t.Before.Sum], p.gone[addrSum(t.Before.Addr)] = true, true
				}
				return
			}
			text -= p.count(t, identity, text > 0)
			if keep {
				room--
				text -= len(t.LastError)
				p.keep(t, identity)
			}
		})
		if err != nil {
			return nil, err
		}
		for pool, n := range counts {
			if p := s.pools[pool]; p != nil && n > listed[pool] {
				p.dropped, p.unlisted = p.dropped+n-listed[pool], true
			}
		}
	}
	s.text = maxKeptText - text
	return s, nil
}

func addrSum(addr string) uint64 {
	return reload.SumLabels(map[string]string{"__address__": addr}).Sum + 1
}

func stateOf(t *reload.Scrape) promfleet.HealthState {
	switch t.Health {
	case "up":
		return promfleet.HealthUp
	case "down":
		return promfleet.HealthDown
	}
	return promfleet.HealthUnknown
}

// count counts a target, and gives how many bytes of messages that has it keep.
func (p *poolHealth) count(t *reload.Scrape, identity uint64, room bool) (text int) {
	switch stateOf(t) {
	case promfleet.HealthUp:
		p.up++
	case promfleet.HealthDown:
		p.down++
		text = p.fail(t, identity, room)
	default:
		p.unknown++
	}
	if !t.LastScrape.IsZero() && (p.slowest == nil || t.Seconds > p.slowest.Seconds) {
		p.slowest = &promfleet.SlowestScrape{Addr: shown(t.Before.Addr), Seconds: max(0, t.Seconds)}
	}
	return text
}

// fail keeps a message that is new while there is room, and the first of a pool.
func (p *poolHealth) fail(t *reload.Scrape, identity uint64, room bool) (text int) {
	message := commonMessage(t.LastError, t.URL, t.Before.Addr)
	switch m := p.messages[message]; {
	case m != nil:
		m.Count++
	case len(p.messages) < maxMessages && (room || len(p.messages) == 0):
		text = len(message)
		p.messages[message] = &promfleet.ScrapeErrors{Message: message, Count: 1, Addr: shown(t.Before.Addr)}
	default:
		p.others++
	}
	if len(p.failed) < promfleet.MaxHealthDown {
		f := failedTarget{before: t.Before.Sum, identity: identity}
		f.AgentTarget = scrapeOf(t).told()
		f.Addr = shown(t.Before.Addr)
		p.failed = append(p.failed, f)
		text += len(f.Error)
	}
	return text
}

func scrapeOf(t *reload.Scrape) scraped {
	s := scraped{state: stateOf(t), seconds: float32(max(0, t.Seconds)), message: t.LastError}
	if !t.LastScrape.IsZero() {
		s.at = t.LastScrape.UnixMilli()
	}
	return s
}

func (p *poolHealth) keep(t *reload.Scrape, identity uint64) {
	p.scrapes[t.Before.Sum] = scrapeOf(t)
	p.identities[identity] = t.Before.Sum
}

func (s scraped) told() promfleet.AgentTarget {
	t := promfleet.AgentTarget{State: s.state, Error: shown(s.message), Seconds: float64(s.seconds)}
	if s.at != 0 {
		at := time.UnixMilli(s.at).UTC()
		t.At = &at
	}
	return t
}

// errors gives the messages that are the most frequent, and how many others there are.
func (p *poolHealth) errors() (most []promfleet.ScrapeErrors, others int64) {
	all := slices.SortedFunc(maps.Values(p.messages), func(a, b *promfleet.ScrapeErrors) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Message, b.Message))
	})
	most, others = []promfleet.ScrapeErrors{}, p.others
	for i, m := range all {
		if i < promfleet.MaxHealthErrors {
			most = append(most, *m)
		} else {
			others += m.Count
		}
	}
	return most, others
}

// What of a message is of one target or of one try alone.
var ownOfMessage = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`^(Get|Post) "[^"]*": `), ""},
	{regexp.MustCompile(`\b(dial|read|write) (tcp|udp|unix)[46]? [^ ]+: `), "$1 $2: "},
	{regexp.MustCompile(`\blookup [^ ]+( on [^ ]+)?: `), "lookup: "},
}

// commonMessage leaves out of the message of a failed scrape what is the target's own,
// so that those that fail alike can be counted together.
func commonMessage(message, url, addr string) string {
	for _, o := range ownOfMessage {
		message = o.what.ReplaceAllString(message, o.by)
	}
	for _, own := range []string{url, addr, promfleet.HostOfAddr(addr)} {
		if strings.ContainsAny(own, ".:") { // else it may be a word
			message = strings.ReplaceAll(message, own, "…")
		}
	}
	return shown(message)
}
