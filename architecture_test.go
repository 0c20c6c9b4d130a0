package promfleet_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the picture in docs/architecture.md")

const (
	architecture = "docs/architecture.md"
	pictureBegin = "<!-- packages:begin -->\n"
	pictureEnd   = "<!-- packages:end -->\n"
)

// The picture of the packages is drawn from their imports, so that it cannot
// say what is not so.
func TestArchitecturePicture(t *testing.T) {
	doc, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(doc), pictureBegin)
	have, after, ends := strings.Cut(rest, pictureEnd)
	if !begins || !ends {
		t.Fatalf("%s lacks the lines %q and %q, between which the picture of the packages stands", architecture, pictureBegin, pictureEnd)
	}
	want := picture(modulePackages(t))
	if have == want {
		return
	}
	if !*update {
		t.Fatalf("the picture of the packages in %s is stale; go test -run TestArchitecturePicture -update . rewrites it", architecture)
	}
	if err := os.WriteFile(architecture, []byte(before+pictureBegin+want+pictureEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// picture draws the packages as a mermaid diagram, an arrow for each import of
// code that is not a test. The root package, which nearly all import, is told in
// words.
func picture(pkgs map[string]*modulePackage) string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, side := range []string{"", serverSide, agentSide, sharedSide} {
		if side != "" {
			fmt.Fprintf(&b, "  subgraph %s[%s]\n", id(side), side)
		}
		for _, r := range rooms {
			if r.side == side && drawn(r.path) && pkgs[r.path] != nil {
				fmt.Fprintf(&b, "    %s[\"%s\"]\n", id(r.path), strings.TrimPrefix(r.path, "internal/"))
			}
		}
		if side != "" {
			b.WriteString("  end\n")
		}
	}
	var rootless []string
	for _, dir := range sortedKeys(pkgs) {
		p := pkgs[dir]
		if drawn(dir) && !slices.Contains(p.imports, module) {
			rootless = append(rootless, "`"+dir+"`")
		}
		for _, imp := range p.imports {
			if to, ours := inModule(imp); ours && drawn(dir) && drawn(to) {
				fmt.Fprintf(&b, "  %s --> %s\n", id(dir), id(to))
			}
		}
	}
	b.WriteString("```\n\nNot drawn: the root package `promfleet`, which ")
	if len(rootless) == 0 {
		b.WriteString("all import")
	} else {
		b.WriteString("all but " + strings.Join(rootless, ", ") + " import")
	}
	b.WriteString(", and tests. An arrow is an import.\n")
	return b.String()
}

// drawn says whether the picture has the package: the module's own code, without
// its root and without packages that only test.
func drawn(dir string) bool {
	return slices.ContainsFunc(rooms, func(r room) bool {
		return r.path == dir && r.path != "." && r.side != tests
	})
}

// id is a name that mermaid takes for a node.
func id(name string) string {
	return strings.NewReplacer("/", "_", " ", "_").Replace(name)
}
