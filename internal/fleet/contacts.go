package fleet

import (
	"context"
	"encoding/json"
	"fmt"

	"promfleet"
)

// The bounds of a contact, in bytes.
const (
	MaxContactAddr = 512
	MaxContactTel  = 64
)

func contactObject(id int64) string { return fmt.Sprintf("contact/%d", id) }

// contactOf gives a contact of a user who is not deleted.
func contactOf(ctx context.Context, tx Tx, user, id int64) (*promfleet.Contact, error) {
	if _, err := liveUser(ctx, tx, user); err != nil {
		return nil, err
	}
	c, err := tx.Contact(ctx, id)
	if err == nil && c.User != user {
		err = ErrNotFound
	}
	return found(c, err, fmt.Sprintf("contact of user %d with the id", user), id)
}

// liveContactOf gives one that is not deleted itself.
func liveContactOf(ctx context.Context, tx Tx, user, id int64) (*promfleet.Contact, error) {
	c, err := contactOf(ctx, tx, user, id)
	if err == nil && c.DeletedAt != nil {
		err = promfleet.Errorf(promfleet.NotFound, "contact %d of user %d is deleted", id, user)
	}
	return c, err
}

func validateContact(in promfleet.ContactInput) error {
	var f fields
	f.line("body.addr", in.Addr, MaxContactAddr)
	f.line("body.tel", in.Tel, MaxContactTel)
	if in.Addr == "" && in.Tel == "" {
		f.add("body.addr", "is missing, and so is tel; give one of them, or both")
	}
	return f.err()
}

// Contacts lists the contacts of all users, or of one.
func (s *Service) Contacts(ctx context.Context, q ContactQuery) (page promfleet.Page[promfleet.Contact], err error) {
	err = s.view(ctx, func(tx Tx) error {
		page, err = tx.ListContacts(ctx, q)
		return err
	})
	return page, err
}

// Contact gives one contact of a user.
func (s *Service) Contact(ctx context.Context, user, id int64) (contact promfleet.Contact, err error) {
	err = s.view(ctx, func(tx Tx) error {
		c, err := liveContactOf(ctx, tx, user, id)
		if err == nil {
			contact = *c
		}
		return err
	})
	return contact, err
}

// CreateContact adds a contact to a user.
func (s *Service) CreateContact(ctx context.Context, by Principal, user int64, in promfleet.ContactInput) (promfleet.Contact, error) {
	if err := validateContact(in); err != nil {
		return promfleet.Contact{}, err
	}
	var out promfleet.Contact
	err := s.update(ctx, func(tx Tx, _ *change) error {
		u, err := liveUser(ctx, tx, user)
		if err != nil {
			return err
		}
		now := s.now()
		c := &promfleet.Contact{User: user, UserName: u.Name, Addr: in.Addr, Tel: in.Tel, CreatedAt: now, UpdatedAt: now, Version: 1}
		if err := tx.InsertContact(ctx, c); err != nil {
			return err
		}
		out = *c
		return s.event(ctx, tx, by, "create", contactObject(c.ID), "", nil, out)
	})
	return out, err
}

// PutContact replaces what is set of a contact.
func (s *Service) PutContact(ctx context.Context, by Principal, user, id int64, match Match, in promfleet.ContactInput) (promfleet.Contact, error) {
	return s.changeContact(ctx, by, user, id, match, func(promfleet.Contact) (promfleet.ContactInput, error) { return in, nil })
}

// PatchContact changes a contact by a JSON merge patch (RFC 7396).
func (s *Service) PatchContact(ctx context.Context, by Principal, user, id int64, match Match, patch json.RawMessage) (promfleet.Contact, error) {
	return s.changeContact(ctx, by, user, id, match, func(was promfleet.Contact) (promfleet.ContactInput, error) {
		return mergePatch(promfleet.ContactInput{Addr: was.Addr, Tel: was.Tel}, patch)
	})
}

func (s *Service) changeContact(ctx context.Context, by Principal, user, id int64, match Match, input func(was promfleet.Contact) (promfleet.ContactInput, error)) (promfleet.Contact, error) {
	var out promfleet.Contact
	err := s.update(ctx, func(tx Tx, _ *change) error {
		c, err := liveContactOf(ctx, tx, user, id)
		if err != nil {
			return err
		}
		if err := match.check(c.Version); err != nil {
			return err
		}
		before := *c
		in, err := input(before)
		if err != nil {
			return err
		}
		if err := validateContact(in); err != nil {
			return err
		}
		if in.Addr == before.Addr && in.Tel == before.Tel {
			out = before
			return nil
		}
		c.Addr, c.Tel, c.UpdatedAt = in.Addr, in.Tel, s.now()
		if err := tx.UpdateContact(ctx, c); err != nil {
			return err
		}
		out = *c
		return s.event(ctx, tx, by, "update", contactObject(id), "", before, out)
	})
	return out, err
}

// DeleteContact deletes a contact.
func (s *Service) DeleteContact(ctx context.Context, by Principal, user, id int64, match Match) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		c, err := liveContactOf(ctx, tx, user, id)
		if err != nil {
			return err
		}
		if err := match.check(c.Version); err != nil {
			return err
		}
		before, now := *c, s.now()
		c.DeletedAt, c.UpdatedAt = &now, now
		if err := tx.UpdateContact(ctx, c); err != nil {
			return err
		}
		if err := tx.TouchContact(ctx, id); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "delete", contactObject(id), "", before, nil)
	})
}

// RestoreContact undoes the deletion of a contact.
func (s *Service) RestoreContact(ctx context.Context, by Principal, user, id int64) (promfleet.Contact, error) {
	var out promfleet.Contact
	err := s.update(ctx, func(tx Tx, _ *change) error {
		c, err := contactOf(ctx, tx, user, id)
		if err != nil {
			return err
		}
		if c.DeletedAt == nil {
			return promfleet.Errorf(promfleet.Conflict, "contact %d is not deleted", id)
		}
		c.DeletedAt, c.UpdatedAt = nil, s.now()
		if err := tx.UpdateContact(ctx, c); err != nil {
			return err
		}
		if err := tx.TouchContact(ctx, id); err != nil {
			return err
		}
		out = *c
		return s.event(ctx, tx, by, "restore", contactObject(id), "", nil, out)
	})
	return out, err
}
