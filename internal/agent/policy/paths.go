package policy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what Prometheus does with the files that a field names.
type Kind string

// What may be done with files.
const (
	Read  Kind = "read"
	Glob  Kind = "glob"
	Write Kind = "write"
)

// Path is a value of a configuration that names files.
type Path struct {
	Field, Value string
	Kind         Kind
	// Bare: a relative one is not resolved against the configuration's directory.
	Bare bool
}

// Places are where the agent works.
type Places struct {
	ConfigFile string // prometheus.yml, to whose directory relative paths refer
	TargetsDir string
	DataDir    string // the agent's own: nothing may name it
}

// Paths judges the paths of one configuration, by the links that are there now.
type Paths struct {
	policy      *Policy
	at          Places
	targets     []string // the targets directory, and where it leads
	read, write allowed
	own         []string // what nothing may name
	ownFiles    []string // what nothing may write
	found       int      // files that patterns went through
}

// allowed are directories as they are named, and with where they lead.
type allowed struct{ named, all []string }

// Paths makes the judge. The places are absolute.
func (p *Policy) Paths(at Places) *Paths {
	read := p.AllowPaths
	if read == nil {
		read = []string{filepath.Dir(at.ConfigFile), "/etc/prometheus"}
	}
	return &Paths{
		policy:   p,
		at:       at,
		targets:  allow(at.TargetsDir).all,
		read:     allow(append([]string{at.TargetsDir}, read...)...),
		write:    allow(p.AllowWritePaths...),
		own:      allow(at.DataDir).all,
		ownFiles: allow(at.ConfigFile, at.TargetsDir).all,
	}
}

func allow(paths ...string) allowed {
	var a allowed
	for _, p := range paths {
		if p == "" {
			continue
		}
		p = filepath.Clean(p)
		if slices.Contains(a.named, p) {
			continue
		}
		a.named = append(a.named, p)
		a.all = append(a.all, p)
		if end, err := resolve(p); err == nil && end != p {
			a.all = append(a.all, end)
		}
	}
	return a
}

// Allowed gives what a configuration may have Prometheus read.
func (j *Paths) Allowed() []string { return j.read.named }

// Writable gives what a configuration may have Prometheus write.
func (j *Paths) Writable() []string { return j.write.named }

// Check says in one line why a path may not be named. It looks at the links that
// are there now: whoever may make links in an allowed directory decides where its
// paths lead.
func (j *Paths) Check(p Path) error {
	may, key := j.read, "allow_paths"
	if p.Kind == Write {
		may, key = j.write, "allow_write_paths"
	}
	why := j.look(p, may)
	switch {
	case why == nil:
		return nil
	case errors.Is(why, errOwn):
		return fmt.Errorf("%s: %q: %w", p.Field, p.Value, why)
	}
	file := "a --policy.file"
	if j.policy.file != "" {
		file = j.policy.file
	}
	list := "nothing"
	if len(may.named) > 0 {
		list = strings.Join(may.named, ", ")
	}
	return fmt.Errorf("%s: %q is not allowed: %w; a configuration may have Prometheus %s %s: see %s in %s", p.Field, p.Value, why, verb(p.Kind), list, key, file)
}

func verb(k Kind) string {
	if k == Write {
		return "write"
	}
	return "read"
}

// errOwn is that a path is one that no policy allows.
var errOwn = errors.New("it is the agent's own, which no configuration may name")

func (j *Paths) look(p Path, may allowed) error {
	value := p.Value
	switch {
	case strings.ContainsRune(value, 0):
		return errors.New("it has a NUL in it")
	case strings.TrimSpace(value) == "":
		return errors.New("it is blank")
	case filepath.IsAbs(value):
	case p.Bare:
		return errors.New("it is relative, and Prometheus would take it from where it was started: write the whole path")
	default:
		value = filepath.Join(filepath.Dir(j.at.ConfigFile), value) // as Prometheus does
	}
	if p.Kind == Glob {
		return j.glob(value, may)
	}
	_, err := j.one(value, may, p.Kind == Write)
	return err
}

// one judges one absolute path: as it is written, and where it leads, which it gives.
func (j *Paths) one(value string, may allowed, write bool) (end string, err error) {
	if end, err = resolve(value); err != nil {
		return "", err
	}
	clean := filepath.Clean(value)
	for _, path := range []string{clean, end} {
		if within(j.own, path) || write && within(j.ownFiles, path) {
			return end, errOwn
		}
	}
	if !within(may.all, clean) {
		return end, errors.New("it is somewhere else")
	}
	if !within(may.all, end) {
		return end, fmt.Errorf("it leads to %q", end)
	}
	return end, nil
}

// within tells whether a clean path is one of the directories or below one.
func within(dirs []string, path string) bool {
	for _, dir := range dirs {
		if path == dir || dir == "/" || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

// maxLinks is how many symlinks a path may go through; Linux allows 40.
const maxLinks = 40

// resolve follows a path as the kernel does: link by link, ".." from where a link
// has led to. What is not there is taken as it is written, and a ".." out of it
// is refused: what it leads to depends on what will be there.
func resolve(path string) (string, error) {
	todo := strings.Split(path, "/")
	end, links, missing := "/", 0, false
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if missing {
				return "", errors.New("it has .. behind a directory that is not there")
			}
			end = filepath.Dir(end)
			continue
		}
		next := filepath.Join(end, name)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, os.ErrNotExist):
			missing = true
		case err != nil:
			return "", fmt.Errorf("this agent cannot see where it leads: %w", err)
		case info.Mode()&os.ModeSymlink != 0:
			if links++; links > maxLinks {
				return "", errors.New("it goes through too many symlinks")
			}
			target, err := os.Readlink(next)
			if err != nil {
				return "", fmt.Errorf("this agent cannot see where it leads: %w", err)
			}
			if filepath.IsAbs(target) {
				end = "/"
			}
			todo = append(strings.Split(target, "/"), todo...)
			continue
		}
		end = next
	}
	return end, nil
}
