package apply

import (
	"fmt"
	"regexp"

	"promfleet"
)

// Set is what the disk should say at one revision.
type Set struct {
	Manifest promfleet.Manifest
	Config   []byte // prometheus.yml
	Jobs     []Job  // those that Config names, each key once
	// Parts are the bodies in the data path from which the set was made.
	Parts []promfleet.Hash
}

// Job is a scrape job and its target files.
type Job struct {
	Key    string
	Name   string // job_name
	Shared bool   // it has a service discovery of its own beside its files
	Files  []File
	// Inline: Config itself says the targets of Files, which nobody watches.
	Inline bool
}

// Targets counts the targets in the job's files.
func (j Job) Targets() int64 {
	var n int64
	for _, f := range j.Files {
		n += f.Targets
	}
	return n
}

// File is one target file: KEY/PIECE.json below the targets directory.
type File struct {
	Key, Piece    string
	Hash          promfleet.Hash
	Size, Targets int64
}

// Path is the file's path below the targets directory.
func (f File) Path() string { return f.Key + "/" + f.Piece + ".json" }

// What a file may be called. The server's word for it does not count: these
// names become paths here.
var (
	keyPattern   = regexp.MustCompile(`^[a-zA-Z][0-9a-zA-Z_]{0,127}$`)
	piecePattern = regexp.MustCompile(`^[0-9a-z-]{1,64}$`)
)

// Valid says why the set cannot be written, whatever the disk has.
func (s *Set) Valid() error {
	keys := make(map[string]bool, len(s.Jobs))
	paths := map[string]bool{}
	for _, j := range s.Jobs {
		if !keyPattern.MatchString(j.Key) {
			return fmt.Errorf("job key %q cannot be the name of a directory: it must match %s", j.Key, keyPattern)
		}
		if keys[j.Key] {
			return fmt.Errorf("job %s is there twice", j.Key)
		}
		keys[j.Key] = true
		for _, f := range j.Files {
			if f.Key != j.Key || !piecePattern.MatchString(f.Piece) {
				return fmt.Errorf("job %s: target file %q cannot be the name of a file: it must match %s", j.Key, f.Key+"/"+f.Piece, piecePattern)
			}
			if paths[f.Path()] {
				return fmt.Errorf("target file %s is there twice", f.Path())
			}
			paths[f.Path()] = true
		}
	}
	return nil
}
