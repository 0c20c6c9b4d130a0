package reloadtest

import (
	"encoding/xml"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	systemd1 "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"promfleet/internal/proctest"
)

// StartBus starts a D-Bus daemon and makes it the system's for this process and
// those that it starts.
func StartBus(t *testing.T) (address string) {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "bus")
	var path strings.Builder
	if err := xml.EscapeText(&path, []byte(socket)); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "bus.conf")
	text := `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=` + path.String() + `</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
`
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	child := proctest.Start(t, proctest.Part(t, "PROMFLEET_DBUS_DAEMON"), "--nofork", "--nopidfile", "--config-file="+conf)
	child.WaitFor(t, "the bus listens", func() bool {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	address = "unix:path=" + socket
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	return address
}

// Unit is one that the stand-in knows, and how a reload of it ends.
type Unit struct {
	Inactive bool
	Reload   func() error // its ExecReload; nil: it has none
	Never    bool         // the job does not end
	PID      int          // of its main process
}

// Systemd stands in for systemd on a bus: org.freedesktop.systemd1.Manager with
// Subscribe, ReloadUnit and the signal JobRemoved, as far as a reload needs them, and
// the properties of units.
type Systemd struct {
	conn *dbus.Conn

	mu         sync.Mutex
	units      map[string]Unit
	refuse     *dbus.Error // polkit says no, if set
	subscribed bool
	jobs       uint32
}

const (
	systemdName    = "org.freedesktop.systemd1"
	systemdPath    = "/org/freedesktop/systemd1"
	systemdManager = systemdName + ".Manager"
)

// StartSystemd puts the stand-in on a bus.
func StartSystemd(t testing.TB, address string) *Systemd {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &Systemd{conn: conn, units: map[string]Unit{}}
	methods := map[string]any{"Subscribe": s.subscribe, "ReloadUnit": s.reloadUnit}
	if err := conn.ExportMethodTable(methods, systemdPath, systemdManager); err != nil {
		t.Fatal(err)
	}
	properties := map[string]any{"GetAll": s.getAll}
	if err := conn.ExportSubtreeMethodTable(properties, systemdPath+"/unit", "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.RequestName(systemdName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot be %s: reply %d, %v", systemdName, reply, err)
	}
	return s
}

// Set makes a unit known, or another one of it.
func (s *Systemd) Set(name string, u Unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units[name] = u
}

// Refuse has every job refused with an error; "" takes that back.
func (s *Systemd) Refuse(name, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = nil
	if name != "" {
		s.refuse = dbus.NewError(name, []any{message})
	}
}

// Jobs is how many there were.
func (s *Systemd) Jobs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.jobs)
}

// getAll gives some of a unit's properties. As systemd does, it makes one up for a
// unit that there is not.
func (s *Systemd) getAll(call dbus.Message, _ string) (map[string]dbus.Variant, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	load, active, canReload, pid := "not-found", "inactive", false, 0
	at, _ := call.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	for name, u := range s.units {
		if string(at) != systemdPath+"/unit/"+systemd1.PathBusEscape(name) {
			continue
		}
		load, canReload, pid = "loaded", u.Reload != nil, u.PID
		if !u.Inactive {
			active = "active"
		}
	}
	return map[string]dbus.Variant{
		"LoadState": dbus.MakeVariant(load), "ActiveState": dbus.MakeVariant(active),
		"CanReload": dbus.MakeVariant(canReload), "MainPID": dbus.MakeVariant(uint32(pid)),
	}, nil
}

func (s *Systemd) subscribe() *dbus.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribed = true
	return nil
}

func (s *Systemd) reloadUnit(name, mode string) (dbus.ObjectPath, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, known := s.units[name]
	switch {
	case s.refuse != nil:
		return "", s.refuse
	case mode != "replace":
		return "", dbus.NewError("org.freedesktop.DBus.Error.InvalidArgs", []any{"Job mode " + mode + " invalid"})
	case !known:
		return "", dbus.NewError(systemdName+".NoSuchUnit", []any{"Unit " + name + " not found."})
	case u.Reload == nil:
		return "", dbus.NewError(systemdName+".JobTypeNotApplicable", []any{"Job type reload is not applicable for unit " + name + "."})
	}
	s.jobs++
	id := s.jobs
	job := dbus.ObjectPath(systemdPath + "/job/" + strconv.Itoa(int(id)))
	go s.do(u, id, job, name)
	return job, nil
}

// do ends a job as systemd does: who has not subscribed hears nothing of it.
func (s *Systemd) do(u Unit, id uint32, job dbus.ObjectPath, name string) {
	result := "done"
	switch {
	case u.Never:
		return
	case u.Inactive:
		result = "invalid"
	default:
		if err := u.Reload(); err != nil {
			result = err.Error()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscribed {
		_ = s.conn.Emit(systemdPath, systemdManager+".JobRemoved", id, job, name, result)
	}
}
