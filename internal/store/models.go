package store

import (
	"time"

	"github.com/uptrace/bun"
)

// The models are the tables, with their relations. They stay in this package:
// fleet's records are converted from and to them.

type node struct {
	bun.BaseModel `bun:"table:nodes,alias:node"`

	UUID              string     `bun:"uuid,pk"`
	Hostname          string     `bun:"hostname"`
	Addr              string     `bun:"addr"`
	Search            string     `bun:"search"`
	CredentialHash    []byte     `bun:"credential_hash"`
	Confirmed         int64      `bun:"confirmed"`
	ManagedBy         string     `bun:"managed_by"`
	SealedBase        []byte     `bun:"sealed_base"`
	BaseHash          string     `bun:"base_hash"`
	BaseSize          int64      `bun:"base_size"`
	BaseRevision      int64      `bun:"base_revision"`
	Revision          int64      `bun:"revision"`
	Received          int64      `bun:"received"`
	Written           int64      `bun:"written"`
	Loaded            int64      `bun:"loaded"`
	ReportState       string     `bun:"report_state"`
	ReportError       string     `bun:"report_error"`
	ReportNotices     string     `bun:"report_notices"` // JSON; empty: none
	AgentVersion      string     `bun:"agent_version"`
	PrometheusVersion string     `bun:"prometheus_version"`
	TargetsUp         int64      `bun:"targets_up"`
	TargetsDown       int64      `bun:"targets_down"`
	LastSeenAt        *time.Time `bun:"last_seen_at"`
	ReportSteps       string     `bun:"report_steps"`  // JSON; empty: none
	ReportPolicy      string     `bun:"report_policy"` // JSON; empty: none
	Version           int64      `bun:"version"`
	CreatedAt         time.Time  `bun:"created_at"`
	UpdatedAt         time.Time  `bun:"updated_at"`
	DeletedAt         *time.Time `bun:"deleted_at,soft_delete"`
	JobCount          int64      `bun:"job_count,scanonly"`

	Jobs     []*job     `bun:"rel:has-many,join:uuid=node_id"`
	Tags     []*tag     `bun:"m2m:node_tags,join:Node=Tag"`
	Contacts []*contact `bun:"m2m:node_contacts,join:Node=Contact"`
}

// reportColumns are those of a node that its agent writes.
var reportColumns = []string{
	"received", "written", "loaded", "report_state", "report_error", "report_notices", "agent_version",
	"prometheus_version", "targets_up", "targets_down", "last_seen_at", "report_steps", "report_policy",
}

type job struct {
	bun.BaseModel `bun:"table:jobs,alias:job"`

	ID                 int64      `bun:"id,pk,autoincrement"`
	NodeID             string     `bun:"node_id"`
	Key                string     `bun:"key"`
	JobName            string     `bun:"job_name"`
	Remark             string     `bun:"remark"`
	Search             string     `bun:"search"`
	ManagedBy          string     `bun:"managed_by"`
	TargetsManagedBy   string     `bun:"targets_managed_by"`
	SealedScrapeConfig []byte     `bun:"sealed_scrape_config"`
	ConfigHash         string     `bun:"config_hash"`
	ConfigSize         int64      `bun:"config_size"`
	ConfigRevision     int64      `bun:"config_revision"`
	IndexHash          string     `bun:"index_hash"`
	IndexSize          int64      `bun:"index_size"`
	IndexRevision      int64      `bun:"index_revision"`
	TargetCount        int64      `bun:"targets"`
	SetVersion         int64      `bun:"set_version"`
	Version            int64      `bun:"version"`
	CreatedAt          time.Time  `bun:"created_at"`
	UpdatedAt          time.Time  `bun:"updated_at"`
	DeletedAt          *time.Time `bun:"deleted_at,soft_delete"`

	Node     *node      `bun:"rel:belongs-to,join:node_id=uuid"`
	Targets  []*target  `bun:"rel:has-many,join:id=job_id"`
	Pieces   []*piece   `bun:"rel:has-many,join:id=job_id"`
	Contacts []*contact `bun:"m2m:job_contacts,join:Job=Contact"`
}

// partColumns are those of a job that say how it was last rendered.
var partColumns = []string{
	"config_hash", "config_size", "config_revision",
	"index_hash", "index_size", "index_revision", "targets", "set_version",
}

type target struct {
	bun.BaseModel `bun:"table:targets,alias:target"`

	ID        int64      `bun:"id,pk,autoincrement"`
	JobID     int64      `bun:"job_id"`
	Name      string     `bun:"name"`
	Remark    string     `bun:"remark"`
	Addr      string     `bun:"addr"`
	Labels    string     `bun:"labels"` // JSON
	Search    string     `bun:"search"`
	Split     []byte     `bun:"split"`
	Version   int64      `bun:"version"`
	CreatedAt time.Time  `bun:"created_at"`
	UpdatedAt time.Time  `bun:"updated_at"`
	DeletedAt *time.Time `bun:"deleted_at,soft_delete"`

	Job  *job   `bun:"rel:belongs-to,join:job_id=id"`
	Tags []*tag `bun:"m2m:target_tags,join:Target=Tag"`
}

type tag struct {
	bun.BaseModel `bun:"table:tags,alias:tag"`

	ID        int64      `bun:"id,pk,autoincrement"`
	Name      string     `bun:"name"`
	Remark    string     `bun:"remark"`
	Search    string     `bun:"search"`
	Version   int64      `bun:"version"`
	CreatedAt time.Time  `bun:"created_at"`
	UpdatedAt time.Time  `bun:"updated_at"`
	DeletedAt *time.Time `bun:"deleted_at,soft_delete"`
}

type nodeTag struct {
	bun.BaseModel `bun:"table:node_tags,alias:node_tag"`

	NodeID string `bun:"node_id,pk"`
	TagID  int64  `bun:"tag_id,pk"`

	Node *node `bun:"rel:belongs-to,join:node_id=uuid"`
	Tag  *tag  `bun:"rel:belongs-to,join:tag_id=id"`
}

type targetTag struct {
	bun.BaseModel `bun:"table:target_tags,alias:target_tag"`

	TargetID int64 `bun:"target_id,pk"`
	TagID    int64 `bun:"tag_id,pk"`

	Target *target `bun:"rel:belongs-to,join:target_id=id"`
	Tag    *tag    `bun:"rel:belongs-to,join:tag_id=id"`
}

type piece struct {
	bun.BaseModel `bun:"table:pieces,alias:piece"`

	JobID    int64  `bun:"job_id,pk"`
	Lo       []byte `bun:"lo,pk"`
	Hi       []byte `bun:"hi"` // the last key, so that a query by key needs no arithmetic
	Bits     int    `bun:"bits"`
	Targets  int64  `bun:"targets"`
	Hash     string `bun:"hash"`
	Size     int64  `bun:"size"`
	Revision int64  `bun:"revision"`
}

type revision struct {
	bun.BaseModel `bun:"table:revisions,alias:revision"`

	NodeID    string    `bun:"node_id,pk"`
	Number    int64     `bun:"number,pk"`
	At        time.Time `bun:"at"`
	Actor     string    `bun:"actor"`
	ActorName string    `bun:"actor_name"`
}

type partHistory struct {
	bun.BaseModel `bun:"table:part_history,alias:part"`

	NodeID       string `bun:"node_id,pk"`
	Name         string `bun:"name,pk"`
	FromRevision int64  `bun:"from_revision,pk"`
	ToRevision   *int64 `bun:"to_revision"` // the first that it is not of; NULL: there is none yet
	JobName      string `bun:"job_name"`
	Sealed       []byte `bun:"sealed"`
	IndexBody    []byte `bun:"index_body"`
}

type token struct {
	bun.BaseModel `bun:"table:tokens,alias:token"`

	ID         int64      `bun:"id,pk,autoincrement"`
	Name       string     `bun:"name"`
	Search     string     `bun:"search"`
	Role       string     `bun:"role"`
	Hash       []byte     `bun:"hash"`
	UserID     *int64     `bun:"user_id"` // nil: nobody's
	Began      *time.Time `bun:"began"`
	CreatedAt  time.Time  `bun:"created_at"`
	ExpiresAt  *time.Time `bun:"expires_at"`
	LastUsedAt *time.Time `bun:"last_used_at"`
	DeletedAt  *time.Time `bun:"deleted_at,soft_delete"`

	User *user `bun:"rel:belongs-to,join:user_id=id"`
}

type joinToken struct {
	bun.BaseModel `bun:"table:join_tokens,alias:join_token"`

	ID         int64      `bun:"id,pk,autoincrement"`
	Name       string     `bun:"name"`
	Search     string     `bun:"search"`
	Hash       []byte     `bun:"hash"`
	MaxUses    int64      `bun:"max_uses"`
	Uses       int64      `bun:"uses"`
	CreatedAt  time.Time  `bun:"created_at"`
	ExpiresAt  time.Time  `bun:"expires_at"`
	LastUsedAt *time.Time `bun:"last_used_at"`
	DeletedAt  *time.Time `bun:"deleted_at,soft_delete"`
}

type event struct {
	bun.BaseModel `bun:"table:events,alias:event"`

	ID           int64     `bun:"id,pk,autoincrement"`
	At           time.Time `bun:"at"`
	Actor        string    `bun:"actor"`
	ActorName    string    `bun:"actor_name"`
	Action       string    `bun:"action"`
	Object       string    `bun:"object"`
	Node         string    `bun:"node"`
	Reverts      int64     `bun:"reverts"`
	Search       string    `bun:"search"`
	Before       string    `bun:"before,nullzero"` // JSON
	After        string    `bun:"after,nullzero"`  // JSON
	SealedBefore []byte    `bun:"sealed_before"`
}
