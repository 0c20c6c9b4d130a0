package reload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Seen is a target as Prometheus shows it.
type Seen struct {
	Dropped    bool              `json:"-"` // by relabelling; then it has no more than Discovered and Pool
	Discovered map[string]string `json:"discoveredLabels"`
	Labels     map[string]string `json:"labels"`
	Pool       string            `json:"scrapePool"`
	URL        string            `json:"scrapeUrl"`
	Health     string            `json:"health"`
	LastError  string            `json:"lastError"`
	LastScrape time.Time         `json:"lastScrape"`
	Seconds    float64           `json:"lastScrapeDuration"`
	Interval   string            `json:"scrapeInterval"`
	Timeout    string            `json:"scrapeTimeout"`
}

// Targets gives those targets of a pool, active and dropped, in whose JSON one of
// the words stands; "": of all pools. It calls each as they arrive, and tells how
// many dropped ones of each pool Prometheus does not list (keep_dropped_targets).
func (p *Prometheus) Targets(ctx context.Context, pool string, words []string, each func(Seen) error) (hidden map[string]int64, err error) {
	needles := inJSON(words)
	listed, counts := map[string]int64{}, map[string]int64{}
	visit := func(dropped bool) func(*json.Decoder) error {
		return func(d *json.Decoder) error {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return err
			}
			wanted := anyIn(raw, needles)
			if !wanted && !dropped {
				return nil
			}
			s := Seen{Dropped: dropped}
			if err := json.Unmarshal(raw, &s); err != nil {
				return err
			}
			if dropped {
				listed[s.Pool]++
			}
			if !wanted {
				return nil
			}
			return each(s)
		}
	}
	query := url.Values{"state": {"any"}}
	if pool != "" {
		query.Set("scrapePool", pool)
	}
	err = p.get(ctx, "api/v1/targets", query, maxTargets, func(r io.Reader) error {
		return decodeTargets(r, targetsVisitor{active: visit(false), dropped: visit(true),
			counts: func(d *json.Decoder) error { return d.Decode(&counts) }})
	})
	hidden = map[string]int64{}
	for name, n := range counts {
		if n > listed[name] && (pool == "" || pool == name) {
			hidden[name] = n - listed[name]
		}
	}
	return hidden, err
}

// inJSON gives the words as they may stand in JSON, with and without an escape of
// what HTML means something by.
func inJSON(words []string) (needles [][]byte) {
	for _, w := range words {
		for _, html := range []bool{true, false} {
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(html)
			if enc.Encode(w) == nil {
				needles = append(needles, bytes.Trim(bytes.TrimSpace(b.Bytes()), `"`))
			}
		}
	}
	return needles
}

func anyIn(raw []byte, needles [][]byte) bool {
	for _, n := range needles {
		if bytes.Contains(raw, n) {
			return true
		}
	}
	return false
}

// RelabelRule is one of a job's relabel_configs, as Prometheus shows it.
type RelabelRule struct {
	Action       string   `json:"action"`
	SourceLabels []string `json:"source_labels"`
	Separator    string   `json:"separator"`
	Regex        string   `json:"regex"`
	Modulus      uint64   `json:"modulus"`
	TargetLabel  string   `json:"target_label"`
	Replacement  string   `json:"replacement"`
}

// RelabelStep is what a rule makes of a target's labels.
type RelabelStep struct {
	Rule   RelabelRule       `json:"rule"`
	Output map[string]string `json:"output"`
	Keep   bool              `json:"keep"`
}

// ErrNoRelabelSteps is that a Prometheus does not know the call: those before 3.8.
var ErrNoRelabelSteps = errors.New("this Prometheus does not show relabelling step by step")

// RelabelSteps has the running Prometheus walk the relabel_configs of a pool.
func (p *Prometheus) RelabelSteps(ctx context.Context, pool string, labels map[string]string) ([]RelabelStep, error) {
	set, err := json.Marshal(labels)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Steps []RelabelStep `json:"steps"`
		} `json:"data"`
	}
	err = p.get(ctx, "api/v1/targets/relabel_steps", url.Values{"scrapePool": {pool}, "labels": {string(set)}}, maxConfig,
		func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) })
	var status *statusError
	if errors.As(err, &status) && status.code == http.StatusNotFound {
		return nil, ErrNoRelabelSteps
	}
	return answer.Data.Steps, err
}

// LastSamples gives the values of the metrics that Prometheus writes about the last
// scrape of a target (up, scrape_samples_scraped and so on), by name.
func (p *Prometheus) LastSamples(ctx context.Context, labels map[string]string) (map[string]float64, error) {
	query := `{__name__=~"up|scrape_samples_scraped|scrape_samples_post_metric_relabeling"`
	for name, value := range labels {
		if legacyName(name) {
			query += "," + name + "=" + strconv.Quote(value)
		}
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Value  [2]any            `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	err := p.get(ctx, "api/v1/query", url.Values{"query": {query + "}"}}, maxAnswer,
		func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) })
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("Prometheus gives %q for a value", text)
		}
		if len(r.Metric) == len(labels)+1 { // else it is of a target with more labels
			out[r.Metric["__name__"]] = v
		}
	}
	return out, nil
}

// legacyName tells whether a label name may stand in a selector of any version.
func legacyName(name string) bool {
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Untold gives what Prometheus counts of the failures that it tells nobody about:
// scrape pools and file watchers that it could not make; "": none, or not known.
func (p *Prometheus) Untold(ctx context.Context) string {
	m, err := p.metrics(ctx)
	if err != nil {
		return ""
	}
	return strings.Trim(why(m), " ()")
}
