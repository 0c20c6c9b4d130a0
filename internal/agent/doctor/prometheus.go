package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"promfleet/internal/agent/reload"
)

// What Prometheus must be: /api/v1/scrape_pools, by which a job is seen loaded,
// came with 2.42. The agent is tested up to the newest.
const (
	oldestMajor, oldestMinor = 2, 42
	newestMajor              = 3
)

// lookAtPrometheus tells a Prometheus that the agent can work with from all else
// that may answer.
func (x *exam) lookAtPrometheus(ctx context.Context) reload.Finding {
	if x.broken != nil {
		const hint = "correct that file; it is an http_config, as Prometheus has it"
		if x.afar {
			return failure(hint, "--reload.http-config-file %s cannot be used: %s", x.o.ReloadHTTPConfigFile, x.quoting(x.broken))
		}
		return failure(hint, "%s", x.broken)
	}
	a := x.ask(ctx, "api/v1/status/buildinfo")
	var version string
	switch {
	case a.unreached != nil:
		return *a.unreached
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status == http.StatusProxyAuthRequired:
		return failure(reload.WhichCredentials(x.http), "%s does not accept the credentials (%d)", a.at, a.status)
	case a.status == http.StatusBadRequest && strings.Contains(a.body, "HTTP request to an HTTPS server"),
		a.status == http.StatusBadRequest && strings.Contains(a.body, "HTTP request was sent to HTTPS port"):
		return failure("write https:// in --prometheus.url", "%s speaks TLS only", a.at)
	case a.status >= http.StatusInternalServerError:
		return failure("see to Prometheus, or to what stands in front of it", "%s answers %d: %s", a.at, a.status, a.shown())
	}
	version, is := buildVersion(a)
	if !is {
		return failure("correct --prometheus.url, with the path of a --web.external-url or --web.route-prefix",
			"%s is answered by something else than Prometheus: %d, %s", a.at, a.status, a.shown())
	}
	var err error
	if x.flags, err = x.prom.Flags(ctx); err == nil && x.flags["config.file"] == "" {
		x.flags, err = nil, fmt.Errorf("it has no flag --config.file")
	}
	if err != nil {
		return failure("give the address of a Prometheus itself, not of what only answers queries as one does", "version %s answers, but does not tell its flags: %s", version, err)
	}
	if run, err := x.prom.Runtime(ctx); err == nil {
		x.dir = run.Dir
	}
	return x.judgeVersion(ctx, version)
}

func buildVersion(a answer) (string, bool) {
	var info struct {
		Status string `json:"status"`
		Data   struct {
			Version   string `json:"version"` // none where it was built without
			GoVersion string `json:"goVersion"`
		} `json:"data"`
	}
	err := json.Unmarshal([]byte(a.body), &info)
	is := err == nil && a.status == http.StatusOK && info.Status == "success" && info.Data.Version+info.Data.GoVersion != ""
	return oneLine(cmp.Or(info.Data.Version, "unknown")), is
}

var numbers = regexp.MustCompile(`^v?(\d+)\.(\d+)`)

func (x *exam) judgeVersion(ctx context.Context, version string) reload.Finding {
	mode := ""
	if x.agentMode() {
		mode = ", in agent mode"
	}
	const upgrade = "upgrade Prometheus to 2.42 or later"
	if _, err := x.prom.ScrapePools(ctx); err != nil {
		return failure(upgrade, "version %s cannot tell which jobs it has loaded (%s)", version, err)
	}
	if _, err := x.prom.LastReload(ctx); err != nil {
		return failure("let the agent read /metrics at --prometheus.url", "version %s does not show its metrics: %s", version, err)
	}
	m := numbers.FindStringSubmatch(version)
	if m == nil { // a build of somebody's own, which has what is needed
		return ok("version %s%s at %s", version, mode, x.shownURL())
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	switch {
	case major < oldestMajor, major == oldestMajor && minor < oldestMinor:
		return failure(upgrade, "version %s is older than the oldest that the agent works with", version)
	case major > newestMajor:
		return warning("look for a newer promfleet", "version %s%s at %s is newer than any that the agent was tested with", version, mode, x.shownURL())
	}
	return ok("version %s%s at %s", version, mode, x.shownURL())
}

func (x *exam) agentMode() bool {
	for feature := range strings.SplitSeq(x.flags["enable-feature"], ",") {
		if feature == "agent" {
			return true
		}
	}
	return x.flags["agent"] == "true"
}

// shownURL is --prometheus.url without a password in it.
func (x *exam) shownURL() string {
	u, err := url.Parse(x.o.PrometheusURL)
	if err != nil {
		return "--prometheus.url"
	}
	return u.Redacted()
}

// answer is what came of a GET.
type answer struct {
	at        string // the URL, to be shown
	unreached *reload.Finding
	status    int
	header    http.Header
	body      string // the beginning of it
}

// ask asks Prometheus.
func (x *exam) ask(ctx context.Context, path string) answer {
	u, err := url.Parse(x.o.PrometheusURL)
	if err != nil { // NewPrometheus has parsed it
		f := failure("correct --prometheus.url", "%s", err)
		return answer{unreached: &f}
	}
	return get(ctx, x.http, u.JoinPath(path), "--prometheus.url")
}

// get asks once. The flag is the one that has the URL.
func get(ctx context.Context, c *http.Client, u *url.URL, flag string) answer {
	a := answer{at: u.Redacted()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		f := failure("correct "+flag, "%s", err)
		a.unreached = &f
		return a
	}
	resp, err := c.Do(req)
	if err != nil {
		f := reload.Unreached(err, u, flag)
		a.unreached = &f
		return a
	}
	defer resp.Body.Close()
	const most = 64 << 10
	body, _ := io.ReadAll(io.LimitReader(resp.Body, most))
	a.status, a.header, a.body = resp.StatusCode, resp.Header, string(body)
	return a
}

// leads says where a redirect leads, without what may be secret in it.
func (a answer) leads() string {
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		return "somewhere else"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

var title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// shown says in a few words what an answer is.
func (a answer) shown() string {
	const most = 100
	text := strings.TrimSuffix(oneLine(a.body), ".")
	if m := title.FindStringSubmatch(a.body); m != nil {
		text = fmt.Sprintf("a page with the title %q", oneLine(m[1]))
	} else if strings.Contains(strings.ToLower(a.body), "<html") {
		text = "a page"
	} else if text == "" {
		text = "nothing"
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}

// lookAtConfigFlag compares the file that Prometheus reads with the one that the
// agent would write.
func (x *exam) lookAtConfigFlag(context.Context) reload.Finding {
	if x.flags == nil {
		return notKnown()
	}
	theirs := x.theirConfig()
	switch {
	case theirs == "":
		return warning("start Prometheus with an absolute --config.file", "Prometheus reads %s, and does not tell from which directory on", x.flags["config.file"])
	case x.isOurs(theirs):
		return ok("Prometheus reads %s", theirs)
	case x.usage.PID == 0:
		return warning("give it as --prometheus.config-file, unless the two are one file, in a container",
			"Prometheus, which is not seen among the processes of this host, reads %s, and the agent would write %s", theirs, x.o.ConfigFile)
	}
	return failure("give it as --prometheus.config-file, or start Prometheus with --config.file="+x.o.ConfigFile,
		"Prometheus reads %s, and the agent would write %s", theirs, x.o.ConfigFile)
}

// theirConfig is the path of the file that Prometheus reads, as it sees it; "" if
// that is not known.
func (x *exam) theirConfig() string {
	file := x.flags["config.file"]
	switch {
	case file == "" || filepath.IsAbs(file):
		return file
	case x.dir == "":
		return ""
	}
	return filepath.Join(x.dir, file)
}

func (x *exam) isOurs(theirs string) bool {
	ours, err := os.Stat(x.o.ConfigFile)
	if err == nil {
		if info, err := os.Stat(filepath.Join(x.root(), theirs)); err == nil {
			return os.SameFile(info, ours)
		}
	}
	return sameName(theirs, x.o.ConfigFile)
}

// root is where the paths start that Prometheus names: at its own root, if that is
// seen.
func (x *exam) root() string {
	if x.usage.PID > 0 {
		root := x.process(x.usage.PID, "root")
		if _, err := os.Stat(root + "/"); err == nil {
			return root
		}
	}
	return "/"
}

func (x *exam) process(pid int, file string) string {
	return filepath.Join(x.proc, strconv.Itoa(pid), file)
}

func sameName(a, b string) bool {
	for _, p := range []*string{&a, &b} {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(*p)); err == nil {
			*p = filepath.Join(dir, filepath.Base(*p))
		}
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// lookAtLoaded tells whether Prometheus runs what is on the disk: if not, the
// agent's first reload would be blamed for what was wrong before.
func (x *exam) lookAtLoaded(ctx context.Context) reload.Finding {
	if x.flags == nil {
		return notKnown()
	}
	run, err := x.prom.Runtime(ctx)
	if err != nil {
		return warning("see to --prometheus.url first", "not known: %s", err)
	}
	if !run.Loaded {
		return warning("look into Prometheus's log, mend the file, and reload it", "Prometheus's last reload failed: what it runs is not what its prometheus.yml says")
	}
	return ok("the last reload succeeded")
}

// lookAtTimeout compares --reload.timeout with the scrape timeouts that run: a
// reload waits for the scrapes of changed jobs.
func (x *exam) lookAtTimeout(ctx context.Context) reload.Finding {
	if x.flags == nil {
		return notKnown()
	}
	yml, err := x.prom.Config(ctx)
	if err != nil {
		return warning("see to --prometheus.url first", "not known: %s", err)
	}
	var running struct {
		Jobs []struct {
			Name    string         `yaml:"job_name"`
			Timeout model.Duration `yaml:"scrape_timeout"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(yml, &running); err != nil {
		return warning("look at /api/v1/status/config of Prometheus", "the running configuration cannot be read: %s", x.quoting(err))
	}
	longest := 0
	for i, j := range running.Jobs {
		if j.Timeout > running.Jobs[longest].Timeout {
			longest = i
		}
	}
	if len(running.Jobs) == 0 {
		return ok("--reload.timeout is %s; no job runs yet", x.o.ReloadTimeout)
	}
	most := running.Jobs[longest]
	if x.o.ReloadTimeout <= time.Duration(most.Timeout) {
		return warning("give --reload.timeout more than that", "--reload.timeout is %s, and the scrape_timeout of job %s is %s: a reload may wait for its scrapes that long", x.o.ReloadTimeout, most.Name, most.Timeout)
	}
	return ok("--reload.timeout is %s, the longest scrape_timeout %s", x.o.ReloadTimeout, most.Timeout)
}
