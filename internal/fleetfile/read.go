package fleetfile

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"promfleet"
)

// What is read at most.
const (
	// MaxFile is the size of a file in bytes.
	MaxFile = 64 << 20
	// MaxTotal is the size of all files that are read together.
	MaxTotal = 256 << 20
	// MaxFiles is how many files are read together.
	MaxFiles = 100_000
	// MaxDocuments is how many documents are read together.
	MaxDocuments = 200_000
)

// File is a fleet file that can be read.
type File struct {
	Name string // as errors name it
	Read func() ([]byte, error)
}

// Dir lists the fleet files below a directory, by name: *.yml, *.yaml and *.json.
// Hidden files and directories are left out, and so are links to a directory that
// they stand in. Name is that of the directory.
func Dir(name string, fsys fs.FS) ([]File, error) {
	root, err := fs.Stat(fsys, ".")
	if err != nil {
		return nil, err
	}
	var files []File
	if err := walk(fsys, ".", []fs.FileInfo{root}, func(file string) error {
		if len(files) == MaxFiles {
			return fmt.Errorf("%s has more than %d fleet files", name, MaxFiles)
		}
		files = append(files, File{Name: path.Join(name, file), Read: func() ([]byte, error) { return readFile(fsys, file) }})
		return nil
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// walk calls found with every fleet file. The directories that dir stands in are
// above, and dir itself.
func walk(fsys fs.FS, dir string, above []fs.FileInfo, found func(string) error) error {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		isLink := e.Type()&fs.ModeSymlink != 0
		if strings.HasPrefix(e.Name(), ".") || !isLink && !e.IsDir() && !isFleetFile(name) {
			continue
		}
		info, err := fs.Stat(fsys, name) // of what a link leads to
		if err != nil {
			if isLink && !isFleetFile(name) {
				continue
			}
			return err // a file that is not seen would be pruned
		}
		switch {
		case !info.IsDir() && isFleetFile(name):
			err = found(name)
		case info.IsDir() && len(above) < maxDepth && !slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }):
			err = walk(fsys, name, append(above[:len(above):len(above)], info), found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isFleetFile(name string) bool {
	return slices.Contains([]string{".yml", ".yaml", ".json"}, strings.ToLower(path.Ext(name)))
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("it is no regular file")}
	}
	if info.Size() > MaxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: tooLarge(info.Size())}
	}
	return fs.ReadFile(fsys, name)
}

func tooLarge(size int64) error {
	return fmt.Errorf("it is %d bytes, more than %d", size, MaxFile)
}

// Read reads files together: two documents about one node or job are refused also
// where they stand in two files. Every fault is told, up to a bound. progress is
// told how many files are read; it may be nil. Errors are those of reading, and
// promfleet.Invalid.
func Read(files []File, progress func(done, total int)) ([]promfleet.FleetDocument, error) {
	s := newSet()
	total := 0
	for i, f := range files {
		data, err := f.Read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if len(data) > MaxFile {
			return nil, fmt.Errorf("%s: %w", f.Name, tooLarge(int64(len(data))))
		}
		if total += len(data); total > MaxTotal {
			return nil, fmt.Errorf("%s: the files are more than %d bytes together; apply fewer at a time", f.Name, MaxTotal)
		}
		s.parse(f.Name, data)
		if progress != nil {
			progress(i+1, len(files))
		}
	}
	return s.given()
}
