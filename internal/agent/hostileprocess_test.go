package agent

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"promfleet"
	"promfleet/internal/proctest"
)

// maxResident is what an agent may take at the most, pages of its program
// included.
const maxResident = 128 << 20

// TestHostileProcess: a real agent does not end, nor grow, whatever it is
// answered. It waits after an answer that is none, so most are those it understands
// and refuses, after which it asks again at once.
func TestHostileProcess(t *testing.T) {
	bin := proctest.Part(t, "PROMFLEET_BIN")
	want := hostileReplies(t) / 20
	h := newHostileHost(t, 8)
	plane := h.plane()
	h.server.good, h.server.honest = plane, true
	for name, text := range map[string]string{"uuid": "8d2a4f5e-5a77-4f0c-9c7e-3c52b3a0a001\n", credentialFile: "credential\n"} {
		if err := os.WriteFile(filepath.Join(h.opts.DataPath, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.server.node = "8d2a4f5e-5a77-4f0c-9c7e-3c52b3a0a001"
	h.server.reform(plane)
	plane.want("global: {scrape_interval: 15s}\n", oneJob("good-0:9100"))
	h.server.revision = plane.manifest.Revision
	p := proctest.Start(t, bin, "agent", "--server.url", h.opts.ServerURL, "--prometheus.url", h.opts.PrometheusURL, "--data.path", h.opts.DataPath,
		"--prometheus.config-file", h.opts.ConfigFile, "--join.token-file", h.opts.JoinTokenFile, "--web.listen-address", h.opts.ListenAddress, "--sync.interval", "1s", "--log.level", "error")
	onDisk := func(addr string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(filepath.Join(filepath.Dir(h.opts.ConfigFile), "targets.d", "node", "all.json"))
			return strings.Contains(string(text), addr)
		}
	}
	p.WaitFor(t, "the first target is on the disk", onDisk("good-0:9100"))
	h.before = h.outside()
	goroutines, resident := h.goroutines(), peak(t, p.Pid)

	h.server.mu.Lock()
	h.server.honest = false
	h.server.mu.Unlock()
	plane.setDown(true) // a watch that it holds ends
	plane.alter(func(*promfleet.Manifest) {})
	began := time.Now()
	for done, last := 0, 0; done < want; last = done {
		p.WaitFor(t, "more hostile replies", func() bool { done = h.server.count(); return done >= min(want, last+20) })
	}
	took := time.Since(began)
	h.unharmed(nil)
	after := h.goroutines()
	t.Logf("FIGURE a real agent, %d hostile replies in %v: peak resident %.1f MiB, %.1f MiB before; goroutines %d, before %d; still the same process",
		h.server.count(), took.Round(time.Second), mib(peak(t, p.Pid)), mib(resident), after, goroutines)
	if n := peak(t, p.Pid); n > maxResident {
		t.Errorf("the agent has taken %.1f MiB, want %.0f MiB at most", mib(n), mib(maxResident))
	}
	if after > goroutines+20 {
		t.Errorf("%d goroutines, %d before", after, goroutines)
	}

	plane = h.plane()
	h.server.reform(plane)
	plane.want("", oneJob("good-1:9100"))
	p.WaitFor(t, "a good answer is asked for", func() bool { w, _, _ := plane.counts(); return w > 0 })
	began = time.Now()
	p.WaitFor(t, "it is on the disk", onDisk("good-1:9100"))
	t.Logf("FIGURE a good answer afterwards is on the disk after %v", time.Since(began).Round(time.Millisecond))
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// peak gives the most memory that a process has had resident, in bytes.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// goroutines asks the agent's own metrics.
func (h *hostileHost) goroutines() int {
	h.t.Helper()
	resp, err := http.Get("http://" + h.opts.ListenAddress + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		h.t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&body)
	if err != nil {
		h.t.Fatal(err)
	}
	n := 0.0
	for _, m := range families["go_goroutines"].GetMetric() {
		n += m.GetGauge().GetValue()
	}
	if n == 0 {
		h.t.Fatal("the agent does not tell its goroutines")
	}
	return int(n)
}
