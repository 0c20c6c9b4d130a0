-- +goose Up

-- Times are UTC text as bun writes them, 'YYYY-MM-DD HH:MM:SS[.ffffff]+00:00':
-- '+' < '.' < '0', so they sort by time bytewise.
-- "search" is the text that q is looked up in, case folded.
-- AUTOINCREMENT: an id is never used again.

CREATE TABLE nodes (
    uuid               TEXT    NOT NULL PRIMARY KEY,
    hostname           TEXT    NOT NULL,
    addr               TEXT    NOT NULL,
    search             TEXT    NOT NULL,
    credential_hash    BLOB,
    sealed_base        BLOB,
    base_hash          TEXT    NOT NULL,
    base_size          INTEGER NOT NULL,
    base_revision      INTEGER NOT NULL,
    revision           INTEGER NOT NULL,
    received           INTEGER NOT NULL,
    written            INTEGER NOT NULL,
    loaded             INTEGER NOT NULL,
    report_state       TEXT    NOT NULL,
    report_error       TEXT    NOT NULL,
    agent_version      TEXT    NOT NULL,
    prometheus_version TEXT    NOT NULL,
    targets_up         INTEGER NOT NULL,
    targets_down       INTEGER NOT NULL,
    last_seen_at       TEXT,
    version            INTEGER NOT NULL,
    created_at         TEXT    NOT NULL,
    updated_at         TEXT    NOT NULL,
    deleted_at         TEXT
);
CREATE UNIQUE INDEX nodes_credential ON nodes (credential_hash) WHERE deleted_at IS NULL AND credential_hash IS NOT NULL;
CREATE INDEX nodes_hostname ON nodes (hostname, uuid) WHERE deleted_at IS NULL;

CREATE TABLE jobs (
    id                   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    node_id              TEXT    NOT NULL REFERENCES nodes (uuid),
    key                  TEXT    NOT NULL,
    job_name             TEXT    NOT NULL,
    remark               TEXT    NOT NULL,
    search               TEXT    NOT NULL,
    sealed_scrape_config BLOB,
    config_hash          TEXT    NOT NULL,
    config_size          INTEGER NOT NULL,
    config_revision      INTEGER NOT NULL,
    index_hash           TEXT    NOT NULL,
    index_size           INTEGER NOT NULL,
    index_revision       INTEGER NOT NULL,
    targets              INTEGER NOT NULL,
    version              INTEGER NOT NULL,
    created_at           TEXT    NOT NULL,
    updated_at           TEXT    NOT NULL,
    deleted_at           TEXT
);
CREATE UNIQUE INDEX jobs_key ON jobs (node_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX jobs_job_name ON jobs (node_id, job_name) WHERE deleted_at IS NULL;

CREATE TABLE targets (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    job_id     INTEGER NOT NULL REFERENCES jobs (id),
    name       TEXT    NOT NULL,
    remark     TEXT    NOT NULL,
    addr       TEXT    NOT NULL,
    labels     TEXT    NOT NULL,
    search     TEXT    NOT NULL,
    split      BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    updated_at TEXT    NOT NULL,
    deleted_at TEXT
);
CREATE UNIQUE INDEX targets_addr ON targets (job_id, addr, name) WHERE deleted_at IS NULL;
CREATE INDEX targets_split ON targets (job_id, split) WHERE deleted_at IS NULL;
CREATE INDEX targets_job ON targets (job_id, id);

CREATE TABLE tags (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    remark     TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    updated_at TEXT    NOT NULL,
    deleted_at TEXT
);
CREATE UNIQUE INDEX tags_name ON tags (name) WHERE deleted_at IS NULL;

CREATE TABLE node_tags (
    node_id TEXT    NOT NULL REFERENCES nodes (uuid),
    tag_id  INTEGER NOT NULL REFERENCES tags (id),
    PRIMARY KEY (node_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX node_tags_tag ON node_tags (tag_id, node_id);

CREATE TABLE target_tags (
    target_id INTEGER NOT NULL REFERENCES targets (id),
    tag_id    INTEGER NOT NULL REFERENCES tags (id),
    PRIMARY KEY (target_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX target_tags_tag ON target_tags (tag_id, target_id);

CREATE TABLE pieces (
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    lo       BLOB    NOT NULL,
    hi       BLOB    NOT NULL,
    bits     INTEGER NOT NULL,
    targets  INTEGER NOT NULL,
    hash     TEXT    NOT NULL,
    size     INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (job_id, lo)
) WITHOUT ROWID;

CREATE TABLE revisions (
    node_id TEXT    NOT NULL REFERENCES nodes (uuid),
    number  INTEGER NOT NULL,
    at      TEXT    NOT NULL,
    PRIMARY KEY (node_id, number)
) WITHOUT ROWID;

CREATE TABLE tokens (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL,
    search       TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    created_at   TEXT    NOT NULL,
    expires_at   TEXT,
    last_used_at TEXT,
    deleted_at   TEXT
);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash) WHERE deleted_at IS NULL;

CREATE TABLE join_tokens (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL,
    search       TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    max_uses     INTEGER NOT NULL,
    uses         INTEGER NOT NULL,
    created_at   TEXT    NOT NULL,
    expires_at   TEXT    NOT NULL,
    last_used_at TEXT,
    deleted_at   TEXT
);
CREATE UNIQUE INDEX join_tokens_hash ON join_tokens (hash) WHERE deleted_at IS NULL;

CREATE TABLE events (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at     TEXT    NOT NULL,
    actor  TEXT    NOT NULL,
    action TEXT    NOT NULL,
    object TEXT    NOT NULL,
    node   TEXT    NOT NULL,
    search TEXT    NOT NULL,
    before TEXT,
    after  TEXT
);
CREATE INDEX events_node ON events (node, id);
CREATE INDEX events_object ON events (object, id);
CREATE INDEX events_actor ON events (actor, id);

-- +goose Down

DROP TABLE events;
DROP TABLE join_tokens;
DROP TABLE tokens;
DROP TABLE revisions;
DROP TABLE pieces;
DROP TABLE target_tags;
DROP TABLE node_tags;
DROP TABLE tags;
DROP TABLE targets;
DROP TABLE jobs;
DROP TABLE nodes;
