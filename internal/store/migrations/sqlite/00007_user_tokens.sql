-- +goose Up

-- The user that a token is of, and from when that user's sessions counted when it
-- was made; NULL: it is nobody's.
ALTER TABLE tokens ADD COLUMN user_id INTEGER REFERENCES users (id);
ALTER TABLE tokens ADD COLUMN began TEXT;
CREATE INDEX tokens_user ON tokens (user_id) WHERE user_id IS NOT NULL;

-- +goose Down

-- What is a user's must not outlive the user.
DELETE FROM tokens WHERE user_id IS NOT NULL;
DROP INDEX tokens_user;
ALTER TABLE tokens DROP COLUMN began;
ALTER TABLE tokens DROP COLUMN user_id;
