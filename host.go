package promfleet

import "time"

// What a host shows of itself when its agent is asked: the configuration that it
// should have against the one that is loaded, and what doctor finds there.

// Limits of what a host tells.
const (
	// MaxConfigText is how long a text of an AgentConfig is, in bytes: that of some
	// 2,800 jobs. Compressed it is a small part of that; in the agent's memory, which
	// compares it, it is a hundred times as much.
	MaxConfigText = 2 << 20
	MaxFindings   = 100
)

// AgentConfigs answers a QuestionLoaded: the prometheus.yml that the agent has made of
// the last revision that it received, the file on the disk, and what the running
// Prometheus shows. Secrets are masked.
type AgentConfigs struct {
	RevisionWanted    int64       `json:"revision_wanted" minimum:"0" doc:"that Wanted is made of"`
	RevisionReceived  int64       `json:"revision_received" minimum:"0"`
	RevisionWritten   int64       `json:"revision_written" minimum:"0"`
	RevisionLoaded    int64       `json:"revision_loaded" minimum:"0"`
	State             NodeState   `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,pending"`
	Problem           string      `json:"problem,omitempty" maxLength:"10000" doc:"why the state is not in_sync"`
	PrometheusVersion string      `json:"prometheus_version,omitempty" maxLength:"200"`
	Same              bool        `json:"same" doc:"all three are known and mean the same"`
	Wanted            AgentConfig `json:"wanted"`
	Written           AgentConfig `json:"written"`
	Loaded            AgentConfig `json:"loaded"`
	Notes             []string    `json:"notes,omitempty" maxItems:"20"`
}

// AgentConfig is one of them: a text, compressed or equal to another, or why there is
// none.
type AgentConfig struct {
	SameAs  string `json:"same_as,omitempty" enum:"wanted,written" doc:"it is the text of that one"`
	Gzip    []byte `json:"gzip,omitempty" doc:"the text, compressed"`
	Missing string `json:"missing,omitempty" maxLength:"10000" doc:"why there is no text"`
}

// AgentDoctor answers a QuestionDoctor.
type AgentDoctor struct {
	Findings []Finding `json:"findings" maxItems:"100"`
	// Of is how many checks there are; there are fewer findings if time was short.
	Of int `json:"of" minimum:"0" doc:"how many checks there are"`
}

// FindingLevel says how bad a finding is.
type FindingLevel string

// The levels.
const (
	FindingOK      FindingLevel = "ok"
	FindingWarning FindingLevel = "warning"
	FindingFailure FindingLevel = "failure"
)

// Finding is what one check of doctor has found.
type Finding struct {
	Level FindingLevel `json:"level" enum:"ok,warning,failure"`
	Check string       `json:"check" maxLength:"100" doc:"which check it is" example:"second reloader"`
	Found string       `json:"found" maxLength:"10000"`
	Hint  string       `json:"hint,omitempty" maxLength:"10000" doc:"what to do about a warning or failure"`
}

// NodeLoaded says what a node should have against what is loaded there.
type NodeLoaded struct {
	Node              string     `json:"node" format:"uuid"`
	Hostname          string     `json:"hostname"`
	Agent             AgentPart  `json:"agent" enum:"answered,silent,unknown_question,failed,not_asked" doc:"what came of the question to the agent"`
	AgentSays         string     `json:"agent_says,omitempty" doc:"why it did not answer"`
	At                time.Time  `json:"at" doc:"when this was found out"`
	Same              bool       `json:"same" doc:"wanted, written and loaded are known and mean the same"`
	RevisionNow       int64      `json:"revision_now" doc:"the node's revision on the server"`
	RevisionWanted    int64      `json:"revision_wanted" doc:"that wanted is made of; 0: not known, as the other ones are where the agent did not answer"`
	RevisionReceived  int64      `json:"revision_received"`
	RevisionWritten   int64      `json:"revision_written"`
	RevisionLoaded    int64      `json:"revision_loaded"`
	State             NodeState  `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,stale,pending" doc:"as the agent says; where it did not answer, as it is known"`
	Problem           string     `json:"problem,omitempty" doc:"why the state is not in_sync"`
	PrometheusVersion string     `json:"prometheus_version,omitempty"`
	Wanted            ConfigText `json:"wanted" doc:"the prometheus.yml that the agent has made of the revision that it received last"`
	Written           ConfigText `json:"written" doc:"the file on the disk"`
	Loaded            ConfigText `json:"loaded" doc:"what the running Prometheus shows"`
	Notes             []string   `json:"notes"`
}

// ConfigText is a configuration as Prometheus writes it: with the defaults filled in,
// without comments, secrets masked; or why it is not there.
type ConfigText struct {
	Text    string `json:"text"`
	Missing string `json:"missing,omitempty" doc:"why there is no text"`
}

// NodeDoctor is what doctor finds on the host of a node.
type NodeDoctor struct {
	Node      string    `json:"node" format:"uuid"`
	Hostname  string    `json:"hostname"`
	Agent     AgentPart `json:"agent" enum:"answered,silent,unknown_question,failed,not_asked" doc:"what came of the question to the agent"`
	AgentSays string    `json:"agent_says,omitempty" doc:"why it did not answer, or not all"`
	At        time.Time `json:"at" doc:"when this was found out"`
	Findings  []Finding `json:"findings" doc:"in the order of the checks"`
	Warnings  int       `json:"warnings"`
	Failures  int       `json:"failures"`
}
