package fleet

import (
	"context"
	"errors"
	"time"

	"promfleet"
	"promfleet/internal/render"
)

// Errors that every method of a Store may return, wrapped. They are found with
// errors.Is; anything else is a failure of the store itself.
var (
	ErrNotFound = errors.New("not found")
	// ErrExists: a unique key is taken by a live record.
	ErrExists = errors.New("already exists")
	// ErrUnwritable: the store's disk is full, read-only or failing; nothing was changed.
	ErrUnwritable = errors.New("the store cannot be written")
	// ErrVersion: the record's version is not the one given.
	ErrVersion = errors.New("version changed")
)

// Store keeps the fleet. There is one conformance suite for all of them:
// internal/store/storetest.
type Store interface {
	// View runs fn in a read-only transaction that sees one state throughout.
	View(ctx context.Context, fn func(tx Tx) error) error
	// Update runs fn in a read-write transaction, serializable with respect to
	// all others, and commits if fn returns nil: after that the change survives
	// a crash. It may run fn again after a conflict, so fn has no effect but on
	// tx. fn's error comes back as it is.
	Update(ctx context.Context, fn func(tx Tx) error) error
	// Ping says whether the store answers.
	Ping(ctx context.Context) error
	Close() error
}

// A Tx is a transaction. It is used by one goroutine, and not after the function
// that it was given to has returned.
//
// "Live" means not deleted. A job is live if it and its node are; a target, if it
// and its job and its node are: deleting a node or a job touches one row.
type Tx interface {
	// Node gives a node, live or deleted. ErrNotFound.
	Node(ctx context.Context, uuid string) (*NodeRecord, error)
	// NodeByCredential gives the live node whose credential has this hash. ErrNotFound.
	NodeByCredential(ctx context.Context, hash []byte) (*NodeRecord, error)
	ListNodes(ctx context.Context, q NodeQuery) (promfleet.Page[NodeRecord], error)
	// InsertNode: ErrExists if the uuid is taken.
	InsertNode(ctx context.Context, n *NodeRecord) error
	// UpdateNode writes all of n but its report and its revision, and sets Version
	// to Version+1.
	// ErrVersion if Version is not the stored one; ErrNotFound.
	UpdateNode(ctx context.Context, n *NodeRecord) error
	// UpdateReport writes the report of a node and nothing else. ErrNotFound.
	UpdateReport(ctx context.Context, uuid string, r NodeReport) error
	// AddRevision raises the node's revision by one, records it, and gives it. ErrNotFound.
	AddRevision(ctx context.Context, uuid string, at time.Time) (int64, error)
	// CountNodesByState counts the live nodes by NodeRecord.State at a time.
	CountNodesByState(ctx context.Context, now time.Time) (map[promfleet.NodeState]int64, error)

	// Job gives a job, live or deleted, whatever its node is. ErrNotFound.
	Job(ctx context.Context, id int64) (*JobRecord, error)
	// JobByKey gives the not-deleted job of a node with a key. ErrNotFound.
	JobByKey(ctx context.Context, node, key string) (*JobRecord, error)
	// JobsOfNode gives the not-deleted jobs of a node, sorted by key (bytewise).
	JobsOfNode(ctx context.Context, node string) ([]JobRecord, error)
	ListJobs(ctx context.Context, q JobQuery) (promfleet.Page[JobRecord], error)
	// InsertJob sets the ID. ErrExists if key or job_name is taken on the node.
	InsertJob(ctx context.Context, j *JobRecord) error
	// UpdateJob writes all of j and sets Version to Version+1. ErrVersion;
	// ErrNotFound; ErrExists if key or job_name is taken on the node.
	UpdateJob(ctx context.Context, j *JobRecord) error
	// UpdateJobParts writes only the parts of j (PartState), whatever its version. ErrNotFound.
	UpdateJobParts(ctx context.Context, id int64, p JobParts) error

	// Target gives a target, live or deleted, whatever its job is. ErrNotFound.
	Target(ctx context.Context, id int64) (*TargetRecord, error)
	ListTargets(ctx context.Context, q TargetQuery) (promfleet.Page[TargetRecord], error)
	// TargetsByAddr gives the not-deleted targets of a job with an address.
	TargetsByAddr(ctx context.Context, job int64, addr string) ([]TargetRecord, error)
	// TargetsInRange gives the not-deleted targets of a job with lo <= Split <= hi,
	// sorted by Split, then ID.
	TargetsInRange(ctx context.Context, job int64, lo, hi SplitKey) ([]TargetRecord, error)
	// InsertTargets sets the IDs. ErrExists if an addr and name is taken in the job.
	InsertTargets(ctx context.Context, t []*TargetRecord) error
	// UpdateTarget writes all of t and sets Version to Version+1. ErrVersion;
	// ErrNotFound; ErrExists if addr and name is taken in the job.
	UpdateTarget(ctx context.Context, t *TargetRecord) error

	// PieceAt gives the piece of a job whose range holds key. ErrNotFound.
	PieceAt(ctx context.Context, job int64, key SplitKey) (*Piece, error)
	// PiecesInRange gives the pieces of a job with lo <= Lo <= hi, sorted by Lo.
	PiecesInRange(ctx context.Context, job int64, lo, hi SplitKey) ([]Piece, error)
	// ReplacePieces deletes the pieces with lo <= Lo <= hi and inserts others in their stead.
	ReplacePieces(ctx context.Context, job int64, lo, hi SplitKey, with []Piece) error

	// Token gives a token, revoked or not. ErrNotFound.
	Token(ctx context.Context, id int64) (*TokenRecord, error)
	// TokenByHash gives the token with a hash that is not revoked. ErrNotFound.
	TokenByHash(ctx context.Context, hash []byte) (*TokenRecord, error)
	ListTokens(ctx context.Context, q ListQuery) (promfleet.Page[TokenRecord], error)
	InsertToken(ctx context.Context, t *TokenRecord) error
	// UpdateToken writes LastUsedAt and DeletedAt. ErrNotFound.
	UpdateToken(ctx context.Context, t *TokenRecord) error

	// JoinToken gives a join token, revoked or not. ErrNotFound.
	JoinToken(ctx context.Context, id int64) (*JoinTokenRecord, error)
	// JoinTokenByHash gives the join token with a hash that is not revoked. ErrNotFound.
	JoinTokenByHash(ctx context.Context, hash []byte) (*JoinTokenRecord, error)
	ListJoinTokens(ctx context.Context, q ListQuery) (promfleet.Page[JoinTokenRecord], error)
	InsertJoinToken(ctx context.Context, t *JoinTokenRecord) error
	// UpdateJoinToken writes Uses, LastUsedAt and DeletedAt. ErrNotFound.
	UpdateJoinToken(ctx context.Context, t *JoinTokenRecord) error

	// InsertEvent sets the ID; IDs rise in the order of commit.
	InsertEvent(ctx context.Context, e *promfleet.Event) error
	ListEvents(ctx context.Context, q EventQuery) (promfleet.Page[promfleet.Event], error)
}

// NodeRecord is a node as it is kept. Its Status is computed, not kept; its
// BaseConfig is kept sealed, in SealedBase.
type NodeRecord struct {
	promfleet.Node
	CredentialHash []byte // nil: it has none and must join
	SealedBase     []byte // nil: no base config
	Base           PartState
	Revision       int64 // wanted
	Report         NodeReport
}

// NodeReport is what the agent last said.
type NodeReport struct {
	Received, Written, Loaded int64 // revisions
	State                     promfleet.NodeState
	Error                     string
	AgentVersion              string
	PrometheusVersion         string
	TargetsUp, TargetsDown    int64
	LastSeenAt                *time.Time
}

// JobRecord is a job as it is kept, its scrape_config sealed.
type JobRecord struct {
	promfleet.Job
	SealedScrapeConfig []byte
	JobParts
}

// JobParts are the parts of a job in its node's manifest.
type JobParts struct {
	Config PartState // jobs/KEY/config
	Index  PartState // jobs/KEY
	// Targets counts the job's live targets.
	Targets int64
}

// PartState is a part as last rendered.
type PartState struct {
	Hash     promfleet.Hash
	Size     int64
	Revision int64 // of the node, when it last changed
}

// SplitKey places a target among the pieces of its job.
type SplitKey = render.SplitKey

// TargetRecord is a target as it is kept.
type TargetRecord struct {
	promfleet.Target
	Split SplitKey
}

// Piece is a run of a job's targets that share the first Bits bits of their
// SplitKey, Lo being the least. The pieces of a job cover all keys, without overlap.
type Piece struct {
	Lo    SplitKey
	Bits  int
	Count int64
	PartState
}

// TokenRecord is a token as it is kept: its secret only as a SHA-256.
type TokenRecord struct {
	promfleet.Token
	Hash []byte
}

// JoinTokenRecord is a join token as it is kept: its secret only as a SHA-256.
type JoinTokenRecord struct {
	promfleet.JoinToken
	Hash []byte
}

// ListQuery is what all lists take.
type ListQuery struct {
	Limit   int    // 1 to 1000
	Cursor  string // "" for the first page; else a NextCursor of the same query
	Q       string // substring, without regard to case
	Sort    string // a field of the list's own, "-" before it for descending; "" for its default
	Deleted bool   // the deleted ones instead of the live ones
}

// NodeQuery selects nodes. Sort: uuid, hostname (default), addr, created_at,
// updated_at, last_seen_at. Q looks in uuid, hostname, addr.
type NodeQuery struct {
	ListQuery
	Tags  []string // all of them
	State promfleet.NodeState
	Now   time.Time // for the state
}

// JobQuery selects jobs. Sort: id (default), key, job_name, created_at,
// updated_at. Q looks in key, job_name, remark.
type JobQuery struct {
	ListQuery
	Node, Key string
}

// TargetQuery selects targets. Sort: id (default), name, addr, created_at,
// updated_at. Q looks in name, addr, remark.
type TargetQuery struct {
	ListQuery
	Job  int64
	Node string
	Tags []string // all of them
	Addr string
}

// EventQuery selects events. Sort: id, -id (default). Q looks in actor, action, object.
type EventQuery struct {
	ListQuery
	Node, Actor, Object string
	Since               time.Time
}

// StaleAfter is how long a node may be silent before it is called stale: three
// times the agent's default sync interval.
const StaleAfter = 90 * time.Second

// State sums the node up. The store's State filter and CountNodesByState say the
// same in SQL.
func (n *NodeRecord) State(now time.Time) promfleet.NodeState {
	switch {
	case n.Report.LastSeenAt == nil || n.Report.State == "":
		return promfleet.StatePending
	case now.Sub(*n.Report.LastSeenAt) > StaleAfter:
		return promfleet.StateStale
	case n.Report.Received < n.Revision, n.Report.State == promfleet.StateInSync && n.Report.Loaded != n.Revision:
		return promfleet.StateApplying
	default:
		return n.Report.State
	}
}
