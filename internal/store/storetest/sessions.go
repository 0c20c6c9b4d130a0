package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"promfleet/internal/fleet"
)

func testSessions(t *testing.T, s fleet.Store) {
	get := func(hash string, now time.Time) (data []byte, err error) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			data, err = tx.Session(ctx, hash, now)
			return nil
		})
		return data, err
	}
	put := func(hash, data string, expires time.Time) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.PutSession(ctx, hash, []byte(data), expires) })
	}
	_, err := get("a", t0)
	wantErr(t, err, fleet.ErrNotFound)
	put("a", "\x00\xff'", t0.Add(time.Minute))
	put("b", "b", t0.Add(time.Hour))
	for now, there := range map[time.Time]bool{
		t0: true, t0.Add(time.Minute - time.Microsecond): true, t0.Add(time.Minute): false, t0.Add(time.Hour): false,
	} {
		data, err := get("a", now)
		if !there {
			wantErr(t, err, fleet.ErrNotFound)
		} else if err != nil || string(data) != "\x00\xff'" {
			t.Errorf("the session at %v: %q, %v", now, data, err)
		}
	}
	put("a", "longer", t0.Add(2*time.Hour))
	if data, err := get("a", t0.Add(time.Hour)); err != nil || string(data) != "longer" {
		t.Errorf("the session, written again: %q, %v", data, err)
	}
	for range 2 { // the second time there is none
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.DeleteSession(ctx, "a") })
	}
	_, err = get("a", t0)
	wantErr(t, err, fleet.ErrNotFound)
	if _, err := get("b", t0); err != nil {
		t.Errorf("another session: %v", err)
	}
}

func testLoginFailures(t *testing.T, s fleet.Store) {
	put := func(key string, f fleet.LoginFailures) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx fleet.Tx) error { return tx.PutLoginFailures(ctx, key, f) })
	}
	check := func(key string, want fleet.LoginFailures) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			got, err := tx.LoginFailures(ctx, key)
			equal(t, "login failures of "+key, got, want)
			return err
		})
	}
	check("user/上海", fleet.LoginFailures{})
	for i := int64(1); i <= 3; i++ {
		f := fleet.LoginFailures{Count: i, Last: t0.Add(time.Duration(i) * time.Second)}
		put("user/上海", f)
		put("addr/192.0.2.1", fleet.LoginFailures{Count: 7, Last: t0})
		check("user/上海", f)
	}
	for range 2 {
		put("user/上海", fleet.LoginFailures{Last: t0})
		check("user/上海", fleet.LoginFailures{})
	}
	check("addr/192.0.2.1", fleet.LoginFailures{Count: 7, Last: t0})
}

func testDeleteExpired(t *testing.T, s fleet.Store) {
	at := func(i int) time.Time { return t0.Add(time.Duration(i) * time.Second) }
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for i := range 10 {
			if err := tx.PutSession(ctx, fmt.Sprint(i), []byte("x"), at(i)); err != nil {
				return err
			}
			if err := tx.PutLoginFailures(ctx, fmt.Sprint(i), fleet.LoginFailures{Count: 1, Last: at(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, tt := range []struct {
		now, failures, limit int
		gone                 int64
		sessions, left       int // that were not deleted
	}{
		{0, 0, 100, 0, 10, 10},
		{3, 5, 2, 4, 8, 8}, // two of each
		{3, 5, 2, 3, 7, 6},
		{3, 5, 2, 1, 7, 5},
		{3, 5, 2, 0, 7, 5},
		{99, 99, 100, 12, 0, 0},
	} {
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			n, err := tx.DeleteExpired(ctx, at(tt.now), at(tt.failures), tt.limit)
			if err == nil && n != tt.gone {
				t.Errorf("%+v: %d were deleted", tt, n)
			}
			return err
		})
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			sessions, failures := 0, 0
			for i := range 10 {
				if _, err := tx.Session(ctx, fmt.Sprint(i), at(-1)); err == nil {
					sessions++
				}
				f, err := tx.LoginFailures(ctx, fmt.Sprint(i))
				if err != nil {
					return err
				}
				failures += int(f.Count)
			}
			if sessions != tt.sessions || failures != tt.left {
				t.Errorf("%+v: %d sessions and %d failures are left", tt, sessions, failures)
			}
			return nil
		})
	}
}

func testSettings(t *testing.T, s fleet.Store) {
	insert := func(value string) error {
		return tryUpdate(s, func(ctx context.Context, tx fleet.Tx) error { return tx.InsertSetting(ctx, "key-check", []byte(value)) })
	}
	get := func() (value []byte, err error) {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			value, err = tx.Setting(ctx, "key-check")
			return nil
		})
		return value, err
	}
	_, err := get()
	wantErr(t, err, fleet.ErrNotFound)
	mustDo(t, insert("\x00\xff"))
	wantErr(t, insert("another"), fleet.ErrExists)
	if value, err := get(); err != nil || string(value) != "\x00\xff" {
		t.Errorf("the setting: %q, %v", value, err)
	}
}
