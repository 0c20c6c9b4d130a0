// Package e2e proves the main job on real processes: the promfleet binary, real
// Prometheus servers (Debian's and the version of the linked library) and a real
// exporter. Proof comes from Prometheus and from the disk, not from promfleet.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/proctest"
)

// command runs promfleet to its end.
func command(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	cmd := exec.Command(proctest.Part(t, "PROMFLEET_BIN"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("promfleet %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// get gives status and body of a GET; 0 if nobody answers.
func get(url string) (int, []byte) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, b
}

func isUp(url string) func() bool {
	return func() bool { st, _ := get(url); return st == http.StatusOK }
}

// metric sums the samples of a metric that have these labels.
func metric(t *testing.T, base, name string, labels map[string]string) float64 {
	t.Helper()
	_, body := get(base + "/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("metrics of %s: %v", base, err)
	}
	var sum float64
	for _, m := range families[name].GetMetric() {
		matched := 0
		for _, l := range m.GetLabel() {
			if v, ok := labels[l.GetName()]; ok && v == l.GetValue() {
				matched++
			}
		}
		if matched == len(labels) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return sum
}

// plane is a control plane.
type plane struct {
	*client.Client
	url  string
	proc *proctest.Process
}

func startPlane(t *testing.T) *plane {
	t.Helper()
	dir := t.TempDir()
	token := command(t, "admin", "token", "create", "--role", "admin", "--name", "e2e", "--storage.path", dir)
	return runPlane(t, dir, token)
}

// runPlane starts a server on a data directory, under a command such as prlimit.
func runPlane(t *testing.T, dir, token string, under ...string) *plane {
	t.Helper()
	addr := proctest.FreeAddr(t)
	args := slices.Concat(under, []string{proctest.Part(t, "PROMFLEET_BIN"), "server", "--storage.path", dir, "--web.listen-address", addr})
	p := &plane{url: "http://" + addr, proc: proctest.Start(t, args[0], args[1:]...)}
	proctest.WaitFor(t, "the server is ready", isUp(p.url+"/-/ready"))
	var err error
	if p.Client, err = client.New(client.Config{URL: p.url, Token: token}); err != nil {
		t.Fatal(err)
	}
	return p
}

// host is one machine with a Prometheus, or none, and an agent.
type host struct {
	t          *testing.T
	plane      *plane
	dir        string // of prometheus.yml
	data       string // of the agent
	prometheus string // URL
	prom       *proctest.Process
	agent      string // URL
	args       []string
	proc       *proctest.Process
	uuid       string
}

// newHost prepares a host; prometheus is the path of a binary, or "" for none.
func newHost(t *testing.T, p *plane, prometheus, yml string, agentFlags ...string) *host {
	t.Helper()
	h := &host{t: t, plane: p, dir: t.TempDir(), data: t.TempDir()}
	if yml != "" {
		if err := os.WriteFile(h.config(), []byte(yml), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	addr := proctest.FreeAddr(t)
	h.prometheus = "http://" + addr
	if prometheus != "" {
		h.startPrometheus(prometheus)
	}
	jt, err := p.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "join-token")
	if err := os.WriteFile(secret, []byte(jt.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	web := proctest.FreeAddr(t)
	h.agent = "http://" + web
	h.args = append([]string{"agent", "--server.url", p.url, "--join.token-file", secret, "--data.path", h.data,
		"--prometheus.url", h.prometheus, "--prometheus.config-file", h.config(), "--web.listen-address", web}, agentFlags...)
	return h
}

// startPrometheus starts the host's Prometheus.
func (h *host) startPrometheus(path string, flags ...string) {
	h.t.Helper()
	args := append([]string{"--config.file", h.config(), "--storage.tsdb.path", h.t.TempDir(),
		"--web.listen-address", strings.TrimPrefix(h.prometheus, "http://"), "--web.enable-lifecycle"}, flags...)
	h.prom = proctest.Start(h.t, path, args...)
	proctest.WaitFor(h.t, "Prometheus is ready", isUp(h.prometheus+"/-/ready"))
}

func (h *host) config() string  { return filepath.Join(h.dir, "prometheus.yml") }
func (h *host) targets() string { return filepath.Join(h.dir, "targets.d") }

// start starts the agent and waits until the node is registered.
func (h *host) start() {
	h.t.Helper()
	h.proc = proctest.Start(h.t, proctest.Part(h.t, "PROMFLEET_BIN"), h.args...)
	proctest.WaitFor(h.t, "the node is registered", func() bool {
		b, err := os.ReadFile(filepath.Join(h.data, "uuid"))
		h.uuid = strings.TrimSpace(string(b))
		if err != nil || h.uuid == "" {
			return false
		}
		_, _, err = h.plane.Nodes().Get(context.Background(), h.uuid)
		return err == nil
	})
}

// settled waits until the node has what it should have, in a state.
func (h *host) settled(state promfleet.NodeState) {
	h.t.Helper()
	var n promfleet.Node
	proctest.WaitFor(h.t, "the node is "+string(state), func() bool {
		n, _, _ = h.plane.Nodes().Get(context.Background(), h.uuid)
		return n.Status.State == state && (state != promfleet.StateInSync || n.Status.RevisionApplied == n.Status.RevisionWanted)
	})
}

func (h *host) reloads() float64 {
	return metric(h.t, h.prometheus, "prometheus_http_requests_total", map[string]string{"handler": "/-/reload"})
}

// active gives the active targets of a job as Prometheus has them.
func (h *host) active(job string) map[string]activeTarget {
	var answer struct {
		Data struct{ ActiveTargets []activeTarget }
	}
	_, body := get(h.prometheus + "/api/v1/targets?state=active")
	_ = json.Unmarshal(body, &answer) // an answer that is none has no targets
	out := map[string]activeTarget{}
	for _, t := range answer.Data.ActiveTargets {
		if t.ScrapePool == job {
			out[t.Labels["instance"]] = t
		}
	}
	return out
}

type activeTarget struct {
	ScrapePool string
	Labels     map[string]string
	Health     string
	LastScrape time.Time
}

// query gives the value of an instant query with one sample, and whether there is one.
func (h *host) query(promQL string) (string, bool) {
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	_, body := get(h.prometheus + "/api/v1/query?query=" + url.QueryEscape(promQL))
	if json.Unmarshal(body, &answer) != nil || len(answer.Data.Result) != 1 {
		return "", false
	}
	s, ok := answer.Data.Result[0].Value[1].(string)
	return s, ok
}

// snapshot tells every file below the host's directories apart from a rewritten one.
func (h *host) snapshot() map[string]string {
	h.t.Helper()
	files := map[string]string{}
	for _, root := range []string{h.dir, h.data} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			st := info.Sys().(*syscall.Stat_t)
			files[path] = fmt.Sprintf("inode %d size %d mtime %d ctime %d.%d", st.Ino, st.Size, info.ModTime().UnixNano(), st.Ctim.Sec, st.Ctim.Nsec)
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	return files
}

func readFile(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}

// rewritten names what differs between two snapshots, below the config's directory.
func (h *host) rewritten(before, after map[string]string) (paths []string) {
	for p, s := range after {
		if before[p] != s && strings.HasPrefix(p, h.dir) {
			rel, _ := filepath.Rel(h.dir, p)
			paths = append(paths, rel)
		}
	}
	for p := range before {
		if _, ok := after[p]; !ok && strings.HasPrefix(p, h.dir) {
			rel, _ := filepath.Rel(h.dir, p)
			paths = append(paths, rel+" (removed)")
		}
	}
	return paths
}
