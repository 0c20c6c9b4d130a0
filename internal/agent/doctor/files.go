package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"promfleet/internal/agent"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/reload"
)

// writable says why the agent could not work in a directory, and what to do; nil
// if it could. stage is its own directory below, which may not be there yet: only
// there something is written. A file without a name is seen by whoever watches the
// directory too, and some of those reload Prometheus.
func writable(dir, stage string) *reload.Finding {
	if f := denied(dir); f != nil {
		return f
	}
	at := filepath.Join(dir, stage)
	info, err := os.Lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return denied(at)
	case !info.IsDir():
		f := failure("move it away", "%s is not a directory (%s), and the agent stages its files there", at, info.Mode().Type())
		return &f
	default:
		if f := denied(at); f != nil {
			return f
		}
		if f := elsewhere(dir, at); f != nil {
			return f
		}
	}
	if err := tryWriting(at); err != nil {
		f := notWritten(at, err)
		return &f
	}
	return nil
}

// denied says why this user may not write in a directory.
func denied(dir string) *reload.Finding {
	err := mayWrite(dir)
	if err == nil {
		return nil
	}
	f := notWritten(dir, err)
	return &f
}

func notWritten(dir string, err error) reload.Finding {
	err = cause(err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return failure(rights(dir), "%s may not write in %s (%s)", me(), dir, err)
	case errors.Is(err, syscall.EROFS):
		return failure("mount it read-write (a systemd unit: ReadWritePaths=; a container: no :ro)", "%s is on a read-only filesystem", dir)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failure("make room there", "nothing can be written in %s: %s", dir, err)
	}
	return failure("see to that directory and its disk", "nothing can be written in %s: %s", dir, err)
}

// rights says how to get them.
func rights(dir string) string {
	name := strings.TrimPrefix(me(), "user ")
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return fmt.Sprintf("chown %s %s, or give its group write permission and put %s into it, or run the agent as its owner", name, dir, name)
	}
	return "let " + name + " look into the directories above it, or run the agent as another user"
}

// elsewhere says that a directory is on another filesystem than the one above it:
// nothing can be renamed from the one into the other.
func elsewhere(dir, below string) *reload.Finding {
	a, errA := os.Stat(dir)
	b, errB := os.Stat(below)
	if errA != nil || errB != nil {
		return nil
	}
	x, okA := fileOf(a)
	y, okB := fileOf(b)
	if !okA || !okB || x.major == y.major && x.minor == y.minor {
		return nil
	}
	f := failure("unmount it: both must be on one filesystem", "%s is on another filesystem than %s, so that no file can be renamed between them", below, dir)
	return &f
}

// missing tells of a directory that is to be made whether it can be: the nearest
// one above that is there must take it, or, where the agent makes no others, the
// one right above.
func missing(dir string, deep bool) *reload.Finding {
	above := filepath.Dir(dir)
	for deep {
		if _, err := os.Stat(above); !errors.Is(err, fs.ErrNotExist) || above == filepath.Dir(above) {
			break
		}
		above = filepath.Dir(above)
	}
	info, err := os.Stat(above)
	switch {
	case err != nil:
		f := failure("create "+above, "%s is not there and cannot be made: %s: %s", dir, above, cause(err))
		return &f
	case !info.IsDir():
		f := failure("move it away, or name another place", "%s is not there and cannot be made: %s is not a directory", dir, above)
		return &f
	}
	if f := denied(above); f != nil {
		f.Found = dir + " is not there and cannot be made: " + f.Found
		f.Hint = "make it for the agent's user, as root: install -d -o " + strings.TrimPrefix(me(), "user ") + " " + dir
		return f
	}
	return nil
}

// lookAtDataPath looks at the agent's own directory.
func (x *exam) lookAtDataPath(context.Context) reload.Finding {
	dir := x.o.DataPath
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if f := missing(dir, true); f != nil {
			return *f
		}
		return ok("%s is not there yet and will be made, 0700", dir)
	case err != nil:
		return failure("name a directory that the agent can use with --data.path", "%s: %s", dir, cause(err))
	case !info.IsDir():
		return failure("name a directory with --data.path", "%s is not a directory", dir)
	}
	if f := writable(dir, apply.TargetsStage); f != nil {
		return *f
	}
	if f := x.dataFiles(); f != nil {
		return *f
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return warning("chmod 700 "+dir, "%s is %04o: others than the agent see what is in it, the node's credential among it", dir, mode)
	}
	if uid, _, known := owner(info); known && int(uid) != os.Geteuid() {
		return warning("run doctor as that user, as the agent will be", "%s is of %s, and this runs as %s: what is found here holds for the latter", dir, userName(uid), me())
	}
	return ok("%s is this user's alone", dir)
}

// dataFiles looks at what an agent has left in the data path.
func (x *exam) dataFiles() *reload.Finding {
	if _, err := apply.ReadState(x.o.DataPath); err != nil {
		f := failure("move state.json away, and the agent takes the files over anew", "%s", err)
		if errors.Is(err, fs.ErrPermission) {
			f = failure("run doctor as the user of the agent", "%s may not read %s/state.json", me(), x.o.DataPath)
		}
		return &f
	}
	for _, name := range []string{agent.UUIDFile, agent.CredentialFile} {
		text, err := os.ReadFile(filepath.Join(x.o.DataPath, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			f := failure("run doctor and agent as its owner", "%s/%s: %s", x.o.DataPath, name, cause(err))
			return &f
		}
		if name == agent.UUIDFile && uuid.Validate(strings.TrimSpace(string(text))) != nil {
			f := failure("put the node's uuid back, as promfleet node list shows it", "%s/%s is not a uuid", x.o.DataPath, name)
			return &f
		}
	}
	return nil
}

// lookAtConfigDir looks at the directory of prometheus.yml.
func (x *exam) lookAtConfigDir(context.Context) reload.Finding {
	dir := filepath.Dir(x.o.ConfigFile)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failure("create it, or name the prometheus.yml that Prometheus reads with --prometheus.config-file", "%s is not there", dir)
	case err != nil:
		return failure(rights(dir), "%s: %s", dir, cause(err))
	case !info.IsDir():
		return failure("correct --prometheus.config-file", "%s is not a directory", dir)
	}
	if f := writable(dir, apply.ConfigStage); f != nil {
		return *f
	}
	if f := x.sticky(info); f != nil {
		return *f
	}
	return ok("%s may write in %s", me(), dir)
}

// sticky says that files of others cannot be replaced in the directory.
func (x *exam) sticky(dir fs.FileInfo) *reload.Finding {
	file, err := os.Lstat(x.o.ConfigFile)
	if err != nil || dir.Mode()&fs.ModeSticky == 0 || os.Geteuid() == 0 {
		return nil
	}
	dirUID, _, _ := owner(dir)
	uid, _, known := owner(file)
	if !known || int(dirUID) == os.Geteuid() || int(uid) == os.Geteuid() {
		return nil
	}
	at := filepath.Dir(x.o.ConfigFile)
	f := failure("chmod -t "+at+", or make the file the agent's own", "%s is sticky, and %s is of %s: %s may not replace it", at, x.o.ConfigFile, userName(uid), me())
	return &f
}

// lookAtTargetsDir looks at the directory of the target files.
func (x *exam) lookAtTargetsDir(context.Context) reload.Finding {
	dir := x.o.TargetsDir
	if strings.ContainsAny(dir, `*?[\`) {
		return failure("name another one with --prometheus.targets-dir", `%s has one of *?[\, which Prometheus would take for a pattern`, dir)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if f := missing(dir, false); f != nil {
			return *f
		}
		return ok("%s is not there yet and will be made, 0755", dir)
	case err != nil:
		return failure(rights(dir), "%s: %s", dir, cause(err))
	case !info.IsDir():
		return failure("move it away, or name another one with --prometheus.targets-dir", "%s is not a directory", dir)
	}
	if f := writable(dir, apply.TargetsStage); f != nil {
		return *f
	}
	for key := range x.state.Dirs {
		at := filepath.Join(dir, key)
		if _, err := os.Lstat(at); err != nil {
			continue
		}
		if f := denied(at); f != nil {
			return *f
		}
		if f := elsewhere(dir, at); f != nil {
			return *f
		}
	}
	if f := x.unreadable(dir, info); f != nil {
		return *f
	}
	return ok("%s may write in %s", me(), dir)
}

// lookAtSpace tells how much room the filesystems have, each once.
func (x *exam) lookAtSpace(context.Context) reload.Finding {
	const (
		tooLittle, little        = 1 << 20, 100 << 20
		tooFew, few       uint64 = 8, 1000
	)
	var said []string
	low, seen := false, map[[2]uint64]bool{}
	for _, dir := range []string{x.o.DataPath, filepath.Dir(x.o.ConfigFile), x.o.TargetsDir} {
		for dir != filepath.Dir(dir) {
			if _, err := os.Stat(dir); err == nil {
				break
			}
			dir = filepath.Dir(dir)
		}
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		id, known := fileOf(info)
		if on := [2]uint64{id.major, id.minor}; known && seen[on] {
			continue
		} else if known {
			seen[on] = true
		}
		s, err := spaceAt(dir)
		if err != nil {
			return warning("see to that directory", "%s: %s", dir, err)
		}
		text := fmt.Sprintf("%s has %s of %s free", dir, size(s.bytes), size(s.of))
		if s.ofThem > 0 {
			text += fmt.Sprintf(" and %d of %d inodes", s.inodes, s.ofThem)
		}
		if s.bytes < tooLittle || s.ofThem > 0 && s.inodes < tooFew {
			return failure("make room there", "%s", text)
		}
		low = low || s.bytes < little || s.ofThem > 0 && s.inodes < few
		said = append(said, text)
	}
	if text := strings.Join(said, "; "); low {
		return warning("make room there: what cannot be written is not applied", "%s", text)
	}
	return ok("%s", strings.Join(said, "; "))
}

func size(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
