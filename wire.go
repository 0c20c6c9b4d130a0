package promfleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// ProtocolVersion is the version of what server and agent say to each other.
// A server answers an agent of an older version as that version expects; an
// agent refuses a server that is older than itself.
//
//   - 1 (2026-11-24): register, watch, fetch, report. A manifest is a list of
//     named parts by hash; a part may be an index, whose body is a list of
//     parts. New kinds of files are new names and need no new version; an agent
//     that does not know a name refuses the manifest and says so.
const ProtocolVersion = 1

// ProtocolHeader is the header of a server's answer to /-/ready that says which
// version it speaks: for whoever wants to know before a node has joined.
const ProtocolHeader = "Promfleet-Protocol"

// Hash is a SHA-256 in lower-case hexadecimal.
type Hash string

// HashOf gives the hash of a body.
func HashOf(body []byte) Hash {
	sum := sha256.Sum256(body)
	return Hash(hex.EncodeToString(sum[:]))
}

// Part is a piece of what a node should have, named by what it is for and by the
// hash of its body. The names are:
//
//	base                     the base config, YAML text
//	jobs/KEY                 an index: the parts of one job
//	jobs/KEY/config          a JobConfig
//	jobs/KEY/targets/PIECE   a file_sd file, JSON
type Part struct {
	Name  string `json:"name"`
	Hash  Hash   `json:"hash"`
	Size  int64  `json:"size" doc:"bytes of the body"`
	Index bool   `json:"index,omitempty" doc:"the body is a JSON list of parts"`
	Count int64  `json:"count,omitempty" doc:"targets in it"`
}

// Manifest is what a node should have at a revision.
type Manifest struct {
	Protocol int    `json:"protocol"`
	Node     string `json:"node" format:"uuid"`
	Revision int64  `json:"revision"`
	Parts    []Part `json:"parts"`
	// Confirmed is the last revision of which an editor has said that it may take
	// as many targets away as it does. An agent whose policy counts the server's
	// word holds no removal of that revision back, nor of a later one that takes
	// none beside those.
	Confirmed int64 `json:"confirmed,omitempty"`
}

// PartRef asks for the body of a part.
type PartRef struct {
	Name string `json:"name"`
	Hash Hash   `json:"hash"`
}

// PartBody is the body of a part. Bodies are valid UTF-8.
type PartBody struct {
	Hash Hash   `json:"hash"`
	Body string `json:"body"`
}

// JobConfig is the body of a part jobs/KEY/config.
type JobConfig struct {
	Key          string          `json:"key"`
	JobName      string          `json:"job_name"`
	ScrapeConfig json.RawMessage `json:"scrape_config"`
}

// Registration is what an agent says of its node.
type Registration struct {
	Protocol          int    `json:"protocol" minimum:"1"`
	UUID              string `json:"uuid" format:"uuid"`
	Hostname          string `json:"hostname" maxLength:"253"`
	Addr              string `json:"addr" format:"uri" maxLength:"2048"`
	AgentVersion      string `json:"agent_version,omitempty" maxLength:"200"`
	PrometheusVersion string `json:"prometheus_version,omitempty" maxLength:"200"`
}

// Registered answers a Registration.
type Registered struct {
	Protocol   int    `json:"protocol"`
	Credential string `json:"credential,omitempty" doc:"the node's own credential; given once, when it joins"`
}

// WatchReply answers a watch: the state, never a delta that could be missed.
type WatchReply struct {
	Manifest Manifest   `json:"manifest"`
	Bodies   []PartBody `json:"bodies" doc:"small bodies that are new since the revision that the agent has, to save a round trip"`
}

// FetchRequest asks for bodies.
type FetchRequest struct {
	Parts []PartRef `json:"parts" minItems:"1" maxItems:"256"`
}

// FetchReply brings bodies, in the order asked; the last ones may be missing
// where the answer would be too large: ask again for those.
type FetchReply struct {
	Bodies []PartBody `json:"bodies"`
}

// What is kept of the notices of a report.
const (
	MaxNotices = 20
	MaxNotice  = 8 << 10 // bytes of each
)

// StepAges say how long before a report something was done, in milliseconds: the
// clocks of agent and server need not agree. Absent: not since the agent started.
type StepAges struct {
	Received *int64 `json:"received,omitempty" minimum:"0" doc:"since revision_received had arrived"`
	Written  *int64 `json:"written,omitempty" minimum:"0" doc:"since the files say revision_written"`
	Reloaded *int64 `json:"reloaded,omitempty" minimum:"0" doc:"since Prometheus did the last reload that it was asked for"`
	Loaded   *int64 `json:"loaded,omitempty" minimum:"0" doc:"since Prometheus was seen to have revision_loaded"`
}

// Report is what an agent has done. Received, on disk and loaded are three facts.
type Report struct {
	Protocol          int       `json:"protocol" minimum:"1"`
	RevisionReceived  int64     `json:"revision_received" minimum:"0" doc:"the last revision whose parts have all arrived"`
	RevisionWritten   int64     `json:"revision_written" minimum:"0" doc:"the revision that the files on disk say"`
	RevisionLoaded    int64     `json:"revision_loaded" minimum:"0" doc:"the last revision that Prometheus was seen to have"`
	State             NodeState `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted"`
	Error             string    `json:"error,omitempty" maxLength:"10000"`
	Ages              *StepAges `json:"ages,omitempty" doc:"how long before this report the agent got so far"`
	Notices           []string  `json:"notices,omitempty" doc:"what whoever runs the node should know, whatever its state: the first 20, of each the first 8 KiB"`
	AgentVersion      string    `json:"agent_version,omitempty" maxLength:"200"`
	PrometheusVersion string    `json:"prometheus_version,omitempty" maxLength:"200"`
	TargetsUp         int64     `json:"targets_up,omitempty" minimum:"0" maximum:"1000000000"`
	TargetsDown       int64     `json:"targets_down,omitempty" minimum:"0" maximum:"1000000000"`
	Policy            *Policy   `json:"policy,omitempty" doc:"what the host's owner allows"`
}
