package adopt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"promfleet/internal/adopt"
)

// A static target that becomes the fleet's gets meta labels. Where relabelling would
// make something of them, it stays where it is.
func TestTargetsThatRelabellingWouldSee(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		note       string // empty: taken
	}{
		{"maps all meta labels", "{action: labelmap, regex: __meta_(.+)}", "(labelmap) would make a label filepath of __meta_filepath"},
		{"maps ours", "{action: LabelMap, regex: __meta_prom(.+)}", "(labelmap) would make a label fleet_target_id of __meta_promfleet_target_id"},
		{"reads the file", "{source_labels: [__meta_filepath], target_label: file}", "reads __meta_filepath"},
		{"compares the file", "{action: keepequal, source_labels: [x], target_label: __meta_filepath}", "reads __meta_filepath"},
		{"maps each to itself", "{action: labelmap, regex: (.*)}", ""},
		{"maps others", "{action: labelmap, regex: __meta_kubernetes_(.+)}", ""},
		{"drops them", "{action: labeldrop, regex: __meta_.*}", ""},
		{"wants ours", "{source_labels: [__meta_promfleet_target_id], target_label: id}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			yml := fmt.Sprintf("scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['a:1'], labels: {x: y}}]\n  relabel_configs: [%s]\n", c.rule)
			in, err := adopt.Import([]byte(yml), "n")
			if err != nil {
				t.Fatal(err)
			}
			kept := strings.Contains(string(in.Documents[1].ScrapeConfig), "static_configs")
			if kept != (c.note != "") || len(*in.Documents[1].Targets) == 1 == kept {
				t.Errorf("%s, targets %v", in.Documents[1].ScrapeConfig, *in.Documents[1].Targets)
			}
			if said := strings.Join(in.Notes, "\n"); !strings.Contains(said, c.note) || (said == "") != (c.note == "") {
				t.Errorf("notes: %s", said)
			}
			if _, err := roundTrip([]byte(yml)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Targets of one address are named by the labels in which they differ.
func TestNamesOfOneAddress(t *testing.T) {
	in, err := adopt.Import([]byte(`scrape_configs:
- job_name: a
  static_configs:
  - {targets: ['a:1', 'b:1'], labels: {env: prod, dc: x}}
  - {targets: ['a:1'], labels: {env: test, dc: x}}
  - {targets: ['a:1'], labels: {dc: x}}
`), "n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, target := range *in.Documents[1].Targets {
		got = append(got, target.Addr+" "+target.Name)
	}
	if want := []string{"a:1 ", "a:1 env=prod", "a:1 env=test", "b:1 "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
