-- +goose Up

-- When the agent got as far as it says, as a JSON object of times; empty: not known.
ALTER TABLE nodes ADD COLUMN report_steps text NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE nodes DROP COLUMN report_steps;
