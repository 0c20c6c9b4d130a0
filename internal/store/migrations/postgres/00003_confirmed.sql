-- +goose Up

-- The revision of which an editor has said that it may take many targets away.
ALTER TABLE nodes ADD COLUMN confirmed bigint NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE nodes DROP COLUMN confirmed;
