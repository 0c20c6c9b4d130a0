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
		_, err := s.ConfirmRemoval(ctx, nodeA, 0)
		wantCode(t, err, promfleet.Conflict, "") // nothing waits
		held := must(agent.Watch(ctx, 0, 0)).Manifest
		report := promfleet.Report{Protocol: 1, RevisionReceived: held.Revision, State: promfleet.StateHeld, Error: "200 of 200 targets would go"}
		mustDo(t, agent.Report(ctx, report))
		_, err = s.ConfirmRemoval(ctx, nodeA, held.Revision-1)
		wantCode(t, err, promfleet.Conflict, "") // what was read is not what waits
		if n := must(s.ConfirmRemoval(ctx, nodeA, held.Revision)); n.Status.RevisionWanted != held.Revision+1 {
			t.Errorf("revision %d after the confirmation, want %d", n.Status.RevisionWanted, held.Revision+1)
		}
		told := must(agent.Watch(ctx, held.Revision, 0)).Manifest
		if told.Confirmed != held.Revision || len(told.Parts) != len(held.Parts) {
			t.Errorf("the agent is told %+v", told)
		}
		_, err = s.ConfirmRemoval(ctx, nodeA, 0)
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

// What an agent says after its server went back in time, to a backup, is shown: it
// has a newer revision than the server knows. It cannot be confirmed in advance.
func TestReportOfNewerRevision(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		agent := s.join(nodeA)
		report := promfleet.Report{Protocol: 1, RevisionReceived: 7, RevisionWritten: 7, RevisionLoaded: 7, State: promfleet.StateFailed, Error: "the server went back in time"}
		mustDo(t, agent.Report(ctx, report))
		n, _, err := s.Nodes().Get(ctx, nodeA)
		if err != nil || n.Status.State != promfleet.StateFailed || n.Status.LastError != report.Error || n.Status.RevisionApplied != 7 {
			t.Errorf("%+v, %v", n.Status, err)
		}
		report.State = promfleet.StateInSync
		mustDo(t, agent.Report(ctx, report))
		if n, _, err := s.Nodes().Get(ctx, nodeA); err != nil || n.Status.State != promfleet.StateApplying {
			t.Errorf("in_sync with a revision that is not wanted: %+v, %v", n.Status, err)
		}
		report.State = promfleet.StateHeld
		mustDo(t, agent.Report(ctx, report))
		_, err = s.ConfirmRemoval(ctx, nodeA, 0)
		wantCode(t, err, promfleet.Conflict, "")
	})
}
