// Package promfleet is the vocabulary of a control plane for fleets of
// Prometheus servers: nodes, their scrape jobs and targets, what an agent is
// told and what it reports. It does no I/O and imports the standard library
// only, so that server, agent, command line and clients mean the same thing by
// the same word.
package promfleet

import (
	"encoding/json"
	"time"
)

// Node is one Prometheus server with the agent beside it.
type Node struct {
	UUID       string     `json:"uuid" format:"uuid" doc:"RFC 9562 UUID, chosen by the agent at its first start"`
	Hostname   string     `json:"hostname" doc:"host name as the agent's host reports it"`
	Addr       string     `json:"addr" doc:"address of the Prometheus server" example:"https://prometheus-1.example.com:9090/"`
	Tags       []string   `json:"tags" doc:"tags of the node, sorted"`
	BaseConfig string     `json:"base_config" doc:"prometheus.yml without scrape_configs: global, rule_files, alerting, remote_write and so on, as YAML text; secrets are shown as <secret>"`
	Contacts   []int64    `json:"contacts" doc:"ids of the contacts to reach about the node, sorted"`
	ManagedBy  string     `json:"managed_by" doc:"who manages it by fleet files, and so alone may change it; empty: it is edited by hand"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	DeletedAt  *time.Time `json:"deleted_at,omitempty"`
	JobCount   int64      `json:"jobs" doc:"how many live jobs it has"`
	Status     NodeStatus `json:"status"`

	// Version counts the edits of the node's own fields; it is what an ETag says.
	Version int64 `json:"-"`
}

// NodeStatus is how far a node is with what it should have.
type NodeStatus struct {
	RevisionWanted    int64      `json:"revision_wanted" doc:"the revision that the node should have"`
	RevisionApplied   int64      `json:"revision_applied" doc:"the last revision that Prometheus was seen to have loaded; 0 if none was"`
	RevisionReceived  int64      `json:"revision_received" doc:"the last revision that has arrived at the agent"`
	RevisionWritten   int64      `json:"revision_written" doc:"the revision that the files on disk say"`
	Steps             Steps      `json:"steps" doc:"when the agent got that far"`
	State             NodeState  `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,stale,pending"`
	LastSeenAt        *time.Time `json:"last_seen_at,omitempty" doc:"when the agent was last heard of"`
	LastError         string     `json:"last_error" doc:"why the last apply did not succeed, in Prometheus's words where it has them"`
	Notices           []string   `json:"notices" doc:"what whoever runs the node should know, whatever its state; at most 20, of 8 KiB"`
	AgentVersion      string     `json:"agent_version"`
	PrometheusVersion string     `json:"prometheus_version"`
	TargetsUp         int64      `json:"targets_up" doc:"active targets whose last scrape succeeded"`
	TargetsDown       int64      `json:"targets_down" doc:"active targets whose last scrape failed"`
	Policy            *Policy    `json:"policy,omitempty" doc:"what the host's owner allows the server, as its agent says; absent: not known"`
}

// Policy is what the owner of a host allows the server to have its agent do. The
// server cannot change it: the agent holds to it, and says it to be shown.
type Policy struct {
	File              string   `json:"file" maxLength:"1000" doc:"the policy file; empty: there is none, and the default holds"`
	AllowPaths        []string `json:"allow_paths" maxItems:"100" doc:"what a configuration may have Prometheus read; the first 100"`
	AllowWritePaths   []string `json:"allow_write_paths" maxItems:"100" doc:"what it may have Prometheus write"`
	MaxRemovalPercent int      `json:"max_removal_percent" minimum:"0" maximum:"100" doc:"a step that takes more of the targets away waits for a confirmation"`
	RemovalMinTargets int64    `json:"removal_min_targets" minimum:"0" doc:"of nodes with fewer targets it waits for none"`
	RemovalConfirm    string   `json:"removal_confirm" enum:"server,local" doc:"whose confirmation counts: also an editor's on the server, or only one on the host"`
	MaxBytes          int64    `json:"max_bytes" minimum:"0" doc:"the most that a revision may have"`
	Drift             string   `json:"drift" enum:"repair,report" doc:"what becomes of a hand edit: it is undone, or told and left"`
}

// Steps say when the agent of a node did what it last did. A time that is absent is
// not known, or there was nothing of the kind to do.
type Steps struct {
	ReceivedAt *time.Time `json:"received_at,omitempty" doc:"when revision_received had arrived"`
	WrittenAt  *time.Time `json:"written_at,omitempty" doc:"when the files said revision_written"`
	ReloadedAt *time.Time `json:"reloaded_at,omitempty" doc:"when Prometheus had done the last reload that the agent asked for"`
	LoadedAt   *time.Time `json:"loaded_at,omitempty" doc:"when Prometheus was seen to have revision_applied"`
}

// NodesMap is nodes with no more of each than a map of thousands shows.
type NodesMap struct {
	Nodes []NodePoint `json:"nodes" doc:"in the order asked for, at most 50,000"`
	Total int64       `json:"total" doc:"how many there are"`
}

// NodePoint is a node in a map.
type NodePoint struct {
	UUID        string    `json:"uuid" format:"uuid"`
	Hostname    string    `json:"hostname"`
	State       NodeState `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,stale,pending"`
	TargetsDown int64     `json:"targets_down,omitempty" doc:"absent: none"`
}

// NodesSummary counts the live nodes, and the targets that they scrape.
type NodesSummary struct {
	Total       int64               `json:"total"`
	States      map[NodeState]int64 `json:"states" doc:"how many are in each state; states that none is in are missing"`
	TargetsUp   int64               `json:"targets_up"`
	TargetsDown int64               `json:"targets_down"`
}

// NodesChanged says which nodes there is something new of: it carries none of it.
type NodesChanged struct {
	Nodes []string `json:"nodes" doc:"uuids, sorted"`
	More  bool     `json:"more" doc:"others too, too many to name: any may have changed"`
}

// NodeState sums a node up in one word.
type NodeState string

// The states of a node.
const (
	StateInSync      NodeState = "in_sync"     // wanted = seen loaded
	StateApplying    NodeState = "applying"    // on its way
	StateWritten     NodeState = "written"     // on disk, not seen loaded
	StateQuarantined NodeState = "quarantined" // all but the named jobs
	StateHeld        NodeState = "held"        // a large removal waits for a confirmation
	StateFailed      NodeState = "failed"      // rejected; the last good configuration runs
	StateDrifted     NodeState = "drifted"     // somebody else changed a file of the agent's
	StateStale       NodeState = "stale"       // the agent has not been heard of
	StatePending     NodeState = "pending"     // never synced
)

// Job is one scrape job of a node.
type Job struct {
	ID           int64           `json:"id"`
	Node         string          `json:"node" format:"uuid" doc:"the node that scrapes it"`
	Key          string          `json:"key" doc:"names the job's files; unique among the live jobs of its node"`
	JobName      string          `json:"job_name" doc:"Prometheus's job_name"`
	Remark       string          `json:"remark"`
	ScrapeConfig json.RawMessage `json:"scrape_config" doc:"the scrape_config but job_name; secrets are shown as <secret>"`
	Contacts     []int64         `json:"contacts" doc:"ids of the contacts to reach about the job, sorted"`
	// ManagedBy goes for the job, TargetsManagedBy for its targets.
	ManagedBy        string     `json:"managed_by" doc:"who manages it by fleet files, and so alone may change it; empty: it is edited by hand"`
	TargetsManagedBy string     `json:"targets_managed_by" doc:"who manages its targets by fleet files; empty: they are edited by hand"`
	TargetCount      *int64     `json:"targets,omitempty" doc:"how many live targets it has; not in events, since their edits are others' events"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
	DeletedAt        *time.Time `json:"deleted_at,omitempty"`

	Version int64 `json:"-"`
}

// Target is one endpoint that a job scrapes.
type Target struct {
	ID        int64             `json:"id"`
	Job       int64             `json:"job" doc:"id of the job that scrapes it"`
	Name      string            `json:"name"`
	Remark    string            `json:"remark"`
	Addr      string            `json:"addr" doc:"the target's __address__" example:"10.0.0.1:9100"`
	Labels    map[string]string `json:"labels"`
	Tags      []string          `json:"tags" doc:"tags of the target, sorted"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
	DeletedAt *time.Time        `json:"deleted_at,omitempty"`

	Version int64 `json:"-"`
}

// ReadOnly are the fields that the server sets. Input may carry them, so that
// what a GET answered can be changed and PUT back; they are ignored.
type ReadOnly struct {
	ID        int64      `json:"id,omitempty" doc:"ignored in input"`
	CreatedAt *time.Time `json:"created_at,omitempty" doc:"ignored in input"`
	UpdatedAt *time.Time `json:"updated_at,omitempty" doc:"ignored in input"`
	DeletedAt *time.Time `json:"deleted_at,omitempty" doc:"ignored in input"`
}

// NodeInput is what a user may set of a node; its other fields come from its agent.
type NodeInput struct {
	Tags       []string `json:"tags,omitempty" maxItems:"64" doc:"tags of the node; new ones are created"`
	BaseConfig string   `json:"base_config,omitempty" doc:"prometheus.yml without scrape_configs, as YAML text"`
	Contacts   []int64  `json:"contacts,omitempty" maxItems:"20" doc:"ids of the contacts to reach about the node"`
	ManagedBy  *string  `json:"managed_by,omitempty" doc:"an empty one releases the node from who manages it"`
}

// JobInput is what a user sets of a job.
type JobInput struct {
	ReadOnly
	Node         string          `json:"node" format:"uuid" doc:"the node that scrapes it; it cannot be changed later"`
	Key          string          `json:"key" doc:"^[a-zA-Z][0-9a-zA-Z_]*$, at most 128 characters, unique among the live jobs of the node"`
	JobName      string          `json:"job_name,omitempty" doc:"Prometheus's job_name; default: the key"`
	Remark       string          `json:"remark,omitempty"`
	ScrapeConfig json.RawMessage `json:"scrape_config,omitempty" doc:"any field of a Prometheus scrape_config but job_name; a secret given as <secret> stays what it was"`
	Contacts     []int64         `json:"contacts,omitempty" maxItems:"20" doc:"ids of the contacts to reach about the job"`
	// ManagedBy and TargetsManagedBy mean something to PATCH alone: others ignore
	// them, so that what a GET answered can be PUT back.
	ManagedBy        *string `json:"managed_by,omitempty" doc:"PATCH: an empty one releases the job from who manages it; else ignored"`
	TargetsManagedBy *string `json:"targets_managed_by,omitempty" doc:"PATCH: an empty one releases its targets; else ignored"`
}

// TargetInput is what a user sets of a target.
type TargetInput struct {
	ReadOnly
	Job    int64             `json:"job,omitempty" doc:"id of the job that scrapes it; it cannot be changed later"`
	Name   string            `json:"name,omitempty" doc:"with addr, unique among the live targets of the job"`
	Remark string            `json:"remark,omitempty"`
	Addr   string            `json:"addr" doc:"host, host:port, [v6]:port, or a URL for probe jobs"`
	Labels map[string]string `json:"labels,omitempty" doc:"labels of the target; __meta_ and __tmp are reserved"`
	Tags   []string          `json:"tags,omitempty" maxItems:"64" doc:"tags of the target; new ones are created"`
}

// Role is what a caller may do. Each role may do what the ones before it may.
type Role string

// The roles. Agents have one of their own, and so have those who only ask for the
// targets of a job (HTTP SD); neither is one of the users'.
const (
	RoleViewer Role = "viewer"
	RoleEditor Role = "editor"
	RoleAdmin  Role = "admin"
	RoleAgent  Role = "agent"
	RoleSD     Role = "sd"
)

// Token lets a script call the API.
type Token struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	Role       Role       `json:"role" enum:"viewer,editor,admin,sd"`
	User       int64      `json:"user,omitempty" doc:"id of the user whose it is; absent: it is nobody's"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"absent: it does not expire"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"to the minute"`
	DeletedAt  *time.Time `json:"deleted_at,omitempty" doc:"when it was revoked"`
}

// TokenInput asks for a new token.
type TokenInput struct {
	Name      string     `json:"name" minLength:"1" maxLength:"200"`
	Role      Role       `json:"role" enum:"viewer,editor,admin,sd" doc:"sd: HTTP SD and nothing else"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// UserTokenInput asks for a new token of a user's.
type UserTokenInput struct {
	Name      string     `json:"name" minLength:"1" maxLength:"200"`
	Role      Role       `json:"role,omitempty" enum:"viewer,editor,admin" doc:"at most the user's; default: the user's"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// JoinToken lets an agent register a node for the first time.
type JoinToken struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	MaxUses    int64      `json:"max_uses" doc:"how many nodes may join with it"`
	Uses       int64      `json:"uses" doc:"how many nodes have"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	DeletedAt  *time.Time `json:"deleted_at,omitempty" doc:"when it was revoked"`
}

// JoinTokenInput asks for a new join token.
type JoinTokenInput struct {
	Name      string     `json:"name,omitempty" maxLength:"200"`
	MaxUses   int64      `json:"max_uses,omitempty" minimum:"1" maximum:"100000" default:"1"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"default: in one hour"`
}

// NewToken is a token just created: the only time that its secret is shown.
type NewToken struct {
	Token
	Secret string `json:"secret" doc:"shown once"`
}

// NewJoinToken is a join token just created: the only time that its secret is shown.
type NewJoinToken struct {
	JoinToken
	Secret string `json:"secret" doc:"shown once"`
}

// Event is one write: who changed what, before and after. Events are written in
// the transaction of the change and are never changed themselves.
type Event struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor" doc:"who did it, by id" example:"user/3"`
	ActorName string          `json:"actor_name" doc:"the actor's name at that time" example:"alice"`
	Action    string          `json:"action" enum:"register,create,update,delete,restore,revoke,revert,password,confirm"`
	Object    string          `json:"object" doc:"what it was done to" example:"job/12"`
	Node      string          `json:"node,omitempty" doc:"uuid of the node it belongs to"`
	Reverts   int64           `json:"reverts,omitempty" doc:"id of the event that this one undid"`
	Before    json.RawMessage `json:"before,omitempty" doc:"the object before, secrets masked"`
	After     json.RawMessage `json:"after,omitempty" doc:"the object after, secrets masked"`
}

// TargetSetChange says what a write of the targets of a job did.
type TargetSetChange struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Kept    int `json:"kept" doc:"already as given"`
}

// TargetsPatch changes all targets that a filter selects.
type TargetsPatch struct {
	Labels     map[string]*string `json:"labels,omitempty" doc:"labels to set; null removes one"`
	AddTags    []string           `json:"add_tags,omitempty" maxItems:"64" doc:"tags to add; new ones are created"`
	RemoveTags []string           `json:"remove_tags,omitempty" maxItems:"64" doc:"tags to remove"`
	Remark     *string            `json:"remark,omitempty"`
	Deleted    bool               `json:"deleted,omitempty" doc:"true deletes them; nothing else can be given beside it"`
}

// TargetsPatched says what a patch of many targets did.
type TargetsPatched struct {
	Matched int `json:"matched" doc:"targets that the filter selects"`
	Updated int `json:"updated" doc:"those of them that were not already so, or that were deleted"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor" doc:"cursor of the next page; empty on the last"`
	Total      int64  `json:"total" doc:"how many there are on all pages"`
}

// RenderedConfig is what a node should have now, as rendered.
type RenderedConfig struct {
	Revision      int64          `json:"revision"`
	PrometheusYML string         `json:"prometheus_yml" doc:"the prometheus.yml, secrets shown as <secret>"`
	Files         []RenderedFile `json:"files" doc:"the other files, sorted by path"`
}

// RenderedFile names one file that the agent writes.
type RenderedFile struct {
	Path    string `json:"path" doc:"below the targets directory" example:"node/all.json"`
	Hash    Hash   `json:"hash" doc:"SHA-256 of the content, hexadecimal"`
	Size    int64  `json:"size" doc:"bytes"`
	Targets int64  `json:"targets" doc:"how many targets are in it"`
}

// Revision is one state of what a node should have.
type Revision struct {
	Number    int64     `json:"number"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor" doc:"whose write made it" example:"user/3"`
	ActorName string    `json:"actor_name" example:"alice"`
}

// Preview is what a write would do, node by node. Nothing was changed.
type Preview struct {
	Nodes []NodePreview `json:"nodes" doc:"the nodes whose files would change, the first 100; none: the write changes no file"`
	More  int           `json:"more" doc:"how many nodes beside these"`
}

// NodePreview is what would change on one node.
type NodePreview struct {
	Node     string       `json:"node" format:"uuid"`
	Hostname string       `json:"hostname"`
	Reload   bool         `json:"reload" doc:"prometheus.yml changes, so Prometheus is reloaded"`
	Files    []FileChange `json:"files" doc:"sorted by path; of all nodes the first 1000"`
	// MoreFiles is how many changed files are not in Files.
	MoreFiles int `json:"more_files" doc:"how many changed files beside these"`

	TargetsAdded   int      `json:"targets_added"`
	TargetsRemoved int      `json:"targets_removed"`
	TargetsChanged int      `json:"targets_changed" doc:"the same address, otherwise another one in the file"`
	Added          []string `json:"added" doc:"addresses of targets added, 100 at the most"`
	Removed        []string `json:"removed" doc:"addresses of targets removed, 100 at the most"`
}

// FileChange is what would change in one file of a node.
type FileChange struct {
	Path      string `json:"path" example:"targets.d/node/all.json"`
	Action    string `json:"action" enum:"create,update,delete"`
	Diff      string `json:"diff" doc:"unified diff, secrets masked"`
	Truncated bool   `json:"truncated" doc:"the diff is longer than what is shown"`
}

// Tag is a free name that nodes and targets may have.
type Tag struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name" example:"开发"`
	Remark    string     `json:"remark"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	DeletedAt *time.Time `json:"deleted_at,omitempty"`

	Version int64 `json:"-"`
}

// TagInput is what a user sets of a tag.
type TagInput struct {
	ReadOnly
	Name   string `json:"name" doc:"unique among the live tags; any text without a comma"`
	Remark string `json:"remark,omitempty"`
}

// User is somebody who logs in. Its password is kept apart and is never read.
type User struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	Role        Role       `json:"role" enum:"viewer,editor,admin"`
	Disabled    bool       `json:"disabled" doc:"may not log in; its sessions have ended"`
	HasPassword bool       `json:"has_password" doc:"without one nobody can log in as the user"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	DeletedAt   *time.Time `json:"deleted_at,omitempty"`

	Version int64 `json:"-"`
}

// UserInput is what an admin sets of a user.
type UserInput struct {
	ReadOnly
	Name     string `json:"name" doc:"unique among the live users"`
	Role     Role   `json:"role" enum:"viewer,editor,admin"`
	Disabled bool   `json:"disabled,omitempty"`

	HasPassword bool `json:"has_password,omitempty" doc:"ignored in input"`
}

// PasswordInput sets the password of a user.
type PasswordInput struct {
	Password string `json:"password" doc:"the new one, 8 to 256 bytes"`
	Current  string `json:"current,omitempty" doc:"the current one; users who set their own must give it"`
}

// Contact is a way to reach a user. Nodes and jobs name the contacts of those to
// reach about them.
type Contact struct {
	ID        int64      `json:"id"`
	User      int64      `json:"user" doc:"id of the user"`
	UserName  string     `json:"user_name"`
	Addr      string     `json:"addr" doc:"postal address, e-mail address or the like"`
	Tel       string     `json:"tel"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	DeletedAt *time.Time `json:"deleted_at,omitempty"`

	Version int64 `json:"-"`
}

// ContactInput is what is set of a contact: at least one of the two.
type ContactInput struct {
	ReadOnly
	User     int64  `json:"user,omitempty" doc:"ignored in input"`
	UserName string `json:"user_name,omitempty" doc:"ignored in input"`
	Addr     string `json:"addr,omitempty"`
	Tel      string `json:"tel,omitempty"`
}

// Login is the name and password of a user.
type Login struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// Session says who the caller is.
type Session struct {
	Actor string `json:"actor" doc:"as in events" example:"user/3"`
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	User  int64  `json:"user,omitempty" doc:"id of the user; absent for a token"`
}
