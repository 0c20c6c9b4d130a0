-- +goose Up

-- What a server wants to know of an agent, and what that says. Rows live for seconds.
CREATE TABLE questions (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    node_id     TEXT    NOT NULL REFERENCES nodes (uuid),
    kind        TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    asked_at    TEXT    NOT NULL,
    expires_at  TEXT    NOT NULL,
    answer      BLOB,
    answered_at TEXT
);
CREATE INDEX questions_open ON questions (node_id, id) WHERE answered_at IS NULL;
CREATE INDEX questions_expires_at ON questions (expires_at);

-- Who has an address, whatever its job is.
CREATE INDEX targets_anywhere ON targets (addr, id);

-- +goose Down

DROP INDEX targets_anywhere;
DROP TABLE questions;
