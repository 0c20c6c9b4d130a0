-- +goose Up

-- What the agent says beside its error, as a JSON list of texts; empty: nothing.
ALTER TABLE nodes ADD COLUMN report_notices TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE nodes DROP COLUMN report_notices;
