package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"promfleet"
	"promfleet/internal/proctest"
)

// One edit costs one piece, whatever the size of the job: rows read on the
// server, bytes sent, files rewritten.
func TestOneEditInALargeJob(t *testing.T) {
	plane := startPlane(t)
	for _, size := range []int{1_000, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { oneEdit(t, plane, size) })
	}
}

func oneEdit(t *testing.T, plane *plane, size int) {
	ctx := t.Context()
	h := newHost(t, plane, "", "", "--reload.method", "none")
	h.start()
	job, err := plane.Jobs().Create(ctx, promfleet.JobInput{Node: h.uuid, Key: "large"})
	if err != nil {
		t.Fatal(err)
	}
	targets := make([]promfleet.TargetInput, size)
	for i := range targets {
		targets[i] = promfleet.TargetInput{Addr: fmt.Sprintf("10.%d.%d.%d:9100", i>>16, i>>8&255, i&255),
			Labels: map[string]string{"rack": fmt.Sprint(i / 100)}}
	}
	done, err := plane.ReplaceTargets(ctx, job.ID, targets)
	if err != nil || done.Created != size {
		t.Fatalf("%+v, error %v", done, err)
	}
	count := func() (n int) {
		files, _ := filepath.Glob(filepath.Join(h.targets(), "large", "*.json"))
		for _, f := range files {
			n += strings.Count(readFile(f), ":9100")
		}
		return n
	}
	proctest.WaitFor(t, "all targets are on disk", func() bool { return count() == size })
	written(h)
	files, err := filepath.Glob(filepath.Join(h.targets(), "large", "*.json"))
	if err != nil {
		t.Fatal(err)
	}

	list, err := plane.Targets().List(ctx, map[string][]string{"job": {fmt.Sprint(job.ID)}, "addr": {targets[size/2].Addr}})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%+v, error %v", list, err)
	}
	rows := func(table string) float64 {
		labels := map[string]string{}
		if table != "" {
			labels["table"] = table
		}
		return metric(t, plane.url, "promfleet_store_rows_read_total", labels)
	}
	fetched := func() float64 { return metric(t, h.agent, "promfleet_agent_fetched_bytes_total", nil) }
	before, targetRows, allRows, bytes := h.snapshot(), rows("targets"), rows(""), fetched()
	if _, err := plane.Targets().Patch(ctx, fmt.Sprint(list.Items[0].ID), "", map[string]any{"addr": "edited.example:9100"}); err != nil {
		t.Fatal(err)
	}
	targetRows, allRows = rows("targets")-targetRows, rows("")-allRows
	proctest.WaitFor(t, "the edit is on disk", func() bool {
		for _, f := range files {
			if strings.Contains(readFile(f), "edited.example:9100") {
				return true
			}
		}
		return false
	})
	written(h)
	bytes = fetched() - bytes
	changed := slices.DeleteFunc(h.rewritten(before, h.snapshot()), isDirectory(h))
	t.Logf("FIGURE one edit in a job of %d targets in %d files: %.0f rows of targets read (%.0f of all tables), %.0f bytes fetched, files rewritten: %v",
		size, len(files), targetRows, allRows, bytes, changed)
	// An address in another place may touch the piece it leaves and the one it enters.
	if len(changed) > 2 {
		t.Errorf("one edit rewrote %d files", len(changed))
	}
	if targetRows > 2*1024+10 {
		t.Errorf("one edit read %.0f targets", targetRows)
	}
	if bytes == 0 || bytes > 256<<10 {
		t.Errorf("one edit moved %.0f bytes", bytes)
	}
}

// written waits until the agent has written the revision that is wanted.
func written(h *host) {
	h.t.Helper()
	n, _, err := h.plane.Nodes().Get(h.t.Context(), h.uuid)
	if err != nil {
		h.t.Fatal(err)
	}
	proctest.WaitFor(h.t, "the revision is written", func() bool {
		return metric(h.t, h.agent, "promfleet_agent_revision", map[string]string{"stage": "written"}) == float64(n.Status.RevisionWanted)
	})
}
