package adopt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"promfleet/internal/adopt"
)

// large makes a prometheus.yml of many jobs, each with groups of targets that have
// labels and remarks, and with relabelling.
func large(jobs, targets int) []byte {
	var b strings.Builder
	b.WriteString("global:\n  scrape_interval: 30s\n\nrule_files:\n  - rules/*.yml\n\nscrape_configs:\n")
	for j := range jobs {
		fmt.Fprintf(&b, `
  # Service %d. On call: team %d
  - job_name: service-%d/metrics
    scrape_interval: 1m
    scrape_timeout: %ds
    relabel_configs:
      - source_labels: [__address__, rack]
        separator: "@"
        regex: '([^:@]+)(?::\d+)?@(r\d+)'
        target_label: host
        replacement: ${1}.$2
      - source_labels: [__meta_promfleet_tags]
        regex: .*,old,.*
        action: drop
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: go_(gc|memstats)_.*|process_%d_.*
        action: drop
    static_configs:
`, j, j%7, j, 5+j%20, j)
		for g := range 5 {
			fmt.Fprintf(&b, "      # rack %d\n      - labels: {rack: r%d, dc: dc%d, \"owner\": \"team %d\"}\n        targets:\n", g, g, j%4, j%7)
			for t := g; t < targets/jobs; t += 5 {
				fmt.Fprintf(&b, "          - 10.%d.%d.%d:9100  # host %d of service %d\n", j, g, t, t, j)
			}
		}
	}
	return []byte(b.String())
}

// A fleet that has outgrown one file: 200 jobs, 10,000 targets.
func TestLarge(t *testing.T) {
	jobs, all := 200, 10_000
	if raced { // make test takes the whole once more without the race detector
		jobs, all = 10, 500
	}
	body := large(jobs, all)
	begun := time.Now()
	in, err := adopt.Import(body, "n")
	if err != nil {
		t.Fatal(err)
	}
	imported := time.Since(begun)
	targets := 0
	for _, d := range in.Documents[1:] {
		targets += len(*d.Targets)
		if !strings.HasPrefix(d.Remark, "Service ") {
			t.Errorf("job %s: remark %q", d.Key, d.Remark)
		}
		for _, target := range *d.Targets {
			if !strings.HasPrefix(target.Remark, "host ") {
				t.Errorf("job %s: %s: remark %q", d.Key, target.Addr, target.Remark)
			}
		}
	}
	if len(in.Documents) != jobs+1 || targets != all {
		t.Fatalf("%d documents, %d targets", len(in.Documents), targets)
	}
	begun = time.Now()
	exported, err := export(in)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("FIGURE %d jobs with %d targets, %d KB: import in %d ms, export in %d ms, %d KB",
		jobs, all, len(body)>>10, imported.Milliseconds(), time.Since(begun).Milliseconds(), len(exported)>>10)
	if _, err := roundTrip(body); err != nil {
		t.Fatal(err)
	}
}

// Thousands of targets behind one address, as behind a proxy, are told apart in a
// time that grows with their number and not with its square.
func TestOneAddress(t *testing.T) {
	var b strings.Builder
	b.WriteString("scrape_configs:\n  - job_name: proxy\n    static_configs:\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "      - targets: ['proxy:8080']\n        labels: {__metrics_path__: /host/%d, dc: a, team: b}\n", i)
	}
	begun := time.Now()
	in, err := adopt.Import([]byte(b.String()), "n")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("FIGURE 5,000 targets of one address: import in %d ms", time.Since(begun).Milliseconds())
	names := map[string]bool{}
	for _, target := range *in.Documents[1].Targets {
		names[target.Name] = true
	}
	if len(names) != 5000 || !names["__metrics_path__=/host/4999"] {
		t.Errorf("%d names", len(names))
	}
}
