package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/policy"
)

func init() {
	addTask("confirm", 25, func(a *Agent) Task { return &confirmTask{a: a} })
}

// Files of the data path in which somebody on this host confirms a revision.
const (
	confirmedFile = "confirmed"       // its removal
	olderFile     = "confirmed-older" // that it may be taken although it is an older one
)

// confirmation is what such a file says.
type confirmation struct {
	revision int64          // -1: nothing
	first    promfleet.Hash // of what waits: held.First
}

// confirmedRevision gives what a file confirms.
func (a *Agent) confirmedRevision(name string) confirmation {
	body, err := a.data.Read(name)
	number, first, _ := strings.Cut(strings.TrimSpace(string(body)), " ")
	n, numberErr := strconv.ParseInt(number, 10, 64)
	if err != nil || numberErr != nil || n < 0 {
		return confirmation{revision: -1}
	}
	return confirmation{n, promfleet.Hash(first)}
}

// confirmedBy says who has confirmed a removal; "": nobody.
func (t *syncTask) confirmedBy(h *held, m promfleet.Manifest) string {
	if here := t.a.confirmedRevision(confirmedFile); h.covers(here.revision) && here.first == h.First {
		return "this host"
	} else if here.revision >= 0 {
		t.a.log.Warn("what was confirmed on this host is not what waits now", "confirmed", here.revision, "waits", h.Revision)
		_ = t.a.data.Remove(confirmedFile) // or it is found, and said, again
	}
	if t.a.policy.RemovalConfirm == policy.ConfirmServer && h.covers(m.Confirmed) {
		return "the server"
	}
	return ""
}

// forgetOlder makes the confirmation of an older revision count once.
func (t *syncTask) forgetOlder(s apply.State) error {
	if s.RevisionWritten >= s.RevisionLoaded || t.a.confirmedRevision(olderFile).revision != s.RevisionWritten {
		return nil
	}
	return t.a.data.Remove(olderFile)
}

// A doorbell ends a wait for the server.
type doorbell struct {
	mu   sync.Mutex
	rung bool
	end  func()
}

func (d *doorbell) ring() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rung = true
	if d.end != nil {
		d.end()
	}
}

// answer has end called once it rings, or at once if it has.
func (d *doorbell) answer(end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end = end
	if d.rung {
		end()
	}
}

// answered ends that, and tells whether it has rung.
func (d *doorbell) answered() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	rung := d.rung
	d.rung, d.end = false, nil
	return rung
}

// confirmTask looks every second, while something waits, whether it was confirmed
// on this host.
type confirmTask struct {
	a    *Agent
	seen [2]confirmation
}

func (t *confirmTask) Init(context.Context) error {
	t.seen = t.look()
	return nil
}

// Run looks until ctx is done.
func (t *confirmTask) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !t.a.waits.Load() {
			continue
		}
		now := t.look()
		if now != t.seen && (now[0].revision >= 0 || now[1].revision >= 0) {
			t.a.lookAgain.ring()
		}
		t.seen = now
	}
}

func (t *confirmTask) look() [2]confirmation {
	return [2]confirmation{t.a.confirmedRevision(confirmedFile), t.a.confirmedRevision(olderFile)}
}

// Confirm confirms, on the host of an agent that may be running, what waits
// there: the removal that is held back, with a revision only if it is the one of
// that, or the taking of that revision although it is older than what is loaded.
// It says in words what it was. promfleet.NotFound: nothing, or something else, waits.
func Confirm(dataPath string, revision int64) (string, error) {
	root, err := os.OpenRoot(dataPath)
	if err != nil {
		return "", fmt.Errorf("--data.path: %w; give the one that the agent has", err)
	}
	defer root.Close()
	h, err := readHeld(root.ReadFile)
	if err != nil {
		return "", fmt.Errorf("--data.path %s: %w", dataPath, err)
	}
	if h != nil && (revision == 0 || h.covers(revision)) {
		return h.what(), leave(root, confirmedFile, fmt.Sprint(h.Revision, " ", h.First))
	}
	if revision == 0 {
		return "", promfleet.Errorf(promfleet.NotFound, "nothing waits for a confirmation in %s", dataPath)
	}
	var state apply.State
	body, err := root.ReadFile("state.json")
	if err == nil {
		err = json.Unmarshal(body, &state)
	}
	if err != nil {
		return "", fmt.Errorf("--data.path %s: %w; give the one that the agent has", dataPath, err)
	}
	switch {
	case revision < state.RevisionLoaded:
	case h != nil:
		return "", promfleet.Errorf(promfleet.NotFound, "it is not revision %d that waits: %s", revision, h.what())
	default:
		return "", promfleet.Errorf(promfleet.NotFound, "revision %d is not older than revision %d, which is loaded: the agent takes it without a confirmation", revision, state.RevisionLoaded)
	}
	return fmt.Sprintf("revision %d is taken once, although revision %d is loaded", revision, state.RevisionLoaded), leave(root, olderFile, strconv.FormatInt(revision, 10))
}

// leave writes a confirmation as the owner of the directory, who is the agent,
// could have done.
func leave(root *os.Root, name, text string) (err error) {
	temp := "." + name + "." + strconv.Itoa(os.Getpid())
	f, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--data.path: %w; run it as the user that the agent runs as, or as root", err)
	}
	defer func() {
		if err != nil {
			_ = root.Remove(temp)
			err = fmt.Errorf("--data.path %s: %w", filepath.Clean(root.Name()), err)
		}
	}()
	_, err = fmt.Fprintln(f, text)
	if dir, statErr := root.Stat("."); statErr == nil && os.Geteuid() == 0 {
		if owner, ok := dir.Sys().(*syscall.Stat_t); ok {
			err = errors.Join(err, f.Chown(int(owner.Uid), int(owner.Gid)))
		}
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return root.Rename(temp, name)
}
