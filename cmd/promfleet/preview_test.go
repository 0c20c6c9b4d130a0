package main

import (
	"strings"
	"testing"

	"promfleet"
)

// What a preview leaves out is said, and no text of others reaches the terminal raw.
func TestPreview(t *testing.T) {
	var out strings.Builder
	o := &output{to: &out, format: "table"}
	err := o.preview(&promfleet.Preview{Nodes: []promfleet.NodePreview{
		{Node: "a", Hostname: "al\x1bpha", Reload: true, TargetsAdded: 3, Added: []string{"x:1"}, Files: []promfleet.FileChange{
			{Path: "prometheus.yml", Action: "update", Diff: "-a: \x1b[31m\n+b: \u202e\n", Truncated: true}}},
		{Node: "b", Hostname: "beta", TargetsRemoved: 1, TargetsChanged: 2, Removed: []string{"y:1"}},
	}}, nil)
	want := `node a (al pha)
reload: yes
targets: +3 -0 ~0
  + x:1
  + and 2 more
update prometheus.yml
-a:  [31m
+b:` + "  " + `
(the diff goes on)

node b (beta)
reload: no
targets: +0 -1 ~2
  - y:1
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
}
