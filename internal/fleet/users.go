package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"promfleet"
)

// MaxUserName bounds the name of a user, in bytes.
const MaxUserName = 200

func userObject(id int64) string { return fmt.Sprintf("user/%d", id) }

// liveUser gives a user that is not deleted.
func liveUser(ctx context.Context, tx Tx, id int64) (*UserRecord, error) {
	u, err := tx.User(ctx, id)
	if err == nil && u.DeletedAt != nil {
		err = ErrNotFound
	}
	return found(u, err, "user", id)
}

// line checks a text of one line that people type and compare by sight.
func (f *fields) line(location, s string, limit int) {
	if f.text(location, s, limit, false); strings.TrimSpace(s) != s {
		f.add(location, "has space around it")
	}
}

func (f *fields) userName(location, name string) {
	if f.line(location, name, MaxUserName); name == "" {
		f.add(location, "is missing")
	}
}

func validateUser(in promfleet.UserInput) error {
	var f fields
	f.userName("body.name", in.Name)
	switch in.Role {
	case promfleet.RoleViewer, promfleet.RoleEditor, promfleet.RoleAdmin:
	default:
		f.add("body.role", "must be viewer, editor or admin")
	}
	return f.err()
}

// userCollision says which user has the name already.
func userCollision(ctx context.Context, tx Tx, u *UserRecord) error {
	o, err := tx.UserByName(ctx, u.Name)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && o.ID == u.ID:
		return nil
	case err != nil:
		return err
	}
	return &promfleet.Error{Code: promfleet.Conflict, Message: fmt.Sprintf("user %d has the name %q already", o.ID, o.Name),
		Fields: []promfleet.FieldError{{Location: "body.name", Message: "taken"}}}
}

// governs tells whether a user can log in as an admin.
func governs(ctx context.Context, tx Tx, u *UserRecord) (bool, error) {
	if u.DeletedAt != nil || u.Disabled || u.Role != promfleet.RoleAdmin {
		return false, nil
	}
	_, err := tx.Password(ctx, u.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// notTheLast refuses what would leave nobody who can log in as an admin. u is the
// user as it is before that.
func notTheLast(ctx context.Context, tx Tx, u *UserRecord, done string) error {
	if is, err := governs(ctx, tx, u); err != nil || !is {
		return err
	}
	q := ListQuery{Limit: 1000, Sort: "id"}
	for {
		page, err := tx.ListUsers(ctx, q)
		if err != nil {
			return err
		}
		for _, o := range page.Items {
			if o.ID == u.ID {
				continue
			}
			if is, err := governs(ctx, tx, &o); err != nil || is {
				return err
			}
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return promfleet.Errorf(promfleet.Conflict, "user %q is the last admin who can log in and cannot be %s; give another user the role admin and a password first", u.Name, done)
		}
	}
}

// endSessions ends the sessions of a user. The time rises with every call, so that
// a session that begins after it is told from one that began before.
func (s *Service) endSessions(u *UserRecord) {
	now := s.now()
	if !now.After(u.SessionsFrom) {
		now = u.SessionsFrom.Add(time.Microsecond)
	}
	u.SessionsFrom = now
}

// Users lists users.
func (s *Service) Users(ctx context.Context, q ListQuery) (page promfleet.Page[promfleet.User], err error) {
	err = s.view(ctx, func(tx Tx) error {
		p, err := tx.ListUsers(ctx, q)
		if err != nil {
			return err
		}
		page, err = convert(p, func(u UserRecord) (promfleet.User, error) { return u.User, nil })
		return err
	})
	return page, err
}

// User gives one user.
func (s *Service) User(ctx context.Context, id int64) (user promfleet.User, err error) {
	err = s.view(ctx, func(tx Tx) error {
		u, err := liveUser(ctx, tx, id)
		if err == nil {
			user = u.User
		}
		return err
	})
	return user, err
}

// CreateUser makes a user, who can log in once a password is set.
func (s *Service) CreateUser(ctx context.Context, by Principal, in promfleet.UserInput) (promfleet.User, error) {
	if err := validateUser(in); err != nil {
		return promfleet.User{}, err
	}
	var out promfleet.User
	err := s.update(ctx, func(tx Tx, _ *change) error {
		now := s.now()
		u := &UserRecord{User: promfleet.User{Name: in.Name, Role: in.Role, Disabled: in.Disabled,
			CreatedAt: now, UpdatedAt: now, Version: 1}, SessionsFrom: now}
		if err := userCollision(ctx, tx, u); err != nil {
			return err
		}
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		out = u.User
		return s.event(ctx, tx, by, "create", userObject(u.ID), "", nil, out)
	})
	return out, err
}

// PutUser replaces what an admin sets of a user.
func (s *Service) PutUser(ctx context.Context, by Principal, id int64, match Match, in promfleet.UserInput) (promfleet.User, error) {
	return s.changeUser(ctx, by, id, match, func(promfleet.User) (promfleet.UserInput, error) { return in, nil })
}

// PatchUser changes a user by a JSON merge patch (RFC 7396).
func (s *Service) PatchUser(ctx context.Context, by Principal, id int64, match Match, patch json.RawMessage) (promfleet.User, error) {
	return s.changeUser(ctx, by, id, match, func(was promfleet.User) (promfleet.UserInput, error) {
		return mergePatch(promfleet.UserInput{Name: was.Name, Role: was.Role, Disabled: was.Disabled}, patch)
	})
}

func (s *Service) changeUser(ctx context.Context, by Principal, id int64, match Match, input func(was promfleet.User) (promfleet.UserInput, error)) (promfleet.User, error) {
	var out promfleet.User
	err := s.update(ctx, func(tx Tx, _ *change) error {
		u, err := liveUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := match.check(u.Version); err != nil {
			return err
		}
		before := *u
		in, err := input(before.User)
		if err != nil {
			return err
		}
		if err := validateUser(in); err != nil {
			return err
		}
		if in.Name == before.Name && in.Role == before.Role && in.Disabled == before.Disabled {
			out = before.User
			return nil
		}
		u.Name, u.Role, u.Disabled, u.UpdatedAt = in.Name, in.Role, in.Disabled, s.now()
		if err := userCollision(ctx, tx, u); err != nil {
			return err
		}
		if u.Disabled || u.Role != promfleet.RoleAdmin {
			if err := notTheLast(ctx, tx, &before, "disabled or given another role"); err != nil {
				return err
			}
		}
		ending := u.Disabled && !before.Disabled
		if ending {
			s.endSessions(u)
		}
		if err := tx.UpdateUser(ctx, u); err != nil {
			return err
		}
		left := u.Role // the tokens above it end
		if ending {
			left = ""
		}
		if err := s.endTokens(ctx, tx, by, id, left); err != nil {
			return err
		}
		if u.Name != before.Name {
			if err := tx.TouchUser(ctx, id); err != nil {
				return err
			}
		}
		out = u.User
		return s.event(ctx, tx, by, "update", userObject(id), "", before.User, out)
	})
	return out, err
}

// DeleteUser deletes a user and ends its sessions.
func (s *Service) DeleteUser(ctx context.Context, by Principal, id int64, match Match) error {
	return s.update(ctx, func(tx Tx, _ *change) error {
		u, err := liveUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := match.check(u.Version); err != nil {
			return err
		}
		if err := notTheLast(ctx, tx, u, "deleted"); err != nil {
			return err
		}
		before, now := u.User, s.now()
		u.DeletedAt, u.UpdatedAt = &now, now
		s.endSessions(u)
		if err := tx.UpdateUser(ctx, u); err != nil {
			return err
		}
		if err := s.endTokens(ctx, tx, by, id, ""); err != nil {
			return err
		}
		if err := tx.TouchUser(ctx, id); err != nil {
			return err
		}
		return s.event(ctx, tx, by, "delete", userObject(id), "", before, nil)
	})
}

// RestoreUser undoes the deletion of a user, who has the password of before.
func (s *Service) RestoreUser(ctx context.Context, by Principal, id int64) (promfleet.User, error) {
	var out promfleet.User
	err := s.update(ctx, func(tx Tx, _ *change) error {
		u, err := tx.User(ctx, id)
		if _, err = found(u, err, "user", id); err != nil {
			return err
		}
		if u.DeletedAt == nil {
			return promfleet.Errorf(promfleet.Conflict, "user %d is not deleted", id)
		}
		if err := userCollision(ctx, tx, u); err != nil {
			return err
		}
		u.DeletedAt, u.UpdatedAt = nil, s.now()
		if err := tx.UpdateUser(ctx, u); err != nil {
			return err
		}
		if err := tx.TouchUser(ctx, id); err != nil {
			return err
		}
		out = u.User
		return s.event(ctx, tx, by, "restore", userObject(id), "", nil, out)
	})
	return out, err
}
