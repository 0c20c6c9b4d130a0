package checktest

import (
	"fmt"
	"math/rand/v2"
)

// ScrapeConfig makes a scrape config, without job_name, that Prometheus accepts
// beside a default global section. Its values are those that encoding/json gives:
// string, bool, float64, []any and map[string]any.
func ScrapeConfig(r *rand.Rand) map[string]any {
	sc := map[string]any{}
	g := generator{r}
	g.timing(sc)
	g.switches(sc)
	g.limits(sc)
	g.protocols(sc)
	g.http(sc)
	g.maybe(sc, "metrics_path", g.one("/metrics", "/federate", "/probe", "/a b", "/ünï", "/$path"))
	g.maybe(sc, "scheme", g.one("http", "https"))
	if g.chance(3) {
		params := map[string]any{}
		for range 1 + r.IntN(3) {
			params[g.one("match[]", "module", "target", "a.b", "yes", "1")] = g.strings(1 + r.IntN(3))
		}
		sc["params"] = params
	}
	if g.chance(3) {
		sc["relabel_configs"] = g.relabelings()
	}
	if g.chance(3) {
		sc["metric_relabel_configs"] = g.relabelings()
	}
	for range r.IntN(3) {
		kind := g.r.IntN(len(discoveries))
		list, _ := sc[discoveries[kind].name].([]any)
		sc[discoveries[kind].name] = append(list, discoveries[kind].make(g))
	}
	return sc
}

type generator struct{ r *rand.Rand }

// chance is true once in n.
func (g generator) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g generator) one(of ...string) string { return of[g.r.IntN(len(of))] }

func (g generator) maybe(m map[string]any, key string, value any) {
	if g.chance(4) {
		m[key] = value
	}
}

func (g generator) number(below int) any { return float64(g.r.IntN(below)) }

func (g generator) bool() any { return g.chance(2) }

// text is a string that a careless writer or reader of YAML would spoil.
func (g generator) text() string {
	return g.one("", "a", "yes", "no", "on", "null", "~", "012", "0x1F", "1:30", "1e3", ".inf", ".nan", "-", "- a", "a: b",
		"#c", " lead", "trail ", "it's", `say "hi"`, `back\slash`, "line\nbreak", "tab\t", "$1", "${HOME}", "$$", "%41",
		"{{ x }}", "[a", "{a", "&a", "*a", "!a", "|", ">", "@", "`", "=", "<<", "开发", "é", "🔥", "2001-01-01", "true", "<secret>",
		fmt.Sprintf("v%d", g.r.IntN(1000)))
}

func (g generator) strings(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = g.text()
	}
	return list
}

func (g generator) label() string {
	return g.one("__address__", "__meta_x_y", "instance", "env", "le", "a_b", "__tmp_1", "__param_target", "job")
}

func (g generator) timing(sc map[string]any) {
	switch g.r.IntN(5) {
	case 0:
		sc["scrape_interval"] = g.one("10s", "15s", "60s", "1m", "1m30s", "2h", "1d", "90000ms")
	case 1:
		sc["scrape_interval"] = g.one("30s", "1m", "5m")
		sc["scrape_timeout"] = g.one("500ms", "1s", "30s", "0s")
	case 2:
		sc["scrape_timeout"] = g.one("1s", "10s", "1m", "60s")
	}
}

func (g generator) switches(sc map[string]any) {
	for _, key := range []string{
		"honor_labels", "honor_timestamps", "track_timestamps_staleness", "enable_compression",
		"scrape_native_histograms", "always_scrape_classic_histograms", "convert_classic_histograms_to_nhcb",
		"extra_scrape_metrics",
	} {
		if g.chance(6) {
			sc[key] = g.bool()
		}
	}
}

func (g generator) limits(sc map[string]any) {
	for _, key := range []string{
		"sample_limit", "target_limit", "label_limit", "label_name_length_limit", "label_value_length_limit",
		"keep_dropped_targets", "native_histogram_bucket_limit",
	} {
		if g.chance(8) {
			sc[key] = g.number(100000)
		}
	}
	g.maybe(sc, "body_size_limit", g.one("10MB", "1GB", "512KB", "0"))
	g.maybe(sc, "native_histogram_min_bucket_factor", 1+g.r.Float64())
}

func (g generator) protocols(sc map[string]any) {
	all := []any{"PrometheusProto", "PrometheusText0.0.4", "PrometheusText1.0.0", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0"}
	g.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	g.maybe(sc, "fallback_scrape_protocol", all[0])
	g.maybe(sc, "scrape_protocols", all[:1+g.r.IntN(len(all))])
	switch g.r.IntN(6) {
	case 0:
		sc["metric_name_validation_scheme"] = "utf8"
		sc["metric_name_escaping_scheme"] = g.one("allow-utf-8", "underscores", "dots", "values")
	case 1:
		sc["metric_name_validation_scheme"] = "legacy"
		g.maybe(sc, "metric_name_escaping_scheme", "underscores")
	}
}

func (g generator) relabelings() []any {
	list := make([]any, 0, 4)
	for range 1 + g.r.IntN(4) {
		list = append(list, g.relabeling())
	}
	return list
}

func (g generator) regex() string {
	return g.one("", ".*", "(.+)", "a|b", `([^:]+)(?::\d+)?;(\d+)`, `node_(cpu|memory)_.*`, "yes", `\.`, "(?i)x", "$", `it's "x"`,
		"__meta_(.+)", "é+", "[a-z]{2,5}", "# not a comment", "a: b")
}

func (g generator) relabeling() any {
	rc := map[string]any{}
	sources := func() {
		rc["source_labels"] = []any{g.label()}
		if g.chance(2) {
			rc["source_labels"] = []any{g.label(), g.label()}
		}
	}
	switch action := g.one("replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase",
		"keepequal", "dropequal", "default", "Keep"); action {
	case "replace", "default":
		sources()
		rc["target_label"] = g.one("instance", "__param_target", "env_${1}", "__address__")
		g.maybe(rc, "replacement", g.one("$1:9100", "${1}", "", "a$$b", "127.0.0.1:9115", "yes", "012"))
		g.maybe(rc, "regex", g.regex())
		g.maybe(rc, "separator", g.one(";", "", "@", ":", " "))
		if action == "replace" {
			rc["action"] = action
		}
	case "keep", "drop", "Keep":
		sources()
		rc["action"], rc["regex"] = action, g.regex()
		g.maybe(rc, "separator", g.one(";", "", "|"))
	case "hashmod":
		sources()
		rc["action"], rc["modulus"], rc["target_label"] = action, 1+g.r.IntN(16), "__tmp_hash"
		rc["modulus"] = float64(rc["modulus"].(int))
	case "labelmap":
		rc["action"], rc["regex"] = action, "__meta_(.+)"
		g.maybe(rc, "replacement", "k8s_$1")
	case "labeldrop", "labelkeep":
		rc["action"], rc["regex"] = action, g.regex()
	case "lowercase", "uppercase", "keepequal", "dropequal":
		sources()
		rc["action"], rc["target_label"] = action, "env"
	}
	return rc
}
