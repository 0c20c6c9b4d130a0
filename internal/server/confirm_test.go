package server_test

import (
	"testing"

	"promfleet"
)

// A removal that an agent holds back is confirmed once, for what was reported.
func TestConfirmRemoval(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		agent := s.join(nodeA)
		must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		_, err := s.ConfirmRemoval(ctx, nodeA)
		wantCode(t, err, promfleet.Conflict, "") // nothing waits
		held := must(agent.Watch(ctx, 0, 0)).Manifest
		report := promfleet.Report{Protocol: 1, RevisionReceived: held.Revision, State: promfleet.StateHeld, Error: "200 of 200 targets would go"}
		mustDo(t, agent.Report(ctx, report))
		if n := must(s.ConfirmRemoval(ctx, nodeA)); n.Status.RevisionWanted != held.Revision+1 {
			t.Errorf("revision %d after the confirmation, want %d", n.Status.RevisionWanted, held.Revision+1)
		}
		told := must(agent.Watch(ctx, held.Revision, 0)).Manifest
		if told.Confirmed != held.Revision || len(told.Parts) != len(held.Parts) {
			t.Errorf("the agent is told %+v", told)
		}
		_, err = s.ConfirmRemoval(ctx, nodeA)
		wantCode(t, err, promfleet.Conflict, "") // once
		e := must(s.Events().List(ctx, nil)).Items[0]
		if e.Action != "confirm" || e.Node != nodeA {
			t.Errorf("event %+v", e)
		}
		if st, body := s.revertLast(); st != 409 {
			t.Errorf("undo of a confirmation: %d %s", st, body)
		}
	})
}
