package server_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet"
)

// Pieces depend on the targets alone: after any edits they are those that the
// same set gives when written at once.
func TestPiecesDoNotRememberEdits(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	s.join(nodeA)
	edited := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "edited"}))
	fresh := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "fresh"}))
	rng := rand.New(rand.NewPCG(1, 2))
	label := func() map[string]string { return map[string]string{"rack": fmt.Sprint(rng.IntN(3))} }
	at := 0
	addr := func() string { at++; return fmt.Sprintf("host-%d:9100", at) }

	set := make([]promfleet.TargetInput, 1020)
	for i := range set {
		set[i] = promfleet.TargetInput{Addr: addr(), Labels: label()}
	}
	must(s.ReplaceTargets(ctx, edited.ID, set))
	for round := range 6 {
		have := must(s.JobTargets(ctx, edited.ID))
		for range 30 { // grows over a piece's limit in some rounds, shrinks below it in others
			i := rng.IntN(len(have))
			pick := fmt.Sprint(have[i].ID)
			switch n := rng.IntN(10); {
			case n < 2:
				must(s.Targets().Patch(ctx, pick, "", map[string]any{"labels": label(), "remark": addr()}))
			case n < 4:
				must(s.Targets().Patch(ctx, pick, "", map[string]any{"addr": addr()}))
			case round%2 == 0:
				must(s.Targets().Create(ctx, promfleet.TargetInput{Job: edited.ID, Addr: addr(), Labels: label()}))
			default:
				if err := s.Targets().Delete(ctx, pick, ""); err != nil {
					t.Fatal(err)
				}
				have = slices.Delete(have, i, i+1)
			}
		}
		var now []promfleet.TargetInput
		for _, tg := range must(s.JobTargets(ctx, edited.ID)) {
			now = append(now, promfleet.TargetInput{Addr: tg.Addr, Labels: tg.Labels})
		}
		must(s.ReplaceTargets(ctx, fresh.ID, []promfleet.TargetInput{}))
		must(s.ReplaceTargets(ctx, fresh.ID, now))
		files := map[string][]promfleet.RenderedFile{}
		for _, f := range must(s.NodeConfig(ctx, nodeA, 0)).Files {
			key, name, _ := strings.Cut(f.Path, "/")
			f.Path = name
			files[key] = append(files[key], f)
		}
		if diff := cmp.Diff(files["fresh"], files["edited"]); diff != "" {
			t.Fatalf("round %d, %d targets: edits left other pieces than the set gives:\n%s", round, len(now), diff)
		}
	}
}

// The meta labels come and go with the relabelling that can see them.
func TestMetaLabelsFollowRelabelling(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	agent := s.join(nodeA)
	job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "a"}))
	tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "h:1", Tags: []string{"开发"}}))
	piece := func() string {
		w := must(agent.Watch(ctx, 0, 0))
		var parts []promfleet.Part
		index := must(agent.Fetch(ctx, []promfleet.PartRef{{Name: "jobs/a", Hash: w.Manifest.Parts[0].Hash}}))
		if err := json.Unmarshal([]byte(index[0].Body), &parts); err != nil {
			t.Fatal(err)
		}
		return must(agent.Fetch(ctx, []promfleet.PartRef{{Name: parts[1].Name, Hash: parts[1].Hash}}))[0].Body
	}
	if strings.Contains(piece(), "__meta_") {
		t.Errorf("meta labels that nothing can see: %s", piece())
	}
	id := fmt.Sprint(job.ID)
	must(s.Jobs().Patch(ctx, id, "", map[string]any{"scrape_config": map[string]any{"relabel_configs": []any{
		map[string]any{"source_labels": []any{"__meta_promfleet_tags"}, "regex": ".*,开发,.*", "action": "keep"}}}}))
	if !strings.Contains(piece(), `"__meta_promfleet_tags": ",开发,"`) || strings.Contains(piece(), "_target_id") {
		t.Errorf("with relabelling by tag: %s", piece())
	}
	before := must(agent.Watch(ctx, 0, 0)).Manifest.Revision
	must(s.Targets().Patch(ctx, fmt.Sprint(tg.ID), "", map[string]any{"tags": []any{"开发", "北京"}}))
	if !strings.Contains(piece(), ",北京,开发,") && !strings.Contains(piece(), ",开发,北京,") {
		t.Errorf("after a tag more: %s", piece())
	}
	if now := must(agent.Watch(ctx, 0, 0)).Manifest.Revision; now != before+1 {
		t.Errorf("a visible tag made revision %d of %d", now, before)
	}
	must(s.Jobs().Patch(ctx, id, "", map[string]any{"scrape_config": map[string]any{"relabel_configs": nil}}))
	if strings.Contains(piece(), "__meta_") {
		t.Errorf("meta labels after the relabelling went: %s", piece())
	}
}
