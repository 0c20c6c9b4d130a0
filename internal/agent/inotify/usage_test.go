package inotify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/reload/reloadtest"
	"promfleet/internal/proctest"
)

// host is a /proc of a test's own.
type host struct {
	t    *testing.T
	root string
}

func newHost(t *testing.T, limit string) host {
	h := host{t, t.TempDir()}
	h.write("sys/fs/inotify/max_user_instances", limit+"\n")
	h.write("sys/fs/inotify/max_user_watches", "8192\n")
	h.write("net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
	return h
}

func (h host) write(name, body string) {
	h.t.Helper()
	path := filepath.Join(h.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(body); err != nil {
		h.t.Fatal(err)
	}
}

func (h host) listen(table, addr string, uid, inode int) {
	h.write("net/"+table, fmt.Sprintf("   0: %s 00000000:0000 0A 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0 10 0\n", addr, uid, inode))
}

// process has the files that the links say.
func (h host) process(pid int, name string, uid int, links ...string) {
	h.t.Helper()
	dir := strconv.Itoa(pid)
	h.write(dir+"/status", fmt.Sprintf("Name:\t%s\nState:\tS (sleeping)\nUid:\t0\t%d\t0\t0\n", name, uid))
	if err := os.MkdirAll(filepath.Join(h.root, dir, "fd"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	for i, to := range links {
		if err := os.Symlink(to, filepath.Join(h.root, dir, "fd", strconv.Itoa(i))); err != nil {
			h.t.Fatal(err)
		}
	}
}

const watcher = "anon_inode:inotify"

func read(t *testing.T, h host, addr string) inotify.Usage {
	t.Helper()
	u, err := inotify.Read(h.root, addr)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCountsTheUserOfPrometheus(t *testing.T) {
	h := newHost(t, "128")
	h.listen("tcp", "0100007F:2382", 33, 700)
	h.listen("tcp", "00000000:2383", 0, 701)
	h.process(10, "prometheus", 33, "/dev/null", "socket:[700]", watcher, watcher, watcher)
	h.process(11, "tail", 33, watcher, "anon_inode:[eventpoll]")
	h.process(12, "systemd", 0, watcher, watcher)
	for _, addr := range []string{"127.0.0.1:9090", "http://127.0.0.1:9090/prometheus", "http://0.0.0.0:9090"} {
		got := read(t, h, addr)
		want := inotify.Usage{Limit: 128, Sysctl: "fs.inotify.max_user_instances", Watches: 8192, UID: 33, PID: 10, InUse: 4, ByPrometheus: 3}
		if got != want {
			t.Errorf("of %s: %+v, want %+v", addr, got, want)
		}
		if got.Partial() {
			t.Error("all was read, and it says that some was not")
		}
	}
}

func TestFindsAListenerOfEveryAddress(t *testing.T) {
	for name, listen := range map[string][2]string{
		"IPv4":        {"tcp", "00000000:2382"},
		"IPv6":        {"tcp6", "00000000000000000000000000000000:2382"},
		"IPv6 alone":  {"tcp6", "00000000000000000000000001000000:2382"},
		"IPv4 mapped": {"tcp6", "0000000000000000FFFF00000100007F:2382"},
	} {
		h := newHost(t, "128")
		h.listen(listen[0], listen[1], 33, 700)
		h.process(10, "prometheus", 33, "socket:[700]", watcher)
		addr := "127.0.0.1:9090"
		if name == "IPv6 alone" {
			addr = "http://[::1]:9090"
		}
		if got := read(t, h, addr); got.PID != 10 || got.ByPrometheus != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFindsPrometheusBehindAProxy(t *testing.T) {
	h := newHost(t, "128")
	h.listen("tcp", "00000000:2382", 0, 700)
	h.process(9, "docker-proxy", 0, "socket:[700]", watcher)
	h.process(10, "prometheus", 65534, "socket:[999]", watcher, watcher)
	if got := read(t, h, "localhost:9090"); got.PID != 10 || got.UID != 65534 || got.InUse != 2 {
		t.Errorf("%+v", got)
	}
	h.process(11, "prometheus", 33)
	if _, err := inotify.Read(h.root, "localhost:9090"); !errors.Is(err, inotify.ErrElsewhere) || !strings.Contains(err.Error(), "docker-proxy") {
		t.Errorf("with two of them: %v", err)
	}
}

func TestTheSmallerLimitCounts(t *testing.T) {
	h := newHost(t, "128")
	h.write("sys/user/max_inotify_instances", "50\n")
	h.listen("tcp", "0100007F:2382", 33, 700)
	if got := read(t, h, "127.0.0.1:9090"); got.Limit != 50 || got.Sysctl != "user.max_inotify_instances" {
		t.Errorf("%+v", got)
	}
}

func TestSaysWhereItCannotCount(t *testing.T) {
	none := host{t, t.TempDir()}
	if _, err := inotify.Read(none.root, "127.0.0.1:9090"); !errors.Is(err, inotify.ErrNoProc) {
		t.Errorf("without /proc: %v", err)
	}
	h := newHost(t, "512")
	for _, addr := range []string{"127.0.0.1:9090", "http://192.0.2.1:9090"} {
		u, err := inotify.Read(h.root, addr)
		if !errors.Is(err, inotify.ErrElsewhere) || u.Limit != 512 {
			t.Errorf("%s: %+v, %v", addr, u, err)
		}
	}
}

func TestSaysWhatItMayNotRead(t *testing.T) {
	h := newHost(t, "128")
	h.listen("tcp", "0100007F:2382", 33, 700)
	h.process(10, "prometheus", 33)
	h.process(11, "tail", 33)
	h.process(12, "prometheus", 34, watcher)
	h.process(13, "tail", 33, watcher)
	open := func(name string, mode os.FileMode) {
		if err := os.Chmod(filepath.Join(h.root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, pid := range []string{"10", "11"} {
		open(pid+"/fd", 0)
		t.Cleanup(func() { open(pid+"/fd", 0o755) })
	}
	asNobody(t, h.root, func() {
		got := read(t, h, "127.0.0.1:9090")
		want := inotify.Usage{Limit: 128, Sysctl: "fs.inotify.max_user_instances", Watches: 8192, UID: 33, PID: 10, InUse: 1, Unread: 2, PrometheusUnread: true}
		if got != want || !got.Partial() {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// asNobody does something without root's right to read everything.
func asNobody(t *testing.T, root string, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	for dir := root; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Of this thread alone, and of what it opens alone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nobody = 65534
	set := func(uid uintptr) {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, uid, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	set(nobody)
	defer set(0)
	do()
}

func TestRealPrometheus(t *testing.T) {
	const jobs = 23
	dir := t.TempDir()
	var yml strings.Builder
	yml.WriteString("scrape_configs:\n")
	for i := range jobs {
		sub := filepath.Join(dir, fmt.Sprint("job", i))
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&yml, "- job_name: job%d\n  file_sd_configs:\n  - files: [%s/*.json]\n", i, sub)
	}
	p := reloadtest.StartPrometheus(t, proctest.Part(t, "PROMFLEET_PROMETHEUS_DEBIAN"), dir, yml.String())
	var u inotify.Usage
	proctest.WaitFor(t, "all watchers are there", func() (ok bool) {
		var err error
		if u, err = inotify.Read("/proc", p.URL); err != nil {
			t.Fatal(err)
		}
		return u.ByPrometheus == jobs
	})
	if u.PID != p.PID || int(u.UID) != os.Geteuid() || u.InUse < jobs || u.Limit < 1 || u.Watches < 1 {
		t.Errorf("%+v, and its process is %d of user %d", u, p.PID, os.Geteuid())
	}
}
