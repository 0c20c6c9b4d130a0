package promfleet_test

import (
	"testing"

	"promfleet"
)

func TestMatchOfAddr(t *testing.T) {
	for _, tt := range []struct {
		want, have string
		match      promfleet.AddrMatch
	}{
		{"10.0.0.1:9100", "10.0.0.1:9100", promfleet.MatchAddr},
		{"http://10.0.0.1:9100/metrics", "10.0.0.1:9100", promfleet.MatchURL},
		{"web.example:443", "https://WEB.example:443/health?x=1", promfleet.MatchURL},
		{"https://web.example/a", "https://web.example/b", promfleet.MatchURL},
		{"10.0.0.1", "10.0.0.1:9100", promfleet.MatchHost},
		{"10.0.0.1:9101", "10.0.0.1:9100", promfleet.MatchHost},
		{"::1", "[::1]:9100", promfleet.MatchHost},
		{"[::1]", "[::1]:9100", promfleet.MatchHost},
		{"10.0.0.1", "10.0.0.10:9100", ""},
		{"10.0.0.1:9100", "10.0.0.1:91000", promfleet.MatchHost}, // a port is not looked at
		{"http://%zz", "http://%zy", ""},
		{"", "a:1", ""},
	} {
		if got := promfleet.MatchOfAddr(tt.want, tt.have); got != tt.match {
			t.Errorf("%q of %q: %q, want %q", tt.want, tt.have, got, tt.match)
		}
	}
	order := []promfleet.AddrMatch{promfleet.MatchAddr, promfleet.MatchURL, promfleet.MatchScrape, promfleet.MatchInstance, promfleet.MatchHost, ""}
	for i := range order {
		for k := range order {
			if order[i].Better(order[k]) != (i < k) {
				t.Errorf("%q better than %q: %t", order[i], order[k], i >= k)
			}
		}
	}
}
