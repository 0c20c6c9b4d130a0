package apply

import (
	"errors"
	"os"
	"path/filepath"
)

// ReadDrifted gives what is in the place of a drifted file.
func (d *Disk) ReadDrifted(drift Drift) ([]byte, error) {
	dir, name := filepath.Split(drift.Path)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file (" + info.Mode().Type().String() + ")")
	}
	return readSome(root, name, info.Size())
}

// PutModeBack gives a drifted file the mode that it had.
func (d *Disk) PutModeBack(drift Drift) error {
	root, err := os.OpenRoot(filepath.Dir(drift.Path))
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Chmod(filepath.Base(drift.Path), drift.ModeWas)
}

// Disown forgets that a file is the agent's: it is left as it is from now on.
func (d *Disk) Disown(file string) { delete(d.m.Files, file) }
