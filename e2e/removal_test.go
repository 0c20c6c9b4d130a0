package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"promfleet"
	"promfleet/internal/proctest"
)

// A removal of most targets waits until an editor confirms it, and what comes with
// it does not wait.
func TestLargeRemovalWaits(t *testing.T) {
	p := startPlane(t)
	h := newHost(t, p, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), "global: {scrape_interval: 1m}\n", "--sync.interval", "1s")
	h.start()
	ctx := t.Context()
	job, err := p.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "web"})
	if err != nil {
		t.Fatal(err)
	}
	var all []promfleet.TargetInput
	for i := range 150 {
		all = append(all, promfleet.TargetInput{Addr: fmt.Sprintf("host-%d:9100", i)})
	}
	onDisk := func() string {
		var text strings.Builder
		files, err := filepath.Glob(filepath.Join(h.targets(), "web", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return "" // replaced at this moment
			}
			text.Write(b)
		}
		return text.String()
	}
	if _, err := p.ReplaceTargets(ctx, job.ID, all); err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the targets are on disk", func() bool { return strings.Count(onDisk(), "host-") == 150 })

	if _, err := p.ReplaceTargets(ctx, job.ID, []promfleet.TargetInput{{Addr: "new:9100"}}); err != nil {
		t.Fatal(err)
	}
	state := func() promfleet.NodeStatus {
		n, _, err := p.Nodes().Get(ctx, h.uuid)
		if err != nil {
			t.Fatal(err)
		}
		return n.Status
	}
	proctest.WaitFor(t, "the removal is held, the new target is not", func() bool {
		return state().State == promfleet.StateHeld && strings.Contains(onDisk(), "new:9100")
	})
	if n := strings.Count(onDisk(), "host-"); n != 150 {
		t.Errorf("%d of 150 targets are there while the removal is held", n)
	}
	t.Logf("held: %s", state().LastError)
	if _, err := p.ConfirmRemoval(ctx, h.uuid, 0); err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the targets are gone", func() bool { return strings.Count(onDisk(), "host-") == 0 })
	h.settled(promfleet.StateInSync)
	if !strings.Contains(onDisk(), "new:9100") {
		t.Error("the new target went too")
	}
}
