package promfleet

import "encoding/json"

// FleetDocument is one document of a fleet file: what a node or a job should be.
// What it does not name stays as it is.
type FleetDocument struct {
	Kind FleetKind `json:"kind" enum:"node,job"`
	Node string    `json:"node" doc:"the node, or the node of the job: its uuid, or its hostname where one live node alone has it"`
	At   string    `json:"at,omitempty" maxLength:"1000" doc:"where the document stands, for errors" example:"beijing/node-1.yml:12"`

	// Of a node.
	Tags       *[]string `json:"tags,omitempty" doc:"node: all its tags; new ones are created"`
	BaseConfig *string   `json:"base_config,omitempty" doc:"node: prometheus.yml without scrape_configs, as YAML text; <secret> stays what it was"`

	// Of a job.
	Key          string          `json:"key,omitempty" doc:"job: its key; tells the jobs of a node apart"`
	JobName      string          `json:"job_name,omitempty" doc:"job: Prometheus's job_name; default: the key"`
	Remark       string          `json:"remark,omitempty" doc:"job"`
	ScrapeConfig json.RawMessage `json:"scrape_config,omitempty" doc:"job: any field of a Prometheus scrape_config but job_name; <secret> stays what it was"`
	Targets      *[]FleetTarget  `json:"targets,omitempty" doc:"job: all its targets; absent: they are edited elsewhere"`
}

// FleetKind says what a FleetDocument is about.
type FleetKind string

// The kinds of documents.
const (
	FleetNode FleetKind = "node"
	FleetJob  FleetKind = "job"
)

// FleetTarget is a target of a job in a FleetDocument. Addr and name together tell
// the targets of a job apart.
type FleetTarget struct {
	Name   string            `json:"name,omitempty"`
	Remark string            `json:"remark,omitempty"`
	Addr   string            `json:"addr" doc:"host, host:port, [v6]:port, or a URL for probe jobs"`
	Labels map[string]string `json:"labels,omitempty"`
	Tags   []string          `json:"tags,omitempty"`
}

// FleetChange says what applying documents did, or would do.
type FleetChange struct {
	Changes   []FleetObjectChange `json:"changes" doc:"what is created, updated and deleted, by node, nodes before their jobs, jobs by key"`
	Unchanged int                 `json:"unchanged" doc:"documents that say what is there already"`
	Notes     []string            `json:"notes" doc:"what whoever applies them should know"`
	Preview   *Preview            `json:"preview,omitempty" doc:"dry runs: what would change in the files of the nodes"`
}

// FleetObjectChange is what becomes of one node or job.
type FleetObjectChange struct {
	Action   string    `json:"action" enum:"create,update,delete"`
	Kind     FleetKind `json:"kind" enum:"node,job"`
	Node     string    `json:"node" format:"uuid"`
	Hostname string    `json:"hostname"`
	Key      string    `json:"key,omitempty" doc:"of a job"`
	// Targets counts what becomes of the job's targets.
	Targets TargetSetChange `json:"targets"`
	// Before and After are given for dry runs: secrets masked, and of the targets
	// only those that change.
	Before *FleetDocument `json:"before,omitempty"`
	After  *FleetDocument `json:"after,omitempty"`
}
