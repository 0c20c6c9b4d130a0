package reload

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	systemd1 "github.com/coreos/go-systemd/v22/dbus"
)

// unitState is what systemd says of a unit.
type unitState struct {
	load, active string
	canReload    bool
	mainPID      int
}

// Inspect asks systemd for the unit. Whether polkit lets this user reload it is
// told by a reload only.
func (s systemd) Inspect(ctx context.Context) (Finding, int) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	u, err := s.state(ctx)
	status := "look at systemctl status " + s.unit
	switch {
	case err != nil:
		return Finding{Bad, err.Error(), "choose another --reload.method where no systemd runs"}, 0
	case u.load == "not-found":
		return Finding{Bad, "systemd has no unit " + s.unit, "name that of Prometheus with --reload.unit"}, 0
	case u.load != "loaded":
		return Finding{Bad, fmt.Sprintf("unit %s is %s", s.unit, oneLine(u.load)), status}, 0
	case u.active != "active" && u.active != "reloading":
		return Finding{Bad, fmt.Sprintf("unit %s is %s", s.unit, oneLine(u.active)), "start it, or name the unit of the Prometheus that runs with --reload.unit"}, u.mainPID
	case !u.canReload:
		return Finding{Bad, "unit " + s.unit + " cannot be reloaded", fmt.Sprintf("give it ExecReload=/bin/kill -HUP $MAINPID with systemctl edit %s", s.unit)}, u.mainPID
	case os.Geteuid() != 0:
		return Finding{Doubtful, fmt.Sprintf("unit %s is active and can be reloaded; whether polkit lets %s do it is not known before the first reload", s.unit, whoAmI()),
			"have a polkit rule for org.freedesktop.systemd1.manage-units and verb reload, as docs/operations.md has it"}, u.mainPID
	}
	return fine("unit %s is active and can be reloaded", s.unit), u.mainPID
}

// state asks over D-Bus, else by systemctl.
func (s systemd) state(ctx context.Context) (unitState, error) {
	bus, hangUp := context.WithCancel(ctx)
	defer hangUp()
	patience := time.AfterFunc(5*time.Second, hangUp)
	conn, err := systemd1.NewSystemConnectionContext(bus)
	if err != nil {
		return s.show(ctx, err)
	}
	patience.Stop()
	defer conn.Close()
	all, err := conn.GetAllPropertiesContext(ctx, s.unit)
	if err != nil {
		return s.show(ctx, err)
	}
	var u unitState
	u.load, _ = all["LoadState"].(string)
	u.active, _ = all["ActiveState"].(string)
	u.canReload, _ = all["CanReload"].(bool)
	pid, _ := all["MainPID"].(uint32)
	u.mainPID = int(pid)
	return u, nil
}

// show asks by systemctl, which as root needs no bus. why is what stood in the way
// of D-Bus.
func (s systemd) show(ctx context.Context, why error) (unitState, error) {
	var u unitState
	path, err := exec.LookPath("systemctl")
	if err != nil {
		return u, fmt.Errorf("systemd is reached neither over D-Bus (%s) nor by systemctl, which is not there", oneLine(why.Error()))
	}
	cmd := exec.CommandContext(ctx, path, "--no-ask-password", "show", "--property=LoadState,ActiveState,CanReload,MainPID", s.unit)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		text := said.Bytes()
		return u, fmt.Errorf("systemd is reached neither over D-Bus (%s) nor by systemctl (%w: %s)", oneLine(why.Error()), err, oneLine(string(text[:min(len(text), maxMessage)])))
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch key {
		case "LoadState":
			u.load = value
		case "ActiveState":
			u.active = value
		case "CanReload":
			u.canReload = value == "yes"
		case "MainPID":
			u.mainPID, _ = strconv.Atoi(value)
		}
	}
	return u, nil
}
