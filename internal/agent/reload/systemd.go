package reload

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"regexp"
	"slices"
	"strings"
	"time"

	systemd1 "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

func init() { register("systemd", newSystemd) }

// DefaultUnit is Prometheus's in the packages of most distributions.
const DefaultUnit = "prometheus.service"

// systemd asks systemd to reload Prometheus's unit. In most that is SIGHUP, after
// which the job is done, and Prometheus's reload has not begun.
type systemd struct {
	unit    string
	p       *Prometheus
	timeout time.Duration
}

func newSystemd(cfg Config) (Reloader, error) {
	unit, err := serviceName(cfg.Unit)
	if err != nil {
		return nil, err
	}
	if cfg.Prometheus == nil {
		return nil, errors.New("--reload.method=systemd needs --prometheus.url, to see whether Prometheus has reloaded")
	}
	return systemd{unit: unit, p: cfg.Prometheus, timeout: cfg.Timeout}, nil
}

// unitPattern is what systemd.unit(5) allows for a service, but for a dash as the
// first letter: systemctl would take that for an option. A template without its
// instance is none that runs.
var unitPattern = regexp.MustCompile(`^[0-9A-Za-z:_.\\][0-9A-Za-z:_.\\-]*(@[0-9A-Za-z:_.\\-]+)?\.service$`)

func serviceName(unit string) (string, error) {
	if unit == "" {
		unit = DefaultUnit
	}
	full := unit
	if !strings.HasSuffix(unit, ".service") {
		full += ".service" // as systemctl does
	}
	const longest = 255
	if len(full) > longest || !unitPattern.MatchString(full) {
		return "", fmt.Errorf("--reload.unit %q is not the name of a systemd service: it must look like %s", unit, DefaultUnit)
	}
	return full, nil
}

func (s systemd) Reload(ctx context.Context) error {
	return s.p.nudged(ctx, s.timeout, "its words are in its log, as journalctl -u "+s.unit+" shows", s.nudge)
}

// nudge has a reload job done.
func (s systemd) nudge(ctx context.Context) (doubt, err error) {
	// The connection lives as long as its context: a bus that takes connections and
	// then says nothing must leave time for the other way.
	bus, hangUp := context.WithCancel(ctx)
	defer hangUp()
	patience := time.AfterFunc(min(s.timeout/2, 10*time.Second), hangUp)
	conn, err := systemd1.NewSystemConnectionContext(bus)
	if err != nil {
		return s.systemctl(ctx, err)
	}
	patience.Stop()
	defer conn.Close()
	// Without a subscriber systemd tells nobody of the end of a job.
	if err := conn.Subscribe(); err != nil {
		if noSystemd(err) {
			return s.systemctl(ctx, err)
		}
		return nil, s.notQueued(err)
	}
	ended := make(chan string, 1)
	if _, err := conn.ReloadUnitContext(ctx, s.unit, "replace", ended); err != nil {
		return nil, s.notQueued(err)
	}
	select {
	case result := <-ended:
		return s.ended(result)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: systemd's job to reload %s has not ended within %s (--reload.timeout)", ErrUnknown, s.unit, s.timeout)
	}
}

// What D-Bus and systemd call their errors.
const (
	dbusError    = "org.freedesktop.DBus.Error."
	systemdError = "org.freedesktop.systemd1."
)

// noSystemd tells that the bus is there, and no systemd on it.
func noSystemd(err error) bool {
	name := errorName(err)
	return name == dbusError+"ServiceUnknown" || name == dbusError+"NameHasNoOwner" || strings.HasPrefix(name, dbusError+"Spawn.")
}

func errorName(err error) string {
	var e dbus.Error
	errors.As(err, &e)
	return e.Name
}

// notQueued says why systemd did not take a job, or that it is not known whether
// it did.
func (s systemd) notQueued(err error) error {
	said := oneLine(err.Error())
	is := func(names ...string) bool { return slices.Contains(names, errorName(err)) }
	switch {
	case is(systemdError+"NoSuchUnit", systemdError+"LoadFailed", systemdError+"UnitMasked", systemdError+"BadUnitSetting"):
		return s.noUnit(said)
	case is(systemdError + "JobTypeNotApplicable"):
		return s.noExecReload(said)
	case is(dbusError+"InteractiveAuthorizationRequired", dbusError+"AccessDenied", dbusError+"AuthFailed", "org.freedesktop.PolicyKit1.Error.NotAuthorized"):
		return s.notAllowed(said)
	case is("", dbusError+"NoReply", dbusError+"Timeout", dbusError+"TimedOut", dbusError+"Disconnected"):
		return fmt.Errorf("%w: systemd was asked to reload %s and has not answered: %s", ErrUnknown, s.unit, said)
	default:
		// Another job is in the way, or the host goes down: that passes.
		return fmt.Errorf("%w: systemd has not taken the job to reload %s: %s", ErrUnreachable, s.unit, said)
	}
}

// ended says what the end of a job means.
func (s systemd) ended(result string) (doubt, err error) {
	switch result {
	case "done":
		return nil, nil
	case "invalid":
		return nil, s.notActive()
	case "skipped":
		return nil, s.noExecReload("the job was skipped")
	default: // failed, timeout, canceled, dependency …: a signal may have been sent all the same
		return s.doubt("systemd's job to reload " + s.unit + " ended with " + oneLine(result)), nil
	}
}

func (s systemd) doubt(what string) error {
	return fmt.Errorf("%s, and Prometheus was not seen to reload: look at systemctl status %s and at its ExecReload=", what, s.unit)
}

func (s systemd) noUnit(said string) error {
	return fmt.Errorf("%w: systemd has no unit %s that it can use (%s): name that of Prometheus with --reload.unit", ErrDenied, s.unit, said)
}

func (s systemd) notActive() error {
	return fmt.Errorf("%w: unit %s is not active, but a Prometheus answers at --prometheus.url: name its unit with --reload.unit", ErrDenied, s.unit)
}

func (s systemd) noExecReload(said string) error {
	return fmt.Errorf("%w: unit %s cannot be reloaded (%s): give it ExecReload=/bin/kill -HUP $MAINPID with systemctl edit %s", ErrDenied, s.unit, said, s.unit)
}

func (s systemd) notAllowed(said string) error {
	return fmt.Errorf("%w: %s may not reload %s (%s): allow it with a polkit rule for org.freedesktop.systemd1.manage-units and verb reload, or run the agent as root",
		ErrDenied, whoAmI(), s.unit, said)
}

func whoAmI() string {
	u, err := user.Current()
	if err != nil {
		return "the agent's user"
	}
	return "user " + u.Username
}
