package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/proctest"
)

// editors write without a pause, each to records of its own, and know what each
// record may be: what was acknowledged last, or what was asked for since and not
// answered.
type editors struct {
	t    *testing.T
	p    *plane
	node string
	job  int64 // whose targets change
	all  []*editor

	gate    sync.RWMutex // held to read while a write is under way
	quit    chan struct{}
	running sync.WaitGroup

	mu                       sync.Mutex
	acknowledged, unanswered int
}

// editor is one writer. Its slots are targets, or jobs.
type editor struct {
	rng   *rand.Rand
	jobs  bool
	slots []slot
	next  int // the value of the next write: each has its own
}

// slot is a record: what it may be. 0: not there.
type slot struct {
	name string // address of a target, key of a job
	id   int64
	may  []int // one, if the last write was answered
}

// So many that the removal guard never has a say: it is for 100 targets and more.
const (
	targetEditors = 2
	targetSlots   = 30
	jobSlots      = 4
)

func newEditors(t *testing.T, p *plane, node string, job int64, seed uint64) *editors {
	e := &editors{t: t, p: p, node: node, job: job, quit: make(chan struct{})}
	for w := range targetEditors + 1 {
		one := &editor{rng: rand.New(rand.NewPCG(seed, uint64(w+1))), jobs: w == targetEditors, next: 1}
		n := targetSlots
		if one.jobs {
			n = jobSlots
		}
		for i := range n {
			name := fmt.Sprintf("%s%d", churnPrefix, i)
			if !one.jobs {
				name = deadAddr(w*targetSlots + i)
			}
			one.slots = append(one.slots, slot{name: name, may: []int{0}})
		}
		e.all = append(e.all, one)
	}
	return e
}

// deadAddr is one that refuses at once.
func deadAddr(i int) string { return fmt.Sprintf("127.0.0.1:%d", 1+i) }

func (e *editors) start() {
	for _, one := range e.all {
		e.running.Go(func() {
			for {
				select {
				case <-e.quit:
					return
				default:
				}
				e.gate.RLock()
				answered := e.edit(one, &one.slots[one.rng.IntN(len(one.slots))])
				e.gate.RUnlock()
				if !answered { // the server is down: do not spin
					<-time.After(5 * time.Millisecond)
				}
			}
		})
	}
	e.t.Cleanup(e.stop)
}

func (e *editors) pause()  { e.gate.Lock() }
func (e *editors) resume() { e.gate.Unlock() }

func (e *editors) stop() {
	select {
	case <-e.quit:
	default:
		close(e.quit)
	}
	e.running.Wait()
}

// edit makes one write, and tells whether it was answered.
func (e *editors) edit(one *editor, s *slot) bool {
	if len(s.may) > 1 && e.look(one, s) != nil {
		return false
	}
	value := one.next
	one.next++
	there := s.may[0] != 0
	if there && one.rng.IntN(3) == 0 {
		value = 0
	}
	err := e.write(one, s, there, value)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch code := promfleet.ErrorCode(err); code {
	case "":
		s.may = []int{value}
		e.acknowledged++
		return true
	case promfleet.Unavailable, promfleet.Internal:
		s.may = append(s.may, value)
		e.unanswered++
	default:
		e.t.Errorf("%s: %s: %v", s.name, code, err)
	}
	return false
}

func (e *editors) write(one *editor, s *slot, there bool, value int) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	labels := map[string]string{"v": fmt.Sprint(value)}
	config := fmt.Sprintf(`{"scrape_interval":"15s","sample_limit":%d}`, value)
	id := fmt.Sprint(s.id)
	switch {
	case one.jobs && !there:
		var job promfleet.Job
		job, err = e.p.Jobs().Create(ctx, promfleet.JobInput{Node: e.node, Key: s.name, ScrapeConfig: json.RawMessage(config)})
		if s.id = job.ID; err == nil {
			// So that its file comes and goes with it; no label v, so it is not counted.
			_, _ = e.p.Targets().Create(ctx, promfleet.TargetInput{Job: job.ID, Addr: deadAddr(0)})
		}
	case one.jobs && value == 0:
		err = e.p.Jobs().Delete(ctx, id, "")
	case one.jobs:
		_, err = e.p.Jobs().Patch(ctx, id, "", map[string]any{"scrape_config": json.RawMessage(config)})
	case !there:
		var target promfleet.Target
		target, err = e.p.Targets().Create(ctx, promfleet.TargetInput{Job: e.job, Addr: s.name, Labels: labels})
		s.id = target.ID
	case value == 0:
		err = e.p.Targets().Delete(ctx, id, "")
	default:
		_, err = e.p.Targets().Patch(ctx, id, "", map[string]any{"labels": labels})
	}
	return err
}

// look asks the server what a record is, and holds that against what it may be.
func (e *editors) look(one *editor, s *slot) error {
	id, value, err := e.get(one, s)
	if err != nil {
		return err
	}
	for _, may := range s.may {
		if may == value {
			s.id, s.may = id, []int{value}
			return nil
		}
	}
	e.t.Errorf("%s is %d on the server; it may be one of %v: an acknowledged write is lost", s.name, value, s.may)
	s.id, s.may = id, []int{value}
	return nil
}

func (e *editors) get(one *editor, s *slot) (id int64, value int, err error) {
	if one.jobs {
		page, err := e.p.Jobs().List(context.Background(), map[string][]string{"node": {e.node}, "key": {s.name}})
		if err != nil || len(page.Items) == 0 {
			return 0, 0, err
		}
		var config struct {
			Limit int `json:"sample_limit"`
		}
		return page.Items[0].ID, config.Limit, json.Unmarshal(page.Items[0].ScrapeConfig, &config)
	}
	page, err := e.p.Targets().List(context.Background(), map[string][]string{"job": {fmt.Sprint(e.job)}, "addr": {s.name}})
	if err != nil || len(page.Items) == 0 {
		return 0, 0, err
	}
	_, err = fmt.Sscan(page.Items[0].Labels["v"], &value)
	return page.Items[0].ID, value, err
}

// resolve asks the server for every record while the writes are paused: each
// that was acknowledged is as it was acknowledged. It gives what must be on the
// disk and in Prometheus.
func (e *editors) resolve() fleet {
	e.t.Helper()
	want := fleet{limits: map[string]int{}, targets: map[string]string{}}
	for _, one := range e.all {
		for i := range one.slots {
			s := &one.slots[i]
			proctest.WaitFor(e.t, "the server tells of "+s.name, func() bool { return e.look(one, s) == nil })
			switch value := s.may[0]; {
			case value == 0:
			case one.jobs:
				want.limits[s.name] = value
			default:
				want.targets[movingJob+" "+s.name] = fmt.Sprint(value)
			}
		}
	}
	return want
}
