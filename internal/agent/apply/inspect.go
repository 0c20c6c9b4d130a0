package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Where the agent stages files below the directories that it writes in, and where
// the lock is that a running one holds.
const (
	ConfigStage  = ".promfleet"         // beside prometheus.yml
	TargetsStage = ".stage"             // in the targets directory, and in the data path
	LockFile     = ".stage/" + lockName // in the targets directory, and in the data path
)

// MountPoints reads the mount points of a /proc/PID/mountinfo.
func MountPoints(mountinfo io.Reader) (map[string]bool, error) { return mountPoints(mountinfo) }

// ReadState reads the state in a data path that a running agent may have; the zero
// value if there is none yet.
func ReadState(dataPath string) (State, error) {
	var s State
	file := filepath.Join(dataPath, stateFile)
	body, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, err
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("%s is damaged: %w", file, err)
	}
	return s, nil
}
