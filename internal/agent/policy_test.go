package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
)

// policy gives the agent a policy file.
func (b *bed) policy(text string) {
	b.put("policy.yml", text)
	b.opts.PolicyFile = filepath.Join(b.dir, "policy.yml")
}

// TestPolicyPaths: a configuration that names what the host does not allow is
// refused before a byte of it is in its place.
func TestPolicyPaths(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		if err := os.MkdirAll(filepath.Join(b.dir, "certs"), 0o700); err != nil {
			t.Fatal(err)
		}
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		if p := b.expect(promfleet.StateInSync).Policy; p == nil || p.File != "" || p.MaxRemovalPercent != 50 || p.RemovalConfirm != "server" ||
			!slices.Contains(p.AllowPaths, "/etc/prometheus") || len(p.AllowWritePaths) != 0 {
			t.Errorf("the default policy is said as %+v", p)
		}
		good := b.read("prometheus.yml")
		for _, c := range []struct{ config, words string }{
			{`{"tls_config":{"ca_file":"/etc/shadow"}}`, `scrape_configs[0].tls_config.ca_file: "/etc/shadow" is not allowed`},
			{`{"authorization":{"credentials_file":"data/credential"}}`, "the agent's own"},
			{`{"scrape_failure_log_file":"` + b.dir + `/x.log"}`, "allow_write_paths"},
			{`{"file_sd_configs":[{"files":["../*.json"]}]}`, "file_sd_configs[0].files[0]"},
		} {
			b.server.want("", map[string]wantedJob{"node": {config: c.config, pieces: map[string][]string{"all": {"h1:9100", "h2:9100"}}}})
			b.after(time.Second)
			r := b.expect(promfleet.StateFailed)
			if !strings.Contains(r.Error, c.words) || strings.Contains(r.Error, "\n") {
				t.Errorf("error %q, want one line with %q", r.Error, c.words)
			}
			same(t, good, b.read("prometheus.yml"))
		}
		b.server.want("", map[string]wantedJob{"node": {config: `{"tls_config":{"ca_file":"certs/ca.pem"}}`, pieces: map[string][]string{"all": {"h1:9100"}}}})
		b.expect(promfleet.StateInSync)
		b.stop()

		// A stricter policy; what the owner of the host wrote is not judged by it.
		b.policy("allow_paths: [/etc/prometheus]\nallow_write_paths: [/var/log/prometheus]\nremoval_confirm: local\ndrift: report\n")
		b.put("base.yml", "rule_files: [/srv/rules/*.yml]\nglobal: {query_log_file: /var/log/q.log}\n")
		b.opts.BaseConfig = filepath.Join(b.dir, "base.yml")
		b.start()
		b.after(5 * time.Second)
		if r := b.server.last(); !strings.Contains(r.Error, "certs/ca.pem") {
			t.Errorf("%+v", r)
		}
		b.server.want("", oneJob("h1:9100"))
		if p := b.expect(promfleet.StateInSync).Policy; p == nil || p.File != b.opts.PolicyFile || slices.Contains(p.AllowPaths, b.dir) ||
			!slices.Equal(p.AllowWritePaths, []string{"/var/log/prometheus"}) || p.RemovalConfirm != "local" || p.Drift != "report" {
			t.Errorf("the policy is said as %+v", p)
		}
		b.server.want("rule_files: [/srv/rules/*.yml]\n", oneJob("h1:9100"))
		if r := b.expect(promfleet.StateFailed); !strings.Contains(r.Error, "rule_files[0]") {
			t.Errorf("error %q", r.Error)
		}
		b.stop()
	})
}

// TestPolicyLimits: the caps of the policy are those of the download.
func TestPolicyLimits(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9)
	for _, c := range []struct{ policy, base, config, words string }{
		{"max_files: 2", "", "", "max_files"},
		{"max_bytes: 100", "", "", "max_bytes"},
		{"max_depth: 8", "", `{"params":` + deep + `}`, "max_depth"},
		{"max_depth: 8", "a: [[[[[[[[[1]]]]]]]]]\n", "", "max_depth"},
	} {
		t.Run(c.words+c.base, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.policy(c.policy)
				b.join()
				b.server.want(c.base, map[string]wantedJob{"node": {config: c.config, pieces: map[string][]string{"all": {"h1:9100"}}}})
				b.start()
				if r := b.expect(promfleet.StateFailed); !strings.Contains(r.Error, c.words) {
					t.Errorf("error %q, want one with %q", r.Error, c.words)
				}
				b.stop()
			})
		})
	}
}

// TestPolicyUnreadable: without its policy an agent does not start.
func TestPolicyUnreadable(t *testing.T) {
	for _, file := range []string{"/nonexistent/policy.yml", "held_test.go"} {
		_, err := New(Options{ServerURL: "http://server", PolicyFile: file}, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "--policy.file") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
