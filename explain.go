package promfleet

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ExplainRequest asks why an address is, or is not, scraped.
type ExplainRequest struct {
	Addr string `json:"addr" minLength:"1" maxLength:"2048" doc:"host:port, as the target has it; a host, a URL or the instance label is looked for where no target has exactly this" example:"10.0.0.1:9100"`
	Node string `json:"node,omitempty" maxLength:"512" doc:"uuid, or the hostname where one live node alone has it; default: the whole fleet"`
	Job  string `json:"job,omitempty" maxLength:"128" doc:"key of a job; default: all jobs"`
}

// Scraped is the answer to the question whether an address is scraped.
type Scraped string

// The answers.
const (
	ScrapedYes     Scraped = "yes"     // it is active, and its last scrape succeeded
	ScrapedNo      Scraped = "no"      // it is not, and Stage says where the chain breaks
	ScrapedUnknown Scraped = "unknown" // the chain is known up to Stage only
)

// ExplainStage is a link of the chain from a record to a scrape.
type ExplainStage string

// The stages, in their order.
const (
	StageRecord     ExplainStage = "record"     // a target of a job on the server
	StageRendered   ExplainStage = "rendered"   // in the files of the node, and these loaded
	StageDiscovered ExplainStage = "discovered" // seen by Prometheus's discovery
	StageRelabelled ExplainStage = "relabelled" // kept by the job's relabel_configs
	StageScraped    ExplainStage = "scraped"    // the last scrape
)

// AddrMatch says in which way something has an address.
type AddrMatch string

// The ways, the better first: only the best that there is counts.
const (
	MatchAddr     AddrMatch = "addr"     // it is the address
	MatchURL      AddrMatch = "url"      // it is the same without scheme and path
	MatchScrape   AddrMatch = "scrape"   // relabelling has made it the address that is scraped
	MatchInstance AddrMatch = "instance" // its instance label is
	MatchHost     AddrMatch = "host"     // it has the same host and another port
)

// Explained says where an address stands on each node.
type Explained struct {
	Addr     string          `json:"addr"`
	Scraped  Scraped         `json:"scraped" enum:"yes,no,unknown" doc:"yes: every chain ends in a scrape that succeeded"`
	UnderWay bool            `json:"under_way" doc:"it is not scraped yet, and goes on by itself: the verdict says what it waits for"`
	Verdict  string          `json:"verdict" doc:"the answer in one line"`
	Items    []ExplainedNode `json:"items" doc:"by hostname"`
	Nearest  []string        `json:"nearest" doc:"where no node has the address: addresses that are like it, 5 at the most"`
	Notes    []string        `json:"notes" doc:"what was not looked at"`
}

// ExplainedNode is what is known of an address on one node.
type ExplainedNode struct {
	Node      string           `json:"node" format:"uuid"`
	Hostname  string           `json:"hostname"`
	State     NodeState        `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,stale,pending"`
	Scraped   Scraped          `json:"scraped" enum:"yes,no,unknown"`
	UnderWay  bool             `json:"under_way" doc:"it is not scraped yet, and goes on by itself: the verdict says what it waits for"`
	Stage     ExplainStage     `json:"stage" enum:"record,rendered,discovered,relabelled,scraped" doc:"where the chain breaks, or up to where it is known"`
	Verdict   string           `json:"verdict" doc:"the answer in one line"`
	Agent     AgentPart        `json:"agent" enum:"answered,silent,unknown_question,failed,not_asked" doc:"what came of the question to the agent"`
	AgentSays string           `json:"agent_says,omitempty" doc:"why the agent did not say more"`
	Chains    []ExplainedChain `json:"chains" doc:"one for each target; by job, then as they are found"`
	More      int              `json:"more" doc:"how many chains beside these"`
}

// AgentPart is what came of a question to an agent.
type AgentPart string

// What comes of questions.
const (
	AgentAnswered AgentPart = "answered"
	AgentSilent   AgentPart = "silent"           // it did not answer in time
	AgentTooOld   AgentPart = "unknown_question" // it does not know the question
	AgentFailed   AgentPart = "failed"           // it answered that it could not
	AgentNotAsked AgentPart = "not_asked"
)

// ExplainedChain is the way of one target of one job.
type ExplainedChain struct {
	Job      string           `json:"job" doc:"key of the job; empty: Prometheus has a job that the server does not know"`
	JobName  string           `json:"job_name"`
	Matched  AddrMatch        `json:"matched" enum:"addr,url,scrape,instance,host" doc:"how it has the address"`
	Scraped  Scraped          `json:"scraped" enum:"yes,no,unknown"`
	UnderWay bool             `json:"under_way" doc:"it is not scraped yet, and goes on by itself: the verdict says what it waits for"`
	Stage    ExplainStage     `json:"stage" enum:"record,rendered,discovered,relabelled,scraped"`
	Verdict  string           `json:"verdict"`
	Record   *ExplainedRecord `json:"record,omitempty" doc:"absent: the server has no target for it; the job's own discovery has found it, or a file is out of date"`
	Rendered *ExplainedFile   `json:"rendered,omitempty" doc:"the file that has the record"`
	Seen     *SeenTarget      `json:"seen,omitempty" doc:"what the agent has found; absent: nothing, or it was not asked"`
}

// ExplainedRecord is a target of the server.
type ExplainedRecord struct {
	ID        int64             `json:"id"`
	Name      string            `json:"name"`
	Addr      string            `json:"addr"`
	Labels    map[string]string `json:"labels"`
	DeletedAt *time.Time        `json:"deleted_at,omitempty"`
	DeletedBy string            `json:"deleted_by,omitempty" doc:"who deleted it, or its job; empty where the events do not say"`
}

// ExplainedFile is the file that has a target, and how far it is.
type ExplainedFile struct {
	Path     string `json:"path" doc:"below the targets directory" example:"node/all.json"`
	Revision int64  `json:"revision" doc:"the node's revision that brought the file as it is now"`
	Received bool   `json:"received" doc:"the agent has that revision"`
	Written  bool   `json:"written" doc:"the files on the host say it"`
	Loaded   bool   `json:"loaded" doc:"Prometheus was seen to have it"`
}

// SeenTarget is a target as an agent and its Prometheus have it.
type SeenTarget struct {
	Job     string    `json:"job,omitempty" maxLength:"128" doc:"key of the job, if it is one of the node's"`
	JobName string    `json:"job_name" maxLength:"2000" doc:"its scrape pool"`
	Addr    string    `json:"addr" maxLength:"3000" doc:"before relabelling, as far as that is known"`
	Matched AddrMatch `json:"matched" enum:"addr,url,scrape,instance,host"`

	InFile     string            `json:"in_file,omitempty" maxLength:"300" doc:"the file on the host that has it, below the targets directory; empty: none"`
	FileLabels map[string]string `json:"file_labels,omitempty" maxProperties:"200" doc:"its labels in that file"`
	Inline     bool              `json:"inline,omitempty" doc:"prometheus.yml itself names the targets of that file"`

	State      SeenState         `json:"state" enum:"active,dropped,hidden,missing,merged,unknown" doc:"active: in the scrape pool; dropped: by relabelling; hidden: perhaps dropped, Prometheus lists not all that are; missing: Prometheus does not have it; merged: relabelling makes it equal to another; unknown: Prometheus could not be asked"`
	Discovered map[string]string `json:"discovered,omitempty" maxProperties:"200" doc:"labels before relabelling"`
	Labels     map[string]string `json:"labels,omitempty" maxProperties:"200" doc:"labels after it"`
	Steps      []RelabelStep     `json:"steps,omitempty" maxItems:"100" doc:"the relabel_configs that change or drop it"`
	StepsBy    string            `json:"steps_by,omitempty" enum:"prometheus,promfleet" doc:"who has walked them: the running Prometheus, or the library that promfleet is built with on the configuration that it runs"`
	MergedWith string            `json:"merged_with,omitempty" maxLength:"3000" doc:"the address of the one that it is equal to"`
	Scrape     *LastScrape       `json:"scrape,omitempty" doc:"of an active one"`
}

// SeenState is what has become of a target in Prometheus.
type SeenState string

// The states.
const (
	SeenActive  SeenState = "active"
	SeenDropped SeenState = "dropped"
	SeenHidden  SeenState = "hidden"
	SeenMissing SeenState = "missing"
	SeenMerged  SeenState = "merged"
	SeenUnknown SeenState = "unknown"
)

// RelabelStep is one of a job's relabel_configs that does something to a target.
type RelabelStep struct {
	Index        int           `json:"index" minimum:"0" doc:"in relabel_configs, from 0"`
	Action       string        `json:"action" maxLength:"100"`
	SourceLabels []string      `json:"source_labels,omitempty" maxItems:"100" doc:"whose values are looked at"`
	Regex        string        `json:"regex,omitempty" maxLength:"3000"`
	TargetLabel  string        `json:"target_label,omitempty" maxLength:"3000"`
	Input        string        `json:"input" maxLength:"3000" doc:"the values of the source labels, joined"`
	Drops        bool          `json:"drops" doc:"it drops the target"`
	Changes      []LabelChange `json:"changes,omitempty" maxItems:"200"`
}

// String says which rule it is, and what it looks at.
func (s RelabelStep) String() string {
	what := "regex " + s.Regex
	if s.Action == "keepequal" || s.Action == "dropequal" {
		what = "target_label " + s.TargetLabel
	}
	is := ""
	if len(s.SourceLabels) > 0 {
		is = fmt.Sprintf(": %s is %q", strings.Join(s.SourceLabels, ","), s.Input)
	}
	return fmt.Sprintf("relabel_configs[%d] (action %s, source_labels [%s], %s)%s", s.Index, s.Action, strings.Join(s.SourceLabels, ", "), what, is)
}

// LabelChange is what a step does to one label. An absent label has no value.
type LabelChange struct {
	Label  string `json:"label" maxLength:"3000"`
	Before string `json:"before" maxLength:"3000"`
	After  string `json:"after" maxLength:"3000"`
}

// LastScrape is what Prometheus says of the last scrape of a target.
type LastScrape struct {
	URL      string     `json:"url" maxLength:"3000" doc:"passwords masked"`
	Health   string     `json:"health" enum:"up,down,unknown" doc:"unknown: not scraped yet"`
	Error    string     `json:"error,omitempty" maxLength:"3000" doc:"in Prometheus's words"`
	At       *time.Time `json:"at,omitempty"`
	Seconds  float64    `json:"seconds" doc:"how long it took"`
	Interval string     `json:"interval,omitempty" maxLength:"100" example:"15s"`
	Timeout  string     `json:"timeout,omitempty" maxLength:"100"`
	Samples  *int64     `json:"samples,omitempty" doc:"how many the target has sent"`
	Kept     *int64     `json:"kept,omitempty" doc:"how many of them metric_relabel_configs have left"`
}

// MatchOfAddr says in which way have is the address want: MatchAddr, MatchURL,
// MatchHost, or "" if in none. Host names are the same in any case of letters.
func MatchOfAddr(want, have string) AddrMatch {
	if want == have {
		return MatchAddr
	}
	wanted, had := hostPort(want), hostPort(have)
	switch {
	case had == "" || wanted == "":
		return ""
	case wanted == had:
		return MatchURL
	case HostOfAddr(wanted) == HostOfAddr(had):
		return MatchHost
	}
	return ""
}

// Better tells whether a match is a better one than another; "" is none.
func (m AddrMatch) Better(other AddrMatch) bool { return m.rank() < other.rank() }

func (m AddrMatch) rank() int {
	if i := slices.Index([]AddrMatch{MatchAddr, MatchURL, MatchScrape, MatchInstance, MatchHost}, m); i >= 0 {
		return i
	}
	return 5
}

// hostPort gives host:port, or the host, of an address that may be a URL; in lower
// case.
func hostPort(addr string) string {
	if strings.Contains(addr, "://") {
		u, err := url.Parse(addr)
		if err != nil {
			return ""
		}
		addr = u.Host
	}
	return strings.ToLower(addr)
}

// HostOfAddr gives the host of an address that may be a URL, in lower case and an
// IPv6 address without brackets.
func HostOfAddr(addr string) string {
	addr = hostPort(addr)
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return strings.Trim(addr, "[]")
}
