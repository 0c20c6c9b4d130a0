package reload

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
)

// Health counts active targets by what became of their last scrape. Targets not
// scraped yet are in neither.
type Health struct{ Up, Down int64 }

// Health counts the active targets of all pools.
func (p *Prometheus) Health(ctx context.Context) (Health, error) {
	var h Health
	query := url.Values{"state": {"active"}}
	err := p.get(ctx, "api/v1/targets", query, maxTargets, func(r io.Reader) error {
		return decodeTargets(r, targetsVisitor{active: func(d *json.Decoder) error {
			var t struct {
				Health string `json:"health"`
			}
			if err := d.Decode(&t); err != nil {
				return err
			}
			switch t.Health {
			case "up":
				h.Up++
			case "down":
				h.Down++
			}
			return nil
		}})
	})
	return h, err
}

// pool is what Prometheus has in one scrape pool.
type pool struct {
	discovered []map[string]string // labels before relabelling, of active and listed dropped targets
	unlisted   int64               // dropped targets that keep_dropped_targets hides
}

// pool gives the targets of one pool, active and dropped.
func (p *Prometheus) pool(ctx context.Context, name string) (*pool, error) {
	found := &pool{}
	var listed int64
	counts := map[string]int64{}
	add := func(d *json.Decoder) error {
		var t struct {
			DiscoveredLabels map[string]string `json:"discoveredLabels"`
			ScrapePool       string            `json:"scrapePool"`
		}
		if err := d.Decode(&t); err != nil {
			return err
		}
		found.discovered = append(found.discovered, t.DiscoveredLabels)
		return nil
	}
	query := url.Values{"scrapePool": {name}, "state": {"any"}}
	err := p.get(ctx, "api/v1/targets", query, maxTargets, func(r io.Reader) error {
		return decodeTargets(r, targetsVisitor{
			active:  add,
			dropped: func(d *json.Decoder) error { listed++; return add(d) },
			counts:  func(d *json.Decoder) error { return d.Decode(&counts) },
		})
	})
	found.unlisted = max(0, counts[name]-listed)
	return found, err
}

// droppedCount counts the dropped targets of one pool without its active ones.
func (p *Prometheus) droppedCount(ctx context.Context, name string) (int64, error) {
	var listed int64
	counts := map[string]int64{}
	query := url.Values{"scrapePool": {name}, "state": {"dropped"}}
	err := p.get(ctx, "api/v1/targets", query, maxTargets, func(r io.Reader) error {
		return decodeTargets(r, targetsVisitor{
			dropped: func(d *json.Decoder) error { listed++; return skip(d) },
			counts:  func(d *json.Decoder) error { return d.Decode(&counts) },
		})
	})
	// Prometheus before 2.48 has no counts, but lists all of them.
	return max(listed, counts[name]), err
}

// targetsVisitor takes the parts of an /api/v1/targets answer as they come; each
// function decodes exactly one value. A nil function skips it.
type targetsVisitor struct {
	active, dropped, counts func(*json.Decoder) error
}

// decodeTargets reads the answer in a stream: a pool may have 100,000 targets.
func decodeTargets(r io.Reader, v targetsVisitor) error {
	d := json.NewDecoder(r)
	return object(d, func(key string) error {
		if key != "data" {
			return skip(d)
		}
		return object(d, func(key string) error {
			switch key {
			case "activeTargets":
				return array(d, v.active)
			case "droppedTargets":
				return array(d, v.dropped)
			case "droppedTargetCounts":
				if v.counts != nil {
					return v.counts(d)
				}
			}
			return skip(d)
		})
	})
}

// object calls each for the keys of the next value, which must be an object; each
// consumes the key's value.
func object(d *json.Decoder, each func(key string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := each(key.(string)); err != nil {
			return err
		}
	}
	return delim(d, '}')
}

// array calls each for the elements of the next value, an array or null.
func array(d *json.Decoder, each func(*json.Decoder) error) error {
	t, err := d.Token()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("expected a JSON array, found %v", t)
	}
	if each == nil {
		each = skip
	}
	for d.More() {
		if err := each(d); err != nil {
			return err
		}
	}
	return delim(d, ']')
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("expected %v in JSON, found %v", want, t)
	}
	return nil
}

func skip(d *json.Decoder) error {
	var ignored json.RawMessage
	return d.Decode(&ignored)
}
