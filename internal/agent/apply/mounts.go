package apply

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// notMounted refuses a file that is itself a mount point, as a container gets one
// with a bind mount of the single file. A rename would give the path another
// inode while Prometheus goes on reading the old one: its reload would succeed on
// the old content.
func notMounted(file string) error {
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil // no Linux, no bind mounts
	}
	defer mounts.Close()
	parent, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("--prometheus.config-file %s: its directory cannot be used: %w; create it, or name the prometheus.yml that Prometheus reads", file, cause(err))
	}
	points, err := mountPoints(mounts)
	if err != nil {
		return err
	}
	if points[filepath.Join(parent, filepath.Base(file))] {
		return fmt.Errorf("%s is a bind mount of a single file: it cannot be replaced, and Prometheus would go on reading the old one; mount its directory instead", file)
	}
	return nil
}

// cause gives what is wrong with a path, without the path.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// mountPoints reads a /proc/PID/mountinfo: see proc_pid_mountinfo(5).
func mountPoints(r io.Reader) (map[string]bool, error) {
	points := map[string]bool{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			points[unescape(fields[4])] = true
		}
	}
	return points, lines.Err()
}

// unescape undoes the octal escapes of space, tab, newline and backslash.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
