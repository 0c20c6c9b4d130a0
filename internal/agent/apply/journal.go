package apply

import (
	"maps"

	"promfleet"
)

// State is the journal: what the agent knows after a restart. It is saved before
// a name is used that was not the agent's, before prometheus.yml is replaced,
// before a reload is asked for, and when all is done. What it says of a file is
// an intention while there is no mtime beside it: whoever finds that looks at the
// file, and syncs its directory before the file counts.
type State struct {
	// Manifest is the one that the files on disk say; none at first.
	Manifest *promfleet.Manifest `json:"manifest,omitempty"`

	RevisionReceived int64 `json:"revision_received"`
	RevisionWritten  int64 `json:"revision_written"`
	RevisionLoaded   int64 `json:"revision_loaded"`

	// Config is the agent's prometheus.yml; nil if there is none yet: a file in
	// its place is somebody else's.
	Config *Record `json:"config,omitempty"`
	// TakenOver is the hash of the prometheus.yml of somebody else's that is being
	// replaced, until the agent's own is seen loaded.
	TakenOver promfleet.Hash `json:"taken_over,omitempty"`
	// LoadedConfig is the hash of the prometheus.yml that Prometheus was seen to
	// run; empty from when another is about to be written until that is seen.
	LoadedConfig promfleet.Hash `json:"loaded_config,omitempty"`
	// Accepted is the hash of the prometheus.yml that Prometheus last said it had
	// loaded, Back that of the one kept to go back to; empty while that is the one of
	// TakenOver.
	Accepted promfleet.Hash `json:"accepted,omitempty"`
	Back     promfleet.Hash `json:"back,omitempty"`

	// ReloadPending: prometheus.yml was replaced and Prometheus is not known to
	// have read it. ReloadMark tells whether it has since: see Prometheus.Mark.
	ReloadPending bool    `json:"reload_pending,omitempty"`
	ReloadMark    float64 `json:"reload_mark,omitempty"`
	// ReloadAsked is the hash of the prometheus.yml for which a reload was asked
	// that may still be under way.
	ReloadAsked promfleet.Hash `json:"reload_asked,omitempty"`
	// Read is the hash of the prometheus.yml that was there when Prometheus was found
	// to have loaded one, whichever.
	Read promfleet.Hash `json:"read,omitempty"`
	// Refused is the prometheus.yml that Prometheus would not have.
	Refused *Refusal `json:"refused,omitempty"`

	// Files are the target files that the agent owns, by path; Dirs the
	// directories that it made for them, true once they are on the disk for good.
	Files map[string]Record `json:"files"`
	Dirs  map[string]bool   `json:"dirs"`
	// Unseen are the jobs whose files were changed and not seen loaded since, with
	// the paths of those written.
	Unseen map[string][]string `json:"unseen,omitempty"`
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

// clone gives a state whose maps are its own.
func (s State) clone() State {
	s.Files, s.Dirs, s.Unseen = maps.Clone(s.Files), maps.Clone(s.Dirs), maps.Clone(s.Unseen)
	if s.Files == nil {
		s.Files = map[string]Record{}
	}
	if s.Dirs == nil {
		s.Dirs = map[string]bool{}
	}
	if s.Unseen == nil {
		s.Unseen = map[string][]string{}
	}
	return s
}
