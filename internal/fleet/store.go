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
	// ErrUnreachable: the store does not answer; nothing was changed.
	ErrUnreachable = errors.New("the store cannot be reached")
	// ErrUncertain: the connection was lost while a change was being committed;
	// whether it was made is not known.
	ErrUncertain = errors.New("the commit was not confirmed")
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
	// tx. fn's error comes back as it is. After a method has failed with anything
	// but ErrNotFound or ErrVersion the transaction is of no more use, and is not
	// committed even if fn returns nil.
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
	// LockNodes keeps other transactions from writing nodes until this one ends,
	// where a store would otherwise refuse it in the end, because one has written one
	// of them meanwhile: an agent's report is enough. It is called first of all.
	LockNodes(ctx context.Context, uuids []string) error
	// NodesByHostname gives the live nodes with a hostname, sorted by uuid.
	NodesByHostname(ctx context.Context, hostname string) ([]NodeRecord, error)
	// NodesWithTag gives the live nodes that have a tag, itself live or not, sorted
	// by uuid.
	NodesWithTag(ctx context.Context, tag int64) ([]NodeRecord, error)
	ListNodes(ctx context.Context, q NodeQuery) (promfleet.Page[NodeRecord], error)
	// InsertNode: ErrExists if the uuid is taken.
	InsertNode(ctx context.Context, n *NodeRecord) error
	// UpdateNode writes all of n but its report and its revision, and sets Version
	// to Version+1.
	// ErrVersion if Version is not the stored one; ErrNotFound.
	UpdateNode(ctx context.Context, n *NodeRecord) error
	// UpdateReport writes the report of a node and nothing else. ErrNotFound.
	UpdateReport(ctx context.Context, uuid string, r NodeReport) error
	// AddRevision raises the node's revision by one, records it as r (whose Number
	// it sets), and gives it. ErrNotFound.
	AddRevision(ctx context.Context, uuid string, r promfleet.Revision) (int64, error)
	// RevisionsOf gives nodes' revisions, of live ones only: the others are missing.
	RevisionsOf(ctx context.Context, uuids []string) (map[string]int64, error)
	// Revision gives a recorded revision of a node. ErrNotFound.
	Revision(ctx context.Context, uuid string, number int64) (*promfleet.Revision, error)
	// ListRevisions lists the recorded revisions of a node. Sort: number, -number
	// (default). Q and Deleted mean nothing here.
	ListRevisions(ctx context.Context, uuid string, q ListQuery) (promfleet.Page[promfleet.Revision], error)

	// SetHistory says that a part of a node is p from revision p.From on, until it
	// is set again; one set twice in a revision counts as set last.
	SetHistory(ctx context.Context, p PartHistory) error
	// EndHistory says that a node has a part no more from a revision on; of one that
	// it has not, nothing.
	EndHistory(ctx context.Context, node, name string, at int64) error
	// HistoryAt gives the parts that a node had at a revision, sorted by name (bytewise).
	HistoryAt(ctx context.Context, node string, revision int64) ([]PartHistory, error)
	// HasHistory tells whether there is any history of a node.
	HasHistory(ctx context.Context, node string) (bool, error)
	// PruneHistory forgets the revisions of a node below one, and the parts that
	// only those had.
	PruneHistory(ctx context.Context, node string, below int64) error

	// MapNodes gives the nodes that a query selects, in its order, with no more of
	// each than a map of them shows; Cursor and Offset mean nothing. At most Limit,
	// which may be any.
	MapNodes(ctx context.Context, q NodeQuery) (promfleet.NodesMap, error)
	// CountNodesByState counts the live nodes by NodeRecord.State at a time.
	CountNodesByState(ctx context.Context, now time.Time) (map[promfleet.NodeState]int64, error)
	// SumTargets sums what the reports of the live nodes say of their targets.
	SumTargets(ctx context.Context) (up, down int64, err error)

	// Job gives a job, live or deleted, whatever its node is. ErrNotFound.
	Job(ctx context.Context, id int64) (*JobRecord, error)
	// JobByKey gives the not-deleted job of a node with a key. ErrNotFound.
	JobByKey(ctx context.Context, node, key string) (*JobRecord, error)
	// JobByName gives the not-deleted job of a node with a job_name. ErrNotFound.
	JobByName(ctx context.Context, node, jobName string) (*JobRecord, error)
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
	// TargetsByID gives the not-deleted ones of targets, whatever their jobs are, sorted by ID.
	TargetsByID(ctx context.Context, ids []int64) ([]TargetRecord, error)
	// TargetsByAddr gives the not-deleted targets of a job with an address.
	TargetsByAddr(ctx context.Context, job int64, addr string) ([]TargetRecord, error)
	// TargetsInRange gives the not-deleted targets of a job with lo <= Split <= hi,
	// sorted by Split, then ID.
	TargetsInRange(ctx context.Context, job int64, lo, hi SplitKey) ([]TargetRecord, error)
	// TargetsOfJobs gives the not-deleted targets of jobs, sorted by job, then ID.
	TargetsOfJobs(ctx context.Context, jobs []int64) ([]TargetRecord, error)
	// InsertTargets sets the IDs. ErrExists if an addr and name is taken in the job.
	InsertTargets(ctx context.Context, t []*TargetRecord) error
	// TargetsAfter gives not-deleted targets of a job sorted by addr, then name
	// (bytewise), beginning behind one; "", "" for the first. At most limit.
	TargetsAfter(ctx context.Context, job int64, addr, name string, limit int) ([]TargetRecord, error)
	// LabelNames gives the names of the labels of a job's not-deleted targets, sorted.
	LabelNames(ctx context.Context, job int64) ([]string, error)
	// TargetsMatching gives the targets that a query selects, sorted by ID,
	// beginning behind one; Cursor, Sort and Limit of the query mean nothing. At
	// most limit.
	TargetsMatching(ctx context.Context, q TargetQuery, after int64, limit int) ([]TargetRecord, error)
	// UpdateTargets writes all of each and sets Version to Version+1. ErrVersion;
	// ErrNotFound; ErrExists if addr and name is taken in the job. After an error
	// some may have been written; as after any, nothing is committed.
	UpdateTargets(ctx context.Context, t []*TargetRecord) error

	// PieceAt gives the piece of a job whose range holds key. ErrNotFound.
	PieceAt(ctx context.Context, job int64, key SplitKey) (*Piece, error)
	// PiecesInRange gives the pieces of a job with lo <= Lo <= hi, sorted by Lo.
	PiecesInRange(ctx context.Context, job int64, lo, hi SplitKey) ([]Piece, error)
	// ReplacePieces deletes the pieces with lo <= Lo <= hi and inserts others in their stead.
	ReplacePieces(ctx context.Context, job int64, lo, hi SplitKey, with []Piece) error

	// Tag gives a tag, live or deleted. ErrNotFound.
	Tag(ctx context.Context, id int64) (*promfleet.Tag, error)
	// TagByName gives the live tag of a name. ErrNotFound.
	TagByName(ctx context.Context, name string) (*promfleet.Tag, error)
	// ListTags lists tags. Sort: id, name (default), created_at, updated_at. Q looks
	// in name, remark.
	ListTags(ctx context.Context, q ListQuery) (promfleet.Page[promfleet.Tag], error)
	// InsertTag sets the ID. ErrExists if the name is taken by a live one.
	InsertTag(ctx context.Context, t *promfleet.Tag) error
	// UpdateTag writes all of t and sets Version to Version+1. ErrVersion;
	// ErrNotFound; ErrExists. A deleted tag is on nothing; a restored one is on what
	// it was on and what has since not been given tags anew.
	UpdateTag(ctx context.Context, t *promfleet.Tag) error
	// TouchTagged raises the versions of the nodes and targets that have a tag, be it
	// deleted or not: what is shown of them changes.
	TouchTagged(ctx context.Context, tag int64) error
	// JobsWithTag gives the not-deleted jobs, whatever their nodes are, that have a
	// not-deleted target with a tag, be the tag deleted or not, sorted by ID.
	JobsWithTag(ctx context.Context, tag int64) ([]JobRecord, error)

	// User gives a user, live or deleted. ErrNotFound.
	User(ctx context.Context, id int64) (*UserRecord, error)
	// UserByName gives the live user of a name. ErrNotFound.
	UserByName(ctx context.Context, name string) (*UserRecord, error)
	// ListUsers lists users. Sort: id, name (default), created_at, updated_at. Q
	// looks in name.
	ListUsers(ctx context.Context, q ListQuery) (promfleet.Page[UserRecord], error)
	// AnyUser tells whether there is or was a user.
	AnyUser(ctx context.Context) (bool, error)
	// InsertUser sets the ID. ErrExists if the name is taken by a live one.
	InsertUser(ctx context.Context, u *UserRecord) error
	// UpdateUser writes all of u and sets Version to Version+1. ErrVersion;
	// ErrNotFound; ErrExists.
	UpdateUser(ctx context.Context, u *UserRecord) error
	// Password gives the hash of a user's password. ErrNotFound if there is none.
	Password(ctx context.Context, user int64) (string, error)
	// SetPassword replaces the hash of a user's password.
	SetPassword(ctx context.Context, user int64, hash string, at time.Time) error

	// Contact gives a contact, live or deleted, whatever its user is. ErrNotFound.
	Contact(ctx context.Context, id int64) (*promfleet.Contact, error)
	ListContacts(ctx context.Context, q ContactQuery) (promfleet.Page[promfleet.Contact], error)
	// InsertContact sets the ID.
	InsertContact(ctx context.Context, c *promfleet.Contact) error
	// UpdateContact writes all of c and sets Version to Version+1. ErrVersion; ErrNotFound.
	UpdateContact(ctx context.Context, c *promfleet.Contact) error
	// TouchContact raises the versions of the nodes and jobs that name a contact;
	// TouchUser, of those that name one of a user's, and of the user's contacts.
	TouchContact(ctx context.Context, id int64) error
	TouchUser(ctx context.Context, id int64) error
	// LiveContacts gives those of the ids that are contacts, neither they nor their
	// users deleted, sorted.
	LiveContacts(ctx context.Context, ids []int64) ([]int64, error)

	// Session gives a session by the hash of its token. ErrNotFound if there is none
	// that lasts beyond now.
	Session(ctx context.Context, hash string, now time.Time) ([]byte, error)
	// PutSession writes a session, new or not.
	PutSession(ctx context.Context, hash string, data []byte, expires time.Time) error
	// DeleteSession deletes a session, if there is one.
	DeleteSession(ctx context.Context, hash string) error
	// LoginFailures gives how often a login failed under a key; zero if it never did.
	LoginFailures(ctx context.Context, key string) (LoginFailures, error)
	// PutLoginFailures writes what LoginFailures gives; with a Count of 0 it deletes.
	PutLoginFailures(ctx context.Context, key string, f LoginFailures) error
	// DeleteExpired deletes sessions and questions that ended before now and login
	// failures that were last before then, at most limit of each, and says how many
	// it deleted.
	DeleteExpired(ctx context.Context, now, failures time.Time, limit int) (int64, error)

	// InsertQuestions sets the IDs. ErrNotFound if there is no such node.
	InsertQuestions(ctx context.Context, questions []*QuestionRecord) error
	// OpenQuestions gives the questions to a node that it has not answered and that
	// last beyond now, oldest first, at most limit.
	OpenQuestions(ctx context.Context, node string, now time.Time, limit int) ([]QuestionRecord, error)
	// AnswerQuestion: ErrNotFound if the node has no such open question.
	AnswerQuestion(ctx context.Context, node string, id int64, answer []byte, now time.Time) error
	// AnsweredQuestions gives those of the questions that are answered, by ID.
	AnsweredQuestions(ctx context.Context, ids []int64) ([]QuestionRecord, error)
	// DeleteQuestions deletes questions; those that are not there are none.
	DeleteQuestions(ctx context.Context, ids []int64) error

	// Setting gives a value of the installation's own. ErrNotFound.
	Setting(ctx context.Context, name string) ([]byte, error)
	// InsertSetting: ErrExists if it has a value.
	InsertSetting(ctx context.Context, name string, value []byte) error

	// Token gives a token, revoked or not. ErrNotFound.
	Token(ctx context.Context, id int64) (*TokenRecord, error)
	// TokenByHash gives the token with a hash that is not revoked. ErrNotFound.
	TokenByHash(ctx context.Context, hash []byte) (*TokenRecord, error)
	ListTokens(ctx context.Context, q ListQuery) (promfleet.Page[TokenRecord], error)
	// TokensOf gives the tokens of a user that are not revoked, by id.
	TokensOf(ctx context.Context, user int64) ([]TokenRecord, error)
	InsertToken(ctx context.Context, t *TokenRecord) error
	// UpdateToken writes LastUsedAt and DeletedAt. ErrNotFound.
	UpdateToken(ctx context.Context, t *TokenRecord) error

	// JoinToken gives a join token, revoked or not. ErrNotFound.
	JoinToken(ctx context.Context, id int64) (*JoinTokenRecord, error)
	// JoinTokenByHash gives the join token with a hash that is not revoked. ErrNotFound.
	JoinTokenByHash(ctx context.Context, hash []byte) (*JoinTokenRecord, error)
	ListJoinTokens(ctx context.Context, q JoinTokenQuery) (promfleet.Page[JoinTokenRecord], error)
	InsertJoinToken(ctx context.Context, t *JoinTokenRecord) error
	// UpdateJoinToken writes Uses, LastUsedAt and DeletedAt. ErrNotFound.
	UpdateJoinToken(ctx context.Context, t *JoinTokenRecord) error

	// InsertEvent sets the ID. IDs rise; on several servers, those of writes at the
	// same time not always in the order of commit.
	InsertEvent(ctx context.Context, e *EventRecord) error
	// Event gives an event. ErrNotFound.
	Event(ctx context.Context, id int64) (*EventRecord, error)
	// EventsAbove gives the events of an object with a greater ID, oldest first, at
	// most limit, without what is sealed in them.
	EventsAbove(ctx context.Context, object string, id int64, limit int) ([]promfleet.Event, error)
	ListEvents(ctx context.Context, q EventQuery) (promfleet.Page[promfleet.Event], error)
	// DeleteEvents deletes events before a time, at most limit, and says how many.
	DeleteEvents(ctx context.Context, before time.Time, limit int) (int64, error)
}

// NodeRecord is a node as it is kept. Its Status is computed, not kept; its
// BaseConfig is kept sealed, in SealedBase.
type NodeRecord struct {
	promfleet.Node
	CredentialHash []byte // nil: it has none and must join
	Confirmed      int64  // the revision whose large removal was confirmed; 0: none
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
	Notices                   []string // nil: none
	AgentVersion              string
	PrometheusVersion         string
	TargetsUp, TargetsDown    int64
	LastSeenAt                *time.Time
	Steps                     promfleet.Steps
	Policy                    *promfleet.Policy // nil: not known
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
	// SetVersion counts the edits of the job's targets; it is the ETag of the set.
	SetVersion int64
}

// PartHistory is a part of a node from a revision on: what it takes to show the
// files of that revision.
type PartHistory struct {
	Node, Name string // Name: of the part in the manifest
	From       int64  // revision
	JobName    string // of a job
	Sealed     []byte // base config or scrape_config, as the record has it
	Index      []byte // of a job: the body of its index
}

// UserRecord is a user as it is kept.
type UserRecord struct {
	promfleet.User
	// SessionsFrom: sessions that began before are no more.
	SessionsFrom time.Time
}

// LoginFailures counts logins that failed in a row.
type LoginFailures struct {
	Count int64
	Last  time.Time
}

// QuestionRecord is a question to the agent of a node as it is kept.
type QuestionRecord struct {
	ID                 int64
	Node               string
	Kind               promfleet.QuestionKind
	Body               []byte // the promfleet.Question, JSON
	AskedAt, ExpiresAt time.Time
	Answer             []byte // the promfleet.Answer, JSON; nil: not answered
}

// EventRecord is an event as it is kept.
type EventRecord struct {
	promfleet.Event
	// SealedBefore is the configuration that the object had before, as its record
	// has it, secrets and all; nil if there is none.
	SealedBefore []byte
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
	Hash  []byte
	Began *time.Time // the user's SessionsFrom when it was made; nil: it is nobody's
}

// JoinTokenQuery selects join tokens. Sort: id (default), name, created_at,
// expires_at, last_used_at. Q looks in the name.
type JoinTokenQuery struct {
	ListQuery
	State JoinTokenState // "": whatever it is
	Now   time.Time      // for State
}

// JoinTokenState says whether a join token lets nodes join.
type JoinTokenState string

// The states of those that are not revoked.
const (
	JoinTokenUsable JoinTokenState = "usable"
	JoinTokenOver   JoinTokenState = "over" // used up or expired
)

// JoinTokenRecord is a join token as it is kept: its secret only as a SHA-256.
type JoinTokenRecord struct {
	promfleet.JoinToken
	Hash []byte
}

// MaxOffset is the most rows that a list query may pass over.
const MaxOffset = 1_000_000

// ListQuery is what all lists take.
type ListQuery struct {
	Limit   int    // 1 to 1000
	Cursor  string // "" for the first page; else a NextCursor of the same query
	Offset  int    // how many rows come before the page, 0 to MaxOffset; without a Cursor only
	Q       string // substring, without regard to case
	Sort    string // a field of the list's own, "-" before it for descending; "" for its default
	Deleted bool   // the deleted ones instead of the live ones
}

// NodeQuery selects nodes. Sort: uuid, hostname (default), addr, created_at,
// updated_at, last_seen_at. Q looks in uuid, hostname, addr.
type NodeQuery struct {
	ListQuery
	UUIDs     []string // any of them; none: whatever their uuids
	Tags      []string // all of them
	State     promfleet.NodeState
	Now       time.Time // for the state
	ManagedBy string
}

// JobQuery selects jobs. Sort: id (default), key, job_name, created_at,
// updated_at. Q looks in key, job_name, remark.
type JobQuery struct {
	ListQuery
	IDs                  []int64 // any of them; none: whatever their ids
	Node, Key, ManagedBy string
}

// TargetQuery selects targets. Sort: id (default), name, addr, created_at,
// updated_at. Q looks in name, addr, remark.
type TargetQuery struct {
	ListQuery
	IDs  []int64 // any of them; none: whatever their ids
	Job  int64
	Node string
	Tags []string // all of them
	Addr string
}

// ContactQuery selects contacts, of live users only unless Deleted. Sort: id
// (default), addr, tel, created_at, updated_at. Q looks in addr, tel.
type ContactQuery struct {
	ListQuery
	User int64
	Node string // those that a node names
	Job  int64  // those that a job names
}

// EventQuery selects events. Sort: id, -id (default). Q looks in actor, actor
// name, action, object.
type EventQuery struct {
	ListQuery
	Node, Actor, Object string
	Since               time.Time
	Without             []string // kinds of objects, as "user"
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
