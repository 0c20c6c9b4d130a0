package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"promfleet/internal/proctest"
)

// scrapeInterval is that of globalSection.
const scrapeInterval = time.Second

// noGaps looks at the raw samples of what was scraped throughout: no scrape was
// missed. That is, two samples one after the other are less than two intervals
// apart. What a Prometheus that nobody touches was late on this machine at the
// same time is allowed for: it says how late the machine alone makes a scrape.
func (k *killing) noGaps(within time.Duration) {
	k.t.Helper()
	control := upOf(k.t, k.control, steadyJob, k.exporter, within)
	late := max(control.longest-scrapeInterval, 0)
	for _, job := range []string{steadyJob, movingJob} {
		s := upOf(k.t, k.h.prometheus, job, k.exporter, within)
		k.t.Logf("FIGURE up of a target in %s: %d samples in %v, longest distance %v (without promfleet: %v); down in %d",
			job, s.count, s.span.Round(time.Second), s.longest, control.longest, s.down)
		if most := 2*scrapeInterval + late; s.longest >= most || s.down > 0 || s.count < 10 {
			k.t.Errorf("up of a target in %s: longest distance of two samples %v, want less than %v; %d of %d are down", job, s.longest, most, s.down, s.count)
		}
	}
}

// noGap requires that no scrape of a target was missed, on a machine that has time.
// Scrapes 1 s apart come a bit early or late; one that is missed makes 2 s.
func (h *host) noGap(job, instance string) {
	h.t.Helper()
	var s samples
	proctest.WaitFor(h.t, "enough scrapes of job "+job, func() bool {
		s = upOf(h.t, h.prometheus, job, instance, time.Hour)
		return s.count >= 10
	})
	h.t.Logf("FIGURE job %s: %d scrapes in %v, the longest distance is %v", job, s.count, s.span.Round(time.Second), s.longest)
	if s.longest > 3*scrapeInterval/2 {
		h.t.Errorf("job %s: %d scrapes, two of them %v apart", job, s.count, s.longest)
	}
}

// samples are those of one series of up.
type samples struct {
	count, down   int
	longest, span time.Duration // between one and the next; in all
}

// upOf gives the raw samples of a target.
func upOf(t *testing.T, prometheus, job, instance string, within time.Duration) (s samples) {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	promQL := fmt.Sprintf(`up{job=%q,instance=%q}[%ds]`, job, instance, int(within.Seconds()))
	_, body := get(prometheus + "/api/v1/query?query=" + url.QueryEscape(promQL))
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Result) != 1 {
		t.Fatalf("%s: one series is wanted: %.500s, error %v", promQL, body, err)
	}
	var before float64
	for i, v := range answer.Data.Result[0].Values {
		at, _ := v[0].(float64)
		if i > 0 {
			d := time.Duration((at - before) * 1e9).Round(time.Millisecond)
			s.longest, s.span = max(s.longest, d), s.span+d
		}
		if v[1] != "1" {
			s.down++
		}
		before = at
		s.count++
	}
	return s
}
