package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// diskTrouble tells a disk that cannot be written at the moment from a mistake: it
// may be well again without anybody starting the agent anew.
func diskTrouble(err error) bool {
	for _, no := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// atDisk adds to such an error which of the agent's directories cannot be written,
// and what to do. Others stay as they are.
func (a *Agent) atDisk(err error) error {
	if !diskTrouble(err) {
		return err
	}
	var where []string
	for _, dir := range a.directories() {
		if what := unwritable(dir); what != "" {
			where = append(where, dir+" "+what)
		}
	}
	if len(where) == 0 {
		return fmt.Errorf("%w; the agent writes in %s, and tries again", err, strings.Join(a.directories(), ", "))
	}
	return fmt.Errorf("%s: %w; the agent goes on by itself once it can write there", strings.Join(where, ", "), err)
}

// directories are those that the agent writes in.
func (a *Agent) directories() []string {
	config := filepath.Dir(a.opts.ConfigFile)
	targets := a.opts.TargetsDir
	if targets == "" {
		targets = apply.TargetsBeside(a.opts.ConfigFile)
	}
	dirs := []string{a.opts.DataPath, config, targets}
	for i, dir := range dirs {
		if abs, err := filepath.Abs(dir); err == nil {
			dirs[i] = abs
		}
	}
	return dirs
}

// unwritable says why nothing can be written in a directory; "": it seems that it can.
func unwritable(dir string) string {
	const readOnly = 1 // ST_RDONLY
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return ""
	}
	switch {
	case fs.Flags&readOnly != 0:
		return "is on a filesystem that is mounted read-only"
	case fs.Blocks > 0 && fs.Bavail == 0, fs.Files > 0 && fs.Ffree == 0:
		return "is on a filesystem without room"
	}
	return ""
}

// patiently does what needs the disk, again and again while that is in trouble. It
// returns nil if ctx is done before it is well.
func (a *Agent) patiently(ctx context.Context, do func() error) error {
	var wait backoff
	for {
		err := do()
		if !diskTrouble(err) || ctx.Err() != nil {
			return err
		}
		err = a.atDisk(err)
		a.counters.failed(err)
		d := wait.next()
		if a.status.setState(promfleet.StateFailed, err) {
			a.log.Error("the agent cannot begin", "err", oneLine(err.Error()), "retry_in", d.Round(time.Millisecond))
		}
		if pause(ctx, d) != nil {
			return nil
		}
	}
}

// failureReason classes a failure for the metrics.
func failureReason(err error) string {
	var no *refusal
	switch {
	case diskTrouble(err):
		return "disk"
	case errors.Is(err, apply.ErrRefused):
		return "reload"
	case errors.As(err, &no):
		return "refused"
	case saysNo(err):
		return "denied"
	case fromServer(err):
		return "unreachable"
	}
	return "apply"
}

var failureReasons = []string{"unreachable", "denied", "refused", "disk", "reload", "apply"}
