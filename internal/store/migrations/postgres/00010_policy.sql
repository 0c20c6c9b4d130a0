-- +goose Up

-- What the host's owner allows, as the agent says it: a JSON object; empty: not known.
ALTER TABLE nodes ADD COLUMN report_policy text NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE nodes DROP COLUMN report_policy;
