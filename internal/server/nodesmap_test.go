package server_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"promfleet"
)

// The map has what the list has, in its order, and says when there is nothing new.
func TestNodesMap(t *testing.T) {
	s := start(t)
	agent := s.join(nodeA)
	nodeB := strings.Replace(nodeA, "7b", "8b", 1)
	s.join(nodeB)
	_, _, _ = s.call("PATCH", "/api/v1/nodes/"+nodeB, `{"tags":["线上"]}`, "Content-Type", "application/merge-patch+json")
	get := func(query string) (m promfleet.NodesMap, etag string) {
		t.Helper()
		st, h, body := s.call("GET", "/api/v1/nodes/map?"+query, "")
		if err := json.Unmarshal([]byte(body), &m); st != 200 || err != nil {
			t.Fatalf("map?%s: %d %s (%v)", query, st, body, err)
		}
		return m, h.Get("ETag")
	}
	for _, query := range []string{"sort=uuid", "sort=-uuid", "tag=" + url.QueryEscape("线上"), "q=" + nodeB[:8], "state=pending", "state=failed", "deleted=true"} {
		q, _ := url.ParseQuery(query)
		list := must(s.Nodes().List(t.Context(), q))
		m, _ := get(query)
		if m.Total != list.Total || len(m.Nodes) != len(list.Items) {
			t.Errorf("%s: %d of %d in the map, %d of %d in the list", query, len(m.Nodes), m.Total, len(list.Items), list.Total)
			continue
		}
		for i, n := range list.Items {
			if p := m.Nodes[i]; p != (promfleet.NodePoint{UUID: n.UUID, Hostname: n.Hostname, State: n.Status.State, TargetsDown: n.Status.TargetsDown}) {
				t.Errorf("%s: %+v, want %+v", query, p, n)
			}
		}
	}
	_, tag := get("")
	if st, h, body := s.call("GET", "/api/v1/nodes/map", "", "If-None-Match", tag); st != 304 || body != "" || h.Get("ETag") != tag {
		t.Errorf("nothing is new: %d %q with ETag %q, want 304 and %q", st, body, h.Get("ETag"), tag)
	}
	n, _, err := s.Nodes().Get(t.Context(), nodeA)
	if err != nil {
		t.Fatal(err)
	}
	report := promfleet.Report{Protocol: promfleet.ProtocolVersion, RevisionReceived: n.Status.RevisionWanted, State: promfleet.StateFailed, Error: "x", TargetsDown: 3}
	if err := agent.Report(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	if m, now := get("state=failed"); now == tag || len(m.Nodes) != 1 || m.Nodes[0].TargetsDown != 3 {
		t.Errorf("after a report: %+v with ETag %s", m, now)
	}
	if st, _, _ := s.call("GET", "/api/v1/nodes/map", "", "If-None-Match", tag); st != 200 {
		t.Errorf("something is new: %d, want 200", st)
	}
	for _, bad := range []string{"sort=x", "limit=1", "cursor=x", "state=x"} {
		if st, _, _ := s.call("GET", "/api/v1/nodes/map?"+bad, ""); st != 422 {
			t.Errorf("map?%s: %d, want 422", bad, st)
		}
	}
}
