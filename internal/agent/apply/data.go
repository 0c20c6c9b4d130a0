package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	held  *os.File
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
	d, err := openDir(name, ".stage")
	if err != nil {
		return nil, fmt.Errorf("--data.path: %w", err)
	}
	held, err := d.lock("--data.path")
	if err != nil {
		_ = d.close()
		return nil, err
	}
	data := &Data{dir: d, held: held}
	if err := errors.Join(d.clean(), d.mkdir(partsDir, 0o700)); err != nil {
		_ = data.Close()
		return nil, fmt.Errorf("--data.path: %w", err)
	}
	return data, nil
}

// Close lets another agent have the directory.
func (d *Data) Close() error { return errors.Join(d.held.Close(), d.dir.close()) }

// Read gives a file of the directory. fs.ErrNotExist.
func (d *Data) Read(name string) ([]byte, error) { return d.dir.root.ReadFile(name) }

// Write replaces a file of the directory, durably.
func (d *Data) Write(name string, body []byte) error { return d.dir.write(name, body, 0o600) }

// Remove removes a file of the directory; one that is gone already is fine.
func (d *Data) Remove(name string) error { return d.dir.remove(name) }

const partsDir = "parts"

// Part gives the body with a hash, and whether it is there, whole.
func (d *Data) Part(hash promfleet.Hash) ([]byte, bool) {
	body, err := d.dir.root.ReadFile(path.Join(partsDir, string(hash)))
	return body, err == nil && promfleet.HashOf(body) == hash
}

// KeepPart keeps a body. It is not brought to the disk at once: the hash tells a
// torn one from a whole one, and it can be fetched again.
func (d *Data) KeepPart(body []byte) error {
	hash := string(promfleet.HashOf(body))
	temp := path.Join(d.dir.stage, hash)
	if err := d.dir.root.WriteFile(temp, body, 0o600); err != nil {
		_ = d.dir.root.Remove(temp)
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
	entries, err := fs.ReadDir(d.dir.root.FS(), partsDir)
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

// State is what the agent knows after a restart.
type State struct {
	// Manifest is the one that the files on disk say; none at first.
	Manifest *promfleet.Manifest `json:"manifest,omitempty"`

	RevisionReceived int64 `json:"revision_received"`
	RevisionWritten  int64 `json:"revision_written"`
	RevisionLoaded   int64 `json:"revision_loaded"`

	// Config is the agent's prometheus.yml; nil if there is none yet: a file in
	// its place is somebody else's.
	Config *Record `json:"config,omitempty"`
	// LoadedConfig is the hash of the prometheus.yml last seen loaded.
	LoadedConfig promfleet.Hash `json:"loaded_config,omitempty"`
	// ReloadPending: prometheus.yml was replaced and Prometheus is not known to
	// have read it. ReloadMark tells whether it has since: see Prometheus.Mark.
	ReloadPending bool    `json:"reload_pending,omitempty"`
	ReloadMark    float64 `json:"reload_mark,omitempty"`
	// Refused is the prometheus.yml that Prometheus would not have.
	Refused *Refusal `json:"refused,omitempty"`

	// Files are the target files that the agent owns, by path; Dirs the
	// directories that it made for them.
	Files map[string]Record `json:"files"`
	Dirs  map[string]bool   `json:"dirs"`
}

// Record is a file as it was written.
type Record struct {
	Hash  promfleet.Hash `json:"hash"`
	Size  int64          `json:"size"`
	MTime int64          `json:"mtime_ns,omitempty"` // 0: it is about to be written
}

// Refusal is what became of a prometheus.yml that could not be loaded.
type Refusal struct {
	Hash  promfleet.Hash `json:"hash"`
	Error string         `json:"error"`
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
