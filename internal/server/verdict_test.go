package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"promfleet/internal/check/checktest"
)

// The API accepts a scrape config if, and only if, Prometheus's config package
// accepts the prometheus.yml that it would become.
func TestVerdictIsPrometheus(t *testing.T) {
	s := start(t)
	s.join(nodeA)
	each := 1000
	if raced { // make test takes all of them without the race detector
		each = 150
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	accepted, refused, named := 0, 0, 0
	for i := range 2 * each {
		sc := checktest.ScrapeConfig(rng)
		if i >= each {
			sc = checktest.Mutate(rng, sc)
		}
		sc = unmasked(t, sc)
		body, err := json.Marshal(map[string]any{"node": nodeA, "key": "a", "scrape_config": sc})
		if err != nil {
			t.Fatal(err)
		}
		status, _, answer := s.call("POST", "/api/v1/jobs", string(body))

		// The file as JSON, which is YAML, so that our rendering is not judged by itself.
		whole := maps.Clone(sc)
		whole["job_name"] = "a"
		own, isList := whole["file_sd_configs"].([]any)
		if isList || whole["file_sd_configs"] == nil {
			whole["file_sd_configs"] = append(own[:len(own):len(own)], map[string]any{"files": []any{"targets.d/a/*.json"}})
		}
		yml, err := json.Marshal(map[string]any{"scrape_configs": []any{whole}})
		if err != nil {
			t.Fatal(err)
		}
		verdict := checktest.Verdict(yml)
		switch {
		case status == 201 && verdict == nil:
			accepted++
			var job struct{ ID int64 }
			if err := json.Unmarshal([]byte(answer), &job); err != nil {
				t.Fatal(err)
			}
			if st, _, body := s.call("DELETE", fmt.Sprintf("/api/v1/jobs/%d", job.ID), ""); st != 204 {
				t.Fatalf("delete: %d %s", st, body)
			}
		case status == 422 && verdict != nil:
			refused++
			var p struct{ Errors []struct{ Location string } }
			if err := json.Unmarshal([]byte(answer), &p); err != nil || len(p.Errors) == 0 {
				t.Fatalf("no field is named: %s", answer)
			}
			if p.Errors[0].Location != "body.scrape_config" {
				named++
			}
		default:
			t.Errorf("the API answered %d %s\nPrometheus: %v\n%s", status, answer, verdict, yml)
		}
		if i == each-1 && refused > 0 {
			t.Errorf("%d of %d valid ones were refused", refused, each)
		}
	}
	t.Logf("FIGURE of %d configs %d were accepted and %d refused by both; %d of the refusals name a field in the scrape config", 2*each, accepted, refused, named)
}

// unmasked takes <secret> out of a config: there it means "as it was", which is
// the one way in which the API differs from the config package.
func unmasked(t *testing.T, sc map[string]any) (out map[string]any) {
	b, err := json.Marshal(sc)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(b), `"\u003csecret\u003e"`, `"s3cret"`)))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
