// Package storetest is the conformance suite of fleet.Store: what every backend
// must do, so that fleet never has to know which one it runs on. A backend's own
// test is a call of Run.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"promfleet"
	"promfleet/internal/fleet"
)

// Run tests a backend. open gives an empty store, which Run closes.
func Run(t *testing.T, open func(t *testing.T) fleet.Store) {
	tests := []struct {
		name string
		test func(*testing.T, fleet.Store)
	}{
		{"Nodes", testNodes},
		{"NodeVersions", testNodeVersions},
		{"NodesFound", testNodesFound},
		{"NodeCredential", testNodeCredential},
		{"NodeReport", testNodeReport},
		{"NodeStates", testNodeStates},
		{"Revisions", testRevisions},
		{"History", testHistory},
		{"PruneHistory", testPruneHistory},
		{"Jobs", testJobs},
		{"JobKeys", testJobKeys},
		{"JobParts", testJobParts},
		{"Targets", testTargets},
		{"TargetKeys", testTargetKeys},
		{"TargetsOfJobs", testTargetsOfJobs},
		{"TargetRange", testTargetRange},
		{"TargetsInBulk", testTargetsInBulk},
		{"UpdateTargets", testUpdateTargets},
		{"TargetsAfter", testTargetsAfter},
		{"LabelNames", testLabelNames},
		{"TargetsMatching", testTargetsMatching},
		{"Liveness", testLiveness},
		{"Tags", testTags},
		{"TagRecords", testTagRecords},
		{"DeletedTags", testDeletedTags},
		{"JobsWithTag", testJobsWithTag},
		{"Pieces", testPieces},
		{"Users", testUsers},
		{"Passwords", testPasswords},
		{"Contacts", testContacts},
		{"ContactLinks", testContactLinks},
		{"Touch", testTouch},
		{"Sessions", testSessions},
		{"LoginFailures", testLoginFailures},
		{"DeleteExpired", testDeleteExpired},
		{"Questions", testQuestions},
		{"ExpiredQuestions", testExpiredQuestions},
		{"Settings", testSettings},
		{"Tokens", testTokens},
		{"JoinTokens", testJoinTokens},
		{"Events", testEvents},
		{"LargeEvents", testLargeEvents},
		{"DeleteEvents", testDeleteEvents},
		{"Lists", testLists},
		{"ListsUnderWrites", testListsUnderWrites},
		{"ListErrors", testListErrors},
		{"Q", testQ},
		{"Times", testTimes},
		{"FailedFn", testFailedFn},
		{"FailedStatement", testFailedStatement},
		{"ReadOnlyView", testReadOnlyView},
		{"Snapshot", testSnapshot},
		{"TwoWriters", func(t *testing.T, s fleet.Store) { testWriters(t, s, 2) }},
		{"EightWriters", func(t *testing.T, s fleet.Store) { testWriters(t, s, 8) }},
		{"Cancel", testCancel},
		{"Close", testClose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			defer closeStore(t, s)
			tt.test(t, s)
		})
	}
	t.Run("Machine", func(t *testing.T) { testMachine(t, open) })
}

func closeStore(t testing.TB, s fleet.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// t0 has microseconds, so that losing them shows.
var t0 = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// tb is what testing and rapid have in common.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func update(t tb, s fleet.Store, fn func(ctx context.Context, tx fleet.Tx) error) {
	t.Helper()
	if err := tryUpdate(s, fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func tryUpdate(s fleet.Store, fn func(ctx context.Context, tx fleet.Tx) error) error {
	ctx := context.Background()
	return s.Update(ctx, func(tx fleet.Tx) error { return fn(ctx, tx) })
}

func view(t tb, s fleet.Store, fn func(ctx context.Context, tx fleet.Tx) error) {
	t.Helper()
	ctx := context.Background()
	if err := s.View(ctx, func(tx fleet.Tx) error { return fn(ctx, tx) }); err != nil {
		t.Fatalf("View: %v", err)
	}
}

func wantErr(t tb, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want one that is %q", err, want)
	}
}

func equal(t tb, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func hashOf(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

func uuidOf(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func newNode(n int) *fleet.NodeRecord {
	return &fleet.NodeRecord{Node: promfleet.Node{
		UUID: uuidOf(n), Hostname: fmt.Sprintf("host-%d", n), Addr: fmt.Sprintf("https://host-%d:9090/", n),
		CreatedAt: t0, UpdatedAt: t0, Version: 1,
	}}
}

func newJob(node, key string) *fleet.JobRecord {
	return &fleet.JobRecord{
		Job:                promfleet.Job{Node: node, Key: key, JobName: key, CreatedAt: t0, UpdatedAt: t0, Version: 1},
		SealedScrapeConfig: []byte("sealed"),
	}
}

func newTarget(job int64, addr string) *fleet.TargetRecord {
	t := &fleet.TargetRecord{Target: promfleet.Target{Job: job, Addr: addr, CreatedAt: t0, UpdatedAt: t0, Version: 1}}
	copy(t.Split[:], hashOf(addr))
	return t
}

// seedJob makes node 1 with one job and gives the job's id.
func seedJob(t tb, s fleet.Store) int64 {
	t.Helper()
	j := newJob(uuidOf(1), "node")
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.InsertNode(ctx, newNode(1)); err != nil {
			return err
		}
		return tx.InsertJob(ctx, j)
	})
	return j.ID
}

func insertTargets(t tb, s fleet.Store, targets ...*fleet.TargetRecord) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertTargets(ctx, targets) })
}

func deletedAt(at time.Time) *time.Time { return &at }
