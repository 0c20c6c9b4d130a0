package fleet

import (
	"testing"
	"time"

	"promfleet"
)

// What is not scraped yet is on its way, unless it was deleted meanwhile: then it never will be.
func TestUnderWay(t *testing.T) {
	now := time.Now()
	v := judge{now: now, node: &NodeRecord{}, agent: &promfleet.AgentExplanation{State: promfleet.StateApplying}}
	for name, seen := range map[string]*promfleet.SeenTarget{
		"in a file":               {State: promfleet.SeenMissing, InFile: "web/all.json"},
		"before its first scrape": {State: promfleet.SeenActive, Scrape: &promfleet.LastScrape{Health: "unknown"}},
	} {
		for _, deleted := range []*time.Time{nil, &now} {
			c := promfleet.ExplainedChain{Job: "web", Seen: seen, Record: &promfleet.ExplainedRecord{DeletedAt: deleted}}
			if v.judge(&c); c.UnderWay != (deleted == nil) {
				t.Errorf("%s, deleted %v: under way %t, %s at %s: %s", name, deleted, c.UnderWay, c.Scraped, c.Stage, c.Verdict)
			}
		}
	}
}
