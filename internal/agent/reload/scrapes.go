package reload

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"net/url"
	"strings"
	"time"
)

// Scrape is a target as Prometheus shows it, with sums in the place of its labels:
// of a pool of 100,000 there is no need of more.
type Scrape struct {
	Dropped    bool      `json:"-"` // by relabelling; then it has no more than Before and Pool
	Before     LabelSum  `json:"discoveredLabels"`
	After      LabelSum  `json:"labels"`
	Pool       string    `json:"scrapePool"`
	URL        string    `json:"scrapeUrl"`
	Health     string    `json:"health"`
	LastError  string    `json:"lastError"`
	LastScrape time.Time `json:"lastScrape"`
	Seconds    float64   `json:"lastScrapeDuration"`
}

// LabelSum is what tells sets of labels from each other: the same sum is the same
// set, but for labels that discovery adds and for settings of a scrape that not all
// versions of Prometheus have. It holds in this process only.
type LabelSum struct {
	Sum  uint64
	Addr string // __address__
	File string // __meta_filepath
	Job  string // job
}

var labelSeed = maphash.MakeSeed()

// SumLabels gives the sum of labels.
func SumLabels(labels map[string]string) (s LabelSum) {
	for name, value := range labels {
		s.add(name, value)
	}
	return s
}

func (s *LabelSum) add(name, value string) {
	if value == "" {
		return
	}
	switch name {
	case addressLabel:
		s.Addr = value
	case metaFilepath:
		s.File = value
	case "job":
		s.Job = value
	}
	if strings.HasPrefix(name, "__") && name != addressLabel && name != "__scheme__" && name != "__metrics_path__" && !strings.HasPrefix(name, "__param_") {
		return
	}
	s.Sum += sumOf(name, value) // in whichever order
}

func sumOf(texts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(labelSeed)
	for _, t := range texts {
		_, _ = h.WriteString(t)
		_ = h.WriteByte(0xff)
	}
	return h.Sum64()
}

// UnmarshalJSON reads an object of labels without making a map of it.
func (s *LabelSum) UnmarshalJSON(b []byte) error {
	*s = LabelSum{}
	r := labelReader{b}
	if r.is("null") {
		return nil
	}
	if !r.take('{') {
		return errNoLabels
	}
	for !r.take('}') {
		r.take(',')
		name, ok := r.text()
		if !ok || !r.take(':') {
			return errNoLabels
		}
		value, ok := r.text()
		if !ok {
			return errNoLabels
		}
		s.add(name, value)
	}
	return nil
}

var errNoLabels = errors.New("labels are not an object of texts")

// labelReader reads JSON that a decoder has found to be well formed.
type labelReader struct{ b []byte }

func (r *labelReader) space() {
	for len(r.b) > 0 && (r.b[0] == ' ' || r.b[0] == '\n' || r.b[0] == '\t' || r.b[0] == '\r') {
		r.b = r.b[1:]
	}
}

func (r *labelReader) is(word string) bool {
	r.space()
	return string(r.b) == word
}

func (r *labelReader) take(c byte) bool {
	if r.space(); len(r.b) == 0 || r.b[0] != c {
		return false
	}
	r.b = r.b[1:]
	return true
}

func (r *labelReader) text() (string, bool) {
	if r.space(); len(r.b) == 0 || r.b[0] != '"' {
		return "", false
	}
	escaped := false
	for i := 1; i < len(r.b); i++ {
		switch r.b[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			raw := r.b[:i+1]
			r.b = r.b[i+1:]
			if !escaped {
				return string(raw[1:i]), true
			}
			var s string
			return s, json.Unmarshal(raw, &s) == nil
		}
	}
	return "", false
}

// Identity is what Prometheus tells active targets of a pool from each other by: the
// labels of their series, and where they are scraped.
func (s *Scrape) Identity() uint64 {
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.After.Sum
	}
	sum := s.After.Sum + sumOf("at", hostWithoutDefault(u.Scheme, u.Host), u.Path)
	if u.RawQuery == "" {
		return sum
	}
	for name, values := range u.Query() {
		if len(values) > 0 {
			sum += sumOf("param", name, values[0])
		}
	}
	return sum
}

// IdentityOf is the Identity that a target is to have, by its labels after
// relabelling.
func IdentityOf(after map[string]string) uint64 {
	var public LabelSum
	sum := uint64(0)
	for name, value := range after {
		switch param, isParam := strings.CutPrefix(name, "__param_"); {
		case isParam:
			sum += sumOf("param", param, value)
		case !strings.HasPrefix(name, "__"):
			public.add(name, value)
		}
	}
	if after["instance"] == "" {
		public.add("instance", after[addressLabel])
	}
	return sum + public.Sum + sumOf("at", hostWithoutDefault(after["__scheme__"], after[addressLabel]), after["__metrics_path__"])
}

// hostWithoutDefault leaves out the port that older versions add.
func hostWithoutDefault(scheme, host string) string {
	switch scheme {
	case "http", "":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// Scrapes gives the targets of a pool, active and dropped, as they arrive; "": of all
// pools. It tells how many dropped ones there are of each pool, where Prometheus does:
// it may list fewer (keep_dropped_targets).
func (p *Prometheus) Scrapes(ctx context.Context, pool string, each func(*Scrape)) (dropped map[string]int64, err error) {
	dropped = map[string]int64{}
	visit := func(isDropped bool) func(*json.Decoder) error {
		return func(d *json.Decoder) error {
			s := Scrape{Dropped: isDropped}
			if err := d.Decode(&s); err != nil {
				return err
			}
			each(&s)
			return nil
		}
	}
	query := url.Values{"state": {"any"}}
	if pool != "" {
		query.Set("scrapePool", pool)
	}
	err = p.get(ctx, "api/v1/targets", query, maxTargets, func(r io.Reader) error {
		return decodeTargets(r, targetsVisitor{active: visit(false), dropped: visit(true),
			counts: func(d *json.Decoder) error { return d.Decode(&dropped) }})
	})
	return dropped, err
}
