package doctor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"promfleet/internal/agent"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/reload"
)

func (b *bed) mkdir(name string, mode os.FileMode) string {
	b.t.Helper()
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chmod(dir, mode); err != nil {
		b.t.Fatal(err)
	}
	return dir
}

// TestRightsOfAnotherUser: nobody looks at what this user has made.
func TestRightsOfAnotherUser(t *testing.T) {
	b := bare(t)
	b.write(b.ConfigFile, emptyYML, 0o644)
	before := tree(t, b.dir)
	lines := b.asNobody()
	expect(t, lines, "data path", reload.Bad, "cannot be made", "install -d -o nobody")
	expect(t, lines, "config directory", reload.Bad, "user nobody may not write in "+b.dir, "chown nobody")
	expect(t, lines, "targets directory", reload.Bad, "cannot be made", "install -d -o nobody")
	expect(t, lines, "prometheus.yml", reload.Good, "0644 of user root; a new one will be of user nobody")
	expect(t, lines, "other agents", reload.Good)
	if after := tree(t, b.dir); len(after) != len(before) {
		t.Errorf("made: %v", after)
	}

	data, targets := b.mkdir("data", 0o700), b.mkdir("targets.d", 0o755)
	lines = b.asNobody()
	expect(t, lines, "data path", reload.Bad, "may not write in "+data)
	expect(t, lines, "other agents", reload.Doubtful, "may not see")
	expect(t, lines, "targets directory", reload.Bad, "may not write in "+targets)

	// All of it writable: what is inside is looked at.
	for _, dir := range []string{b.dir, data, targets} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	lines = b.asNobody()
	expect(t, lines, "config directory", reload.Good)
	expect(t, lines, "targets directory", reload.Good)
	expect(t, lines, "data path", reload.Doubtful, "0777", "chmod 700")
	b.mkdir(apply.ConfigStage, 0o700)
	b.mkdir("targets.d/"+apply.TargetsStage, 0o700)
	b.mkdir("data/"+apply.TargetsStage, 0o700)
	lines = b.asNobody()
	for _, check := range []string{"config directory", "targets directory", "data path"} {
		expect(t, lines, check, reload.Bad, "may not write in "+b.dir)
	}

	if err := os.Chmod(b.dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.dir, apply.ConfigStage)); err != nil {
		t.Fatal(err)
	}
	expect(t, b.asNobody(), "config directory", reload.Bad, "is sticky", "chmod -t")

	b.write(b.ConfigFile, emptyYML, 0o600)
	expect(t, b.asNobody(), "prometheus.yml", reload.Bad, "may not read")
	b.write(b.ConfigFile, emptyYML, 0o640)
	if err := os.Chown(b.ConfigFile, 0, nobody); err != nil {
		t.Fatal(err)
	}
	expect(t, b.asNobody(), "prometheus.yml", reload.Bad, "0640 of user root", "could not be given")
	policy := filepath.Join(b.dir, "policy.yml")
	b.write(policy, "max_files: 10\n", 0o600)
	b.PolicyFile = policy
	expect(t, b.asNobody(), "policy", reload.Bad, policy, "permission denied")
}

// TestPrometheusReads: what the agent writes must be for Prometheus's user.
func TestPrometheusReads(t *testing.T) {
	b := bare(t)
	b.write(b.ConfigFile, emptyYML, 0o640)
	try := func(check string, result reload.Verdict, words ...string) {
		t.Helper()
		x, _ := b.looks(check)
		x.unseen, x.usage = nil, inotify.Usage{UID: nobody, PID: 1 << 30}
		expect(t, x.only(t, check), check, result, words...)
	}
	try("prometheus.yml", reload.Bad, "runs as user nobody", "may not read "+b.ConfigFile, "o+r")
	b.write(b.ConfigFile, emptyYML, 0o644)
	try("prometheus.yml", reload.Good)
	targets := b.mkdir("targets.d", 0o750)
	try("targets directory", reload.Bad, "may not read "+targets, "chmod o+rx")
	if err := os.Chmod(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	try("prometheus.yml", reload.Bad, "may not look into "+b.dir, "o+x")
	if err := os.Chown(b.dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	try("prometheus.yml", reload.Good)

	// A process that is not seen may be in any group.
	b.write(b.ConfigFile, emptyYML, 0o640)
	x, _ := b.looks("prometheus.yml")
	x.unseen, x.usage = nil, inotify.Usage{UID: nobody}
	expect(t, x.only(t, "prometheus.yml"), "prometheus.yml", reload.Good)
}

func TestThingsInTheWay(t *testing.T) {
	b := bare(t)
	file := filepath.Join(b.dir, "file")
	b.write(file, "", 0o600)
	try := func(check string, result reload.Verdict, words ...string) {
		t.Helper()
		_, lines := b.looks(check)
		expect(t, lines, check, result, words...)
	}
	b.DataPath = file
	try("data path", reload.Bad, "is not a directory")
	b.DataPath = filepath.Join(file, "data")
	try("data path", reload.Bad, file)
	b.DataPath = b.mkdir("data", 0o700)
	try("data path", reload.Good)
	b.write(filepath.Join(b.DataPath, agent.UUIDFile), "x\n", 0o600)
	try("data path", reload.Bad, "not a uuid")
	b.write(filepath.Join(b.DataPath, "state.json"), "{", 0o600)
	try("data path", reload.Bad, "state.json is damaged", "move state.json away")

	b.TargetsDir = file
	try("targets directory", reload.Bad, "is not a directory")
	b.TargetsDir = filepath.Join(b.dir, "a", "b")
	try("targets directory", reload.Bad, "create "+filepath.Join(b.dir, "a"))
	b.TargetsDir = filepath.Join(b.dir, "t[1]")
	try("targets directory", reload.Bad, "pattern")
	b.TargetsDir = b.mkdir("targets", 0o755)
	b.write(filepath.Join(b.TargetsDir, apply.TargetsStage), "", 0o600)
	try("targets directory", reload.Bad, "stages its files")

	regular := b.ConfigFile
	b.write(regular, emptyYML, 0o644)
	b.ConfigFile = filepath.Join(b.dir, "link.yml")
	if err := os.Symlink(regular, b.ConfigFile); err != nil {
		t.Fatal(err)
	}
	try("prometheus.yml", reload.Bad, "is a symlink", "give "+regular)
	b.ConfigFile = b.mkdir("dir.yml", 0o755)
	try("prometheus.yml", reload.Bad, "not a regular file")
	b.ConfigFile = filepath.Join(b.dir, "none", "prometheus.yml")
	try("config directory", reload.Bad, "is not there", "--prometheus.config-file")
	try("prometheus.yml", reload.Doubtful, "nor is its directory")
	b.ConfigFile = filepath.Join(file, "prometheus.yml")
	try("config directory", reload.Bad, "not a directory")
}

// TestMounts: as an agent would find it in a container.
func TestMounts(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	etc := filepath.Dir(b.ConfigFile)
	other := filepath.Join(b.dir, "other.yml")
	b.write(other, emptyYML, 0o644)

	lines := b.withMounts(mountOf{From: other, To: b.ConfigFile, Flags: syscall.MS_BIND})
	expect(t, lines, "mounts", reload.Bad, "bind mount of a single file", "mount its directory")

	// Another directory than the one of Prometheus in the same place.
	apart := b.mkdir("apart", 0o755)
	b.write(filepath.Join(apart, "prometheus.yml"), emptyYML, 0o644)
	lines = b.withMounts(mountOf{From: apart, To: etc, Flags: syscall.MS_BIND})
	expect(t, lines, "mounts", reload.Bad, "mounts of its own", "another "+etc)
	expect(t, lines, "config file", reload.Bad, "the agent would write "+b.ConfigFile)

	// A read-only one.
	lines = b.withMounts(mountOf{From: etc, To: etc, Flags: syscall.MS_BIND},
		mountOf{From: etc, To: etc, Flags: syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY})
	expect(t, lines, "config directory", reload.Bad, "read-only filesystem", "ReadWritePaths=")
	expect(t, lines, "targets directory", reload.Bad, "read-only filesystem")
	expect(t, lines, "mounts", reload.Good, "mounts of its own", "sees the same files")

	// Stage and place on two filesystems, or on one and mounted twice.
	stage := b.mkdir("etc/"+apply.ConfigStage, 0o700)
	lines = b.withMounts(mountOf{From: "tmpfs", To: stage, Type: "tmpfs"})
	expect(t, lines, "config directory", reload.Bad, "on another filesystem")
	lines = b.withMounts(mountOf{From: stage, To: stage, Flags: syscall.MS_BIND})
	expect(t, lines, "mounts", reload.Bad, stage+" is a mount of its own")

	// A small disk, and one without inodes.
	targets := b.mkdir("etc/targets.d", 0o755)
	lines = b.withMounts(mountOf{From: "tmpfs", To: targets, Type: "tmpfs", Data: "size=4k"})
	expect(t, lines, "disk space", reload.Bad, targets+" has 4 KiB of 4 KiB free", "make room")
	lines = b.withMounts(mountOf{From: "tmpfs", To: targets, Type: "tmpfs", Data: "size=10m"})
	expect(t, lines, "disk space", reload.Doubtful, "10.0 MiB of 10.0 MiB free")
	lines = b.withMounts(mountOf{From: "tmpfs", To: targets, Type: "tmpfs", Data: "size=500m,nr_inodes=3"})
	expect(t, lines, "disk space", reload.Bad, "2 of 3 inodes")
}

// TestSingleFileForPrometheusAlone: this host sees a plain file, the Prometheus in
// a container a mount.
func TestSingleFileForPrometheusAlone(t *testing.T) {
	b := newBed(t, "PROMFLEET_PROMETHEUS_CURRENT")
	x, _ := b.looks("prometheus")
	x.lookAtPrometheus(t.Context())
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	x.proc = t.TempDir()
	for process, more := range map[string]string{
		"self": "", strconv.Itoa(x.usage.PID): "9998 1 0:1 / / rw - overlay overlay rw\n9999 1 8:1 /srv/p.yml " + b.ConfigFile + " rw - ext4 /dev/sda1 rw\n",
	} {
		dir := filepath.Join(x.proc, process)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		b.write(filepath.Join(dir, "mountinfo"), more+string(text), 0o644)
	}
	expect(t, x.only(t, "mounts"), "mounts", reload.Bad, "bind mount of a single file for Prometheus", "at the same path")
}

func TestTakeOver(t *testing.T) {
	b := bare(t)
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		_, lines := b.looks("take-over")
		expect(t, lines, "take-over", result, words...)
	}
	try(reload.Good, "there is no")
	b.write(b.ConfigFile, emptyYML, 0o644)
	try(reload.Good, "by somebody else", "become the base", "before-promfleet")
	jobs := "scrape_configs:\n"
	for i := range 7 {
		jobs += "- job_name: job" + strconv.Itoa(i) + "\n"
	}
	b.write(b.ConfigFile, jobs, 0o644)
	try(reload.Doubtful, "job0, job1, job2, job3, job4 and 2 more", "stays as it is", "--prometheus.take-over=discard")
	b.TakeOver = agent.TakeOverDiscard
	try(reload.Doubtful, "will be dropped", "kept as prometheus.yml.before-promfleet")
	b.TakeOver = ""
	b.write(b.ConfigFile, "scrape_configs:\n- job_name: a\n  tls_config: {ca_file: /srv/ca.pem}\n", 0o644)
	try(reload.Doubtful, "tls_config.ca_file", "/srv/ca.pem", "--policy.file")
	b.write(b.ConfigFile, "scrape_configs: 7\n", 0o644)
	try(reload.Bad, "cannot be used", "mend it or move it away")
}

func TestBase(t *testing.T) {
	b := bare(t)
	try := func(result reload.Verdict, words ...string) {
		t.Helper()
		_, lines := b.looks("base config")
		expect(t, lines, "base config", result, words...)
	}
	try(reload.Good, "none is given")
	b.BaseConfig = filepath.Join(b.dir, "base.yml")
	try(reload.Bad, b.BaseConfig, "no such file")
	b.write(b.BaseConfig, "global: {scrape_interval: never}\n", 0o644)
	try(reload.Bad, "not valid", "promtool")
	b.write(b.BaseConfig, "scrape_configs: [{job_name: a}]\n", 0o644)
	try(reload.Good, "1 scrape jobs are left out")
}

func TestPolicy(t *testing.T) {
	b := bare(t)
	b.PolicyFile = filepath.Join(b.dir, "policy.yml")
	try := func(text string, mode os.FileMode, result reload.Verdict, words ...string) {
		t.Helper()
		b.write(b.PolicyFile, text, mode)
		_, lines := b.looks("policy")
		expect(t, lines, "policy", result, words...)
	}
	try("allow_paths: [/srv/certs]\nallow_write_paths: [/srv/log]\n", 0o644, reload.Good, b.PolicyFile, "read", "targets.d, /srv/certs", "write /srv/log")
	try("allow_paths: [/srv/certs]\n", 0o664, reload.Doubtful, "/srv/certs", "chmod go-w")
	try("allow_path: [/srv/certs]\n", 0o644, reload.Bad, "there is no field allow_path", "policy.example.yml")
}

func TestFlock(t *testing.T) {
	pid, at, is := flock("1: FLOCK  ADVISORY  WRITE 233 fe:0a:1234 0 EOF\n")
	if !is || pid != 233 || at != (file{0xfe, 0x0a, 1234}) {
		t.Error(pid, at, is)
	}
	for _, line := range []string{"", "2: POSIX  ADVISORY  WRITE 233 fe:00:1234 0 EOF", "1: FLOCK  ADVISORY  READ 233 fe:00:1234 0 EOF", "1: -> FLOCK  ADVISORY  WRITE 5 fe:00:1234 0 EOF"} {
		if _, _, is := flock(line); is {
			t.Errorf("%q", line)
		}
	}
	if a, b := (file{0, 40, 7}), (file{0, 41, 7}); !a.same(b) || a.same(file{8, 1, 7}) || a.same(file{0, 40, 8}) {
		t.Error("which files are the same")
	}
	if got := watchKey("inotify wd:1 ino:9e7e sdev:800013 mask:800afce"); got != "9e7e@800013" {
		t.Error(got)
	}
	if got := watchKey("pos:\t0"); got != "" {
		t.Error(got)
	}
	if got := strings.Join([]string{size(5 << 10), size(1536 << 10), size(3 << 30)}, ","); got != "5 KiB,1.5 MiB,3.0 GiB" {
		t.Error(got)
	}
}
