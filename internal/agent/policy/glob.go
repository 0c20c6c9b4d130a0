package policy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// meta are the characters that make a path a pattern for filepath.Glob.
const meta = `*?[\`

// maxFound is how many files and directories the patterns of a configuration may
// go through.
const maxFound = 100_000

// glob judges a pattern: its part before the first metacharacter, and all that
// it finds now. What it finds later lies below that part too, unless somebody on
// the host puts a link there.
func (j *Paths) glob(pattern string, may allowed) error {
	parts := strings.Split(pattern, "/")
	first := slices.IndexFunc(parts, func(s string) bool { return strings.ContainsAny(s, meta) })
	if first < 0 {
		_, err := j.one(pattern, may, false)
		return err
	}
	if slices.Contains(parts[first:], "..") {
		return errors.New("it has .. behind a metacharacter")
	}
	for _, p := range parts[first:] {
		if _, err := filepath.Match(p, ""); err != nil {
			return fmt.Errorf("%q is not a pattern: %w", p, err)
		}
	}
	fixed := strings.Join(parts[:first], "/") + "/"
	end, err := j.one(fixed, may, false)
	if err != nil {
		return err
	}
	if within(j.targets, end) {
		return nil // what is there the agent has written itself
	}
	return j.expand(end, parts[first:], may) // not fixed: Join would take .. by the text
}

// expand judges what the rest of a pattern finds below a directory that is allowed.
func (j *Paths) expand(dir string, parts []string, may allowed) error {
	if len(parts) == 0 {
		return nil
	}
	rest := parts[1:]
	if parts[0] == "" || parts[0] == "." {
		return j.expand(dir, rest, may)
	}
	var names []string
	if strings.ContainsAny(parts[0], meta) {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil && !isNotDir(dir) {
			return fmt.Errorf("this agent cannot see what it finds: %w", err)
		}
		if j.found += len(entries); j.found > maxFound {
			return fmt.Errorf("it goes through more than %d files", maxFound)
		}
		for _, e := range entries {
			if ok, err := filepath.Match(parts[0], e.Name()); err == nil && ok {
				names = append(names, e.Name())
			}
		}
	} else {
		names = []string{parts[0]}
	}
	for _, name := range names {
		next := filepath.Join(dir, name)
		if _, err := os.Lstat(next); errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if _, err := j.one(next, may, false); err != nil {
			return fmt.Errorf("it finds %q: %w", next, err)
		}
		if err := j.expand(next, rest, may); err != nil {
			return err
		}
	}
	return nil
}

func isNotDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}
