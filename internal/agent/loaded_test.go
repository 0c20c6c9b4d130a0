package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"promfleet"
)

// What is shown may be large, and the answer is not: equal texts go once, compressed,
// and what is too large all the same is said to be.
func TestLargeConfigsFit(t *testing.T) {
	jobs := func(n int, each func(i int) string) string {
		var b strings.Builder
		b.WriteString("scrape_configs:\n")
		for i := range n {
			fmt.Fprintf(&b, "- job_name: job%d\n  params: {a: [%q]}\n", i, each(i))
		}
		return b.String()
	}
	running := ""
	a := inquired(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/status/config" {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"yaml": running}})
	}))
	for _, tt := range []struct {
		name, file, running string
		written, loaded     func(promfleet.AgentConfig) bool
	}{
		{"alike", jobs(1000, func(int) string { return "x" }), jobs(1000, func(int) string { return "x" }),
			func(c promfleet.AgentConfig) bool { return len(c.Gzip) > 0 && len(c.Gzip) < 100<<10 },
			func(c promfleet.AgentConfig) bool { return c.SameAs == "written" }},
		{"beyond all", jobs(8000, func(int) string { return "x" }), "",
			func(c promfleet.AgentConfig) bool { return strings.Contains(c.Missing, "bytes are too many") },
			func(c promfleet.AgentConfig) bool { return len(c.Gzip) > 0 }},
		{"not to be compressed", jobs(20, func(i int) string { return noise(i, 70_000) }), "",
			func(c promfleet.AgentConfig) bool {
				return strings.Contains(c.Missing, "even when they are compressed")
			},
			func(c promfleet.AgentConfig) bool { return len(c.Gzip) > 0 }},
	} {
		if raced && tt.name != "alike" { // make test takes them without the race detector
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			running = tt.running
			if running == "" {
				running = "global: {}\n"
			}
			if err := os.WriteFile(a.opts.ConfigFile, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			answer := fitting(a.answerTo(t.Context(), promfleet.Question{Kind: promfleet.QuestionLoaded}))
			body, err := json.Marshal(answer)
			if err != nil || len(body) > promfleet.MaxAnswer || answer.Loaded == nil {
				t.Fatalf("%d bytes, error %v, %s", len(body), err, answer.Error)
			}
			c := answer.Loaded
			if c.Same || c.Wanted.Missing == "" || !tt.written(c.Written) || !tt.loaded(c.Loaded) {
				t.Errorf("%d bytes: wanted %.100s, written %.100s, loaded %.100s", len(body), c.Wanted.Missing, c.Written.Missing, c.Loaded.Missing)
			}
		})
	}
}

// noise is text of letters that nothing compresses much.
func noise(seed, n int) string {
	b, x := make([]byte, n), uint32(seed)*2654435761+12345
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"[x>>8&63]
	}
	return string(b)
}

// A file that is none, and what nobody can read.
func TestLoadedOfNothing(t *testing.T) {
	a := inquired(t, http.NotFoundHandler())
	c := a.configs(t.Context())
	if c.Same || c.State != promfleet.StatePending || !strings.Contains(c.Wanted.Missing, "nothing was received") || !strings.Contains(c.Written.Missing, "there is no ") || !strings.Contains(c.Loaded.Missing, "404") {
		t.Errorf("%+v", c)
	}
	if err := os.Mkdir(a.opts.ConfigFile, 0o755); err != nil {
		t.Fatal(err)
	}
	if c := a.configs(t.Context()); !strings.Contains(c.Written.Missing, "is not a regular file") {
		t.Errorf("of a directory it says %q", c.Written.Missing)
	}
}

// Doctor is asked only where there is one; what it finds is told without secrets, and
// as far as the time goes.
func TestDoctorIsAsked(t *testing.T) {
	a := inquired(t, http.NotFoundHandler())
	question := promfleet.Question{Kind: promfleet.QuestionDoctor}
	if answer := a.answerTo(t.Context(), question); answer.Doctor != nil || answer.Error == "" {
		t.Errorf("%+v", answer)
	}
	finding := func(found string) promfleet.Finding {
		return promfleet.Finding{Level: promfleet.FindingWarning, Check: "x", Found: found, Hint: found}
	}
	a.opts.Examine = func(ctx context.Context, tell func(promfleet.Finding)) (int, error) {
		for _, url := range []string{"http://u:hunter2@x/", "http://hunter2@x/y", "http://x/?token=hunter2", "see https://u:hunter2@x/?a=hunter2 \"here\""} {
			tell(finding(url))
		}
		tell(finding(strings.Repeat("\x01", 100_000)))
		return 9, context.DeadlineExceeded
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := a.answerTo(ctx, question)
	if d := answer.Doctor; d == nil || d.Of != 9 || len(d.Findings) != 5 || len(d.Findings[4].Found) > 2000 {
		t.Fatalf("%+v", answer)
	}
	if text, _ := json.Marshal(answer); strings.Contains(string(text), "hunter2") {
		t.Errorf("%s", text)
	}
	a.opts.Examine = func(_ context.Context, tell func(promfleet.Finding)) (int, error) {
		for range 1000 {
			tell(finding(""))
		}
		return 1000, nil
	}
	if d := a.answerTo(t.Context(), question).Doctor; d == nil || len(d.Findings) != promfleet.MaxFindings {
		t.Errorf("%+v", d)
	}
	a.opts.Examine = func(context.Context, func(promfleet.Finding)) (int, error) {
		return 0, errors.New("--server.url http://u:hunter2@x is odd")
	}
	if answer := a.answerTo(t.Context(), question); answer.Doctor != nil || !strings.Contains(answer.Error, "doctor cannot look") || strings.Contains(answer.Error, "hunter2") {
		t.Errorf("%+v", answer)
	}
}

// A FIFO is no file either, and nobody waits for who writes into it.
func TestLoadedOfFIFO(t *testing.T) {
	name := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(name); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("error %v", err)
	}
}
