package check

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
)

// A Path is a value of a configuration that names files on Prometheus's host.
type Path struct {
	// Field is where it stands, like scrape_configs[0].tls_config.cert_file.
	// Where loading moves a value it is where it has moved to: a
	// bearer_token_file is authorization.credentials_file.
	Field string
	Value string
	Kind  PathKind
	// Bare: Prometheus does not resolve it against the directory of its
	// configuration. A relative one depends on where Prometheus was started.
	Bare bool
}

// PathKind says what Prometheus does with the files that a Path names.
type PathKind string

// What becomes of files.
const (
	Read  PathKind = "read"  // a file, or a socket to talk to
	Glob  PathKind = "glob"  // a pattern, as filepath.Glob takes it, of files to read
	Write PathKind = "write" // a file to write

	socket PathKind = "socket" // Read, if it is unix:PATH
)

// Paths gives all values that name files, in the order of the fields. It goes by
// the loaded values, which are what Prometheus uses, whatever tricks of YAML the
// document plays. Empty ones are left out.
func (c *Config) Paths() ([]Path, error) {
	// Which of them Prometheus resolves differs from one service discovery to the
	// other, so Prometheus itself is asked.
	resolved, err := verdict(c.yml)
	if err != nil {
		return nil, err
	}
	return pathsOf(c.loaded, resolved), nil
}

// pathsOf gives the paths of a configuration; again is the same once more, to be
// spent on finding out which are resolved.
func pathsOf(c, again *config.Config) []Path {
	paths := walkPaths(c)
	again.SetDirectory("/promfleet-resolved")
	// By field: resolved, one more may be the log that is inherited.
	resolved := map[string]string{}
	for _, p := range walkPaths(again) {
		resolved[p.Field] = p.Value
	}
	for i, p := range paths {
		paths[i].Bare = resolved[p.Field] == p.Value && !path.IsAbs(p.Value)
	}
	return paths
}

func walkPaths(c *config.Config) []Path {
	w := pathWalker{globalLog: c.GlobalConfig.ScrapeFailureLogFile}
	w.walk(reflect.ValueOf(c), "")
	return w.paths
}

type pathWalker struct {
	paths []Path
	// globalLog is what a scrape config without a log of its own inherits: it
	// stands in the document once.
	globalLog string
}

func (w *pathWalker) walk(v reflect.Value, at string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			w.walk(v.Elem(), at)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), withIndex(at, i))
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			w.walk(v.MapIndex(k), withKey(at, k.String()))
		}
	case reflect.Struct:
		w.walkStruct(v, at)
	}
}

func (w *pathWalker) walkStruct(v reflect.Value, at string) {
	name := typeName(v.Type())
	if opaqueTypes[name] != "" {
		return
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key, reached := yamlKey(f)
		switch {
		case f.Type == reflect.TypeFor[discovery.Configs]():
			w.walkDiscoveries(v.Field(i).Interface().(discovery.Configs), at)
			continue
		case !reached:
			continue
		}
		below := at
		if key != "" {
			below = withKey(at, key)
		}
		if kind, _ := kindOf(name, f.Name); kind != "" {
			w.collect(v.Field(i), below, kind)
		} else {
			w.walk(v.Field(i), below)
		}
	}
}

// yamlKey gives the key of a field, "" if it is inlined; false if YAML does not
// reach it.
func yamlKey(f reflect.StructField) (string, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	switch {
	case !f.IsExported() || name == "-":
		return "", false
	case slices.Contains(strings.Split(options, ","), "inline"):
		return "", true
	case name == "":
		return strings.ToLower(f.Name), true
	}
	return name, true
}

// walkDiscoveries numbers the discoveries of each kind by themselves, as the
// document does.
func (w *pathWalker) walkDiscoveries(all discovery.Configs, at string) {
	n := map[string]int{}
	for _, c := range all {
		if _, static := c.(discovery.StaticConfig); static {
			continue // targets only
		}
		key := c.Name() + "_sd_configs"
		for _, f := range discoveryFields() {
			if f.typ.Elem() == reflect.TypeOf(c) {
				key = f.key
			}
		}
		w.walk(reflect.ValueOf(c), withIndex(withKey(at, key), n[key]))
		n[key]++
	}
}

// collect takes all text in a field that holds paths.
func (w *pathWalker) collect(v reflect.Value, at string, kind PathKind) {
	switch v.Kind() {
	case reflect.String:
		w.add(Path{Field: at, Value: v.String(), Kind: kind})
	case reflect.Slice:
		for i := range v.Len() {
			w.collect(v.Index(i), withIndex(at, i), kind)
		}
	}
}

func (w *pathWalker) add(p Path) {
	switch {
	case p.Value == "":
		return
	case p.Kind == Write && p.Value == w.globalLog && strings.HasPrefix(p.Field, "scrape_configs["):
		return
	case p.Kind == socket:
		file, ok := socketPath(p.Value)
		if !ok {
			return
		}
		p.Kind, p.Value = Read, file
	}
	w.paths = append(w.paths, p)
}

// socketPath gives the path of an address that is a unix socket's. What differs
// from one library to the other, such as the case of the scheme, counts as one. So
// does what gRPC's passthrough hands to its dialler. gRPC decodes %2e, others do not:
// an address with such is given whole, which is a path that no policy allows.
func socketPath(addr string) (string, bool) {
	scheme, rest, ok := strings.Cut(strings.TrimLeftFunc(addr, unicode.IsSpace), ":")
	if !ok {
		return "", false
	}
	coded := strings.Contains(rest, "%")
	switch strings.ToLower(scheme) {
	case "unix", "unix-abstract", "unixgram", "unixpacket":
		rest = strings.TrimPrefix(rest, "//")
	case "passthrough":
		if authority, ok := strings.CutPrefix(rest, "//"); ok {
			_, rest, _ = strings.Cut(authority, "/")
		}
		if !coded {
			return socketPath(rest)
		}
	default:
		return "", false
	}
	if coded {
		return addr, true
	}
	return rest, true
}

func sortedKeys(m reflect.Value) []reflect.Value {
	byName := map[string]reflect.Value{}
	for _, k := range m.MapKeys() {
		byName[k.String()] = k
	}
	keys := make([]reflect.Value, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		keys = append(keys, byName[name])
	}
	return keys
}

// typeName names a type as the tables of pathfields.go do.
func typeName(t reflect.Type) string {
	return strings.TrimPrefix(path.Join(t.PkgPath()), "github.com/prometheus/") + "." + t.Name()
}
