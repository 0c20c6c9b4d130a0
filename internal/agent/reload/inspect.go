package reload

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Verdict is how a look came out.
type Verdict string

// The verdicts.
const (
	Good     Verdict = "ok"
	Doubtful Verdict = "warning"
	Bad      Verdict = "failure"
)

// Finding is what a look has found, in one line, and what to do about it. A good
// one needs no hint.
type Finding struct {
	Verdict     Verdict
	Found, Hint string
}

// Inspector is a Reloader that tells whether a reload would reach Prometheus,
// without a reload. Each method that reloads is one.
type Inspector interface {
	// Inspect changes nothing. The process is the one that would be told to reload,
	// 0 if that is not known.
	Inspect(ctx context.Context) (f Finding, process int)
}

func fine(format string, args ...any) Finding {
	return Finding{Verdict: Good, Found: fmt.Sprintf(format, args...)}
}

// Flags gives Prometheus's command line flags, with the defaults filled in.
func (p *Prometheus) Flags(ctx context.Context) (map[string]string, error) {
	var flags map[string]string
	err := p.data(ctx, "api/v1/status/flags", maxAnswer, &flags)
	return flags, err
}

// Runtime is what a Prometheus says of its process.
type Runtime struct {
	// Dir is its working directory, from which a relative --config.file starts.
	Dir string `json:"CWD"`
	// Loaded tells whether its last reload succeeded.
	Loaded bool `json:"reloadConfigSuccess"`
}

// Runtime asks for it.
func (p *Prometheus) Runtime(ctx context.Context) (Runtime, error) {
	var r Runtime
	err := p.data(ctx, "api/v1/status/runtimeinfo", maxAnswer, &r)
	return r, err
}

// Now gives the time by Prometheus's clock. One in agent mode does not tell it.
func (p *Prometheus) Now(ctx context.Context) (time.Time, error) {
	var answer struct {
		Data struct {
			Result model.Scalar `json:"result"`
		} `json:"data"`
	}
	err := p.get(ctx, "api/v1/query", url.Values{"query": {"time()"}}, maxAnswer, func(r io.Reader) error {
		return json.NewDecoder(r).Decode(&answer)
	})
	return answer.Data.Result.Timestamp.Time(), err
}

// Inspect asks for the address of the reload by GET, which Prometheus answers with
// 405 whether its lifecycle API is on or off; its flags tell that.
func (p post) Inspect(ctx context.Context) (Finding, int) {
	f := p.look(ctx)
	if f.Verdict == Bad || p.p == nil {
		return f, 0
	}
	flags, err := p.p.Flags(ctx)
	switch {
	case err != nil && f.Verdict == Good:
		return Finding{Doubtful, f.Found + "; whether its lifecycle API is on is not known, since --prometheus.url does not tell", "see to --prometheus.url first"}, 0
	case err == nil && flags["web.enable-lifecycle"] != "true":
		return Finding{Bad, "Prometheus runs without its lifecycle API", "start it with --web.enable-lifecycle, or choose another --reload.method"}, 0
	}
	return f, 0
}

func (p post) look(ctx context.Context) Finding {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return Finding{Bad, "--reload.url cannot be asked: " + err.Error(), "give one like http://127.0.0.1:9090/-/reload"}
	}
	// A redirect is looked at, not followed: of a POST it may make a GET.
	client := *p.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return Unreached(err, req.URL, "--reload.url")
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	return p.judgeGet(resp, oneLine(string(body)), req.URL.Redacted())
}

func (p post) judgeGet(resp *http.Response, body, at string) Finding {
	status := resp.StatusCode
	switch {
	case status == http.StatusMethodNotAllowed && strings.Contains(body, "Only POST or PUT"):
		return fine("%s leads to a Prometheus and lets this agent through", at)
	case strings.Contains(body, "Lifecycle API is not enabled"):
		return Finding{Bad, "Prometheus runs without its lifecycle API", "start it with --web.enable-lifecycle, or choose another --reload.method"}
	case status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired:
		return Finding{Bad, fmt.Sprintf("%s does not accept the credentials (%d)", at, status), WhichCredentials(p.client)}
	case status == http.StatusForbidden:
		return Finding{Doubtful, fmt.Sprintf("%s answers 403 to a GET: it refuses this agent, or lets only a POST through, which was not tried", at),
			"look into the configuration of what stands in front of Prometheus; if it refuses the agent, " + WhichCredentials(p.client)}
	case status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect:
		return Finding{Doubtful, fmt.Sprintf("%s sends on to %s", at, location(resp)), "give that address as --reload.url"}
	case status >= 300 && status < 400:
		return Finding{Bad, fmt.Sprintf("%s sends on to %s, where a POST does not arrive", at, location(resp)),
			"is a login in front? --reload.url must lead to Prometheus itself, or to a proxy that takes the credentials of --reload.http-config-file"}
	case status == http.StatusNotFound:
		return Finding{Bad, at + " is not there (404)", "give the address of Prometheus's /-/reload as --reload.url, with the path of a --web.external-url or --web.route-prefix before it"}
	case status >= http.StatusInternalServerError:
		return Finding{Bad, fmt.Sprintf("%s answers %d: %s", at, status, body), "see to what stands in front of Prometheus, and that it reaches Prometheus"}
	default:
		return Finding{Doubtful, fmt.Sprintf("%s answers a GET with %d, and not as Prometheus's /-/reload", at, status), "does --reload.url lead to Prometheus?"}
	}
}

// location gives where a redirect leads, without what may be secret in it.
func location(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "somewhere else"
	}
	to.RawQuery, to.Fragment = "", ""
	return oneLine(to.Redacted())
}

// Inspect looks at the process of the pid file, and whether it could be signalled.
func (h hangup) Inspect(context.Context) (Finding, int) {
	process, err := h.process()
	if err != nil {
		return Finding{Bad, "--reload.pid-file " + h.pidFile + ": " + err.Error(), "have Prometheus's process id written there by what starts it, or choose another --reload.method"}, 0
	}
	defer func() { _ = process.Release() }()
	if err := h.allowed(process, 0); err != nil {
		hint := "run the agent as the user of Prometheus or as root, or choose another --reload.method"
		return Finding{Bad, "--reload.pid-file " + h.pidFile + ": " + err.Error(), hint}, process.Pid
	}
	return fine("process %d of %s is a Prometheus that this user may signal", process.Pid, h.pidFile), process.Pid
}

// Inspect says that nobody reloads.
func (none) Inspect(context.Context) (Finding, int) {
	return Finding{Doubtful, "the agent does not reload: a change of jobs is in force only when somebody else reloads Prometheus",
		"choose http, systemd or signal as --reload.method, or see to it that something reloads"}, 0
}
