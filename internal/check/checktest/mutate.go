package checktest

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Mutate makes a copy of a scrape config and gets something in it wrong, as
// people and programs do: an unknown field, a wrong type, a bad duration, regex
// or action, a null, deep nesting and so on. The result may still be valid: it is
// for tests that compare two verdicts.
func Mutate(r *rand.Rand, sc map[string]any) map[string]any {
	m := mutator{generator{r}}
	out := clone(sc).(map[string]any)
	for range 1 + r.IntN(2) {
		if r.IntN(2) == 0 {
			m.known(out)
		} else {
			m.anywhere(out)
		}
	}
	return out
}

type mutator struct{ generator }

// known sets a field to what is known to trip people up.
func (m mutator) known(sc map[string]any) {
	faults := []map[string]any{
		{"scrape_intervall": "15s"},
		{"scrape_interval": "15"},
		{"scrape_interval": "1 m"},
		{"scrape_interval": float64(15)},
		{"scrape_interval": "5s", "scrape_timeout": "10s"},
		{"scrape_timeout": "-1s"},
		{"relabel_configs": []any{map[string]any{"action": "keep", "regex": "(", "source_labels": []any{"a"}}}},
		{"relabel_configs": []any{map[string]any{"action": "explode"}}},
		{"relabel_configs": []any{map[string]any{"action": "hashmod", "target_label": "a"}}},
		{"relabel_configs": []any{map[string]any{"action": "labeldrop", "regex": "a", "source_labels": []any{"b"}}}},
		{"relabel_configs": []any{map[string]any{"source_labels": "a", "target_label": "b"}}},
		{"relabel_configs": []any{nil}},
		{"metric_relabel_configs": map[string]any{"action": "drop"}},
		{"sample_limit": float64(-1)},
		{"sample_limit": 1.5},
		{"sample_limit": "ten"},
		{"sample_limit": math.Pow(2, 70)},
		{"label_limit": true},
		{"body_size_limit": "10 MB"},
		{"body_size_limit": float64(10)},
		{"basic_auth": map[string]any{"username": "u", "password": "p"}, "authorization": map[string]any{"credentials": "c"}},
		{"basic_auth": map[string]any{"username": "u", "password": "p", "password_file": "f"}},
		{"basic_auth": "u:p"},
		{"authorization": map[string]any{"type": "Basic", "credentials": "c"}},
		{"oauth2": map[string]any{"client_secret": "s"}},
		{"scheme": "gopher"},
		{"scheme": float64(1)},
		{"honor_labels": "yes"},
		{"honor_labels": "maybe"},
		{"honor_labels": float64(1)},
		{"honor_timestamps": nil},
		{"params": map[string]any{"a": "b"}},
		{"params": []any{"a"}},
		{"params": map[string]any{"a": []any{float64(1), true, nil}}},
		{"proxy_url": "http://[::1"},
		{"proxy_connect_header": map[string]any{"A": []any{"b"}}},
		{"http_headers": map[string]any{"Host": map[string]any{"values": []any{"a"}}}},
		{"tls_config": map[string]any{"min_version": "SSL3"}},
		{"tls_config": map[string]any{"cert_file": "c"}},
		{"scrape_protocols": []any{}},
		{"scrape_protocols": []any{"PrometheusProto", "PrometheusProto"}},
		{"scrape_protocols": []any{"HTTP"}},
		{"fallback_scrape_protocol": "x"},
		{"metric_name_validation_scheme": "legacy", "metric_name_escaping_scheme": "allow-utf-8"},
		{"metric_name_validation_scheme": "ascii"},
		{"static_configs": []any{map[string]any{"targets": []any{"http://a/b"}}}},
		{"static_configs": []any{map[string]any{"targets": []any{"a"}, "labels": map[string]any{"": "x"}}}},
		{"static_configs": []any{map[string]any{"targets": "a"}}},
		{"static_configs": []any{nil}},
		{"static_configs": map[string]any{}},
		{"file_sd_configs": []any{map[string]any{"files": []any{"a.txt"}}}},
		{"file_sd_configs": []any{map[string]any{}}},
		{"http_sd_configs": []any{map[string]any{"url": "ftp://a"}}},
		{"dns_sd_configs": []any{map[string]any{"names": []any{"a"}, "type": "A"}}},
		{"kubernetes_sd_configs": []any{map[string]any{"role": "Pods"}}},
		{"nothing_sd_configs": []any{map[string]any{}}},
		{"native_histogram_min_bucket_factor": ".inf"},
		{"params": nest(30)},
		{"params": nest(100)},
		{"<<": map[string]any{"honor_labels": true}},
		{"yes": true},
		{"": ""},
	}
	for k, v := range faults[m.r.IntN(len(faults))] {
		sc[k] = v
	}
}

func nest(depth int) any {
	var v any = "deep"
	for range depth {
		v = map[string]any{"a": v}
	}
	return v
}

// anywhere changes one value somewhere.
func (m mutator) anywhere(sc map[string]any) {
	var spots []func(any)
	collect(sc, &spots)
	if len(spots) == 0 {
		sc[m.text()] = m.value()
		return
	}
	spots[m.r.IntN(len(spots))](m.value())
}

func (m mutator) value() any {
	values := []any{
		nil, true, false, float64(0), float64(-1), 0.5, math.Pow(2, 40), m.text(), m.text(), m.text(), "x y",
		[]any{}, []any{nil}, []any{m.text()}, map[string]any{}, map[string]any{"unknown": m.text()}, nest(3),
	}
	return values[m.r.IntN(len(values))]
}

// collect lists every place of a value, in an order that does not change.
func collect(v any, spots *[]func(any)) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			*spots = append(*spots, func(x any) { v[k] = x }, func(x any) { delete(v, k); v[k+"x"] = x })
			collect(v[k], spots)
		}
	case []any:
		for i := range v {
			*spots = append(*spots, func(x any) { v[i] = x })
			collect(v[i], spots)
		}
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = clone(out[i])
		}
		return out
	}
	return v
}
