-- +goose Up

-- Who manages a record by fleet files; empty: it is edited by hand.
ALTER TABLE nodes ADD COLUMN managed_by text NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN managed_by text NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN targets_managed_by text NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE jobs DROP COLUMN targets_managed_by;
ALTER TABLE jobs DROP COLUMN managed_by;
ALTER TABLE nodes DROP COLUMN managed_by;
