package store

import "context"

// touch raises the versions of rows, for what is shown of them and kept elsewhere.
func (t *tx) touch(ctx context.Context, table, where string, args ...any) error {
	_, err := t.db.NewRaw("UPDATE "+table+" SET version = version + 1 WHERE "+where, args...).Exec(ctx)
	return t.fail(err, "raise versions of %s", table)
}

func (t *tx) TouchTagged(ctx context.Context, tag int64) error {
	if err := t.touch(ctx, "nodes", "uuid IN (SELECT node_id FROM node_tags WHERE tag_id = ?)", tag); err != nil {
		return err
	}
	return t.touch(ctx, "targets", "id IN (SELECT target_id FROM target_tags WHERE tag_id = ?)", tag)
}

func (t *tx) TouchContact(ctx context.Context, id int64) error {
	if err := t.touch(ctx, "nodes", "uuid IN (SELECT node_id FROM node_contacts WHERE contact_id = ?)", id); err != nil {
		return err
	}
	return t.touch(ctx, "jobs", "id IN (SELECT job_id FROM job_contacts WHERE contact_id = ?)", id)
}

func (t *tx) TouchUser(ctx context.Context, id int64) error {
	const named = "JOIN contacts AS c ON c.id = l.contact_id WHERE c.user_id = ?)"
	if err := t.touch(ctx, "nodes", "uuid IN (SELECT l.node_id FROM node_contacts AS l "+named, id); err != nil {
		return err
	}
	if err := t.touch(ctx, "jobs", "id IN (SELECT l.job_id FROM job_contacts AS l "+named, id); err != nil {
		return err
	}
	return t.touch(ctx, "contacts", "user_id = ?", id)
}
