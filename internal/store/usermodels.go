package store

import (
	"time"

	"github.com/uptrace/bun"
)

type user struct {
	bun.BaseModel `bun:"table:users,alias:user"`

	ID           int64      `bun:"id,pk,autoincrement"`
	Name         string     `bun:"name"`
	Role         string     `bun:"role"`
	Disabled     bool       `bun:"disabled"`
	SessionsFrom time.Time  `bun:"sessions_from"`
	Search       string     `bun:"search"`
	Version      int64      `bun:"version"`
	CreatedAt    time.Time  `bun:"created_at"`
	UpdatedAt    time.Time  `bun:"updated_at"`
	DeletedAt    *time.Time `bun:"deleted_at,soft_delete"`

	HasPassword bool `bun:"has_password,scanonly"` // by a subquery

	Password *password  `bun:"rel:has-one,join:id=user_id"`
	Contacts []*contact `bun:"rel:has-many,join:id=user_id"`
	Tokens   []*token   `bun:"rel:has-many,join:id=user_id"`
}

// password is a table of its own, so that no query of users can load a hash.
type password struct {
	bun.BaseModel `bun:"table:passwords,alias:password"`

	UserID    int64     `bun:"user_id,pk"`
	Hash      string    `bun:"hash"`
	UpdatedAt time.Time `bun:"updated_at"`

	User *user `bun:"rel:belongs-to,join:user_id=id"`
}

type contact struct {
	bun.BaseModel `bun:"table:contacts,alias:contact"`

	ID        int64      `bun:"id,pk,autoincrement"`
	UserID    int64      `bun:"user_id"`
	Addr      string     `bun:"addr"`
	Tel       string     `bun:"tel"`
	Search    string     `bun:"search"`
	Version   int64      `bun:"version"`
	CreatedAt time.Time  `bun:"created_at"`
	UpdatedAt time.Time  `bun:"updated_at"`
	DeletedAt *time.Time `bun:"deleted_at,soft_delete"`

	UserName string `bun:"user_name,scanonly"` // by a join

	User *user `bun:"rel:belongs-to,join:user_id=id"`
}

type nodeContact struct {
	bun.BaseModel `bun:"table:node_contacts,alias:node_contact"`

	NodeID    string `bun:"node_id,pk"`
	ContactID int64  `bun:"contact_id,pk"`

	Node    *node    `bun:"rel:belongs-to,join:node_id=uuid"`
	Contact *contact `bun:"rel:belongs-to,join:contact_id=id"`
}

type jobContact struct {
	bun.BaseModel `bun:"table:job_contacts,alias:job_contact"`

	JobID     int64 `bun:"job_id,pk"`
	ContactID int64 `bun:"contact_id,pk"`

	Job     *job     `bun:"rel:belongs-to,join:job_id=id"`
	Contact *contact `bun:"rel:belongs-to,join:contact_id=id"`
}

type session struct {
	bun.BaseModel `bun:"table:sessions,alias:session"`

	Hash      string    `bun:"hash,pk"`
	Data      []byte    `bun:"data"`
	ExpiresAt time.Time `bun:"expires_at"`
}

type loginFailure struct {
	bun.BaseModel `bun:"table:login_failures,alias:login_failure"`

	Key   string    `bun:"key,pk"`
	Count int64     `bun:"count"`
	Last  time.Time `bun:"last"`
}

type setting struct {
	bun.BaseModel `bun:"table:settings,alias:setting"`

	Name  string `bun:"name,pk"`
	Value []byte `bun:"value"`
}
