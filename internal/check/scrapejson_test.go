package check_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"promfleet/internal/check"
)

// Values are read by the types of Prometheus's fields, as YAML 1.1 has them.
func TestScrapeConfigJSON(t *testing.T) {
	for _, c := range []struct{ name, yml, want string }{
		{"nothing", "", "{}"},
		{"null", "~", "{}"},
		{"a bool", "honor_labels: yes\nhonor_timestamps: Off", `{"honor_labels":true,"honor_timestamps":false}`},
		{"a label that looks like a bool", "static_configs: [{targets: [a], labels: {on: yes, n: 1.10, o: 012, t: 1:30, d: 2026-11-24, e: }}]",
			`{"static_configs":[{"labels":{"d":"2026-11-24","e":null,"n":"1.10","o":"012","on":"yes","t":"1:30"},"targets":["a"]}]}`},
		{"numbers", "sample_limit: 0x10\ntarget_limit: 1_000\nlabel_limit: 017\nnative_histogram_min_bucket_factor: 1.10",
			`{"label_limit":15,"native_histogram_min_bucket_factor":1.10,"sample_limit":16,"target_limit":1000}`},
		{"durations and sizes are text", "scrape_interval: 0\nscrape_timeout: 1m\nbody_size_limit: 10MB", `{"body_size_limit":"10MB","scrape_interval":"0","scrape_timeout":"1m"}`},
		{"relabelling", "relabel_configs: [{source_labels: [y], regex: 5, replacement: $1, modulus: 0x8}]",
			`{"relabel_configs":[{"modulus":8,"regex":"5","replacement":"$1","source_labels":["y"]}]}`},
		{"secrets", "basic_auth: {username: no, password: 007}\nbearer_token: <secret>", `{"basic_auth":{"password":"007","username":"no"},"bearer_token":"<secret>"}`},
		{"params", "params: {module: [yes, 2xx, 1e3]}", `{"params":{"module":["yes","2xx","1e3"]}}`},
		{"discovery", "consul_sd_configs: [{server: 10.0.0.1:8500, allow_stale: no, refresh_interval: 30s, node_meta: {rack: 08}}]",
			`{"consul_sd_configs":[{"allow_stale":false,"node_meta":{"rack":"08"},"refresh_interval":"30s","server":"10.0.0.1:8500"}]}`},
		{"merges and aliases", "x: &x {honor_labels: on, scheme: http}\n<<: *x\nscheme: https\nparams: &p {a: [b]}",
			`{"honor_labels":true,"params":{"a":["b"]},"scheme":"https","x":{"honor_labels":true,"scheme":"http"}}`},
		{"the first of several merges", "<<: [{scheme: https}, {scheme: http, honor_labels: true}]", `{"honor_labels":true,"scheme":"https"}`},
		{"tags", "params: {a: [!!str 5]}\nsample_limit: !!int 5", `{"params":{"a":["5"]},"sample_limit":5}`},
		{"unknown fields come through", "hello: [1, yes, {a: b}]", `{"hello":[1,true,{"a":"b"}]}`},
		{"a list", "[a]", "error: yaml: line 1: not a mapping of fields"},
		{"twice", "scheme: http\nscheme: https", "error: yaml: line 2: field scheme is there twice"},
		{"an anchor in itself", "params: &a\n  b: *a", "error: yaml: line 1: anchor 'a' value contains itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n yaml.Node
			if err := yaml.Unmarshal([]byte(c.yml), &n); err != nil {
				t.Fatal(err)
			}
			got, err := check.ScrapeConfigJSON(&n)
			said := string(got)
			if err != nil {
				said = "error: " + err.Error()
			}
			if said != c.want {
				t.Errorf("got  %s\nwant %s", said, c.want)
			}
		})
	}
}

func TestScrapeConfigJSONIsBounded(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for _, level := range strings.Split("1 2 3 4 5 6 7 8", " ") {
		below := string(level[0] - 1)
		bomb += "a" + level + ": &a" + level + " [" + strings.Repeat("*a"+below+", ", 9) + "*a" + below + "]\n"
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(bomb), &n); err != nil {
		t.Fatal(err)
	}
	if _, err := check.ScrapeConfigJSON(&n); err == nil {
		t.Error("a bomb of aliases was written out")
	}
}
