package server_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"promfleet"
)

// Odd input is refused or taken, and never a failure of the server.
func TestOddInputIsNoFailure(t *testing.T) {
	s := start(t)
	s.join(nodeA)
	job := must(s.Jobs().Create(t.Context(), promfleet.JobInput{Node: nodeA, Key: "a"}))
	_ = must(s.Targets().Create(t.Context(), promfleet.TargetInput{Job: job.ID, Addr: "a:1"}))
	odd := []string{"\x00", "\xff\xfe", "\u202e", strings.Repeat("a", 400), "%", "_", "'; --", "🔥", " ", "-", "9999999999999999999999", "null", "[]", "{}"}
	for _, path := range []string{"/nodes", "/jobs", "/targets", "/tokens", "/join-tokens", "/events"} {
		for _, param := range []string{"q", "cursor", "offset", "sort", "tag", "addr", "key", "actor", "object", "node", "state", "since", "job", "limit", "deleted"} {
			for _, v := range odd {
				st, _, body := s.call("GET", "/api/v1"+path+"?"+param+"="+url.QueryEscape(v), "")
				if st >= 500 {
					t.Errorf("GET %s?%s=%q: %d %s", path, param, v, st, body)
				}
			}
		}
	}
	for _, body := range []string{
		`null`, `[]`, `"x"`, `{}`, ``, `{"node":null}`, `{"node":"` + nodeA + `","key":"b","scrape_config":null}`,
		`{"node":"` + nodeA + `","key":"c","scrape_config":{"params":{"a":["\u0000"]}}}`,
		`{"node":"` + nodeA + `","key":"d","remark":"\u0000"}`, `{"node":"` + nodeA + `","key":"e","job_name":"` + "\xff" + `"}`,
		`{"node":"` + nodeA + `","key":"f","scrape_config":{"sample_limit":1e400}}`, `{"node":"` + nodeA + `","key":"g","scrape_config":{"sample_limit":-0.0}}`,
		`{"job":1,"addr":"b:1","labels":{"x":"\u0000"}}`, `{"job":1,"addr":"b:2","labels":{"":"y"}}`, `{"job":1,"addr":"b:3","labels":{"x":null}}`,
		`{"job":1e30,"addr":"b:4"}`, `{"job":1,"addr":"b:5","tags":["` + "\u202e" + `"]}`, `{"job":1,"addr":"\u0000"}`, `{"job":1,"addr":"b:6","tags":["\u0000"]}`,
		`{"name":"\u0000","role":"admin"}`, `{"max_uses":1e30}`, `{"expires_at":"9999999-01-01T00:00:00Z"}`, `{"expires_at":"9999-12-31T23:59:59Z"}`,
		strings.Repeat("[", 100000), `{"node":"` + nodeA + `","key":"h","scrape_config":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5001),
	} {
		for _, path := range []string{"/jobs", "/targets", "/tokens", "/join-tokens", "/agent/register"} {
			if st, _, answer := s.call("POST", "/api/v1"+path, body); st >= 500 {
				t.Errorf("POST %s %.100q: %d %s", path, body, st, answer)
			}
		}
		for _, path := range []string{"/jobs/1", "/targets/1", "/nodes/" + nodeA} {
			if st, _, answer := s.call("PATCH", "/api/v1"+path, body); st >= 500 {
				t.Errorf("PATCH %s %.100q: %d %s", path, body, st, answer)
			}
		}
		if st, _, answer := s.call("PUT", "/api/v1/jobs/1/targets", "["+body+"]"); st >= 500 {
			t.Errorf("PUT targets %.100q: %d %s", body, st, answer)
		}
	}
	for _, path := range []string{"/sd/" + nodeA + "/%00", "/nodes/%00", "/events?since=0000-01-01T00:00:00Z", "/events?since=0001-01-01T00:00:00%2B14:00",
		"/events?since=9999-12-31T23:59:59-14:00", "/jobs?sort=created_at&cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`{"s":"created_at","v":"0000-01-01T00:00:00Z","i":1}`))} {
		if st, _, body := s.call("GET", "/api/v1"+path, ""); st < 400 || st >= 500 {
			t.Errorf("GET %s: %d %s", path, st, body)
		}
	}
	if st, _, body := s.call("PATCH", "/api/v1/jobs/1", `{"node":"`+strings.ToUpper(nodeA)+`","created_at":5}`); st != 422 || !strings.Contains(body, "RFC 3339") {
		t.Errorf("a number for a time: %d %s", st, body)
	}
	if st, _, body := s.call("GET", "/api/v1/nodes/"+nodeA+"/config", ""); st != 200 {
		t.Errorf("the node's config after all that: %d %s", st, body)
	}
}
