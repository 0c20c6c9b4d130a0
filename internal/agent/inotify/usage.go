package inotify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Usage is what the user of a Prometheus may have and has of inotify.
type Usage struct {
	// Limit is how many instances the user may have, and Sysctl the one of the
	// kernel's settings that says so.
	Limit  int
	Sysctl string
	// Watches is fs.inotify.max_user_watches; Prometheus needs one for each
	// directory that file_sd reads. 0: it could not be read.
	Watches int
	// UID is the effective user of Prometheus: the kernel counts by that.
	UID uint32
	// PID is Prometheus's process; 0: it was not found.
	PID int
	// InUse is how many instances the processes of the user hold that could be
	// read, and ByPrometheus how many of them Prometheus does. An instance that a
	// process shares with its child is counted twice.
	InUse, ByPrometheus int
	// Unread is how many processes of the user could not be read, and
	// PrometheusUnread whether Prometheus is one of them: that takes its user or
	// root (CAP_SYS_PTRACE).
	Unread           int
	PrometheusUnread bool
}

// Partial tells whether there may be instances that were not counted.
func (u Usage) Partial() bool { return u.Unread > 0 || u.PID == 0 }

// Errors of Read.
var (
	// ErrNoProc is that the host does not say what is needed: it is no Linux, or
	// /proc is not there.
	ErrNoProc = errors.New("this host does not show its inotify limits")
	// ErrElsewhere is that Prometheus does not run where it could be counted: on
	// another host, or in a network or process namespace of its own.
	ErrElsewhere = errors.New("Prometheus is not seen among the processes of this host")
)

// The settings that bound the instances of a user, by where they are below /proc.
var limits = []struct{ path, sysctl string }{
	{"sys/fs/inotify/max_user_instances", "fs.inotify.max_user_instances"},
	// Of the user namespace that this process is in. In the first one it is the
	// same as the other.
	{"sys/user/max_inotify_instances", "user.max_inotify_instances"},
}

// Read counts for the Prometheus that listens at addr, a URL or HOST:PORT. Root is
// /proc. With an error Usage has what is known all the same: the limits, if it is
// ErrElsewhere.
func Read(root, addr string) (Usage, error) {
	var u Usage
	for _, l := range limits {
		n, err := number(filepath.Join(root, l.path))
		if err == nil && (u.Sysctl == "" || n < u.Limit) {
			u.Limit, u.Sysctl = n, l.sysctl
		}
	}
	if u.Sysctl == "" {
		return u, ErrNoProc
	}
	u.Watches, _ = number(filepath.Join(root, "sys/fs/inotify/max_user_watches"))
	at, err := listening(root, addr)
	if err != nil {
		return u, err
	}
	all, err := processes(root)
	if err != nil {
		return u, err
	}
	p, err := find(all, at)
	if err != nil {
		return u, fmt.Errorf("%w: %w", ErrElsewhere, err)
	}
	u.UID = at.uid
	if p != nil {
		u.PID, u.UID = p.pid, p.uid
	}
	for _, other := range all {
		if other.uid != u.UID {
			continue
		}
		here := p != nil && other.pid == p.pid
		switch {
		case other.readable:
			u.InUse += other.instances
			if here {
				u.ByPrometheus = other.instances
			}
		default:
			u.Unread++
			u.PrometheusUnread = u.PrometheusUnread || here
		}
	}
	return u, nil
}

func number(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// process is one process, as far as it could be read.
type process struct {
	pid       int
	uid       uint32 // effective
	name      string
	readable  bool // its open files
	instances int
	sockets   []string // inodes
}

// processes reads all processes. Those that end meanwhile are left out.
func processes(root string) ([]process, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoProc, err)
	}
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p := process{pid: pid}
		dir := filepath.Join(root, e.Name())
		if !p.readStatus(dir) {
			continue
		}
		if gone := p.readFiles(dir); gone {
			continue
		}
		all = append(all, p)
	}
	return all, nil
}

func (p *process) readStatus(dir string) (ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "Name":
			p.name = strings.TrimSpace(value)
		case "Uid": // real, effective, saved, of the file system
			ids := strings.Fields(value)
			if len(ids) < 2 {
				return false
			}
			id, err := strconv.ParseUint(ids[1], 10, 32)
			if err != nil {
				return false
			}
			p.uid = uint32(id)
			return true
		}
	}
	return false
}

// instance is what the link of a descriptor of an inotify instance says.
const instance = "anon_inode:inotify"

func (p *process) readFiles(dir string) (gone bool) {
	entries, err := os.ReadDir(filepath.Join(dir, "fd"))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return false
	case err != nil:
		return true
	}
	p.readable = true
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(dir, "fd", e.Name()))
		switch {
		case errors.Is(err, fs.ErrPermission):
			p.readable = false
			return false
		case err != nil: // closed meanwhile
		case to == instance:
			p.instances++
		case strings.HasPrefix(to, "socket:["):
			p.sockets = append(p.sockets, strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]"))
		}
	}
	return false
}

// isPrometheus goes by the name, as in prometheus or prometheus-3.
func (p process) isPrometheus() bool {
	return p.name == "prometheus" || strings.HasPrefix(p.name, "prometheus-") && !strings.HasSuffix(p.name, "-exporter")
}

// find gives the process that listens. Where that is somebody in between (a proxy
// of nginx or Docker) it is the only one of Prometheus's name, and where the open
// files of the user cannot be read the only one of that name and user; nil: there
// are none or many.
func find(all []process, at listener) (*process, error) {
	for i, p := range all {
		if !slices.Contains(p.sockets, at.inode) {
			continue
		}
		if p.isPrometheus() {
			return &all[i], nil
		}
		only := onlyOne(all, process.isPrometheus)
		if only == nil {
			return nil, fmt.Errorf("%q (process %d) listens at %s", p.name, p.pid, at.addr)
		}
		return only, nil
	}
	return onlyOne(all, func(q process) bool { return q.isPrometheus() && q.uid == at.uid && !q.readable }), nil
}

func onlyOne(all []process, is func(process) bool) *process {
	var found *process
	for i := range all {
		if !is(all[i]) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &all[i]
	}
	return found
}
