package promfleet

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits of what is told of the health of targets.
const (
	MaxHealthTargets = 500  // asked for one by one
	MaxHealthJobs    = 1000 // of a node
	MaxHealthErrors  = 10   // different messages of a job
	MaxHealthDown    = 100  // of a node
)

// HealthState is what has become of a target of a job.
type HealthState string

// The states.
const (
	HealthUp        HealthState = "up"         // its last scrape succeeded
	HealthDown      HealthState = "down"       // its last scrape failed
	HealthUnknown   HealthState = "unknown"    // Prometheus has not scraped it yet
	HealthDropped   HealthState = "dropped"    // by relabelling
	HealthHidden    HealthState = "hidden"     // perhaps dropped: Prometheus lists not all that are
	HealthMissing   HealthState = "missing"    // loaded, and Prometheus does not have it
	HealthMerged    HealthState = "merged"     // relabelling makes it equal to another
	HealthNotLoaded HealthState = "not_loaded" // the host, or its Prometheus, does not have the record as it is now
	HealthNotKnown  HealthState = "not_known"  // it could not be found out
)

// Bad tells whether somebody should look at the target.
func (s HealthState) Bad() bool { return s == HealthDown || s == HealthMissing }

// HealthQuestion is a QuestionHealth.
type HealthQuestion struct {
	Jobs    []string      `json:"jobs,omitempty" doc:"keys of jobs; empty: all"`
	Targets []AskedTarget `json:"targets,omitempty" doc:"those to be told of one by one, 500 at the most"`
	Down    int           `json:"down,omitempty" doc:"of how many that are down or missing to tell, 100 at the most"`
}

// AskedTarget is a target whose health is asked for.
type AskedTarget struct {
	Job int    `json:"job" doc:"which of the jobs of the question is its job, from 0"`
	Sum string `json:"sum" doc:"TargetSum of it"`
}

// TargetSum tells targets of a job from each other by what is in their file: a
// question with the labels of 500 of them would be too long. What promfleet itself
// adds to labels does not count.
func TargetSum(addr string, labels map[string]string) string { return SumLabels(labels).Target(addr) }

// LabelsSum is a sum of labels that many targets may have.
type LabelsSum [sha256.Size]byte

// SumLabels gives the sum of labels.
func SumLabels(labels map[string]string) (s LabelsSum) {
	h := sha256.New()
	text := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if labels[name] != "" && !strings.HasPrefix(name, "__meta_promfleet_") {
			text(name)
			text(labels[name])
		}
	}
	h.Sum(s[:0])
	return s
}

// Target gives the TargetSum of a target with the labels.
func (s LabelsSum) Target(addr string) string {
	sum := sha256.Sum256(append(s[:], addr...))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// AgentHealth answers a HealthQuestion.
type AgentHealth struct {
	RevisionLoaded int64         `json:"revision_loaded" minimum:"0"`
	Trouble        string        `json:"trouble,omitempty" maxLength:"3000" doc:"why Prometheus could not be asked; then there is nothing else"`
	Age            float64       `json:"age" minimum:"0" maximum:"3600" doc:"how many seconds ago Prometheus was asked"`
	Jobs           []JobHealth   `json:"jobs" maxItems:"1000"`
	MoreJobs       int           `json:"more_jobs" minimum:"0" doc:"how many jobs beside these"`
	Down           []AgentTarget `json:"down" maxItems:"100"`
	MoreDown       int64         `json:"more_down" minimum:"0" doc:"how many that are down or missing beside these"`
	Targets        []AgentTarget `json:"targets" maxItems:"500" doc:"those that were asked for, in that order"`
}

// AgentTarget is what an agent says of a target.
type AgentTarget struct {
	Job  string `json:"job,omitempty" maxLength:"128" doc:"key of its job, if it is one of the node's; of those that were not asked for"`
	Addr string `json:"addr,omitempty" maxLength:"3000" doc:"before relabelling, as far as that is known; of those that were not asked for"`
	Sum  string `json:"sum,omitempty" maxLength:"32" doc:"TargetSum of the target in the agent's files that it is; of those that were not asked for, if it is known"`

	State   HealthState `json:"state" enum:"up,down,unknown,dropped,hidden,missing,merged,not_loaded,not_known"`
	Error   string      `json:"error,omitempty" maxLength:"3000" doc:"of a scrape that failed, in Prometheus's words; else why it is not loaded, if that is known"`
	At      *time.Time  `json:"at,omitempty" doc:"of the last scrape"`
	Seconds float64     `json:"seconds,omitempty" minimum:"0" doc:"how long it took"`
}

// JobHealth counts the targets of a job by what has become of them.
type JobHealth struct {
	Job      string         `json:"job" maxLength:"128" doc:"key of the job; empty: Prometheus has a job that the server does not know"`
	JobName  string         `json:"job_name" maxLength:"2000" doc:"its scrape pool"`
	Withheld string         `json:"withheld,omitempty" maxLength:"3000" doc:"why Prometheus has not the job as it is wanted"`
	Active   int64          `json:"active" minimum:"0" doc:"up, down or not scraped yet"`
	Up       int64          `json:"up" minimum:"0"`
	Down     int64          `json:"down" minimum:"0"`
	Unknown  int64          `json:"unknown" minimum:"0" doc:"not scraped yet"`
	Dropped  int64          `json:"dropped" minimum:"0" doc:"by relabelling"`
	Missing  *int64         `json:"missing,omitempty" minimum:"0" doc:"in the files of the host, and Prometheus does not have them; absent: not known, as while a change is on its way"`
	Errors   []ScrapeErrors `json:"errors" maxItems:"10" doc:"failures of last scrapes by their message, the most frequent first"`
	Others   int64          `json:"others" minimum:"0" doc:"failures with other messages"`
	Slowest  *SlowestScrape `json:"slowest,omitempty"`
}

// ScrapeErrors are failures with the same message, but for what of it is the
// target's own.
type ScrapeErrors struct {
	Message string `json:"message" maxLength:"3000" doc:"in Prometheus's words; what differs from target to target is left out"`
	Count   int64  `json:"count" minimum:"1"`
	Addr    string `json:"addr" maxLength:"3000" doc:"of one of them"`
}

// SlowestScrape is the last scrape of a job that took the longest.
type SlowestScrape struct {
	Addr    string  `json:"addr" maxLength:"3000"`
	Seconds float64 `json:"seconds" minimum:"0"`
}

// NodeHealth is what the agent of a node says of its targets.
type NodeHealth struct {
	Node           string       `json:"node" format:"uuid"`
	Hostname       string       `json:"hostname"`
	Agent          AgentPart    `json:"agent" enum:"answered,silent,unknown_question,failed,not_asked" doc:"what came of the question to the agent"`
	AgentSays      string       `json:"agent_says,omitempty" doc:"why there is nothing else: the agent did not answer, or Prometheus did not answer the agent"`
	At             *time.Time   `json:"at,omitempty" doc:"when Prometheus was asked"`
	RevisionLoaded int64        `json:"revision_loaded"`
	Jobs           []JobHealth  `json:"jobs" doc:"by key; jobs that the server does not know are the last"`
	MoreJobs       int          `json:"more_jobs" doc:"how many jobs beside these"`
	Down           []DownTarget `json:"down" doc:"targets that are down or missing, 100 at the most"`
	MoreDown       int64        `json:"more_down" doc:"how many such targets beside these"`
}

// DownTarget is one that is active and whose last scrape failed, or that is missing.
type DownTarget struct {
	ID      int64       `json:"id,omitempty" doc:"absent: the server has no target for it, or more than one could be it"`
	Job     string      `json:"job" doc:"key of the job; empty: Prometheus has a job that the server does not know"`
	Addr    string      `json:"addr" doc:"before relabelling, as far as that is known"`
	State   HealthState `json:"state" enum:"down,missing"`
	Error   string      `json:"error,omitempty" doc:"in Prometheus's words"`
	At      *time.Time  `json:"at,omitempty" doc:"of the last scrape"`
	Seconds float64     `json:"seconds" doc:"how long it took"`
}

// TargetsHealthRequest asks for the health of targets.
type TargetsHealthRequest struct {
	IDs []int64 `json:"ids" minItems:"1" maxItems:"500" nullable:"false"`
}

// TargetsHealth is the health of targets, of whichever nodes.
type TargetsHealth struct {
	Items []TargetHealth `json:"items" doc:"by id; those that are deleted, or that there never were, are not among them"`
	Notes []string       `json:"notes" doc:"what was not looked at, and why"`
}

// TargetHealth is what has become of one target.
type TargetHealth struct {
	ID      int64       `json:"id"`
	State   HealthState `json:"state" enum:"up,down,unknown,dropped,hidden,missing,merged,not_loaded,not_known" doc:"up, down, or unknown: by its last scrape, unknown before the first; dropped: by relabelling; hidden: perhaps dropped, Prometheus lists not all that are; missing: loaded, and Prometheus does not have it; merged: relabelling makes it equal to another; not_loaded: the host, or its Prometheus, does not have the record as it is now; not_known: it could not be found out"`
	Error   string      `json:"error,omitempty" doc:"of a scrape that failed, in Prometheus's words; else why it is not loaded or not known"`
	At      *time.Time  `json:"at,omitempty" doc:"of the last scrape"`
	Seconds float64     `json:"seconds" doc:"how long it took"`
}
