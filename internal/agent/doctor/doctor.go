// Package doctor looks, before an agent writes its first file, at all that the
// agent will need: the Prometheus, the way to reload it, the directories, the
// server. It changes nothing that stays, reloads nothing and uses no join token, so
// that it may be run at any time, beside a running agent too.
package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent"
	"promfleet/internal/agent/apply"
	"promfleet/internal/agent/inotify"
	"promfleet/internal/agent/policy"
	"promfleet/internal/agent/reload"
)

// Line is what one check has found, in one line.
type Line struct {
	Result reload.Verdict `json:"result"`
	Check  string         `json:"check"`
	Found  string         `json:"found"`
	Hint   string         `json:"hint,omitempty"` // what to do about a warning or failure
}

// The checks, in the order in which they are made: an early one may explain a
// later one. Each is one function.
var checks = []struct {
	name string
	look func(*exam, context.Context) reload.Finding
}{
	{"policy", (*exam).lookAtPolicy},
	{"other agents", (*exam).lookForAgents},
	{"prometheus", (*exam).lookAtPrometheus},
	{"config file", (*exam).lookAtConfigFlag},
	{"loaded config", (*exam).lookAtLoaded},
	{"reload", (*exam).lookAtReload},
	{"reload timeout", (*exam).lookAtTimeout},
	{"second reloader", (*exam).lookForReloaders},
	{"inotify", (*exam).lookAtInotify},
	{"data path", (*exam).lookAtDataPath},
	{"config directory", (*exam).lookAtConfigDir},
	{"prometheus.yml", (*exam).lookAtConfig},
	{"targets directory", (*exam).lookAtTargetsDir},
	{"disk space", (*exam).lookAtSpace},
	{"base config", (*exam).lookAtBase},
	{"take-over", (*exam).lookAtTakeOver},
	{"mounts", (*exam).lookAtMounts},
	{"clock", (*exam).lookAtClock},
	{"server", (*exam).lookAtServer},
	{"credential", (*exam).lookAtCredential},
	{"own address", (*exam).lookAtListener},
}

// patience is how long one check may take that asks somebody else.
const patience = 10 * time.Second

// exam is one run of all checks. What it keeps is what an early check has found
// for later ones.
type exam struct {
	o      agent.Options // complete; paths are absolute
	proc   string        // /proc
	afar   bool          // it is told to somebody who is not on this host
	policy *policy.Policy
	broken error // why --reload.http-config-file cannot be used

	http   *http.Client // for Prometheus
	prom   *reload.Prometheus
	method reload.Reloader
	server *client.Client

	flags   map[string]string // Prometheus's; nil: it does not tell
	dir     string            // its working directory
	usage   inotify.Usage     // and the error of that
	unseen  error
	state   apply.State // of the data path
	running int         // process of an agent on the data path; 0: none
}

// Examine makes all checks and hands over each line as it is found. An error is
// that an option cannot be.
func Examine(ctx context.Context, opts agent.Options, tell func(Line)) error {
	x, err := newExam(opts)
	if err != nil {
		return err
	}
	return x.all(ctx, tell)
}

// ExamineForServer is Examine for a server that asks, which is no key to the host: no
// finding quotes a file. It tells how many checks there are.
func ExamineForServer(ctx context.Context, opts agent.Options, tell func(promfleet.Finding)) (of int, err error) {
	x, err := newExam(opts)
	if err != nil {
		return len(checks), err
	}
	x.afar = true
	return len(checks), x.all(ctx, func(l Line) {
		tell(promfleet.Finding{Level: promfleet.FindingLevel(l.Result), Check: l.Check, Found: l.Found, Hint: l.Hint})
	})
}

// all makes all checks.
func (x *exam) all(ctx context.Context, tell func(Line)) error {
	for _, c := range checks {
		looking, cancel := context.WithTimeout(ctx, patience)
		f := c.look(x, looking)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tell(Line{Result: f.Verdict, Check: c.name, Found: oneLine(f.Found), Hint: oneLine(f.Hint)})
	}
	return nil
}

func newExam(opts agent.Options) (*exam, error) {
	o, err := opts.Complete()
	if err != nil {
		return nil, err
	}
	if o.TargetsDir == "" {
		o.TargetsDir = apply.TargetsBeside(o.ConfigFile)
	}
	for _, path := range []*string{&o.DataPath, &o.ConfigFile, &o.TargetsDir} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	x := &exam{o: o, proc: "/proc", policy: policy.Default()}
	quiet := slog.New(slog.DiscardHandler)
	if x.http, x.broken = reload.NewHTTPClient(o.ReloadHTTPConfigFile, quiet); x.broken != nil {
		if x.http, err = reload.NewHTTPClient("", quiet); err != nil {
			return nil, err
		}
	}
	if x.prom, err = reload.NewPrometheus(o.PrometheusURL, x.http, quiet); err != nil {
		return nil, err
	}
	x.method, err = reload.New(o.ReloadMethod, reload.Config{URL: o.ReloadURL, Client: x.http, Unit: o.ReloadUnit,
		PIDFile: o.ReloadPIDFile, Prometheus: x.prom, Timeout: o.ReloadTimeout})
	if err != nil {
		return nil, err
	}
	if x.server, err = client.New(client.Config{URL: o.ServerURL, UserAgent: "promfleet-doctor/" + o.Version}); err != nil {
		return nil, fmt.Errorf("--server.url: %w", err)
	}
	x.usage, x.unseen = inotify.Read(x.proc, o.PrometheusURL)
	// One that cannot be read is the data path's matter.
	x.state, _ = apply.ReadState(o.DataPath)
	return x, nil
}

func ok(format string, args ...any) reload.Finding {
	return reload.Finding{Verdict: reload.Good, Found: fmt.Sprintf(format, args...)}
}

// warning and failure take what is to be done first.
func warning(hint, format string, args ...any) reload.Finding {
	return reload.Finding{Verdict: reload.Doubtful, Hint: hint, Found: fmt.Sprintf(format, args...)}
}

func failure(hint, format string, args ...any) reload.Finding {
	return reload.Finding{Verdict: reload.Bad, Hint: hint, Found: fmt.Sprintf(format, args...)}
}

// notKnown is the finding of a check that needs what Prometheus does not tell.
func notKnown() reload.Finding {
	return warning("see to --prometheus.url first", "not known, since Prometheus does not tell")
}

// oneLine puts text that somebody else wrote on one line of bearable length.
func oneLine(s string) string {
	const most = 1000
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " …"
	}
	return s
}

// quoting gives an error that may quote a file, to those who may read that.
func (x *exam) quoting(err error) string {
	if x.afar {
		return "promfleet doctor says on the host what is wrong with it"
	}
	return err.Error()
}

// cause gives what is wrong with a file whose name is said already.
func cause(err error) error {
	switch e := err.(type) { //nolint:errorlint // the outermost is the one that names the file
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
