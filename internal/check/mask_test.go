package check_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"promfleet/internal/check"
	"promfleet/internal/check/checktest"
)

// What Prometheus knows is shown, but for its secrets.
func TestMaskedPairShowsWhatIsKnown(t *testing.T) {
	docs := [][]byte{read(t, "testdata/shown/full.yml"), read(t, "testdata/shown/current.yml")}
	for seed := range uint64(300) {
		docs = append(docs, document(t, checktest.ScrapeConfig(rand.New(rand.NewPCG(seed, 7)))))
	}
	for _, doc := range docs {
		if checktest.Verdict(doc) != nil {
			continue
		}
		want, have := check.MaskedPair(doc, doc)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("of the same twice: %s", diff)
		}
		if i := strings.Index(have, "<not shown>"); i >= 0 {
			t.Fatalf("hidden although it is known: %s", have[max(0, i-200):i+20])
		}
	}
}

const maskedOurs = `# Written by promfleet.
global:
  external_labels: {site: a}
scrape_configs:
  - job_name: web
    basic_auth:
      username: u
      password: ourPassword
    relabel_configs:
      - source_labels: [__address__]
        regex: (.*):9100
        target_label: instance
    static_configs:
      - targets: [h1:9100]
        labels: {env: prod}
`

// No secret is shown of what somebody made of a file, whatever it is.
func TestMaskedPairHidesSecrets(t *testing.T) {
	edit := func(old, now string) string {
		if !strings.Contains(maskedOurs, old) {
			t.Fatalf("there is no %q", old)
		}
		return strings.Replace(maskedOurs, old, now, 1)
	}
	for name, c := range map[string]struct{ theirs, shown string }{
		"another secret":         {edit("password: ourPassword", "password: hunter2hunter2"), "password: <another secret>"},
		"a short one":            {edit("password: ourPassword", "password: hunter2"), "password: <another secret>"},
		"a misspelt key":         {edit("password: ourPassword", "pasword: hunter2"), "pasword: <not shown>"},
		"under a misspelt key":   {edit("basic_auth:", "basic-auth:"), "password: <secret>"},
		"in the wrong place":     {edit("job_name: web", "job_name: web\n    password: hunter2"), "password: <not shown>"},
		"a list of them":         {edit("username: u", "usernames: [hunter2, {x: hunter2}]"), "<not shown>"},
		"a scalar for a section": {edit("      username: u\n      password: ourPassword", "      hunter2"), "basic_auth: <not shown>"},
		"as the user":            {edit("username: u", "username: ourPassword"), "username: <secret>"},
		"within another value":   {edit("username: u", "username: xourPasswordx"), "username: x<secret>x"},
		"in a URL":               {edit("job_name: web", "job_name: web\n    proxy_url: http://u:hunter2@p"), "proxy_url: <another secret>"},
		"in a comment":           {edit("      password: ourPassword", "      #password: ourPassword\n      # hunter2"), "# <not shown>"},
		"in a comment of a line": {edit("username: u", "username: u # hunter2"), "username: u # <not shown>"},
		"a bearer token":         {edit("job_name: web", "job_name: web\n    bearer_token: hunter2"), "bearer_token: <another secret>"},
		"a value for a key":      {edit("username: u", "username: u\n      hunter2 hunter2:"), "<not shown>:"},
		"no YAML":                {edit("password: ourPassword", "password: ourPassword\n   token: hunter2\n\tx: [hunter2"), "password: <not shown>"},
		"not even lines":         {"hunter2\nourPassword", "<not shown>"},
		"an anchor":              {edit("password: ourPassword", "password: &p hunter2") + "x: *p\n", "password: &p <another secret>"},
		"a label":                {edit("{site: a}", "{site: b}"), "{site: b}"},
		"a regex":                {edit("(.*):9100", "(.*):9101"), "regex: (.*):9101"},
		"a target":               {edit("[h1:9100]", "[h1:9100, h2:9100]"), "['h1:9100', 'h2:9100']"},
		"empty":                  {"", ""},
		"another document":       {maskedOurs + "---\npassword: hunter2\n", "password: <not shown>"},
		"an anchor in itself":    {"a: &a [*a, hunter2]\n", "<not shown>"},
	} {
		want, have := check.MaskedPair([]byte(maskedOurs), []byte(c.theirs))
		if !strings.Contains(have, c.shown) {
			t.Errorf("%s: want %q in:\n%s", name, c.shown, have)
		}
		for _, secret := range []string{"hunter2", "ourPassword"} {
			if strings.Contains(have, secret) || strings.Contains(want, secret) {
				t.Errorf("%s: %s is shown:\n%s\n%s", name, secret, want, have)
			}
		}
		if !strings.Contains(want, "password: <secret>") || !strings.Contains(want, "# Written by promfleet.") {
			t.Errorf("%s: ours is shown as:\n%s", name, want)
		}
		if c.theirs != "" && name != "not even lines" && name != "an anchor in itself" && !strings.Contains(have, "job_name: web") {
			t.Errorf("%s: what did not change is hidden:\n%s", name, have)
		}
	}
}

func TestMaskedTargets(t *testing.T) {
	ours := `[{"targets":["h1:9100","h2:9100"],"labels":{"env":"prod"}}]`
	want, have := check.MaskedTargets([]byte(ours), []byte(strings.Replace(ours, "h2:9100", "https://u:hunter2@h3/", 1)))
	if !strings.Contains(want, "      \"h2:9100\"\n") || !strings.Contains(have, "      \"https://u:<secret>@h3/\"\n") {
		t.Errorf("want:\n%s\nhave:\n%s", want, have)
	}
	for _, theirs := range []string{`[{"targets":["h1:9100"],"password":"hunter2"}]`, "password: hunter2\n", `["hunter2"`, "hunter2"} {
		if _, have := check.MaskedTargets([]byte(ours), []byte(theirs)); strings.Contains(have, "hunter2") || !strings.Contains(have, "<not shown>") {
			t.Errorf("of %s is shown:\n%s", theirs, have)
		}
	}
	if want, have := check.MaskedTargets(nil, nil); want != "" || have != "" {
		t.Errorf("of nothing: %q, %q", want, have)
	}
}
