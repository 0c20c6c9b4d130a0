package render

import (
	"regexp"
	"strings"

	"promfleet"
)

// The names of parts: see promfleet.Part.
const (
	BasePart    = "base"
	jobsPrefix  = "jobs/"
	configPart  = "config"
	targetsPart = "targets"
)

var (
	keyPattern   = regexp.MustCompile(`^[a-zA-Z][0-9a-zA-Z_]*$`)
	piecePattern = regexp.MustCompile(`^[0-9a-z-]{1,64}$`)
)

// MaxKey is the length of the longest job key, in bytes.
const MaxKey = 128

// ValidKey tells whether a job may have this key. It is also the name of a
// directory, so it is checked again wherever a file is written.
func ValidKey(key string) bool { return len(key) <= MaxKey && keyPattern.MatchString(key) }

// IndexName names the index of a job's parts.
func IndexName(key string) string { return jobsPrefix + key }

// ConfigName names a job's configuration.
func ConfigName(key string) string { return jobsPrefix + key + "/" + configPart }

// PieceName names a piece of a job's targets.
func PieceName(key, piece string) string { return jobsPrefix + key + "/" + targetsPart + "/" + piece }

// Name is a part's name, taken apart.
type Name struct {
	Base   bool
	Key    string // of the job
	Config bool
	Piece  string // file name without .json
}

// Index tells whether the name is that of a job's index.
func (n Name) Index() bool { return n.Key != "" && !n.Config && n.Piece == "" }

// ParseName takes a part's name apart; false if this version knows no such part.
func ParseName(name string) (Name, bool) {
	if name == BasePart {
		return Name{Base: true}, true
	}
	rest, ok := strings.CutPrefix(name, jobsPrefix)
	if !ok {
		return Name{}, false
	}
	key, rest, sub := strings.Cut(rest, "/")
	if !ValidKey(key) {
		return Name{}, false
	}
	if !sub {
		return Name{Key: key}, true
	}
	if rest == configPart {
		return Name{Key: key, Config: true}, true
	}
	kind, piece, _ := strings.Cut(rest, "/")
	if kind != targetsPart || !piecePattern.MatchString(piece) {
		return Name{}, false
	}
	return Name{Key: key, Piece: piece}, true
}

// ConfigBody renders the body of a job's configuration.
func ConfigBody(c promfleet.JobConfig) ([]byte, error) {
	sc, err := Canonical(c.ScrapeConfig)
	if err != nil {
		return nil, err
	}
	c.ScrapeConfig = sc
	return encodeJSON(c, "")
}

// IndexBody renders the body of an index.
func IndexBody(parts []promfleet.Part) ([]byte, error) { return encodeJSON(parts, "") }
