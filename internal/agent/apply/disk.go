package apply

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"promfleet"
)

// Options say where the files are.
type Options struct {
	ConfigFile string // prometheus.yml
	TargetsDir string // "": targets.d beside it
	Data       *Data
}

// Disk is the agent's part of the disk. Its methods are called by one goroutine
// at a time, but for Stage.
type Disk struct {
	data    *Data
	config  *dir
	name    string // of prometheus.yml in config
	targets *dir
	held    *os.File
	state   State

	mu     sync.Mutex
	staged map[string]promfleet.Hash // temporaries by path of the file they are for

	// unseen are the jobs whose files were written and not seen loaded yet, with
	// those files; unseenAll: all of them, since who wrote them is not known here.
	unseen    map[string]written
	unseenAll bool
}

// Open opens the directories, creates what is the agent's own in them, removes
// what a killed agent left half done, and locks them against a second agent.
func Open(o Options) (*Disk, error) {
	file, err := filepath.Abs(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	if o.TargetsDir == "" {
		o.TargetsDir = filepath.Join(filepath.Dir(file), "targets.d")
	}
	targets, err := filepath.Abs(o.TargetsDir)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(targets, `*?[\`) {
		return nil, fmt.Errorf("--prometheus.targets-dir %s has one of *?[\\, which Prometheus would take for a pattern", targets)
	}
	if err := notMounted(file); err != nil {
		return nil, err
	}
	d := &Disk{data: o.Data, name: filepath.Base(file), staged: map[string]promfleet.Hash{}, unseen: map[string]written{}}
	if err := d.open(filepath.Dir(file), targets); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Disk) open(configDir, targets string) (err error) {
	if d.config, err = openDir(configDir, ".promfleet"); err != nil {
		return fmt.Errorf("--prometheus.config-file: %w", err)
	}
	if err := makeDir(targets); err != nil {
		return fmt.Errorf("--prometheus.targets-dir: %w", err)
	}
	if d.targets, err = openDir(targets, ".stage"); err != nil {
		return fmt.Errorf("--prometheus.targets-dir: %w", err)
	}
	if d.held, err = d.targets.lock("--prometheus.targets-dir"); err != nil {
		return err
	}
	if err := errors.Join(d.config.clean(), d.targets.clean()); err != nil {
		return fmt.Errorf("remove what was left half done: %w", err)
	}
	if d.state, err = d.data.loadState(); err != nil {
		return err
	}
	d.unseenAll = d.state.RevisionLoaded != d.state.RevisionWritten
	return nil
}

// makeDir makes the targets directory, its parents being the operator's.
func makeDir(name string) error {
	err := os.Mkdir(name, 0o755)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(name, 0o755); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// Close removes the temporaries and lets another agent have the directories.
func (d *Disk) Close() error {
	var errs []error
	if d.held != nil {
		errs = append(errs, d.Discard(), d.held.Close())
	}
	for _, dir := range []*dir{d.config, d.targets} {
		if dir != nil {
			errs = append(errs, dir.close())
		}
	}
	return errors.Join(errs...)
}

// State gives what was applied.
func (d *Disk) State() State { return d.state }

// ConfigDir is the directory of prometheus.yml, to which its relative paths refer.
func (d *Disk) ConfigDir() string { return d.config.path }

// TargetsDir is the absolute path of the targets directory.
func (d *Disk) TargetsDir() string { return d.targets.path }

// ReadTargets gives the body of a target file.
func (d *Disk) ReadTargets(f File) ([]byte, error) {
	if temp, ok := d.stagedAs(f); ok {
		return d.targets.root.ReadFile(temp)
	}
	return d.targets.root.ReadFile(f.Path())
}

// Missing gives the files that the disk does not have as they should be, and that
// are not staged: their bodies must be staged before Apply.
func (d *Disk) Missing(jobs []Job) ([]File, error) {
	var missing []File
	for _, j := range jobs {
		for _, f := range j.Files {
			ok, err := d.good(f)
			if err != nil {
				return nil, err
			}
			if _, staged := d.stagedAs(f); !ok && !staged {
				missing = append(missing, f)
			}
		}
	}
	return missing, nil
}

// good tells whether a file is on the disk as it should be. A file that was not
// touched since it was written, going by size and mtime, is not read again.
func (d *Disk) good(f File) (bool, error) {
	info, err := d.targets.stat(f.Path())
	if err != nil || info == nil {
		return false, err
	}
	rec, owned := d.state.Files[f.Path()]
	if owned && rec.MTime == info.ModTime().UnixNano() && rec.Size == info.Size() {
		return rec.Hash == f.Hash, nil
	}
	body, err := d.targets.root.ReadFile(f.Path())
	if err != nil {
		return false, err
	}
	hash := promfleet.HashOf(body)
	if !owned && hash != f.Hash {
		return false, fmt.Errorf("%s is there and not the agent's: move it away", d.targets.abs(f.Path()))
	}
	d.state.Files[f.Path()] = Record{Hash: hash, Size: info.Size(), MTime: info.ModTime().UnixNano()}
	return hash == f.Hash, nil
}

// Stage brings the body of a file to the disk, beside its place. The caller has
// checked that it has the file's hash. Several may be staged at the same time.
func (d *Disk) Stage(f File, body []byte) error {
	if !keyPattern.MatchString(f.Key) || !piecePattern.MatchString(f.Piece) {
		return fmt.Errorf("target file %q cannot be the name of a file", f.Key+"/"+f.Piece)
	}
	if err := d.targets.put(tempName(f), f.Path(), body, 0o644); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.staged[f.Path()] = f.Hash
	return nil
}

// Discard removes what is staged.
func (d *Disk) Discard() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.staged)
	return errors.Join(d.targets.clean(), d.config.clean())
}

func tempName(f File) string { return f.Key + "@" + f.Piece }

// stagedAs gives the path of the temporary of a file, if it is staged.
func (d *Disk) stagedAs(f File) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hash, ok := d.staged[f.Path()]
	return d.targets.stage + "/" + tempName(f), ok && hash == f.Hash
}

// Foreign gives the prometheus.yml that is there if the agent has not written it,
// and whether there is one.
func (d *Disk) Foreign() ([]byte, bool, error) {
	if d.state.Config != nil {
		return nil, false, nil
	}
	return d.current()
}

// current gives the prometheus.yml that is there, and whether there is one.
func (d *Disk) current() ([]byte, bool, error) {
	info, err := d.config.stat(d.name)
	if err != nil || info == nil {
		return nil, false, err
	}
	body, err := d.config.root.ReadFile(d.name)
	return body, err == nil, err
}

// configIs tells whether prometheus.yml has a hash, without reading one that was
// not touched since it was written.
func (d *Disk) configIs(hash promfleet.Hash) (bool, error) {
	info, err := d.config.stat(d.name)
	if err != nil || info == nil {
		return false, err
	}
	rec := d.state.Config
	if rec != nil && rec.MTime == info.ModTime().UnixNano() && rec.Size == info.Size() {
		return rec.Hash == hash, nil
	}
	body, err := d.config.root.ReadFile(d.name)
	if err != nil {
		return false, err
	}
	found := promfleet.HashOf(body)
	if rec != nil {
		d.state.Config = &Record{Hash: found, Size: info.Size(), MTime: info.ModTime().UnixNano()}
	}
	return found == hash, nil
}
