package fleetfile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"promfleet/internal/fleetfile"
)

func names(files []fleetfile.File) (names []string) {
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yml", "a.YAML", "sub/c.json", "sub/d.txt", ".hidden.yml", ".git/e.yml", "sub/deep/f.yml"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("kind: node\nnode: "+filepath.Base(name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "g.yml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"sub/loop": dir, "sub/self": ".", "other": outside, "l.yml": "b.yml", "nowhere": "/nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := fleetfile.Dir("fleet", os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"fleet/a.YAML", "fleet/b.yml", "fleet/l.yml", "fleet/other/g.yml", "fleet/sub/c.json", "fleet/sub/deep/f.yml"}
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	var told []int
	_, err = fleetfile.Read(files, func(done, total int) { told = append(told, done, total) })
	if err == nil || !strings.HasPrefix(err.Error(), "fleet/l.yml:1: node b.yml is told of at fleet/b.yml:1 already") {
		t.Errorf("the same file twice was answered %v", err)
	}
	if want := []int{1, 6, 2, 6, 3, 6, 4, 6, 5, 6, 6, 6}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}

	// What cannot be seen must not be taken for what is not there.
	if err := os.Symlink("/nowhere", filepath.Join(dir, "gone.yml")); err != nil {
		t.Fatal(err)
	}
	if _, err := fleetfile.Dir("fleet", os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "gone.yml") {
		t.Errorf("a link to nothing was answered %v", err)
	}
}

func TestReadRefusesLargeFiles(t *testing.T) {
	large := fstest.MapFS{"a.yml": &fstest.MapFile{Data: make([]byte, fleetfile.MaxFile+1), Mode: fs.ModePerm}}
	files, err := fleetfile.Dir("fleet", large)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fleetfile.Read(files, nil); err == nil || !strings.Contains(err.Error(), "fleet/a.yml: ") || !strings.Contains(err.Error(), "more than") {
		t.Errorf("answered %v", err)
	}
}
