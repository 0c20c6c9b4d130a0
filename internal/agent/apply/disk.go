package apply

import (
	"errors"
	"fmt"
	"io"
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
// at a time, but for Stage and ReadTargets.
type Disk struct {
	data    *Data
	config  *dir
	name    string // of prometheus.yml in config
	targets *dir
	held    io.Closer
	step    func(Machine, Event) (Machine, []Effect)
	m       Machine

	mu     sync.Mutex
	staged map[string]promfleet.Hash // temporaries by path of the file they are for
}

// Open opens the directories, creates what is the agent's own in them, removes
// what a killed agent left half done, and locks them against a second agent.
func Open(o Options) (*Disk, error) {
	file, err := filepath.Abs(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	if o.TargetsDir == "" {
		o.TargetsDir = TargetsBeside(file)
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
	etc, err := openFS(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("--prometheus.config-file: %w", err)
	}
	root, held, err := openTargets(targets)
	if err != nil {
		_ = etc.Close()
		return nil, err
	}
	d := newDisk(o.Data, etc, root, file, targets)
	d.held = held
	if err := d.open(); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// openTargets makes the targets directory if need be, and locks it.
func openTargets(name string) (root rootFS, held io.Closer, err error) {
	if err = makeTargets(name); err == nil {
		root, err = openFS(name)
	}
	if err != nil {
		return root, nil, fmt.Errorf("--prometheus.targets-dir: %w", err)
	}
	if held, err = root.lock(TargetsStage, "--prometheus.targets-dir"); err != nil {
		_ = root.Close()
	}
	return root, held, err
}

// TargetsBeside gives the targets directory of a prometheus.yml where none is named.
func TargetsBeside(configFile string) string {
	return filepath.Join(filepath.Dir(configFile), "targets.d")
}

// newDisk gives a Disk over directories that are there.
func newDisk(data *Data, etc, root FS, file, targets string) *Disk {
	return &Disk{
		data:    data,
		config:  &dir{fs: etc, path: filepath.Dir(file), stage: ConfigStage},
		name:    filepath.Base(file),
		targets: &dir{fs: root, path: targets, stage: TargetsStage},
		step:    Step,
		staged:  map[string]promfleet.Hash{},
	}
}

// open removes what a killed agent left half done, and reads the journal.
func (d *Disk) open() (err error) {
	if err := errors.Join(d.config.prepare(), d.targets.prepare()); err != nil {
		return fmt.Errorf("remove what was left half done: %w", err)
	}
	d.m.State, err = d.data.loadState()
	return err
}

// makeTargets makes the targets directory, its parents being the operator's.
func makeTargets(name string) error {
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
	return errors.Join(d.Discard(), d.held.Close(), d.config.fs.Close(), d.targets.fs.Close())
}

// State gives what was applied.
func (d *Disk) State() State { return d.m.State }

// ConfigDir is the directory of prometheus.yml, to which its relative paths refer.
func (d *Disk) ConfigDir() string { return d.config.path }

// TargetsDir is the absolute path of the targets directory.
func (d *Disk) TargetsDir() string { return d.targets.path }

// ReadTargets gives the body of a target file.
func (d *Disk) ReadTargets(f File) ([]byte, error) {
	if temp, ok := d.stagedAs(f); ok {
		return d.targets.fs.ReadFile(temp)
	}
	return d.targets.fs.ReadFile(f.Path())
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

// DiscardBut removes what is staged but for files of these jobs.
func (d *Disk) DiscardBut(jobs []Job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := make(map[string]bool, len(d.staged))
	for _, j := range jobs {
		for _, f := range j.Files {
			left[f.Path()] = true
		}
	}
	for name := range d.staged {
		if left[name] {
			continue
		}
		key, piece, _ := strings.Cut(strings.TrimSuffix(name, ".json"), "/")
		if err := d.targets.remove(d.targets.stage + "/" + tempName(File{Key: key, Piece: piece})); err != nil {
			return err
		}
		delete(d.staged, name)
	}
	return nil
}

func tempName(f File) string { return f.Key + "@" + f.Piece }

// stagedAs gives the path of the temporary of a file, if it is staged.
func (d *Disk) stagedAs(f File) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hash, ok := d.staged[f.Path()]
	return d.targets.stage + "/" + tempName(f), ok && hash == f.Hash
}
