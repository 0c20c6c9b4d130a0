package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/pgtest"
	"promfleet/internal/proctest"
)

// Two servers on one PostgreSQL are one: what is written through A is soon on the
// disk of an agent of B, and nothing that was acknowledged is lost when A is
// killed, when PostgreSQL restarts and when the connections that listen are cut.
func TestTwoServers(t *testing.T) {
	db := pgtest.Start(t, pgtest.Durable())
	storage := []string{"--storage.url", db.Database(t), "--storage.key-file", filepath.Join(t.TempDir(), "secret.key")}
	token := command(t, append([]string{"admin", "token", "create", "--role", "admin", "--name", "e2e"}, storage...)...)
	server := func() *plane { return runShared(t, storage, token) }
	a, b := server(), server()
	h := newHost(t, b, "", "", "--reload.method", "none")
	h.start()
	job, err := a.Jobs().Create(t.Context(), promfleet.JobInput{Node: h.uuid, Key: "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	proctest.WaitFor(t, "the job is on disk", func() bool { return strings.Contains(readFile(h.config()), "cluster") })
	latency(t, a, h, job.ID)
	faults(t, db, a, b, server, h, job.ID)
}

// runShared starts a server on a database that others may be on.
func runShared(t *testing.T, storage []string, token string) *plane {
	t.Helper()
	addr := proctest.FreeAddr(t)
	p := &plane{url: "http://" + addr}
	p.proc = proctest.Start(t, proctest.Part(t, "PROMFLEET_BIN"), append([]string{"server", "--web.listen-address", addr}, storage...)...)
	proctest.WaitFor(t, "the server is ready", isUp(p.url+"/-/ready"))
	var err error
	if p.Client, err = client.New(client.Config{URL: p.url, Token: token}); err != nil {
		t.Fatal(err)
	}
	return p
}

// latency times writes through a, each from the API's answer until the file of an
// agent of another server has it.
func latency(t *testing.T, a *plane, h *host, job int64) {
	const writes = 50
	took := make([]time.Duration, writes)
	for i := range took {
		addr := fmt.Sprintf("latency-%d.example:9100", i)
		if _, err := a.Targets().Create(t.Context(), promfleet.TargetInput{Job: job, Addr: addr}); err != nil {
			t.Fatal(err)
		}
		answered := time.Now()
		proctest.WaitFor(t, addr+" is on the disk of an agent of the other server", func() bool {
			return slices.ContainsFunc(clusterFiles(t, h), func(f string) bool { return strings.Contains(readFile(f), addr) })
		})
		took[i] = time.Since(answered)
		written(h)
	}
	slices.Sort(took)
	t.Logf("FIGURE a write through A until it is on the disk of an agent of B, of %d: median %v, p90 %v, max %v",
		writes, took[writes/2], took[writes*9/10], took[writes-1])
}

func clusterFiles(t *testing.T, h *host) []string {
	files, err := filepath.Glob(filepath.Join(h.targets(), "cluster", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// faults breaks what can be broken under a stream of writes, and then looks for
// each that was acknowledged.
func faults(t *testing.T, db *pgtest.Server, a, b *plane, another func() *plane, h *host, job int64) {
	ctx, stop := context.WithCancel(t.Context())
	w := &writers{t: t, job: job, acknowledged: map[string]bool{}}
	w.start(ctx, "a", a)
	w.start(ctx, "b1", b)
	w.start(ctx, "b2", b)

	w.more(50)
	if err := a.proc.Kill(); err != nil {
		t.Fatal(err)
	}
	<-a.proc.Done
	w.more(50)
	w.start(ctx, "c", another()) // in its place: an agent of B must hear of its writes too
	w.more(50)
	db.Restart(t)
	w.more(50)
	const cuts = 20
	for range cuts {
		cutListeners(t, db, 2)
		w.more(5)
	}
	stop()
	w.wait()
	last := time.Now()

	stored := storedTargets(t, b, job)
	written(h)
	converged := time.Since(last)
	onDisk := targetsOnDisk(t, h)
	lost, missed := w.missingIn(stored), w.missingIn(onDisk)
	t.Logf("FIGURE %d writes acknowledged, %d not; kill -9 of A, a restart of PostgreSQL, %d cuts of the listeners: %d lost in the database, %d missed by the agent, converged %v after the last",
		len(w.acknowledged), w.refused, cuts, len(lost), len(missed), converged)
	if len(lost)+len(missed) > 0 {
		t.Errorf("lost in the database: %v; missed by the agent: %v", lost, missed)
	}
	if !maps.Equal(stored, onDisk) {
		t.Errorf("the database has %d targets, the agent's files have %d, and they are not the same", len(stored), len(onDisk))
	}
}

// cutListeners ends the connections that as many servers listen on, and waits until
// each has another.
func cutListeners(t *testing.T, db *pgtest.Server, servers int) {
	t.Helper()
	const listeners = "FROM pg_stat_activity WHERE application_name = 'promfleet listener'"
	pids := func() []string { return db.Query(t, "SELECT pid::text "+listeners) }
	var cut []string
	proctest.WaitFor(t, "every server listens", func() bool { cut = pids(); return len(cut) == servers })
	db.Exec(t, "SELECT pg_terminate_backend(pid) "+listeners)
	proctest.WaitFor(t, "every server listens again", func() bool {
		now := pids()
		return len(now) == servers && !slices.ContainsFunc(now, func(pid string) bool { return slices.Contains(cut, pid) })
	})
}

// writers write targets, and remember those that were acknowledged.
type writers struct {
	t       *testing.T
	job     int64
	running sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[string]bool
	refused      int // not acknowledged; done or not
}

// start writes through a server until ctx ends or the server has.
func (w *writers) start(ctx context.Context, name string, p *plane) {
	w.running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			select {
			case <-p.proc.Done:
				return
			default:
			}
			addr := fmt.Sprintf("%s-%d.example:9100", name, i)
			// Not with ctx: a write under way is answered.
			_, err := p.Targets().Create(context.WithoutCancel(ctx), promfleet.TargetInput{Job: w.job, Addr: addr})
			w.note(addr, err)
		}
	})
}

func (w *writers) note(addr string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch promfleet.ErrorCode(err) {
	case "":
		w.acknowledged[addr] = true
	case promfleet.Unavailable, promfleet.Internal:
		w.refused++
	default:
		w.t.Errorf("%s: %v", addr, err)
	}
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acknowledged)
}

// more waits until so many more were acknowledged.
func (w *writers) more(n int) {
	w.t.Helper()
	before := w.count()
	proctest.WaitFor(w.t, fmt.Sprintf("%d more writes are acknowledged", n), func() bool { return w.count() >= before+n })
}

func (w *writers) wait() { w.running.Wait() }

func (w *writers) missingIn(addrs map[string]bool) (missing []string) {
	for addr := range w.acknowledged {
		if !addrs[addr] {
			missing = append(missing, addr)
		}
	}
	return missing
}

// storedTargets gives the addresses of the targets of a job.
func storedTargets(t *testing.T, p *plane, job int64) map[string]bool {
	addrs := map[string]bool{}
	q := map[string][]string{"job": {fmt.Sprint(job)}, "limit": {"1000"}}
	for {
		page, err := p.Targets().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range page.Items {
			addrs[target.Addr] = true
		}
		if page.NextCursor == "" {
			return addrs
		}
		q["cursor"] = []string{page.NextCursor}
	}
}

// targetsOnDisk gives the addresses in the files of the job.
func targetsOnDisk(t *testing.T, h *host) map[string]bool {
	addrs := map[string]bool{}
	for _, f := range clusterFiles(t, h) {
		var groups []struct{ Targets []string }
		if err := json.Unmarshal([]byte(readFile(f)), &groups); err != nil {
			t.Fatal(errors.Join(fmt.Errorf("file %s", f), err))
		}
		for _, g := range groups {
			for _, addr := range g.Targets {
				addrs[addr] = true
			}
		}
	}
	return addrs
}
