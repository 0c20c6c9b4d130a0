package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"promfleet/internal/agent"
	"promfleet/internal/agent/policy"
	"promfleet/internal/agent/reload"
	"promfleet/internal/check"
	"promfleet/internal/render"
)

// lookAtConfig looks whether prometheus.yml can be replaced, and then still be
// read by Prometheus.
func (x *exam) lookAtConfig(context.Context) reload.Finding {
	file := x.o.ConfigFile
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return x.noConfig()
	case err != nil:
		return failure(rights(filepath.Dir(file)), "%s: %s", file, cause(err))
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := filepath.EvalSymlinks(file)
		if err != nil {
			to = "the file itself"
		}
		return failure("put a regular file there, or give "+to+" to both, --prometheus.config-file and Prometheus's --config.file",
			"%s is a symlink, and the agent writes no file through one", file)
	case !info.Mode().IsRegular():
		return failure("put a regular file there", "%s is not a regular file (%s)", file, info.Mode().Type())
	case immutable(file):
		return failure("chattr -i -a "+file, "%s has the attribute i or a and cannot be replaced", file)
	}
	if err := mayRead(file); err != nil {
		return failure("let the agent's user read it", "%s may not read %s (%s)", me(), file, err)
	}
	uid, gid, known := owner(info)
	mode := info.Mode().Perm()
	if known && mode&0o004 == 0 && int(uid) != os.Geteuid() && !mayGive(uid, gid) {
		return failure("chmod 644 "+file+", if there are no secrets in it, or run the agent as "+userName(uid)+" or root",
			"%s is %04o of %s: a new one of %s could not be given to it, and Prometheus might not read it", file, mode, userName(uid), me())
	}
	if f := x.unreadable(file, info); f != nil {
		return *f
	}
	if int(uid) != os.Geteuid() && !mayGive(uid, gid) {
		return ok("%s is %04o of %s; a new one will be of %s", file, mode, userName(uid), me())
	}
	return ok("%s is %04o of %s, and stays so", file, mode, userName(uid))
}

func (x *exam) noConfig() reload.Finding {
	if _, err := os.Stat(filepath.Dir(x.o.ConfigFile)); err != nil {
		return warning("see to its directory first", "%s is not there, nor is its directory", x.o.ConfigFile)
	}
	if f := x.unreadable(filepath.Dir(x.o.ConfigFile), nil); f != nil {
		return *f
	}
	return ok("%s is not there yet and will be made, 0644", x.o.ConfigFile)
}

// unreadable says that the user of Prometheus cannot read a file, or look into a
// directory, going by modes and owners; nil also if that is not known.
func (x *exam) unreadable(path string, info fs.FileInfo) *reload.Finding {
	if x.unseen != nil || x.usage.UID == 0 || int(x.usage.UID) == os.Geteuid() {
		return nil
	}
	as := identity{uid: x.usage.UID, groups: x.groups(), anyGroup: x.usage.PID == 0}
	hint := func(at, bits string) string { return fmt.Sprintf("chmod %s %s, or make it Prometheus's", bits, at) }
	who := fmt.Sprintf("Prometheus, which runs as %s,", userName(as.uid))
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		above, err := os.Stat(dir)
		if err == nil && !as.may(dir, above, 0o1) {
			f := failure(hint(dir, "o+x"), "%s may not look into %s (%04o)", who, dir, above.Mode().Perm())
			return &f
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if info == nil {
		return nil
	}
	need, bits := fs.FileMode(0o4), "o+r"
	if info.IsDir() {
		need, bits = 0o5, "o+rx"
	}
	if !as.may(path, info, need) {
		f := failure(hint(path, bits), "%s may not read %s (%04o)", who, path, info.Mode().Perm())
		return &f
	}
	return nil
}

// groups are those of Prometheus's process.
func (x *exam) groups() []string {
	text, _ := os.ReadFile(x.process(x.usage.PID, "status"))
	var groups []string
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); key == "Groups" || key == "Gid" {
			groups = append(groups, strings.Fields(value)...)
		}
	}
	return groups
}

// identity is a user with its groups.
type identity struct {
	uid      uint32
	groups   []string
	anyGroup bool // they are not known
}

// may tells whether the mode of a file gives it what is needed. Of a file with an
// access list that is not known, and taken for granted.
func (i identity) may(path string, info fs.FileInfo, need fs.FileMode) bool {
	uid, gid, known := owner(info)
	mode := info.Mode().Perm()
	switch {
	case !known || i.uid == 0:
		return true
	case uid == i.uid:
		mode >>= 6
	case slices.Contains(i.groups, fmt.Sprint(gid)):
		mode >>= 3
	case i.anyGroup:
		mode |= mode >> 3
	}
	return mode&need == need || accessList(path)
}

// lookAtPolicy reads the policy file.
func (x *exam) lookAtPolicy(context.Context) reload.Finding {
	p, err := policy.Load(x.o.PolicyFile)
	if err != nil {
		return failure("correct that file: deploy/policy.example.yml has all fields", "%s", x.policyError(err))
	}
	x.policy = p
	said := ""
	if write := p.AllowWritePaths; len(write) > 0 {
		said = ", and write " + strings.Join(write, ", ")
	}
	text := fmt.Sprintf("%s: a configuration may have Prometheus read %s%s", p, strings.Join(x.paths().Allowed(), ", "), said)
	if f := x.policyFile(text); f != nil {
		return *f
	}
	return ok("%s", text)
}

func (x *exam) policyError(err error) string {
	if x.afar {
		return fmt.Sprintf("--policy.file %s cannot be used: %s", x.o.PolicyFile, x.quoting(err))
	}
	return err.Error()
}

// policyFile says that others than root can change what the server may do.
func (x *exam) policyFile(text string) *reload.Finding {
	info, err := os.Stat(x.o.PolicyFile)
	if x.o.PolicyFile == "" || err != nil || info.Mode().Perm()&0o022 == 0 {
		return nil
	}
	f := warning("chmod go-w "+x.o.PolicyFile, "%s; others than its owner may write that file (%04o)", text, info.Mode().Perm())
	return &f
}

func (x *exam) paths() *policy.Paths {
	return x.policy.Paths(policy.Places{ConfigFile: x.o.ConfigFile, TargetsDir: x.o.TargetsDir, DataDir: x.o.DataPath})
}

// lookAtBase reads --prometheus.base-config.
func (x *exam) lookAtBase(context.Context) reload.Finding {
	if x.o.BaseConfig == "" {
		return ok("none is given: the sections of the node on the server serve, else those of the prometheus.yml that is taken over")
	}
	text, err := os.ReadFile(x.o.BaseConfig)
	if err != nil {
		return failure("correct --prometheus.base-config", "%s: %s", x.o.BaseConfig, cause(err))
	}
	c, err := check.Load(text)
	if err != nil {
		return failure("mend that file: promtool check config shows where", "--prometheus.base-config %s is not valid: %s", x.o.BaseConfig, x.quoting(err))
	}
	if n := len(c.JobNames()); n > 0 {
		return ok("%s is valid; its %d scrape jobs are left out", x.o.BaseConfig, n)
	}
	return ok("%s is valid", x.o.BaseConfig)
}

// lookAtTakeOver says what would become of the prometheus.yml that is there.
func (x *exam) lookAtTakeOver(context.Context) reload.Finding {
	file := x.o.ConfigFile
	if x.state.Config != nil {
		return ok("%s is the agent's own already", file)
	}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ok("there is no %s to take over", file)
	case err != nil:
		return warning("see above", "not known: %s: %s", file, cause(err))
	}
	c, err := check.Load(text)
	if err != nil {
		return failure("mend it or move it away", "%s was not written by this agent and cannot be used: %s", file, x.quoting(err))
	}
	whose := "by somebody else"
	if strings.HasPrefix(string(text), render.Header) {
		whose = "by promfleet, but not by an agent with this --data.path"
	}
	jobs := c.JobNames()
	if len(jobs) == 0 {
		return ok("%s was written %s and has no scrape jobs: its sections become the base, and the file is kept as %s.before-promfleet", file, whose, filepath.Base(file))
	}
	names := list(jobs)
	if x.o.TakeOver == agent.TakeOverDiscard {
		return warning("leave --prometheus.take-over=discard away to keep them", "%s was written %s: its scrape jobs (%s) will be dropped for those of the server; the file is kept as %s.before-promfleet",
			file, whose, names, filepath.Base(file))
	}
	if err := x.notAllowed(c); err != nil {
		return warning("allow it in --policy.file, or the same job from the server is refused", "%s was written %s, and of its scrape jobs (%s) one names what the policy does not allow: %s", file, whose, names, err)
	}
	return warning("give the node the same jobs on the server, or drop them with --prometheus.take-over=discard",
		"%s was written %s and has scrape jobs (%s): it stays as it is until the node's jobs on the server would load the same", file, whose, names)
}

// notAllowed gives the first path of a job that the policy would refuse.
func (x *exam) notAllowed(c *check.Config) error {
	named, err := c.Paths()
	if err != nil {
		return err
	}
	judge := x.paths()
	for _, p := range named {
		if !strings.HasPrefix(p.Field, "scrape_configs[") {
			continue
		}
		if err := judge.Check(policy.Path{Field: p.Field, Value: p.Value, Kind: policy.Kind(p.Kind), Bare: p.Bare}); err != nil {
			return err
		}
	}
	return nil
}

// list names a few of many.
func list(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
