package fleet_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"promfleet"
	"promfleet/internal/announce"
	"promfleet/internal/fleet"
	"promfleet/internal/secret"
	"promfleet/internal/store"
)

// What depends on time is tested here, where the clock can be moved; what does
// not, over the API.

const password = "correct horse battery"

var (
	root = fleet.Principal{ID: "admin-command", Name: "admin-command", Role: promfleet.RoleAdmin}
	here = netip.MustParseAddr("192.0.2.1")
)

// house is a fleet on an empty database, with a clock that moves when it is told.
type house struct {
	*fleet.Service
	t     *testing.T
	store *store.Store
	mu    sync.Mutex
	time  time.Time
}

func open(t *testing.T) *house {
	t.Helper()
	st, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "promfleet.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{t: t, store: st, time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h.Service = h.withKey()
	return h
}

// withKey gives a fleet on the same database that has another secret key.
func (h *house) withKey() *fleet.Service {
	key := make([]byte, secret.KeySize)
	_, _ = rand.Read(key) // never fails
	box, err := secret.NewBox(key)
	if err != nil {
		h.t.Fatal(err)
	}
	return fleet.New(h.store, box, &announce.Hub{}, h.now)
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.time
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.time = h.time.Add(d)
}

func (h *house) user(name string) promfleet.User {
	h.t.Helper()
	u, err := h.CreateUser(h.t.Context(), root, promfleet.UserInput{Name: name, Role: promfleet.RoleEditor})
	if err == nil {
		err = h.SetPassword(h.t.Context(), root, name, password)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// enter logs in, and gives the beginning of the session.
func (h *house) enter(name, password string, from netip.Addr) (who fleet.Principal, began time.Time, err error) {
	who, err = h.Login(h.t.Context(), name, password, from, func(_ fleet.Principal, b time.Time) (fleet.NewSession, error) {
		began = b
		return fleet.NewSession{Hash: rand.Text(), Data: []byte(name), Expires: h.now().Add(time.Minute)}, nil
	})
	return who, began, err
}

func (h *house) login(name, password string, from netip.Addr) error {
	_, _, err := h.enter(name, password, from)
	return err
}

// begin keeps a session.
func (h *house) begin(hash, data string, lasts time.Duration) {
	h.t.Helper()
	err := h.store.Update(h.t.Context(), func(tx fleet.Tx) error {
		return tx.PutSession(h.t.Context(), hash, []byte(data), h.now().Add(lasts))
	})
	h.want(err, "")
}

// wait gives how long a login that is refused must wait; -1 if it is not told to.
func wait(err error) time.Duration {
	var e *promfleet.Error
	if errors.As(err, &e) && e.Code == promfleet.TooMany {
		return e.RetryAfter
	}
	return -1
}

func (h *house) want(err error, code promfleet.Code) {
	h.t.Helper()
	if promfleet.ErrorCode(err) != code {
		h.t.Fatalf("error %v, want code %q", err, code)
	}
}

// From the fifth failure in a row a name waits 1 s, 2 s and so on, a minute at
// most; then it may try again, and a success ends it. So does a new password.
func TestNameBacksOff(t *testing.T) {
	h := open(t)
	h.user("alice")
	for _, name := range []string{"alice", "nobody"} {
		fails := func(n int) {
			for range n {
				h.want(h.login(name, "wrong", here), promfleet.Unauthorized)
				h.pass(time.Millisecond)
			}
		}
		fails(5)
		for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if got := wait(h.login(name, password, here)); got != seconds*time.Second {
				t.Fatalf("%s waits %s, want %ds", name, got, seconds)
			}
			h.pass(seconds * time.Second)
			here := netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", 100+seconds)) // the address is not what waits
			h.want(h.login(strings.ToUpper(name[:1])+name[1:], "wrong", here), promfleet.Unauthorized)
		}
		if got := wait(h.login(name, password, here)); got != time.Minute {
			t.Errorf("%s waits %s after 13 failures", name, got)
		}
	}
	h.pass(time.Minute)
	h.want(h.login("alice", password, here), "")
	h.want(h.login("alice", "wrong", here), promfleet.Unauthorized)
	h.want(h.login("alice", password, here), "")

	for range 5 {
		h.want(h.login("alice", "wrong", here), promfleet.Unauthorized)
	}
	h.want(h.login("alice", password, here), promfleet.TooMany)
	h.want(h.SetPassword(t.Context(), root, "alice", password), "")
	h.want(h.login("alice", password, here), "")

	// Failures are forgotten after a quarter of an hour without one.
	for range 4 {
		h.want(h.login("alice", "wrong", here), promfleet.Unauthorized)
	}
	h.pass(15 * time.Minute)
	for range 5 {
		h.want(h.login("alice", "wrong", here), promfleet.Unauthorized)
	}
	h.want(h.login("alice", password, here), promfleet.TooMany)
}

// From the twentieth failure an address waits, five minutes at most, whatever the
// names; of IPv6 it is the network. What succeeds does not count.
func TestAddressBacksOff(t *testing.T) {
	h := open(t)
	h.user("alice")
	for _, c := range []struct{ same, other func(i int) string }{
		{func(int) string { return "198.51.100.7" }, func(i int) string { return fmt.Sprintf("198.51.100.%d", 8+i) }},
		{func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", 1+i) }},
	} {
		for i := range 20 {
			h.want(h.login(fmt.Sprint("guess", i), "wrong", netip.MustParseAddr(c.same(i))), promfleet.Unauthorized)
			h.want(h.login("alice", password, netip.MustParseAddr(c.same(i))), []promfleet.Code{"", promfleet.TooMany}[i/19])
		}
		from := netip.MustParseAddr(c.same(99))
		if got := wait(h.login("alice", password, from)); got != time.Second {
			t.Errorf("%s waits %s", from, got)
		}
		if mapped := netip.AddrFrom16(from.As16()); wait(h.login("alice", password, mapped)) != time.Second {
			t.Errorf("%s is let in", mapped)
		}
		h.want(h.login("alice", password, netip.MustParseAddr(c.other(0))), "")
		var longest time.Duration
		for i := range 10 {
			w := wait(h.login("alice", password, from))
			longest = max(longest, w)
			h.pass(max(w, time.Second))
			h.want(h.login(fmt.Sprint("later", i), "wrong", from), promfleet.Unauthorized)
		}
		if longest != 5*time.Minute {
			t.Errorf("the longest wait of %s was %s", from, longest)
		}
		h.pass(time.Hour)
	}
}

// Guessing in parallel gets no more tries than one after another.
func TestParallelGuessesAreCounted(t *testing.T) {
	h := open(t)
	h.user("alice")
	var tried sync.Map
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			err := h.login("alice", "wrong", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
			if promfleet.ErrorCode(err) == promfleet.Unauthorized {
				tried.Store(i, true)
			} else if wait(err) <= 0 {
				t.Errorf("guess %d: %v", i, err)
			}
		})
	}
	all.Wait()
	n := 0
	tried.Range(func(any, any) bool { n++; return true })
	if n != 5 {
		t.Errorf("%d of 64 parallel guesses were tried, want 5", n)
	}
}

// Sessions end when the password is set, and when the user is disabled or deleted;
// one that begins in the same microsecond after that does not.
func TestSessionsEnd(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	u := h.user("alice")
	id := u.ID
	for _, c := range []struct {
		name string
		end  func() error
	}{
		{"password", func() error { return h.SetPassword(ctx, root, "alice", password) }},
		{"disabled and enabled again", func() error {
			_, err := h.PatchUser(ctx, root, id, nil, []byte(`{"disabled":true}`))
			if err == nil {
				_, err = h.PatchUser(ctx, root, id, nil, []byte(`{"disabled":false}`))
			}
			return err
		}},
		{"deleted and restored", func() error {
			err := h.DeleteUser(ctx, root, id, nil)
			if err == nil {
				_, err = h.RestoreUser(ctx, root, id)
			}
			return err
		}},
	} {
		_, before, err := h.enter("alice", password, here)
		h.want(err, "")
		p, err := h.SessionUser(ctx, id, before)
		if want := (fleet.Principal{ID: fmt.Sprintf("user/%d", id), Name: "alice", Role: promfleet.RoleEditor, User: id}); err != nil || p != want {
			t.Fatalf("session of %+v, error %v", p, err)
		}
		h.want(c.end(), "")
		_, after, err := h.enter("alice", password, here)
		h.want(err, "")
		if _, err := h.SessionUser(ctx, id, before); promfleet.ErrorCode(err) != promfleet.Unauthorized {
			t.Errorf("%s: the session of before goes on: %v", c.name, err)
		}
		if _, err := h.SessionUser(ctx, id, after); err != nil {
			t.Errorf("%s: the session of after has ended: %v", c.name, err)
		}
	}
	// A server whose clock is behind sets the password.
	_, before, err := h.enter("alice", password, here)
	h.want(err, "")
	h.pass(-time.Hour)
	h.want(h.SetPassword(ctx, root, "alice", password), "")
	if _, err := h.SessionUser(ctx, id, before); promfleet.ErrorCode(err) != promfleet.Unauthorized {
		t.Errorf("with a clock that is behind, the session of before goes on: %v", err)
	}
	if _, err := h.SessionUser(ctx, 0, time.Time{}); promfleet.ErrorCode(err) != promfleet.Unauthorized {
		t.Errorf("nobody's session: %v", err)
	}
}

// A session is extended only as it was read, and not once it has ended.
func TestSessionIsExtendedOnce(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	until := func(d time.Duration) time.Time { return h.now().Add(d) }
	read := func() string {
		b, err := h.Session(ctx, "hash")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	h.begin("hash", "a", time.Minute)
	h.want(h.ExtendSession(ctx, "hash", []byte("a"), []byte("b"), until(time.Hour)), "")
	h.want(h.ExtendSession(ctx, "hash", []byte("a"), []byte("c"), until(time.Second)), "")
	h.pass(time.Hour - time.Microsecond)
	if got := read(); got != "b" {
		t.Errorf("session is %q, want b", got)
	}
	h.want(h.EndSession(ctx, "hash"), "")
	h.want(h.ExtendSession(ctx, "hash", []byte("b"), []byte("d"), until(time.Hour)), "")
	if got := read(); got != "" {
		t.Errorf("an ended session is %q", got)
	}
	h.begin("hash", "e", time.Minute)
	h.pass(time.Minute)
	if got := read(); got != "" {
		t.Errorf("a session that has expired is %q", got)
	}
}

// A hash made with other parameters is made anew at the next login, and only then.
func TestHashIsRenewed(t *testing.T) {
	h := open(t)
	u := h.user("alice")
	hash := func() (text string) {
		err := h.store.View(t.Context(), func(tx fleet.Tx) (err error) {
			text, err = tx.Password(t.Context(), u.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const today = "$argon2id$v=19$m=19456,t=2,p=1$"
	if got := hash(); !strings.HasPrefix(got, today) {
		t.Fatalf("hash is %s", got)
	}
	old, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 8 << 10, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err == nil {
		err = h.store.Update(t.Context(), func(tx fleet.Tx) error { return tx.SetPassword(t.Context(), u.ID, old, h.now()) })
	}
	if err != nil {
		t.Fatal(err)
	}
	h.want(h.login("alice", "wrong", here), promfleet.Unauthorized)
	if hash() != old {
		t.Error("a wrong password renewed the hash")
	}
	h.want(h.login("alice", password, here), "")
	renewed := hash()
	if !strings.HasPrefix(renewed, today) {
		t.Errorf("the hash was not renewed: %s", renewed)
	}
	h.want(h.login("alice", password, here), "")
	if hash() != renewed {
		t.Error("a hash of today's parameters was made anew")
	}
}
