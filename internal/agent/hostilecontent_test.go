package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"promfleet"
	"promfleet/internal/render"
)

// draft is a manifest in the making: well-formed until something is done to it.
type draft struct {
	rng    *rand.Rand
	canary string // a path that no configuration may name
	base   string
	jobs   []draftJob
	top    []func(m *promfleet.Manifest) // done to the manifest at last
	index  []func(parts []promfleet.Part) []promfleet.Part
	bodies map[promfleet.Hash]string
}

type draftJob struct {
	key, name, config string
	pieces            map[string]string // bodies by name
	count             int64             // said of each piece
}

// tricks are names that lead elsewhere where they become paths.
func (d *draft) trick() string {
	return pick(d.rng, []string{
		"../x", "../../canary", "/etc/cron.d/x", d.canary, "a/../../x", "..", ".", "", "a\x00b", `..\x`, `a\..\b`, "%2e%2e%2fx", "x/", "//x",
		"ａ", "..／x", "a\u202eb", "naïve", strings.Repeat("k", 129), strings.Repeat("../", 50) + "etc/passwd", "x\n", " x", "-rf", "~root", "$(touch x)", "x;touch y", "`x`", "CON", ".stage/lock", ".promfleet",
	})
}

func pick[T any](rng *rand.Rand, all []T) T { return all[rng.IntN(len(all))] }

// newDraft is what an honest server might say.
func newDraft(rng *rand.Rand, canary string) *draft {
	d := &draft{rng: rng, canary: canary, bodies: map[promfleet.Hash]string{}}
	if rng.IntN(2) == 0 {
		d.base = fmt.Sprintf("global: {scrape_interval: %ds}\n", 5+rng.IntN(50))
	}
	for i := range 1 + rng.IntN(3) {
		addrs := make([]string, rng.IntN(20))
		for a := range addrs {
			addrs[a] = fmt.Sprintf("host-%d:9100", rng.IntN(100))
		}
		if len(addrs) == 0 {
			addrs = []string{"h:1"}
		}
		body, _ := json.Marshal([]map[string]any{{"targets": addrs, "labels": map[string]string{"x": "y"}}})
		key := fmt.Sprintf("job%d", i)
		d.jobs = append(d.jobs, draftJob{key: key, name: key, config: "{}", pieces: map[string]string{"all": string(body)}, count: int64(len(addrs))})
	}
	return d
}

func (d *draft) job() *draftJob { return &d.jobs[d.rng.IntN(len(d.jobs))] }

// spoil does one thing to it that no honest server does.
func (d *draft) spoil() string {
	kinds := []struct {
		name string
		do   func()
	}{
		{"key", func() { d.job().key = d.trick() }},
		{"key twice", func() { d.jobs = append(d.jobs, d.jobs[0]) }},
		{"job name", func() { d.job().name = d.trick() }},
		{"piece", func() { j := d.job(); j.pieces[d.trick()] = j.pieces["all"] }},
		{"piece of the guard", func() { j := d.job(); j.pieces["held-0000"] = j.pieces["all"] }},
		{"scrape config", func() { d.job().config = d.config() }},
		{"base", func() { d.base = d.baseConfig() }},
		{"targets", func() { d.job().pieces["all"] = d.targets() }},
		{"count", func() { d.job().count = pick(d.rng, []int64{-1, 0, 1 << 40, math.MaxInt64}) }},
		{"many jobs", d.manyJobs},
		{"part", func() { d.top = append(d.top, func(m *promfleet.Manifest) { m.Parts = d.part(m.Parts) }) }},
		{"part of an index", func() { d.index = append(d.index, d.part) }},
		{"revision", func() {
			d.top = append(d.top, func(m *promfleet.Manifest) {
				// Any that is good would be taken, and nothing older ever again: what comes with a great one is bad.
				if m.Revision = pick(d.rng, []int64{-1, 0, 1, m.Revision - 1, m.Revision / 2, math.MinInt64, math.MaxInt64}); m.Revision == math.MaxInt64 {
					m.Parts = append(m.Parts, promfleet.Part{Name: "rules"})
				}
			})
		}},
		{"node", func() {
			d.top = append(d.top, func(m *promfleet.Manifest) {
				m.Node = pick(d.rng, []string{"", "6f3f3dcb-0000-4000-8000-000000000000", "../x", strings.ToUpper(m.Node), m.Node + "\n"})
			})
		}},
		{"protocol", func() {
			d.top = append(d.top, func(m *promfleet.Manifest) { m.Protocol = pick(d.rng, []int{-1, 0, 2, math.MaxInt}) })
		}},
	}
	k := pick(d.rng, kinds)
	k.do()
	return k.name
}

// part does something to one part of a list.
func (d *draft) part(parts []promfleet.Part) []promfleet.Part {
	if len(parts) == 0 {
		return parts
	}
	p := &parts[d.rng.IntN(len(parts))]
	switch d.rng.IntN(9) {
	case 0:
		p.Name = "jobs/" + d.trick()
	case 1:
		p.Name = d.trick()
	case 2:
		p.Name = "jobs/job0/targets/" + d.trick()
	case 3:
		p.Hash = pick(d.rng, []promfleet.Hash{"", "x", promfleet.Hash(d.trick()), promfleet.Hash(strings.ToUpper(string(p.Hash))), promfleet.HashOf([]byte("other")), promfleet.Hash(strings.Repeat("../", 21) + "x")})
	case 4:
		p.Size = pick(d.rng, []int64{-1, 0, p.Size + 1, maxConfig, maxConfig + 1, maxIndex, maxIndex + 1, maxBody, maxBody + 1, math.MaxInt64, math.MinInt64})
	case 5:
		p.Index = !p.Index
	case 6:
		p.Count = pick(d.rng, []int64{-1, 1 << 50, math.MaxInt64})
	case 7:
		return append(parts, *p)
	case 8:
		return append(parts, parts...)
	}
	return parts
}

// manyJobs is a revision of tens of thousands of jobs, none of which is there.
func (d *draft) manyJobs() {
	d.top = append(d.top, func(m *promfleet.Manifest) {
		for i := range 30_000 {
			m.Parts = append(m.Parts, promfleet.Part{Name: fmt.Sprintf("jobs/j%d", i), Hash: promfleet.HashOf(nil), Index: true})
		}
	})
}

// config is a scrape_config that reads a file, or is no scrape_config.
func (d *draft) config() string {
	path, _ := json.Marshal(pick(d.rng, []string{d.canary, "/etc/shadow", "../../canary", "/proc/self/environ", "/etc/prometheus/../shadow"}))
	return pick(d.rng, []func() string{
		func() string { return `{"bearer_token_file":` + string(path) + `}` },
		func() string { return `{"authorization":{"credentials_file":` + string(path) + `}}` },
		func() string { return `{"basic_auth":{"username":"u","password_file":` + string(path) + `}}` },
		func() string { return `{"tls_config":{"ca_file":` + string(path) + `}}` },
		func() string { return `{"http_headers":{"X":{"files":[` + string(path) + `]}}}` },
		func() string { return `{"file_sd_configs":[{"files":[` + string(path) + `]}]}` },
		func() string { return `{"scrape_failure_log_file":` + string(path) + `}` },
		func() string {
			return `{"kubernetes_sd_configs":[{"role":"pod","kubeconfig_file":` + string(path) + `}]}`
		},
		func() string {
			return `{"oauth2":{"client_id":"x","token_url":"http://x/","client_secret_file":` + string(path) + `}}`
		},
		func() string { return `{"job_name":"other"}` },
		func() string { return `{"sample_limit":1e400}` },
		func() string { return `{"sample_limit":99999999999999999999999999}` },
		func() string { return `{"scrape_interval":-1}` },
		func() string { return `{"metric_relabel_configs":[{"regex":"((a{1000}){1000}){1000}"}]}` },
		func() string {
			return `{"relabel_configs":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`
		},
		func() string { return `{"relabel_configs":[` + strings.Repeat("0,", 500_000) + `0]}` },
		func() string { return `{"relabel_configs":[` + strings.Repeat("{},", 90_000) + `{}]}` },
		func() string { return `{"static_configs":[{"targets":["` + strings.Repeat(`a","`, 300_000) + `"]}]}` },
		func() string { return `{"params":{"` + strings.Repeat(`k":["v"],"`, 100_000) + `":[]}}` },
		func() string { return `{"x":"\ud800","` + "\xff" + `":1}` },
		func() string { return `{"honor_labels":true,"honor_labels":false}` },
		func() string { return pick(d.rng, []string{`null`, `[]`, `"x"`, `1`, ``, `{`, `{}{}`, "{}\x00"}) },
	})()
}

// baseConfig reads or writes files, is large, or no configuration at all.
func (d *draft) baseConfig() string {
	return pick(d.rng, []func() string{
		func() string { return "global: {query_log_file: " + d.canary + "}\n" },
		func() string { return "global: {scrape_failure_log_file: " + d.canary + "}\n" },
		func() string { return "rule_files: ['" + d.canary + "']\n" },
		func() string { return "rule_files: ['/etc/prometheus/../*']\n" },
		func() string { return "scrape_config_files: ['/tmp/*.yml']\n" },
		func() string {
			return "remote_write: [{url: 'http://x/', tls_config: {key_file: " + d.canary + "}}]\n"
		},
		func() string {
			return "alerting: {alertmanagers: [{basic_auth: {username: u, password_file: " + d.canary + "}}]}\n"
		},
		func() string { return "tracing: {endpoint: 'x:1', tls_config: {ca_file: " + d.canary + "}}\n" },
		func() string { return "scrape_configs: [{job_name: x}]\n" },
		func() string { return "global: {}\n---\nglobal: {}\n" },
		func() string { return bomb(30, 10) },
		func() string { return "a: &a [*a]\nb: *a\n" },
		func() string { return "global: &g {external_labels: {a: b}}\nx: {<<: [*g, *g]}\n" },
		func() string { return "x: !!python/object/apply:os.system ['touch " + d.canary + "']\n" },
		func() string { return "x: !!binary aGk=\n? [complex, key]\n: y\n" },
		func() string { return "x: " + strings.Repeat("[", 20_000) },
		func() string { return "x: " + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) },
		func() string { return "x: [" + strings.Repeat("1,", 500_000) + "1]\n" },
		func() string { return strings.Repeat("- ", 300_000) + "\n" },
		func() string { return "x:\n" + strings.Repeat("- \n", 300_000) },
		func() string { return "x: {" + strings.Repeat("?,", 300_000) + "}\n" },
		func() string { return "x: [" + strings.Repeat("[],", 300_000) + "[]]\n" },
		func() string { return "x: '" + strings.Repeat("y", 3<<20) + "'\n" },
		func() string { return "global: {external_labels: {a: \"" + strings.Repeat("${HOME}", 1000) + "\"}}\n" },
		func() string { return "\xff\xfe" },
		func() string { return "\x00" },
		func() string { return "global: [" },
		func() string { return "# " + strings.Repeat("x\n# ", 90_000) + "\n" },
	})()
}

// bomb is YAML of wide^depth nodes.
func bomb(depth, wide int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := 1; i < depth; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), wide), ","))
	}
	return b.String()
}

// targets is a file_sd file that is none, or one of a million of something.
func (d *draft) targets() string {
	return pick(d.rng, []func() string{
		func() string { return `[{"targets":["` + strings.Repeat(`a","`, 500_000) + `"]}]` },
		func() string { return `[` + strings.Repeat(`{},`, 900_000) + `{}]` },
		func() string { return `[` + strings.Repeat(`null,`, 500_000) + `null]` },
		func() string { return `[{"targets":["a:1"],"labels":{` + manyLabels(200_000) + `"z":""}}]` },
		func() string { return `[{"targets":["a:1"],"labels":{"x":"` + strings.Repeat("y", 3<<20) + `"}}]` },
		func() string { return `[{"targets":["a:1"],"labels":{"` + strings.Repeat("y", 1<<20) + `":"x"}}]` },
		func() string { return strings.Repeat("[", 100_000) },
		func() string { return strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) },
		func() string { return `[{"targets":["a:1"],"labels":{"__address__":"/etc/passwd"}}]` },
		func() string { return `[{"targets":["a:1\n"],"labels":{"a\n":"b"}}]` },
		func() string { return `[{"targets":["a:1"],"targets":["b:1"]}]` },
		func() string { return `[{"targets":[1e999]}]` },
		func() string { return "[{\"targets\":[\"\xff\"]}]" },
		func() string { return `[{"targets":["a:1"]}` },
		func() string { return `[] []` },
		func() string {
			return pick(d.rng, []string{``, `null`, `{}`, `[null]`, `"x"`, "\x00", "- targets: [a]\n"})
		},
	})()
}

func manyLabels(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"l%d":"",`, i)
	}
	return b.String()
}

// manifest makes the manifest, with whatever was done to the draft.
func (d *draft) manifest(node string, revision int64) promfleet.Manifest {
	m := promfleet.Manifest{Protocol: promfleet.ProtocolVersion, Node: node, Revision: revision}
	if d.rng.IntN(10) == 0 {
		m.Confirmed = pick(d.rng, []int64{-1, revision, math.MaxInt64})
	}
	if d.base != "" {
		m.Parts = append(m.Parts, d.add(render.BasePart, d.base))
	}
	for _, j := range d.jobs {
		key, _ := json.Marshal(j.key)
		name, _ := json.Marshal(j.name)
		config := fmt.Sprintf(`{"key":%s,"job_name":%s,"scrape_config":%s}`, key, name, j.config)
		parts := []promfleet.Part{d.add(render.ConfigName(j.key), config)}
		for piece, body := range j.pieces {
			p := d.add(render.PieceName(j.key, piece), body)
			p.Count = j.count
			parts = append(parts, p)
		}
		for _, do := range d.index {
			parts = do(parts)
		}
		index, err := render.IndexBody(parts)
		if err != nil {
			panic(err)
		}
		p := d.add(render.IndexName(j.key), string(index))
		p.Index = true
		m.Parts = append(m.Parts, p)
	}
	for _, do := range d.top {
		do(&m)
	}
	return m
}

func (d *draft) add(name, body string) promfleet.Part {
	hash := promfleet.HashOf([]byte(body))
	d.bodies[hash] = body
	return promfleet.Part{Name: name, Hash: hash, Size: int64(len(body))}
}

// damage does something to a reply that was well-formed JSON.
func damage(rng *rand.Rand, body []byte) []byte {
	body = bytes.Clone(body)
	at := rng.IntN(len(body) + 1)
	insert := func(s string) []byte { return append(append(bytes.Clone(body[:at]), s...), body[at:]...) }
	switch rng.IntN(9) {
	case 0:
		for range 1 + rng.IntN(5) {
			if len(body) > 0 {
				body[rng.IntN(len(body))] = byte(rng.IntN(256))
			}
		}
		return body
	case 1:
		return body[:at]
	case 2:
		return insert(string(body[rng.IntN(at+1):at]))
	case 3:
		return insert(pick(rng, []string{"\xff", "\x00", `\ud800`, "\ufeff", `"`, "}", "]", ",", "\n\n", "null", "-", "//"}))
	case 4:
		return numberRE.ReplaceAll(body, []byte(pick(rng, []string{":1e999", ":-1", ":99999999999999999999999", ":1.5", ":NaN", ":true", ":\"1\"", ":[]", ":00"})))
	case 5:
		return append([]byte(`{"manifest":{"revision":1,"parts":[{},{},{}]},"bodies":[{"hash":"x"}],`), bytes.TrimPrefix(body, []byte("{"))...)
	case 6:
		n := pick(rng, []int{100, 9_000, 20_000, 1_000_000})
		return append([]byte(`{"x":`+strings.Repeat("[", n)+strings.Repeat("]", n)+`,`), bytes.TrimPrefix(body, []byte("{"))...)
	case 7:
		return append(body, body...)
	default:
		return []byte(pick(rng, []string{"", "null", "[]", "{}", `""`, "0", "true", `{"manifest":null}`, `{"manifest":{"parts":null}}`, `{"bodies":[null]}`, "<html>login</html>",
			`{"manifest":{"parts":[` + strings.Repeat(`{},`, 1_000_000) + `{}]}}`,
			`{"manifest":{"parts":[` + strings.Repeat(`{"hash":"x"},`, 300_000) + `{}]}}`,
			`{"bodies":[` + strings.Repeat(`{},`, 1_000_000) + `{}]}`}))
	}
}
