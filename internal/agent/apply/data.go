package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"promfleet"
)

// Data is the agent's own directory: who it is, what it has applied, and the
// bodies of the parts that are not files of Prometheus. Nobody else may read it.
type Data struct {
	dir   *dir
	held  io.Closer
	saved []byte // the state file
}

// OpenData opens the data path, creates it if need be, and locks it against a
// second agent.
func OpenData(name string) (*Data, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("--data.path: %w", err)
	}
	root, err := openFS(name)
	if err != nil {
		return nil, fmt.Errorf("--data.path: %w", err)
	}
	held, err := root.lock(dataStage, "--data.path")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return openData(root, name, held)
}

const dataStage = ".stage"

// openData opens a directory that is there and held.
func openData(f FS, name string, held io.Closer) (*Data, error) {
	d := &Data{dir: &dir{fs: f, path: name, stage: dataStage}, held: held}
	if err := errors.Join(d.dir.prepare(), d.dir.mkdir(partsDir, 0o700)); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("--data.path: %w", err)
	}
	return d, nil
}

// Close lets another agent have the directory.
func (d *Data) Close() error { return errors.Join(d.held.Close(), d.dir.fs.Close()) }

// Read gives a file of the directory. fs.ErrNotExist.
func (d *Data) Read(name string) ([]byte, error) { return d.dir.fs.ReadFile(name) }

// Write replaces a file of the directory, durably.
func (d *Data) Write(name string, body []byte) error { return d.dir.write(name, body, 0o600) }

// Remove removes a file of the directory; one that is gone already is fine.
func (d *Data) Remove(name string) error { return d.dir.remove(name) }

const partsDir = "parts"

// Part gives the body with a hash, and whether it is there, whole.
func (d *Data) Part(hash promfleet.Hash) ([]byte, bool) {
	body, err := d.dir.fs.ReadFile(path.Join(partsDir, string(hash)))
	return body, err == nil && promfleet.HashOf(body) == hash
}

// DropPart removes the body with a hash; one that is gone already is fine.
func (d *Data) DropPart(hash promfleet.Hash) error {
	return d.dir.remove(path.Join(partsDir, string(hash)))
}

// Back gives the prometheus.yml that there is to go back to. fs.ErrNotExist.
func (d *Data) Back() ([]byte, error) { return d.Read(backFile) }

// KeepPart keeps a body. It is not brought to the disk at once: the hash tells a
// torn one from a whole one, and it can be fetched again.
func (d *Data) KeepPart(body []byte) error {
	hash := string(promfleet.HashOf(body))
	temp := path.Join(d.dir.stage, hash)
	if err := d.dir.remove(temp); err != nil {
		return err
	}
	f, err := d.dir.fs.Create(temp, 0o600, nil)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = d.dir.fs.Remove(temp)
		return err
	}
	return d.dir.swap(hash, path.Join(partsDir, hash))
}

// collect removes all bodies but those.
func (d *Data) collect(keep []promfleet.Hash) error {
	kept := make(map[string]bool, len(keep))
	for _, h := range keep {
		kept[string(h)] = true
	}
	entries, err := d.dir.fs.ReadDir(partsDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !kept[e.Name()] {
			if err := d.dir.remove(path.Join(partsDir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

const stateFile = "state.json"

func (d *Data) loadState() (State, error) {
	s := State{}
	body, err := d.Read(stateFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return s, err
	default:
		d.saved = body
		if err := json.Unmarshal(body, &s); err != nil {
			return s, fmt.Errorf("%s is damaged: %w; move it away, and the agent takes the files over anew", d.dir.abs(stateFile), err)
		}
	}
	if s.Files == nil {
		s.Files = map[string]Record{}
	}
	if s.Dirs == nil {
		s.Dirs = map[string]bool{}
	}
	return s, nil
}

// saveState writes the state if it is not what is there.
func (d *Data) saveState(s State) error {
	body, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	body = append(body, '\n')
	if bytes.Equal(body, d.saved) {
		return nil
	}
	d.saved = nil
	if err := d.Write(stateFile, body); err != nil {
		return err
	}
	d.saved = body
	return nil
}
