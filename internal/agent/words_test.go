package agent

import (
	"testing"

	"promfleet/internal/agent/reload"
)

func TestAccuse(t *testing.T) {
	yml := []byte(`# Written by promfleet
global:
  scrape_interval: 15s
  new_thing: 1
scrape_configs:
  - job_name: a
    new_thing: 1
    file_sd_configs:
      - files:
          - /x/*.json
  - job_name: 'b "c"'
    new_thing: 2
    other_thing: 3
remote_write: []
`)
	const head = "failed to reload config: couldn't load configuration (--config.file=\"p.yml\"): parsing YAML file p.yml: "
	for _, c := range []struct {
		words string
		want  accused
	}{
		{head + "yaml: unmarshal errors: line 7: field new_thing not found in type config.ScrapeConfig",
			accused{"a": "field new_thing not found in type config.ScrapeConfig"}},
		{head + "yaml: unmarshal errors: line 7: field new_thing not found in type x line 12: field new_thing not found in type x line 13: field other_thing not found in type x",
			accused{"a": "field new_thing not found in type x", `b "c"`: "field new_thing not found in type x, field other_thing not found in type x"}},
		{head + "yaml: unmarshal errors: line 4: field new_thing not found in type config.plain",
			accused{"": "field new_thing not found in type config.plain"}},
		{head + "yaml: unmarshal errors: line 3: cannot unmarshal !!str `15s` into int",
			accused{"": "cannot unmarshal !!str `15s` into int"}},
		// Of another file: that line of ours says something else.
		{head + "yaml: unmarshal errors: line 8: field new_thing not found in type config.plain", accused{}},
		{head + "yaml: unmarshal errors: line 99: field new_thing not found in type config.plain", accused{}},
		{head + `scrape timeout greater than scrape interval for scrape config with job name "b \"c\""`,
			accused{`b "c"`: head + `scrape timeout greater than scrape interval for scrape config with job name "b \"c\""`}},
		{head + `found multiple scrape configs with job name "a"`, accused{"a": head + `found multiple scrape configs with job name "a"`}},
		{head + `found multiple remote write configs with job name "a"`, accused{}},
		{"one or more errors occurred while applying the new configuration", accused{}},
	} {
		same(t, c.want, accuse(yml, c.words))
	}
}

func TestPromtoolVersion(t *testing.T) {
	const said = "promtool, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5+deb12u1)\n  build user: x\n"
	for _, c := range []struct {
		id   reload.Identity
		want bool
	}{
		{reload.Identity{Version: "2.42.0+ds", Revision: "2.42.0+ds-5+deb12u1"}, true},
		{reload.Identity{Version: "2.42.0+ds"}, true},
		{reload.Identity{Version: "2.42.0"}, false},
		{reload.Identity{Version: "2.42.0+ds", Revision: "2.42.0+ds-5"}, false},
		{reload.Identity{Version: "3.0.0"}, false},
	} {
		same(t, c.want, isVersion(said, c.id))
	}
}
