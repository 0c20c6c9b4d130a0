package reload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// systemctl has the job done by systemctl, which as root needs no bus. why is what
// stood in the way of D-Bus.
func (s systemd) systemctl(ctx context.Context, why error) (doubt, err error) {
	path, err := exec.LookPath("systemctl")
	if err != nil {
		return nil, fmt.Errorf("%w: systemd is reached neither over D-Bus (%s) nor by systemctl, which is not there: does systemd run here? Choose another --reload.method",
			ErrUnreachable, oneLine(why.Error()))
	}
	cmd := exec.CommandContext(ctx, path, "--no-ask-password", "reload", s.unit)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	said := oneLine(string(out[:min(len(out), maxMessage)]))
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: systemctl reload %s has not ended within %s (--reload.timeout)", ErrUnknown, s.unit, s.timeout)
	case !errors.As(err, &exit):
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return s.judgeSystemctl(said, why)
}

// judgeSystemctl says what systemctl's words mean; its exit codes do not tell
// them apart.
func (s systemd) judgeSystemctl(said string, why error) (doubt, err error) {
	says := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(said, p) {
				return true
			}
		}
		return false
	}
	switch {
	case says("not been booted with systemd", "Failed to connect to bus"):
		return nil, fmt.Errorf("%w: systemd is reached neither over D-Bus (%s) nor by systemctl (%s): does it run here? Choose another --reload.method",
			ErrUnreachable, oneLine(why.Error()), said)
	case says("nteractive authentication required", "Access denied", "Permission denied"):
		return nil, s.notAllowed(said)
	case says("is not active, cannot reload"):
		return nil, s.notActive()
	case says("not applicable for unit"):
		return nil, s.noExecReload(said)
	case says(" not found", "not loaded", "is masked", "bad unit file setting"):
		return nil, s.noUnit(said)
	default:
		return s.doubt("systemctl reload " + s.unit + " failed (" + said + ")"), nil
	}
}
