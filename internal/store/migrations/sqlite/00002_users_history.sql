-- +goose Up

-- A tag is a record of its own now: it is edited, searched, deleted and restored.
ALTER TABLE tags ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE tags ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE tags SET search = promfleet_fold(name || char(31) || remark);

ALTER TABLE jobs ADD COLUMN set_version INTEGER NOT NULL DEFAULT 0;

-- An actor was a name until now, and is the id of one from now on.
ALTER TABLE events ADD COLUMN actor_name TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN reverts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN sealed_before BLOB;
UPDATE events SET actor_name = actor;
CREATE INDEX events_at ON events (at);

-- Nothing can show the revisions of before: the history begins here.
DELETE FROM revisions;
ALTER TABLE revisions ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN actor_name TEXT NOT NULL DEFAULT '';

-- A part is of the revisions from_revision <= revision < to_revision.
CREATE TABLE part_history (
    node_id       TEXT    NOT NULL REFERENCES nodes (uuid),
    name          TEXT    NOT NULL,
    from_revision INTEGER NOT NULL,
    to_revision   INTEGER,
    job_name      TEXT    NOT NULL,
    sealed        BLOB,
    index_body    BLOB,
    PRIMARY KEY (node_id, name, from_revision)
);
CREATE INDEX part_history_to ON part_history (node_id, to_revision) WHERE to_revision IS NOT NULL;

CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    disabled      BOOLEAN NOT NULL,
    sessions_from TEXT    NOT NULL,
    search        TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    created_at    TEXT    NOT NULL,
    updated_at    TEXT    NOT NULL,
    deleted_at    TEXT
);
CREATE UNIQUE INDEX users_name ON users (name) WHERE deleted_at IS NULL;

CREATE TABLE passwords (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    hash       TEXT    NOT NULL,
    updated_at TEXT    NOT NULL
);

CREATE TABLE contacts (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    addr       TEXT    NOT NULL,
    tel        TEXT    NOT NULL,
    search     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    updated_at TEXT    NOT NULL,
    deleted_at TEXT
);
CREATE INDEX contacts_user ON contacts (user_id, id);

CREATE TABLE node_contacts (
    node_id    TEXT    NOT NULL REFERENCES nodes (uuid),
    contact_id INTEGER NOT NULL REFERENCES contacts (id),
    PRIMARY KEY (node_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX node_contacts_contact ON node_contacts (contact_id, node_id);

CREATE TABLE job_contacts (
    job_id     INTEGER NOT NULL REFERENCES jobs (id),
    contact_id INTEGER NOT NULL REFERENCES contacts (id),
    PRIMARY KEY (job_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX job_contacts_contact ON job_contacts (contact_id, job_id);

CREATE TABLE sessions (
    hash       TEXT NOT NULL PRIMARY KEY,
    data       BLOB NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE login_failures (
    key   TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    last  TEXT    NOT NULL
);
CREATE INDEX login_failures_last ON login_failures (last);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);

-- +goose Down

DROP TABLE settings;
DROP TABLE login_failures;
DROP TABLE sessions;
DROP TABLE job_contacts;
DROP TABLE node_contacts;
DROP TABLE contacts;
DROP TABLE passwords;
DROP TABLE users;
DROP TABLE part_history;
ALTER TABLE revisions DROP COLUMN actor_name;
ALTER TABLE revisions DROP COLUMN actor;
DROP INDEX events_at;
ALTER TABLE events DROP COLUMN sealed_before;
ALTER TABLE events DROP COLUMN reverts;
ALTER TABLE events DROP COLUMN actor_name;
ALTER TABLE jobs DROP COLUMN set_version;
ALTER TABLE tags DROP COLUMN version;
ALTER TABLE tags DROP COLUMN search;
