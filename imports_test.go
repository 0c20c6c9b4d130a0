package promfleet_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "promfleet"

// A room is a package of this module: what it may import of the module, and why
// no more. Test files are free, so that a test may use the real store or server.
type room struct {
	path string // below the module's root; "." is the root
	side string // the frame that architecture.md draws it in; "": none
	may  []string
	why  string
}

const (
	sharedSide = "shared"
	serverSide = "server side"
	agentSide  = "agent side"
	tests      = "tests" // not drawn
)

// anything in may: no ban.
const anything = "*"

// rooms is the whole module but what is below bench/, which measures what it
// likes. A package that is not in it fails the test: its author says where it
// belongs.
var rooms = []room{
	{".", sharedSide, nil,
		"the vocabulary: whoever speaks it must not draw in anything else"},
	{"client", sharedSide, []string{"."},
		"other people's programs import it; it must stay small and know the API only from outside"},
	{"internal/render", sharedSide, []string{"."},
		"pure: server (preview) and agent must get the same bytes from the same input"},
	{"internal/check", sharedSide, []string{"."},
		"the verdict on a configuration must depend on that configuration alone"},
	{"internal/adopt", sharedSide, []string{".", "internal/render", "internal/check"},
		"pure: what an import makes of a file must depend on that file alone"},
	{"internal/check/checktest", tests, nil,
		"random configurations must not be made by the code that judges them"},
	{"internal/fleetfile", sharedSide, []string{".", "internal/check"},
		"what a file says depends on its bytes alone; what becomes of it is the server's"},

	{"internal/secret", serverSide, nil,
		"what seals secrets must be readable in one sitting"},
	{"internal/fleet", serverSide, []string{".", "internal/render", "internal/check", "internal/secret", "internal/adopt"},
		"the rules declare the Store and the Announcer that they need; importing one would bind them to SQL or HTTP"},
	{"internal/store", serverSide, []string{".", "internal/fleet"},
		"it keeps what fleet decides and decides nothing; a second database must need no change elsewhere"},
	{"internal/store/storetest", tests, []string{".", "internal/fleet"},
		"one suite for every store: it must not know which one it has"},
	{"internal/pgtest", tests, nil,
		"a real PostgreSQL for whoever tests with one; it must not know what for"},
	{"internal/announce", serverSide, []string{"."},
		"an announcement carries no data, so it needs to know nothing"},
	{"internal/api", serverSide, []string{".", "internal/fleet", "internal/announce", "internal/fleetfile"},
		"a handler that reached the store would pass by the rules; the schema of fleet files is served as it is"},
	{"internal/ui", serverSide, nil,
		"the pages are files: what they show, they ask the API for"},
	{"internal/server", serverSide, []string{".", "internal/render", "internal/check", "internal/secret",
		"internal/fleet", "internal/store", "internal/announce", "internal/api", "internal/ui"},
		"it wires the server side; server and agent meet on the wire only"},

	{"internal/agent", agentSide, []string{".", "client", "internal/render", "internal/check",
		"internal/agent/apply", "internal/agent/inotify", "internal/agent/policy", "internal/agent/reload"},
		"the agent treats the server as hostile: it shares the wire types with it and none of its code"},
	{"internal/agent/apply", agentSide, []string{"."},
		"a state machine over files: it must be testable without network, server or Prometheus"},
	{"internal/agent/apply/simfs", tests, nil,
		"a disk that fails for the tests of apply; what it makes of fsync must not come from the code that relies on it"},
	{"internal/agent/inotify", agentSide, nil,
		"it counts what a host says and decides nothing: what to do about it is the agent's"},
	{"internal/agent/policy", agentSide, nil,
		"what the host allows must depend on the host's file alone, and be readable in one sitting"},
	{"internal/agent/reload", agentSide, []string{"."},
		"a reload method is one file; it needs an address, not the agent"},
	{"internal/agent/doctor", agentSide, []string{".", "client", "internal/render", "internal/check", "internal/agent",
		"internal/agent/apply", "internal/agent/inotify", "internal/agent/policy", "internal/agent/reload"},
		"it looks at all that an agent needs, with the agent's own eyes; the agent must run without it"},
	{"internal/agent/reload/reloadtest", tests, []string{"internal/proctest"},
		"real parts around a real Prometheus for whoever tests reloads; it must not know who reloads"},

	{"internal/proctest", tests, nil,
		"real programs for whoever tests with them; it must not know which"},
	{"cmd/promfleet", "", []string{anything},
		"flags and exit codes; imported by none"},
	{"e2e", tests, []string{".", "client"},
		"proof comes from real processes, not from the code under test"},
}

// An outside package or module that few may import, tests included.
type outside struct {
	path string // and everything below it
	only []string
	not  []string
	why  string
}

var outsides = []outside{
	{path: "github.com/coreos/go-systemd", only: []string{"internal/agent/reload"},
		why: "systemd is asked for one thing, by one reload method"},
	{path: "github.com/godbus/dbus", only: []string{"internal/agent/reload"},
		why: "D-Bus is a matter of the one reload method that goes over it, and of the stand-in that tests it"},
	{path: "github.com/prometheus/prometheus", only: []string{"internal/check"},
		why: "minutes to compile, 80 MB to link, and the one judge of a configuration: it stands behind one door"},
	{path: "database/sql", only: []string{"internal/store", "bench"},
		why: "one package speaks SQL, so that two databases are a matter of one place"},
	{path: "modernc.org/sqlite", only: []string{"internal/store", "bench"}, why: "a driver is a matter of the store's"},
	{path: "github.com/ncruces/go-sqlite3", only: []string{"internal/store", "bench"}, why: "a driver is a matter of the store's"},
	{path: "github.com/jackc/pgx", only: []string{"internal/store", "internal/pgtest", "bench"},
		why: "a driver is a matter of the store's, and of what starts the database in tests"},
	{path: "github.com/uptrace/bun", only: []string{"internal/store", "bench"}, why: "models of tables are a matter of the store's"},
	{path: "github.com/pressly/goose", only: []string{"internal/store", "bench"}, why: "migrations are a matter of the store's"},
	{path: "github.com/danielgtaylor/huma", only: []string{"internal/api"},
		why: "the API framework stays a decision that can be taken back"},
	{path: "github.com/alexedwards/scs", only: []string{"internal/api"},
		why: "a session is a matter of browsers; the fleet keeps it as bytes"},
	{path: "github.com/alexedwards/argon2id", only: []string{"internal/fleet"},
		why: "one place bounds how many passwords are hashed at the same time, and what memory that takes"},
	{path: "net/http", not: []string{".", "internal/render", "internal/check", "internal/adopt", "internal/fleet", "internal/store", "internal/secret"},
		why: "rules and rendering know nothing of HTTP, and a verdict must not be able to connect"},
	{path: "os", not: []string{".", "internal/render", "internal/check", "internal/adopt", "internal/fleet"},
		why: "pure: no file, no environment; a validator that opens files is an attack surface"},
}

// The tables against the code.
func TestImports(t *testing.T) {
	pkgs := modulePackages(t)
	for dir := range pkgs {
		if !below(dir, "bench") && !slices.ContainsFunc(rooms, func(r room) bool { return r.path == dir }) {
			t.Errorf("%s is not in the table of imports_test.go: place it there, with what it may import and why no more", dir)
		}
	}
	for _, r := range rooms {
		p, ok := pkgs[r.path]
		if !ok {
			t.Errorf("%s is in the table of imports_test.go, but there is no such package: take it out", r.path)
			continue
		}
		for _, imp := range p.imports {
			if dir, ours := inModule(imp); ours && !slices.Contains(r.may, anything) && !slices.Contains(r.may, dir) {
				t.Errorf("%s imports %s, which it may not: %s", r.path, dir, r.why)
			}
		}
		for _, imp := range p.allImports() {
			if dir, ours := inModule(imp); ours && strings.HasPrefix(dir, "cmd/") {
				t.Errorf("%s imports %s: a command is imported by none", r.path, dir)
			}
		}
	}
}

// The root package is the standard library's guest, and nobody else's.
func TestRootImportsStandardLibraryOnly(t *testing.T) {
	for _, imp := range modulePackages(t)["."].imports {
		if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") || first == module {
			t.Errorf("the root package imports %s: it imports the standard library only, because everything imports it", imp)
		}
	}
}

func TestOutsideImports(t *testing.T) {
	for dir, p := range modulePackages(t) {
		for _, o := range outsides {
			imports := p.imports
			if o.only != nil { // what only some may use, a test must not draw in either
				imports = p.allImports()
			}
			i := slices.IndexFunc(imports, func(imp string) bool { return below(imp, o.path) })
			if i < 0 {
				continue
			}
			if o.only != nil && !slices.ContainsFunc(o.only, func(d string) bool { return below(dir, d) }) {
				t.Errorf("%s imports %s, which only %s may: %s", dir, imports[i], strings.Join(o.only, ", "), o.why)
			}
			if slices.Contains(o.not, dir) && imports[i] == o.path {
				t.Errorf("%s imports %s, which it may not: %s", dir, imports[i], o.why)
			}
		}
	}
}

// A modulePackage is a directory with Go files, as its source says: files for
// other systems count too.
type modulePackage struct {
	name        string
	imports     []string // sorted
	testImports []string
	doc         string // the package comment
}

func (p *modulePackage) allImports() []string {
	all := append(slices.Clone(p.imports), p.testImports...)
	slices.Sort(all)
	return slices.Compact(all)
}

// modulePackages reads every package below the working directory, by its path.
func modulePackages(t *testing.T) map[string]*modulePackage {
	t.Helper()
	pkgs := map[string]*modulePackage{}
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() && name != "." &&
			(base[0] == '.' || base[0] == '_' || base == "testdata" || base == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		addFile(pkgs, name, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pkgs {
		slices.Sort(p.imports)
		p.imports = slices.Compact(p.imports)
	}
	return pkgs
}

func addFile(pkgs map[string]*modulePackage, name string, file *ast.File) {
	dir := path.Dir(name)
	p := pkgs[dir]
	if p == nil {
		p = &modulePackage{}
		pkgs[dir] = p
	}
	isTest := strings.HasSuffix(name, "_test.go")
	if p.name == "" || !isTest {
		p.name = strings.TrimSuffix(file.Name.Name, "_test")
	}
	if file.Doc != nil {
		p.doc += file.Doc.Text()
	}
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has refused it
		}
		if isTest {
			p.testImports = append(p.testImports, imp)
		} else {
			p.imports = append(p.imports, imp)
		}
	}
}

// inModule says which of our packages an import path is.
func inModule(imp string) (dir string, ours bool) {
	if imp == module {
		return ".", true
	}
	return strings.CutPrefix(imp, module+"/")
}

// below says whether p is parent, or under it.
func below(p, parent string) bool {
	return p == parent || strings.HasPrefix(p, parent+"/")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
