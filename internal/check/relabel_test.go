package check_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet/internal/check"
)

const relabelled = `
scrape_configs:
  - job_name: probe
    scheme: https
    metrics_path: /probe
    params: {module: [http_2xx, other]}
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [env, dc], separator: '|', regex: 'prod\|.*', action: keep}
      - {target_label: __address__, replacement: "blackbox:9115"}
`

func TestRelabelSteps(t *testing.T) {
	c, err := check.Load([]byte(relabelled))
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.Discovered("probe", "a:1", map[string]string{"env": "prod", "dc": "北京", "none": ""})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"__address__": "a:1", "env": "prod", "dc": "北京", "job": "probe", "__scheme__": "https",
		"__metrics_path__": "/probe", "__param_module": "http_2xx", "__scrape_interval__": "1m", "__scrape_timeout__": "10s"}
	if diff := cmp.Diff(want, set); diff != "" {
		t.Errorf("discovered (-want +got):\n%s", diff)
	}
	steps, err := c.RelabelSteps("probe", set)
	if err != nil || len(steps) != 3 {
		t.Fatalf("%d steps, error %v", len(steps), err)
	}
	if out := steps[2].Output; out["__param_target"] != "a:1" || out["__address__"] != "blackbox:9115" || set["__address__"] != "a:1" {
		t.Errorf("the last step has made %v of %v", out, set)
	}
	rule := check.RelabelRule{Action: "keep", SourceLabels: []string{"env", "dc"}, Separator: "|", Regex: `prod\|.*`, Replacement: "$1"}
	if diff := cmp.Diff(rule, steps[1].Rule); diff != "" {
		t.Errorf("the second rule (-want +got):\n%s", diff)
	}

	set["env"] = "dev"
	steps, err = c.RelabelSteps("probe", set)
	if err != nil || len(steps) != 2 || steps[1].Keep || steps[1].Output != nil || !steps[0].Keep {
		t.Errorf("dropped by the second: %+v, error %v", steps, err)
	}
	if _, err := c.RelabelSteps("nobody", set); err == nil {
		t.Error("a job that is not there is walked")
	}
}
