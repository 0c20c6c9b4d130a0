package check

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SameConfig says whether running, the YAML that a Prometheus shows at
// /api/v1/status/config, is what loading ours, the text of a prometheus.yml in
// the directory dir, gives. The error names the first difference.
//
// The Prometheus may be older or newer than the linked library: fields that the
// library does not know are passed over, and where ours leaves a default, the
// default of another version will do. Secrets are masked in running, so they are
// compared only in whether they are there. External labels with a $ are expanded
// from the environment of that process, so only their names are compared.
func SameConfig(ours, running []byte, dir string) (err error) {
	defer recoverAs(&err)
	mine, err := Load(ours)
	if err != nil {
		return fmt.Errorf("our configuration: %w", err)
	}
	mine.loaded.SetDirectory(dir)
	// What ours looks like through the same keyhole: masked, with what is left
	// out when it is written lost.
	shown := mine.loaded.String()
	if shown == string(running) {
		return nil
	}
	wanted, err := loadShown([]byte(shown))
	if err != nil {
		return fmt.Errorf("our configuration as Prometheus would show it: %w", err)
	}
	have, err := loadShown(running)
	if err != nil {
		return fmt.Errorf("the configuration that Prometheus shows: %w", err)
	}
	return sameShown(mine, wanted, have)
}

// sameShown compares ours, as Prometheus would show it, with what it shows.
func sameShown(mine, wanted, have *Config) error {
	if diff := sameLabels(mine.root, have.root); diff != nil {
		return errors.New(runs("", diff))
	}
	wanted.loaded.GlobalConfig.ExternalLabels = have.loaded.GlobalConfig.ExternalLabels
	rules := shownRules{global: child(mine.root, "global")}
	d := differ{allow: rules.allow}
	if diff := d.sections(wanted.loaded, have.loaded, mine.root, have.root); diff != nil {
		return errors.New(runs("", diff))
	}
	theirs := byName(have.loaded.ScrapeConfigs)
	for i, sc := range wanted.loaded.ScrapeConfigs {
		place, ok := theirs[sc.JobName]
		if !ok {
			return fmt.Errorf("job %q is not loaded", sc.JobName)
		}
		rules.job = true
		d := differ{allow: rules.allow}
		diff := d.job(sc, have.loaded.ScrapeConfigs[place],
			at(child(mine.root, "scrape_configs"), i), at(child(have.root, "scrape_configs"), place))
		if diff != nil {
			return errors.New(runs(sc.JobName, diff))
		}
	}
	mineNames := byName(wanted.loaded.ScrapeConfigs)
	for _, sc := range have.loaded.ScrapeConfigs {
		if _, ok := mineNames[sc.JobName]; !ok {
			return fmt.Errorf("job %q is loaded, but not in the file", sc.JobName)
		}
	}
	return nil
}

func runs(job string, d *difference) string {
	s := fmt.Sprintf("%s is %s, wanted %s", d.path, d.have, d.wanted)
	if job != "" {
		s = fmt.Sprintf("job %q: ", job) + s
	}
	return s
}

// sameLabels compares the external labels as written, before they are expanded.
func sameLabels(ours, running *yaml.Node) *difference {
	w, h := stringMap(child(child(ours, "global"), "external_labels")), stringMap(child(child(running, "global"), "external_labels"))
	for name, value := range w {
		if _, shown := h[name]; shown && strings.Contains(value, "$") {
			delete(w, name)
			delete(h, name)
		}
	}
	return (&differ{}).maps("global.external_labels", side{v: reflect.ValueOf(w)}, side{v: reflect.ValueOf(h)})
}

func stringMap(n *yaml.Node) map[string]string {
	m := map[string]string{}
	if n = resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := resolve(n.Content[i+1]); v.Tag != "!!null" {
			m[n.Content[i].Value] = v.Value
		} else {
			m[n.Content[i].Value] = ""
		}
	}
	return m
}

// maxRetries bounds how often fields that the library does not know are dropped.
const maxRetries = 20

// loadShown loads a configuration as Prometheus shows it: masked, and perhaps of
// another version.
func loadShown(yml []byte) (*Config, error) {
	for range maxRetries {
		root, err := parse(yml, maxShown)
		if err != nil {
			return nil, &Error{Message: oneLine(err.Error())}
		}
		// parse keeps what it read as it stands; unmask changes it.
		if unmask(root) {
			if yml, err = yaml.Marshal(root); err != nil {
				return nil, err
			}
			continue
		}
		loaded, err := verdict(yml)
		if err == nil {
			return &Config{loaded: loaded, root: root}, nil
		}
		unknown := map[int][]string{}
		for _, c := range complaints(err) {
			if strings.HasPrefix(c.text, "field ") && strings.Contains(c.text, " not found in ") {
				unknown[c.line] = append(unknown[c.line], c.text)
			}
		}
		if !dropUnknown(root, unknown) {
			return nil, newError(err, root)
		}
		if yml, err = yaml.Marshal(root); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("too many fields in it are of a newer version")
}

// dropUnknown removes the fields that complaints, by line, are about. It says
// whether there were any.
func dropUnknown(n *yaml.Node, unknown map[int][]string) (dropped bool) {
	if n == nil || len(unknown) == 0 {
		return false
	}
	if n.Kind == yaml.MappingNode {
		kept := n.Content[:0]
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if slices.ContainsFunc(unknown[key.Line], func(text string) bool { return aboutKey(text, key.Value) }) {
				dropped = true
				continue
			}
			kept = append(kept, key, n.Content[i+1])
		}
		n.Content = kept
	}
	for _, c := range n.Content {
		dropped = dropUnknown(c, unknown) || dropped
	}
	return dropped
}

// someUUID stands for a masked secret where Prometheus insists on a UUID.
const someUUID = "00000000-0000-4000-8000-000000000000"

var tlsVersions = map[string]string{"769": "TLS10", "770": "TLS11", "771": "TLS12", "772": "TLS13"}

// unmask changes what Prometheus shows so that it loads again. Scaleway's service
// discovery wants a UUID where <secret> stands, and Consul's copies its username
// and password to basic_auth and then refuses both. It says whether it changed
// anything.
func unmask(root *yaml.Node) bool {
	changed := respell(root)
	lists := resolve(child(root, "scrape_configs"))
	ams := resolve(child(child(root, "alerting"), "alertmanagers"))
	for _, list := range []*yaml.Node{lists, ams} {
		if list == nil {
			continue
		}
		for _, sc := range list.Content {
			if sds := resolve(child(sc, "scaleway_sd_configs")); sds != nil {
				for _, sd := range sds.Content {
					if key := child(sd, "secret_key"); key != nil && key.Value == "<secret>" {
						key.Value, changed = someUUID, true
					}
				}
			}
			if sds := resolve(child(sc, "consul_sd_configs")); sds != nil {
				for _, sd := range sds.Content {
					if child(sd, "username") != nil || child(sd, "password") != nil {
						changed = dropKey(sd, "basic_auth") || changed
					}
				}
			}
		}
	}
	return changed
}

// respell changes what some versions write (2.42 does) and none reads: numbers for
// TLS versions, and the default regex in actions that take no regex.
func respell(n *yaml.Node) (changed bool) {
	if n == nil {
		return false
	}
	if n.Kind == yaml.MappingNode {
		for _, key := range []string{"min_version", "max_version"} {
			if v := child(n, key); v != nil && tlsVersions[v.Value] != "" {
				v.Value, v.Tag, changed = tlsVersions[v.Value], "!!str", true
			}
		}
		if a := child(n, "action"); a != nil && (a.Value == "keepequal" || a.Value == "dropequal") {
			if re := child(n, "regex"); re != nil && re.Value == "(.*)" {
				changed = dropKey(n, "regex") || changed
			}
		}
	}
	for _, c := range n.Content {
		changed = respell(c) || changed
	}
	return changed
}

func dropKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return true
		}
	}
	return false
}

// shownRules say where what a running Prometheus shows may differ from what
// the linked library makes of our configuration.
type shownRules struct {
	global *yaml.Node // of ours
	job    bool       // paths are those of a scrape config
}

// otherDefaults are fields whose default depends on the version, the flags or
// the environment of the Prometheus, with the values that the default may have;
// nil: any. They count only where ours does not set the field.
var otherDefaults = map[string][]string{
	"runtime":                              nil, // GOGC, --log.level
	"runtime.gogc":                         nil,
	"runtime.log_level":                    nil,
	"storage.exemplars":                    nil, // --enable-feature=exemplar-storage
	"storage.tsdb":                         nil,
	"storage.tsdb.retention":               nil, // --storage.tsdb.retention.*
	"storage.tsdb.retention.time":          nil,
	"storage.tsdb.retention.size":          nil,
	"storage.tsdb.retention.percentage":    nil,
	"global.scrape_protocols":              nil, // feature flags
	"global.scrape_native_histograms":      nil,
	"global.extra_scrape_metrics":          nil,
	"global.metric_name_validation_scheme": nil,
	"global.metric_name_escaping_scheme":   nil,
	"job.scrape_protocols":                 nil,
	"job.scrape_native_histograms":         nil,
	"job.extra_scrape_metrics":             nil,
	"job.metric_name_validation_scheme":    nil,
	"job.metric_name_escaping_scheme":      nil,

	"remote_write[].enable_http2":                         {"true"},
	"remote_write[].queue_config.capacity":                {"500", "2500", "10000"},
	"remote_write[].queue_config.max_shards":              {"1000", "200", "50"},
	"remote_write[].queue_config.max_samples_per_send":    {"100", "500", "2000"},
	"remote_write[].queue_config.max_backoff":             {"100ms", "5s"},
	"remote_write[].metadata_config.max_samples_per_send": {"500", "2000"},
	"remote_read[].chunked_read_limit":                    {"0"},
}

var (
	indexes   = regexp.MustCompile(`\[\d+\]`)
	pathField = regexp.MustCompile(`(^|[._])files?(\[\d+\])?$`)
)

func (r shownRules) allow(path string, wanted, have side) bool {
	// Written with another version, a zero value may have been left out.
	if have.n == nil && wanted.n != nil && wanted.v.IsZero() {
		return true
	}
	// Started with a relative --config.file, Prometheus shows relative paths.
	if pathField.MatchString(path) && wanted.v.Kind() == reflect.String {
		w, h := wanted.v.String(), have.v.String()
		if filepath.IsAbs(w) && !filepath.IsAbs(h) && strings.HasSuffix(w, "/"+filepath.Clean(h)) {
			return true
		}
	}
	if wanted.n != nil {
		return false
	}
	if r.job {
		// What global sets, jobs have.
		if child(r.global, path) != nil {
			return false
		}
		path = "job." + path
	}
	values, known := otherDefaults[indexes.ReplaceAllString(path, "[]")]
	return known && (values == nil || slices.Contains(values, fmt.Sprint(have.v.Interface())))
}
