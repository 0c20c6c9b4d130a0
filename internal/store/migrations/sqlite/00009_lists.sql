-- +goose Up

-- The order of all targets by name, and by what was changed last.
CREATE INDEX targets_name ON targets (name, id) WHERE deleted_at IS NULL;
CREATE INDEX targets_updated ON targets (updated_at, id) WHERE deleted_at IS NULL;

-- +goose Down

DROP INDEX targets_updated;
DROP INDEX targets_name;
