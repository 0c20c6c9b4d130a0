package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"promfleet"
)

func tagObject(id int64) string { return fmt.Sprintf("tag/%d", id) }

// liveTag gives a tag that is not deleted.
func liveTag(ctx context.Context, tx Tx, id int64) (*promfleet.Tag, error) {
	t, err := tx.Tag(ctx, id)
	if err == nil && t.DeletedAt != nil {
		err = ErrNotFound
	}
	return found(t, err, "tag", id)
}

func validateTag(in promfleet.TagInput) error {
	var f fields
	f.tags("body.name", []string{in.Name})
	f.text("body.remark", in.Remark, MaxRemark, true)
	return f.err()
}

// tagCollision says which tag has the name already.
func tagCollision(ctx context.Context, tx Tx, t *promfleet.Tag) error {
	o, err := tx.TagByName(ctx, t.Name)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && o.ID == t.ID:
		return nil
	case err != nil:
		return err
	}
	return &promfleet.Error{Code: promfleet.Conflict, Message: fmt.Sprintf("tag %d has the name %q already", o.ID, o.Name),
		Fields: []promfleet.FieldError{{Location: "body.name", Message: "taken"}}}
}

// Tags lists tags.
func (s *Service) Tags(ctx context.Context, q ListQuery) (page promfleet.Page[promfleet.Tag], err error) {
	err = s.view(ctx, func(tx Tx) error {
		page, err = tx.ListTags(ctx, q)
		return err
	})
	return page, err
}

// Tag gives one tag.
func (s *Service) Tag(ctx context.Context, id int64) (tag promfleet.Tag, err error) {
	err = s.view(ctx, func(tx Tx) error {
		t, err := liveTag(ctx, tx, id)
		if err == nil {
			tag = *t
		}
		return err
	})
	return tag, err
}

// CreateTag makes a tag that is on nothing yet.
func (s *Service) CreateTag(ctx context.Context, by Principal, in promfleet.TagInput) (promfleet.Tag, error) {
	if err := validateTag(in); err != nil {
		return promfleet.Tag{}, err
	}
	var out promfleet.Tag
	err := s.update(ctx, func(tx Tx, _ *change) error {
		now := s.now()
		t := &promfleet.Tag{Name: in.Name, Remark: in.Remark, CreatedAt: now, UpdatedAt: now, Version: 1}
		if err := tagCollision(ctx, tx, t); err != nil {
			return err
		}
		if err := tx.InsertTag(ctx, t); err != nil {
			return err
		}
		out = *t
		return s.event(ctx, tx, by, "create", tagObject(t.ID), "", nil, out)
	})
	return out, err
}

// PutTag replaces what a user sets of a tag. Another name is what everything that
// has the tag is called by from then on.
func (s *Service) PutTag(ctx context.Context, by Principal, id int64, match Match, in promfleet.TagInput) (promfleet.Tag, error) {
	return s.changeTag(ctx, by, id, match, func(promfleet.Tag) (promfleet.TagInput, error) { return in, nil })
}

// PatchTag changes a tag by a JSON merge patch (RFC 7396).
func (s *Service) PatchTag(ctx context.Context, by Principal, id int64, match Match, patch json.RawMessage) (promfleet.Tag, error) {
	return s.changeTag(ctx, by, id, match, func(was promfleet.Tag) (promfleet.TagInput, error) {
		return mergePatch(promfleet.TagInput{Name: was.Name, Remark: was.Remark}, patch)
	})
}

func (s *Service) changeTag(ctx context.Context, by Principal, id int64, match Match, input func(was promfleet.Tag) (promfleet.TagInput, error)) (out promfleet.Tag, err error) {
	err = s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.changeTagIn(ctx, tx, c, by, id, match, input)
		return err
	})
	return out, err
}

func (s *Service) changeTagIn(ctx context.Context, tx Tx, c *change, by Principal, id int64, match Match, input func(was promfleet.Tag) (promfleet.TagInput, error)) (out promfleet.Tag, err error) {
	t, err := liveTag(ctx, tx, id)
	if err != nil {
		return out, err
	}
	if err := match.check(t.Version); err != nil {
		return out, err
	}
	before := *t
	in, err := input(before)
	if err != nil {
		return out, err
	}
	if err := validateTag(in); err != nil {
		return out, err
	}
	if in.Name == before.Name && in.Remark == before.Remark {
		return before, nil
	}
	if in.Name != before.Name {
		if err := tagEditable(ctx, tx, id); err != nil {
			return out, err
		}
	}
	t.Name, t.Remark, t.UpdatedAt = in.Name, in.Remark, s.now()
	if err := tagCollision(ctx, tx, t); err != nil {
		return out, err
	}
	if err := tx.UpdateTag(ctx, t); err != nil {
		return out, err
	}
	if t.Name != before.Name {
		if err := s.tagChanged(ctx, tx, c, by, id); err != nil {
			return out, err
		}
	}
	return *t, s.event(ctx, tx, by, "update", tagObject(id), "", before, *t)
}

// DeleteTag deletes a tag: nothing has it any more.
func (s *Service) DeleteTag(ctx context.Context, by Principal, id int64, match Match) error {
	return s.update(ctx, func(tx Tx, c *change) error { return s.deleteTag(ctx, tx, c, by, id, match) })
}

func (s *Service) deleteTag(ctx context.Context, tx Tx, c *change, by Principal, id int64, match Match) error {
	t, err := liveTag(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := match.check(t.Version); err != nil {
		return err
	}
	if err := tagEditable(ctx, tx, id); err != nil {
		return err
	}
	before, now := *t, s.now()
	t.DeletedAt, t.UpdatedAt = &now, now
	if err := tx.UpdateTag(ctx, t); err != nil {
		return err
	}
	if err := s.tagChanged(ctx, tx, c, by, id); err != nil {
		return err
	}
	return s.event(ctx, tx, by, "delete", tagObject(id), "", before, nil)
}

// RestoreTag undoes the deletion of a tag: what had it has it again.
func (s *Service) RestoreTag(ctx context.Context, by Principal, id int64) (out promfleet.Tag, err error) {
	err = s.update(ctx, func(tx Tx, c *change) (err error) {
		out, err = s.restoreTag(ctx, tx, c, by, id)
		return err
	})
	return out, err
}

func (s *Service) restoreTag(ctx context.Context, tx Tx, c *change, by Principal, id int64) (out promfleet.Tag, err error) {
	t, err := tx.Tag(ctx, id)
	if _, err = found(t, err, "tag", id); err != nil {
		return out, err
	}
	if t.DeletedAt == nil {
		return out, promfleet.Errorf(promfleet.Conflict, "tag %d is not deleted", id)
	}
	if err := tagCollision(ctx, tx, t); err != nil {
		return out, err
	}
	if err := tagEditable(ctx, tx, id); err != nil {
		return out, err
	}
	t.DeletedAt, t.UpdatedAt = nil, s.now()
	if err := tx.UpdateTag(ctx, t); err != nil {
		return out, err
	}
	if err := s.tagChanged(ctx, tx, c, by, id); err != nil {
		return out, err
	}
	return *t, s.event(ctx, tx, by, "restore", tagObject(id), "", nil, *t)
}

// tag undoes an event of a tag.
func (r *reverting) tag(ctx context.Context) error {
	t, err := r.tx.Tag(ctx, r.id)
	if err != nil {
		return err
	}
	if r.event.After == nil {
		if err := r.gone(t.DeletedAt != nil); err != nil {
			return err
		}
		_, err := r.s.restoreTag(ctx, r.tx, r.c, r.by, r.id)
		return err
	}
	if err := stands(r, *t); err != nil {
		return err
	}
	if r.event.Before == nil {
		return r.s.deleteTag(ctx, r.tx, r.c, r.by, r.id, nil)
	}
	var before promfleet.Tag
	if err := json.Unmarshal(r.event.Before, &before); err != nil {
		return err
	}
	_, err = r.s.changeTagIn(ctx, r.tx, r.c, r.by, r.id, nil, func(promfleet.Tag) (promfleet.TagInput, error) {
		return promfleet.TagInput{Name: before.Name, Remark: before.Remark}, nil
	})
	return err
}
