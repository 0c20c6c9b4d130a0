package server_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"promfleet"
)

// race runs n calls at the same moment.
func race(n int, call func(i int)) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			call(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
}

// Two editors with one ETag: one of them writes, the other is told.
func TestNoLostUpdate(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		races := 1000
		if raced { // make test races once more without the race detector
			races = 200
		}
		ctx := t.Context()
		s.join(nodeA)
		job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		tg := must(s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: "a:1"}))
		id := fmt.Sprint(tg.ID)
		var won, stale int
		for i := range races {
			_, tag, err := s.Targets().Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			var errs [2]error
			race(2, func(n int) {
				_, errs[n] = s.Targets().Patch(ctx, id, tag, map[string]any{"remark": fmt.Sprintf("%d by %d", i, n)})
			})
			for n, err := range errs {
				switch promfleet.ErrorCode(err) {
				case "":
					won++
					if got, _, err := s.Targets().Get(ctx, id); err != nil || got.Remark != fmt.Sprintf("%d by %d", i, n) {
						t.Fatalf("race %d: %d was told that it wrote, and the remark is %q (%v)", i, n, got.Remark, err)
					}
				case promfleet.Stale:
					stale++
				default:
					t.Fatalf("race %d: %v", i, err)
				}
			}
			if errs[0] == nil == (errs[1] == nil) {
				t.Fatalf("race %d: %v", i, errs)
			}
		}
		t.Logf("FIGURE %d races: %d wrote, %d were told that it had changed", races, won, stale)
	})
}

// A join token of one use lets one node join, however many try.
func TestOneUseJoinToken(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		tokens, racers := 100, 64
		if raced { // make test races once more without the race detector
			tokens = 20
		}
		joined := 0
		for i := range tokens {
			jt := must(s.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{}))
			agent := s.as(jt.Secret)
			var ok, refused atomic.Int64
			race(racers, func(n int) {
				_, err := agent.Register(t.Context(), registration(fmt.Sprintf("00000000-0000-4000-8000-%04x%08x", i+1, n+1)))
				switch promfleet.ErrorCode(err) {
				case "":
					ok.Add(1)
				case promfleet.Unauthorized:
					refused.Add(1)
				default:
					t.Errorf("token %d: %v", i, err)
				}
			})
			if ok.Load() != 1 || refused.Load() != int64(racers-1) {
				t.Fatalf("token %d: %d joined, %d were refused", i, ok.Load(), refused.Load())
			}
			joined += int(ok.Load())
		}
		if p := must(s.Nodes().List(t.Context(), nil)); int(p.Total) != tokens {
			t.Errorf("%d nodes, want %d", p.Total, tokens)
		}
		t.Logf("FIGURE %d racers on each of %d tokens: %d joins", racers, tokens, joined)
	})
}

// Writers that bring the same new tag at the same moment all succeed.
func TestTagsCreatedAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		s.join(nodeA)
		job := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: nodeA, Key: "web"}))
		for i := range 10 {
			var mu sync.Mutex
			var errs []error
			race(8, func(n int) {
				_, err := s.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: fmt.Sprintf("h%d-%d:1", i, n), Tags: []string{fmt.Sprint("标签", i)}})
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
		}
		if p := must(s.Targets().List(ctx, map[string][]string{"tag": {"标签3"}})); p.Total != 8 {
			t.Errorf("%d targets have the tag, want 8", p.Total)
		}
		if strings.Contains(fmt.Sprint(must(s.NodeConfig(ctx, nodeA, 0)).Files), "Targets:0") {
			t.Error("an empty file")
		}
	})
}
