package main

import (
	"errors"
	"io"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/internal/fleetfile"
)

// fleetFiles are the files that -f names.
type fleetFiles struct {
	c     *command
	paths *[]string
}

func (c *command) fleetFiles(cmd *kingpin.CmdClause) fleetFiles {
	return fleetFiles{c: c, paths: cmd.Flag("file", "Fleet file, a directory of them (*.yml, *.yaml, *.json, also below it), or - for standard input; may be repeated.").
		Short('f').Required().PlaceHolder("FILE|DIR").Strings()}
}

// read reads them all, and fails if there is nothing in them.
func (f fleetFiles) read() ([]promfleet.FleetDocument, error) {
	var files []fleetfile.File
	for _, path := range *f.paths {
		more, err := f.c.filesAt(path)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	bar := f.c.progress("reading files")
	docs, err := fleetfile.Read(files, bar.told)
	bar.end()
	if err == nil && len(docs) == 0 {
		err = errorf("there is no document in %d fleet files; hint: -f takes files, and directories with *.yml, *.yaml and *.json; docs/gitops.md has examples", len(files))
	}
	return docs, err
}

func (c *command) filesAt(path string) ([]fleetfile.File, error) {
	if path == "-" {
		return []fleetfile.File{{Name: "standard input", Read: func() ([]byte, error) {
			return io.ReadAll(io.LimitReader(c.stdin, fleetfile.MaxFile+1))
		}}}, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, errorf("read the fleet files: %w", err)
	case info.IsDir():
		files, err := fleetfile.Dir(path, os.DirFS(path))
		if err != nil {
			return nil, errorf("read the fleet files of %s: %w", path, err)
		}
		return files, nil
	}
	return []fleetfile.File{{Name: path, Read: func() ([]byte, error) { return readBounded(path) }}}, nil
}

// readBounded reads a file, or a pipe, that may be too large.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, fleetfile.MaxFile+1))
	return data, errors.Join(err, f.Close())
}
